//! The store of schedules and sensors in SQLite.

use async_trait::async_trait;
use instance_core::error::StorageError;
use instance_core::scheduling::{InstigatorState, InstigatorType};
use instance_core::storage::ScheduleStorage;
use sqlx::sqlite::SqliteRow;

use super::database::Database;
use super::decode::Place;
use super::runs::schema_revision;
use crate::sql::schedules;
use crate::sql::tables::instigators::{ID, INSTIGATOR_BODY, TABLE};

/// The store of schedules and sensors in one file.
#[derive(Debug)]
pub(super) struct SqliteScheduleStorage {
    database: Database,
}

impl SqliteScheduleStorage {
    pub(super) fn new(database: Database) -> Self {
        Self { database }
    }

    pub(super) fn database(&self) -> &Database {
        &self.database
    }
}

#[async_trait]
impl ScheduleStorage for SqliteScheduleStorage {
    async fn all_instigator_state(
        &self,
        instigator_type: Option<InstigatorType>,
    ) -> Result<Vec<InstigatorState>, StorageError> {
        let place = Place { database: self.database.name(), table: TABLE, id: ID };
        let select = schedules::select_instigators(instigator_type.map(InstigatorType::as_str));
        let decode = |row: &SqliteRow| place.body(row, INSTIGATOR_BODY);
        self.database.fetch("reading schedules and sensors", &select, decode).await
    }

    async fn schema_revision(&self) -> Result<String, StorageError> {
        schema_revision(&self.database).await
    }
}
