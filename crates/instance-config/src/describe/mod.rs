//! Each setting of an instance with its value, its default, and who said it.
//!
//! Here: what is told of a setting, and the sections in their order. `walk` compares values with their types, `classes`
//! has the sections that name classes, `shown` says what of a value may be shown, `variables` has what environment
//! variables say, and `older` the keys that say the same.

mod classes;
mod older;
mod shown;
mod variables;
mod walk;

use std::path::PathBuf;

use instance_core::config_problems::{ConfigProblem, Position, Severity};
use instance_core::error::InstanceError;
use instance_core::settings::{InstanceSettings, StorageSettings, StoreSettings};
use serde_json::Value;

use crate::check;
use crate::config::Config;
use crate::environment::Environment;
use crate::load::{LoadSettings, WithHome, inspect};
use crate::parts::Parts;
use crate::schema::{INSTANCE, Type};
use crate::settings::make;
use crate::storage_url::STORAGE_SECTIONS;
use walk::{At, Walker};

/// The settings of an instance, and who said them. Nothing of it holds a secret.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ConfigDescription {
    /// The directory of the instance.
    pub home: PathBuf,
    /// The configuration file.
    pub file: PathBuf,
    /// Whether there is one that Dagster reads. If not, all settings are defaults.
    pub exists: bool,
    /// Where the three stores are. `None` if a mistake leaves that open.
    pub storage: Option<StorageSettings>,
    /// The settings, section by section.
    pub settings: Vec<DescribedSetting>,
    /// What is wrong with the file, as [`check_config`](crate::check_config) finds it.
    pub problems: Vec<ConfigProblem>,
}

/// A setting, and who said it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DescribedSetting {
    /// The path of the key, such as `storage.postgres.postgres_db.port`. A section that names a class is a setting, too:
    /// its value is the class. So is an environment variable of Dagster's own, by its name.
    pub key: String,
    /// The value, with variables resolved; null if there is none. Secrets are `***`, and so are all values of a class of
    /// which nothing is known.
    pub value: Value,
    /// What holds where nobody says it; null if nothing does.
    pub default: Value,
    /// Who said it.
    pub origin: SettingOrigin,
    /// Whether something of the value is not shown.
    pub is_masked: bool,
    /// Why this program cannot use it; `None` if it can.
    pub unusable: Option<String>,
}

/// Who said a setting.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SettingOrigin {
    /// Nobody: it is the default.
    Default,
    /// The file, at this place.
    File(Position),
    /// An environment variable.
    Variable {
        /// The name of the variable.
        name: String,
        /// Where the file refers to it; `None` if it is a variable of Dagster's own, or if the caller refers to it.
        reference: Option<Position>,
    },
    /// The caller, by [`LoadSettings::storage`] or [`LoadSettings::overrides`].
    Caller,
}

/// Tells each setting of an instance, its default, and who said it. Nothing that a setting names is opened.
///
/// It tells the settings of a file with mistakes, too, and of one that names classes that this program does not have: each
/// setting says why it [cannot be used](DescribedSetting::unusable).
///
/// # Errors
///
/// [`InstanceError::ConfigFile`] if the file is no mapping in YAML. [`InstanceError::Config`] if it exists and cannot be
/// read. [`InstanceError::Invalid`] if [`LoadSettings::storage`] is neither a URL of Postgres nor a directory.
pub fn describe_settings(
    request: &LoadSettings,
    environment: &dyn Environment,
) -> Result<ConfigDescription, InstanceError> {
    let environment = WithHome { home: &request.home, environment };
    let config = inspect(request, &environment)?.readable()?;
    let made = make(&request.home, &Parts::of_file(&config), &environment);
    let problems = check::problems(&config, &made);
    let mut walker = Walker::new(&environment);
    for field in INSTANCE {
        match (field.name, field.kind) {
            ("storage", _) => classes::stores(&mut walker, &config, &made.settings),
            ("run_queue", _) => classes::run_coordinator(&mut walker, &config, &made.settings),
            ("run_coordinator" | "run_storage" | "event_log_storage" | "schedule_storage", _) => {}
            ("secrets", _) => classes::secrets(&mut walker, &config, &made.settings),
            (name, Type::Class(slot)) => {
                classes::section(&mut walker, name, slot, &config, &made.settings);
            }
            (name, _) => {
                let entry = config.document().entry(name).filter(|entry| !entry.value.is_falsy());
                walker.field(field, entry, &At::root());
            }
        }
    }
    walker.unknown_sections(config.document());
    variables::describe(&mut walker, &made.settings);
    let mut settings = walker.into_settings();
    older::join(&mut settings);
    Ok(ConfigDescription {
        home: request.home.clone(),
        file: config.file().to_owned(),
        exists: config.exists(),
        storage: storage(&config, &made.settings, &problems),
        settings,
        problems,
    })
}

/// Where the stores are, unless a mistake leaves it open. A class that nobody can load is an answer.
fn storage(
    config: &Config,
    settings: &InstanceSettings,
    problems: &[ConfigProblem],
) -> Option<StorageSettings> {
    let storage = &settings.storage;
    let is_open = |problem: &ConfigProblem| {
        let section = problem.key.split('.').next().unwrap_or_default();
        let is_about_class = problem.key.rsplit('.').next() == Some("class");
        let class_of = |(name, store): (&str, &StoreSettings)| {
            (section == "storage" || section == name) && matches!(store, StoreSettings::Other(_))
        };
        problem.severity == Severity::Error
            && STORAGE_SECTIONS.contains(&section)
            && config.document().entry(section).is_some()
            && !(is_about_class && storage.each().into_iter().any(class_of))
    };
    (!problems.iter().any(is_open)).then(|| storage.clone())
}
