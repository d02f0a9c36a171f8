//! Runs that do not end by themselves, and those that are stopped: what `run show`, `run wait`, `run tail` and
//! `run cancel` say of them.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use crate::home::{Ended, Home};

/// Starts a command that does not end, and returns the id of its run.
#[expect(clippy::disallowed_methods, reason = "tests start the program that they test")]
fn start(home: &Home) -> (Child, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_dagster-instance"))
        .arg("--home")
        .arg(home.path())
        .args(["exec", "--quiet", "--", "sh", "-c", "echo ready; exec sleep 600"])
        .env_remove("DAGSTER_HOME")
        .env_remove("DAGSTER_EVENT_BATCH_SIZE")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    let mut line = String::new();
    let stdout = child.stdout.as_mut().expect("standard output");
    BufReader::new(stdout).read_line(&mut line).expect("a line");
    assert_eq!(line, "ready\n");
    (child, newest(home))
}

fn newest(home: &Home) -> String {
    let ended = home.run(&["run", "list", "--limit", "1"]);
    let id = ended.stdout.lines().nth(1).and_then(|line| line.split_whitespace().next());
    id.expect("a run").to_owned()
}

/// A run whose worker was killed; its command goes on.
fn lose_worker(home: &Home) -> String {
    let (mut child, id) = start(home);
    child.kill().expect("the signal is sent");
    assert_eq!(child.wait().expect("the binary ends").code(), None);
    id
}

fn check(ended: &Ended, code: u8, text: &str) {
    assert_eq!(ended.code, Some(code.into()), "{ended}");
    assert!(ended.stderr.contains(text), "{text:?} is missing: {ended}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_run_whose_worker_was_killed_is_not_waited_for_and_can_be_ended() {
    let home = Home::empty();
    let id = lose_worker(&home);
    let shown = home.run(&["run", "show", &id, "--json"]);
    assert!(shown.stdout.contains(r#""status":"NOT_FOUND""#), "{shown}");
    let shown = home.run(&["run", "show", &id]);
    assert!(shown.stdout.contains("is gone; its command"), "{shown}");

    check(&home.run(&["run", "wait", &id]), 125, "will not end by itself");
    check(&home.run(&["run", "events", &id, "--follow"]), 1, "will not end by itself");
    let tail = home.run(&["run", "tail", &id]);
    check(&tail, 125, "run cancel");
    assert_eq!(tail.stdout, home.run(&["run", "events", &id]).stdout);

    check(&home.run(&["run", "cancel", &id]), 0, "is marked as failed");
    let events = home.run(&["run", "events", &id]);
    assert!(events.stdout.contains("Sent SIGTERM to the command"), "{events}");
    check(&home.run(&["run", "wait", &id]), 1, "");
    check(&home.run(&["run", "cancel", &id]), 1, "has ended already; it is FAILURE");
    let shown = home.run(&["run", "show", &id]);
    assert!(shown.stdout.contains("the run: Detected run worker status NOT_FOUND"), "{shown}");
}

#[test]
fn a_run_whose_worker_works_is_deleted_by_force_alone() {
    let home = Home::empty();
    let (mut child, id) = start(&home);
    check(&home.run(&["run", "delete", &id]), 1, "--yes does it without asking");
    let dry = home.run(&["run", "delete", &id, "--dry-run"]);
    check(&dry, 0, "Would delete run");
    check(&home.run(&["run", "delete", &id, "--yes"]), 1, "cancel it first, or use force");
    check(&home.run(&["run", "show", &id]), 0, "");
    check(&home.run(&["run", "delete", &id, "--yes", "--force"]), 0, "was stopped and deleted");
    assert!(child.wait().expect("the binary ends").code().is_some());
    check(&home.run(&["run", "show", &id]), 1, &id);
    let none = home.run(&["run", "list"]);
    assert!(!none.stdout.contains(&id), "{none}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_run_whose_worker_is_gone_is_deleted() {
    let home = Home::empty();
    let id = lose_worker(&home);
    check(&home.run(&["run", "delete", &id, &id, "--yes"]), 0, "was deleted.");
    check(&home.run(&["run", "show", &id]), 1, &id);
}

#[test]
fn force_marks_a_run_as_canceled() {
    let home = Home::empty();
    let id = lose_worker(&home);
    check(&home.run(&["run", "cancel", "--force", &id]), 0, "CANCELED");
    check(&home.run(&["run", "wait", &id]), 3, "");
}

#[test]
fn a_run_is_cancelled_from_another_process() {
    let home = Home::empty();
    let (mut child, id) = start(&home);
    let shown = home.run(&["run", "show", &id, "--json"]);
    assert!(shown.stdout.contains(r#""status":"RUNNING""#), "{shown}");
    check(&home.run(&["run", "cancel", &id]), 0, "was asked to stop");
    assert_eq!(child.wait().expect("the binary ends").code(), Some(128 + 15));
    check(&home.run(&["run", "wait", &id]), 3, "");
    let shown = home.run(&["run", "show", &id, "--json"]);
    assert!(shown.stdout.contains(r#""worker":null"#), "{shown}");
}

#[tokio::test]
async fn a_run_of_which_no_worker_is_known_is_left_alone() {
    let home = Home::filled().await;
    check(&home.run(&["run", "cancel", crate::home::STARTED]), 1, "cannot be stopped from here");
    let shown = home.run(&["run", "show", crate::home::STARTED]);
    assert!(shown.stdout.contains("Status    STARTED"), "{shown}");
}

#[test]
fn a_run_whose_output_cannot_be_captured_has_failed_and_its_command_was_not_started() {
    let home = Home::empty();
    std::fs::write(home.path().join("storage"), "a file where a directory has to be")
        .expect("storage");
    let mark = home.path().join("mark");
    let ended = home.run(&["exec", "--", "touch", &mark.to_string_lossy()]);
    check(&ended, 125, "is not completely recorded");
    assert!(!mark.exists(), "the command was executed");
    let shown = home.run(&["run", "show", &newest(&home)]);
    assert!(shown.stdout.contains("FAILURE"), "{shown}");
    assert!(shown.stdout.contains("compute_logs"), "{shown}");
}

#[test]
fn output_of_a_process_left_behind_is_read_as_long_as_is_asked_for() {
    let home = Home::empty();
    // It speaks when the command has ended.
    let script = "p=$$; (while kill -0 $p 2>/dev/null; do :; done; echo late) & echo early";
    let ended = home.run(&["exec", "--", "sh", "-c", script]);
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), "early\nlate\n"), "{ended}");
    let script = "sleep 60 & echo early";
    let ended = home.run(&["exec", "--output-timeout", "0", "--", "sh", "-c", script]);
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), "early\n"), "{ended}");
    assert!(ended.stderr.contains("is not captured any more"), "{ended}");
}
