//! What is to be done about a run that has not ended: a pure decision, in two steps, so that only what is needed is asked.
//!
//! Not here: asking it (`facts.rs`), and doing it (`carry_out.rs`).

use instance_core::clock::timestamp_of;
use instance_core::launcher::{CheckRunHealthResult, RunLauncher};
use instance_core::run::{DagsterRunStatus, RunRecord};
use instance_core::settings::RunMonitoringSettings;
use instance_core::{python, tags};

/// What a launcher can do, as far as monitoring needs it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct LauncherAbilities {
    /// Whether it can tell how the worker of a run is.
    pub checks_health: bool,
    /// Whether it can start another worker for a run.
    pub resumes: bool,
}

impl LauncherAbilities {
    /// What a launcher says of itself.
    pub fn of(launcher: &dyn RunLauncher) -> Self {
        Self {
            checks_health: launcher.supports_check_run_worker_health(),
            resumes: launcher.supports_resume_run(),
        }
    }
}

instance_core::setters! {
    impl LauncherAbilities {
        /// Whether it can tell how the worker of a run is.
        with_checks_health(checks_health: bool);
        /// Whether it can start another worker for a run.
        with_resumes(resumes: bool);
    }
}

/// What has to be asked about a run before [`act`] can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Need {
    /// Its row says enough.
    Nothing,
    /// [`Facts::launch_time`] and [`Facts::claim_time`].
    LaunchTime,
    /// [`Facts::canceling_time`].
    CancelingTime,
    /// [`Facts::health`], and [`Facts::resume_attempts`] if the worker is lost.
    Health,
}

/// What is known about a run beside its row. What was not needed is `None` or 0.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct Facts {
    /// When the run was last given to the launcher, in seconds since 1970; `None` if no event says it.
    pub launch_time: Option<f64>,
    /// When a keeper took the run from the queue whose launch is not known to have ended, in seconds since 1970; `None`
    /// if there is no such launch.
    pub claim_time: Option<f64>,
    /// When the run was last asked to stop, in seconds since 1970; `None` if no event says it.
    pub canceling_time: Option<f64>,
    /// How its worker is; `None` if the launcher does not check workers.
    pub health: Option<CheckRunHealthResult>,
    /// How often the run was resumed.
    pub resume_attempts: usize,
}

instance_core::setters! {
    impl Facts {
        /// When the run was last given to the launcher.
        with_launch_time(launch_time: impl Into<Option<f64>>);
        /// When a keeper took the run from the queue.
        with_claim_time(claim_time: impl Into<Option<f64>>);
        /// When the run was last asked to stop.
        with_canceling_time(canceling_time: impl Into<Option<f64>>);
        /// How its worker is.
        with_health(health: impl Into<Option<CheckRunHealthResult>>);
        /// How often the run was resumed.
        with_resume_attempts(resume_attempts: usize);
    }
}

impl Facts {
    /// Nothing is known.
    pub fn new() -> Self {
        Self::default()
    }
}

/// What is to be done about a run.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum MonitorAction {
    /// Nothing.
    LeaveAlone,
    /// It has not started for so long that it is taken for failed.
    FailToStart {
        /// The time-out that is over.
        seconds: i64,
    },
    /// It was asked to stop so long ago that it is taken for canceled.
    CancelAtLast {
        /// The time-out that is over.
        seconds: i64,
    },
    /// Its worker is gone, and gets a successor.
    Resume {
        /// Which attempt this is; the first is 1.
        attempt: u32,
        /// How its worker is.
        health: CheckRunHealthResult,
    },
    /// Its worker is gone, and the run has failed by that.
    FailLostWorker {
        /// How its worker is.
        health: CheckRunHealthResult,
        /// How many attempts to resume it are allowed, all of which were made; `None` if none are.
        surpassed: Option<i64>,
    },
    /// It has run for longer than it may, and is stopped.
    StopForRuntime {
        /// For how long it may run.
        seconds: f64,
    },
}

/// What has to be asked about a run.
pub fn needs(
    record: &RunRecord,
    settings: &RunMonitoringSettings,
    launcher: LauncherAbilities,
) -> Need {
    match record.dagster_run.status {
        DagsterRunStatus::Starting if settings.start_timeout_seconds > 0 => Need::LaunchTime,
        DagsterRunStatus::Canceling if settings.cancel_timeout_seconds > 0 => Need::CancelingTime,
        DagsterRunStatus::Started if launcher.checks_health => Need::Health,
        _ => Need::Nothing,
    }
}

/// What is to be done about a run, at a time in seconds since 1970. `facts` has what [`needs`] asks for.
///
/// A time-out of 0 or less is none. A worker of which nothing is known is not taken for lost.
pub fn act(
    record: &RunRecord,
    facts: &Facts,
    settings: &RunMonitoringSettings,
    launcher: LauncherAbilities,
    now: f64,
) -> MonitorAction {
    let changed = || timestamp_of(record.update_timestamp);
    match record.dagster_run.status {
        DagsterRunStatus::NotStarted => {
            start_timeout(timestamp_of(record.create_timestamp), settings, now)
        }
        DagsterRunStatus::Starting => {
            let timeout = seconds(settings.start_timeout_seconds);
            if facts.claim_time.is_some_and(|claimed| now - claimed < timeout) {
                // Whoever took it from the queue finds out what became of it.
                return MonitorAction::LeaveAlone;
            }
            start_timeout(facts.launch_time.unwrap_or_else(changed), settings, now)
        }
        DagsterRunStatus::Canceling => {
            let timeout = settings.cancel_timeout_seconds;
            let since = facts.canceling_time.unwrap_or_else(changed);
            if timeout > 0 && now - since >= seconds(timeout) {
                return MonitorAction::CancelAtLast { seconds: timeout };
            }
            MonitorAction::LeaveAlone
        }
        DagsterRunStatus::Started => match &facts.health {
            Some(health) if health.status.is_lost() => lost(health, facts, settings, launcher),
            _ => runtime(record, settings, now),
        },
        // It has no worker that could be gone, and its time counts all the same.
        DagsterRunStatus::Suspended => runtime(record, settings, now),
        _ => MonitorAction::LeaveAlone,
    }
}

fn start_timeout(since: f64, settings: &RunMonitoringSettings, now: f64) -> MonitorAction {
    let timeout = settings.start_timeout_seconds;
    if timeout > 0 && now - since >= seconds(timeout) {
        return MonitorAction::FailToStart { seconds: timeout };
    }
    MonitorAction::LeaveAlone
}

fn lost(
    health: &CheckRunHealthResult,
    facts: &Facts,
    settings: &RunMonitoringSettings,
    launcher: LauncherAbilities,
) -> MonitorAction {
    let health = health.clone();
    let allowed = if launcher.resumes { settings.max_resume_run_attempts } else { 0 };
    let attempts = u32::try_from(facts.resume_attempts).unwrap_or(u32::MAX);
    if i64::from(attempts) < allowed {
        return MonitorAction::Resume { attempt: attempts.saturating_add(1), health };
    }
    MonitorAction::FailLostWorker { health, surpassed: (allowed > 0).then_some(allowed) }
}

fn runtime(record: &RunRecord, settings: &RunMonitoringSettings, now: f64) -> MonitorAction {
    let Some(start) = record.start_time else {
        return MonitorAction::LeaveAlone;
    };
    match max_runtime(record, settings) {
        Some(allowed) if now - start > allowed => {
            MonitorAction::StopForRuntime { seconds: allowed }
        }
        _ => MonitorAction::LeaveAlone,
    }
}

/// For how many seconds a run may run; `None` for any time. A tag that is no number means any time, and an empty one
/// means the setting.
fn max_runtime(record: &RunRecord, settings: &RunMonitoringSettings) -> Option<f64> {
    let run = &record.dagster_run;
    let tag = run.tags.get_key_value(tags::MAX_RUNTIME);
    let tag = tag.or_else(|| run.tags.get_key_value(tags::MAX_RUNTIME_SECONDS));
    let allowed = match tag.filter(|(_, text)| !text.is_empty()) {
        None => Some(seconds(settings.max_runtime_seconds)),
        Some((tag, text)) => {
            let number = python::float(text);
            if number.is_none() {
                tracing::warn!(run_id = %run.run_id, tag, value = %text, "no number of seconds; the run may take any time");
            }
            number
        }
    };
    allowed.filter(|allowed| *allowed != 0.0)
}

/// Seconds of a setting, which are few.
#[expect(clippy::cast_precision_loss, reason = "a time-out beyond 2^53 seconds is never over")]
const fn seconds(setting: i64) -> f64 {
    setting as f64
}
