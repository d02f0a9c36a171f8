//! `migrate`, on homes whose files say an older revision.
//!
//! Such a file has all that its revision has, and some of what came later, as one that was upgraded halfway.

use std::fs;
use std::path::{Path, PathBuf};

use crate::home::{Ended, FAILED, Home};

const HEAD: &str = "29b539ebc72a";
/// The revision before the tags of runs are unique, so that this index is to be made.
const OLD: &str = "284a732df317";

const FILES: [&str; 3] = ["history/runs.db", "history/runs/index.db", "schedules/schedules.db"];

/// Writes another revision into a file, in the place of one that it says. It stands in a row and in an index.
fn stamp(path: &Path, from: &str, to: &str) {
    let mut bytes = fs::read(path).expect("a database");
    let mut found = 0;
    for at in 0..=bytes.len() - from.len() {
        if bytes[at..].starts_with(from.as_bytes()) {
            bytes[at..at + to.len()].copy_from_slice(to.as_bytes());
            found += 1;
        }
    }
    assert_eq!(found, 2, "{} has other places of its revision", path.display());
    fs::write(path, bytes).expect("a database");
}

fn databases(home: &Home) -> Vec<PathBuf> {
    let mut found: Vec<_> = FILES.iter().map(|name| home.path().join(name)).collect();
    let runs = fs::read_dir(home.path().join("history/runs")).expect("logs of runs");
    let logs = runs.map(|entry| entry.expect("a file").path());
    found.extend(logs.filter(|path| path.extension().is_some_and(|it| it == "db")));
    found.sort();
    found.dedup();
    found
}

async fn old() -> Home {
    let home = Home::filled().await;
    for path in databases(&home) {
        stamp(&path, HEAD, OLD);
    }
    home
}

fn run(home: &Home, line: &str) -> Ended {
    home.run(&line.split(' ').collect::<Vec<_>>())
}

fn contents(home: &Home) -> Vec<Vec<u8>> {
    databases(home).iter().map(|path| fs::read(path).expect("a database")).collect()
}

#[tokio::test]
async fn an_old_home_is_upgraded_once() {
    let home = old().await;
    let directory = home.path().join("copies");
    let before = contents(&home);
    insta::assert_snapshot!("migrate_check", run(&home, "migrate --check"));
    insta::assert_snapshot!("migrate_plan", run(&home, "migrate --plan"));
    assert!(contents(&home) == before, "looking changed something");
    let migrate = format!("migrate --backup {}", directory.display());
    let mut ended = run(&home, &migrate);
    let mut attempts = fs::read_dir(&directory).expect("copies");
    let directory = attempts.next().expect("one").expect("a directory").path();
    assert!(attempts.next().is_none());
    let name = directory.file_name().and_then(|name| name.to_str()).expect("a name");
    ended.stderr = ended.stderr.replace(name, "backup-REVISION-TIME");
    insta::assert_snapshot!("migrate", ended);
    // The copies are what was there.
    let copied = fs::read(directory.join("history/runs.db")).expect("a copy");
    let has = |bytes: &[u8], text: &str| bytes.windows(text.len()).any(|it| it == text.as_bytes());
    assert!(has(&copied, OLD) && !has(&copied, HEAD));
    assert!(directory.join("history/runs").join(format!("{FAILED}.db")).exists());
    assert!(!home.path().join("history/runs.db.migrate-lock").exists());
    insta::assert_snapshot!("migrate_again", run(&home, "migrate"));
    insta::assert_snapshot!("migrate_check_again", run(&home, "migrate --check"));
    insta::assert_snapshot!("migrate_plan_again", run(&home, "migrate --plan"));
    assert_eq!(run(&home, "run list").stdout.lines().count(), 5);
}

#[tokio::test]
async fn json_has_a_line_for_each_database() {
    let home = old().await;
    insta::assert_snapshot!("migrate_plan_json", run(&home, "migrate --plan --json"));
    insta::assert_snapshot!("migrate_json", run(&home, "migrate --no-backup --json"));
    let left: Vec<_> = fs::read_dir(home.path()).expect("the home").collect();
    assert!(
        left.iter().flatten().all(|entry| !entry.file_name().to_string_lossy().contains("backup"))
    );
}

#[tokio::test]
async fn a_copy_is_made_in_the_home_unless_told_otherwise() {
    let home = old().await;
    let ended = run(&home, "migrate");
    assert_eq!(ended.code, Some(0), "{ended}");
    let names = fs::read_dir(home.path()).expect("the home");
    let names: Vec<_> = names.map(|it| it.expect("a name").file_name()).collect();
    let copies: Vec<_> = names
        .iter()
        .filter_map(|name| name.to_str()?.strip_prefix(&format!("backup-{OLD}-")))
        .collect();
    assert_eq!(copies.len(), 1, "{names:?}");
    assert_eq!(copies[0].len(), "20260102T030405Z".len());
}

#[tokio::test]
async fn what_is_no_revision_of_the_chain_is_refused_and_nothing_is_changed() {
    for (name, revision) in
        [("migrate_unknown", "ffffffffffff"), ("migrate_before_1_0", "567bc23fd1ac")]
    {
        let home = old().await;
        // The last one that would be upgraded.
        stamp(&home.path().join("schedules/schedules.db"), OLD, revision);
        let before = contents(&home);
        insta::assert_snapshot!(name, run(&home, "migrate"));
        assert_eq!(run(&home, "migrate --check").code, Some(2));
        assert_eq!(run(&home, "migrate --plan").code, Some(2));
        assert!(contents(&home) == before, "{revision}: something was changed");
    }
}

#[tokio::test]
async fn a_damaged_log_is_named_and_the_others_go_on() {
    let home = old().await;
    let log = home.path().join("history/runs").join(format!("{FAILED}.db"));
    fs::write(&log, vec![b'x'; 8192]).expect("damage");
    insta::assert_snapshot!("migrate_damaged_check", run(&home, "migrate --check"));
    insta::assert_snapshot!("migrate_damaged", run(&home, "migrate --no-backup"));
    assert_eq!(fs::read(&log).expect("it"), vec![b'x'; 8192]);
    insta::assert_snapshot!("migrate_damaged_again", run(&home, "migrate --no-backup"));
}

#[tokio::test]
async fn one_process_upgrades_at_a_time() {
    let home = old().await;
    let path = home.path().join("history/runs.db.migrate-lock");
    let lock = fs::File::create(&path).expect("a lock");
    lock.lock().expect("it is locked");
    let before = contents(&home);
    insta::assert_snapshot!("migrate_locked", run(&home, "migrate"));
    assert!(contents(&home) == before, "something was changed");
    drop(lock);
    // What a process left that was killed is no lock.
    assert_eq!(run(&home, "migrate --no-backup").code, Some(0));
}

#[tokio::test]
async fn usage() {
    let home = Home::empty();
    for line in
        ["migrate --plan --check", "migrate --backup x --no-backup", "migrate --plan --no-backup"]
    {
        assert_eq!(run(&home, line).code, Some(2), "{line}");
    }
}
