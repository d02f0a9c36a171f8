//! `run tail` and `run wait`: their exit codes are answers.

use std::process::Stdio;

use crate::home::{CANCELED, FAILED, Home, STARTED, SUCCEEDED};

/// The end of a pipe whose reader has gone.
fn closed() -> Stdio {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    Stdio::from(writer)
}

#[tokio::test]
async fn the_exit_code_says_how_the_run_ended() {
    let home = Home::filled().await;
    for (id, code) in [(SUCCEEDED, 0), (FAILED, 1), (CANCELED, 3)] {
        let ended = home.run(&["run", "wait", id]);
        assert_eq!(ended.to_string(), format!("code: Some({code})\n--- stdout\n--- stderr\n"));
        let ended = home.run(&["run", "wait", id, "--timeout", "0"]);
        assert_eq!(ended.to_string(), format!("code: Some({code})\n--- stdout\n--- stderr\n"));
        let ended = home.run(&["run", "tail", id]);
        assert_eq!((ended.code, ended.stderr.as_str()), (Some(code), ""));
        assert_eq!(ended.stdout, home.run(&["run", "events", id]).stdout);
    }
    insta::assert_snapshot!("tail", home.run(&["run", "tail", FAILED]));
    insta::assert_snapshot!("wait_in_vain", home.run(&["run", "wait", STARTED, "--timeout", "0"]));
}

#[tokio::test]
async fn a_closed_output_is_no_answer() {
    let home = Home::filled().await;
    for id in [SUCCEEDED, FAILED, CANCELED] {
        for arguments in [&["run", "tail", id][..], &["run", "tail", id, "--json"]] {
            let ended = home.run_into(arguments, closed(), Stdio::piped());
            assert_eq!((ended.code, ended.stderr.as_str()), (Some(141), ""), "{arguments:?}");
        }
        // It prints nothing, so that nothing is lost.
        let ended = home.run_into(&["run", "wait", id], closed(), Stdio::piped());
        assert_ne!(ended.code, Some(141));
    }
}

#[tokio::test]
async fn whoever_has_seen_enough_of_a_list_is_content() {
    let home = Home::filled().await;
    for line in [
        "run list",
        "run list --json",
        "run show 1a",
        "run show 1a --json",
        "run events 1a",
        "run events 1a --follow",
        "asset list",
        "asset list --json",
        "asset show demo/hello",
        "asset show demo/hello --json",
        "asset checks demo/hello",
        "asset partitions demo/hello",
        "asset partitions demo/hello --json",
        "partitions list x",
        "schedule list",
        "sensor list --json",
        "backfill list",
        "migrate",
        "migrate --plan --json",
        "reindex",
        "info",
        "info --json",
    ] {
        let arguments: Vec<_> = line.split(' ').collect();
        let ended = home.run_into(&arguments, closed(), Stdio::piped());
        assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{line}");
    }
}

#[tokio::test]
async fn output_that_cannot_be_written_is_a_failure() {
    let home = Home::filled().await;
    for (line, code) in [
        ("run tail 1b", 125),
        ("run tail 1b --json", 125),
        ("run list", 1),
        ("run list --json", 1),
        ("run show 1a", 1),
        ("run events 1a", 1),
        ("asset list", 1),
        ("info", 1),
    ] {
        let full = std::fs::File::create("/dev/full").expect("the device of a full disk");
        let arguments: Vec<_> = line.split(' ').collect();
        let ended = home.run_into(&arguments, Stdio::from(full), Stdio::piped());
        assert_eq!(ended.code, Some(code), "{line}: {ended}");
        assert!(ended.stderr.contains("No space left on device"), "{line}: {ended}");
    }
}

#[tokio::test]
async fn nobody_need_listen_to_errors() {
    let home = Home::filled().await;
    let check = |arguments: &[&str], code: i32| {
        let ended = home.run_into(arguments, Stdio::piped(), closed());
        assert_eq!(ended.code, Some(code), "{arguments:?}");
    };
    check(&["run", "wait", STARTED, "--timeout", "0"], 124);
    check(&["run", "wait", "nothing"], 125);
    check(&["run", "wait"], 125);
    check(&["run", "show", "nothing"], 1);
    check(&["run", "show"], 2);
    check(&["-vv", "run", "show", SUCCEEDED], 0);
    check(&["exec", "--", "sh", "-c", "exit 5"], 5);
}
