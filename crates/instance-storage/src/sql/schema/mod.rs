//! The schema: as Dagster creates it, statement by statement, with the rows of a fresh database.

use chrono::NaiveDateTime;
use instance_core::error::StorageError;
use instance_core::storage::{
    EVENT_DATA_MIGRATIONS, RUN_DATA_MIGRATIONS, SCHEDULE_DATA_MIGRATIONS,
};
use sea_query::{
    DeleteStatement, Expr, ExprTrait, InsertStatement, OnConflict, Query, SelectStatement,
};

#[cfg(feature = "postgres")]
use crate::sql::tables;
use crate::sql::tables::{alembic_version, instance_info, secondary_indexes};

/// The revision of Dagster's schema that this version reads and writes.
pub(crate) const HEAD: &str = "29b539ebc72a";

/// Sets the journal mode that Dagster uses. A file keeps it for its life.
pub(crate) const JOURNAL_MODE_WAL: &str = "PRAGMA journal_mode=WAL";

/// Begins a transaction that may write. It never has to be upgraded from one that reads.
pub(crate) const BEGIN_WRITE: &str = "BEGIN IMMEDIATE";
/// Ends a transaction and keeps it.
pub(crate) const COMMIT: &str = "COMMIT";
/// Ends a transaction and drops it.
pub(crate) const ROLLBACK: &str = "ROLLBACK";
/// Begins the part of a transaction that one caller wrote.
pub(crate) const SAVEPOINT: &str = "SAVEPOINT one_write";
/// Keeps the part of a transaction that one caller wrote.
pub(crate) const RELEASE: &str = "RELEASE one_write";
/// Drops the part of a transaction that one caller wrote.
pub(crate) const ROLLBACK_TO: &str = "ROLLBACK TO one_write";

/// Makes the processes that create tables in one Postgres take turns. The lock ends with the transaction.
#[cfg(feature = "postgres")]
pub(crate) const LOCK_CREATION: &str = "SELECT pg_advisory_xact_lock(4919131752989213)";

/// The setting that makes statements fail that take longer, with its value in milliseconds.
#[cfg(feature = "postgres")]
pub(crate) fn statement_timeout(timeout: std::time::Duration) -> (&'static str, String) {
    ("statement_timeout", timeout.as_millis().clamp(1, 2_147_483_647).to_string())
}

/// One of the kinds of database files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Schema {
    /// Runs, snapshots, backfills, heartbeats.
    Runs,
    /// Events across runs, and assets.
    EventIndex,
    /// The events of one run; the same tables as the index.
    EventShard,
    /// Schedules, sensors and ticks.
    Schedules,
}

impl Schema {
    /// The schemas that share one Postgres database.
    #[cfg(feature = "postgres")]
    pub(crate) const OF_ONE_DATABASE: &[Self] = &[Self::Runs, Self::EventIndex, Self::Schedules];

    /// Whether it has events, which others may follow.
    pub(crate) const fn is_of_events(self) -> bool {
        matches!(self, Self::EventIndex | Self::EventShard)
    }

    /// The table that exists if the schema was created.
    #[cfg(feature = "postgres")]
    pub(crate) const fn main_table(self) -> &'static str {
        match self {
            Self::Runs => tables::runs::TABLE,
            Self::EventIndex | Self::EventShard => tables::event_logs::TABLE,
            Self::Schedules => tables::jobs::TABLE,
        }
    }

    /// The statements that create the tables and indexes. Each has the text that Dagster's has, because SQLite
    /// keeps that text.
    pub(crate) const fn sqlite_script(self) -> &'static str {
        match self {
            Self::Runs => include_str!("sqlite_runs.sql"),
            Self::EventIndex | Self::EventShard => include_str!("sqlite_index.sql"),
            Self::Schedules => include_str!("sqlite_schedules.sql"),
        }
    }

    /// The statements that create the tables and indexes in Postgres. Some tables belong to several schemas.
    #[cfg(feature = "postgres")]
    pub(crate) const fn postgres_script(self) -> &'static str {
        match self {
            Self::Runs => include_str!("postgres_runs.sql"),
            Self::EventIndex | Self::EventShard => include_str!("postgres_events.sql"),
            Self::Schedules => include_str!("postgres_schedules.sql"),
        }
    }

    /// The data migrations that a fresh database has no need of.
    pub(crate) const fn completed_migrations(self) -> &'static [&'static str] {
        match self {
            Self::Runs => RUN_DATA_MIGRATIONS,
            Self::EventIndex => EVENT_DATA_MIGRATIONS,
            Self::EventShard => &[],
            Self::Schedules => SCHEDULE_DATA_MIGRATIONS,
        }
    }
}

impl std::fmt::Display for Schema {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Runs => "store of runs",
            Self::EventIndex | Self::EventShard => "store of events",
            Self::Schedules => "store of schedules",
        })
    }
}

/// Refuses a database whose schema this version does not know.
pub(crate) fn check_revision(database: &str, found: String) -> Result<(), StorageError> {
    if found == HEAD {
        return Ok(());
    }
    Err(StorageError::Revision {
        database: database.to_owned(),
        found,
        expected: HEAD,
        remedy: "if the database is of an older Dagster, run `dagster instance migrate`; if it is of a newer one, \
                 use a newer version of this program. Nothing was changed",
    })
}

/// The names of the tables that a connection sees without naming a schema.
#[cfg(feature = "postgres")]
pub(crate) fn select_postgres_table_names() -> SelectStatement {
    Query::select()
        .expr(Expr::col("tablename").cast_as("text"))
        .from("pg_tables")
        .and_where(Expr::col("schemaname").eq(sea_query::Func::cust("current_schema")))
        .take()
}

/// The names of all tables, by which a fresh file differs from a database.
pub(crate) fn select_sqlite_table_names() -> SelectStatement {
    Query::select()
        .column("name")
        .from("sqlite_master")
        .and_where(Expr::col("type").eq("table"))
        .take()
}

/// The revision of the schema.
pub(crate) fn select_revision() -> SelectStatement {
    Query::select().column(alembic_version::VERSION_NUM).from(alembic_version::TABLE).take()
}

/// Writes the revision of the schema.
pub(crate) fn insert_revision() -> InsertStatement {
    Query::insert()
        .into_table(alembic_version::TABLE)
        .columns([alembic_version::VERSION_NUM])
        .values_panic([HEAD.into()])
        .take()
}

/// Marks a data migration as complete.
pub(crate) fn insert_completed_migration(name: &str, at: NaiveDateTime) -> InsertStatement {
    Query::insert()
        .into_table(secondary_indexes::TABLE)
        .columns([secondary_indexes::NAME, secondary_indexes::MIGRATION_COMPLETED])
        .values_panic([name.into(), at.into()])
        .on_conflict(
            OnConflict::column(secondary_indexes::NAME)
                .update_column(secondary_indexes::MIGRATION_COMPLETED)
                .to_owned(),
        )
        .take()
}

/// Gives a fresh store of runs its id.
pub(crate) fn insert_run_storage_id(id: &str) -> InsertStatement {
    Query::insert()
        .into_table(instance_info::TABLE)
        .columns([instance_info::RUN_STORAGE_ID])
        .values_panic([id.into()])
        .take()
}

/// The id of a store of runs.
pub(crate) fn select_run_storage_id() -> SelectStatement {
    Query::select().column(instance_info::RUN_STORAGE_ID).from(instance_info::TABLE).limit(1).take()
}

/// A row if a data migration is marked as complete.
pub(crate) fn select_completed_migration(name: &str) -> SelectStatement {
    Query::select()
        .column(secondary_indexes::NAME)
        .from(secondary_indexes::TABLE)
        .and_where(Expr::col(secondary_indexes::NAME).eq(name))
        .and_where(Expr::col(secondary_indexes::MIGRATION_COMPLETED).is_not_null())
        .take()
}

/// Deletes all rows of a table.
pub(crate) fn delete_all(table: &'static str) -> DeleteStatement {
    Query::delete().from_table(table).take()
}
