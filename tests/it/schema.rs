//! The databases that we create, against those that Dagster creates.

use dagster_instance_tests::{Home, dagster};
use serde_json::Value;

fn schema(home: &Home, options: &[&str]) -> Value {
    let path = home.path().to_string_lossy();
    dagster("dump_schema.py", &[&[&*path], options].concat())
}

#[test]
fn a_fresh_home_is_the_one_that_dagster_creates() {
    let ours = Home::new();
    ours.ours(&["exec", "--", "true"]).succeeded();
    let theirs = Home::new();
    let (ours, theirs) = (schema(&ours, &[]), schema(&theirs, &["--create"]));
    assert_eq!(ours["files"], theirs["files"]);
    // A shard has the tables of the index, and none of its rows.
    let shard = &ours["shards"][0];
    assert_eq!(shard["objects"], theirs["files"]["history/runs/index.db"]["objects"]);
    assert_eq!(shard["revision"], theirs["files"]["history/runs/index.db"]["revision"]);
    assert_eq!(shard["secondary_indexes"], serde_json::json!([]));
}
