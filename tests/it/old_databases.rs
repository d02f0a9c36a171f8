//! Databases that old releases of Dagster left, as they are: what our methods answer is what the pinned Dagster answers,
//! and what we write is read by both.
//!
//! Which databases there are, and what they lack, is in `docs/revisions.md`.

use std::fs;
use std::path::{Path, PathBuf};

use dagster_instance::DagsterInstance;
use dagster_instance_tests::{Home, copy_directory, dagster, dagster_script, old_databases};

use crate::answers::{Found, assert_differences};
use crate::postgres::{TestDatabase, server};

/// How the questions of the table in `docs/differences.md` begin.
const TABLE_PREFIX: &str = "| `old/";

/// How many questions have to be asked of each database, so that the comparison says something.
const QUESTIONS: usize = 2_000;

/// The releases, by their directories.
fn releases() -> Vec<String> {
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
    for release in releases() {
        let home = copy(&release, place.path());
        let asked = dagster("answers.py", &[&home.to_string_lossy()]);
        let home = copy(&release, place.path());
        ask(&mut found, &format!("{release} on SQLite"), &home, &asked[0]).await;
    }
    assert_differences(&found, TABLE_PREFIX);
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_databases_of_old_releases_answer_as_dagster_does() {
    let mut found = Found::default();
    for release in releases() {
        let database = TestDatabase::on(server(), &format!("old_{}", release.replace('.', "_")));
        let sql = old_databases().join(&release).join("postgres.sql");
        let mut load = dagster_script("old_releases/unpack.py");
        let loaded = load.args(["--load", &database.url()]).arg(&sql).status();
        assert!(loaded.is_ok_and(|status| status.success()), "{release} was not loaded");
        let home = database.home();
        let asked = dagster("answers.py", &[&home.path().to_string_lossy()]);
        ask(&mut found, &format!("{release} on Postgres"), home.path(), &asked[0]).await;
    }
    assert_differences(&found, TABLE_PREFIX);
}
