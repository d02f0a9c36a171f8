//! Where the stores are.

use std::path::Path;

use instance_config::load_settings;
use instance_core::settings::{PostgresSettings, StorageSettings, StoreSettings};

use crate::support::{VARIABLES, home_with, loaded, refused};

fn postgres(url: &str) -> StoreSettings {
    StoreSettings::Postgres(PostgresSettings::from_url(url).unwrap())
}

#[test]
fn without_a_file_all_is_below_home() {
    let home = Path::new("/no/such/home");
    let settings = load_settings(home, &VARIABLES).unwrap();
    assert_eq!(settings.storage, StorageSettings::sqlite_below(home));
    assert_eq!(settings.home, home);
}

#[test]
fn a_directory_is_taken_as_it_is_written() {
    for (base_dir, expected) in [
        ("/srv/stores", "/srv/stores"),
        ("./data", "./data"),
        ("~/x", "~/x"),
        ("$DAGSTER_HOME/storage", "$DAGSTER_HOME/storage"),
        ("{env: BASE}", "/from/env"),
    ] {
        let settings = loaded(&format!("storage: {{sqlite: {{base_dir: {base_dir}}}}}\n"));
        assert_eq!(settings.storage, StorageSettings::sqlite_below(Path::new(expected)));
    }
}

#[test]
fn the_home_stands_in_for_its_variable() {
    let home = home_with("storage: {sqlite: {base_dir: {env: DAGSTER_HOME}}}\n");
    let settings = load_settings(home.path(), &VARIABLES).unwrap();
    assert_eq!(settings.storage, StorageSettings::sqlite_below(home.path()));
}

#[test]
fn one_class_may_have_all_stores() {
    let url = "postgresql://u@h/d";
    for yaml in [
        "storage: {postgres: {postgres_url: postgresql://u@h/d}}\n",
        "storage: {custom: {module: dagster_postgres, class: DagsterPostgresStorage, config: {postgres_url: \
         postgresql://u@h/d}}}\n",
        "storage: {custom: {module: dagster_postgres.storage, class: DagsterPostgresStorage, config: {postgres_url: \
         postgresql://u@h/d}}}\n",
    ] {
        assert_eq!(loaded(yaml).storage, StorageSettings::all(postgres(url)));
    }
    let sqlite = "storage: {custom: {module: dagster.core.storage.sqlite_storage, class: DagsterSqliteStorage, config: \
                  {base_dir: /a}}}\n";
    assert_eq!(loaded(sqlite).storage, StorageSettings::sqlite_below(Path::new("/a")));
}

#[test]
fn each_store_may_have_a_class_of_its_own() {
    let settings = loaded(
        "run_storage: {module: dagster_postgres.run_storage, class: PostgresRunStorage, config: {postgres_url: \
         postgresql://u@h/d}}\nevent_log_storage: {module: dagster.core.storage.event_log, class: \
         ConsolidatedSqliteEventLogStorage, config: {base_dir: /events}}\n",
    );
    let storage = &settings.storage;
    assert_eq!(storage.run_storage, postgres("postgresql://u@h/d"));
    assert_eq!(storage.event_log_storage, StoreSettings::ConsolidatedSqlite("/events".into()));
    assert_eq!(storage.schedule_storage, StoreSettings::Sqlite(settings.home.join("schedules")));
}

/// Somebody's class with the name and the configuration of a class of Dagster's is served as that one.
#[test]
fn a_class_is_taken_for_the_one_that_it_is_named_after() {
    let url = "config: {postgres_url: postgresql://u@h/d}";
    let all = loaded(&format!(
        "storage: {{custom: {{module: mine, class: PooledDagsterPostgresStorage, {url}}}}}\n"
    ));
    assert_eq!(all.storage, StorageSettings::all(postgres("postgresql://u@h/d")));
    let runs =
        loaded(&format!("run_storage: {{module: mine, class: PooledPostgresRunStorage, {url}}}\n"));
    assert_eq!(runs.storage.run_storage, postgres("postgresql://u@h/d"));
    refused(&[
        (
            "storage: {custom: {module: mine, class: DagsterPostgresStorage, config: {url: secret}}}\n",
            "storage.custom.config.url",
        ),
        (
            "storage: {custom: {module: mine, class: Mine, config: {url: secret}}}\n",
            "--storage URL",
        ),
        ("run_storage: {module: mine, class: Mine}\n", "`mine.Mine`"),
        ("storage: {mysql: {mysql_url: 'mysql://u:secret@h/d'}}\n", "no storage for MySQL"),
        (
            "event_log_storage: {module: dagster._core.storage.event_log, class: InMemoryEventLogStorage}\n",
            "no storage for the memory",
        ),
    ]);
}

#[test]
fn a_class_of_the_instance_has_stores_that_only_it_knows() {
    let class = "instance_class: {module: mine, class: Mine, config: {}}\n";
    let runs = "run_storage: {module: dagster.core.storage.runs, class: SqliteRunStorage, config: {base_dir: /a}}\n";
    refused(&[
        (class, "instance_class.class: this program has no Python"),
        (class, "--storage URL"),
        (&format!("{class}{runs}"), "--storage URL"),
    ]);
    // If the file says where they are, they are there.
    let settings = loaded(&format!("{class}storage: {{sqlite: {{base_dir: /a}}}}\n"));
    assert_eq!(settings.storage, StorageSettings::sqlite_below(Path::new("/a")));
    assert_eq!(settings.instance_class.unwrap().to_string(), "mine.Mine");
    assert_eq!(settings.instance_ref, None);
}

#[test]
fn what_no_store_can_be_made_of_is_refused() {
    refused(&[
        ("storage: {sqlite: {base_dir: {env: MISSING}}}\n", "storage.sqlite.base_dir"),
        ("storage: {sqlite: {base_dir: {env: MISSING}}}\n", "MISSING"),
        ("storage: {sqlite: {base_dir: {env: EMPTY}}}\n", "storage.sqlite.base_dir"),
        ("storage: {sqlite: {dir: /a, base_dir: /a}}\n", "storage.sqlite.dir"),
        ("storage: {postgres: {}}\n", "storage.postgres: neither a `postgres_url`"),
        (
            "run_storage: {module: dagster.core.storage.event_log, class: SqliteEventLogStorage, config: {base_dir: \
             /a}}\n",
            "here has to be a storage of runs",
        ),
        (
            "storage: {custom: {module: dagster_postgres, class: PostgresRunStorage, config: {}}}\n",
            "here has to be a storage of runs, events and schedules",
        ),
        ("scheduler: {module: dagster, class: DefaultRunLauncher}\n", "here has to be a scheduler"),
        (
            "run_storage: {module: dagster.core.storage.runs, class: SqliteRunStorage}\n",
            "run_storage.config.base_dir",
        ),
    ]);
}
