//! Changes of a run on conditions: only from a status that is named, only by who is the leader still, and together with
//! notes that tell others of them.
//!
//! Not here: how a store ensures that; see [`RunEventStore::store_run_events_if`](super::RunEventStore::store_run_events_if).

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use crate::clock::Clock;
use crate::error::StorageError;
use crate::event::{DagsterEvent, EventLogEntry};
use crate::ids::RunId;
use crate::run::{DagsterRun, DagsterRunStatus};
use crate::storage::{RunChange, StoredEvents, apply_run_event, changes_run, time_of_change};

/// Entries of one run that are stored only if the run has one of some statuses.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct GuardedEvents {
    /// The run, of which all entries are.
    pub run_id: RunId,
    /// The statuses of which the run has to have one; with none, nothing is ever stored.
    pub from: BTreeSet<DagsterRunStatus>,
    /// The entries, in their order. They may change the run, also several times, or not at all.
    pub entries: Vec<EventLogEntry>,
    /// What has to be so besides; `None` if whoever stores them need not be the leader of anything.
    pub fence: Option<Fence>,
    /// What else is written, together with the row of the run.
    pub notes: Vec<Note>,
}

crate::setters! {
    impl GuardedEvents {
        /// What has to be so besides.
        with_fence(fence: impl Into<Option<Fence>>);
        /// What else is written, together with the row of the run.
        with_notes(notes: Vec<Note>);
    }
}

impl GuardedEvents {
    /// Entries that are stored if the run has one of these statuses, whoever stores them.
    pub fn new(
        run_id: RunId,
        from: impl IntoIterator<Item = DagsterRunStatus>,
        entries: Vec<EventLogEntry>,
    ) -> Self {
        let from = from.into_iter().collect();
        Self { run_id, from, entries, fence: None, notes: Vec::new() }
    }

    /// What becomes of the row of the run. The clock is for events whose time is in no calendar.
    ///
    /// # Errors
    ///
    /// [`StorageError::Invalid`] if an entry is of another run.
    pub fn change_of_run(&self, clock: &dyn Clock) -> Result<GuardedChange, StorageError> {
        if let Some(other) = self.entries.iter().find(|entry| entry.run_id != self.run_id) {
            return Err(StorageError::Invalid {
                what: "run of an entry",
                value: other.run_id.to_string(),
                reason: format!("all entries of this call have to be of the run {}", self.run_id),
            });
        }
        let changing = self.entries.iter().filter(|entry| changes_run(entry));
        let events = changing.filter_map(|entry| {
            let event = entry.dagster_event.as_deref()?;
            Some((event.clone(), time_of_change(entry, clock)))
        });
        Ok(GuardedChange {
            run_id: self.run_id.clone(),
            from: self.from.clone(),
            events: events.collect(),
            fence: self.fence.clone(),
            notes: self.notes.clone(),
        })
    }
}

/// What becomes of the row of a run, if the run has one of some statuses.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct GuardedChange {
    /// The run.
    pub run_id: RunId,
    /// The statuses of which the run has to have one.
    pub from: BTreeSet<DagsterRunStatus>,
    /// The events that change it, in their order, each with its time. With none, only the notes are written.
    pub events: Vec<(DagsterEvent, DateTime<Utc>)>,
    /// What has to be so besides.
    pub fence: Option<Fence>,
    /// What else is written.
    pub notes: Vec<Note>,
}

impl GuardedChange {
    /// Changes a run as all the events demand, one after another. Returns what they change of its row beside the run
    /// itself, and when; `None` if they change nothing.
    ///
    /// # Errors
    ///
    /// [`StorageError::Invalid`] if the run would be queued and does not say where its job is.
    pub fn apply(
        &self,
        run: &mut DagsterRun,
    ) -> Result<Option<(RunChange, DateTime<Utc>)>, StorageError> {
        let mut all: Option<(RunChange, DateTime<Utc>)> = None;
        for (event, at) in &self.events {
            let Some(next) = apply_run_event(run, event, *at)? else {
                continue;
            };
            let change = match all.take() {
                None => next,
                Some((before, _)) => RunChange {
                    start_time: next.start_time.or(before.start_time),
                    end_time: next.end_time.or(before.end_time),
                    failure_reason: next.failure_reason.or(before.failure_reason),
                },
            };
            all = Some((change, *at));
        }
        Ok(all)
    }
}

/// A value of a cursor without which nothing is written: what a leader wrote when it became one, and what its successor
/// replaces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fence {
    /// The key of the cursor.
    pub key: String,
    /// The value that it has to have.
    pub value: String,
}

/// A value of a cursor that is written together with the row of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Note {
    /// The value takes the place of the one that the key has.
    Put {
        /// The key of the cursor.
        key: String,
        /// The value.
        value: String,
    },
    /// The key must not have a value yet.
    PutNew {
        /// The key of the cursor.
        key: String,
        /// The value.
        value: String,
    },
    /// The key has no value afterwards; it need not have had one.
    Delete {
        /// The key of the cursor.
        key: String,
    },
}

/// What became of a change that has conditions.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum GuardedOutcome<S = StoredEvents> {
    /// All of it is stored. Every other outcome says that nothing is.
    Stored(S),
    /// The run has another status, this one; `None`: there is no such run.
    OtherStatus(Option<DagsterRunStatus>),
    /// The value of the fence is another one: somebody else is the leader by now.
    NotLeader,
    /// A note that had to be new was there.
    NoteExists {
        /// The key of the note.
        key: String,
    },
}

impl<S> GuardedOutcome<S> {
    /// The same with something else that is stored.
    pub fn map<T>(self, stored: impl FnOnce(S) -> T) -> GuardedOutcome<T> {
        match self {
            Self::Stored(value) => GuardedOutcome::Stored(stored(value)),
            Self::OtherStatus(status) => GuardedOutcome::OtherStatus(status),
            Self::NotLeader => GuardedOutcome::NotLeader,
            Self::NoteExists { key } => GuardedOutcome::NoteExists { key },
        }
    }

    /// What was stored; `None` if nothing was.
    pub fn stored(self) -> Option<S> {
        match self {
            Self::Stored(value) => Some(value),
            _ => None,
        }
    }

    /// Whether all of it is stored.
    pub const fn is_stored(&self) -> bool {
        matches!(self, Self::Stored(_))
    }
}
