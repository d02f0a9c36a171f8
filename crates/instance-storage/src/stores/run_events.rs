//! Runs together with their events: in one transaction where one database holds both, else in several.

use std::sync::Arc;

use async_trait::async_trait;
use instance_core::clock::Clock;
use instance_core::error::StorageError;
use instance_core::event::EventLogEntry;
use instance_core::ids::RunId;
use instance_core::storage::{
    EventStore, GuardedEvents, GuardedOutcome, NewRun, RunEventStore, RunStore, StoredEvents,
    change_then_store, changes_run, store_then_change, time_of_change,
};

use super::event_log::{Beside, Step, Storing, delete_of_run, free, prepare};
use super::runs::{
    RunEvent, add_missing_snapshots, add_run, change_run, change_run_if, changes_at_once,
    delete_run, outcome_of,
};
use super::{SqlEventLogStorage, SqlRunStorage};
use crate::context::StorageContext;
use crate::db::{Connection, Operation};

/// Whether one database holds runs and events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RunsAndEvents {
    /// One holds both.
    Together,
    /// Each has its own.
    Apart,
}

/// The stores of runs and of events, as one.
pub(crate) struct SqlRunEventStore {
    runs: Arc<SqlRunStorage>,
    events: Arc<SqlEventLogStorage>,
    place: RunsAndEvents,
    clock: Arc<dyn Clock>,
}

impl std::fmt::Debug for SqlRunEventStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SqlRunEventStore").field("place", &self.place).finish_non_exhaustive()
    }
}

impl SqlRunEventStore {
    pub(crate) fn new(
        runs: Arc<SqlRunStorage>,
        events: Arc<SqlEventLogStorage>,
        place: RunsAndEvents,
        context: &StorageContext,
    ) -> Self {
        Self { runs, events, place, clock: Arc::clone(&context.clock) }
    }

    /// Stores a new run with its snapshots, and no events.
    async fn add_run(&self, new_run: NewRun) -> Result<(), StorageError> {
        let run_id = new_run.run.run_id.clone();
        let adding = Operation::of_run("adding a run", &run_id);
        self.runs
            .database()
            .write(adding, move |mut connection: Connection<'_>| {
                Box::pin(async move { add(&mut connection, &new_run).await })
            })
            .await
    }

    /// Stores a new run in one database, then its events in another.
    async fn add_apart(&self, new_run: NewRun) -> Result<StoredEvents, StorageError> {
        let run_id = new_run.run.run_id.clone();
        // What cannot be stored is refused before anything is.
        let events = prepare(&new_run.events)?;
        self.events.check_run(&run_id)?;
        self.events.check_storable(&events).await?;
        let adding = Box::pin(self.add_run(new_run));
        // The file of the run is made while the run is stored, and gets its place afterwards.
        let making = Box::pin(self.events.new_log(&run_id, &events));
        let (added, log) = tokio::join!(adding, making);
        added?;
        let storing = log?.map_or(Storing::Alone, Storing::WithNewLog);
        let stored = Box::pin(self.events.store(storing, events)).await;
        if stored.as_ref().is_err_and(StorageError::is_refusal) {
            // None of them is stored, so the run is not to stay without them. If deleting it fails, it stays, as if the
            // store of events had gone away.
            self.runs.delete_run(&run_id).await.ok();
        }
        stored
    }

    /// Stores a new run and its events in one transaction.
    async fn add_together(&self, new_run: NewRun) -> Result<StoredEvents, StorageError> {
        let events = prepare(&new_run.events)?;
        let adding: Step =
            Box::new(move |connection| Box::pin(async move { add(connection, &new_run).await }));
        let storing = Storing::InTransaction("adding a run with events", Beside::Before(adding));
        self.events.store(storing, events).await
    }

    /// Stores events and changes their runs in one transaction.
    async fn store_together(
        &self,
        entries: &[EventLogEntry],
    ) -> Result<StoredEvents, StorageError> {
        let events = prepare(entries)?;
        let changes: Vec<RunEvent> = entries
            .iter()
            .filter(|entry| changes_run(entry))
            .filter_map(|entry| {
                let event = entry.dagster_event.as_deref()?.clone();
                Some((entry.run_id.clone(), event, time_of_change(entry, &*self.clock)))
            })
            .collect();
        let at_once = changes_at_once(self.runs.database(), &changes).await;
        let changing: Step = Box::new(move |connection| {
            Box::pin(async move {
                for (run_id, event, at) in changes {
                    change_run(connection, &run_id, &event, at).await?;
                }
                Ok(())
            })
        });
        let storing =
            Storing::InTransaction("storing events of runs", Beside::After(changing, at_once));
        self.events.store(storing, events).await
    }

    /// Changes a run on conditions and stores its events in one transaction.
    async fn store_together_if(
        &self,
        change: &GuardedEvents,
    ) -> Result<GuardedOutcome, StorageError> {
        let events = prepare(&change.entries)?;
        let of_run = change.change_of_run(&*self.clock)?;
        let changing: Step = Box::new(move |connection| {
            Box::pin(async move { change_run_if(connection, &of_run).await })
        });
        let storing =
            Storing::InTransaction("storing events on conditions", Beside::Before(changing));
        outcome_of(self.events.store(storing, events).await)
    }
}

/// Stores a new run with its snapshots.
async fn add(connection: &mut Connection<'_>, new_run: &NewRun) -> Result<(), StorageError> {
    let plan = new_run.execution_plan_snapshot.as_ref();
    add_missing_snapshots(connection, &new_run.job_snapshots, plan).await?;
    add_run(connection, &new_run.run, new_run.created_at).await
}

#[async_trait]
impl RunEventStore for SqlRunEventStore {
    async fn add_run_with_events(&self, new_run: NewRun) -> Result<StoredEvents, StorageError> {
        if new_run.events.is_empty() {
            self.add_run(new_run).await?;
            return Ok(StoredEvents::complete(Vec::new()));
        }
        match self.place {
            RunsAndEvents::Together => self.add_together(new_run).await,
            RunsAndEvents::Apart => self.add_apart(new_run).await,
        }
    }

    async fn store_run_events(
        &self,
        entries: &[EventLogEntry],
    ) -> Result<StoredEvents, StorageError> {
        if self.place == RunsAndEvents::Together && entries.iter().any(changes_run) {
            return self.store_together(entries).await;
        }
        // Each in its own database, or nothing of a run changes.
        store_then_change(&*self.events, &*self.runs, entries, &*self.clock).await
    }

    async fn store_run_events_if(
        &self,
        change: &GuardedEvents,
    ) -> Result<GuardedOutcome, StorageError> {
        if self.place == RunsAndEvents::Together && !change.entries.is_empty() {
            return self.store_together_if(change).await;
        }
        change_then_store(&*self.events, &*self.runs, change, &*self.clock).await
    }

    async fn delete_run_with_events(&self, run_id: &RunId) -> Result<(), StorageError> {
        if self.place == RunsAndEvents::Apart {
            self.events.delete_events(run_id).await?;
            return self.runs.delete_run(run_id).await;
        }
        let deleting = Operation::of_run("deleting a run", run_id);
        let run_id = run_id.clone();
        self.runs
            .database()
            .write(deleting, move |mut connection: Connection<'_>| {
                Box::pin(async move {
                    free(&mut connection, &run_id, None).await?;
                    delete_of_run(&mut connection, &run_id).await?;
                    delete_run(&mut connection, &run_id).await
                })
            })
            .await
    }
}
