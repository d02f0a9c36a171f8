//! Data migrations that we carry out, beside those of Dagster, in databases of old releases with rows that need all of
//! them.
#![expect(clippy::disallowed_methods, reason = "tests start the program that they test")]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use dagster_instance_tests::{Home, binary, copy_directory, dagster, old_databases};
use serde_json::{Map, Value};

use crate::old_databases::{asked_releases, is_long, kills, load};
use crate::postgres::TestDatabase;

/// Those whose rows are made, in the order in which they are carried out. The times of runs are not among them: of runs
/// that have no events, Dagster would create a database for each.
const MIGRATIONS: [&str; 10] = [
    "run_partitions",
    "run_repo_label_tags",
    "bulk_action_types",
    "run_backfill_id",
    "backfill_job_name_and_tags",
    "backfill_end_timestamp",
    "asset_key_table",
    "asset_key_index_columns",
    "schedule_jobs_selector_id",
    "schedule_ticks_selector_id",
];

/// What differs from Dagster, and why, is in `docs/differences.md`.
const DIFFERENT: [(&str, &[&str]); 2] = [
    ("runs/runs", &["run_body", "update_timestamp"]),
    // The row of an asset that was added says when it was.
    (
        "index/asset_keys",
        &["last_materialization", "last_materialization_timestamp", "create_timestamp"],
    ),
];

/// The tables with their rows.
type Tables = Map<String, Value>;

fn tables(home: &Path, options: &[&str]) -> Tables {
    let path = home.to_string_lossy();
    match dagster("data_migrations.py", &[&[&*path], options].concat()) {
        Value::Object(tables) => tables,
        other => panic!("no tables: {other}"),
    }
}

/// The command for data migrations; all of them if none is named.
fn migrations(home: &Path, names: &[&str]) -> Command {
    let mut command = Command::new(binary());
    command.arg("--home").arg(home).arg("reindex");
    for name in if names.is_empty() { &MIGRATIONS } else { names } {
        command.args(["--index", name]);
    }
    command.env_remove("DAGSTER_HOME").stdin(Stdio::null()).stdout(Stdio::null());
    command
}

fn migrate(home: &Path, names: &[&str]) {
    let ended = migrations(home, names).output().expect("the binary ends");
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
}

/// The value of a column in each row, in the order of the rows' ids.
fn column(tables: &Tables, table: &str, name: &str) -> Vec<Value> {
    let mut rows = tables[table].as_array().expect("rows").clone();
    rows.sort_by_key(|row| row["id"].as_i64());
    rows.iter().map(|row| row[name].clone()).collect()
}

/// When each asset had its last event.
fn times_of_assets(tables: &Tables) -> BTreeMap<String, Value> {
    let rows = tables["index/asset_keys"].as_array().expect("rows");
    let time =
        |row: &Value| (row["asset_key"].to_string(), row["last_materialization_timestamp"].clone());
    rows.iter().map(time).collect()
}

/// The rows without what is different.
fn same(tables: &Tables) -> Tables {
    let mut same = tables.clone();
    for (table, columns) in DIFFERENT {
        let rows = same.get_mut(table).and_then(Value::as_array_mut).expect("rows");
        for row in rows.iter_mut() {
            for name in columns {
                row.as_object_mut().expect("a row").remove(*name).expect("a column");
            }
        }
        rows.sort_by_key(|row| row["id"].as_i64());
    }
    // New rows are made in any order, and a server leaves out numbers of those that another part has made already.
    for (table, key) in
        [("index/asset_keys", "asset_key"), ("schedules/instigators", "selector_id")]
    {
        let rows = same.get_mut(table).and_then(Value::as_array_mut).expect("rows");
        for row in rows.iter_mut() {
            row.as_object_mut().expect("a row").remove("id").expect("a column");
        }
        rows.sort_by_key(|row| row[key].to_string());
    }
    same
}

#[track_caller]
fn assert_equal(what: &str, ours: &Tables, theirs: &Tables) {
    for (table, rows) in ours {
        let (ours, theirs) =
            (rows.as_array().expect("rows"), theirs[table].as_array().expect("rows"));
        for (ours, theirs) in ours.iter().zip(theirs) {
            assert_eq!(ours, theirs, "{what}: {table}");
        }
        assert_eq!(ours.len(), theirs.len(), "{what}: {table}");
    }
}

/// What we made of a database, what it was before, and what Dagster made of a copy.
#[track_caller]
fn compare(what: &str, before: &Tables, ours: &Tables, theirs: &Tables) {
    assert_equal(what, &same(ours), &same(theirs));
    // The two do not take the same event; where one finds a time, there is one for the other in the most cases.
    let (our_times, their_times) = (times_of_assets(ours), times_of_assets(theirs));
    assert!(our_times.keys().eq(their_times.keys()), "{what}: other assets");
    let known = |times: &BTreeMap<String, Value>| times.values().filter(|it| !it.is_null()).count();
    let (our_count, their_count) = (known(&our_times), known(&their_times));
    assert!(
        our_count > 0 && our_count <= their_count,
        "{what}: {our_count} assets have a time, for Dagster {their_count}"
    );
    // Each migration had something to do, but for ticks: in the database of 1.0 no tick belongs to a state, and neither of
    // the two changes one.
    for table in ours.keys().filter(|table| *table != "schedules/job_ticks") {
        assert!(ours[table] != before[table], "{what}: {table} is as it was");
    }
    // Bodies of runs and the times of their last changes stay: nothing has happened to the runs.
    for name in ["run_body", "update_timestamp"] {
        let (before, after) = (column(before, "runs/runs", name), column(ours, "runs/runs", name));
        assert!(before == after, "{what}: {name} has changed");
    }
}

fn home_of(release: &str, directory: Home) -> (Home, PathBuf) {
    let home = directory.path().join("home");
    copy_directory(&old_databases().join(release).join("home"), &home).expect("a copy");
    (directory, home)
}

#[test]
fn rows_of_old_homes_become_what_dagster_makes_of_them() {
    for release in asked_releases() {
        let (directory, our_home) = home_of(&release, Home::new());
        let before = tables(&our_home, &["--prepare"]);
        let their_home = directory.path().join("theirs");
        copy_directory(&our_home, &their_home).expect("a copy");
        let theirs = tables(&their_home, &["--migrate"]);
        migrate(&our_home, &[]);
        let ours = tables(&our_home, &[]);
        compare(&release, &before, &ours, &theirs);
        // Once more, it changes nothing, though nothing is marked.
        let mut again = migrations(&our_home, &[]);
        assert!(again.arg("--force").status().expect("its end").success());
        assert_equal(&format!("{release}, again"), &tables(&our_home, &[]), &ours);
        // Dagster's own go on behind ours, and find nothing.
        assert_equal(&format!("{release}, Dagster"), &tables(&our_home, &["--migrate"]), &ours);
    }
}

#[test]
fn rows_of_old_postgres_databases_become_what_dagster_makes_of_them() {
    let database = TestDatabase::new("data_migrations");
    let home = database.home();
    for release in asked_releases() {
        load(&database, &release);
        tables(home.path(), &["--prepare"]);
        let theirs = tables(home.path(), &["--migrate"]);
        load(&database, &release);
        let before = tables(home.path(), &["--prepare"]);
        migrate(home.path(), &[]);
        let ours = tables(home.path(), &[]);
        compare(&release, &before, &ours, &theirs);
        let mut again = migrations(home.path(), &[]);
        assert!(again.arg("--force").status().expect("its end").success());
        assert_equal(&format!("{release}, again"), &tables(home.path(), &[]), &ours);
    }
}

/// Runs a command to its end, and returns what it says on the way.
fn said_by(mut command: Command) -> Vec<String> {
    let ended = command.stderr(Stdio::piped()).output().expect("the binary ends");
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert!(ended.status.success(), "{said}");
    said.lines().map(str::to_owned).collect()
}

/// Kills a command as soon as it has said so many lines. How many there are depends on time, too: it may have ended before.
fn kill_after(mut command: Command, lines: usize) {
    let mut child = command.stderr(Stdio::piped()).spawn().expect("a process");
    let said = BufReader::new(child.stderr.take().expect("a pipe")).lines();
    said.take(lines).for_each(drop);
    child.kill().expect("killed");
    child.wait().expect("its end");
}

/// Kills the command as soon as it has said one line, some lines more and so on; in the long form, one line more each
/// time. Then it is given again, and what is there is what is there without being killed. Returns how many kills came
/// between two changes.
fn killed(
    what: &str,
    command: impl Fn(&Path) -> Command,
    prepared: &impl Fn() -> (Option<Home>, PathBuf),
) -> usize {
    let (_whole, whole) = prepared();
    let before = tables(&whole, &[]);
    let lines = said_by(command(&whole)).len();
    let expected = same(&tables(&whole, &[]));
    let mut between = 0;
    let more = if is_long() { 1 } else { lines.div_ceil(kills() as usize) };
    for kill in (1..=lines).step_by(more) {
        let (_directory, home) = prepared();
        kill_after(command(&home), kill);
        let halfway = tables(&home, &[]);
        if halfway != before && same(&halfway) != expected {
            between += 1;
        }
        said_by(command(&home));
        assert_equal(&format!("{what}, kill {kill}"), &same(&tables(&home, &[])), &expected);
    }
    println!("{what}: {between} kills came in the middle of {lines} lines");
    between
}

/// A copy of a home, with the directory that holds it.
fn copy_of(home: &Path) -> (Option<Home>, PathBuf) {
    let directory = Home::new();
    let copy = directory.path().join("home");
    copy_directory(home, &copy).expect("a copy");
    (Some(directory), copy)
}

/// Kills one data migration from its start to its end, a bit later each time. It says one line at its end, and may be a
/// single transaction: moments alone come into its middle. Then it is given again, and what is there is what is there
/// without being killed. Returns how many kills met the program at work.
fn killed_at_any_time(name: &'static str, prepared: &impl Fn() -> (Option<Home>, PathBuf)) -> u32 {
    let (_whole, whole) = prepared();
    let start = Instant::now();
    migrate(&whole, &[name]);
    let takes = start.elapsed();
    let expected = same(&tables(&whole, &[]));
    let mut at_work = 0;
    for kill in 0..kills() {
        let (_directory, home) = prepared();
        let mut running = migrations(&home, &[name]);
        let mut running = running.stderr(Stdio::null()).spawn().expect("a process");
        std::thread::sleep(takes * (kill * 2 + 1) / (kills() * 2));
        running.kill().expect("killed");
        at_work += u32::from(running.wait().expect("its end").signal().is_some());
        migrate(&home, &[name]);
        assert_equal(&format!("{name}, kill {kill}"), &same(&tables(&home, &[])), &expected);
    }
    println!("{name}: {at_work} of {} kills met it at work; it takes {takes:?}", kills());
    at_work
}

/// All migrations in a row. In the long form, each by itself, too.
fn kill_data_migrations(what: &str, prepared: impl Fn() -> (Option<Home>, PathBuf)) {
    let between = killed(what, |home| migrations(home, &[]), &prepared);
    assert!(between >= 2, "too few kills came in the middle: {between}");
    for name in MIGRATIONS.iter().filter(|_| is_long()) {
        let at_work = killed_at_any_time(name, &prepared);
        assert!(at_work >= kills() / 2, "{name}: too few kills met it at work: {at_work}");
    }
}

#[test]
fn data_migrations_that_were_killed_go_on_where_they_were() {
    let (_directory, home) = home_of("1.8", Home::new());
    tables(&home, &["--prepare"]);
    kill_data_migrations("SQLite", || copy_of(&home));
}

#[test]
fn data_migrations_of_postgres_that_were_killed_go_on_where_they_were() {
    let base = TestDatabase::new("data_migrations_base");
    load(&base, "1.8");
    tables(base.home().path(), &["--prepare"]);
    let copy = TestDatabase::new("data_migrations_killed");
    kill_data_migrations("Postgres", || {
        copy.replace_by_copy_of(&base);
        let home = copy.home();
        let path = home.path().to_owned();
        (Some(home), path)
    });
}

/// An upgrade with copies and all data migrations. Wherever it was killed, it is given again with the same words.
fn whole_upgrade(home: &Path) -> Command {
    let mut command = Command::new(binary());
    command
        .arg("--home")
        .arg(home)
        .args(["migrate", "--reindex", "--backup"])
        .arg(home.join("copies"));
    command.env_remove("DAGSTER_HOME").stdin(Stdio::null()).stdout(Stdio::null());
    command
}

#[test]
fn an_upgrade_that_was_killed_is_given_again() {
    let (_directory, home) = home_of("1.8", Home::new());
    tables(&home, &["--prepare"]);
    let prepared = || copy_of(&home);
    let between = killed("migrate", whole_upgrade, &prepared);
    assert!(between >= 2, "too few kills came in the middle: {between}");
    let (_directory, home) = prepared();
    let said = said_by(whole_upgrade(&home));
    let place = |text: &str| said.iter().position(|line| line.contains(text));
    // What an upgrade has to carry out comes before what reads the logs of all runs.
    let (required, last) =
        (place("schedule_jobs_selector_id: "), place("run_start_end_overwritten: "));
    assert!(place("copying ") < required && required.is_some(), "{said:?}");
    assert!(required < last, "{said:?}");
    let copies: Vec<_> = std::fs::read_dir(home.join("copies")).expect("copies").collect();
    assert_eq!(copies.len(), 1, "{copies:?}");
    assert!(!home.join("history/runs.db.migrate-lock").exists());
}

fn said(home: &Path, options: &[&str]) -> (Option<i32>, String, String) {
    let mut command = Command::new(binary());
    command.arg("--home").arg(home).arg("migrate").args(options).env_remove("DAGSTER_HOME");
    let ended = command.stdin(Stdio::null()).output().expect("the binary ends");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (ended.status.code(), text(&ended.stdout), text(&ended.stderr))
}

#[test]
fn an_upgrade_says_which_data_migrations_belong_to_it() {
    let (_directory, home) = home_of("1.8", Home::new());
    let (code, plan, _) = said(&home, &["--plan"]);
    assert_eq!(code, Some(0));
    let planned = |line: &&str| line.starts_with("-- data migration ");
    let planned: Vec<_> = plan.lines().filter(planned).collect();
    let names = ["run_backfill_id", "backfill_job_name_and_tags", "backfill_end_timestamp"];
    assert_eq!(planned.len(), names.len(), "{planned:?}");
    for (line, name) in planned.iter().zip(names) {
        assert!(line.contains(&format!(" {name}: ")), "{line}");
    }
    assert_eq!(said(&home, &["--check"]).0, Some(1));
    let (code, done, notes) = said(&home, &["--no-backup"]);
    assert_eq!(code, Some(0), "{notes}");
    assert!(names.iter().all(|name| done.contains(name)), "{done}");
    assert!(notes.contains("Processes of Dagster before 1.9 go on"), "{notes}");
    let (code, _, notes) = said(&home, &["--check"]);
    assert_eq!((code, notes.as_str()), (Some(0), ""));
    // There is nothing to warn of any more.
    assert_eq!(said(&home, &["--no-backup"]).2, "");
}
