//! The store of runs.

mod at_once;
mod backfills;
mod daemons;
mod guarded;
mod queue;
mod reindex;
#[expect(clippy::module_inception, reason = "the store of runs holds more than runs")]
mod runs;
mod snapshots;

pub(crate) use at_once::{RunEvent, changes_at_once};
pub(crate) use guarded::{change_run_if, outcome_of};
pub(crate) use runs::{add_run, change_run, delete_run, run_ids};
pub(crate) use snapshots::add_missing as add_missing_snapshots;

use std::sync::Arc;

use async_trait::async_trait;
use instance_core::clock::IdSource;
use instance_core::error::StorageError;
use instance_core::storage::RunStorage;

use super::databases::Databases;
use super::schema::{schema_store, wipe};
use crate::context::StorageContext;
use crate::db::{Connection, Database, Row};
use crate::sql::capabilities::Feature;
use crate::sql::schema::{self, Schema};
use crate::sql::tables;

/// The store of runs in one database.
pub(crate) struct SqlRunStorage {
    database: Arc<Database>,
    /// Where its own id comes from, if it has none yet.
    ids: Arc<dyn IdSource>,
}

impl std::fmt::Debug for SqlRunStorage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SqlRunStorage")
            .field("database", &self.database.name())
            .finish_non_exhaustive()
    }
}

impl SqlRunStorage {
    pub(crate) fn new(database: Arc<Database>, context: &StorageContext) -> Self {
        Self { database, ids: Arc::clone(&context.ids) }
    }

    pub(crate) const fn database(&self) -> &Arc<Database> {
        &self.database
    }
}

impl SqlRunStorage {
    async fn disconnect(&self) {
        self.database.close().await;
    }

    fn databases(&self) -> Databases<'_> {
        Databases::new(&self.database, Schema::Runs, None)
    }
}

schema_store!(SqlRunStorage, Schema::Runs);

#[async_trait]
impl RunStorage for SqlRunStorage {
    async fn get_run_storage_id(&self) -> Result<String, StorageError> {
        let select = schema::select_run_storage_id();
        if let Some(row) = self.database.fetch_one("reading the id of the store", &select).await? {
            return id_of(&row);
        }
        // As in Dagster, which makes the store without an id, and gives it one when it first asks for it.
        let id = self.ids.uuid().to_string();
        self.database
            .write("giving the store an id", move |mut connection: Connection<'_>| {
                Box::pin(async move {
                    let select = schema::select_run_storage_id();
                    if let Some(row) = connection.fetch_one(&select).await? {
                        return id_of(&row);
                    }
                    connection.execute(&schema::insert_run_storage_id(&id)).await?;
                    Ok(id)
                })
            })
            .await
    }

    async fn wipe(&self) -> Result<(), StorageError> {
        self.database
            .write("deleting all runs", |mut connection: Connection<'_>| {
                Box::pin(async move {
                    let tables = [
                        (tables::run_tags::TABLE, None),
                        (tables::runs::TABLE, None),
                        (tables::snapshots::TABLE, None),
                        (tables::daemon_heartbeats::TABLE, None),
                        (tables::backfill_tags::TABLE, Some(Feature::BackfillTags)),
                        (tables::bulk_actions::TABLE, None),
                    ];
                    wipe(&mut connection, &tables).await
                })
            })
            .await
    }
}

fn id_of(row: &Row) -> Result<String, StorageError> {
    Ok(row.scalar::<Option<String>>()?.unwrap_or_default())
}
