//! All stores in one directory, as four public configurations have it.

use std::path::Path;

use dagster_instance_tests::{Home, dagster};
use serde_json::json;

use super::{Ended, ours, recorded};

fn configured() -> Home {
    let home = Home::new();
    let directory = home.path().join("all").display().to_string();
    let section = |name: &str, module: &str, class: &str| {
        format!(
            "{name}:\n  module: dagster._core.storage.{module}\n  class: {class}\n  config: {{base_dir: \"{directory}\"}}\n"
        )
    };
    let yaml = [
        section("run_storage", "runs", "SqliteRunStorage"),
        section("event_log_storage", "event_log", "SqliteEventLogStorage"),
        section("schedule_storage", "schedules", "SqliteScheduleStorage"),
        "telemetry: {enabled: false}\n".to_owned(),
    ];
    std::fs::write(home.path().join("dagster.yaml"), yaml.concat()).expect("a file");
    home
}

fn databases(home: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(home.join("all")).expect("a directory");
    let names = entries.map(|entry| entry.expect("an entry").file_name());
    let mut names: Vec<_> = names.map(|name| name.to_string_lossy().into_owned()).collect();
    names.retain(|name| Path::new(name).extension().is_some_and(|ending| ending == "db"));
    names.sort();
    names
}

#[test]
fn dagster_and_we_share_one_directory() {
    let home = configured();
    let path = home.path().to_string_lossy();
    let of_dagster = dagster("one_directory.py", &[&path, "run"]);
    let of_dagster = of_dagster["run"].as_str().expect("an id");
    let of_ours = recorded(ours(home.path(), &[]));
    let mut expected = vec![of_dagster.to_owned(), of_ours.clone()];
    expected.sort();

    let found = dagster("one_directory.py", &[&path, "read"]);
    assert_eq!(found["runs"], json!(expected));
    // Dagster takes the databases of the other stores for runs.
    let taken = |names: &[&str]| {
        let mut all = expected.clone();
        all.extend(names.iter().map(|name| (*name).to_owned()));
        all.sort();
        json!(all)
    };
    assert_eq!(found["logs"], taken(&["runs", "schedules"]));
    let listed = Ended::of(ours(home.path(), &["run", "list", "--json"])).succeeded();
    assert_eq!(listed.stdout.lines().count(), 2);
    for id in &expected {
        let events = Ended::of(ours(home.path(), &["run", "events", id, "--json"])).succeeded();
        assert_eq!(json!(events.stdout.lines().count()), found["events"][id], "{id}");
    }
    Ended::of(ours(home.path(), &["migrate", "--check"])).succeeded();
    Ended::of(ours(home.path(), &["migrate", "--no-backup"])).succeeded();

    let before = databases(home.path());
    assert_eq!(before.len(), 5, "{before:?}");
    // This is why ours knows the files of the other stores.
    dagster("one_directory.py", &[&path, "wipe_events"]);
    assert_eq!(databases(home.path()), ["index.db"]);
}
