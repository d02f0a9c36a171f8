//! How SQLite databases become stores: one database, or all of them in memory.

use std::sync::Arc;

use super::Storages;
use crate::context::StorageContext;
use crate::db::{Database, SqlitePlace};
use crate::run_logs::RunLogs;
use crate::sql::schema::Schema;

impl Storages {
    /// The stores in memory. They exist as long as they are open, as in Dagster's ephemeral instance.
    #[expect(clippy::needless_pass_by_value, reason = "as with the other ways to open")]
    pub fn in_memory(context: StorageContext) -> Self {
        let open = |schema| Arc::new(Database::sqlite(SqlitePlace::Memory, schema, &context));
        let index = open(Schema::EventIndex);
        let run_logs = RunLogs::Shared(Arc::clone(&index));
        Self::new(open(Schema::Runs), index, run_logs, open(Schema::Schedules), &context)
    }
}
