//! Databases that old releases of Dagster left, as they are: what our methods answer is what the pinned Dagster answers,
//! and what we write is read by both.
//!
//! Which databases there are, and what they lack, is in `docs/revisions.md`.

use std::fs;
use std::path::{Path, PathBuf};

use dagster_instance::DagsterInstance;
use dagster_instance_tests::{Home, copy_directory, dagster, dagster_script, old_databases};

use crate::answers::{Found, assert_differences};
use crate::postgres::{TestDatabase, sql};

/// How the questions of the tables in `docs/differences.md` begin.
const OF_SQLITE: &str = "| `old-sqlite/";
const OF_POSTGRES: &str = "| `old-postgres/";

/// Asks for the databases of all releases. Without it, questions are asked of those whose schemas differ most.
const ALL: &str = "DAGSTER_INSTANCE_TEST_ALL_OLD_DATABASES";
const FEW: [&str; 4] = ["1.0", "1.3", "1.8", "1.12"];

/// How many questions have to be asked of each database, so that the comparison says something.
const QUESTIONS: usize = 2_000;

/// The releases, by their directories.
pub(crate) fn releases() -> Vec<String> {
    let entries = fs::read_dir(old_databases()).expect("the databases");
    let mut names: Vec<String> = entries
        .map(|entry| entry.expect("a directory"))
        .filter(|entry| entry.path().join("home").exists())
        .map(|entry| entry.file_name().into_string().expect("a name"))
        .collect();
    names.sort_by_key(|name| {
        let minor = name.split('.').nth(1).and_then(|minor| minor.parse::<u32>().ok());
        minor.expect("a release")
    });
    assert_eq!(names.len(), 9, "{names:?}");
    names
}

/// Those that questions are asked of.
pub(crate) fn asked_releases() -> Vec<String> {
    let all = is_long();
    releases().into_iter().filter(|name| all || FEW.contains(&name.as_str())).collect()
}

/// Whether the long form of tests is asked for.
#[expect(clippy::disallowed_methods, reason = "the long form is asked for in the environment")]
pub(crate) fn is_long() -> bool {
    std::env::var_os(ALL).is_some()
}

/// How many kills a test of an upgrade makes, of one kind and on one store.
pub(crate) fn kills() -> u32 {
    if is_long() { 20 } else { 7 }
}

/// A copy of the home that a release left, at the same place each time: some answers are paths.
fn copy(release: &str, place: &Path) -> PathBuf {
    let home = place.join(release);
    if home.exists() {
        fs::remove_dir_all(&home).expect("to remove a copy");
    }
    copy_directory(&old_databases().join(release).join("home"), &home).expect("a copy of the home");
    home
}

/// Asks our instance of a home what Dagster was asked of it.
async fn ask(found: &mut Found, name: &str, home: &Path, questions: &serde_json::Value) {
    let asked = found.asked();
    let instance = DagsterInstance::builder().home(home).must_exist().open().await;
    let instance = instance.expect("an instance");
    for question in questions.as_array().expect("a list of questions") {
        found.ask(name, &instance, question).await;
    }
    instance.dispose().await.expect("to close it");
    let asked = found.asked() - asked;
    assert!(asked > QUESTIONS, "only {asked} questions were asked of {name}");
}

#[tokio::test(flavor = "multi_thread")]
async fn homes_of_old_releases_answer_as_dagster_does() {
    let place = Home::new();
    let mut found = Found::default();
    for release in asked_releases() {
        let home = copy(&release, place.path());
        let asked = dagster("answers.py", &[&home.to_string_lossy()]);
        let home = copy(&release, place.path());
        ask(&mut found, &format!("{release} on SQLite"), &home, &asked[0]).await;
    }
    assert_differences(&found, OF_SQLITE);
}

/// Loads the database that a release left, in the place of what is there.
pub(crate) fn load(database: &TestDatabase, release: &str) {
    let fresh = ["DROP SCHEMA public CASCADE", "CREATE SCHEMA public"];
    sql(&database.url(), &fresh);
    load_into(&database.url(), release);
}

/// Loads the database that a release left, where nothing is.
pub(crate) fn load_into(url: &str, release: &str) {
    let statements = old_databases().join(release).join("postgres.sql");
    let mut load = dagster_script("old_releases/unpack.py");
    let loaded = load.args(["--load", url]).arg(&statements).status();
    assert!(loaded.is_ok_and(|status| status.success()), "{release} was not loaded");
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_databases_of_old_releases_answer_as_dagster_does() {
    let database = TestDatabase::new("old");
    let home = database.home();
    let mut found = Found::default();
    for release in asked_releases() {
        load(&database, &release);
        let asked = dagster("answers.py", &[&home.path().to_string_lossy()]);
        // Some of Dagster's answers are stored.
        load(&database, &release);
        ask(&mut found, &format!("{release} on Postgres"), home.path(), &asked[0]).await;
    }
    assert_differences(&found, OF_POSTGRES);
}

/// A command that we run in a home is a run that Dagster reads, with what the database can hold.
fn assert_run_is_read(home: &Home, release: &str) {
    let ran = home.ours(&["exec", "--job", "old", "--tag", "dagster/backfill=bf", "--", "true"]);
    assert_eq!(ran.code, Some(0), "{release}: {}", ran.stderr);
    let listed = home.ours(&["run", "list", "--job", "old", "--json"]);
    let line = listed.stdout.lines().next().expect("a run");
    let run: serde_json::Value = serde_json::from_str(line).expect("JSON");
    assert_eq!(run["status"], "SUCCESS", "{release}: {run}");
    let run_id = run["run_id"].as_str().expect("an id");
    let path = home.path().to_string_lossy();
    let read = dagster("read_run.py", &[&path, run_id]);
    assert_eq!(read["status"], "SUCCESS", "{release}: {read}");
    assert_eq!(read["tags"]["dagster/backfill"], "bf", "{release}: {read}");
    assert!(read["events"].as_u64().is_some_and(|count| count > 3), "{release}: {read}");
    assert_eq!(read["of_backfill"], true, "{release}: {read}");
}

#[test]
fn a_run_in_a_home_of_an_old_release_is_read_by_dagster() {
    for release in releases() {
        let home = Home::new();
        let left = old_databases().join(&release).join("home");
        for part in fs::read_dir(&left).expect("a home") {
            let part = part.expect("a directory").file_name();
            copy_directory(&left.join(&part), &home.path().join(&part)).expect("a copy");
        }
        assert_run_is_read(&home, &release);
    }
}

#[test]
fn a_run_in_a_postgres_of_an_old_release_is_read_by_dagster() {
    let database = TestDatabase::new("old_runs");
    let home = database.home();
    for release in releases() {
        load(&database, &release);
        assert_run_is_read(&home, &release);
    }
}
