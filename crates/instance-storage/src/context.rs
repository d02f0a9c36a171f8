//! What a storage takes from outside of its databases, and whether opening creates one.

use std::sync::Arc;

use instance_core::clock::{Clock, IdSource, RandomIds, SystemClock};
use instance_core::tags::is_indexed_tag;

/// What a storage takes from outside of its databases.
#[derive(Clone)]
#[non_exhaustive]
pub struct StorageContext {
    /// The clock, for the time at which databases are created.
    pub clock: Arc<dyn Clock>,
    /// Where the id of a fresh store of runs comes from.
    pub ids: Arc<dyn IdSource>,
    /// Decides by its key whether a tag of asset events is indexed. The default is [`is_indexed_tag`].
    pub indexed_tags: Arc<dyn Fn(&str) -> bool + Send + Sync>,
}

impl StorageContext {
    /// The time of the operating system, random ids, and the tags that Dagster indexes.
    pub fn new() -> Self {
        Self::default()
    }
}

instance_core::setters! {
    impl StorageContext {
        /// The clock, for the time at which databases are created.
        with_clock(clock: Arc<dyn Clock>);
        /// Where the id of a fresh store of runs comes from.
        with_ids(ids: Arc<dyn IdSource>);
        /// Decides by its key whether a tag of asset events is indexed.
        with_indexed_tags(indexed_tags: Arc<dyn Fn(&str) -> bool + Send + Sync>);
    }
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
    /// It is an error if there is no instance. In SQLite, that is a missing file of the store of runs. In Postgres,
    /// it is missing tables of Dagster's, which the first use finds. No table is created in Postgres then.
    MustExist,
}
