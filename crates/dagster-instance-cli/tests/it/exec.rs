//! The exit codes of `exec`.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

use crate::home::Home;

fn exec(home: &Home, command: &[&str]) -> (Option<i32>, String) {
    let ended = home.run(&[&["exec", "--quiet", "--"], command].concat());
    assert_eq!(ended.stdout, "");
    (ended.code, ended.stderr)
}

fn statuses(home: &Home) -> Vec<String> {
    let ended = home.run(&["run", "list"]);
    let status = |line: &str| line.split_whitespace().nth(2).map(str::to_owned);
    ended.stdout.lines().skip(1).filter_map(status).collect()
}

#[test]
fn the_exit_code_is_that_of_the_command() {
    let home = Home::empty();
    for (command, code) in [
        (&["true"][..], 0),
        (&["sh", "-c", "exit 3"], 3),
        (&["/etc/passwd"], 126),
        (&["/no/such/program"], 127),
        (&["sh", "-c", "kill -9 $$"], 128 + 9),
        (&["sh", "-c", "exit 125"], 125),
    ] {
        assert_eq!(exec(&home, command), (Some(code), String::new()), "{command:?}");
    }
    let failed = ["FAILURE"; 5];
    assert_eq!(statuses(&home), [&failed[..], &["SUCCESS"]].concat());
}

/// Checks arguments with which no run can be recorded.
fn check_refused(arguments: &[&OsStr], parts: &[&str]) {
    let home = Home::empty();
    let ended = home.run(&[&[OsStr::new("exec")], arguments].concat());
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(125), ""), "{ended}");
    for part in parts {
        assert!(ended.stderr.contains(part), "{part:?} is missing: {ended}");
    }
    let left = std::fs::read_dir(home.path()).expect("the home").count();
    assert_eq!(left, 0, "an instance was created for {arguments:?}");
}

fn check_usage(line: &str, part: &str) {
    let arguments: Vec<_> = line.split(' ').filter(|it| !it.is_empty()).map(OsStr::new).collect();
    check_refused(&arguments, &[part]);
}

#[test]
fn wrong_arguments_are_no_exit_code_of_the_command() {
    check_usage("", "required arguments were not provided");
    check_usage("--bogus -- true", "unexpected argument '--bogus'");
    check_usage("--tag x -- true", "write KEY=VALUE");
    check_usage("--asset a//b -- true", "is not an asset key");
    check_usage("--asset a\\b -- true", "a backslash is");
    check_usage("--partition= -- true", "a value is required for '--partition <KEY>'");
    check_usage("--tag k=1 --tag k=2 -- true", "two values for \"k\", \"1\" and \"2\"");
    check_usage("--tag dagster/partition=a --partition b -- true", "say the partition once");
}

#[test]
fn an_argument_that_is_not_utf_8_is_named() {
    let bytes = OsStr::from_bytes(b"a\xff");
    let dashes = OsStr::new("--");
    let expect = ["argument 1 of the command, \"a\\xff\", is not UTF-8", "a script"];
    check_refused(&[dashes, OsStr::new("printf"), bytes], &expect);
    check_refused(&[dashes, bytes], &["the program, \"a\\xff\", is not UTF-8"]);
    let option = [OsStr::new("--job"), bytes, dashes, OsStr::new("true")];
    check_refused(&option, &["not UTF-8: \"a\\xff\"", "Usage: dagster-instance exec"]);
}

#[test]
fn one_value_for_a_key_may_be_said_twice() {
    let home = Home::empty();
    let ended = home.run(&["exec", "--quiet", "--tag", "k=1", "--tag", "k=1", "--", "true"]);
    assert_eq!(ended.code, Some(0), "{ended}");
}

#[test]
fn a_home_need_not_be_utf_8() {
    let home = Home::empty();
    let path = home.path().join(OsStr::from_bytes(b"\xff"));
    let run = |arguments: &[&str]| {
        let home: [OsString; 2] = ["--home".into(), path.clone().into()];
        let arguments = home.into_iter().chain(arguments.iter().map(OsString::from));
        let piped = std::process::Stdio::piped;
        crate::home::run_binary(&arguments.collect::<Vec<_>>(), piped(), piped())
    };
    let ended = run(&["info", "--json"]);
    assert_eq!(ended.code, Some(1), "{ended}");
    assert!(!ended.stderr.contains("panicked"), "{ended}");
    let ended = run(&["run", "list", "--bogus"]);
    assert_eq!(ended.code, Some(2), "{ended}");
    assert!(ended.stderr.contains("'--bogus'"), "{ended}");
}
