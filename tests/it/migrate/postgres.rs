//! Postgres databases of old releases that we upgrade, beside the same databases that Dagster upgrades.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};

use dagster_instance_tests::{Finished, Home, dagster, dagster_script};
use nix::sys::signal::Signal;
use serde_json::{Value, json};

use super::HEAD;
use crate::old_databases::{asked_releases, load, load_into};
use crate::postgres::{Holding, TestDatabase, sql};

/// Two releases made this column without a default. Dagster leaves it so; then a writer that leaves it out fails.
const DEFAULT: &str = "using_default_limit";

/// What the database of a home has; with an option, after Dagster has upgraded it.
pub(super) fn dump(home: &Home, options: &[&str]) -> Value {
    let path = home.path().to_string_lossy();
    let mut found = dagster("upgrade_postgres.py", &[&[&*path], options].concat());
    // Of marks of data migrations only whether they are set.
    if let Some(marks) = found["rows"]["secondary_indexes"].as_array_mut() {
        for mark in marks.iter_mut() {
            mark["create_timestamp"] = Value::Null;
            mark["migration_completed"] = (!mark["migration_completed"].is_null()).into();
        }
        marks.sort_by_key(|mark| mark["id"].as_i64());
    }
    found
}

pub(super) fn migrate(home: &Home) -> Finished {
    home.ours(&["migrate"]).succeeded()
}

fn revision(database: &TestDatabase) -> Value {
    sql(&database.url(), &["SELECT version_num FROM alembic_version"])[0][0].take()
}

/// A database of a release, and the home that names it.
pub(super) fn old(name: &str, release: &str) -> (TestDatabase, Home) {
    let database = TestDatabase::new(name);
    load(&database, release);
    let home = database.home();
    (database, home)
}

/// The defaults of a column aside.
fn without_default(catalog: &Value) -> Value {
    let mut catalog = catalog.clone();
    for column in catalog["columns"].as_array_mut().expect("columns") {
        if column[2] == DEFAULT {
            column[8] = Value::Null;
        }
    }
    catalog
}

#[test]
fn old_databases_become_what_dagster_makes_of_them() {
    let (ours, our_home) = old("migrate_ours", "1.0");
    let (theirs, their_home) = old("migrate_theirs", "1.0");
    for release in asked_releases() {
        load(&ours, &release);
        load(&theirs, &release);
        assert_eq!(our_home.ours(&["migrate", "--check"]).code, Some(1), "{release}");
        migrate(&our_home);
        let (found, expected) = (dump(&our_home, &[]), dump(&their_home, &["--migrate"]));
        assert_eq!(found["catalog"]["alembic_version"], json!([[HEAD]]), "{release}");
        assert_eq!(found["rows"], expected["rows"], "{release}");
        let (found, expected) = (&found["catalog"], &expected["catalog"]);
        for (kind, found) in without_default(found).as_object().expect("a catalog") {
            assert_eq!(*found, without_default(expected)[kind], "{release}: {kind}");
        }
        // The difference is there, and is the only one.
        assert_eq!(found != expected, release == "1.9", "{release}");
        let again = our_home.ours(&["migrate", "--plan"]).succeeded();
        assert!(again.stdout.contains("has the newest revision"), "{}", again.stdout);
    }
}

#[test]
fn dagster_works_with_what_we_have_upgraded() {
    let (_database, home) = old("migrate_used", "1.3");
    migrate(&home);
    let before = dump(&home, &[]);
    let used = dump(&home, &["--migrate", "--use"]);
    assert_eq!(used["catalog"], before["catalog"]);
    assert_eq!(used["used"]["status"], "STARTED");
    assert_eq!(used["used"]["messages"], json!(["an event"]));
    home.ours(&["migrate", "--check"]).succeeded();
}

#[test]
fn the_plan_tells_each_lock_and_changes_nothing() {
    let (_database, home) = old("migrate_plan", "1.8");
    let before = dump(&home, &[]);
    let plan = home.ours(&["migrate", "--plan"]).succeeded();
    for text in [
        "-- ACCESS EXCLUSIVE on runs (",
        "everybody who reads or writes the table; at most 0.5 s for the lock (1.5 s if only an autovacuum is in the way), then milliseconds",
        "ALTER TABLE runs ADD COLUMN backfill_id VARCHAR(255);",
        "-- SHARE UPDATE EXCLUSIVE on run_tags (",
        "CREATE UNIQUE INDEX CONCURRENTLY idx_run_tags_run_id ON run_tags (\"key\", value, run_id);",
        "UPDATE alembic_version SET version_num = '29b539ebc72a'",
    ] {
        assert!(plan.stdout.contains(text), "{text}: {}", plan.stdout);
    }
    let lines = home.ours(&["migrate", "--plan", "--json"]).succeeded().json_lines();
    let changes = lines[0]["changes"].as_array().expect("changes");
    let impact = &changes[0]["impact"];
    assert_eq!(impact["lock"], "ACCESS EXCLUSIVE");
    assert_eq!(impact["table"], "runs");
    assert!(impact["bytes"].as_u64().is_some_and(|bytes| bytes > 0), "{impact}");
    assert_eq!(dump(&home, &[]), before);
    let done = home.ours(&["migrate", "--json"]).succeeded().json_lines();
    assert_eq!(done[0]["change"], "upgraded");
    let locks = done[0]["locks"].as_array().expect("locks");
    let held = |lock: &Value| lock["held_seconds"].as_f64().is_some_and(|held| held > 0.0);
    assert!(locks.len() > 4 && locks.iter().all(held), "{locks:?}");
}

#[test]
fn whoever_holds_a_lock_is_named_and_the_next_call_goes_on() {
    let (database, home) = old("migrate_held", "1.8");
    let held = Holding::new(&database.url(), &["LOCK TABLE bulk_actions IN ACCESS SHARE MODE"]);
    let given_up = home.ours(&["migrate", "--lock-wait", "2"]);
    assert_eq!(given_up.code, Some(1), "{}", given_up.stderr);
    for text in [
        "the lock ACCESS EXCLUSIVE on bulk_actions was not given within 2 seconds",
        "(postgres_sql.py), idle in transaction",
        "LOCK TABLE bulk_actions IN ACCESS SHARE MODE",
        "What was done before stays",
    ] {
        assert!(given_up.stderr.contains(text), "{text}: {}", given_up.stderr);
    }
    assert!(given_up.stdout.contains("failed, what was done stays"), "{}", given_up.stdout);
    assert_eq!(revision(&database), "1aca709bba64");
    drop(held);
    let done = migrate(&home);
    assert!(!done.stderr.contains("ALTER TABLE runs"), "{}", done.stderr);
    assert_eq!(revision(&database), HEAD);
}

/// An index that is half built at Ctrl-C would be taken for a good one by Dagster.
#[test]
fn an_interrupted_build_leaves_no_index() {
    let (database, home) = old("migrate_interrupted", "1.8");
    let held = Holding::new(&database.url(), &["LOCK TABLE run_tags IN ROW EXCLUSIVE MODE"]);
    let mut running = home.start_ours(&["migrate"]);
    running.wait_for_said("index of run_tags: waiting");
    let invalid = "SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE NOT i.indisvalid";
    assert_eq!(sql(&database.url(), &[invalid]), json!([["idx_run_tags_run_id"]]));
    running.signal(Signal::SIGINT);
    running.wait_for_said("leaving nothing half done");
    // The server drops it when nobody uses the table.
    drop(held);
    let ended = running.finish();
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    assert!(ended.stderr.contains("it was interrupted. What was done stays"), "{}", ended.stderr);
    assert_eq!(sql(&database.url(), &[invalid]), json!([]));
    migrate(&home);
    assert_eq!(revision(&database), HEAD);
}

#[test]
fn doubled_tags_are_deleted_and_long_ones_are_named_before() {
    let (database, home) = old("migrate_tags", "1.8");
    let count = "SELECT count(*) FROM run_tags";
    let before = sql(&database.url(), &[count]);
    let double =
        "INSERT INTO run_tags (run_id, key, value) SELECT run_id, key, value FROM run_tags";
    // Letters that the server cannot make shorter, and that fit into the old index; and more that it can.
    let long = "INSERT INTO run_tags (run_id, key, value) SELECT min(run_id), 'long', \
                (SELECT left(string_agg(md5(n::text), ''), 2670) FROM generate_series(1, 100) n) FROM runs";
    let short = "INSERT INTO run_tags (run_id, key, value) SELECT min(run_id), 'short', repeat('a', 100000) FROM runs";
    sql(&database.url(), &[double, long, short]);
    let unchanged = dump(&home, &[]);
    for arguments in [&["migrate"][..], &["migrate", "--plan"], &["migrate", "--check"]] {
        let refused = home.ours(arguments);
        assert_eq!(refused.code, Some(2), "{}", refused.stderr);
        assert!(
            refused.stderr.contains("too long") && refused.stderr.contains("long of the run"),
            "{}",
            refused.stderr
        );
        assert!(!refused.stderr.contains("short of the run"), "{}", refused.stderr);
    }
    assert_eq!(dump(&home, &[]), unchanged);
    sql(&database.url(), &["DELETE FROM run_tags WHERE key = 'long'"]);
    let plan = home.ours(&["migrate", "--plan"]).succeeded();
    assert!(plan.stdout.contains("tags of runs are there more than once"), "{}", plan.stdout);
    let done = migrate(&home);
    let number = before[0][0].as_u64().expect("a number");
    assert!(done.stderr.contains(&format!("{number} rows are deleted")), "{}", done.stderr);
    assert_eq!(sql(&database.url(), &[count]), json!([[number + 1]]));
}

#[test]
fn what_is_missing_or_invalid_at_the_newest_revision_is_mended() {
    let (database, home) = old("migrate_mended", "1.12");
    migrate(&home);
    let whole = dump(&home, &[]);
    sql(
        &database.url(),
        &[
            "DROP INDEX idx_runs_by_job",
            "DROP TABLE backfill_tags",
            "UPDATE pg_index SET indisvalid = false WHERE indexrelid IN \
             ('idx_events_by_asset'::regclass, 'idx_run_status'::regclass)",
        ],
    );
    let left = home.ours(&["migrate", "--check"]);
    assert_eq!(left.code, Some(1), "{}", left.stderr);
    let done = migrate(&home);
    for text in [
        "REINDEX INDEX CONCURRENTLY idx_run_status",
        "DROP INDEX CONCURRENTLY idx_events_by_asset",
        "idx_runs_by_job",
        "CREATE TABLE backfill_tags",
    ] {
        assert!(done.stderr.contains(text), "{text}: {}", done.stderr);
    }
    let mended = dump(&home, &[]);
    assert_eq!(mended["catalog"]["indexes"], whole["catalog"]["indexes"]);
    home.ours(&["migrate", "--check"]).succeeded();
}

#[test]
fn a_database_that_says_no_revision_is_refused_unless_one_is_named() {
    let (database, home) = old("migrate_unstamped", "1.8");
    sql(&database.url(), &["DELETE FROM alembic_version"]);
    let refused = home.ours(&["migrate"]);
    assert_eq!(refused.code, Some(2), "{}", refused.stderr);
    for text in ["says no revision", "--from REVISION", "Nothing was changed"] {
        assert!(refused.stderr.contains(text), "{}", refused.stderr);
    }
    let unknown = home.ours(&["migrate", "--from", "ffffffffffff"]);
    assert_eq!(unknown.code, Some(2), "{}", unknown.stderr);
    home.ours(&["migrate", "--from", "284a732df317"]).succeeded();
    assert_eq!(revision(&database), HEAD);
    sql(&database.url(), &["UPDATE alembic_version SET version_num = '284a732df317'"]);
    let contradicted = home.ours(&["migrate", "--from", HEAD]);
    assert_eq!(contradicted.code, Some(2), "{}", contradicted.stderr);
    for other in ["ffffffffffff", "567bc23fd1ac"] {
        sql(&database.url(), &[&format!("UPDATE alembic_version SET version_num = '{other}'")]);
        let refused = home.ours(&["migrate"]);
        assert_eq!(refused.code, Some(2), "{}", refused.stderr);
        assert!(refused.stderr.contains(other), "{}", refused.stderr);
    }
    // A database without anything has nothing to upgrade, and gets nothing.
    sql(&database.url(), &["DROP SCHEMA public CASCADE", "CREATE SCHEMA public"]);
    home.ours(&["migrate", "--check"]).succeeded();
    let tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'";
    assert_eq!(sql(&database.url(), &[tables]), json!([[0]]));
}

#[test]
fn one_process_upgrades_at_a_time() {
    let (database, home) = old("migrate_rivals", "1.8");
    let lock = "SELECT pg_advisory_xact_lock(4919131752989215)";
    let held = Holding::new(&database.url(), &[lock]);
    let refused = home.ours(&["migrate"]);
    assert_eq!(refused.code, Some(2), "{}", refused.stderr);
    assert!(refused.stderr.contains("another process upgrades it"), "{}", refused.stderr);
    assert_eq!(revision(&database), "284a732df317");
    drop(held);
    migrate(&home);
}

#[test]
fn a_schema_of_the_search_path_is_upgraded_and_others_are_left_alone() {
    let database = TestDatabase::new("migrate_path");
    let home = Home::new();
    let url = |schema: &str| format!("{}?options=-csearch_path%3D{schema}", database.url());
    for schema in ["first", "second"] {
        load_into(&database.url(), "1.0");
        sql(
            &database.url(),
            &[&format!("ALTER SCHEMA public RENAME TO {schema}"), "CREATE SCHEMA public"],
        );
    }
    // An index of the same name hides the one to be dropped.
    sql(
        &database.url(),
        &[
            "CREATE SCHEMA hiding",
            "CREATE TABLE hiding.others (a int)",
            "CREATE INDEX idx_run_tags ON hiding.others (a)",
        ],
    );
    let storage = url("first,hiding");
    home.ours(&["--storage", &storage, "migrate"]).succeeded();
    let revisions = ["first", "second"].map(|schema| {
        sql(&database.url(), &[&format!("SELECT version_num FROM {schema}.alembic_version")])[0][0]
            .take()
    });
    assert_eq!(revisions, [json!(HEAD), json!("958a9495162d")]);
    let indexes = "SELECT schemaname FROM pg_indexes WHERE indexname = 'idx_run_tags' ORDER BY 1";
    assert_eq!(sql(&database.url(), &[indexes]), json!([["hiding"], ["second"]]));
    let left = home.ours(&["--storage", &storage, "migrate", "--plan"]).succeeded();
    assert!(left.stdout.contains("has the newest revision"), "{}", left.stdout);
}

/// A worker of Dagster's that goes on writing.
struct Writer(Child);

impl Writer {
    fn start(home: &Home) -> Self {
        let mut script = dagster_script("upgrade_postgres.py");
        script.arg(home.path()).arg("--write");
        script.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = script.spawn().expect("a process");
        let said = BufReader::new(child.stderr.as_mut().expect("its standard error"));
        let begun = said.lines().any(|line| line.is_ok_and(|line| line.contains("writing")));
        assert!(begun, "the writer ended");
        Self(child)
    }

    fn end(mut self) -> Value {
        drop(self.0.stdin.take());
        let ended = self.0.wait_with_output().expect("its end");
        assert!(ended.status.success(), "a write of Dagster's failed");
        serde_json::from_slice(&ended.stdout).expect("JSON")
    }
}

/// How long Dagster may stand still at most: a lock is asked for half a second, and held for less.
const LONGEST: f64 = 1.5;

#[test]
fn a_worker_of_dagster_goes_on_while_we_upgrade() {
    let (database, home) = old("migrate_writer", "1.0");
    // Enough that building an index takes a while.
    let more = "INSERT INTO event_logs (run_id, event, dagster_event_type, timestamp) \
                SELECT 'r' || n % 1000, repeat('x', 200), 'STEP_START', now() FROM generate_series(1, 200000) n";
    let tags = "INSERT INTO run_tags (run_id, key, value) SELECT r.run_id, 'key' || n, 'value' \
                FROM (SELECT run_id FROM runs LIMIT 10) r, generate_series(1, 20000) n";
    // So that the indexes of events are to be built, too.
    let base = [
        "DROP INDEX idx_events_by_run_id",
        "DROP INDEX idx_events_by_asset",
        "UPDATE alembic_version SET version_num = '5e139331e376'",
    ];
    sql(&database.url(), &[&[more, tags][..], &base].concat());
    let writer = Writer::start(&home);
    let done = migrate(&home);
    let written = writer.end();
    println!("{written}\n{}", done.stdout);
    assert_eq!(revision(&database), HEAD);
    assert!(written["writes"].as_u64().is_some_and(|writes| writes > 20), "{written}");
    for kind in ["run", "event"] {
        let longest = written["longest"][kind].as_f64().expect("seconds");
        assert!(longest < LONGEST, "{kind}: {longest} s\n{}", done.stdout);
    }
}

/// Our own writers keep others out by a lock that a build refuses them. They do without it meanwhile.
#[test]
fn our_own_writer_goes_on_while_an_index_of_events_is_built() {
    let (database, home) = old("migrate_own", "1.12");
    sql(&database.url(), &["DROP INDEX idx_events_by_run_id"]);
    // A transaction that has the table keeps the build from its end.
    let held = Holding::new(&database.url(), &["LOCK TABLE event_logs IN ROW EXCLUSIVE MODE"]);
    let mut running = home.start_ours(&["migrate"]);
    running.wait_for_said("index of event_logs: waiting");
    let ran = home.ours(&["exec", "--job", "beside", "--", "true"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    drop(held);
    running.finish().succeeded();
}
