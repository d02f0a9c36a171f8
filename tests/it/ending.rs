//! Runs of the binary that do not end by themselves, and those that are stopped: what `run show`, `run wait`,
//! `run tail` and `run cancel` say of them.

use dagster_instance_tests::{Finished, Home, Running};
use nix::sys::signal::Signal;

const SCRIPT: &str = "echo ready; exec sleep 600";

/// Starts a command that does not end, and returns the id of its run.
fn start(home: &Home) -> (Running, String) {
    let mut running = home.start_ours(&["exec", "--quiet", "--", "sh", "-c", SCRIPT]);
    running.wait_for_line("ready");
    (running, newest(home))
}

fn newest(home: &Home) -> String {
    let runs = home.ours(&["run", "list", "--limit", "1", "--json"]).succeeded().json_lines();
    runs[0]["run_id"].as_str().expect("run id").to_owned()
}

/// A run whose worker was killed; its command goes on.
fn lose_worker(home: &Home) -> String {
    let (running, id) = start(home);
    running.signal(Signal::SIGKILL);
    assert_eq!(running.finish().code, None);
    id
}

fn check(finished: &Finished, code: i32, text: &str) {
    assert_eq!(finished.code, Some(code), "{}", finished.stderr);
    assert!(finished.stderr.contains(text), "{:?} lacks {text:?}", finished.stderr);
}

#[test]
fn a_run_whose_worker_was_killed_is_not_waited_for_and_can_be_ended() {
    let home = Home::new();
    let id = lose_worker(&home);
    let shown = home.ours(&["run", "show", &id, "--json"]).succeeded().json_lines();
    assert_eq!(shown[0]["worker"]["status"], "NOT_FOUND");
    let shown = home.ours(&["run", "show", &id]).succeeded().stdout;
    assert!(shown.contains("is gone") && shown.contains("was left behind"), "{shown}");

    check(&home.ours(&["run", "wait", &id]), 125, "will not end by itself");
    check(&home.ours(&["run", "events", &id, "--follow"]), 1, "will not end by itself");
    let tail = home.ours(&["run", "tail", &id]);
    check(&tail, 125, "run cancel");
    assert_eq!(tail.stdout, home.ours(&["run", "events", &id]).succeeded().stdout);

    check(&home.ours(&["run", "cancel", &id]), 0, "is marked as failed");
    let events = home.ours(&["run", "events", &id]).succeeded().stdout;
    assert!(events.contains("Sent SIGTERM to the command"), "{events}");
    check(&home.ours(&["run", "wait", &id]), 1, "");
    check(&home.ours(&["run", "cancel", &id]), 1, "has ended already; it is FAILURE");
    let shown = home.ours(&["run", "show", &id]).succeeded().stdout;
    assert!(shown.contains("the run: Detected run worker status NOT_FOUND"), "{shown}");
}

#[test]
fn force_marks_a_run_as_canceled() {
    let home = Home::new();
    let id = lose_worker(&home);
    check(&home.ours(&["run", "cancel", "--force", &id]), 0, "CANCELED");
    check(&home.ours(&["run", "wait", &id]), 3, "");
}

#[test]
fn a_run_is_cancelled_from_another_process() {
    let home = Home::new();
    let (running, id) = start(&home);
    let shown = home.ours(&["run", "show", &id, "--json"]).succeeded().json_lines();
    assert_eq!(shown[0]["worker"]["status"], "RUNNING");
    check(&home.ours(&["run", "cancel", &id]), 0, "was asked to stop");
    assert_eq!(running.finish().code, Some(128 + 15));
    check(&home.ours(&["run", "wait", &id]), 3, "");
    let shown = home.ours(&["run", "show", &id, "--json"]).succeeded().json_lines();
    assert!(shown[0]["worker"].is_null());
}

#[test]
fn a_run_whose_output_cannot_be_captured_has_failed_and_its_command_was_not_started() {
    let home = Home::new();
    std::fs::write(home.path().join("storage"), "a file where a directory has to be")
        .expect("storage");
    let mark = home.path().join("mark");
    let finished = home.ours(&["exec", "--", "touch", &mark.to_string_lossy()]);
    check(&finished, 125, "is not completely recorded");
    assert!(!mark.exists(), "the command was executed");
    let id = newest(&home);
    let shown = home.ours(&["run", "show", &id]).succeeded().stdout;
    assert!(shown.contains("FAILURE") && shown.contains("compute_logs"), "{shown}");
}
