//! Schedules and sensors: what is stored of their state.

use crate::run::RemoteRepositoryOrigin;
use crate::scheduling::InstigatorIds;
use crate::selectors::{InstigatorSelector, id_of};
use crate::serdes::{Number, Opaque, UnknownFields};
use crate::{serdes_class, serdes_enum, serdes_union};

serdes_enum! {
    /// Whether a schedule or sensor runs.
    pub enum InstigatorStatus = "InstigatorStatus" | "JobStatus" {
        /// It runs because somebody started it.
        Running = "RUNNING",
        /// It does not run.
        Stopped = "STOPPED",
        /// Its definition says whether it runs.
        DeclaredInCode = "DECLARED_IN_CODE",
        /// What old versions stored for [`DeclaredInCode`](Self::DeclaredInCode); see
        /// [`of_today`](Self::of_today).
        AutomaticallyRunning = "AUTOMATICALLY_RUNNING",
    }
}

impl InstigatorStatus {
    /// The status that today's Dagster takes this one for. A status is kept as it was stored, so that it is written
    /// again byte for byte. Whoever interprets a status calls this.
    #[must_use]
    pub const fn of_today(self) -> Self {
        match self {
            Self::AutomaticallyRunning => Self::DeclaredInCode,
            other => other,
        }
    }
}

serdes_enum! {
    /// What instigates runs.
    pub enum InstigatorType = "InstigatorType" | "JobType" {
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
    pub struct InstigatorState = "InstigatorState" | "JobState" {
        /// What it remembers between its ticks.
        pub instigator_data: Option<InstigatorData> = "job_specific_data",
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
        pub repository_origin: RemoteRepositoryOrigin = "external_repository_origin",
        /// The name.
        pub instigator_name: String = "job_name",
    }
}

impl RemoteInstigatorOrigin {
    /// The schedule or sensor of a repository.
    pub fn new(
        repository_origin: RemoteRepositoryOrigin,
        instigator_name: impl Into<String>,
    ) -> Self {
        Self {
            repository_origin,
            instigator_name: instigator_name.into(),
            unknown: UnknownFields::default(),
        }
    }

    /// What names the schedule or sensor wherever its code is.
    pub fn selector(&self) -> InstigatorSelector {
        self.repository_origin.selector().instigator(&self.instigator_name)
    }

    /// The hash of all that leads to the schedule or sensor.
    pub fn id(&self) -> String {
        id_of(self)
    }
}

impl InstigatorState {
    /// The state of a schedule or sensor that remembers nothing.
    pub fn new(
        origin: RemoteInstigatorOrigin,
        instigator_type: InstigatorType,
        status: InstigatorStatus,
    ) -> Self {
        Self {
            instigator_data: None,
            instigator_type,
            origin,
            status,
            unknown: UnknownFields::default(),
        }
    }

    /// Whether it is not stopped. Where its definition says whether it runs, this takes it that it does.
    pub fn is_running(&self) -> bool {
        self.status != InstigatorStatus::Stopped
    }

    /// Why Dagster could not read the state, and what to do; `None` if it could.
    pub const fn unreadable_because(&self) -> Option<&'static str> {
        match (self.instigator_type, &self.instigator_data) {
            (InstigatorType::Schedule, Some(InstigatorData::Schedule(_)))
            | (InstigatorType::Sensor, None | Some(InstigatorData::Sensor(_))) => None,
            (InstigatorType::Schedule, _) => {
                Some("it is of a schedule; give it the data of a schedule")
            }
            (InstigatorType::Sensor, _) => {
                Some("it is of a sensor; give it the data of a sensor, or none")
            }
            (InstigatorType::AutoMaterialize, _) => {
                Some("only schedules and sensors have a state; choose one of these types")
            }
        }
    }

    /// The two ids of the schedule or sensor.
    pub fn ids(&self) -> InstigatorIds {
        InstigatorIds::from(&self.origin)
    }

    /// The id of the repository's origin, by which old versions find the states of a repository.
    pub fn repository_origin_id(&self) -> String {
        self.origin.repository_origin.id()
    }

    /// The id of the origin, by which old versions find the state.
    pub fn instigator_origin_id(&self) -> String {
        self.origin.id()
    }

    /// The id of the selector, by which the state is found.
    pub fn selector_id(&self) -> String {
        self.origin.selector().id()
    }

    /// The name of the schedule or sensor.
    pub fn name(&self) -> &str {
        &self.origin.instigator_name
    }
}

crate::setters! {
    impl InstigatorState {
        /// What it remembers between its ticks.
        with_data(instigator_data: impl Into<Option<InstigatorData>>);
        /// Whether it runs.
        with_status(status: InstigatorStatus);
    }
}

serdes_union! {
    /// What a schedule or sensor remembers between its ticks.
    pub enum InstigatorData {
        /// Of a schedule.
        Schedule(ScheduleInstigatorData),
        /// Of a sensor.
        Sensor(SensorInstigatorData),
    }
}

serdes_class! {
    /// What a schedule remembers between its ticks.
    #[derive(Debug, Clone, PartialEq)]
    pub struct ScheduleInstigatorData = "ScheduleInstigatorData" | "ScheduleJobData" {
        /// The schedule: one text or several.
        pub cron_schedule: Opaque = "cron_schedule",
        /// The time of its last tick, in seconds since 1970.
        pub last_iteration_timestamp: Option<Number> = "last_iteration_timestamp",
        /// When it was started, in seconds since 1970.
        pub start_timestamp: Option<Number> = "start_timestamp",
    }
}

serdes_class! {
    /// The cursor of a run status sensor, which its data hold as text.
    #[derive(Debug, Clone, PartialEq)]
    pub struct RunStatusSensorCursor = "RunStatusSensorCursor" | "PipelineSensorCursor" {
        /// The last row that was taken into account.
        pub record_id: i64 = "record_id",
        /// The time of that row.
        pub record_timestamp: Option<String> = "record_timestamp",
        /// When the run of that row was changed.
        pub update_timestamp: Option<String> = "update_timestamp",
    }
}

serdes_enum! {
    /// The kind of a sensor.
    pub enum SensorType = "SensorType" {
        /// A sensor without a speciality.
        Standard = "STANDARD",
        /// A sensor of run statuses.
        RunStatus = "RUN_STATUS",
        /// A sensor of one asset.
        Asset = "ASSET",
        /// A sensor of several assets.
        MultiAsset = "MULTI_ASSET",
        /// A sensor of freshness policies.
        FreshnessPolicy = "FRESHNESS_POLICY",
        /// A sensor of automation conditions, in old versions.
        AutoMaterialize = "AUTO_MATERIALIZE",
        /// A sensor of automation conditions.
        Automation = "AUTOMATION",
        /// Not known.
        Unknown = "UNKNOWN",
    }
}

serdes_class! {
    /// What a sensor remembers between its ticks.
    #[derive(Debug, Clone, PartialEq)]
    pub struct SensorInstigatorData = "SensorInstigatorData" | "SensorJobData" {
        /// What the sensor's own code remembers.
        pub cursor: Option<String> = "cursor",
        /// The key of the last run that it asked for.
        pub last_run_key: Option<String> = "last_run_key",
        /// When it was last started, in seconds since 1970.
        pub last_sensor_start_timestamp: Option<Number> = "last_sensor_start_timestamp",
        /// When its last tick began, in seconds since 1970.
        pub last_tick_start_timestamp: Option<Number> = "last_tick_start_timestamp",
        /// When its last tick succeeded, in seconds since 1970.
        pub last_tick_success_timestamp: Option<Number> = "last_tick_success_timestamp",
        /// When its last tick ended, in seconds since 1970.
        pub last_tick_timestamp: Option<Number> = "last_tick_timestamp",
        /// The least time between ticks, in seconds.
        pub min_interval: Option<Number> = "min_interval",
        /// The kind of the sensor.
        pub sensor_type: Option<SensorType> = "sensor_type",
    }
}

impl SensorInstigatorData {
    /// What a sensor remembers that never ticked.
    pub fn new() -> Self {
        Self {
            cursor: None,
            last_run_key: None,
            last_sensor_start_timestamp: None,
            last_tick_start_timestamp: None,
            last_tick_success_timestamp: None,
            last_tick_timestamp: None,
            min_interval: None,
            sensor_type: None,
            unknown: UnknownFields::default(),
        }
    }
}

impl Default for SensorInstigatorData {
    fn default() -> Self {
        Self::new()
    }
}
