//! The rows that a database has from the first.

use instance_core::error::StorageError;

use super::Connection;
use crate::context::StorageContext;
use crate::sql::schema::{self, Schema, history};

/// Writes the rows that a database has from the first, but for its revision.
pub(super) async fn fill(
    connection: &mut Connection<'_>,
    schema: Schema,
    revision: &str,
    context: &StorageContext,
) -> Result<(), StorageError> {
    let now = context.clock.now().naive_utc();
    for name in history::fresh::completed_migrations_at(schema, revision) {
        connection.execute(&schema::insert_completed_migration(name, now)).await?;
    }
    if schema == Schema::Runs {
        let id = context.ids.uuid().to_string();
        connection.execute(&schema::insert_run_storage_id(&id)).await?;
    }
    Ok(())
}
