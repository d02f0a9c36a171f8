//! The settings of an instance: what its `dagster.yaml` says, and defaults for everything else.

use std::path::{Path, PathBuf};

use instance_core::error::InstanceError;
use instance_core::ops::ConfigOps;
use instance_core::settings::{
    DEFAULT_SCHEDULER_CLASS, EventBatching, InstanceSettings, RunRetries,
};
use serde_json::{Map, Value};

use crate::environment::Environment;
use crate::retention::tick_retention;
use crate::storage::{STORAGE_SECTIONS, storage_settings};
use crate::yaml::Section;

/// The other sections that this version reads.
const KNOWN_SECTIONS: [&str; 5] =
    ["local_artifact_storage", "compute_logs", "run_retries", "retention", "scheduler"];

/// The variable that says how many events of a batch Dagster stores together. No event waits if it is not set, or zero.
const EVENT_BATCH_SIZE: &str = "DAGSTER_EVENT_BATCH_SIZE";

/// The variable that turns off the evaluation of freshness.
const ASSET_FRESHNESS_ENABLED: &str = "DAGSTER_ASSET_FRESHNESS_ENABLED";

/// Returns the settings of the instance.
pub fn get_settings(ops: &dyn ConfigOps) -> &InstanceSettings {
    ops.settings()
}

/// Reads the settings of the instance in a directory.
///
/// Without a `dagster.yaml`, and for everything that it does not say, the settings are Dagster's defaults. References
/// to environment variables are resolved. Keys that this version does not act upon are no error; they are listed in
/// [`InstanceSettings::ignored_keys`].
///
/// # Errors
///
/// [`InstanceError::Config`] with the file and the key: the file cannot be read or is not YAML, a value has the wrong
/// type, a variable that it refers to is not set, or it names a store that this version does not have. The error
/// never shows a password.
pub fn load_settings(
    home: &Path,
    environment: &dyn Environment,
) -> Result<InstanceSettings, InstanceError> {
    let file = home.join("dagster.yaml");
    let map = read(&file)?;
    let root = Section::root(&file, &map);
    let artifacts =
        configured_base_dir(&root, "local_artifact_storage", "LocalArtifactStorage", environment)?;
    let artifacts_dir = artifacts.unwrap_or_else(|| home.to_owned()).join("storage");
    let compute_logs =
        configured_base_dir(&root, "compute_logs", "LocalComputeLogManager", environment)?;
    let ignored_keys =
        root.keys().filter(|key| !STORAGE_SECTIONS.contains(key) && !KNOWN_SECTIONS.contains(key));
    Ok(InstanceSettings::new(home)
        .with_storage(storage_settings(&root, home, environment)?)
        .with_compute_logs_dir(compute_logs.unwrap_or_else(|| home.join("storage")))
        .with_artifacts_dir(artifacts_dir)
        .with_run_retries(run_retries(&root, environment)?)
        .with_event_batching(event_batching(environment)?)
        .with_tick_retention(tick_retention(&root)?)
        .with_scheduler_class(scheduler_class(&root, environment)?)
        .with_asset_freshness_enabled(asset_freshness_enabled(environment))
        .with_ignored_keys(ignored_keys.map(str::to_owned).collect()))
}

fn asset_freshness_enabled(environment: &dyn Environment) -> bool {
    environment.get(ASSET_FRESHNESS_ENABLED).is_none_or(|text| text.to_lowercase() != "false")
}

fn run_retries(
    root: &Section<'_>,
    environment: &dyn Environment,
) -> Result<RunRetries, InstanceError> {
    let default = RunRetries::default();
    let Some(section) = root.section("run_retries")? else {
        return Ok(default);
    };
    let max_retries = match section.number_text("max_retries", environment)? {
        Some(text) => text.trim().parse().map_err(|_| {
            section.error("max_retries", &format!("{text:?} is no number; write one, such as 3"))
        })?,
        None => default.max_retries,
    };
    let of_steps = section.boolean("retry_on_asset_or_op_failure")?;
    Ok(default
        .with_enabled(section.boolean("enabled")?.unwrap_or(default.enabled))
        .with_max_retries(max_retries)
        .with_retry_on_asset_or_op_failure(
            of_steps.unwrap_or(default.retry_on_asset_or_op_failure),
        ))
}

fn scheduler_class(
    root: &Section<'_>,
    environment: &dyn Environment,
) -> Result<String, InstanceError> {
    let class = match root.section("scheduler")? {
        Some(section) => section.text("class", environment)?,
        None => None,
    };
    Ok(class.unwrap_or_else(|| DEFAULT_SCHEDULER_CLASS.to_owned()))
}

fn event_batching(environment: &dyn Environment) -> Result<EventBatching, InstanceError> {
    let Some(text) = environment.get(EVENT_BATCH_SIZE) else {
        return Ok(EventBatching::default());
    };
    // For Dagster, a number below zero means that no event waits, too.
    let size: i64 = text.trim().parse().map_err(|_| InstanceError::Config {
        place: format!("environment variable {EVENT_BATCH_SIZE}"),
        reason: format!("{text:?} is no number; set it to one, such as 50, or unset it"),
        source: None,
    })?;
    Ok(EventBatching::of_size(usize::try_from(size).unwrap_or(0)))
}

fn read(file: &Path) -> Result<Map<String, Value>, InstanceError> {
    let error = |reason: &str, source| InstanceError::Config {
        place: file.display().to_string(),
        reason: reason.to_owned(),
        source,
    };
    let text = match std::fs::read_to_string(file) {
        Ok(text) => text,
        Err(missing) if missing.kind() == std::io::ErrorKind::NotFound => return Ok(Map::new()),
        Err(other) => return Err(error("it cannot be read", Some(Box::new(other)))),
    };
    if text.trim().is_empty() {
        return Ok(Map::new());
    }
    match serde_saphyr::from_str(&text) {
        Ok(Value::Object(map)) => Ok(map),
        Ok(Value::Null) => Ok(Map::new()),
        Ok(_) => Err(error("it has to be a mapping of sections", None)),
        Err(invalid) => Err(error("it is no YAML", Some(Box::new(invalid)))),
    }
}

/// The `base_dir` of a section that names a class; `None` if there is no such section, or if it has no `base_dir`.
fn configured_base_dir(
    root: &Section<'_>,
    key: &str,
    class: &str,
    environment: &dyn Environment,
) -> Result<Option<PathBuf>, InstanceError> {
    let Some(section) = root.section(key)? else {
        return Ok(None);
    };
    let named = section.text("class", environment)?.unwrap_or_default();
    if named != class {
        return Err(section.error(
            "class",
            &format!("{named:?} is a class that this version does not have; it has {class}"),
        ));
    }
    match section.section("config")? {
        Some(config) => config.path_value("base_dir", environment),
        None => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use instance_core::settings::{
        BatchedEvents, InstanceSettings, RunRetries, StorageSettings, StoreSettings,
    };

    use super::load_settings;
    use crate::environment::Environment;

    struct Variables;

    impl Environment for Variables {
        fn get(&self, name: &str) -> Option<String> {
            match name {
                "BASE" => Some("/from/env".to_owned()),
                "PASSWORD" => Some("p@ss/w:rd".to_owned()),
                _ => None,
            }
        }
    }

    fn load(yaml: &str) -> Result<InstanceSettings, String> {
        let home = tempfile::tempdir().map_err(|error| error.to_string())?;
        std::fs::write(home.path().join("dagster.yaml"), yaml)
            .map_err(|error| error.to_string())?;
        let settings = load_settings(home.path(), &Variables).map_err(|error| error.to_string())?;
        Ok(settings)
    }

    /// The URL of each store.
    fn urls(settings: &InstanceSettings) -> Vec<String> {
        let storage = &settings.storage;
        [&storage.run_storage, &storage.event_log_storage, &storage.schedule_storage]
            .into_iter()
            .filter_map(|store| match store {
                StoreSettings::Postgres(postgres) => Some(postgres.url.expose().to_owned()),
                _ => None,
            })
            .collect()
    }

    #[test]
    fn without_a_file_all_is_below_home() -> Result<(), instance_core::error::InstanceError> {
        let home = Path::new("/no/such/home");
        let settings = load_settings(home, &Variables)?;
        assert_eq!(settings.storage, StorageSettings::sqlite_below(home));
        assert_eq!(settings.compute_logs_dir, Path::new("/no/such/home/storage"));
        Ok(())
    }

    #[test]
    fn the_file_is_followed() -> Result<(), String> {
        let settings = load(
            "storage:\n  sqlite:\n    base_dir:\n      env: BASE\ncompute_logs:\n  module: m\n  class: \
             LocalComputeLogManager\n  config:\n    base_dir: /logs\ntelemetry:\n  enabled: false\n",
        )?;
        assert_eq!(settings.storage, StorageSettings::sqlite_below(Path::new("/from/env")));
        assert_eq!(settings.compute_logs_dir, Path::new("/logs"));
        assert_eq!(settings.ignored_keys, ["telemetry"]);
        Ok(())
    }

    #[test]
    fn one_postgres_for_all_stores() -> Result<(), String> {
        let settings = load("storage:\n  postgres:\n    postgres_url: postgresql://u:p@h/d\n")?;
        assert_eq!(urls(&settings), ["postgresql://u:p@h/d"; 3]);
        let settings = load(
            "storage:\n  postgres:\n    should_autocreate_tables: false\n    postgres_db:\n      \
             username: dag\n      password:\n        env: PASSWORD\n      hostname: db.example\n      \
             db_name: dagster\n      port: 5433\n      params:\n        sslmode: require\n",
        )?;
        let url = "postgresql://dag:p%40ss/w%3Ard@db.example:5433/dagster?sslmode=require";
        assert_eq!(urls(&settings), [url; 3]);
        assert!(!format!("{settings:?}").contains("ss/w"), "{settings:?}");
        let StoreSettings::Postgres(postgres) = settings.storage.run_storage else {
            return Err("the store of runs is not in Postgres".to_owned());
        };
        assert!(!postgres.should_autocreate_tables);
        Ok(())
    }

    #[test]
    fn each_store_of_its_own() -> Result<(), String> {
        let settings = load(
            "run_storage:\n  module: dagster_postgres.run_storage\n  class: PostgresRunStorage\n  config:\n    \
             postgres_url: postgresql://u@h/d\nevent_log_storage:\n  module: \
             dagster._core.storage.event_log\n  class: ConsolidatedSqliteEventLogStorage\n  config:\n    \
             base_dir: /events\n",
        )?;
        assert_eq!(urls(&settings), ["postgresql://u@h/d"]);
        let storage = settings.storage;
        let events = StoreSettings::ConsolidatedSqlite("/events".into());
        assert_eq!(storage.event_log_storage, events);
        let schedules = StoreSettings::Sqlite(settings.home.join("schedules"));
        assert_eq!(storage.schedule_storage, schedules);
        Ok(())
    }

    #[test]
    fn retries_of_runs_are_followed() -> Result<(), String> {
        assert_eq!(load("")?.run_retries, RunRetries::default());
        assert!(!RunRetries::default().enabled);
        let settings = load("run_retries:\n  enabled: true\n")?;
        let enabled = RunRetries::new().with_enabled(true);
        assert_eq!(settings.run_retries, enabled);
        assert_eq!(settings.ignored_keys, Vec::<String>::new());
        let settings = load(
            "run_retries:\n  enabled: true\n  max_retries: 3\n  retry_on_asset_or_op_failure: false\n",
        )?;
        let retries = enabled.with_max_retries(3).with_retry_on_asset_or_op_failure(false);
        assert_eq!(settings.run_retries, retries);
        Ok(())
    }

    #[test]
    fn the_freshness_of_assets_is_dagsters_variable() {
        struct Freshness(Option<&'static str>);
        impl Environment for Freshness {
            fn get(&self, name: &str) -> Option<String> {
                self.0.filter(|_| name == "DAGSTER_ASSET_FRESHNESS_ENABLED").map(str::to_owned)
            }
        }
        let is_enabled = |text| {
            let settings = load_settings(Path::new("/no/such/home"), &Freshness(text));
            settings.map(|settings| settings.asset_freshness_enabled).ok()
        };
        for (text, expected) in [
            (None, true),
            (Some(""), true),
            (Some("true"), true),
            (Some("0"), true),
            (Some("false"), false),
            (Some("FALSE"), false),
        ] {
            assert_eq!(is_enabled(text), Some(expected), "{text:?}");
        }
    }

    #[test]
    fn the_size_of_batches_is_dagsters_variable() {
        struct Size(&'static str);
        impl Environment for Size {
            fn get(&self, name: &str) -> Option<String> {
                (name == "DAGSTER_EVENT_BATCH_SIZE").then(|| self.0.to_owned())
            }
        }
        let load = |size| {
            let settings = load_settings(Path::new("/no/such/home"), &Size(size));
            settings.map(|settings| (settings.event_batching.of, settings.event_batching.size))
        };
        assert_eq!(load("50").ok(), Some((BatchedEvents::OfBatches, 50)));
        assert_eq!(load("0").ok(), Some((BatchedEvents::None, 0)));
        assert_eq!(load("-1").ok(), Some((BatchedEvents::None, 0)));
        let error = load("many").expect_err("no number").to_string();
        assert!(error.contains("DAGSTER_EVENT_BATCH_SIZE") && error.contains("many"), "{error}");
    }

    #[test]
    fn what_cannot_be_followed_is_an_error_that_names_it() {
        for (yaml, named) in [
            ("storage:\n  mysql:\n    mysql_url: mysql://u:secret@h/d\n", "storage.mysql"),
            ("storage:\n  postgres:\n    x: secret\n", "storage.postgres.postgres_url"),
            (
                "storage:\n  postgres:\n    postgres_url: secret\n    postgres_db:\n      a: b\n",
                "storage.postgres.postgres_db",
            ),
            (
                "storage:\n  postgres:\n    postgres_db:\n      hostname: h\n",
                "postgres_db.username",
            ),
            (
                "storage:\n  postgres:\n    should_autocreate_tables: secret\n    postgres_url: secret\n",
                "should_autocreate_tables",
            ),
            ("run_storage:\n  module: m\n  class: C\n", "run_storage.class"),
            (
                "storage:\n  sqlite:\n    base_dir: /a\nrun_storage:\n  module: m\n  class: C\n",
                "run_storage",
            ),
            ("storage:\n  sqlite:\n    base_dir: relative\n", "storage.sqlite.base_dir"),
            ("storage:\n  sqlite:\n    base_dir:\n      env: MISSING\n", "MISSING"),
            ("compute_logs:\n  class: S3ComputeLogManager\n", "S3ComputeLogManager"),
            ("run_retries:\n  max_retries: many\n", "run_retries.max_retries"),
            ("run_retries:\n  enabled: 1\n", "run_retries.enabled"),
            ("- a\n", "mapping"),
            ("a: [\n", "no YAML"),
        ] {
            let error = load(yaml).expect_err(yaml);
            assert!(error.contains(named), "{error}");
            assert!(!error.contains("secret"), "{error}");
        }
    }
}
