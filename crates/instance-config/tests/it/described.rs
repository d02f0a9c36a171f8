//! Each setting, and who said it.

use std::path::Path;

use instance_config::{
    ConfigDescription, DescribedSetting, LoadSettings, SettingOrigin, describe_settings,
    load_settings_of,
};
use instance_core::settings::{InstanceSettings, StorageSettings};
use serde_json::{Map, Value, json};

use crate::support::{VARIABLES, Variables, home_with};

fn described(yaml: &str) -> ConfigDescription {
    let home = home_with(yaml);
    describe_settings(&LoadSettings::new(home.path()), &VARIABLES).unwrap()
}

fn setting<'d>(description: &'d ConfigDescription, key: &str) -> &'d DescribedSetting {
    let mut found = description.settings.iter().filter(|setting| setting.key == key);
    let setting = found.next().unwrap_or_else(|| panic!("no {key} in {description:#?}"));
    assert!(found.next().is_none(), "{key} is there twice");
    setting
}

/// Value, default and origin: where in the file, which variable.
fn check(description: &ConfigDescription, key: &str, value: &Value, default: &Value, origin: &str) {
    let found = setting(description, key);
    let from = match &found.origin {
        SettingOrigin::Default => "default".to_owned(),
        SettingOrigin::File(position) => position.to_string(),
        SettingOrigin::Variable { name, reference: Some(position) } => format!("{name} {position}"),
        SettingOrigin::Variable { name, .. } => name.clone(),
        SettingOrigin::Caller => "caller".to_owned(),
        other => format!("{other:?}"),
    };
    assert_eq!((&found.value, &found.default, &*from), (value, default, origin), "{key}");
}

#[test]
fn a_value_has_its_place_or_its_variable() {
    let described = described(
        "storage:\n  postgres:\n    postgres_db:\n      username: me\n      password: {env: PASSWORD}\n      \
         hostname: {env: BASE}\n      db_name: d\n      port: 5433\nrun_retries:\n  enabled: true\n",
    );
    let null = &Value::Null;
    let class = &json!("dagster_postgres.DagsterPostgresStorage");
    let sqlite = &json!("dagster._core.storage.sqlite_storage.DagsterSqliteStorage");
    let below = |key: &str| format!("storage.postgres.postgres_db.{key}");
    let check = |key: &str, value: &Value, default: &Value, origin: &str| {
        check(&described, key, value, default, origin);
    };
    check("storage", class, sqlite, "2:3");
    check(&below("username"), &json!("me"), null, "4:7");
    check(&below("password"), &json!("***"), &json!(""), "PASSWORD 5:7");
    check(&below("hostname"), &json!("/from/env"), null, "BASE 6:7");
    check(&below("port"), &json!(5433), &json!(5432), "8:7");
    check(&below("scheme"), &json!("postgresql"), &json!("postgresql"), "default");
    check("storage.postgres.postgres_url", null, null, "default");
    check("run_retries.enabled", &json!(true), &json!(false), "10:3");
    check("run_retries.max_retries", &json!(0), &json!(0), "default");
    check(
        "run_launcher",
        &json!("dagster.DefaultRunLauncher"),
        &json!("dagster.DefaultRunLauncher"),
        "default",
    );
    assert!(setting(&described, &below("password")).is_masked);
    assert!(described.storage.is_some() && described.problems.is_empty());
}

#[test]
fn what_the_caller_says_comes_first() {
    let home = home_with("storage: {sqlite: {base_dir: /a}}\n");
    let request =
        LoadSettings::new(home.path()).with_storage("postgresql://u:secret@h/d".to_owned());
    let described = describe_settings(&request, &VARIABLES).unwrap();
    let class = json!("dagster_postgres.DagsterPostgresStorage");
    assert_eq!(setting(&described, "storage").value, class);
    assert_eq!(setting(&described, "storage").origin, SettingOrigin::Caller);
    let url = setting(&described, "storage.postgres.postgres_url");
    assert_eq!((&url.value, url.is_masked), (&json!("postgresql://u:***@h/d"), true));
    assert_eq!(described.storage.unwrap().run_storage.to_string(), "Postgres at u@h/d");
}

/// The defaults that are told are those that hold: said aloud, they change nothing.
#[test]
fn defaults_are_those_that_hold() {
    let home = Path::new("/no/such/home");
    let described = describe_settings(&LoadSettings::new(home), &Variables(&[])).unwrap();
    assert_eq!(described.storage, Some(StorageSettings::sqlite_below(home)));
    let mut sections = Map::new();
    for setting in &described.settings {
        assert_eq!(setting.origin, SettingOrigin::Default, "{}", setting.key);
        assert_eq!(setting.value, setting.default, "{}", setting.key);
        let path: Vec<&str> = setting.key.split('.').collect();
        // Classes, variables, and what is something else when it is said aloud: a switch that is on, a limit of its own.
        let is_left_out = path.len() < 2
            || path.contains(&"config")
            || ["concurrency", "block_op_concurrency_limited_runs"]
                .iter()
                .any(|key| path.contains(key));
        if !is_left_out && !setting.value.is_null() {
            put(&mut sections, &path, setting.value.clone());
        }
    }
    assert!(sections.len() > 12, "{sections:?}");
    let request = LoadSettings::new(home).with_overrides(sections);
    let settings = load_settings_of(&request, &Variables(&[])).unwrap();
    assert_eq!(settings.with_instance_ref(None), InstanceSettings::new(home));
}

fn put(map: &mut Map<String, Value>, path: &[&str], value: Value) {
    let (first, rest) = path.split_first().unwrap();
    if rest.is_empty() {
        map.insert((*first).to_owned(), value);
        return;
    }
    let inner = map.entry(*first).or_insert_with(|| json!({}));
    put(inner.as_object_mut().unwrap(), rest, value);
}

#[test]
fn keys_that_say_the_same_tell_the_same() {
    let found = described("run_queue: {max_concurrent_runs: 4}\n");
    check(&found, "concurrency.runs.max_concurrent_runs", &json!(4), &json!(10), "1:13");
    let found = described("concurrency: {runs: {max_concurrent_runs: 3}}\n");
    check(&found, "run_queue.max_concurrent_runs", &json!(3), &json!(10), "1:22");
}

#[test]
fn a_number_of_days_holds_for_all_statuses_or_for_one() {
    let found = described(
        "retention: {sensor: {purge_after_days: {skipped: 3}}, schedule: {purge_after_days: 9}}\n",
    );
    let of = |key: &str| format!("retention.{key}");
    check(&found, &of("sensor.purge_after_days.skipped"), &json!(3), &json!(7), "1:41");
    check(&found, &of("sensor.purge_after_days.failure"), &json!(-1), &json!(-1), "default");
    check(&found, &of("schedule.purge_after_days"), &json!(9), &Value::Null, "1:66");
    check(
        &found,
        &of("auto_materialize.purge_after_days.skipped"),
        &json!(7),
        &json!(7),
        "default",
    );
}

#[test]
fn what_cannot_be_used_is_told() {
    for (yaml, key, part) in [
        (
            "storage: {mysql: {mysql_url: 'mysql://u:hunter2@h/d'}}\n",
            "storage",
            "DagsterMySQLStorage",
        ),
        (
            "storage: {custom: {module: mine, class: Mine, config: {url: hunter2}}}\n",
            "storage",
            "mine.Mine",
        ),
        ("event_log_storage: {module: mine, class: Mine}\n", "event_log_storage", "mine.Mine"),
        ("instance_class: {module: mine, class: Mine}\n", "run_launcher", "mine.Mine"),
        (
            "run_launcher: {module: dagster_docker, class: DockerRunLauncher}\n",
            "run_launcher",
            "DockerRunLauncher",
        ),
        (
            "run_launcher: {module: dagster_k8s, class: K8sRunLauncher}\n",
            "run_launcher",
            "service_account_name",
        ),
        ("storage: {sqlite: {base_dir: {env: MISSING}}}\n", "storage.sqlite.base_dir", "MISSING"),
        ("run_queue: {max_concurrent_runs: -5}\n", "run_coordinator", "max_concurrent_runs"),
        ("storage: {sqlite: {base_dir: /a, dir: hunter2}}\n", "storage.sqlite.dir", "no such key"),
        ("run_launcher: {class: Mine, config: {key: hunter2}}\n", "run_launcher", "names no class"),
    ] {
        let found = described(yaml);
        let reason = setting(&found, key).unusable.as_deref().unwrap_or_default();
        assert!(reason.contains(part), "{yaml}{found:#?}");
        assert!(!format!("{found:?}").contains("hunter2"), "{yaml}{found:#?}");
    }
}

#[test]
fn where_the_stores_are_is_told_only_if_it_is_known() {
    for (yaml, expected) in [
        ("storage: 5\n", None),
        ("storage: {postgres: {}}\n", None),
        ("storage: {sqlite: {base_dir: {env: MISSING}}}\n", None),
        (
            "run_storage: {module: dagster_postgres, class: PostgresRunStore}\n",
            Some("PostgresRunStore"),
        ),
        ("storage: {custom: {module: mine, class: Mine}}\n", Some("mine.Mine")),
        ("storage: {sqlite: {base_dir: /a}}\nnonsense: 1\n", Some("/a/history")),
    ] {
        let storage = described(yaml).storage.map(|storage| storage.run_storage.to_string());
        match (&storage, expected) {
            (Some(storage), Some(expected)) => {
                assert!(storage.contains(expected), "{yaml}{storage}");
            }
            _ => assert_eq!(storage.is_some(), expected.is_some(), "{yaml}{storage:?}"),
        }
    }
}

#[test]
fn variables_of_dagsters_own_are_settings() {
    let home = home_with("");
    let variables = Variables(&[
        ("DAGSTER_EVENT_BATCH_SIZE", "50"),
        ("DAGSTER_DEFAULT_GRAPHQL_RUN_RECORDS_LIMIT", "many"),
    ]);
    let found = describe_settings(&LoadSettings::new(home.path()), &variables).unwrap();
    let size = "DAGSTER_EVENT_BATCH_SIZE";
    check(&found, size, &json!(50), &json!(0), size);
    check(&found, "DAGSTER_DAEMON_HEARTBEAT_TOLERANCE", &json!(1800), &json!(1800), "default");
    let allotted = "DAGSTER_OP_CONCURRENCY_KEYS_ALLOTTED_FOR_STARTED_RUN_SECONDS";
    check(&found, allotted, &json!(5), &json!(5), "default");
    let limit = setting(&found, "DAGSTER_DEFAULT_GRAPHQL_RUN_RECORDS_LIMIT");
    assert!(limit.unusable.as_deref().unwrap_or_default().contains("no number"), "{limit:?}");
}

#[test]
fn a_file_that_is_no_mapping_has_no_settings() {
    for yaml in ["storage: [\n", "- a\n"] {
        let home = home_with(yaml);
        assert!(describe_settings(&LoadSettings::new(home.path()), &VARIABLES).is_err(), "{yaml}");
    }
}
