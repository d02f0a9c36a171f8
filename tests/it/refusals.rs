//! What is refused: with a message that names the thing, the value and the remedy, and no change.

use dagster_instance_tests::{Finished, Home, dagster};

fn check(finished: &Finished, code: i32, named: &[&str]) {
    assert_eq!(finished.code, Some(code), "{}", finished.stderr);
    for text in named {
        assert!(finished.stderr.contains(text), "{:?} lacks {text:?}", finished.stderr);
    }
    assert!(!finished.stderr.contains("panicked"), "{}", finished.stderr);
}

#[test]
fn looking_at_a_home_that_is_none_creates_nothing() {
    let home = Home::new();
    for arguments in [&["run", "list"][..], &["asset", "list"], &["info"], &["run", "show", "x"]] {
        check(&home.ours(arguments), 1, &["no Dagster instance in", "runs.db is missing"]);
    }
    let left = std::fs::read_dir(home.path()).expect("the directory").count();
    assert_eq!(left, 0);
}

#[test]
fn a_revision_from_the_future_is_refused_and_left_alone() {
    let home = Home::new();
    home.ours(&["exec", "--", "true"]).succeeded();
    let path = home.path().to_string_lossy();
    let set = ["--revision", "ffffffffffff"];
    dagster("set_revision.py", &[&[&*path], &set[..]].concat());
    let before = std::fs::read(home.path().join("history/runs.db")).expect("runs.db");
    check(
        &home.ours(&["run", "list"]),
        1,
        &["runs.db", "ffffffffffff", "29b539ebc72a", "newer version"],
    );
    check(&home.ours(&["exec", "--", "true"]), 125, &["ffffffffffff"]);
    let after = std::fs::read(home.path().join("history/runs.db")).expect("runs.db");
    assert!(before == after, "the file was changed");
}

#[test]
fn a_store_that_we_do_not_have_is_refused_without_its_password() {
    let home = Home::new();
    let yaml = "storage:\n  mysql:\n    mysql_url: mysql://user:hunter2@host/db\n";
    std::fs::write(home.path().join("dagster.yaml"), yaml).expect("dagster.yaml");
    let refused = home.ours(&["exec", "--", "true"]);
    check(&refused, 125, &["dagster.yaml:2:3", "storage.mysql", "--storage URL"]);
    assert!(!refused.stderr.contains("hunter2"));
}

#[test]
fn a_postgres_that_cannot_be_used_is_named_without_its_password() {
    let home = Home::new();
    let yaml = "storage:\n  postgres:\n    postgres_url: oracle://user:hunter2@host/db\n";
    std::fs::write(home.path().join("dagster.yaml"), yaml).expect("dagster.yaml");
    let refused = home.ours(&["exec", "--", "true"]);
    check(&refused, 125, &["dagster.yaml:3:19", "postgres_url", "postgresql://"]);
    assert!(!refused.stderr.contains("hunter2"));
}

#[test]
fn arguments_that_make_no_run_are_refused_before_anything_is_written() {
    let home = Home::new();
    check(
        &home.ours(&["exec", "--job", "no-dash", "--", "true"]),
        125,
        &["job name", "no-dash", "underscores"],
    );
    check(&home.ours(&["exec", "--asset", "a//b", "--", "true"]), 125, &["a//b", "demo/hello"]);
    check(&home.ours(&["exec", "--asset", "a/b", "--asset", "a__b", "--", "true"]), 125, &["a__b"]);
    check(&home.ours(&["exec", "--tag", "novalue", "--", "true"]), 125, &["novalue", "KEY=VALUE"]);
    check(&home.ours(&["exec", "--", ""]), 125, &["command", "empty"]);
    check(&home.ours(&["exec"]), 125, &["COMMAND"]);
    check(&home.ours(&["run", "list", "--status", "DONE"]), 2, &["DONE", "SUCCESS"]);
    let left = std::fs::read_dir(home.path()).expect("the directory").count();
    assert_eq!(left, 0);
}

#[test]
fn a_home_that_cannot_be_written_is_an_error_and_starts_no_command() {
    let home = Home::new();
    std::fs::write(home.path().join("history"), "a file where a directory has to be")
        .expect("history");
    let marker = home.path().join("marker");
    let refused = home.ours(&["exec", "--", "touch", &marker.to_string_lossy()]);
    check(&refused, 125, &["history"]);
    assert!(!marker.exists());
}

#[test]
fn a_file_that_is_no_database_is_named() {
    let home = Home::new();
    home.ours(&["exec", "--", "true"]).succeeded();
    std::fs::write(home.path().join("history/runs.db"), vec![b'x'; 8192]).expect("runs.db");
    for name in ["runs.db-wal", "runs.db-shm"] {
        let _ = std::fs::remove_file(home.path().join("history").join(name));
    }
    check(&home.ours(&["run", "list"]), 1, &["runs.db", "not a database"]);
}
