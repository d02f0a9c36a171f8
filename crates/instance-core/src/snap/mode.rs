//! The resources and loggers of a job.

use crate::serdes_class;
use crate::snap::ConfigFieldSnap;

serdes_class! {
    /// The resources and loggers of a job; today every job has exactly one mode, `default`.
    #[derive(Debug, Clone, PartialEq)]
    pub struct ModeDefSnap = "ModeDefSnap" {
        /// The description.
        pub description: Option<String> = "description",
        /// The loggers.
        pub logger_def_snaps: Vec<LoggerDefSnap> = "logger_def_snaps",
        /// The name.
        pub name: String = "name",
        /// The resources.
        pub resource_def_snaps: Vec<ResourceDefSnap> = "resource_def_snaps",
        /// The key of the type of the job's whole configuration.
        pub root_config_key: Option<String> = "root_config_key",
    }
}

serdes_class! {
    /// A logger.
    #[derive(Debug, Clone, PartialEq)]
    pub struct LoggerDefSnap = "LoggerDefSnap" {
        /// Its configuration.
        pub config_field_snap: Option<ConfigFieldSnap> = "config_field_snap",
        /// The description.
        pub description: Option<String> = "description",
        /// The name.
        pub name: String = "name",
    }
}

serdes_class! {
    /// A resource.
    #[derive(Debug, Clone, PartialEq)]
    pub struct ResourceDefSnap = "ResourceDefSnap" {
        /// Its configuration.
        pub config_field_snap: Option<ConfigFieldSnap> = "config_field_snap",
        /// The description.
        pub description: Option<String> = "description",
        /// The name.
        pub name: String = "name",
    }
}
