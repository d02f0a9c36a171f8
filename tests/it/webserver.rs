//! Dagster's web server over a home that we wrote.

use dagster_instance_tests::{Home, dagster};
use serde_json::json;

#[test]
fn the_web_server_answers_for_a_run_of_ours() {
    let home = Home::new();
    home.ours(&["exec", "--asset", "demo/hello", "--", "sh", "-c", "echo hello"]).succeeded();
    let runs = home.ours(&["run", "list", "--json"]).succeeded().json_lines();
    let run_id = runs[0]["run_id"].as_str().expect("an id");
    let path = home.path().to_string_lossy();
    let page = dagster("webserver.py", &[&path, run_id, "--asset", "demo/hello"]);
    assert_eq!(page["errors"], json!([]));
    assert_eq!(page["run"]["status"], "SUCCESS");
    assert_eq!(page["run"]["stats"]["stepsSucceeded"], 1);
    assert_eq!(page["run"]["stats"]["materializations"], 1);
    assert_eq!(page["run"]["stepStats"][0]["status"], "SUCCESS");
    assert_eq!(page["run"]["executionPlan"]["steps"][0]["key"], "command");
    assert_eq!(page["graph"]["solidHandles"][0]["handleID"], "command");
    assert_eq!(page["logs"][0]["stdout"], "hello\n");
    assert_eq!(page["asset"]["assetMaterializations"][0]["runId"], run_id);
    let events = page["events"]["events"].as_array().expect("events");
    assert_eq!(events.len(), 11);
    assert_eq!(events.last().map(|event| &event["eventType"]), Some(&json!("RUN_SUCCESS")));
}
