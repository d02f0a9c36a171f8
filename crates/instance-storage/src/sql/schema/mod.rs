//! The schema: as Dagster creates it, statement by statement, with the rows of a fresh database.

use sea_query::{Expr, ExprTrait, InsertStatement, Query, SelectStatement};

use crate::sql::tables::{alembic_version, instance_info, secondary_indexes};

/// The revision of Dagster's schema that this version reads and writes.
pub(crate) const HEAD: &str = "29b539ebc72a";

/// Sets the journal to what Dagster uses; it stays so for the life of the file.
pub(crate) const JOURNAL_MODE_WAL: &str = "PRAGMA journal_mode=WAL";

/// Begins a transaction that may write, without ever having to be upgraded from one that reads.
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
    /// The statements that create the tables and indexes, each with the text that Dagster's has,
    /// because SQLite keeps that text.
    pub(crate) fn statements(self) -> impl Iterator<Item = &'static str> {
        let script = match self {
            Self::Runs => include_str!("sqlite_runs.sql"),
            Self::EventIndex | Self::EventShard => include_str!("sqlite_index.sql"),
            Self::Schedules => include_str!("sqlite_schedules.sql"),
        };
        script.split(";\n").map(str::trim).filter(|statement| !statement.is_empty())
    }

    /// The data migrations that a fresh database has no need of.
    pub(crate) const fn completed_migrations(self) -> &'static [&'static str] {
        match self {
            Self::Runs => &[
                "run_partitions",
                "run_repo_label_tags",
                "bulk_action_types",
                "run_backfill_id",
                "backfill_job_name_and_tags",
                "backfill_end_timestamp",
                "run_start_end_overwritten",
            ],
            Self::EventIndex => &["asset_key_table", "asset_key_index_columns"],
            Self::EventShard => &[],
            Self::Schedules => &["schedule_jobs_selector_id", "schedule_ticks_selector_id"],
        }
    }
}

/// The names of all tables, to tell a fresh file from a database.
pub(crate) fn select_table_names() -> SelectStatement {
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
pub(crate) fn insert_completed_migration(name: &str, at: &str) -> InsertStatement {
    Query::insert()
        .into_table(secondary_indexes::TABLE)
        .columns([secondary_indexes::NAME, secondary_indexes::MIGRATION_COMPLETED])
        .values_panic([name.into(), at.into()])
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
