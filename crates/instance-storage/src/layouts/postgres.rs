//! Postgres: one database that holds all three stores.

use std::sync::Arc;

use super::Storages;
use crate::context::{OpenMode, StorageContext};
use crate::db::{Database, PostgresConfig, PostgresDatabase};
use crate::run_logs::RunLogs;

impl Storages {
    /// The stores in a Postgres database. The first use connects to it.
    #[expect(clippy::needless_pass_by_value, reason = "as with the other ways to open")]
    pub fn open_postgres(config: &PostgresConfig, context: StorageContext) -> Self {
        let database = database(config, OpenMode::CreateIfMissing, &context);
        let run_logs = RunLogs::Shared(Arc::clone(&database));
        Self::new(Arc::clone(&database), Arc::clone(&database), run_logs, database, &context)
    }
}

pub(super) fn database(
    config: &PostgresConfig,
    mode: OpenMode,
    context: &StorageContext,
) -> Arc<Database> {
    let database = PostgresDatabase::new(config.clone(), mode, context.clone());
    Arc::new(Database::Postgres(Box::new(database)))
}
