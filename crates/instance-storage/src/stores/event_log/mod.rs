//! The store of events, and of what follows from events and beside them.
//!
//! Where each run has a database of its own, there is an index beside them, which has what is asked
//! across runs: events about assets and checks, and changes of runs' statuses.

mod asset_checks;
mod asset_partitions;
mod assets;
mod dynamic_partitions;
mod events;
mod group;
mod pools;
mod run_events;
mod watch;
mod write;

use std::sync::{Arc, Weak};

use async_trait::async_trait;
use instance_core::clock::Clock;
use instance_core::error::StorageError;
use instance_core::storage::EventLogStorage;

use group::Group;

use super::SqlRunStorage;
use super::schema::schema_store;
use crate::db::{Connection, Database};
use crate::layouts::{RunLogs, StorageContext};
use crate::sql::schema::{self, Schema};
use crate::sql::tables;
use crate::watch::Watch;

/// The store of events.
pub(crate) struct SqlEventLogStorage {
    index: Arc<Database>,
    run_logs: RunLogs,
    /// Which runs there are, for questions across sharded logs.
    runs: Arc<SqlRunStorage>,
    indexed_tags: Arc<dyn Fn(&str) -> bool + Send + Sync>,
    group: Group,
    watch: Watch,
    clock: Arc<dyn Clock>,
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
        runs: Arc<SqlRunStorage>,
        context: &StorageContext,
        watch: Watch,
    ) -> Arc<Self> {
        Arc::new_cyclic(|this| Self {
            index,
            run_logs,
            runs,
            indexed_tags: Arc::clone(&context.indexed_tags),
            group: Group::default(),
            watch,
            clock: Arc::clone(&context.clock),
            this: Weak::clone(this),
        })
    }

    fn database(&self) -> &Database {
        &self.index
    }

    async fn disconnect(&self) {
        self.run_logs.close().await;
        self.index.close().await;
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
                    for table in [
                        tables::event_logs::TABLE,
                        tables::asset_keys::TABLE,
                        tables::asset_event_tags::TABLE,
                        tables::dynamic_partitions::TABLE,
                        tables::concurrency_limits::TABLE,
                        tables::concurrency_slots::TABLE,
                        tables::pending_steps::TABLE,
                        tables::asset_check_executions::TABLE,
                    ] {
                        connection.execute(&schema::delete_all(table)).await?;
                    }
                    Ok(())
                })
            })
            .await
    }
}
