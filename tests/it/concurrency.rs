//! Many writers of one home, ours and Dagster's at the same time.

use std::collections::BTreeSet;

use dagster_instance_tests::{Home, dagster};
use serde_json::{Value, json};

const EXECS: usize = 8;
const ROUNDS: usize = 3;
const DAGSTER_RUNS: &str = "8";

#[test]
fn eight_execs_and_dagster_itself_lose_nothing() {
    let home = Home::on_disk();
    let path = home.path().to_string_lossy().into_owned();
    let (ours, theirs) = std::thread::scope(|scope| {
        // Dagster opens the home while the first of ours creates it, too.
        let theirs = scope.spawn(|| {
            dagster("execute_jobs.py", &[&path, "--count", DAGSTER_RUNS, "--materialize"])
        });
        let ours: Vec<_> = (0..EXECS)
            .map(|worker| {
                let home = &home;
                scope.spawn(move || {
                    let asset = format!("worker/number_{worker}");
                    let script = format!("echo {worker}; echo {worker} >&2");
                    let exec =
                        ["exec", "--asset", &asset, "--asset", "shared", "--", "sh", "-c", &script];
                    (0..ROUNDS).map(|_| home.ours(&exec)).collect::<Vec<_>>()
                })
            })
            .collect();
        let ours: Vec<_> =
            ours.into_iter().flat_map(|worker| worker.join().expect("a worker")).collect();
        (ours, theirs.join().expect("Dagster"))
    });

    assert_eq!(theirs["errors"], json!([]), "Dagster failed beside us");
    for finished in &ours {
        assert_eq!(finished.code, Some(0), "{}", finished.stderr);
        assert!(!finished.stderr.contains("locked"), "{}", finished.stderr);
    }
    let document = dagster("inspect_home.py", &[&path]);
    assert_eq!(document["body_mismatches"], json!([]));
    let runs = document["runs"].as_array().expect("runs");
    let of_dagster: BTreeSet<_> =
        theirs["run_ids"].as_array().expect("ids").iter().map(Value::to_string).collect();
    assert_eq!(of_dagster.len().to_string(), DAGSTER_RUNS);
    assert_eq!(runs.len(), EXECS * ROUNDS + of_dagster.len());
    for run in runs {
        assert_eq!(run["status"], "SUCCESS", "{}", run["run_id"]);
        if of_dagster.contains(&run["run_id"].to_string()) {
            continue;
        }
        let events = run["events"].as_array().expect("events");
        // Two planned and two outputs with their materialisations, and nine around them.
        let kinds: Vec<_> = events.iter().map(|event| &event["event_type"]).collect();
        assert_eq!(events.len(), 2 + 4 + 8, "{kinds:?}");
        assert_eq!(run["run_stats"]["materializations"], 2);
        assert_eq!(run["compute_logs"][0]["complete"], true);
    }
    let assets = document["assets"].as_array().expect("assets");
    assert!(assets.len() > EXECS, "an asset is missing");
}
