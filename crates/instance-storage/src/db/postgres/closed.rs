//! Schemas that a role may not look into. To such a role, a database looks as if it had no tables.

use instance_core::error::StorageError;
use sqlx::{AssertSqlSafe, PgConnection, Row as _};

use super::PostgresDatabase;
use crate::db::backend_error;
use crate::sql::schema::{Schema, server};

impl PostgresDatabase {
    /// Refuses a database whose tables this role cannot see. To be asked where none are seen.
    ///
    /// # Errors
    ///
    /// [`StorageError::Unsupported`] names the role, the schema, and the right that it needs.
    pub(super) async fn refuse_closed(
        &self,
        connection: &mut PgConnection,
    ) -> Result<(), StorageError> {
        let failed = |error| backend_error(&self.name, "looking for tables", error);
        let tables =
            Schema::OF_ONE_DATABASE.iter().map(|schema| schema.main_table()).collect::<Vec<_>>();
        let statement = sqlx::raw_sql(AssertSqlSafe(server::closed_schemas(&tables)));
        let Some(row) = statement.fetch_optional(connection).await.map_err(failed)? else {
            return Ok(());
        };
        let schema: String = row.try_get(0).map_err(failed)?;
        let role: String = row.try_get(1).map_err(failed)?;
        let quoted = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
        Err(StorageError::Unsupported {
            what: format!("looking into {}", self.name),
            reason: format!(
                "Dagster's tables are in the schema {schema}, and the role {role} has not the right to see them: GRANT USAGE ON SCHEMA {} TO \
                 {}",
                quoted(&schema),
                quoted(&role)
            ),
        })
    }
}
