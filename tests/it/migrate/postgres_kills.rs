//! Upgrades of a Postgres that are killed: the next one goes on, and the end is the same.
#![expect(clippy::disallowed_methods, reason = "a process is killed at a moment of its own")]

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use serde_json::Value;

use super::HEAD;
use super::postgres::{dump, migrate, old};
use crate::old_databases::{is_long, kills};
use crate::postgres::{Holding, TestDatabase, sql};

/// A step, and what keeps it from its end.
struct Step {
    name: &'static str,
    /// What is done before.
    before: &'static [&'static str],
    /// What another client does and does not end.
    held: &'static str,
    /// What is said when the step is there.
    said: &'static str,
}

/// A kind of step each.
const STEPS: [Step; 6] = [
    Step {
        name: "column",
        before: &[],
        held: "LOCK TABLE runs IN ACCESS SHARE MODE",
        said: "ALTER TABLE runs",
    },
    Step {
        name: "rewrite",
        before: &[],
        held: "LOCK TABLE kvs IN ACCESS SHARE MODE",
        said: "ALTER TABLE kvs",
    },
    Step {
        name: "build",
        before: &[],
        held: "LOCK TABLE run_tags IN ROW EXCLUSIVE MODE",
        said: "index of run_tags: waiting",
    },
    Step {
        name: "doubles",
        before: &[
            "INSERT INTO run_tags (run_id, key, value) SELECT run_id, key, value FROM run_tags",
        ],
        held: "SELECT count(*) FROM (SELECT 1 FROM run_tags FOR UPDATE) t",
        said: "idx_run_tags_run_id",
    },
    Step {
        name: "drop",
        before: &[
            "CREATE UNIQUE INDEX idx_run_tags_run_id ON run_tags (key, value, run_id)",
            "CREATE INDEX idx_run_tags_run_idx ON run_tags (run_id, id)",
        ],
        held: "LOCK TABLE run_tags IN ROW EXCLUSIVE MODE",
        said: "DROP INDEX CONCURRENTLY idx_run_tags",
    },
    Step {
        name: "revision",
        before: &[],
        held: "LOCK TABLE alembic_version IN SHARE MODE",
        said: "step 1 of",
    },
];

/// What our own processes do on the server that go on when the program is dead.
fn end_what_goes_on(database: &TestDatabase) {
    sql(
        &database.url(),
        &["SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
           WHERE datname = current_database() AND application_name = 'dagster-instance'"],
    );
}

fn compare(found: &Value, expected: &Value, what: &str) {
    for kind in expected["catalog"].as_object().expect("a catalog").keys() {
        assert_eq!(found["catalog"][kind], expected["catalog"][kind], "{what}: {kind}");
    }
    assert_eq!(found["rows"], expected["rows"], "{what}");
}

#[test]
fn an_upgrade_that_was_killed_within_a_step_goes_on() {
    let (template, _) = old("migrate_killed", "1.0");
    let whole = template.copy("migrate_whole");
    let whole_home = whole.home();
    migrate(&whole_home);
    let expected = dump(&whole_home, &[]);
    let rounds = if is_long() { kills() } else { 1 };
    for step in &STEPS {
        for round in 0..rounds {
            let what = format!("{} {round}", step.name);
            let database = template.copy(&format!("migrate_{}", step.name));
            let home = database.home();
            if !step.before.is_empty() {
                sql(&database.url(), step.before);
            }
            let held = Holding::new(&database.url(), &[step.held]);
            let mut running = home.start_ours(&["migrate"]);
            running.wait_for_said(step.said);
            // In the midst of it, at another moment each time.
            std::thread::sleep(Duration::from_millis(u64::from(round) * 40));
            running.signal(Signal::SIGKILL);
            running.finish();
            // What the server does goes on without the program, or is ended, too.
            if round % 2 == 0 {
                end_what_goes_on(&database);
            }
            drop(held);
            migrate(&home);
            compare(&dump(&home, &[]), &expected, &what);
        }
    }
}

/// The next upgrade waits for a build that the server goes on with, and does not begin another one.
#[test]
fn a_build_that_goes_on_is_waited_for() {
    let (template, home) = old("migrate_goes_on", "1.8");
    let held = Holding::new(&template.url(), &["LOCK TABLE run_tags IN ROW EXCLUSIVE MODE"]);
    let mut running = home.start_ours(&["migrate"]);
    running.wait_for_said("index of run_tags: waiting");
    running.signal(Signal::SIGKILL);
    running.finish();
    let mut next = home.start_ours(&["migrate"]);
    next.wait_for_said("waiting for a build that goes on");
    drop(held);
    let done = next.finish().succeeded();
    assert!(!done.stderr.contains("CREATE UNIQUE INDEX"), "{}", done.stderr);
    let left = home.ours(&["migrate", "--plan"]).succeeded();
    assert!(left.stdout.contains("has the newest revision"), "{}", left.stdout);
    let revision = sql(&template.url(), &["SELECT version_num FROM alembic_version"]);
    assert_eq!(revision[0][0], HEAD);
}

#[test]
fn an_upgrade_that_was_killed_at_any_time_goes_on() {
    let (template, _) = old("migrate_any", "1.0");
    let whole = template.copy("migrate_any_whole");
    let whole_home = whole.home();
    migrate(&whole_home);
    let expected = dump(&whole_home, &[]);
    // The first one reads the program and the database from the disk.
    let timed = template.copy("migrate_any_timed");
    let timed_home = timed.home();
    let start = Instant::now();
    migrate(&timed_home);
    let takes = start.elapsed();
    let mut between = 0;
    let kills = kills();
    // How long it takes differs from one to the next: if too few kills came in the middle, there are more.
    for kill in 0..kills * 3 {
        if kill >= kills && between >= kills / 7 {
            break;
        }
        let database = template.copy("migrate_any_copy");
        let home = database.home();
        let running = home.start_ours(&["migrate"]);
        // From the start of the program to its end, a bit further each time.
        std::thread::sleep(takes * (kill % kills * 2 + 1) / (kills * 2));
        running.signal(Signal::SIGKILL);
        running.finish();
        let revision = sql(&database.url(), &["SELECT version_num FROM alembic_version"]);
        if !["958a9495162d", HEAD].contains(&revision[0][0].as_str().expect("a revision")) {
            between += 1;
        }
        migrate(&home);
        compare(&dump(&home, &[]), &expected, &format!("kill {kill}"));
    }
    println!("of {kills} kills {between} came between two revisions; it takes {takes:?}");
    assert!(between >= kills / 7, "too few kills came in the middle: {between}; it took {takes:?}");
}
