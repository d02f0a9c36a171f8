//! Schedules and sensors: what is stored of their state.

use crate::serdes::Opaque;
use crate::{serdes_class, serdes_enum};

serdes_enum! {
    /// Whether a schedule or sensor runs.
    pub enum InstigatorStatus = "InstigatorStatus" {
        /// It runs because somebody started it.
        Running = "RUNNING",
        /// It does not run.
        Stopped = "STOPPED",
        /// Its definition says whether it runs.
        DeclaredInCode = "DECLARED_IN_CODE",
        /// It runs because its definition says so, in old versions.
        AutomaticallyRunning = "AUTOMATICALLY_RUNNING",
    }
}

serdes_enum! {
    /// What instigates runs.
    pub enum InstigatorType = "InstigatorType" {
        /// A schedule.
        Schedule = "SCHEDULE",
        /// A sensor.
        Sensor = "SENSOR",
        /// A sensor of automation conditions.
        AutoMaterialize = "AUTO_MATERIALIZE",
    }
}

serdes_class! {
    /// The state of a schedule or sensor.
    #[derive(Debug, Clone, PartialEq)]
    pub struct InstigatorState = "InstigatorState" {
        /// What it remembers between its ticks.
        pub instigator_data: Option<Opaque> = "job_specific_data",
        /// Whether it is a schedule or a sensor.
        pub instigator_type: InstigatorType = "job_type",
        /// Where its definition lives.
        pub origin: RemoteInstigatorOrigin = "origin",
        /// Whether it runs.
        pub status: InstigatorStatus = "status",
    }
}

serdes_class! {
    /// A schedule or sensor of a repository that a code location serves.
    #[derive(Debug, Clone, PartialEq)]
    pub struct RemoteInstigatorOrigin = "ExternalJobOrigin" {
        /// The repository.
        pub repository_origin: Opaque = "external_repository_origin",
        /// The name.
        pub instigator_name: String = "job_name",
    }
}

impl InstigatorState {
    /// The name of the schedule or sensor.
    pub fn name(&self) -> &str {
        &self.origin.instigator_name
    }
}
