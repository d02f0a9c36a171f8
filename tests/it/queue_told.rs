//! `queue list` and `queue explain` beside Dagster, which has created the runs: on SQLite and on Postgres.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::Write as _;

use dagster_instance_tests::{Home, dagster};
use serde_json::{Value, json};

use crate::postgres::TestDatabase;

/// Two runs may be in progress: the one that has started, and one more.
const LIMITS: &str = "
concurrency:
  pools: {default_limit: 1}
  runs:
    max_concurrent_runs: 2
    tag_concurrency_limits: [{key: team, limit: 1}]
";

/// What our command prints, a document for each line.
fn told(home: &Home, arguments: &[&str]) -> Vec<Value> {
    let ended = home.ours(arguments);
    assert_eq!(ended.code, Some(0), "{arguments:?}: {}", ended.stderr);
    ended.stdout.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

fn the_queue_of_dagster_is_told(home: &Home) {
    let file = home.path().join("dagster.yaml");
    let mut file = OpenOptions::new().append(true).create(true).open(file).expect("a file");
    file.write_all(LIMITS.as_bytes()).expect("limits");
    let created = dagster("queued_runs.py", &[&home.path().to_string_lossy()]);
    let runs: BTreeMap<String, String> =
        serde_json::from_value(created["runs"].clone()).expect("runs");

    let list = told(home, &["queue", "list", "--json"]);
    let order = ["first", "pooled", "tagged", "last"].map(|name| json!(runs[name]));
    assert_eq!(list.iter().map(|run| run["run_id"].clone()).collect::<Vec<_>>(), order);
    assert_eq!(list[0]["priority"], 10, "as Python reads the text");
    let taken: Vec<_> = list.iter().filter(|run| run["taken_next"] == true).collect();
    assert_eq!(
        taken.iter().map(|run| run["run_id"].clone()).collect::<Vec<_>>(),
        [json!(runs["first"])]
    );
    assert_eq!(created["taken"], json!([runs["first"]]), "Dagster takes the same");
    let kinds: Vec<_> = list.iter().map(|run| run["waits_for"][0]["kind"].clone()).collect();
    assert_eq!(
        kinds,
        [Value::Null, json!("pool"), json!("tag_limit"), json!("max_concurrent_runs")]
    );

    let explain = |name: &str| {
        told(home, &["queue", "explain", &runs[name], "--json"]).pop().expect("a document")
    };
    let holder = json!([runs["holder"]]);
    let pooled = explain("pooled");
    let pool = &pooled["waits_for"][0];
    assert_eq!((&pool["name"], &pool["limit"]), (&json!("snowflake"), &json!(1)), "{pooled}");
    assert_eq!(pool["held_by"], holder, "{pooled}");
    let tagged = explain("tagged");
    assert_eq!(tagged["waits_for"][0]["held_by"], holder, "{tagged}");
    assert_eq!((&tagged["position"], &tagged["queued"]), (&json!(3), &json!(4)));
    let newest = explain("last");
    let held = json!([runs["holder"], runs["first"]]);
    assert_eq!(newest["waits_for"][0]["held_by"], held, "{newest}");
    assert_eq!(newest["ahead"], json!({ "waiting": 2, "taken_next": 1 }));

    let ended = home.ours(&["queue", "explain", &runs["holder"]]);
    assert_eq!(ended.code, Some(1));
    assert!(ended.stderr.contains("it is STARTED"), "{}", ended.stderr);
}

#[test]
fn in_sqlite() {
    the_queue_of_dagster_is_told(&Home::new());
}

#[test]
fn in_postgres() {
    let database = TestDatabase::new("queue_told");
    the_queue_of_dagster_is_told(&database.home());
}
