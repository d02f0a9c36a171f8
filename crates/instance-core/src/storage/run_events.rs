//! What concerns runs and their events at once.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::clock::{Clock, datetime_of};
use crate::error::StorageError;
use crate::event::{DagsterEventType, EventLogEntry};
use crate::ids::{RunId, StorageId};
use crate::run::DagsterRun;
use crate::snap::SnapshotBody;
use crate::storage::{EventLogStorage, EventStore, RunStorage, RunStore};

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

/// A change of a run, and when it was.
///
/// Events come with a time in seconds since 1970; one that is in no calendar counts as the present.
pub fn time_of_change(entry: &EventLogEntry, clock: &dyn Clock) -> DateTime<Utc> {
    datetime_of(entry.timestamp).unwrap_or_else(|| clock.now())
}

/// Whether an entry changes the status of its run.
pub fn changes_run(entry: &EventLogEntry) -> bool {
    entry.event_type().and_then(DagsterEventType::run_status).is_some()
}

/// What concerns runs and their events at once.
///
/// Where one database holds both, each method is one transaction. Where they are in several, it is several,
/// in an order in which whoever sees an effect also finds its cause, and in which a method that was
/// interrupted can be called again or leaves no more than a cause without its effect.
#[async_trait]
pub trait RunEventStore: std::fmt::Debug + Send + Sync + 'static {
    /// Stores a new run with its snapshots and its first events.
    ///
    /// In several databases: the snapshots and the run, then the events.
    ///
    /// # Errors
    ///
    /// [`StorageError::RunAlreadyExists`], and [`StorageError::SnapshotDoesNotExist`] if the run names a job snapshot
    /// that is neither stored nor given; nothing is written then. An event that cannot be stored; neither the run
    /// nor an event is then. An error of one of several databases leaves what was stored in those before it.
    async fn add_run_with_events(&self, new_run: NewRun) -> Result<StoredEvents, StorageError>;

    /// Stores entries in their order, those of one run all or none, and changes the runs as their events
    /// demand, as [`RunStore::handle_run_event`] does.
    ///
    /// In several databases: the entries, then the runs; what does not follow from entries that are stored is
    /// [`StoredEvents::incomplete`].
    ///
    /// # Errors
    ///
    /// Those of [`EventStore::store_events`]: no entry is stored, if all are of one run.
    async fn store_run_events(
        &self,
        entries: &[EventLogEntry],
    ) -> Result<StoredEvents, StorageError>;

    /// Deletes a run with its tags, its events and its claims of pools; an unknown run is no error. Rows of
    /// assets stay as they are.
    ///
    /// In several databases: claims and events, then the run, so that what is interrupted still has a run by
    /// which it is found.
    async fn delete_run_with_events(&self, run_id: &RunId) -> Result<(), StorageError>;
}

/// What became of entries that are stored.
#[derive(Debug)]
pub struct StoredEvents {
    /// The ids of their rows, in the order of the entries.
    pub ids: Vec<StorageId>,
    /// Why what follows from one of them is not stored: its row where events are found across runs, or the change
    /// of its run; what follows from the others is stored all the same. Never where one database holds everything.
    pub incomplete: Option<StorageError>,
}

impl StoredEvents {
    /// Entries from which everything followed that had to.
    pub const fn complete(ids: Vec<StorageId>) -> Self {
        Self { ids, incomplete: None }
    }

    /// The same after another step that follows from the entries; its error counts if none before it did.
    #[must_use]
    pub fn and(mut self, followed: Result<(), StorageError>) -> Self {
        self.incomplete = self.incomplete.or(followed.err());
        self
    }
}

/// Stores entries and changes their runs, where each of the two is in its own database: log and index first, as
/// [`EventStore::store_events`] does, then the runs.
///
/// # Errors
///
/// Those of [`EventStore::store_events`]: no entry is stored, if all are of one run.
pub async fn store_then_change(
    events: &dyn EventStore,
    runs: &dyn RunStore,
    entries: &[EventLogEntry],
    clock: &dyn Clock,
) -> Result<StoredEvents, StorageError> {
    let stored = events.store_events(entries).await?;
    Ok(stored.and(change_runs(runs, entries, clock).await))
}

/// Changes runs as entries demand which are stored; returns the first error after all were tried.
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
pub struct SeparateStores {
    /// The store of runs.
    pub runs: Arc<dyn RunStorage>,
    /// The store of events.
    pub events: Arc<dyn EventLogStorage>,
    /// The clock, for events whose time is in no calendar.
    pub clock: Arc<dyn Clock>,
}

impl SeparateStores {
    /// Refuses a run that will be refused, before its snapshots are stored.
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

/// Whether a store has refused what it was given, and so has written nothing.
const fn is_refusal(error: &StorageError) -> bool {
    matches!(error, StorageError::Unsupported { .. } | StorageError::Invalid { .. })
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
        if stored.as_ref().is_err_and(is_refusal) {
            // None of them is stored, so nothing is left of the run but its snapshots. Should it stay, it is
            // a run without events, as it would be had the events' store gone away.
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

    async fn delete_run_with_events(&self, run_id: &RunId) -> Result<(), StorageError> {
        self.events.delete_events(run_id).await?;
        self.runs.delete_run(run_id).await
    }
}
