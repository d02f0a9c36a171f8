//! Code locations of workspaces: the answers that instance-config is tested with are those of the pinned Dagster.

use std::fs;

use dagster_instance_tests::{dagster, root};
use serde_json::Value;

/// Where the answers are kept.
const KEPT: &str = "crates/instance-config/tests/fixtures/workspaces.json";

#[test]
fn the_kept_answers_are_those_of_dagster() {
    let asked = dagster("workspaces.py", &[]);
    let kept = fs::read_to_string(root().join(KEPT)).expect(KEPT);
    let kept: Value = serde_json::from_str(&kept).expect(KEPT);
    let (asked, kept) = (asked.as_array().expect("a list"), kept.as_array().expect("a list"));
    let advice = format!("python tests/python/workspaces.py > {KEPT}");
    for (asked, kept) in asked.iter().zip(kept) {
        assert_eq!(asked, kept, "{advice}");
    }
    assert_eq!(asked.len(), kept.len(), "{advice}");
}
