//! What those need who follow the ids of events and remember how far they came: up to which id nothing is missing.

use std::collections::BTreeSet;
use std::fmt;

use async_trait::async_trait;

use crate::error::StorageError;
use crate::ids::{RunId, StorageId};

/// A transaction that may still store an event.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct EventWriter {
    /// The name of the transaction. It is given once while the server runs.
    pub transaction: String,
    /// The process of the server that works for the writer; `None` if the transaction waits without one.
    pub process: Option<i64>,
}

impl EventWriter {
    /// A transaction of a process of the server.
    pub fn new(transaction: impl Into<String>, process: impl Into<Option<i64>>) -> Self {
        Self { transaction: transaction.into(), process: process.into() }
    }
}

/// The transaction, with its process where there is one.
impl fmt::Display for EventWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.process {
            Some(process) => write!(f, "{} (process {process})", self.transaction),
            None => f.write_str(&self.transaction),
        }
    }
}

/// How far the ids of events are known, and who may still store an event among them.
///
/// Ids are given before a transaction ends, so an event may become visible after one with a greater id. When none of
/// these writers is among those of a later answer, all events up to `max` are visible to every read that begins then,
/// or will never be.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SettledPosition {
    /// The greatest id; `None` if there are no events.
    pub max: Option<StorageId>,
    /// Who may still store an event with an id up to `max`. Empty: everything up to `max` is settled now.
    pub writers: BTreeSet<EventWriter>,
    /// Whether ids of deleted events may be given again.
    pub gives_ids_again: bool,
}

impl SettledPosition {
    /// A position up to which everything is settled, in a store that gives each id once.
    pub const fn new(max: Option<StorageId>) -> Self {
        Self { max, writers: BTreeSet::new(), gives_ids_again: false }
    }
}

crate::setters! {
    impl SettledPosition {
        /// Who may still store an event with an id up to `max`.
        with_writers(writers: BTreeSet<EventWriter>);
        /// Whether ids of deleted events may be given again.
        with_gives_ids_again(gives_ids_again: bool);
    }
}

/// Failures of runs in the order of their ids, and up to which id none can be missing.
///
/// Where each run has rows of its own, ids are those of the index across runs.
#[async_trait]
pub trait SettledEventStore: fmt::Debug + Send + Sync + 'static {
    /// How far the ids of events are known, and who may still store one among them. The greatest id is read before
    /// the writers are.
    async fn settled_position(&self) -> Result<SettledPosition, StorageError>;

    /// The events of type `PIPELINE_FAILURE` with greater ids, oldest first: their ids and runs. At most `limit` of
    /// them.
    ///
    /// Bodies are not read, so an event whose body is damaged is found like others. An event without a run has
    /// [`RunId::runless`].
    async fn get_failure_ids(
        &self,
        after: StorageId,
        limit: u64,
    ) -> Result<Vec<(StorageId, RunId)>, StorageError>;
}
