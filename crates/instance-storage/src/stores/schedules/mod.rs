//! The store of schedules and sensors.

mod automation;
mod instigators;
mod reindex;
mod ticks;

use std::sync::Arc;

use async_trait::async_trait;
use instance_core::error::StorageError;
use instance_core::storage::ScheduleStorage;

use super::databases::Databases;
use super::schema::{schema_store, wipe};
use crate::db::{Connection, Database};
use crate::sql::capabilities::Feature;
use crate::sql::schema::Schema;
use crate::sql::tables;

/// The store of schedules and sensors in one database.
#[derive(Debug)]
pub(crate) struct SqlScheduleStorage {
    database: Arc<Database>,
}

impl SqlScheduleStorage {
    pub(crate) const fn new(database: Arc<Database>) -> Self {
        Self { database }
    }

    fn database(&self) -> &Database {
        &self.database
    }

    async fn disconnect(&self) {
        self.database.close().await;
    }

    fn databases(&self) -> Databases<'_> {
        Databases::new(&self.database, Schema::Schedules, None)
    }
}

schema_store!(SqlScheduleStorage, Schema::Schedules);

#[async_trait]
impl ScheduleStorage for SqlScheduleStorage {
    async fn wipe(&self) -> Result<(), StorageError> {
        self.database
            .write("deleting all schedules and sensors", |mut connection: Connection<'_>| {
                Box::pin(async move {
                    let tables = [
                        (tables::jobs::TABLE, None),
                        (tables::job_ticks::TABLE, None),
                        (tables::instigators::TABLE, None),
                        (tables::asset_evaluations::TABLE, Some(Feature::AssetEvaluations)),
                    ];
                    wipe(&mut connection, &tables).await
                })
            })
            .await
    }
}
