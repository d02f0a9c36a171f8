//! A home that Dagster wrote, as our binary lists and shows it.

use dagster_instance_tests::{Finished, Home, dagster};
use serde_json::{Value, json};

fn written_by_dagster() -> (Home, Value) {
    let home = Home::new();
    let document = dagster("write_home.py", &[&home.path().to_string_lossy()]);
    (home, document)
}

fn list<'a>(document: &'a Value, key: &str) -> &'a Vec<Value> {
    document[key].as_array().unwrap_or_else(|| panic!("no list {key}"))
}

fn text<'a>(document: &'a Value, key: &str) -> &'a str {
    document[key].as_str().unwrap_or_else(|| panic!("no text {key}"))
}

fn pick(document: &Value, keys: &[&str]) -> Value {
    keys.iter().map(|key| ((*key).to_owned(), document[*key].clone())).collect()
}

#[test]
fn what_dagster_wrote_is_listed_and_shown_event_for_event() {
    let (home, theirs) = written_by_dagster();
    let runs = list(&theirs, "runs");
    assert!(runs.len() >= 8, "the home is not rich");

    let ours = home.ours(&["run", "list", "--json"]).succeeded().json_lines();
    let keys =
        ["run_id", "job_name", "status", "tags", "create_timestamp", "start_time", "end_time"];
    let picked = |runs: &[Value]| runs.iter().map(|run| pick(run, &keys)).collect::<Vec<_>>();
    assert_eq!(picked(&ours), picked(runs), "runs, newest first");

    for run in runs {
        check_events(&home, run);
        check_show(&home, run);
    }
    let ours = home.ours(&["asset", "list", "--json"]).succeeded().json_lines();
    let assets: Vec<_> = ours
        .iter()
        .map(|asset| {
            json!({
                "asset_key": asset["asset_key"],
                "last_run_id": asset["last_run_id"],
                "last_materialization_timestamp": asset["last_materialization_timestamp"],
            })
        })
        .collect();
    let mut expected: Vec<_> = list(&theirs, "assets")
        .iter()
        .map(|asset| pick(asset, &["asset_key", "last_run_id", "last_materialization_timestamp"]))
        .collect();
    expected.sort_by_key(|asset| asset["asset_key"].to_string());
    let mut sorted = assets.clone();
    sorted.sort_by_key(|asset| asset["asset_key"].to_string());
    assert_eq!(sorted, expected);

    check_filters(&home, runs);
    let info = home.ours(&["info", "--json"]).succeeded().json_lines();
    assert_eq!(info[0]["runs"], runs.len());
    // Dagster makes a home without an id, and gives it one when it is first asked for it, as we do.
    let id = text(&info[0], "run_storage_id");
    assert!(!id.is_empty());
    let again = home.ours(&["info", "--json"]).succeeded().json_lines();
    assert_eq!(text(&again[0], "run_storage_id"), id);
    assert_eq!(info[0]["assets"], assets.len());
}

/// Every event of a run: same order, ids, types, steps, messages, and the same stored entry.
fn check_events(home: &Home, run: &Value) {
    let theirs = list(run, "events");
    let ours =
        home.ours(&["run", "events", text(run, "run_id"), "--json"]).succeeded().json_lines();
    assert_eq!(ours.len(), theirs.len(), "events of {}", run["job_name"]);
    for (ours, theirs) in ours.iter().zip(theirs) {
        assert_eq!(ours["id"], theirs["storage_id"]);
        for key in ["event_type", "step_key", "timestamp", "message", "entry"] {
            assert_eq!(
                ours[key], theirs[key],
                "{key} of event {} of {}",
                ours["id"], run["job_name"]
            );
        }
    }
    let lines = home.ours(&["run", "events", text(run, "run_id")]).succeeded();
    assert_eq!(lines.stdout.lines().count(), theirs.len(), "one line for each event");
}

fn check_show(home: &Home, run: &Value) {
    let shown = home.ours(&["run", "show", text(run, "run_id"), "--json"]).succeeded().json_lines();
    let shown = &shown[0];
    assert_eq!(shown["run_config"], run["run_config"]);
    for key in [
        "steps_succeeded",
        "steps_failed",
        "materializations",
        "expectations",
        "start_time",
        "end_time",
    ] {
        assert_eq!(shown["stats"][key], run["run_stats"][key], "{key} of {}", run["job_name"]);
    }
    let keys = ["step_key", "status", "start_time", "end_time", "attempts", "materializations"];
    let steps = |run: &Value, list_key| {
        let mut steps: Vec<_> = list(run, list_key).iter().map(|step| pick(step, &keys)).collect();
        steps.sort_by_key(ToString::to_string);
        steps
    };
    assert_eq!(steps(shown, "steps"), steps(run, "step_stats"), "steps of {}", run["job_name"]);
    let table = home.ours(&["run", "show", text(run, "run_id")]).succeeded();
    assert!(table.stdout.contains(text(run, "status")));
}

fn check_filters(home: &Home, runs: &[Value]) {
    let ids = |finished: Finished| -> Vec<Value> {
        finished.succeeded().json_lines().iter().map(|run| run["run_id"].clone()).collect()
    };
    let expected = |matches: &dyn Fn(&Value) -> bool| -> Vec<Value> {
        runs.iter().filter(|run| matches(run)).map(|run| run["run_id"].clone()).collect()
    };
    let failed = expected(&|run| run["status"] == "FAILURE");
    assert!(!failed.is_empty() && failed.len() < runs.len());
    assert_eq!(ids(home.ours(&["run", "list", "--json", "--status", "FAILURE"])), failed);
    let either = expected(&|run| run["status"] == "FAILURE" || run["status"] == "CANCELED");
    let arguments = ["run", "list", "--json", "--status", "failure", "--status", "CANCELED"];
    assert_eq!(ids(home.ours(&arguments)), either);

    let job = text(&runs[0], "job_name");
    let of_job = expected(&|run| run["job_name"] == job);
    assert_eq!(ids(home.ours(&["run", "list", "--json", "--job", job])), of_job);

    let tagged =
        runs.iter().find(|run| run["tags"].as_object().is_some_and(|tags| !tags.is_empty()));
    let tags = tagged.and_then(|run| run["tags"].as_object()).expect("a run with tags");
    let (key, value) = tags.iter().next().expect("a tag");
    let with_tag = expected(&|run| run["tags"][key] == *value);
    let tag = format!("{key}={}", value.as_str().expect("a text"));
    assert_eq!(ids(home.ours(&["run", "list", "--json", "--tag", &tag])), with_tag);

    assert_eq!(ids(home.ours(&["run", "list", "--json", "--limit", "3"])).len(), 3);
    let table = home.ours(&["run", "list"]).succeeded();
    assert_eq!(table.stdout.lines().count(), runs.len() + 1, "a heading and a line for each run");
}

#[test]
fn a_run_is_found_by_the_beginning_of_its_id() {
    let home = Home::new();
    for _ in 0..40 {
        home.ours(&["exec", "--quiet", "--", "true"]).succeeded();
    }
    let runs = home.ours(&["run", "list", "--json"]).succeeded().json_lines();
    assert_eq!(runs.len(), 40);
    let id = text(&runs[0], "run_id");
    let shown = home.ours(&["run", "show", &id[..13], "--json"]).succeeded().json_lines();
    assert_eq!(shown[0]["run_id"], id);
    // 40 ids begin with 16 different characters at the most: one of them begins two ids.
    let ambiguous = (0..16)
        .map(|digit| format!("{digit:x}"))
        .find(|first| runs.iter().filter(|run| text(run, "run_id").starts_with(first)).count() > 1)
        .expect("two ids with the same first character");
    let refused = home.ours(&["run", "show", &ambiguous]);
    assert_eq!(refused.code, Some(1));
    assert!(refused.stderr.contains("several runs begin with it"), "{}", refused.stderr);
    let refused = home.ours(&["run", "events", "zzzz"]);
    assert_eq!(refused.code, Some(1));
    assert!(refused.stderr.contains("there is no run zzzz"), "{}", refused.stderr);
}

#[test]
fn events_are_followed_until_the_run_has_ended() {
    let home = Home::new();
    let mut running = home.start_ours(&["exec", "--", "sh", "-c", "echo ready; sleep 1"]);
    running.wait_for_line("ready");
    let runs = home.ours(&["run", "list", "--json"]).succeeded().json_lines();
    let id = text(&runs[0], "run_id");
    assert_eq!(runs[0]["status"], "STARTED");
    let followed = home.ours(&["run", "events", id, "--follow", "--json"]).succeeded().json_lines();
    running.finish().succeeded();
    assert_eq!(followed.last().map(|event| &event["event_type"]), Some(&json!("PIPELINE_SUCCESS")));
    let all = home.ours(&["run", "events", id, "--json"]).succeeded().json_lines();
    assert_eq!(followed, all);
}
