//! The databases of a store: its own, and the files of single runs beside it.
//!
//! Not here: what is done with them (`check.rs`, `upgrade.rs`).

use std::path::Path;

use instance_core::storage::DatabaseRole;

use crate::db::Database;
use crate::run_logs::RunLogs;
use crate::sql::schema::Schema;

/// How many files are open at once.
pub(super) const AT_ONCE: usize = 8;

/// The databases of a store.
pub(super) struct Databases<'s> {
    pub(super) main: &'s Database,
    pub(super) schema: Schema,
    /// Where files of single runs are, of the store that has them.
    pub(super) run_logs: Option<&'s RunLogs>,
}

impl<'s> Databases<'s> {
    pub(super) const fn new(
        main: &'s Database,
        schema: Schema,
        run_logs: Option<&'s RunLogs>,
    ) -> Self {
        Self { main, schema, run_logs }
    }

    /// The file of the store itself; `None` if it is in memory or on a server.
    pub(super) fn file(&self) -> Option<&Path> {
        match self.main {
            Database::Sqlite(sqlite) => sqlite.file(),
            #[cfg(feature = "postgres")]
            Database::Postgres(_) => None,
        }
    }
}

pub(super) const fn role_of(schema: Schema) -> DatabaseRole {
    match schema {
        Schema::Runs => DatabaseRole::Runs,
        Schema::EventIndex => DatabaseRole::Events,
        Schema::EventShard => DatabaseRole::EventsOfOneRun,
        Schema::Schedules => DatabaseRole::Schedules,
    }
}
