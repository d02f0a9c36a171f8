//! The store of events, and of what follows from them for assets.

use async_trait::async_trait;

use crate::asset_key::AssetKey;
use crate::assets::AssetRecord;
use crate::error::StorageError;
use crate::event::{DagsterEventType, EventLogConnection, EventLogCursor, EventLogEntry};
use crate::ids::{RunId, StorageId};
use crate::run::{DagsterRunStatsSnapshot, RunStepKeyStatsSnapshot};
use crate::storage::Order;

/// Which entries of a run's log are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordsForRun {
    /// The run.
    pub run_id: RunId,
    /// Begin behind this position, in the order that is asked for; `None` means at the beginning.
    pub cursor: Option<EventLogCursor>,
    /// Only events of these types; empty means all entries, lines of logs included.
    pub of_types: Vec<DagsterEventType>,
    /// At most so many; `None` means all.
    pub limit: Option<u64>,
    /// In which order the entries come.
    pub order: Order,
}

impl RecordsForRun {
    /// All entries of a run, oldest first.
    pub fn all(run_id: RunId) -> Self {
        Self { run_id, cursor: None, of_types: Vec::new(), limit: None, order: Order::Ascending }
    }
}

/// The store of events.
#[async_trait]
pub trait EventLogStorage: std::fmt::Debug + Send + Sync + 'static {
    /// Stores an entry, and for an event about an asset what follows for the asset.
    ///
    /// Returns the id of the entry's row in the log of its run. Where logs of runs and the index
    /// across runs are separate files, the run's log is written first, and the index in a
    /// transaction of its own.
    async fn store_event(&self, entry: &EventLogEntry) -> Result<StorageId, StorageError>;

    /// Stores entries in their order; those of one run in one transaction, all of them or none.
    async fn store_event_batch(
        &self,
        entries: &[EventLogEntry],
    ) -> Result<Vec<StorageId>, StorageError>;

    /// A page of the log of a run. A run without events has an empty page.
    async fn get_records_for_run(
        &self,
        query: &RecordsForRun,
    ) -> Result<EventLogConnection, StorageError>;

    /// Counts and times of a run; zero and `None` for a run without events.
    async fn get_stats_for_run(
        &self,
        run_id: &RunId,
    ) -> Result<DagsterRunStatsSnapshot, StorageError>;

    /// Status and times of the steps of a run, in the order in which they began. Empty `step_keys`
    /// means all steps.
    async fn get_step_stats_for_run(
        &self,
        run_id: &RunId,
        step_keys: &[String],
    ) -> Result<Vec<RunStepKeyStatsSnapshot>, StorageError>;

    /// The records of assets that have an event since they were last wiped, by key ascending.
    /// `None` means all assets; keys without a record are left out.
    async fn get_asset_records(
        &self,
        asset_keys: Option<&[AssetKey]>,
    ) -> Result<Vec<AssetRecord>, StorageError>;

    /// The revision of the store's schema.
    async fn schema_revision(&self) -> Result<String, StorageError>;
}
