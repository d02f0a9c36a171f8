//! Cases 12 and 18: directories are taken as they are written, and three stores may share one.

use std::path::Path;

use dagster_instance::settings::{LocalArtifactSettings, StoreSettings};

use super::support::{TestResult, accepted, home, open};

/// Case 12: a relative directory begins in the working directory, and neither `~` nor `$X` mean anything else.
#[test]
fn directories_are_literal() {
    for base_dir in ["./data", "data", "~/data", "$DAGSTER_HOME/storage"] {
        let artifacts = format!(
            "local_artifact_storage:\n  module: dagster.core.storage.root\n  class: LocalArtifactStorage\n  config:\n    \
             base_dir: {base_dir}\n"
        );
        let settings = accepted(&artifacts, &[("DAGSTER_HOME", "/h"), ("HOME", "/u")]);
        let LocalArtifactSettings::Local(found) = &settings.local_artifact_storage else {
            panic!("{:?}", settings.local_artifact_storage)
        };
        let working = std::env::current_dir().expect("a working directory");
        assert_eq!(working.join(found), working.join(base_dir));

        let storage = format!("storage:\n  sqlite:\n    base_dir: {base_dir}\n");
        let settings = accepted(&storage, &[("DAGSTER_HOME", "/h"), ("HOME", "/u")]);
        let StoreSettings::Sqlite(found) = &settings.storage.run_storage else {
            panic!("{:?}", settings.storage)
        };
        assert_eq!(working.join(found), working.join(base_dir).join("history"));
    }
}

/// Case 12, seen by the binary: the directory that is made is that of the very name.
#[test]
fn the_directory_that_is_made_has_the_literal_name() {
    let of_home = home("storage:\n  sqlite:\n    base_dir: $DAGSTER_HOME/storage\n");
    let working = dagster_instance_tests::Home::new();
    of_home.ours_in(working.path(), &["exec", "--", "true"]).succeeded();
    assert!(working.path().join("$DAGSTER_HOME/storage/history/runs.db").exists());
    assert!(!of_home.path().join("storage/history").exists());
}

/// Case 18: all stores in one directory. Its databases are not those of runs, and a wipe of the events leaves them.
#[tokio::test]
async fn three_stores_share_a_directory() -> TestResult {
    let yaml = |directory: &Path| {
        let section = |name: &str, module: &str, class: &str| {
            format!(
                "{name}:\n  module: dagster.core.storage.{module}\n  class: {class}\n  config:\n    base_dir: {}\n",
                directory.display()
            )
        };
        [
            section("run_storage", "runs", "SqliteRunStorage"),
            section("event_log_storage", "event_log", "SqliteEventLogStorage"),
            section("schedule_storage", "schedules", "SqliteScheduleStorage"),
        ]
        .concat()
    };
    let shared = dagster_instance_tests::Home::new();
    let of_home = home(yaml(shared.path()));
    of_home.ours(&["exec", "--", "true"]).succeeded();
    let instance = open(&of_home).await?;
    instance.create_storages().await?;
    let events = &instance_core::ops::StoresAccess::stores(&instance).event_log_storage;
    assert_eq!(events.get_all_run_ids().await?.len(), 1, "`runs` and `schedules` are no runs");
    events.wipe().await?;
    for name in ["runs.db", "schedules.db"] {
        assert!(shared.path().join(name).exists(), "{name} was deleted");
    }
    let page = instance_core::storage::RunsPage::default();
    assert_eq!(
        instance.get_runs(&instance_core::run::RunsFilter::default(), &page).await?.len(),
        1
    );
    Ok(instance.dispose().await?)
}
