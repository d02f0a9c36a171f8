//! How SQLite finds the rows of every statement in a home of 2,000 runs and 200,000 events. SQLite has no
//! statistics there, as Dagster never asks for any, so the plans are the same in a home of any size.

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Row, SqliteConnection};

use crate::support::{Home, TestResult};
use shared::{GROWING, Plan};

#[path = "../plans/mod.rs"]
mod shared;

/// The statements that go through a whole table, and why nothing is better.
const SCANS: &[(&[&str], &str)] = &[
    (
        &[
            "runs_count_runs",
            "runs_select_run_ids_by_time_of_creation",
            "runs_select_run_ids_by_time_of_end",
            "runs_select_run_ids_by_time_of_start",
            "runs_select_run_ids_by_time_of_update",
            "runs_select_runs_all",
            "schema_delete_all",
        ],
        "It is asked for all rows.",
    ),
    (&["plans_runs_latest"], "Backwards in the order of ids, up to the limit."),
    (
        &[
            "plans_runs_created_after",
            "runs_select_runs_created_after",
            "runs_select_runs_created_before",
            "runs_select_runs_updated_after",
            "runs_select_runs_updated_before",
        ],
        "The one index with times begins with the status, and no status is asked for.",
    ),
    (&["runs_select_run_partitions"], "The one index with partitions begins with their set."),
    (&["runs_select_runs_by_snapshot"], "There is no index with snapshots."),
    (
        &["runs_select_runs_by_prefix"],
        "The index on ids could only begin at the prefix: where texts with it end depends on the collation.",
    ),
];

/// Whether a table is in the file of runs; the others are in the index of events.
fn is_of_runs(statement: &str) -> bool {
    ["runs", "run_tags", "snapshots"].iter().any(|table| {
        statement.contains(&format!("\"{table}\""))
            || statement.starts_with(&format!("INSERT INTO {table} "))
    })
}

async fn plan(
    file: &mut SqliteConnection,
    name: String,
    statement: String,
) -> Result<Plan, sqlx::Error> {
    let explain = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {statement}"));
    let rows = sqlx::query(explain).fetch_all(file).await?;
    let lines: Vec<String> = rows.iter().map(|row| row.get("detail")).collect();
    let is_growing = |table: &&str| GROWING.contains(table);
    let table = |line: &str| line.split(' ').nth(1).filter(is_growing).map(str::to_owned);
    let is_step = |line: &&String| table(line).is_some() || line.starts_with("USE TEMP B-TREE");
    let short = |line: &String| line.replace(" USING", "").replace("USE TEMP B-TREE", "sort");
    Ok(Plan {
        steps: lines.iter().filter(is_step).map(short).collect(),
        is_scan: lines.iter().any(|line| line.starts_with("SCAN ") && table(line).is_some()),
        name,
        statement,
    })
}

#[tokio::test]
async fn no_statement_goes_through_a_table_where_an_index_serves() -> TestResult {
    let home = Home::new().await?;
    home.storages.create().await?;
    let open = async |file| SqliteConnectOptions::new().filename(file).connect().await;
    let (mut runs, mut index) = (open(home.runs_db()).await?, open(home.events_db("index")).await?);

    let time = |seconds: &str| format!("strftime('%Y-%m-%d %H:%M:%f000', {seconds}, 'unixepoch')");
    for statement in shared::filling(time) {
        let file = if is_of_runs(&statement) { &mut runs } else { &mut index };
        sqlx::query(AssertSqlSafe(statement)).execute(file).await?;
    }
    for (file, table, rows) in [(&mut runs, "runs", 2_000), (&mut index, "event_logs", 200_000)] {
        let count = AssertSqlSafe(format!("SELECT count(*) FROM {table}"));
        assert_eq!(sqlx::query(count).fetch_one(file).await?.get::<i64, _>(0), rows);
    }

    let mut plans = Vec::new();
    for (name, statement) in shared::statements("SQLite") {
        let file = if is_of_runs(&statement) { &mut runs } else { &mut index };
        plans.push(plan(file, name, statement).await?);
    }
    runs.close().await?;
    index.close().await?;
    shared::check("SQLite", &plans, SCANS, true);
    Ok(())
}
