//! What concerns runs and their events at once.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::clock::{Clock, datetime_of};
use crate::error::{InstanceError, StorageError};
use crate::event::{DagsterEventType, EventLogEntry};
use crate::ids::{RunId, StorageId};
use crate::run::DagsterRun;
use crate::snap::SnapshotBody;
use crate::storage::{
    EventLogStorage, EventStore, GuardedEvents, GuardedOutcome, RunStorage, RunStore,
    require_storable,
};

/// A new run, with what is stored together with it.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct NewRun {
    /// The run.
    pub run: DagsterRun,
    /// When it is created.
    pub created_at: DateTime<Utc>,
    /// The jobs that the run and its events refer to, its own last.
    pub job_snapshots: Vec<SnapshotBody>,
    /// The plan of the run.
    pub execution_plan_snapshot: Option<SnapshotBody>,
    /// Its first events, in their order. None of them changes the status of a run.
    pub events: Vec<EventLogEntry>,
}

crate::setters! {
    impl NewRun {
        /// The jobs that the run and its events refer to, its own last.
        with_job_snapshots(job_snapshots: Vec<SnapshotBody>);
        /// The plan of the run.
        with_execution_plan_snapshot(execution_plan_snapshot: impl Into<Option<SnapshotBody>>);
        /// Its first events, in their order. None of them changes the status of a run.
        with_events(events: Vec<EventLogEntry>);
    }
}

impl NewRun {
    /// A run without snapshots that are to be stored, and without events.
    pub const fn new(run: DagsterRun, created_at: DateTime<Utc>) -> Self {
        Self {
            run,
            created_at,
            job_snapshots: Vec::new(),
            execution_plan_snapshot: None,
            events: Vec::new(),
        }
    }
}

/// The time at which an event changes its run.
///
/// Events have their time in seconds since 1970. A time that is in no calendar counts as the present.
pub fn time_of_change(entry: &EventLogEntry, clock: &dyn Clock) -> DateTime<Utc> {
    datetime_of(entry.timestamp).unwrap_or_else(|| clock.now())
}

/// Whether an entry changes the status of its run.
pub fn changes_run(entry: &EventLogEntry) -> bool {
    entry.event_type().and_then(DagsterEventType::run_status).is_some()
}

/// Runs together with their events.
///
/// Where one database holds both, each method is one transaction. Elsewhere it is several, in an order that ensures
/// two things. Whoever sees an effect also finds its cause. A method that was interrupted can be called again, or
/// leaves no more than a cause without its effect.
#[async_trait]
pub trait RunEventStore: std::fmt::Debug + Send + Sync + 'static {
    /// Stores a new run with its snapshots and its first events.
    ///
    /// In several databases: the snapshots and the run, then the events.
    ///
    /// # Errors
    ///
    /// * [`StorageError::RunAlreadyExists`]; nothing is written.
    /// * [`StorageError::SnapshotDoesNotExist`] if the run names a job snapshot that is neither stored nor given;
    ///   nothing is written.
    /// * An event cannot be stored; neither the run nor an event is.
    /// * One of several databases fails; what was stored in those before it stays.
    async fn add_run_with_events(&self, new_run: NewRun) -> Result<StoredEvents, StorageError>;

    /// Stores entries in their order, and changes the runs as their events demand, as
    /// [`RunStore::handle_run_event`] does. The entries of one run are stored all or none.
    ///
    /// In several databases, the entries are stored first and the runs are changed after them. If an effect of a
    /// stored entry fails, [`StoredEvents::incomplete`] says why.
    ///
    /// # Errors
    ///
    /// Those of [`EventStore::store_events`]. If all entries are of one run, none is stored then.
    async fn store_run_events(
        &self,
        entries: &[EventLogEntry],
    ) -> Result<StoredEvents, StorageError>;

    /// Stores entries of one run and changes the run as they demand, if the run has one of the statuses that are named
    /// and the fence has its value. The notes are written in the transaction of the run's row. Of several callers who
    /// would change a run from the same status, one does.
    ///
    /// The entries change the run in their order, and its row is written once. Entries that change no status leave the
    /// row as it is; the conditions hold all the same.
    ///
    /// [`GuardedOutcome::Stored`] alone says that anything is written. If several conditions do not hold, the outcome
    /// is the first of these: [`NotLeader`](GuardedOutcome::NotLeader),
    /// [`OtherStatus`](GuardedOutcome::OtherStatus), [`NoteExists`](GuardedOutcome::NoteExists).
    ///
    /// In several databases, the run is changed first, unlike in [`store_run_events`](Self::store_run_events): here its row
    /// decides who may store the entries. If storing them fails, [`StoredEvents::incomplete`] says why and
    /// [`StoredEvents::ids`] is empty; the change of the run and the notes stay.
    ///
    /// # Errors
    ///
    /// * [`StorageError::Invalid`] if an entry is of another run, or cannot be stored, or if the run would be queued and
    ///   does not say where its job is.
    /// * Others of [`EventStore::store_events`].
    ///
    /// Nothing is stored then, unless the connection was lost during the commit: nobody knows then.
    async fn store_run_events_if(
        &self,
        change: &GuardedEvents,
    ) -> Result<GuardedOutcome, StorageError>;

    /// Deletes a run with its tags, its events and its claims of pools. An unknown run is no error. Rows of assets
    /// stay as they are.
    ///
    /// In several databases, the claims and the events go first. So if this is interrupted, the run is still found.
    async fn delete_run_with_events(&self, run_id: &RunId) -> Result<(), StorageError>;
}

/// The outcome of storing entries, all of which are stored.
#[derive(Debug)]
#[non_exhaustive]
pub struct StoredEvents {
    /// The ids of their rows, in the order of the entries. Of [`RunEventStore::store_run_events_if`] alone it may be empty
    /// although there are entries: these are not stored, and [`incomplete`](Self::incomplete) says why.
    pub ids: Vec<StorageId>,
    /// Why an effect of an entry is not stored; `None` if all are. The effects of an entry are its row in the index
    /// across runs, and the change of its run. The effects of the other entries are stored all the same. Always
    /// `None` where one database holds everything.
    pub incomplete: Option<StorageError>,
}

impl StoredEvents {
    /// Entries whose effects are all stored.
    pub const fn complete(ids: Vec<StorageId>) -> Self {
        Self { ids, incomplete: None }
    }

    /// What callers are told of these entries, which are of one run.
    ///
    /// # Errors
    ///
    /// [`InstanceError::EventsIncomplete`] if what follows from one of them is not complete.
    pub fn into_result(self, entries: &[EventLogEntry]) -> Result<(), InstanceError> {
        let Some(source) = self.incomplete else {
            return Ok(());
        };
        let run_id = entries.first().map_or_else(RunId::runless, |entry| entry.run_id.clone());
        Err(InstanceError::EventsIncomplete { run_id, source })
    }

    /// Adds the outcome of another effect. The first error is kept.
    #[must_use]
    pub fn and(mut self, followed: Result<(), StorageError>) -> Self {
        self.incomplete = self.incomplete.or(followed.err());
        self
    }
}

crate::setters! {
    impl StoredEvents {
        /// Why an effect of an entry is not stored; `None` if all are.
        with_incomplete(incomplete: impl Into<Option<StorageError>>);
    }
}

/// Stores entries and then changes their runs, where each of the two is in its own database. The log and the index
/// come first, as in [`EventStore::store_events`].
///
/// # Errors
///
/// Those of [`EventStore::store_events`]. If all entries are of one run, none is stored then.
pub async fn store_then_change(
    events: &dyn EventStore,
    runs: &dyn RunStore,
    entries: &[EventLogEntry],
    clock: &dyn Clock,
) -> Result<StoredEvents, StorageError> {
    let stored = events.store_events(entries).await?;
    Ok(stored.and(change_runs(runs, entries, clock).await))
}

/// Changes a run on conditions and then stores the entries that demand it, where each of the two is in its own
/// database. The row of the run decides who may store them, and so it comes first.
///
/// # Errors
///
/// Those of [`RunStore::change_run_if`]. Nothing is stored then.
pub async fn change_then_store(
    events: &dyn EventStore,
    runs: &dyn RunStore,
    change: &GuardedEvents,
    clock: &dyn Clock,
) -> Result<GuardedOutcome, StorageError> {
    // What can never be stored is refused before the run is changed.
    change.entries.iter().try_for_each(require_storable)?;
    let changed = runs.change_run_if(&change.change_of_run(clock)?).await?;
    if !changed.is_stored() {
        return Ok(changed.map(|()| StoredEvents::complete(Vec::new())));
    }
    if change.entries.is_empty() {
        return Ok(GuardedOutcome::Stored(StoredEvents::complete(Vec::new())));
    }
    let stored = events
        .store_events(&change.entries)
        .await
        .unwrap_or_else(|error| StoredEvents::complete(Vec::new()).with_incomplete(error));
    Ok(GuardedOutcome::Stored(stored))
}

/// Changes runs as stored entries demand. It tries all, and returns the first error.
async fn change_runs(
    runs: &dyn RunStore,
    entries: &[EventLogEntry],
    clock: &dyn Clock,
) -> Result<(), StorageError> {
    let mut outcome = Ok(());
    for entry in entries.iter().filter(|entry| changes_run(entry)) {
        if let Some(event) = &entry.dagster_event {
            let at = time_of_change(entry, clock);
            let changed = runs.handle_run_event(&entry.run_id, event, at).await;
            outcome = outcome.and(changed);
        }
    }
    outcome
}

/// The stores of runs and of events, each in its own database, as a [`RunEventStore`].
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct SeparateStores {
    /// The store of runs.
    pub runs: Arc<dyn RunStorage>,
    /// The store of events.
    pub events: Arc<dyn EventLogStorage>,
    /// The clock, for events whose time is in no calendar.
    pub clock: Arc<dyn Clock>,
}

impl SeparateStores {
    /// These stores. The clock is for events whose time is in no calendar.
    pub fn new(
        runs: Arc<dyn RunStorage>,
        events: Arc<dyn EventLogStorage>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { runs, events, clock }
    }

    /// Refuses a run that the store would refuse, before its snapshots are stored.
    async fn require_new(
        &self,
        run: &DagsterRun,
        job_snapshots: &[SnapshotBody],
    ) -> Result<(), StorageError> {
        if self.runs.has_run(&run.run_id).await? {
            return Err(StorageError::RunAlreadyExists { run_id: run.run_id.clone() });
        }
        match &run.job_snapshot_id {
            Some(id)
                if !job_snapshots.iter().any(|given| given.id() == id)
                    && !self.runs.has_job_snapshot(id).await? =>
            {
                let (run_id, snapshot_id) = (run.run_id.clone(), id.clone());
                Err(StorageError::SnapshotDoesNotExist { run_id, snapshot_id })
            }
            _ => Ok(()),
        }
    }
}

#[async_trait]
impl RunEventStore for SeparateStores {
    async fn add_run_with_events(&self, new_run: NewRun) -> Result<StoredEvents, StorageError> {
        let NewRun { run, created_at, job_snapshots, execution_plan_snapshot, events } = new_run;
        self.require_new(&run, &job_snapshots).await?;
        self.runs.add_snapshots(&job_snapshots, execution_plan_snapshot.as_ref()).await?;
        self.runs.add_run(&run, created_at).await?;
        if events.is_empty() {
            return Ok(StoredEvents::complete(Vec::new()));
        }
        let stored = self.events.store_events(&events).await;
        if stored.as_ref().is_err_and(StorageError::is_refusal) {
            // None of them is stored, so only the snapshots are left of the run. If deleting the run fails, a run
            // without events stays. The same would be left if the store of events had gone away.
            self.runs.delete_run(&run.run_id).await.ok();
        }
        stored
    }

    async fn store_run_events(
        &self,
        entries: &[EventLogEntry],
    ) -> Result<StoredEvents, StorageError> {
        store_then_change(&*self.events, &*self.runs, entries, &*self.clock).await
    }

    async fn store_run_events_if(
        &self,
        change: &GuardedEvents,
    ) -> Result<GuardedOutcome, StorageError> {
        change_then_store(&*self.events, &*self.runs, change, &*self.clock).await
    }

    async fn delete_run_with_events(&self, run_id: &RunId) -> Result<(), StorageError> {
        self.events.delete_events(run_id).await?;
        self.runs.delete_run(run_id).await
    }
}
