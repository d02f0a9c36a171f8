//! The store of events, and of what follows from events and beside them.
//!
//! Where each run has a database of its own, there is an index beside them, which has what is asked
//! across runs: events about assets and checks, and changes of runs' statuses.

mod asset_checks;
mod asset_partitions;
mod assets;
mod at_once;
mod dynamic_partitions;
mod effects;
mod event_queue;
mod events;
mod pools;
mod reindex;
mod settled;
mod storing;
mod watch;
mod wiping;
mod write;

use std::sync::{Arc, Weak};

use async_trait::async_trait;
use instance_core::error::StorageError;
use instance_core::ids::RunId;
use instance_core::storage::EventLogStorage;

use event_queue::EventQueue;
pub(crate) use events::delete_of_run;
pub(crate) use pools::free;
pub(crate) use storing::{Beside, Step, Storing, prepare};

use super::databases::Databases;
use super::schema::{schema_store, wipe};
use crate::context::StorageContext;
use crate::db::{Connection, Database};
use crate::run_logs::RunLogs;
use crate::sql::capabilities::Feature;
use crate::sql::schema::Schema;
use crate::sql::tables;
use crate::watch::Watch;

/// The store of events.
pub(crate) struct SqlEventLogStorage {
    index: Arc<Database>,
    run_logs: RunLogs,
    /// The database that says which runs there are, for questions across sharded logs.
    runs: Arc<Database>,
    indexed_tags: Arc<dyn Fn(&str) -> bool + Send + Sync>,
    queue: EventQueue,
    watch: Watch,
    /// For the task that stores what waits.
    this: Weak<Self>,
}

impl std::fmt::Debug for SqlEventLogStorage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SqlEventLogStorage")
            .field("index", &self.index.name())
            .finish_non_exhaustive()
    }
}

impl SqlEventLogStorage {
    pub(crate) fn new(
        index: Arc<Database>,
        run_logs: RunLogs,
        runs: Arc<Database>,
        context: &StorageContext,
        watch: Watch,
    ) -> Arc<Self> {
        Arc::new_cyclic(|this| Self {
            index,
            run_logs,
            runs,
            indexed_tags: Arc::clone(&context.indexed_tags),
            queue: EventQueue::default(),
            watch,
            this: Weak::clone(this),
        })
    }

    fn database(&self) -> &Database {
        &self.index
    }

    /// Refuses a run whose events have no possible place.
    pub(crate) fn check_run(&self, run_id: &RunId) -> Result<(), StorageError> {
        self.run_logs.check(run_id)
    }

    /// Refuses what the database cannot do without a feature.
    async fn require(&self, feature: Feature) -> Result<(), StorageError> {
        self.index.require(feature).await
    }

    async fn disconnect(&self) {
        self.run_logs.close().await;
        self.index.close().await;
    }

    fn databases(&self) -> Databases<'_> {
        Databases::new(&self.index, Schema::EventIndex, Some(&self.run_logs))
    }
}

schema_store!(SqlEventLogStorage, Schema::EventIndex);

#[async_trait]
impl EventLogStorage for SqlEventLogStorage {
    fn is_run_sharded(&self) -> bool {
        self.run_logs.is_sharded()
    }

    async fn wipe(&self) -> Result<(), StorageError> {
        self.run_logs.wipe().await?;
        self.index
            .write("deleting all events", |mut connection: Connection<'_>| {
                Box::pin(async move {
                    let tables = [
                        (tables::event_logs::TABLE, None),
                        (tables::asset_keys::TABLE, None),
                        (tables::asset_event_tags::TABLE, Some(Feature::AssetEventTags)),
                        (tables::dynamic_partitions::TABLE, Some(Feature::DynamicPartitions)),
                        (tables::concurrency_limits::TABLE, Some(Feature::PoolLimits)),
                        (tables::concurrency_slots::TABLE, Some(Feature::PoolSlots)),
                        (tables::pending_steps::TABLE, Some(Feature::PoolSlots)),
                        (tables::asset_check_executions::TABLE, Some(Feature::AssetChecks)),
                    ];
                    wipe(&mut connection, &tables).await
                })
            })
            .await
    }
}
