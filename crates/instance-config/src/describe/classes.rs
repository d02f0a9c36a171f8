//! Sections that name classes: the class, each value of its configuration, and whether this program has it.
//!
//! What stands in the place of a section that nobody wrote is what Dagster's own reference of an instance says.

use instance_core::instance_ref::{ConfigurableClassData, InstanceRef};
use instance_core::settings::{
    ClassSettings, ComputeLogSettings, DefsStateSettings, InstanceSettings, LocalArtifactSettings,
    RunCoordinatorSettings, RunLauncherSettings, SchedulerSettings, SecretsSettings, StoreSettings,
};
use serde_json::{Map, Value};

use super::walk::{At, Walker};
use super::{DescribedSetting, SettingOrigin};
use crate::config::Config;
use crate::document::{Entry, Kind, NOWHERE, Node};
use crate::parts::OWN_STORAGES;
use crate::reference::instance_ref;
use crate::schema::{Field, Found, Secrecy, Slot, Type, find_class, section as section_field};
use crate::shown::name;

/// The sections `storage`, `run_storage`, `event_log_storage` and `schedule_storage`.
pub(super) fn stores(walker: &mut Walker<'_>, config: &Config, settings: &InstanceSettings) {
    let each = [
        ("run_storage", Slot::RunStorage),
        ("event_log_storage", Slot::EventLogStorage),
        ("schedule_storage", Slot::ScheduleStorage),
    ];
    let all = given(config, "storage");
    let is_separate = each.iter().any(|(name, _)| given(config, name).is_some());
    if let Some(entry) = all {
        unified(walker, entry, settings);
    }
    if is_separate {
        for (name, slot) in each {
            // One that is missing has its default only where `storage` does not say it.
            if all.is_none() || given(config, name).is_some() {
                section(walker, name, slot, config, settings);
            }
        }
    } else if all.is_none() {
        section(walker, "storage", Slot::Storage, config, settings);
    }
}

/// The section `storage`, which chooses a kind by its key.
fn unified(walker: &mut Walker<'_>, entry: &Entry, settings: &InstanceSettings) {
    let at = At::root().below("storage", entry.position);
    let Some(Field { kind, .. }) = section_field("storage") else { return };
    let Some([chosen]) = entry.value.entries() else {
        return walker.value(kind, &entry.value, &at, Value::Null);
    };
    let own = OWN_STORAGES.iter().find(|(key, ..)| Some(*key) == chosen.key.text());
    if let Some((_, module, class)) = own {
        let value = format!("{module}.{class}");
        add_class(walker, "storage", value, walker.origin(chosen.position), settings);
        let fields = Node { kind: Kind::Mapping(vec![present(chosen)]), ..entry.value.clone() };
        return walker.value(kind, &fields, &at, Value::Null);
    }
    if chosen.key.text() == Some("custom") {
        let below = at.below("custom.config", chosen.position);
        return named(walker, "storage", Slot::Storage, &chosen.value, &below, settings);
    }
    walker.value(kind, &entry.value, &at, Value::Null);
}

/// The entry of a kind of storage. A key without a value leaves everything to defaults.
fn present(entry: &Entry) -> Entry {
    let mut entry = entry.clone();
    if entry.value.is_null() {
        entry.value.kind = Kind::Mapping(Vec::new());
    }
    entry
}

/// The sections `run_queue` and `run_coordinator`, of which the first is a short form of the second.
pub(super) fn run_coordinator(
    walker: &mut Walker<'_>,
    config: &Config,
    settings: &InstanceSettings,
) {
    const NAME: &str = "run_coordinator";
    let Some(Field { kind: Type::Shape(fields), .. }) = section_field("run_queue") else { return };
    let queue = given(config, "run_queue");
    let coordinator = given(config, NAME);
    if let Some(queue) = queue {
        if coordinator.is_none() {
            let class = class_name(default_class(NAME, settings).as_ref());
            add_class(walker, NAME, class, walker.origin(queue.position), settings);
        }
        let at = At::root().below("run_queue", queue.position);
        walker.value(&Type::Shape(fields), &queue.value, &at, Value::Null);
    }
    if queue.is_none() || coordinator.is_some() {
        section(walker, NAME, Slot::RunCoordinator, config, settings);
    }
    if queue.is_none() && coordinator.is_none() && settings.instance_class.is_none() {
        walker.fields(fields, &[], &At::root().below("run_queue", NOWHERE));
    }
}

/// The section `secrets`, whose class is one key deeper than those of others.
pub(super) fn secrets(walker: &mut Walker<'_>, config: &Config, settings: &InstanceSettings) {
    let custom = given(config, "secrets").and_then(|entry| match entry.value.entries() {
        Some([custom]) if custom.key.text() == Some("custom") => Some(custom),
        _ => None,
    });
    match (custom, given(config, "secrets")) {
        (Some(custom), _) => {
            let below = At::root().below("secrets.custom.config", custom.position);
            named(walker, "secrets", Slot::Secrets, &custom.value, &below, settings);
        }
        (None, Some(entry)) => {
            let Some(field) = section_field("secrets") else { return };
            walker.field(field, Some(entry), &At::root());
        }
        (None, None) => section(walker, "secrets", Slot::Secrets, config, settings),
    }
}

/// A section that names a class, or what is in its place.
pub(super) fn section(
    walker: &mut Walker<'_>,
    name: &str,
    slot: Slot,
    config: &Config,
    settings: &InstanceSettings,
) {
    if let Some(entry) = given(config, name) {
        let below = At::root().below(name, entry.position).below("config", entry.position);
        return named(walker, name, slot, &entry.value, &below, settings);
    }
    // Only the class of the instance knows what is in the place of these.
    let of_instance = !matches!(slot, Slot::Instance | Slot::Secrets | Slot::DefsStateStorage);
    if let Some(instance) = settings.instance_class.as_ref().filter(|_| of_instance) {
        return walker.add(DescribedSetting {
            key: name.to_owned(),
            value: Value::Null,
            default: Value::Null,
            origin: SettingOrigin::Default,
            is_masked: false,
            unusable: Some(format!("only the class of the instance, `{instance}`, knows it")),
        });
    }
    let Some(data) = default_class(name, settings) else {
        return walker.add_default(name, Value::Null);
    };
    walker.add_default(name, class_name(Some(&data)).into());
    let found = find_class(slot, data.module_name.as_str(), &data.class_name);
    let (Found::Class(class), Ok(node)) = (found, Node::read(data.config_yaml.as_bytes())) else {
        return;
    };
    let below = match name {
        "storage" => "storage.sqlite".to_owned(),
        "secrets" => "secrets.custom.config".to_owned(),
        // The queue has a section of its own.
        "run_coordinator" => return,
        _ => format!("{name}.config"),
    };
    let at = At::root().below(&below, NOWHERE);
    walker.defaults(|walker| configuration(walker, &class.config, &node, &at));
}

/// A class, as a mapping names it, and its configuration.
fn named(
    walker: &mut Walker<'_>,
    section: &str,
    slot: Slot,
    node: &Node,
    below: &At,
    settings: &InstanceSettings,
) {
    let text = |key| node.get(key).and_then(Node::text);
    let (Some(module), Some(class)) = (text("module"), text("class")) else {
        let fields = node.entries().unwrap_or_default();
        walker.add(DescribedSetting {
            key: section.to_owned(),
            value: Value::Null,
            default: default_name(section, settings),
            origin: walker.origin(below.position),
            is_masked: false,
            unusable: Some("it names no class; write its `module` and its `class`".to_owned()),
        });
        let known = ["module", "class", "config"];
        let is_known = |entry: &&Entry| entry.key.text().is_some_and(|key| known.contains(&key));
        if let Some(entry) = fields.iter().find(|entry| entry.key.text() == Some("config")) {
            walker.opaque(&entry.value, below);
        }
        let at = At::root().below(section, below.position);
        for entry in fields.iter().filter(|entry| !is_known(entry)) {
            walker.unknown(entry, &at);
        }
        return;
    };
    let position = node.entry("class").map_or(below.position, |entry| entry.position);
    let value = format!("{}.{}", name(module), name(class));
    add_class(walker, section, value, walker.origin(position), settings);
    let nothing = Node { position, kind: Kind::Mapping(Vec::new()), source: None };
    let (given, at) = match node.entry("config") {
        Some(entry) => (&entry.value, At { position: entry.position, ..below.clone() }),
        None => (&nothing, below.clone()),
    };
    match find_class(slot, module, class) {
        Found::Class(class) | Found::Alike(class) | Found::OtherModule(class) => {
            configuration(walker, &class.config, given, &at);
        }
        Found::Misplaced(_) | Found::Unknown(_) => walker.opaque(given, &at),
    }
}

/// The configuration of a class, with all that could be said.
fn configuration(walker: &mut Walker<'_>, kind: &Type, node: &Node, at: &At) {
    match (kind, node.entries()) {
        (Type::Shape(fields), Some(entries)) => walker.fields(fields, entries, at),
        (Type::Choice(_), Some(entries)) if !entries.is_empty() => {
            walker.value(kind, node, at, Value::Null);
        }
        (_, Some([])) => {}
        _ => walker.value(kind, node, &At { secrecy: Secrecy::Secret, ..at.clone() }, Value::Null),
    }
}

/// Adds the class of a section.
fn add_class(
    walker: &mut Walker<'_>,
    section: &str,
    value: String,
    origin: SettingOrigin,
    settings: &InstanceSettings,
) {
    walker.add(DescribedSetting {
        key: section.to_owned(),
        value: Value::from(value),
        default: default_name(section, settings),
        origin,
        is_masked: false,
        unusable: unusable(section, settings),
    });
}

/// The section, unless it is empty, which Dagster takes for none.
fn given<'c>(config: &'c Config, name: &str) -> Option<&'c Entry> {
    config.document().entry(name).filter(|entry| !entry.value.is_falsy())
}

fn class_name(data: Option<&ConfigurableClassData>) -> String {
    data.map(|data| format!("{}.{}", data.module_name.as_str(), data.class_name))
        .unwrap_or_default()
}

fn default_name(section: &str, settings: &InstanceSettings) -> Value {
    if settings.instance_class.is_some() {
        return Value::Null;
    }
    match default_class(section, settings) {
        Some(data) => class_name(Some(&data)).into(),
        None => Value::Null,
    }
}

/// The class that is in the place of a section which nobody wrote.
fn default_class(section: &str, settings: &InstanceSettings) -> Option<ConfigurableClassData> {
    let home = settings.home.to_string_lossy();
    let reference: InstanceRef = instance_ref(&Map::new(), &home);
    match section {
        "storage" => reference.storage_data,
        "run_storage" => reference.run_storage_data,
        "event_log_storage" => reference.event_storage_data,
        "schedule_storage" => reference.schedule_storage_data,
        "local_artifact_storage" => Some(reference.local_artifact_storage_data),
        "compute_logs" => Some(reference.compute_logs_data),
        "scheduler" => reference.scheduler_data,
        "run_coordinator" => reference.run_coordinator_data,
        "run_launcher" => reference.run_launcher_data,
        "secrets" => Some(ConfigurableClassData::new(
            "dagster._core.secrets.env_file",
            "PerProjectEnvFileLoader",
            "{}\n".to_owned(),
        )),
        "defs_state_storage" => {
            let base_path = settings.local_artifact_storage.base_dir().ok()?.join("defs_state");
            let config = serde_json::json!({ "base_path": base_path.to_string_lossy() });
            Some(ConfigurableClassData::new(
                "dagster",
                "UPathDefsStateStorage",
                crate::yaml_text::yaml_text(config.as_object()?),
            ))
        }
        _ => None,
    }
}

/// Why this program cannot use what a section configures.
fn unusable(section: &str, settings: &InstanceSettings) -> Option<String> {
    let lacks = |class: &ClassSettings, consequence: &str| {
        Some(format!("this program does not have the class `{class}`; {consequence}"))
    };
    let store = |store: &StoreSettings| match store {
        StoreSettings::Other(class) => lacks(class, "it refuses to open the instance"),
        _ => None,
    };
    let storage = &settings.storage;
    match section {
        "storage" | "run_storage" => store(&storage.run_storage),
        "event_log_storage" => store(&storage.event_log_storage),
        "schedule_storage" => store(&storage.schedule_storage),
        "local_artifact_storage" => match &settings.local_artifact_storage {
            LocalArtifactSettings::Other(class) => {
                lacks(class, "only the class knows the directory")
            }
            _ => None,
        },
        "compute_logs" => match &settings.compute_logs {
            ComputeLogSettings::Other(class) => lacks(class, "it captures no output of workers"),
            ComputeLogSettings::Unusable(problems) => Some(first_reason(problems)),
            _ => None,
        },
        "scheduler" => match &settings.scheduler {
            SchedulerSettings::Other(class) => lacks(class, "Dagster starts the runs of schedules"),
            _ => None,
        },
        "run_coordinator" => match &settings.run_coordinator {
            RunCoordinatorSettings::Other(class) => lacks(class, "it submits no runs"),
            RunCoordinatorSettings::Unusable(problems) => Some(first_reason(problems)),
            _ => None,
        },
        "run_launcher" => match &settings.run_launcher {
            RunLauncherSettings::Other(class) => lacks(class, "it launches no runs but its own"),
            RunLauncherSettings::Unusable(problems) => Some(first_reason(problems)),
            _ => None,
        },
        "secrets" => match &settings.secrets {
            SecretsSettings::Other(class) => lacks(class, "Dagster loads the variables"),
            _ => None,
        },
        "defs_state_storage" => match &settings.defs_state_storage {
            DefsStateSettings::Other(class) => lacks(class, "Dagster keeps the definitions"),
            _ => None,
        },
        "instance_class" => {
            let class = settings.instance_class.as_ref()?;
            lacks(class, "what only the class knows is refused")
        }
        _ => None,
    }
}

fn first_reason(problems: &instance_core::config_problems::ConfigProblems) -> String {
    let problem = problems.problems.first();
    problem.map(|problem| format!("{}: {}", problem.key, problem.reason)).unwrap_or_default()
}
