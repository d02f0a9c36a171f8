//! What a storage takes from outside of its databases, and how it is opened.

use std::sync::Arc;

use instance_core::clock::{Clock, IdSource, RandomIds, SystemClock};
use instance_core::tags::is_indexed_tag;

/// What a storage takes from outside of its databases.
#[derive(Clone)]
pub struct StorageContext {
    /// The clock, for the time at which databases are created.
    pub clock: Arc<dyn Clock>,
    /// Where the id of a fresh store of runs comes from.
    pub ids: Arc<dyn IdSource>,
    /// Which tags of asset events are indexed, by their keys; [`is_indexed_tag`] unless said otherwise.
    pub indexed_tags: Arc<dyn Fn(&str) -> bool + Send + Sync>,
}

impl Default for StorageContext {
    fn default() -> Self {
        Self {
            clock: Arc::new(SystemClock),
            ids: Arc::new(RandomIds),
            indexed_tags: Arc::new(is_indexed_tag),
        }
    }
}

impl std::fmt::Debug for StorageContext {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StorageContext").finish_non_exhaustive()
    }
}

/// Whether an instance may be created where there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpenMode {
    /// Create what is missing.
    CreateIfMissing,
    /// An error if there is no instance: for SQLite, if there is no file of the store of runs; for Postgres, on first
    /// use, if there are no tables of Dagster's. In Postgres no table is created.
    MustExist,
}
