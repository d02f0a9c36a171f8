//! The parts of an instance that are classes of Python, each with its configuration: from a `dagster.yaml`, or from the
//! reference of an instance.
//!
//! Not here: what a class makes of its configuration; see [`settings`](crate::settings).

use instance_core::config_problems::ConfigProblems;
use instance_core::instance_ref::{ConfigurableClassData, InstanceRef, ModuleName};
use instance_core::settings::ClassSettings;
use serde_json::{Map, Value};

use crate::carried::json_of;
use crate::config::Config;
use crate::environment::Environment;
use crate::fields::{Fields, when_used};
use crate::place::Place;
use crate::reference::read_config_yaml;
use crate::schema::{ClassKind, Found, Slot, find_class};

/// A class with its configuration.
#[derive(Debug, Clone)]
pub(crate) struct Part<'a> {
    pub(crate) class: ClassSettings,
    place: Place<'a>,
}

impl<'a> Part<'a> {
    fn new(module: &str, class: &str, config: Map<String, Value>, place: Place<'a>) -> Self {
        let module = ModuleName::from(module).as_str().to_owned();
        Self { class: ClassSettings::new(module, class).with_config(config), place }
    }

    /// The class that a section of the file names; `None` if it has none, or an empty one. A section without a module or a
    /// class has been refused before.
    fn of_section(config: &'a Config, path: &[&str]) -> Option<Self> {
        let section = config_section(config.values(), path)?;
        let text = |key: &str| section.get(key).and_then(Value::as_str).unwrap_or_default();
        let mut place = path.to_vec();
        place.push("config");
        let of_class = section.get("config").and_then(Value::as_object).cloned();
        Some(Self::new(
            text("module"),
            text("class"),
            of_class.unwrap_or_default(),
            Place::of_file(config, &place),
        ))
    }

    fn of_data(data: &ConfigurableClassData, place: Place<'a>) -> Result<Self, ConfigProblems> {
        let config = read_config_yaml(&data.config_yaml, &place)?;
        Ok(Self::new(data.module_name.as_str(), &data.class_name, config, place))
    }

    /// What the class of a place is; `None` if it is somebody else's, and its name does not say it.
    ///
    /// # Errors
    ///
    /// Dagster has the class for another place.
    pub(crate) fn kind(&self, slot: Slot) -> Result<Option<ClassKind>, ConfigProblems> {
        match find_class(slot, &self.class.module, &self.class.class) {
            Found::Class(class) | Found::Alike(class) => Ok(Some(class.kind)),
            Found::Misplaced(_) => {
                let reason = format!("{} is not {}", self.class, slot.filled_by());
                Err(self.place.problem(reason))
            }
            Found::OtherModule(_) | Found::Unknown(_) => Ok(None),
        }
    }

    /// The values of its configuration.
    pub(crate) fn fields<'f>(&'f self, environment: &'f dyn Environment) -> Fields<'f>
    where
        'a: 'f,
    {
        Fields::new(&self.class.config, self.place.clone(), environment)
    }

    /// The class that its configuration names, as those of Dagster's do that stand for another one.
    pub(crate) fn inner(&self, environment: &dyn Environment) -> Result<Self, ConfigProblems> {
        inner(&self.fields(environment), &self.place)
    }

    /// The class that its configuration names under a key.
    pub(crate) fn inner_at(
        &self,
        key: &str,
        environment: &dyn Environment,
    ) -> Result<Self, ConfigProblems> {
        let fields = self.fields(environment);
        let section = fields.required(key, fields.section(key)?)?;
        inner(&section, &self.place.below(key))
    }
}

fn inner<'a>(fields: &Fields<'_>, place: &Place<'a>) -> Result<Part<'a>, ConfigProblems> {
    fields.only(&["class_name", "config_yaml", "module_name"])?;
    let text = |key| fields.required(key, fields.plain_text(key)?);
    let yaml = text("config_yaml")?;
    let place = place.below("config_yaml");
    let config = read_config_yaml(&yaml, &place)?;
    Ok(Part::new(&text("module_name")?, &text("class_name")?, config, place))
}

/// The mapping under a path of keys; `None` if there is none, or if it is empty.
pub(crate) fn config_section<'a>(
    values: &'a Map<String, Value>,
    path: &[&str],
) -> Option<&'a Map<String, Value>> {
    let mut map = values;
    for key in path {
        map = map.get(*key)?.as_object()?;
    }
    Some(map).filter(|map| !map.is_empty())
}

/// Where the three stores are said to be.
#[derive(Debug, Clone)]
#[expect(clippy::large_enum_variant, reason = "it is made once, while a file is read")]
pub(crate) enum StorageParts<'a> {
    /// Nowhere: Dagster's default.
    Default,
    /// All by one class.
    All(Part<'a>),
    /// Each by its own class: those of runs, events and schedules. One that is not said is Dagster's default.
    Separate([Option<Part<'a>>; 3]),
}

/// The parts of an instance. One that is not said is Dagster's default.
#[derive(Debug, Clone)]
pub(crate) struct Parts<'a> {
    pub(crate) storage: StorageParts<'a>,
    pub(crate) local_artifact_storage: Option<Part<'a>>,
    pub(crate) compute_logs: LatePart<'a>,
    pub(crate) scheduler: Option<Part<'a>>,
    pub(crate) run_coordinator: LatePart<'a>,
    pub(crate) run_launcher: LatePart<'a>,
    pub(crate) secrets: Option<Part<'a>>,
    pub(crate) defs_state_storage: Option<Part<'a>>,
    pub(crate) instance_class: Option<Part<'a>>,
    /// The sections that are no classes.
    pub(crate) settings: Map<String, Value>,
    pub(crate) settings_place: Place<'a>,
}

/// The module of Dagster's coordinators.
const COORDINATORS: &str = "dagster._core.run_coordinator";

/// The keys of `storage` that stand for a class of Dagster's, with its module and name.
pub(crate) const OWN_STORAGES: [(&str, &str, &str); 3] = [
    ("postgres", "dagster_postgres", "DagsterPostgresStorage"),
    ("mysql", "dagster_mysql", "DagsterMySQLStorage"),
    ("sqlite", "dagster._core.storage.sqlite_storage", "DagsterSqliteStorage"),
];

/// The names of the sections that are no classes, in Dagster's order.
const SETTINGS: [&str; 13] = [
    "telemetry",
    "python_logs",
    "run_monitoring",
    "run_retries",
    "code_servers",
    "retention",
    "backfills",
    "sensors",
    "schedules",
    "nux",
    "auto_materialize",
    "concurrency",
    "freshness",
];

/// The sections of a file that are no classes, and are not empty.
pub(crate) fn settings_of(values: &Map<String, Value>) -> Map<String, Value> {
    let given = SETTINGS.iter().filter_map(|key| Some((*key, config_section(values, &[key])?)));
    given.map(|(key, section)| (key.to_owned(), Value::Object(section.clone()))).collect()
}

impl<'a> Parts<'a> {
    /// The parts that a file names.
    pub(crate) fn of_file(config: &'a Config) -> Self {
        let queue = config_section(config.values(), &["run_queue"]).map(|queue| {
            let place = Place::of_file(config, &["run_queue"]);
            Part::new(COORDINATORS, "QueuedRunCoordinator", queue.clone(), place)
        });
        let coordinator = queue.or_else(|| Part::of_section(config, &["run_coordinator"]));
        Self {
            storage: storage_of_file(config),
            local_artifact_storage: Part::of_section(config, &["local_artifact_storage"]),
            compute_logs: LatePart(Part::of_section(config, &["compute_logs"]).map(Ok)),
            scheduler: Part::of_section(config, &["scheduler"]),
            run_coordinator: LatePart(coordinator.map(Ok)),
            run_launcher: LatePart(Part::of_section(config, &["run_launcher"]).map(Ok)),
            secrets: Part::of_section(config, &["secrets", "custom"]),
            defs_state_storage: Part::of_section(config, &["defs_state_storage"]),
            instance_class: Part::of_section(config, &["instance_class"]),
            settings: settings_of(config.values()),
            settings_place: Place::of_file(config, &[]),
        }
    }

    /// The parts that a reference names.
    ///
    /// # Errors
    ///
    /// The configuration of a part is no YAML that Dagster reads, and Dagster needs the part to open the instance.
    pub(crate) fn of_reference(reference: &InstanceRef) -> Result<Parts<'static>, ConfigProblems> {
        let part = |field: &str, data: &ConfigurableClassData| {
            Part::of_data(data, Place::of_reference(field))
        };
        let optional = |field: &str, data: &Option<ConfigurableClassData>| {
            data.as_ref().map(|data| part(field, data)).transpose()
        };
        let later = |field: &str, data: &Option<ConfigurableClassData>| {
            LatePart(data.as_ref().map(|data| part(field, data)))
        };
        let place = Place::of_reference("settings");
        let settings = match json_of(&reference.settings) {
            Ok(Value::Object(settings)) => settings,
            Ok(_) => return Err(place.problem("they have to be a mapping")),
            Err(error) => return Err(place.problem(error.to_string())),
        };
        let storage = match optional("storage_data", &reference.storage_data)? {
            Some(storage) => StorageParts::All(storage),
            None => StorageParts::Separate([
                optional("run_storage_data", &reference.run_storage_data)?,
                optional("event_storage_data", &reference.event_storage_data)?,
                optional("schedule_storage_data", &reference.schedule_storage_data)?,
            ]),
        };
        let artifacts = &reference.local_artifact_storage_data;
        let compute_logs = part("compute_logs_data", &reference.compute_logs_data);
        let defs_state = &reference.defs_state_storage_data;
        let instance_class = &reference.custom_instance_class_data;
        Ok(Parts {
            storage,
            local_artifact_storage: Some(part("local_artifact_storage_data", artifacts)?),
            compute_logs: LatePart(Some(compute_logs)),
            scheduler: optional("scheduler_data", &reference.scheduler_data)?,
            run_coordinator: later("run_coordinator_data", &reference.run_coordinator_data),
            run_launcher: later("run_launcher_data", &reference.run_launcher_data),
            secrets: optional("secrets_loader_data", &reference.secrets_loader_data)?,
            defs_state_storage: optional("defs_state_storage_data", defs_state)?,
            instance_class: optional("custom_instance_class_data", instance_class)?,
            settings,
            settings_place: place,
        })
    }
}

/// A part that Dagster makes when it is needed, or why it cannot be made. Whoever needs it gets that as an error.
#[derive(Debug, Clone)]
pub(crate) struct LatePart<'a>(pub(crate) Option<Result<Part<'a>, ConfigProblems>>);

impl<'a> LatePart<'a> {
    /// What the part says, what stands for the class of the instance where nothing is said, or else the default.
    pub(crate) fn read<T>(
        &self,
        instance_class: Option<&Part<'_>>,
        of_part: impl FnOnce(&Part<'a>) -> Result<T, ConfigProblems>,
        other: impl FnOnce(ClassSettings) -> T,
        default: impl FnOnce() -> T,
        unusable: impl FnOnce(ConfigProblems) -> T,
    ) -> T {
        let read = match &self.0 {
            Some(Ok(part)) => of_part(part),
            Some(Err(problems)) => Err(problems.clone()),
            None => Ok(match instance_class {
                Some(instance) => other(instance.class.clone()),
                None => default(),
            }),
        };
        read.unwrap_or_else(|problems| unusable(when_used(problems)))
    }
}

fn storage_of_file(config: &Config) -> StorageParts<'_> {
    if let Some(storage) = config_section(config.values(), &["storage"]) {
        let own = OWN_STORAGES.iter().find_map(|(key, module, class)| {
            // An empty section is one, too: the class says what is missing.
            let section = storage.get(*key)?;
            let section = section.as_object().cloned().unwrap_or_default();
            Some(Part::new(module, class, section, Place::of_file(config, &["storage", key])))
        });
        let all = own.or_else(|| Part::of_section(config, &["storage", "custom"]));
        return all.map_or(StorageParts::Default, StorageParts::All);
    }
    let separate = ["run_storage", "event_log_storage", "schedule_storage"]
        .map(|section| Part::of_section(config, &[section]));
    if separate.iter().all(Option::is_none) {
        return StorageParts::Default;
    }
    StorageParts::Separate(separate)
}
