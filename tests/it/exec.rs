//! A command recorded by us, as Dagster reads it: success, each way to fail, and being stopped.

use dagster_instance_tests::{Finished, Home, dagster, python};
use nix::sys::signal::Signal;
use serde_json::{Value, json};

/// The one run of the home as Dagster reads it, after a check that every stored text is one that
/// Dagster would have written.
fn read_by_dagster(home: &Home) -> Value {
    let path = home.path().to_string_lossy();
    let mut document = dagster("inspect_home.py", &[&path]);
    assert_eq!(document["body_mismatches"], json!([]), "bodies that Dagster writes differently");
    let runs = document["runs"].as_array_mut().expect("runs");
    assert_eq!(runs.len(), 1);
    runs.remove(0)
}

fn event_types(run: &Value) -> Vec<&str> {
    let events = run["events"].as_array().expect("events");
    events.iter().filter_map(|event| event["event_type"].as_str()).collect()
}

fn exec(home: &Home, command: &[&str]) -> Finished {
    home.ours(&[&["exec", "--job", "job_of_test", "--"], command].concat())
}

#[test]
fn dagster_reads_a_successful_run_as_its_own() {
    let home = Home::new();
    let arguments = [
        "exec",
        "--asset",
        "demo/hello",
        "--tag",
        "team=dätä",
        "--",
        "sh",
        "-c",
        "echo hello; echo uh >&2",
    ];
    let finished = home.ours(&arguments).succeeded();
    assert_eq!(finished.stdout, "hello\n");
    assert!(
        finished.stderr.contains("PIPELINE_SUCCESS"),
        "no events on screen: {}",
        finished.stderr
    );
    assert!(finished.stderr.contains(&*home.path().to_string_lossy()), "the home is not named");

    let run = read_by_dagster(&home);
    assert_eq!(run["job_name"], "sh");
    assert_eq!(run["status"], "SUCCESS");
    assert_eq!(run["tags"], json!({"team": "dätä"}));
    let argv = &run["run_config"]["ops"]["command"]["config"]["argv"];
    assert_eq!(*argv, json!(["sh", "-c", "echo hello; echo uh >&2"]));
    assert_eq!(
        event_types(&run),
        [
            "ASSET_MATERIALIZATION_PLANNED",
            "PIPELINE_STARTING",
            "ENGINE_EVENT",
            "PIPELINE_START",
            "LOGS_CAPTURED",
            "STEP_START",
            "ENGINE_EVENT",
            "STEP_OUTPUT",
            "ASSET_MATERIALIZATION",
            "STEP_SUCCESS",
            "PIPELINE_SUCCESS",
        ]
    );
    let timestamp = |event_type: &str| {
        let events = run["events"].as_array().expect("events");
        let event =
            events.iter().find(|event| event["event_type"] == event_type).expect(event_type);
        event["timestamp"].as_f64().expect("timestamp")
    };
    assert_eq!(run["start_time"].as_f64(), Some(timestamp("PIPELINE_START")));
    assert_eq!(run["end_time"].as_f64(), Some(timestamp("PIPELINE_SUCCESS")));
    assert_eq!(run["run_stats"]["steps_succeeded"], 1);
    assert_eq!(run["run_stats"]["steps_failed"], 0);
    assert_eq!(run["step_stats"][0]["status"], "SUCCESS");
    assert_eq!(run["step_stats"][0]["materializations"], json!(["demo/hello"]));
    assert_eq!(run["materializations"][0]["asset_key"], "demo/hello");
    assert_eq!(run["materializations"][0]["run_id"], run["run_id"]);
    assert_eq!(run["compute_logs"][0]["stdout"], "hello\n");
    assert_eq!(run["compute_logs"][0]["stderr"], "uh\n");
    assert_eq!(run["compute_logs"][0]["complete"], true);
    for snapshot in ["job_snapshot", "execution_plan_snapshot"] {
        assert_eq!(run[snapshot]["loads"], true);
        assert!(run[snapshot]["stored_id"].is_string());
        assert_eq!(run[snapshot]["stored_id"], run[snapshot]["recomputed_id"]);
    }
}

#[test]
fn partitions_reach_the_events_and_the_run() {
    let home = Home::new();
    let arguments =
        ["exec", "--asset", "a", "--asset", "b/c", "--partition", "2026-11-21", "--", "true"];
    home.ours(&arguments).succeeded();
    let run = read_by_dagster(&home);
    assert_eq!(run["tags"], json!({"dagster/partition": "2026-11-21"}));
    let expected = json!([
        {"asset_key": "a", "partition": "2026-11-21"},
        {"asset_key": "b/c", "partition": "2026-11-21"},
    ]);
    assert_eq!(run["planned"], expected);
    let mut materialized: Vec<_> = run["materializations"]
        .as_array()
        .expect("materializations")
        .iter()
        .map(|event| (event["asset_key"].as_str(), event["partition"].as_str()))
        .collect();
    materialized.sort_unstable();
    assert_eq!(materialized, [(Some("a"), Some("2026-11-21")), (Some("b/c"), Some("2026-11-21"))]);
}

/// Checks a run that failed: how its step and the run itself are reported.
fn check_failure(command: &[&str], code: i32, reason: &str) {
    let home = Home::new();
    let finished = exec(&home, command);
    assert_eq!(finished.code, Some(code), "{}", finished.stderr);
    let run = read_by_dagster(&home);
    assert_eq!(run["status"], "FAILURE");
    assert!(run["end_time"].is_f64());
    assert_eq!(run["tags"]["dagster/failure_reason"], "STEP_FAILURE");
    assert_eq!(run["step_stats"][0]["status"], "FAILURE");
    assert_eq!(run["run_stats"]["steps_failed"], 1);
    let message = run["failure"]["steps"][0]["message"].as_str().expect("step failure");
    assert!(message.contains(reason), "{message:?} lacks {reason:?}");
    assert_eq!(run["failure"]["run"]["failure_reason"], "STEP_FAILURE");
    assert_eq!(run["materializations"], json!([]));
    assert_eq!(event_types(&run).last(), Some(&"PIPELINE_FAILURE"));
}

#[test]
fn an_exit_code_is_passed_on_and_fails_the_run() {
    check_failure(&["sh", "-c", "echo why >&2; exit 7"], 7, "exited with status 7");
}

#[test]
fn a_missing_program_is_a_failed_run() {
    check_failure(&["/no/such/program"], 127, "/no/such/program: No such file");
}

#[test]
fn a_file_that_cannot_be_executed_is_a_failed_run() {
    check_failure(&["/etc/passwd"], 126, "Permission denied");
}

#[test]
fn a_command_that_a_signal_ends_is_a_failed_run() {
    check_failure(&["sh", "-c", "kill -9 $$"], 128 + 9, "signal 9");
}

/// Checks a run that was stopped by a signal to us.
fn check_stop(signal: Signal, code: i32) {
    let home = Home::new();
    // Not a shell: it would lose a signal that comes between its fork and the exec of `sleep`.
    let script = "import time; print('ready', flush=True); time.sleep(60)";
    let python = python().to_string_lossy();
    let mut running = home.start_ours(&["exec", "--", &python, "-c", script]);
    running.wait_for_line("ready");
    running.signal(signal);
    let finished = running.finish();
    assert_eq!(finished.code, Some(code), "{}", finished.stderr);
    let run = read_by_dagster(&home);
    assert_eq!(run["status"], "CANCELED");
    assert!(run["end_time"].is_f64());
    let types = event_types(&run);
    assert!(types.contains(&"PIPELINE_CANCELING"), "{types:?}");
    assert_eq!(types.last(), Some(&"PIPELINE_CANCELED"));
    assert_eq!(run["compute_logs"][0]["stdout"], "ready\n");
    assert_eq!(run["compute_logs"][0]["complete"], true);
}

#[test]
fn sigterm_reaches_the_command_and_cancels_the_run() {
    check_stop(Signal::SIGTERM, 128 + 15);
}

#[test]
fn ctrl_c_reaches_the_command_and_cancels_the_run() {
    check_stop(Signal::SIGINT, 128 + 2);
}

#[test]
fn a_command_may_handle_the_signal_and_choose_its_code() {
    let home = Home::new();
    let script = "trap 'echo bye; exit 3' TERM; echo ready; while :; do sleep 0.05; done";
    let mut running = home.start_ours(&["exec", "--", "sh", "-c", script]);
    running.wait_for_line("ready");
    running.signal(Signal::SIGTERM);
    assert_eq!(running.finish().code, Some(3));
    let run = read_by_dagster(&home);
    assert_eq!(run["status"], "CANCELED");
    assert_eq!(run["compute_logs"][0]["stdout"], "ready\nbye\n");
}

#[test]
fn output_of_any_size_and_bytes_is_captured() {
    let home = Home::new();
    let script = "head -c 3000000 /dev/zero | tr '\\0' 'x'; printf '\\377\\000é'";
    let finished = exec(&home, &["sh", "-c", script]).succeeded();
    assert_eq!(finished.stdout.chars().filter(|c| *c == 'x').count(), 3_000_000);
    let run = read_by_dagster(&home);
    let captured = run["compute_logs"][0]["stdout"].as_str().expect("stdout");
    assert!(captured.starts_with("xxx") && captured.ends_with('é'));
}

#[test]
fn output_of_a_process_left_behind_is_read_until_it_is_closed() {
    let home = Home::new();
    let go = home.path().join("go");
    nix::unistd::mkfifo(&go, nix::sys::stat::Mode::S_IRWXU).expect("named pipe");
    let script = format!("(read line < '{}'; echo late) & echo early", go.display());
    let mut running = home.start_ours(&["exec", "--", "sh", "-c", &script]);
    running.wait_for_line("early");
    std::fs::write(&go, "go\n").expect("named pipe");
    assert_eq!(running.finish().succeeded().stdout, "late\n");
    let run = read_by_dagster(&home);
    assert_eq!(run["status"], "SUCCESS");
    assert_eq!(run["compute_logs"][0]["stdout"], "early\nlate\n");
}

#[test]
fn a_process_left_behind_holds_the_run_open_no_longer_than_it_may() {
    let home = Home::new();
    let arguments = ["exec", "--output-timeout", "0.1", "--", "sh", "-c", "sleep 60 & echo done"];
    let finished = home.ours(&arguments).succeeded();
    assert!(finished.stderr.contains("is not captured any more"), "{}", finished.stderr);
    assert_eq!(read_by_dagster(&home)["compute_logs"][0]["stdout"], "done\n");
}
