//! Homes of old releases that we upgrade, beside the same homes that Dagster upgrades.
#![expect(clippy::disallowed_methods, reason = "tests start the program that they test")]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use dagster_instance_tests::{Home, binary, copy_directory, dagster, old_databases};
use serde_json::{Map, Value};

use super::HEAD;
use crate::old_databases::kills;

/// The index of a home that has no revision, from the releases that had `concurrency_limits` without this column. Dagster
/// takes such an index for one of the newest revision, and so never adds it.
const COLUMN: &str = ", using_default_limit BOOLEAN DEFAULT 0 NOT NULL";

/// The events of no run. Dagster's upgrade does not find the file, as its name begins with a dot.
const OF_NO_RUN: &str = "history/runs/.db";

fn releases() -> Vec<String> {
    let entries = std::fs::read_dir(old_databases()).expect("old databases");
    let mut found: Vec<String> = entries
        .map(|entry| entry.expect("a directory"))
        .filter(|entry| entry.path().join("home").is_dir())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    found.sort();
    found
}

/// A copy of what a release left.
fn home_of(release: &str, directory: Home) -> (Home, PathBuf) {
    let home = directory.path().join("home");
    copy_directory(&old_databases().join(release).join("home"), &home).expect("a copy");
    (directory, home)
}

fn migrate(home: &Path) -> Command {
    let mut command = Command::new(binary());
    command.arg("--home").arg(home).args(["migrate", "--no-backup"]);
    command.env_remove("DAGSTER_HOME").stdin(Stdio::null()).stdout(Stdio::null());
    command
}

fn upgraded_by_us(home: &Path) {
    let ended = migrate(home).output().expect("the binary ends");
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
}

/// What the files of a home have; with an option, after Dagster has upgraded them. Of marks of data migrations only
/// whether they are set.
fn dump(home: &Path, options: &[&str]) -> Map<String, Value> {
    let path = home.to_string_lossy();
    let Value::Object(mut files) = dagster("upgrade_home.py", &[&[&*path], options].concat())
    else {
        panic!("no files of {path}");
    };
    for file in files.values_mut() {
        let marks = file["rows"].get_mut("secondary_indexes").and_then(Value::as_array_mut);
        for mark in marks.into_iter().flatten() {
            mark["create_timestamp"] = Value::Null;
            mark["migration_completed"] = (!mark["migration_completed"].is_null()).into();
        }
    }
    files
}

/// Compares file by file, so that a difference can be read.
fn compare(release: &str, ours: &Map<String, Value>, theirs: &Map<String, Value>) {
    let names = |files: &Map<String, Value>| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(ours), names(theirs), "{release}");
    for (name, file) in ours {
        let revision = &file["rows"]["alembic_version"][0]["version_num"];
        assert_eq!(revision, HEAD, "{release}: {name}");
        if name == OF_NO_RUN {
            continue;
        }
        let (our_objects, their_objects) =
            (texts(&file["objects"]), texts(&theirs[name]["objects"]));
        let is_index = name == "history/runs/index.db";
        let is_known = is_index && ["1.7", "1.8"].contains(&release);
        let expected: Vec<_> = our_objects
            .iter()
            .map(|sql| if is_known { sql.replace(COLUMN, "") } else { sql.clone() })
            .collect();
        assert_eq!(expected, their_objects, "{release}: {name}");
        // The difference is there, and is the only one.
        assert_eq!(our_objects != their_objects, is_known, "{release}: {name}");
        assert_eq!(file["rows"], theirs[name]["rows"], "{release}: {name}");
    }
}

fn texts(list: &Value) -> Vec<String> {
    let list = list.as_array().expect("a list");
    list.iter().map(|text| text.as_str().expect("a text").to_owned()).collect()
}

#[test]
fn old_homes_become_what_dagster_makes_of_them() {
    let releases = releases();
    assert_eq!(releases.len(), 9, "{releases:?}");
    std::thread::scope(|scope| {
        for release in &releases {
            scope.spawn(|| {
                let (_ours, our_home) = home_of(release, Home::new());
                let (_theirs, their_home) = home_of(release, Home::new());
                upgraded_by_us(&our_home);
                compare(release, &dump(&our_home, &[]), &dump(&their_home, &["--migrate"]));
            });
        }
    });
}

#[test]
fn dagster_goes_on_with_what_we_have_upgraded() {
    let (_directory, home) = home_of("1.8", Home::new());
    upgraded_by_us(&home);
    let before = dump(&home, &[]);
    let migrated = dump(&home, &["--migrate"]);
    for (name, file) in &migrated {
        assert_eq!(file["objects"], before[name]["objects"], "{name}");
    }
    // Nothing is left for its data migrations.
    assert_eq!(migrated["history/runs.db"]["rows"], before["history/runs.db"]["rows"]);
    let marks = &migrated["history/runs.db"]["rows"]["secondary_indexes"];
    let marks = marks.as_array().expect("marks");
    assert!(marks.iter().any(|mark| mark["name"] == "backfill_end_timestamp"), "{marks:?}");
}

/// How many databases say the newest revision.
fn done(files: &Map<String, Value>) -> usize {
    let is_done = |file: &Value| file["rows"]["alembic_version"][0]["version_num"] == HEAD;
    files.values().filter(|file| is_done(file)).count()
}

#[test]
fn an_upgrade_that_was_killed_goes_on_where_it_was() {
    let release = "1.0";
    let (_whole, whole) = home_of(release, Home::on_disk());
    let start = Instant::now();
    upgraded_by_us(&whole);
    let takes = start.elapsed();
    let expected = dump(&whole, &[]);
    let (mut before, mut between) = (0, 0);
    let kills = kills();
    for kill in 0..kills {
        let (_directory, home) = home_of(release, Home::on_disk());
        let mut child = migrate(&home).stderr(Stdio::null()).spawn().expect("a process");
        // From the start of the program to its end, a bit further each time.
        std::thread::sleep(takes * (kill * 2 + 1) / (kills * 2));
        child.kill().expect("killed");
        child.wait().expect("its end");
        let halfway = dump(&home, &[]);
        match done(&halfway) {
            0 => before += 1,
            some if some < expected.len() => between += 1,
            _ => {}
        }
        upgraded_by_us(&home);
        let found = dump(&home, &[]);
        for (name, file) in &found {
            assert_eq!(file, &expected[name], "kill {kill}: {name}");
        }
        assert_eq!(found.len(), expected.len());
    }
    println!("of {kills} kills {before} came before the first database, {between} between two");
    assert!(between >= kills / 7, "too few kills came in the middle: {between}; it took {takes:?}");
    assert!(takes > Duration::from_millis(20), "too fast to be killed: {takes:?}");
}
