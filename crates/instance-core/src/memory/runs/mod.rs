//! The store of runs.

mod backfills;
mod daemons;
#[expect(clippy::module_inception, reason = "the store of runs holds more than runs")]
mod runs;
mod snapshots;

pub(super) use backfills::Backfills;
pub(super) use daemons::Daemons;
pub(super) use runs::{DecidedChange, Runs};
pub(super) use snapshots::Snapshots;

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;

use super::{Shared, schema_store};
use crate::error::StorageError;
use crate::run::TagFilter;
use crate::storage::{RUN_DATA_MIGRATIONS, RunStorage};

/// The store of runs, in memory.
#[derive(Debug)]
pub struct MemoryRunStorage {
    shared: Arc<Shared>,
}

impl MemoryRunStorage {
    pub(super) const fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }
}

schema_store!(MemoryRunStorage, runs, RUN_DATA_MIGRATIONS);

#[async_trait]
impl RunStorage for MemoryRunStorage {
    async fn get_run_storage_id(&self) -> Result<String, StorageError> {
        Ok(self.shared.run_storage_id.clone())
    }

    async fn wipe(&self) -> Result<(), StorageError> {
        let mut state = self.shared.lock();
        state.runs.clear();
        state.snapshots = Snapshots::default();
        state.backfills.clear();
        state.daemons.clear_heartbeats();
        Ok(())
    }
}

/// Whether tags are all those that are asked for.
fn has_all_tags(tags: &BTreeMap<String, String>, asked: &BTreeMap<String, TagFilter>) -> bool {
    asked.iter().all(|(key, filter)| {
        tags.get(key).is_some_and(|value| match filter {
            TagFilter::Is(asked) => value == asked,
            TagFilter::In(asked) => asked.contains(value),
        })
    })
}
