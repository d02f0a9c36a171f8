//! Loading the settings of an instance: from its directory, or from its reference.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use instance_core::config_problems::Severity;
use instance_core::error::InstanceError;
use instance_core::instance_ref::InstanceRef;
use instance_core::settings::{InstanceSettings, LocalArtifactSettings};
use serde_json::{Map, Value};

use crate::config::Config;
use crate::environment::Environment;
use crate::parts::Parts;
use crate::reference::instance_ref;
use crate::settings::settings;
use crate::storage_url::{STORAGE_SECTIONS, storage_section};

/// The name of the file with the configuration of an instance, unless another one is named.
pub const CONFIG_FILENAME: &str = "dagster.yaml";

/// Which configuration is loaded.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LoadSettings {
    /// The directory of the instance, which has the file in it.
    pub home: PathBuf,
    /// The name of the file. By default it is [`CONFIG_FILENAME`].
    pub config_filename: String,
    /// Sections that stand in the place of those of the file. By default there are none.
    pub overrides: Map<String, Value>,
    /// Where all three stores are, whatever the file says: the URL of a Postgres database, or the directory of SQLite's
    /// files. It may hold a password. By default the file says it.
    pub storage: Option<String>,
}

impl LoadSettings {
    /// The configuration in a directory.
    pub fn new(home: impl Into<PathBuf>) -> Self {
        Self {
            home: home.into(),
            config_filename: CONFIG_FILENAME.to_owned(),
            overrides: Map::new(),
            storage: None,
        }
    }
}

instance_core::setters! {
    impl LoadSettings {
        /// The name of the file.
        with_config_filename(config_filename: impl Into<String>);
        /// Sections that stand in the place of those of the file.
        with_overrides(overrides: Map<String, Value>);
        /// Where all three stores are, whatever the file says.
        with_storage(storage: impl Into<Option<String>>);
    }
}

/// Overrides and URLs may hold passwords, so they are not printed.
impl std::fmt::Debug for LoadSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LoadSettings")
            .field("home", &self.home)
            .field("config_filename", &self.config_filename)
            .finish_non_exhaustive()
    }
}

/// Loads the settings of the instance in a directory, as [`load_settings_of`] does without overrides.
///
/// # Errors
///
/// Those of [`load_settings_of`].
pub fn load_settings(
    home: &Path,
    environment: &dyn Environment,
) -> Result<InstanceSettings, InstanceError> {
    load_settings_of(&LoadSettings::new(home), environment)
}

/// Loads the settings of an instance.
///
/// Without a file, and for everything that it does not say, the settings are Dagster's defaults. References to
/// environment variables are resolved; `DAGSTER_HOME` is the directory of the instance.
///
/// What Dagster makes when it opens an instance is made here: a mistake in it is an error. What Dagster makes when it is
/// needed, captured logs and the run coordinator and launcher, holds its mistakes itself. Of the classes that this
/// version does not have, only those of stores are an error here.
///
/// # Errors
///
/// [`InstanceError::ConfigFile`] with the file and the key: the file cannot be read, a value is not possible, or a
/// variable that it refers to is not set; also with the name of a variable of Dagster's own that is not what it should be.
/// [`InstanceError::Invalid`] if [`LoadSettings::storage`] is neither a URL of Postgres nor a directory. No error shows a
/// password.
pub fn load_settings_of(
    request: &LoadSettings,
    environment: &dyn Environment,
) -> Result<InstanceSettings, InstanceError> {
    let home = &request.home;
    let environment = WithHome { home, environment };
    let config = inspect(request, &environment)?.accepted()?;
    warn(&config);
    let parts = Parts::of_file(&config);
    // A reference is text, and a directory may have a name that is none.
    let reference = match (home.to_str(), &parts.instance_class) {
        (Some(base_dir), None) => Some(instance_ref(config.values(), base_dir)),
        _ => None,
    };
    Ok(settings(home, &parts, &environment)?.with_instance_ref(reference))
}

/// Tells what may not be what was meant. What is about one setting is told on demand, by
/// [`check_config`](crate::check_config).
fn warn(config: &Config) {
    let warnings = config.problems().iter().filter(|problem| problem.severity == Severity::Warning);
    for warning in warnings.filter(|warning| warning.position.is_none()) {
        tracing::warn!(file = %config.file().display(), "{}", warning.reason);
    }
}

/// Makes the settings of the instance that a reference names, whether we or Dagster made it.
///
/// [`InstanceSettings::home`] is the directory for what needs a local disk: a reference has no other.
///
/// # Errors
///
/// [`InstanceError::ConfigFile`] with the field of the reference or the name of a variable, as by [`load_settings_of`].
pub fn settings_from_ref(
    reference: &InstanceRef,
    environment: &dyn Environment,
) -> Result<InstanceSettings, InstanceError> {
    let parts = Parts::of_reference(reference)?;
    let mut settings = settings(Path::new(""), &parts, environment)?;
    if let LocalArtifactSettings::Local(base_dir) = &settings.local_artifact_storage {
        settings.home.clone_from(base_dir);
    }
    Ok(settings.with_instance_ref(reference.clone()))
}

/// Reads the file that a request names, with what stands in the place of its sections, and keeps what is wrong with it.
///
/// # Errors
///
/// [`InstanceError::Config`] if the file cannot be read; [`InstanceError::Invalid`] for [`LoadSettings::storage`].
pub(crate) fn inspect(
    request: &LoadSettings,
    environment: &WithHome<'_>,
) -> Result<Config, InstanceError> {
    let storage = request.storage.as_deref().map(storage_section).transpose()?;
    let file = request.home.join(&request.config_filename);
    Config::inspect(&file, environment, |values| {
        for (section, value) in &request.overrides {
            values.insert(section.clone(), value.clone());
        }
        if let Some(storage) = storage {
            values.retain(|section, _| !STORAGE_SECTIONS.contains(&section.as_str()));
            values.insert("storage".to_owned(), Value::Object(storage));
        }
    })
}

/// The environment of an instance whose directory may have been named in another way than by `DAGSTER_HOME`.
pub(crate) struct WithHome<'a> {
    pub(crate) home: &'a Path,
    pub(crate) environment: &'a dyn Environment,
}

impl Environment for WithHome<'_> {
    fn get(&self, name: &str) -> Option<String> {
        match name {
            "DAGSTER_HOME" => self.home.to_str().map(str::to_owned),
            _ => self.environment.get(name),
        }
    }

    fn get_os(&self, name: &str) -> Option<OsString> {
        match name {
            "DAGSTER_HOME" => Some(self.home.into()),
            _ => self.environment.get_os(name),
        }
    }
}
