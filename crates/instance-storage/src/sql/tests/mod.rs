//! The text of every statement in both dialects, with fixed values, as snapshots in `tests/sql`.

mod asset_checks;
mod asset_partitions;
mod assets;
mod automation;
mod backfills;
mod check;
mod daemons;
mod dynamic_partitions;
mod events;
#[cfg(feature = "postgres")]
mod events_at_once;
mod instigators;
mod lists;
mod packed;
mod plans;
mod pools;
mod queue;
mod reindex;
mod reindex_runs;
mod runs;
mod schema;
#[cfg(feature = "postgres")]
mod session;
mod settled;
mod snapshots;
mod ticks;

use std::path::{Path, PathBuf};

use crate::sql::Dialect;
use crate::sql::capabilities::{Capabilities, FEATURES, MARKS};
use chrono::{DateTime, NaiveDateTime, Utc};
use insta::{assert_snapshot, with_settings};
use instance_core::ids::{RunId, SnapshotId};
use instance_core::run::DagsterRun;
use sea_query::{PostgresQueryBuilder, QueryStatementWriter, SqliteQueryBuilder};

/// Compares a statement in both dialects with its snapshot.
#[track_caller]
fn check(name: &str, statement: &impl QueryStatementWriter) {
    compare(name, &format!("{}\n{}", in_sqlite(statement), in_postgres(statement)));
}

/// Compares a statement that is another one in each dialect with its snapshot.
#[track_caller]
fn check_each<S: QueryStatementWriter>(name: &str, statement: impl Fn(Dialect) -> S) {
    let (sqlite, postgres) = (statement(Dialect::Sqlite), statement(Dialect::Postgres));
    compare(name, &format!("{}\n{}", in_sqlite(&sqlite), in_postgres(&postgres)));
}

/// Compares a statement that differs by what a database has with its snapshot, and what it is on each database that
/// lacks one thing with another one.
#[track_caller]
fn check_capable<S: QueryStatementWriter>(name: &str, statement: impl Fn(Capabilities) -> S) {
    let text = |has| {
        let statement = statement(has);
        format!("{}\n{}", in_sqlite(&statement), in_postgres(&statement))
    };
    let newest = text(Capabilities::HEAD);
    compare(name, &newest);
    let mut older = Vec::new();
    for described in FEATURES {
        let lacking = text(Capabilities::HEAD.without(described.feature));
        if lacking != newest {
            older.push(format!("-- without the {}\n{lacking}", described.what));
        }
    }
    for (mark, _, migration) in MARKS {
        let lacking = text(Capabilities::HEAD.without_mark(mark));
        if lacking != newest {
            older.push(format!("-- before the data migration {migration}\n{lacking}"));
        }
    }
    if !older.is_empty() {
        compare(&format!("{name}_on_older"), &older.join("\n"));
    }
}

/// Compares a statement that only SQLite is given with its snapshot.
#[track_caller]
fn check_sqlite(name: &str, statement: &impl QueryStatementWriter) {
    compare(name, &in_sqlite(statement));
}

/// Compares a statement that only Postgres is given with its snapshot.
#[track_caller]
fn check_postgres(name: &str, statement: &impl QueryStatementWriter) {
    compare(name, &in_postgres(statement));
}

fn in_sqlite(statement: &impl QueryStatementWriter) -> String {
    // What is bound to SQLite is text without an offset.
    let text = statement.to_string(SqliteQueryBuilder).replace(" +00:00'", "'");
    format!("-- SQLite\n{text};")
}

fn in_postgres(statement: &impl QueryStatementWriter) -> String {
    format!("-- Postgres\n{};", statement.to_string(PostgresQueryBuilder))
}

#[track_caller]
fn compare(name: &str, text: &str) {
    with_settings!({
        snapshot_path => "../../../tests/sql",
        prepend_module_to_snapshot => false,
        omit_expression => true,
    }, {
        assert_snapshot!(name, text);
    });
}

fn run_id() -> RunId {
    RunId::from("11ba45cd-0ff4-4c97-9043-022db056be22")
}

fn time() -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_000, 250_000_000).unwrap()
}

/// The same time, as columns hold it.
fn at() -> NaiveDateTime {
    time().naive_utc()
}

fn run() -> DagsterRun {
    let tags = [("dagster/partition", "a'b"), ("dagster/backfill", "bf"), ("team", "däta")];
    DagsterRun {
        tags: tags.map(|(key, value)| (key.to_owned(), value.to_owned())).into(),
        job_snapshot_id: Some(SnapshotId::from("aa")),
        ..DagsterRun::new(run_id(), "letters")
    }
}

fn strings<const N: usize>(texts: [&str; N]) -> [String; N] {
    texts.map(str::to_owned)
}

/// A function that builds a statement and is not called here has SQL that nobody looked at.
#[test]
fn every_function_that_builds_a_statement_is_called_here() {
    let sql = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/sql");
    let calls: String = sources(&sql.join("tests")).iter().map(|(_, source)| &**source).collect();
    let mut found = 0;
    for (module, source) in sources(&sql) {
        for function in source.split("\npub(crate) fn ").skip(1) {
            let (signature, _) = function.split_once(" {\n").unwrap();
            let Some((_, returned)) = signature.rsplit_once(" -> ") else { continue };
            if returned.contains("Statement") {
                let name = signature.split(['(', '<']).next().unwrap();
                assert!(calls.contains(&format!("{module}::{name}(")), "{module}::{name}");
                found += 1;
            }
        }
    }
    assert!(found > 100, "only {found} functions were found");
}

/// The modules of a directory, by their names, with their text; its own file and its tests are none.
fn sources(directory: &Path) -> Vec<(String, String)> {
    let module = |path: PathBuf| {
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let file = if path.is_dir() { path.join("mod.rs") } else { path };
        (name != "mod" && name != "tests").then(|| (name, std::fs::read_to_string(file).unwrap()))
    };
    let entries = std::fs::read_dir(directory).unwrap();
    entries.filter_map(|entry| module(entry.unwrap().path())).collect()
}
