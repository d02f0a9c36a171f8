//! What an instance is to other processes: [`InstanceRef`], from which they open the same instance.
//!
//! Not here: making one from a `dagster.yaml`, and settings from one, which the configuration domain does.

use std::fmt;

use crate::serdes::{Opaque, Pack, Reader, SerdesError, Unpack, Writer};
use crate::serdes_class;

serdes_class! {
    /// A class of Python with its configuration, by which Dagster makes a part of an instance.
    #[derive(Clone, PartialEq, Eq)]
    pub struct ConfigurableClassData = "ConfigurableClassData" {
        /// The name of the class within the module.
        pub class_name: String = "class_name",
        /// The configuration as YAML. It may hold passwords, so it is not printed.
        pub config_yaml: String = "config_yaml",
        /// The module.
        pub module_name: ModuleName = "module_name",
    }
}

impl ConfigurableClassData {
    /// A class with its configuration as YAML.
    pub fn new(module: &str, class: impl Into<String>, config_yaml: impl Into<String>) -> Self {
        Self {
            class_name: class.into(),
            config_yaml: config_yaml.into(),
            module_name: ModuleName::from(module),
            unknown: crate::serdes::UnknownFields::default(),
        }
    }
}

impl fmt::Debug for ConfigurableClassData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ConfigurableClassData({}.{}, ..)", self.module_name.as_str(), self.class_name)
    }
}

/// The name of a module of Python.
///
/// Dagster's own modules have got an underscore: `dagster.core` is `dagster._core` today. A name is kept in the form
/// of today. It is stored in the old form, so that old versions can read it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ModuleName(String);

impl ModuleName {
    /// The name in the form of today.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name in the form that is stored.
    pub fn stored(&self) -> String {
        // Dagster's pattern is `^dagster._`, in which the dot is any character but the end of a line.
        let mut behind = match self.0.strip_prefix("dagster") {
            Some(behind) => behind.chars(),
            None => return self.0.clone(),
        };
        match (behind.next(), behind.next()) {
            (Some(any), Some('_')) if any != '\n' => format!("dagster.{}", behind.as_str()),
            _ => self.0.clone(),
        }
    }
}

impl From<&str> for ModuleName {
    /// The name in either form.
    fn from(name: &str) -> Self {
        match name.strip_prefix("dagster.") {
            Some(behind) if !behind.is_empty() && !behind.starts_with('_') => {
                Self(format!("dagster._{behind}"))
            }
            _ => Self(name.to_owned()),
        }
    }
}

impl fmt::Display for ModuleName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Pack for ModuleName {
    fn pack(&self, writer: &mut Writer) {
        writer.string(&self.stored());
    }
}

impl Unpack for ModuleName {
    fn unpack(reader: &mut Reader<'_>) -> Result<Self, SerdesError> {
        String::unpack(reader).map(|name| Self::from(&*name))
    }
}

serdes_class! {
    /// What an instance is to other processes: the classes of its parts with their configuration. Any process opens
    /// the same instance from it, and so does Dagster.
    ///
    /// It may hold passwords, so its fields are not printed.
    #[derive(Clone, PartialEq, Eq)]
    pub struct InstanceRef = "InstanceRef" {
        /// Where the output of workers is captured.
        pub compute_logs_data: ConfigurableClassData = "compute_logs_data",
        /// The class of the instance itself, if it is not Dagster's own.
        pub custom_instance_class_data: Option<ConfigurableClassData> = "custom_instance_class_data",
        /// Where definitions are kept that integrations have fetched; `None` is Dagster's default.
        pub defs_state_storage_data: Option<ConfigurableClassData> = "defs_state_storage_data",
        /// The store of events, for versions that do not know [`storage_data`](Self::storage_data).
        pub event_storage_data: Option<ConfigurableClassData> = "event_storage_data",
        /// Where what needs a local disk is kept.
        pub local_artifact_storage_data: ConfigurableClassData = "local_artifact_storage_data",
        /// What decides when a submitted run is launched.
        pub run_coordinator_data: Option<ConfigurableClassData> = "run_coordinator_data",
        /// What starts the workers of runs.
        pub run_launcher_data: Option<ConfigurableClassData> = "run_launcher_data",
        /// The store of runs, for versions that do not know [`storage_data`](Self::storage_data).
        pub run_storage_data: Option<ConfigurableClassData> = "run_storage_data",
        /// The store of schedules, for versions that do not know [`storage_data`](Self::storage_data).
        pub schedule_storage_data: Option<ConfigurableClassData> = "schedule_storage_data",
        /// What starts the runs of schedules.
        pub scheduler_data: Option<ConfigurableClassData> = "scheduler_data",
        /// From where user code gets environment variables; `None` is Dagster's default.
        pub secrets_loader_data: Option<ConfigurableClassData> = "secrets_loader_data",
        /// The other sections of `dagster.yaml`, as they are written; as JSON.
        pub settings: Opaque = "settings",
        /// All three stores. `None` in references of old versions, which name each by itself.
        pub storage_data: Option<ConfigurableClassData> = "storage_data",
    }
}

impl fmt::Debug for InstanceRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InstanceRef")
            .field("storage_data", &self.storage_data)
            .field("run_launcher_data", &self.run_launcher_data)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::ModuleName;

    #[test]
    fn modules_have_their_form_of_today_and_are_stored_in_the_old_one() {
        for (given, kept, stored) in [
            (
                "dagster.core.storage.runs",
                "dagster._core.storage.runs",
                "dagster.core.storage.runs",
            ),
            ("dagster._core.scheduler", "dagster._core.scheduler", "dagster.core.scheduler"),
            ("dagster", "dagster", "dagster"),
            ("dagster.", "dagster.", "dagster."),
            ("dagster_postgres", "dagster_postgres", "dagster_postgres"),
            ("dagster__x", "dagster__x", "dagster.x"),
            ("my.dagster.core", "my.dagster.core", "my.dagster.core"),
        ] {
            let name = ModuleName::from(given);
            assert_eq!((name.as_str(), &*name.stored()), (kept, stored));
        }
    }
}
