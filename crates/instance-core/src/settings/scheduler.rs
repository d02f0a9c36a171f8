//! The section `scheduler`: what starts the runs of schedules.

use super::ClassSettings;

/// The class that starts the runs of schedules unless `dagster.yaml` names another: Dagster's daemon.
pub const DEFAULT_SCHEDULER_CLASS: &str = "DagsterDaemonScheduler";

/// What starts the runs of schedules.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SchedulerSettings {
    /// Dagster's daemon.
    DagsterDaemon(DaemonSchedulerSettings),
    /// A class of somebody else's.
    Other(ClassSettings),
}

impl SchedulerSettings {
    /// The name of the class.
    pub fn class(&self) -> &str {
        match self {
            Self::DagsterDaemon(_) => DEFAULT_SCHEDULER_CLASS,
            Self::Other(class) => &class.class,
        }
    }
}

impl Default for SchedulerSettings {
    fn default() -> Self {
        Self::DagsterDaemon(DaemonSchedulerSettings::default())
    }
}

/// How Dagster's daemon starts the runs of schedules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct DaemonSchedulerSettings {
    /// How many ticks that a partitioned schedule has missed are made up for at most. The default is 5.
    pub max_catchup_runs: i64,
    /// How often a tick that fails is tried again. The default is 0.
    pub max_tick_retries: i64,
}

impl Default for DaemonSchedulerSettings {
    fn default() -> Self {
        Self { max_catchup_runs: 5, max_tick_retries: 0 }
    }
}

impl DaemonSchedulerSettings {
    /// What Dagster does where nothing is configured.
    pub fn new() -> Self {
        Self::default()
    }
}

crate::setters! {
    impl DaemonSchedulerSettings {
        /// How many ticks that a partitioned schedule has missed are made up for at most.
        with_max_catchup_runs(max_catchup_runs: i64);
        /// How often a tick that fails is tried again.
        with_max_tick_retries(max_tick_retries: i64);
    }
}
