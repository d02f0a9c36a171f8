//! The store of runs.

mod backfills;
mod daemons;
#[expect(clippy::module_inception, reason = "the store of runs holds more than runs")]
mod runs;
mod snapshots;

pub(crate) use runs::{add_run, change_run, delete_run};
pub(crate) use snapshots::add_missing as add_missing_snapshots;

use std::sync::Arc;

use async_trait::async_trait;
use instance_core::error::StorageError;
use instance_core::storage::RunStorage;

use super::schema::schema_store;
use crate::db::{Connection, Database, Row};
use crate::sql::schema::{self, Schema};
use crate::sql::tables;

/// The store of runs in one database.
#[derive(Debug)]
pub(crate) struct SqlRunStorage {
    database: Arc<Database>,
}

impl SqlRunStorage {
    pub(crate) const fn new(database: Arc<Database>) -> Self {
        Self { database }
    }

    pub(crate) const fn database(&self) -> &Arc<Database> {
        &self.database
    }
}

impl SqlRunStorage {
    async fn disconnect(&self) {
        self.database.close().await;
    }
}

schema_store!(SqlRunStorage, Schema::Runs);

#[async_trait]
impl RunStorage for SqlRunStorage {
    async fn get_run_storage_id(&self) -> Result<String, StorageError> {
        let select = schema::select_run_storage_id();
        let row = self.database.fetch_one("reading the id of the store", &select).await?;
        Ok(row
            .as_ref()
            .map(Row::scalar::<Option<String>>)
            .transpose()?
            .flatten()
            .unwrap_or_default())
    }

    async fn wipe(&self) -> Result<(), StorageError> {
        self.database
            .write("deleting all runs", |mut connection: Connection<'_>| {
                Box::pin(async move {
                    for table in [
                        tables::run_tags::TABLE,
                        tables::runs::TABLE,
                        tables::snapshots::TABLE,
                        tables::daemon_heartbeats::TABLE,
                        tables::backfill_tags::TABLE,
                        tables::bulk_actions::TABLE,
                    ] {
                        connection.execute(&schema::delete_all(table)).await?;
                    }
                    Ok(())
                })
            })
            .await
    }
}
