//! Runs together with their events, under one lock.

use std::sync::Arc;

use async_trait::async_trait;

use super::runs::DecidedChange;
use super::{Shared, State};
use crate::error::StorageError;
use crate::event::EventLogEntry;
use crate::ids::RunId;
use crate::storage::{
    GuardedChange, GuardedEvents, GuardedOutcome, NewRun, RunEventStore, StoredEvents, changes_run,
    time_of_change,
};

/// What concerns runs and their events at once, in memory.
#[derive(Debug)]
pub struct MemoryRunEventStore {
    shared: Arc<Shared>,
}

impl MemoryRunEventStore {
    pub(super) const fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }
}

#[async_trait]
impl RunEventStore for MemoryRunEventStore {
    async fn add_run_with_events(&self, new_run: NewRun) -> Result<StoredEvents, StorageError> {
        let NewRun { run, created_at, job_snapshots, execution_plan_snapshot, events } = new_run;
        let now = self.shared.now();
        let mut state = self.shared.lock();
        state.require_storable(&events)?;
        state.runs.require_new(&run)?;
        state.snapshots.require_job_of(&run, &job_snapshots)?;
        state.snapshots.add(&job_snapshots, execution_plan_snapshot.as_ref());
        state.runs.add(&run, created_at, now);
        let ids = state.store_events(&events, now);
        drop(state);
        self.shared.watchers.signal_all(&events);
        Ok(StoredEvents::complete(ids))
    }

    async fn store_run_events(
        &self,
        entries: &[EventLogEntry],
    ) -> Result<StoredEvents, StorageError> {
        let now = self.shared.now();
        let mut state = self.shared.lock();
        state.require_storable(entries)?;
        state.require_changeable(entries)?;
        let ids = state.store_events(entries, now);
        let mut incomplete = None;
        for entry in entries.iter().filter(|entry| changes_run(entry)) {
            if let Some(event) = &entry.dagster_event {
                let at = time_of_change(entry, &*self.shared.clock);
                let changed = state.runs.change(&entry.run_id, event, at);
                incomplete = incomplete.or(changed.err());
            }
        }
        drop(state);
        self.shared.watchers.signal_all(entries);
        Ok(StoredEvents { ids, incomplete })
    }

    async fn store_run_events_if(
        &self,
        change: &GuardedEvents,
    ) -> Result<GuardedOutcome, StorageError> {
        let now = self.shared.now();
        let of_run = change.change_of_run(&*self.shared.clock)?;
        let mut state = self.shared.lock();
        state.require_storable(&change.entries)?;
        let stored = state.decide(&of_run)?.map(|decided| {
            let ids = state.store_events(&change.entries, now);
            state.carry_out(&of_run, decided);
            StoredEvents::complete(ids)
        });
        drop(state);
        if stored.is_stored() {
            self.shared.watchers.signal_all(&change.entries);
        }
        Ok(stored)
    }

    async fn delete_run_with_events(&self, run_id: &RunId) -> Result<(), StorageError> {
        let now = self.shared.now();
        let mut state = self.shared.lock();
        state.delete_events(run_id, now);
        state.runs.delete(run_id);
        Ok(())
    }
}

impl State {
    /// Whether the conditions of a change hold, and what becomes of the run then.
    pub(super) fn decide(
        &self,
        change: &GuardedChange,
    ) -> Result<GuardedOutcome<DecidedChange>, StorageError> {
        if change.fence.as_ref().is_some_and(|fence| !self.daemons.is_leader(fence)) {
            return Ok(GuardedOutcome::NotLeader);
        }
        let decided = self.runs.guarded(change)?;
        match self.daemons.noted_already(&change.notes) {
            Some(key) if decided.is_stored() => Ok(GuardedOutcome::NoteExists { key }),
            _ => Ok(decided),
        }
    }

    /// Changes a run as it was decided, and writes the notes.
    pub(super) fn carry_out(&mut self, change: &GuardedChange, decided: DecidedChange) {
        self.runs.change_guarded(decided);
        self.daemons.note(&change.notes);
    }

    /// Refuses entries whose runs cannot be changed as they demand.
    fn require_changeable(&self, entries: &[EventLogEntry]) -> Result<(), StorageError> {
        let mut changing = entries.iter().filter(|entry| changes_run(entry));
        changing.try_for_each(|entry| match &entry.dagster_event {
            Some(event) => self.runs.require_changeable(&entry.run_id, event),
            None => Ok(()),
        })
    }
}
