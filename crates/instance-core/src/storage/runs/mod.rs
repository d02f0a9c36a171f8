//! The store of runs: runs, snapshots, backfills, and what daemons remember.

mod backfills;
mod daemons;
mod effects;
mod queue;
#[expect(clippy::module_inception, reason = "the store of runs holds more than runs")]
mod runs;
mod snapshots;

use async_trait::async_trait;

pub use backfills::{BackfillStore, BackfillsPage};
pub use daemons::DaemonStore;
pub use effects::{RunChange, apply_run_event, require_readable};
pub use queue::{ActiveRow, RunQueueStore};
pub use runs::{RunStore, RunTagsQuery, RunTimes, RunsOrderBy, RunsPage};
pub use snapshots::SnapshotStore;

use crate::error::StorageError;
use crate::storage::SchemaStore;

/// The store of runs, which Dagster calls `RunStorage`: one database.
#[async_trait]
pub trait RunStorage:
    RunStore + SnapshotStore + BackfillStore + DaemonStore + RunQueueStore + SchemaStore
{
    /// The id of the store, which never changes.
    ///
    /// If the store has none, this call gives it one. Dagster creates its stores without an id, and does the same
    /// when it first asks for it.
    async fn get_run_storage_id(&self) -> Result<String, StorageError>;

    /// Deletes all runs with their tags, all snapshots, backfills and signs of life, in one
    /// transaction. Cursors of daemons stay.
    async fn wipe(&self) -> Result<(), StorageError>;
}
