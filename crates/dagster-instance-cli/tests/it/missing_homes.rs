//! Homes that are not there: nothing is created for a name that may be mistyped.

use std::path::Path;

use crate::home::{Ended, Home};

/// Every command that opens an instance and does not create one.
const LOOKING: [&[&str]; 26] = [
    &["info"],
    &["info", "--json"],
    &["run", "list"],
    &["run", "show", "1"],
    &["run", "events", "1"],
    &["run", "tail", "1"],
    &["run", "wait", "1", "--timeout", "0"],
    &["run", "cancel", "1"],
    &["asset", "list"],
    &["asset", "show", "a"],
    &["asset", "checks", "a"],
    &["asset", "partitions", "a"],
    &["asset", "wipe", "a", "--yes"],
    &["partitions", "list", "p"],
    &["partitions", "add", "p", "a"],
    &["partitions", "delete", "p", "a", "--yes"],
    &["schedule", "list"],
    &["schedule", "start", "s"],
    &["sensor", "list"],
    &["sensor", "stop", "s"],
    &["tick", "list", "s"],
    &["backfill", "list"],
    &["daemon", "status"],
    &["daemon", "wipe", "--yes"],
    &["migrate", "--check"],
    &["reindex"],
];

fn entries(directory: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(directory).expect("a directory");
    let mut names: Vec<_> = entries
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

fn refused(ended: &Ended, parts: &[&str]) {
    assert!(ended.code != Some(0), "{ended}");
    assert_eq!(ended.stdout, "", "{ended}");
    for part in parts {
        assert!(ended.stderr.contains(part), "no {part}: {ended}");
    }
}

#[test]
fn looking_creates_nothing() {
    let home = Home::empty();
    let missing = home.path().join("mistyped");
    let missing = missing.to_str().expect("text");
    for command in LOOKING {
        let ended = home.run_with(&[&["--home", missing], command].concat(), &[]);
        refused(&ended, &["[HOME]/mistyped", "name another directory"]);
        let ended = home.run_with(command, &[("DAGSTER_HOME", missing)]);
        refused(&ended, &["DAGSTER_HOME", "[HOME]/mistyped does not exist"]);
        let ended = home.run_with(
            &[&["--storage", missing], command].concat(),
            &[("XDG_DATA_HOME", home.path().to_str().expect("text"))],
        );
        refused(&ended, &["[HOME]/mistyped", "name another directory"]);
        // A directory without an instance stays as it is, too.
        refused(&home.run(command), &["[HOME]"]);
        assert_eq!(entries(home.path()), [""; 0], "{command:?}");
    }
}

#[test]
fn exec_creates_a_home_that_is_named_if_it_is_told_to() {
    let home = Home::empty();
    let missing = home.path().join("to/be");
    let missing = missing.to_str().expect("text");
    let data = home.path().join("data");
    let data = ("XDG_DATA_HOME", data.to_str().expect("text"));
    let command = ["exec", "--quiet", "--", "true"];
    let creating = ["exec", "--quiet", "--create", "--", "true"];
    for (arguments, variables) in
        [(vec!["--home", missing], vec![data]), (vec!["--storage", missing], vec![data])]
    {
        let ended = home.run_with(&[&arguments[..], &command].concat(), &variables);
        assert_eq!(ended.code, Some(125), "{ended}");
        refused(&ended, &["[HOME]/to/be", arguments[0], "does not exist", "--create"]);
        assert_eq!(entries(home.path()), [""; 0]);
    }
    let ended = home.run_with(&command, &[("DAGSTER_HOME", missing)]);
    assert_eq!(ended.code, Some(125), "{ended}");
    refused(&ended, &["DAGSTER_HOME", "[HOME]/to/be does not exist"]);
    assert_eq!(entries(home.path()), [""; 0]);

    let ended = home.run_with(&creating, &[("DAGSTER_HOME", missing)]);
    assert_eq!(ended.code, Some(0), "{ended}");
    assert_eq!(entries(home.path()), ["to"]);
    let other = home.path().join("other");
    let other = other.to_str().expect("text");
    for _ in 0..2 {
        let ended = home.run_with(&[&["--home", other], &creating[..]].concat(), &[]);
        assert_eq!(ended.code, Some(0), "{ended}");
    }
    let listed = home.run_with(&["--home", other, "run", "list", "--json"], &[]);
    assert_eq!(listed.stdout.lines().count(), 2, "{listed}");
    let stored = home.path().join("stored");
    let stored = stored.to_str().expect("text");
    let arguments = [&["--home", other, "--storage", stored], &creating[..]].concat();
    let ended = home.run_with(&arguments, &[]);
    assert_eq!(ended.code, Some(0), "{ended}");
    assert_eq!(entries(home.path()), ["other", "stored", "to"]);
}

#[test]
fn exec_creates_the_default_home() {
    let home = Home::empty();
    let data = home.path().join("data");
    let variables = [("XDG_DATA_HOME", data.to_str().expect("text"))];
    let ended = home.run_with(&["exec", "--quiet", "--", "true"], &variables);
    assert_eq!(ended.code, Some(0), "{ended}");
    assert_eq!(entries(&data), ["dagster-instance"]);
    let listed = home.run_with(&["run", "list", "--json"], &variables);
    assert_eq!(listed.stdout.lines().count(), 1, "{listed}");
}
