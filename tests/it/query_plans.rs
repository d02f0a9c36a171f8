//! How Postgres finds the rows of every statement in a database of 2,000 runs and 200,000 events.

use dagster_instance_tests::dagster_with_input;
use serde_json::{Value, json};

use crate::postgres::{TestDatabase, sql};
use shared::{GROWING, Plan};

#[path = "../../crates/instance-storage/tests/plans/mod.rs"]
mod shared;

/// The major version of the server that `docs/query-plans.md` was written with.
const VERSION: i64 = 15;

/// The statements that go through a whole table or index, and why nothing is better.
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
    (
        &[
            "events_select_event_records_all",
            "runs_select_run_partitions",
            "runs_select_runs_by_tags",
            "runs_select_runs_created_before",
            "runs_select_runs_updated_before",
            "runs_select_runs_without_subruns",
        ],
        "By the statistics, most rows, or as many that to visit all in order costs less.",
    ),
    (
        &[
            "plans_event_records_latest",
            "plans_event_records_since",
            "plans_runs_latest",
            "plans_runs_latest_without_subruns",
            "plans_runs_of_job",
            "plans_summaries_latest",
        ],
        "Backwards in the order of ids, up to the limit: by the statistics, one is soon found.",
    ),
    (
        &["reindex_count_asset_keys_of_events", "reindex_select_asset_keys_of_events"],
        "It takes the first key of the index, and then jumps from key to key.",
    ),
    (&["runs_select_runs_by_snapshot"], "There is no index with snapshots."),
    (
        &["runs_select_runs_by_prefix"],
        "The index on ids could only begin at the prefix: where texts with it end depends on the collation.",
    ),
];

/// The server's own vacuum stays away. While it looks at a table, ours cannot mark its pages as visible to all, and then
/// another plan costs less.
const BY_HAND_ONLY: &str = "DO $$ DECLARE name text; BEGIN \
     FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = current_schema() LOOP \
     EXECUTE format('ALTER TABLE %I SET (autovacuum_enabled = off)', name); END LOOP; END $$";

/// The steps of a plan, as `EXPLAIN (COSTS OFF)` draws it.
fn plan(name: String, statement: String, lines: &[&str]) -> Plan {
    let (mut steps, mut is_scan) = (Vec::new(), false);
    for (number, line) in lines.iter().enumerate() {
        let step = line.trim_start().trim_start_matches("->").trim_start();
        let Some((kind, place)) = step.split_once(" on ") else {
            if step.starts_with("Sort  ") || step == "Sort" {
                steps.push("sort".to_owned());
            }
            continue;
        };
        let table = place.split(' ').next().unwrap_or_default();
        let is_growing = GROWING.contains(&table);
        if kind == "Bitmap Index Scan" {
            steps.push(format!("by {table}"));
        } else if is_growing && kind.contains("Scan") {
            let has_condition =
                lines.get(number + 1).is_some_and(|line| line.contains("Index Cond"));
            is_scan |= kind == "Seq Scan" || (kind.starts_with("Index") && !has_condition);
            steps.push(format!("{} {table}", kind.replace(" using", "")));
        }
    }
    Plan { name, statement, steps, is_scan }
}

#[test]
fn no_statement_goes_through_a_table_where_an_index_serves() {
    let database = TestDatabase::new("query_plans");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let storages = database.storages();
        storages.create().await.expect("created");
        storages.dispose().await;
    });

    let time =
        |seconds: &str| format!("(timestamp '1970-01-01' + ({seconds}) * interval '1 second')");
    let mut statements = vec![BY_HAND_ONLY.to_owned()];
    statements.extend(shared::filling(time));
    // Of so many rows that it looks at all, so that the statistics are the same each time.
    statements.push("SET default_statistics_target = 1000".to_owned());
    statements.push("VACUUM ANALYZE".to_owned());
    statements.push("SELECT count(*), (SELECT count(*) FROM runs) FROM event_logs".to_owned());
    let statements: Vec<&str> = statements.iter().map(String::as_str).collect();
    assert_eq!(sql(&database.url(), &statements), json!([[200_000, 2_000]]));

    let asked = shared::statements("Postgres");
    let texts: Vec<&str> = asked.iter().map(|(_, statement)| statement.as_str()).collect();
    let answer = dagster_with_input("query_plans.py", &[&database.url()], &json!(texts));
    let answers = answer["plans"].as_array().expect("plans");
    assert_eq!(answers.len(), asked.len());
    let plans: Vec<Plan> = asked
        .into_iter()
        .zip(answers)
        .map(|((name, statement), lines)| {
            let lines: Vec<&str> =
                lines.as_array().expect("lines").iter().filter_map(Value::as_str).collect();
            plan(name, statement, &lines)
        })
        .collect();
    shared::check("Postgres", &plans, SCANS, answer["version"] == VERSION);
}
