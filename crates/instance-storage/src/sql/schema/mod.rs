//! The schema: as Dagster creates it, statement by statement, with the rows of a fresh database.

#[cfg_attr(
    not(feature = "postgres"),
    expect(dead_code, reason = "some of what is compared only a server has")
)]
pub(crate) mod check;
pub(crate) mod history;
mod revisions;
#[cfg(feature = "postgres")]
pub(crate) mod server;

use std::borrow::Cow;

use chrono::NaiveDateTime;
use instance_core::storage::{
    EVENT_DATA_MIGRATIONS, RUN_DATA_MIGRATIONS, SCHEDULE_DATA_MIGRATIONS,
};
use sea_query::{
    DeleteStatement, Expr, ExprTrait, Func, InsertStatement, OnConflict, Query, SelectStatement,
    UpdateStatement,
};

use crate::sql::Dialect;
#[cfg(feature = "postgres")]
use crate::sql::capabilities::FEATURES;
use crate::sql::tables;
use crate::sql::tables::{alembic_version, instance_info, secondary_indexes};
pub(crate) use revisions::{HEAD, Stamp};

/// Sets the journal mode that Dagster uses. A file keeps it for its life.
pub(crate) const JOURNAL_MODE_WAL: &str = "PRAGMA journal_mode=WAL";
/// Asks for the mode of a file.
pub(crate) const JOURNAL_MODE: &str = "PRAGMA journal_mode";

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
    pub(crate) const fn main_table(self) -> &'static str {
        match self {
            Self::Runs => tables::runs::TABLE,
            Self::EventIndex | Self::EventShard => tables::event_logs::TABLE,
            Self::Schedules => tables::jobs::TABLE,
        }
    }

    /// The columns by which its main table is known from another one of that name.
    #[cfg(feature = "postgres")]
    pub(crate) const fn known_by(self) -> [&'static str; 2] {
        match self {
            Self::Runs => [tables::runs::RUN_ID, tables::runs::RUN_BODY],
            Self::EventIndex | Self::EventShard => {
                [tables::event_logs::RUN_ID, tables::event_logs::EVENT]
            }
            Self::Schedules => [tables::jobs::JOB_ORIGIN_ID, tables::jobs::JOB_BODY],
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

    /// The statements that create the tables and indexes as they were at a revision of the chain.
    pub(crate) fn sqlite_script_at(self, revision: &str) -> Cow<'static, str> {
        match history::fresh::script_at(self, Dialect::Sqlite, revision) {
            Some(older) if revision != HEAD => Cow::Owned(older),
            _ => Cow::Borrowed(self.sqlite_script()),
        }
    }

    /// The same in Postgres. What other stores have created already stays.
    #[cfg(feature = "postgres")]
    pub(crate) fn postgres_script_at(self, revision: &str) -> Cow<'static, str> {
        let Some(older) = history::fresh::script_at(self, Dialect::Postgres, revision) else {
            return Cow::Borrowed(self.postgres_script());
        };
        if revision == HEAD {
            return Cow::Borrowed(self.postgres_script());
        }
        let unless_there = |line: &str| {
            let creating = ["CREATE TABLE ", "CREATE UNIQUE INDEX ", "CREATE INDEX "];
            let created =
                creating.iter().find_map(|begin| Some((begin, line.strip_prefix(begin)?)));
            created.map_or_else(
                || format!("{line}\n"),
                |(begin, rest)| format!("{begin}IF NOT EXISTS {rest}\n"),
            )
        };
        Cow::Owned(older.lines().map(unless_there).collect())
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

/// Copies a SQLite database into the file of the name that is bound, as it is at one moment.
pub(crate) const VACUUM_INTO: &str = "VACUUM INTO ?1";

/// How many tags of runs are there more often than once.
pub(crate) const COUNT_DOUBLED_TAGS: &str = "SELECT count(*) FROM (SELECT 1 FROM run_tags \
     WHERE \"key\" IS NOT NULL AND value IS NOT NULL AND run_id IS NOT NULL \
     GROUP BY \"key\", value, run_id HAVING count(*) > 1)";

/// Deletes of each tag of a run all rows but the first.
pub(crate) const DELETE_DOUBLED_TAGS: &str = "DELETE FROM run_tags \
     WHERE \"key\" IS NOT NULL AND value IS NOT NULL AND run_id IS NOT NULL \
     AND id NOT IN (SELECT min(id) FROM run_tags GROUP BY \"key\", value, run_id)";

/// How the tables and columns of a database are listed: each row has the name of a table and that of a column.
pub(crate) const TABLE: &str = "table_name";
pub(crate) const COLUMN: &str = "column_name";
/// In which schema of a Postgres a listed table is, and whether new tables are created there.
#[cfg(feature = "postgres")]
pub(crate) const SCHEMA: &str = "schema_name";
#[cfg(feature = "postgres")]
pub(crate) const IS_CURRENT: &str = "is_current";

/// The columns of the tables that a connection sees without naming a schema: of the main table of each store, and of
/// whatever else not every revision has.
#[cfg(feature = "postgres")]
pub(crate) fn select_postgres_columns() -> SelectStatement {
    const CLASS: &str = "pg_class";
    const NAMESPACE: &str = "pg_namespace";
    const ATTRIBUTE: &str = "pg_attribute";
    let text = |table, column| Expr::col((table, column)).cast_as("text");
    let visible = |table: &str| Func::cust("to_regclass").arg(table);
    let namespace = || text(NAMESPACE, "nspname");
    Query::select()
        .expr_as(text(CLASS, "relname"), TABLE)
        .expr_as(text(ATTRIBUTE, "attname"), COLUMN)
        .expr_as(namespace(), SCHEMA)
        .expr_as(namespace().eq(Func::cust("current_schema").cast_as("text")), IS_CURRENT)
        .from(CLASS)
        .inner_join(NAMESPACE, Expr::col((NAMESPACE, "oid")).equals((CLASS, "relnamespace")))
        .inner_join(ATTRIBUTE, Expr::col((ATTRIBUTE, "attrelid")).equals((CLASS, "oid")))
        .and_where(Expr::col((CLASS, "oid")).is_in(looked_at().into_iter().map(visible)))
        .and_where(Expr::col((ATTRIBUTE, "attnum")).gt(0))
        .and_where(Expr::col((ATTRIBUTE, "attisdropped")).not())
        .take()
}

/// The tables by which a Postgres is known.
#[cfg(feature = "postgres")]
fn looked_at() -> Vec<&'static str> {
    let mains = Schema::OF_ONE_DATABASE.iter().map(|schema| schema.main_table());
    let objects = FEATURES.iter().flat_map(|described| described.objects);
    let mut tables: Vec<_> = mains
        .chain(objects.map(|(table, _)| *table))
        .chain([alembic_version::TABLE, secondary_indexes::TABLE])
        .collect();
    tables.sort_unstable();
    tables.dedup();
    tables
}

/// Makes whoever changes a table wait until the transaction ends, as a query of it does. Writers do not meet it.
#[cfg(feature = "postgres")]
pub(crate) fn lock_against_changes(table: &'static str) -> String {
    format!("LOCK TABLE {table} IN ACCESS SHARE MODE")
}

/// The columns of all tables of a SQLite file.
pub(crate) fn select_sqlite_columns() -> SelectStatement {
    const MASTER: &str = "sqlite_master";
    const INFO: &str = "info";
    let info = Func::cust("pragma_table_info").arg(Expr::col((MASTER, "name")));
    Query::select()
        .expr_as(Expr::col((MASTER, "name")), TABLE)
        .expr_as(Expr::col((INFO, "name")), COLUMN)
        .from(MASTER)
        .from_function(info, INFO)
        .and_where(Expr::col((MASTER, "type")).eq("table"))
        .take()
}

/// The same of a file of which only the tables matter.
pub(crate) fn select_sqlite_tables() -> SelectStatement {
    Query::select()
        .expr_as(Expr::col("name"), TABLE)
        .expr_as(Expr::val(""), COLUMN)
        .from("sqlite_master")
        .and_where(Expr::col("type").eq("table"))
        .take()
}

/// The names of the data migrations that are marked as complete.
pub(crate) fn select_completed_migrations() -> SelectStatement {
    Query::select()
        .column(secondary_indexes::NAME)
        .from(secondary_indexes::TABLE)
        .and_where(Expr::col(secondary_indexes::MIGRATION_COMPLETED).is_not_null())
        .and_where(Expr::col(secondary_indexes::NAME).is_not_null())
        .take()
}

/// The revision of the schema.
pub(crate) fn select_revision() -> SelectStatement {
    Query::select().column(alembic_version::VERSION_NUM).from(alembic_version::TABLE).take()
}

/// Writes the revision of the schema.
pub(crate) fn insert_revision(revision: &str) -> InsertStatement {
    Query::insert()
        .into_table(alembic_version::TABLE)
        .columns([alembic_version::VERSION_NUM])
        .values_panic([revision.into()])
        .take()
}

/// Writes the newest revision in the place of another one. It changes one row, unless somebody was faster.
pub(crate) fn update_revision(from: &str) -> UpdateStatement {
    Query::update()
        .table(alembic_version::TABLE)
        .value(alembic_version::VERSION_NUM, HEAD)
        .and_where(Expr::col(alembic_version::VERSION_NUM).eq(from))
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
