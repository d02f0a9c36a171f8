//! What every store knows of its own schema.

use chrono::{DateTime, Utc};
use instance_core::error::StorageError;
use instance_core::storage::DataMigrationStep;
use sea_query::QueryStatementWriter;

use crate::db::{Connection, Database, Row};
use crate::sql::capabilities::Feature;
use crate::sql::{reindex, schema};

/// The revision of a database's schema.
pub(super) async fn revision(database: &Database) -> Result<String, StorageError> {
    let row = database.fetch_one("reading the revision", &schema::select_revision()).await?;
    row.as_ref().map_or(Ok(String::new()), Row::scalar)
}

/// Whether a data migration is marked as complete.
pub(super) async fn has_built_index(database: &Database, name: &str) -> Result<bool, StorageError> {
    let select = schema::select_completed_migration(name);
    Ok(database.fetch_one("looking for a data migration", &select).await?.is_some())
}

/// Marks a data migration as complete.
pub(super) async fn mark_index_built(
    database: &Database,
    name: &str,
    at: DateTime<Utc>,
) -> Result<(), StorageError> {
    let insert = schema::insert_completed_migration(name, at.naive_utc());
    database.execute("marking a data migration", insert).await?;
    database.forget_capabilities();
    Ok(())
}

/// How many rows a selection counts.
pub(super) async fn count<S: QueryStatementWriter + Sync>(
    database: &Database,
    count: S,
) -> Result<u64, StorageError> {
    let row = database.fetch_one("counting what a data migration is about", &count).await?;
    Ok(row.as_ref().map_or(Ok(0), Row::scalar::<i64>)?.unsigned_abs())
}

/// The rows that a step of a data migration looks at.
#[derive(Debug, Clone, Copy)]
pub(super) struct Range {
    rows: u64,
    /// The id of the last one.
    pub(super) last: i64,
}

impl Range {
    /// The rows of a table behind a row, at most so many; `None` behind the last one.
    pub(super) async fn of(
        database: &Database,
        table: &'static str,
        after: i64,
        limit: u64,
    ) -> Result<Option<Self>, StorageError> {
        let select = reindex::select_range(table, after, limit);
        let operation = "looking for rows of a data migration";
        let Some(row) = database.fetch_one(operation, &select).await? else {
            return Ok(None);
        };
        let last: Option<i64> = row.get(table, reindex::LAST)?;
        let rows = row.get::<i64>(table, reindex::ROWS)?.unsigned_abs();
        Ok(last.map(|last| Self { rows, last }))
    }

    /// A step that has looked at these rows.
    pub(super) fn step(self) -> DataMigrationStep {
        DataMigrationStep::new(self.rows, self.last.to_string())
    }
}

/// How many rows a table has at most, by the ids of its first and its last row.
pub(super) async fn at_most(database: &Database, table: &'static str) -> Result<u64, StorageError> {
    let mut bounds = [None; 2];
    for (bound, select) in bounds.iter_mut().zip(reindex::select_bounds(table)) {
        let row = database.fetch_one("estimating what a data migration is about", &select).await?;
        *bound = row.as_ref().map_or(Ok(None), Row::scalar::<Option<i64>>)?;
    }
    Ok(match bounds {
        [Some(first), Some(last)] => last.abs_diff(first).saturating_add(1),
        _ => 0,
    })
}

/// The id of the row behind which a step of a data migration begins.
pub(super) fn id_cursor(migration_name: &str, cursor: Option<&str>) -> Result<i64, StorageError> {
    let Some(text) = cursor else {
        return Ok(i64::MIN);
    };
    text.parse().map_err(|_| StorageError::Invalid {
        what: "cursor",
        value: text.to_owned(),
        reason: format!("a cursor of {migration_name} is the number of a row; begin without one"),
    })
}

/// What a store says of a data migration that it cannot carry out.
pub(super) fn no_such_migration(database: &str, migration_name: &str) -> StorageError {
    StorageError::Unsupported {
        what: format!("the data migration {migration_name} of {database}"),
        reason: "this store does not carry it out; run `dagster instance migrate`".to_owned(),
    }
}

/// Deletes all rows of tables, of those that the database has.
pub(super) async fn wipe(
    connection: &mut Connection<'_>,
    tables: &[(&'static str, Option<Feature>)],
) -> Result<(), StorageError> {
    // The first is one that every database has.
    let Some((first, _)) = tables.first() else {
        return Ok(());
    };
    let features: Vec<_> = tables.iter().filter_map(|(_, feature)| *feature).collect();
    let has = connection.capabilities(first, &features).await?;
    for (table, feature) in tables {
        if feature.is_none_or(|feature| has.has(feature)) {
            connection.execute(&schema::delete_all(table)).await?;
        }
    }
    Ok(())
}

/// Implements the trait for a store with the methods `database`, `disconnect`, `data_migration_step`,
/// `rows_left` and `databases`.
macro_rules! schema_store {
    ($store:ty, $schema:expr) => {
        #[async_trait::async_trait]
        impl instance_core::storage::SchemaStore for $store {
            async fn create(&self) -> Result<(), instance_core::error::StorageError> {
                self.database().ready().await
            }

            async fn close(&self) {
                self.disconnect().await;
            }

            async fn schema_revision(&self) -> Result<String, instance_core::error::StorageError> {
                $crate::stores::schema::revision(self.database()).await
            }

            async fn latest_schema_revision(
                &self,
            ) -> Result<String, instance_core::error::StorageError> {
                Ok($crate::sql::schema::HEAD.to_owned())
            }

            fn data_migrations(&self) -> &'static [&'static str] {
                $schema.completed_migrations()
            }

            async fn has_built_index(
                &self,
                migration_name: &str,
            ) -> Result<bool, instance_core::error::StorageError> {
                $crate::stores::schema::has_built_index(self.database(), migration_name).await
            }

            async fn mark_index_built(
                &self,
                migration_name: &str,
                at: chrono::DateTime<chrono::Utc>,
            ) -> Result<(), instance_core::error::StorageError> {
                $crate::stores::schema::mark_index_built(self.database(), migration_name, at).await
            }

            async fn migrate_data(
                &self,
                migration_name: &str,
                cursor: Option<&str>,
            ) -> Result<
                instance_core::storage::DataMigrationStep,
                instance_core::error::StorageError,
            > {
                self.data_migration_step(migration_name, cursor).await
            }

            async fn rows_to_migrate(
                &self,
                migration_name: &str,
            ) -> Result<u64, instance_core::error::StorageError> {
                self.rows_left(migration_name).await
            }

            async fn schema_of_databases(
                &self,
                how: &instance_core::storage::SchemaUpgrade,
            ) -> Result<
                Vec<instance_core::storage::DatabaseSchema>,
                instance_core::error::StorageError,
            > {
                self.databases().schemas(how).await
            }

            async fn check_databases(
                &self,
            ) -> Result<
                Vec<instance_core::storage::CheckedDatabase>,
                instance_core::error::StorageError,
            > {
                self.databases().checked().await
            }

            async fn lock_schema(
                &self,
            ) -> Result<instance_core::storage::SchemaLock, instance_core::error::StorageError>
            {
                self.databases().lock().await
            }

            async fn back_up_database(
                &self,
                database: &str,
                to: &std::path::Path,
            ) -> Result<(), instance_core::error::StorageError> {
                self.databases().back_up(database, to).await
            }

            async fn upgrade_database(
                &self,
                database: &str,
                how: &instance_core::storage::SchemaUpgrade,
                progress: &(dyn Fn(instance_core::storage::SchemaProgress) + Send + Sync),
            ) -> Result<
                instance_core::storage::SchemaUpgraded,
                instance_core::error::StorageError,
            > {
                self.databases().upgrade(database, how, progress).await
            }

            async fn optimize_for_webserver(
                &self,
                connections: &instance_core::storage::WebserverConnections,
            ) -> Result<(), instance_core::error::StorageError> {
                self.database().optimize_for_webserver(connections);
                Ok(())
            }
        }
    };
}
pub(super) use schema_store;
