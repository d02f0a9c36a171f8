//! Schedules and sensors as their code locations define them, and what that makes of a stored state.
//!
//! Not here: starting and stopping them, which the scheduling domain does.

use crate::partitions::{ExecutionTimes, PartitionsError};
use crate::scheduling::{
    InstigatorData, InstigatorState, InstigatorStatus, InstigatorType, RemoteInstigatorOrigin,
    ScheduleInstigatorData, SensorInstigatorData, SensorType,
};
use crate::serdes::{Opaque, UnknownFields, deserialize_value};

/// The least time between the ticks of a sensor that does not say it, in seconds.
const DEFAULT_MIN_INTERVAL_SECONDS: i64 = 30;

/// The two ids of a schedule or sensor.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct InstigatorIds {
    /// The hash of all that leads to it. It changes when its code moves.
    pub origin_id: String,
    /// The hash of its location, repository and name.
    pub selector_id: String,
}

impl InstigatorIds {
    /// The ids, which somebody else has computed.
    pub fn new(origin_id: impl Into<String>, selector_id: impl Into<String>) -> Self {
        Self { origin_id: origin_id.into(), selector_id: selector_id.into() }
    }
}

impl From<&RemoteInstigatorOrigin> for InstigatorIds {
    fn from(origin: &RemoteInstigatorOrigin) -> Self {
        Self::new(origin.id(), origin.selector().id())
    }
}

/// Whether a schedule or sensor runs until somebody starts or stops it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum DefaultStatus {
    /// It runs.
    Running,
    /// It does not.
    #[default]
    Stopped,
}

/// When a schedule ticks: by one cron schedule, or by several together.
///
/// They are kept as they were written. [`RemoteSchedule::execution_times`] reads them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CronSchedule {
    /// One cron schedule.
    One(String),
    /// Several. The schedule ticks whenever one of them does.
    Several(Vec<String>),
}

impl CronSchedule {
    /// Each cron schedule.
    pub fn texts(&self) -> &[String] {
        match self {
            Self::One(text) => std::slice::from_ref(text),
            Self::Several(texts) => texts,
        }
    }
}

impl From<&str> for CronSchedule {
    fn from(text: &str) -> Self {
        Self::One(text.to_owned())
    }
}

impl From<String> for CronSchedule {
    fn from(text: String) -> Self {
        Self::One(text)
    }
}

impl From<Vec<String>> for CronSchedule {
    fn from(texts: Vec<String>) -> Self {
        Self::Several(texts)
    }
}

impl std::fmt::Display for CronSchedule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.texts().join(", "))
    }
}

impl ScheduleInstigatorData {
    /// What a schedule remembers that was started at a time in seconds since 1970, or was not started.
    pub fn new(cron_schedule: &CronSchedule, start_timestamp: Option<f64>) -> Self {
        let cron_schedule = match cron_schedule {
            CronSchedule::One(text) => Opaque::of(text),
            CronSchedule::Several(texts) => Opaque::of(texts),
        };
        Self {
            cron_schedule,
            last_iteration_timestamp: None,
            start_timestamp: start_timestamp.map(Into::into),
            unknown: UnknownFields::default(),
        }
    }

    /// The stored cron schedule; `None` if it is neither a text nor a list of texts.
    pub fn cron_schedule(&self) -> Option<CronSchedule> {
        let text = self.cron_schedule.as_str();
        let one = || deserialize_value::<String>(text).map(CronSchedule::One);
        one().or_else(|_| deserialize_value(text).map(CronSchedule::Several)).ok()
    }
}

/// A schedule, as its code location defines it.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct RemoteSchedule {
    /// Where its definition lives.
    pub origin: RemoteInstigatorOrigin,
    /// When it ticks.
    pub cron_schedule: CronSchedule,
    /// The time zone of the cron schedule; `None` means UTC.
    pub execution_timezone: Option<String>,
    /// Whether it runs until somebody starts or stops it.
    pub default_status: DefaultStatus,
}

impl RemoteSchedule {
    /// A schedule in UTC that does not run until somebody starts it.
    pub fn new(origin: RemoteInstigatorOrigin, cron_schedule: impl Into<CronSchedule>) -> Self {
        Self {
            origin,
            cron_schedule: cron_schedule.into(),
            execution_timezone: None,
            default_status: DefaultStatus::default(),
        }
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.origin.instigator_name
    }

    /// The ids by which storages find it.
    pub fn ids(&self) -> InstigatorIds {
        InstigatorIds::from(&self.origin)
    }

    /// The state that it is in, if this state is stored of it, or none.
    ///
    /// Somebody's start or stop counts. Otherwise its definition says whether it runs, whatever it said when the state
    /// was stored.
    pub fn current_state(&self, stored: Option<InstigatorState>) -> InstigatorState {
        current_state(self.default_status, stored, |status| self.state(status, None))
    }

    /// A state of it. The time says since when somebody has it run.
    pub fn state(&self, status: InstigatorStatus, start_timestamp: Option<f64>) -> InstigatorState {
        let data = ScheduleInstigatorData::new(&self.cron_schedule, start_timestamp);
        let (origin, data) = (self.origin.clone(), InstigatorData::Schedule(data));
        InstigatorState::new(origin, InstigatorType::Schedule, status).with_data(data)
    }

    /// The times at which it ticks.
    ///
    /// # Errors
    ///
    /// [`PartitionsError::InvalidSchedule`] and [`PartitionsError::UnknownTimezone`].
    pub fn execution_times(&self) -> Result<ExecutionTimes, PartitionsError> {
        let texts = self.cron_schedule.texts().iter().map(String::as_str);
        ExecutionTimes::new(texts, self.execution_timezone.as_deref())
    }
}

crate::setters! {
    impl RemoteSchedule {
        /// The time zone of the cron schedule.
        with_execution_timezone(execution_timezone: impl Into<Option<String>>);
        /// Whether it runs until somebody starts or stops it.
        with_default_status(default_status: DefaultStatus);
    }
}

/// A sensor, as its code location defines it.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct RemoteSensor {
    /// Where its definition lives.
    pub origin: RemoteInstigatorOrigin,
    /// The least time between its ticks, in seconds; `None` means that of Dagster.
    pub min_interval_seconds: Option<i64>,
    /// Its kind; `None` means that it is not known.
    pub sensor_type: Option<SensorType>,
    /// Whether it runs until somebody starts or stops it.
    pub default_status: DefaultStatus,
}

impl RemoteSensor {
    /// A sensor that does not run until somebody starts it.
    pub fn new(origin: RemoteInstigatorOrigin) -> Self {
        Self {
            origin,
            min_interval_seconds: None,
            sensor_type: None,
            default_status: DefaultStatus::default(),
        }
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.origin.instigator_name
    }

    /// The ids by which storages find it.
    pub fn ids(&self) -> InstigatorIds {
        InstigatorIds::from(&self.origin)
    }

    /// The state that it is in, if this state is stored of it, or none; see [`RemoteSchedule::current_state`].
    pub fn current_state(&self, stored: Option<InstigatorState>) -> InstigatorState {
        current_state(self.default_status, stored, |status| self.state(status, None))
    }

    /// A state of it. The time says since when somebody has it run.
    pub fn state(&self, status: InstigatorStatus, start_timestamp: Option<f64>) -> InstigatorState {
        let asked = self.min_interval_seconds.filter(|seconds| *seconds != 0);
        let data = SensorInstigatorData {
            min_interval: Some(asked.unwrap_or(DEFAULT_MIN_INTERVAL_SECONDS).into()),
            sensor_type: Some(self.sensor_type.unwrap_or(SensorType::Unknown)),
            last_sensor_start_timestamp: start_timestamp.map(Into::into),
            ..SensorInstigatorData::new()
        };
        let (origin, data) = (self.origin.clone(), InstigatorData::Sensor(data));
        InstigatorState::new(origin, InstigatorType::Sensor, status).with_data(data)
    }
}

crate::setters! {
    impl RemoteSensor {
        /// The least time between its ticks, in seconds.
        with_min_interval_seconds(min_interval_seconds: impl Into<Option<i64>>);
        /// Its kind.
        with_sensor_type(sensor_type: impl Into<Option<SensorType>>);
        /// Whether it runs until somebody starts or stops it.
        with_default_status(default_status: DefaultStatus);
    }
}

fn current_state(
    default: DefaultStatus,
    stored: Option<InstigatorState>,
    fresh: impl FnOnce(InstigatorStatus) -> InstigatorState,
) -> InstigatorState {
    let declared = match default {
        DefaultStatus::Running => InstigatorStatus::DeclaredInCode,
        DefaultStatus::Stopped => InstigatorStatus::Stopped,
    };
    let Some(mut state) = stored else {
        return fresh(declared);
    };
    if state.status.of_today() == InstigatorStatus::DeclaredInCode {
        state.status = declared;
    }
    state
}

#[cfg(test)]
mod tests {
    use super::{CronSchedule, ScheduleInstigatorData};
    use crate::serdes::serialize_value;

    #[test]
    fn cron_schedules_are_stored_as_they_are_written() {
        for (cron, text) in [
            (CronSchedule::from("0 0 * * *"), r#""0 0 * * *""#),
            (
                CronSchedule::from(vec!["@daily".to_owned(), "\"é".to_owned()]),
                r#"["@daily", "\"\u00e9"]"#,
            ),
            (CronSchedule::from(Vec::new()), "[]"),
        ] {
            let data = ScheduleInstigatorData::new(&cron, Some(1.5));
            assert_eq!(
                serialize_value(&data),
                format!(
                    r#"{{"__class__": "ScheduleInstigatorData", "cron_schedule": {text}, "last_iteration_timestamp": null, "start_timestamp": 1.5}}"#
                )
            );
            assert_eq!(data.cron_schedule(), Some(cron));
        }
    }
}
