//! The reference of an instance, as Dagster's `InstanceRef.from_dir` makes it of a `dagster.yaml`.

use instance_core::config_problems::ConfigProblems;
use instance_core::instance_ref::{ConfigurableClassData, InstanceRef};
use instance_core::serdes::{Opaque, UnknownFields};
use serde_json::{Map, Value, json};

use crate::document::Node;
use crate::parts::{OWN_STORAGES, config_section, settings_of};
use crate::place::Place;
use crate::yaml_text::yaml_text;

/// The reference of the instance in a directory whose file has these values, unless it is of a class of somebody else's:
/// only that class knows what is in its reference.
pub(crate) fn instance_ref(values: &Map<String, Value>, base_dir: &str) -> InstanceRef {
    let of = |key: &str| config_section(values, &[key]).map(data_of_section);
    let or = |key: &str, module: &str, class: &str, config: Value| {
        of(key).unwrap_or_else(|| data(module, class, &config))
    };
    let run_coordinator = match values.get("run_queue") {
        Some(queue) if is_given(queue) => {
            data("dagster._core.run_coordinator", "QueuedRunCoordinator", queue)
        }
        _ => or(
            "run_coordinator",
            "dagster._core.run_coordinator",
            "QueuedRunCoordinator",
            json!({}),
        ),
    };
    let storages = Storages::of(values, base_dir);
    InstanceRef {
        compute_logs_data: or(
            "compute_logs",
            "dagster._core.storage.local_compute_log_manager",
            "LocalComputeLogManager",
            base_dir_of(&joined(base_dir, "storage")),
        ),
        custom_instance_class_data: None,
        defs_state_storage_data: of("defs_state_storage"),
        event_storage_data: storages.events,
        local_artifact_storage_data: or(
            "local_artifact_storage",
            "dagster._core.storage.root",
            "LocalArtifactStorage",
            base_dir_of(base_dir),
        ),
        run_coordinator_data: Some(run_coordinator),
        run_launcher_data: Some(or("run_launcher", "dagster", "DefaultRunLauncher", json!({}))),
        run_storage_data: storages.runs,
        schedule_storage_data: storages.schedules,
        scheduler_data: Some(or(
            "scheduler",
            "dagster._core.scheduler",
            "DagsterDaemonScheduler",
            json!({}),
        )),
        secrets_loader_data: config_section(values, &["secrets", "custom"]).map(data_of_section),
        settings: Opaque::from(&Value::Object(settings_of(values))),
        storage_data: Some(storages.all),
        unknown: UnknownFields::default(),
    }
}

/// Reads the configuration of a class out of its YAML.
pub(crate) fn read_config_yaml(
    text: &str,
    place: &Place<'_>,
) -> Result<Map<String, Value>, ConfigProblems> {
    match Node::read(text.as_bytes()) {
        Ok(node) if node.entries().is_some() => Ok(node.to_map()),
        Ok(_) => Err(place.problem("its YAML has to be a mapping")),
        Err(error) => Err(place.problem(format!("it is no YAML: {}", error.reason))),
    }
}

/// The classes of the stores: all three at once, and each by itself for old versions.
struct Storages {
    all: ConfigurableClassData,
    runs: Option<ConfigurableClassData>,
    events: Option<ConfigurableClassData>,
    schedules: Option<ConfigurableClassData>,
}

impl Storages {
    fn of(values: &Map<String, Value>, base_dir: &str) -> Self {
        let separate = ["run_storage", "event_log_storage", "schedule_storage"]
            .map(|key| config_section(values, &[key]).map(data_of_section));
        if separate.iter().any(Option::is_some) {
            return Self::of_separate(separate, base_dir);
        }
        let Some(storage) = config_section(values, &["storage"]) else {
            return Self::of_sqlite(&base_dir_of(base_dir));
        };
        if let Some(config) = storage.get("sqlite") {
            return Self::of_sqlite(config);
        }
        for (key, module, class) in OWN_STORAGES {
            if let Some(config) = storage.get(key) {
                let prefix = if key == "mysql" { "MySQL" } else { "Postgres" };
                return Self {
                    all: data(module, class, config),
                    runs: Some(data(module, &format!("{prefix}RunStorage"), config)),
                    events: Some(data(module, &format!("{prefix}EventLogStorage"), config)),
                    schedules: Some(data(module, &format!("{prefix}ScheduleStorage"), config)),
                };
            }
        }
        let all = config_section(values, &["storage", "custom"])
            .map_or_else(|| data("", "", &Value::Null), data_of_section);
        let nested = nested(&all);
        let module = "dagster._core.storage.legacy_storage";
        let legacy = |class: &str| Some(data(module, class, &nested));
        Self {
            runs: legacy("LegacyRunStorage"),
            events: legacy("LegacyEventLogStorage"),
            schedules: legacy("LegacyScheduleStorage"),
            all,
        }
    }

    /// SQLite in Dagster's layout. Where the directory is a variable, those below it have no name for old versions.
    fn of_sqlite(config: &Value) -> Self {
        let base_dir = config.get("base_dir").cloned().unwrap_or_default();
        let all = json!({ "base_dir": base_dir });
        let [runs, events, schedules] = match base_dir.as_str() {
            Some(base_dir) => sqlite_below(base_dir).map(Some),
            None => [None, None, None],
        };
        let module = "dagster._core.storage.sqlite_storage";
        Self { all: data(module, "DagsterSqliteStorage", &all), runs, events, schedules }
    }

    fn of_separate(given: [Option<ConfigurableClassData>; 3], base_dir: &str) -> Self {
        let [runs, events, schedules] = given;
        let [default_runs, default_events, default_schedules] = sqlite_below(base_dir);
        let runs = runs.unwrap_or(default_runs);
        let events = events.unwrap_or(default_events);
        let schedules = schedules.unwrap_or(default_schedules);
        let config = json!({
            "run_storage": nested(&runs),
            "event_log_storage": nested(&events),
            "schedule_storage": nested(&schedules),
        });
        Self {
            all: data("dagster._core.storage.legacy_storage", "CompositeStorage", &config),
            runs: Some(runs),
            events: Some(events),
            schedules: Some(schedules),
        }
    }
}

/// The stores of runs, events and schedules in SQLite below a directory.
fn sqlite_below(base_dir: &str) -> [ConfigurableClassData; 3] {
    let history = joined(base_dir, "history");
    [
        ("dagster._core.storage.runs", "SqliteRunStorage", joined(&history, "")),
        (
            "dagster._core.storage.event_log",
            "SqliteEventLogStorage",
            joined(&joined(&history, "runs"), ""),
        ),
        ("dagster._core.storage.schedules", "SqliteScheduleStorage", joined(base_dir, "schedules")),
    ]
    .map(|(module, class, directory)| data(module, class, &base_dir_of(&directory)))
}

/// A class within the configuration of another one.
fn nested(data: &ConfigurableClassData) -> Value {
    json!({
        "module_name": data.module_name.as_str(),
        "class_name": data.class_name,
        "config_yaml": data.config_yaml,
    })
}

fn data_of_section(section: &Map<String, Value>) -> ConfigurableClassData {
    let text = |key: &str| section.get(key).and_then(Value::as_str).unwrap_or_default();
    data(text("module"), text("class"), section.get("config").unwrap_or(&Value::Null))
}

fn data(module: &str, class: &str, config: &Value) -> ConfigurableClassData {
    let empty = Map::new();
    ConfigurableClassData::new(module, class, yaml_text(config.as_object().unwrap_or(&empty)))
}

fn base_dir_of(directory: &str) -> Value {
    json!({ "base_dir": directory })
}

fn is_given(section: &Value) -> bool {
    section.as_object().is_some_and(|section| !section.is_empty())
}

/// The path of something in a directory, as Python's `os.path.join` has it: an empty name leaves a slash at the end.
fn joined(directory: &str, name: &str) -> String {
    if directory.is_empty() || directory.ends_with('/') {
        return format!("{directory}{name}");
    }
    format!("{directory}/{name}")
}
