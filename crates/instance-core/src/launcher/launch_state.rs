//! What became of a launch whose outcome nobody knows: the question to a launcher, its answers, and until when a launch may
//! begin anything.

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};

use crate::clock::Clock;
use crate::error::BoxError;
use crate::ops::LauncherOps;
use crate::run::DagsterRun;

/// What [`RunLauncher::launch_state`](super::RunLauncher::launch_state) is given.
#[derive(Clone)]
#[non_exhaustive]
pub struct LaunchStateContext {
    /// The run, which is `STARTING`. Its tags may say where its worker is.
    pub dagster_run: DagsterRun,
    /// The instance, to read from.
    pub instance: Arc<dyn LauncherOps>,
}

impl LaunchStateContext {
    /// The question about a run.
    pub fn new(dagster_run: DagsterRun, instance: Arc<dyn LauncherOps>) -> Self {
        Self { dagster_run, instance }
    }
}

/// What became of a launch, as far as the launcher can tell.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum LaunchState {
    /// A worker was started. It may have ended by now.
    Launched,
    /// No worker was started, and none will be unless the launch is asked for again.
    NotLaunched {
        /// Who says so, such as a code server by its id. Only a second answer of the same one is believed, a while after the
        /// first: what was asked before it has at least begun then. `None` if there is only one who can be asked.
        answered_by: Option<String>,
    },
    /// It cannot be said. A worker may be there.
    Unknown,
}

/// Until when a launch may start a worker. Whoever takes over from a process that hangs waits until then, and longer; so a
/// process that wakes up later starts nothing any more.
///
/// The time is over as soon as the clock or the time since the process was started says so. The first one goes on while a
/// machine sleeps, the second one is not set by anybody.
#[derive(Debug, Clone, Copy)]
pub struct LaunchDeadline {
    at: DateTime<Utc>,
    instant: Instant,
}

impl LaunchDeadline {
    /// So much time from now. A time beyond the calendar is its end.
    pub fn after(time: Duration, clock: &dyn Clock) -> Self {
        let delta = TimeDelta::from_std(time).unwrap_or(TimeDelta::MAX);
        let at = clock.now().checked_add_signed(delta).unwrap_or(DateTime::<Utc>::MAX_UTC);
        Self { at, instant: Instant::now() + time }
    }

    /// How much time is left; `None` if it is over.
    pub fn left(&self, clock: &dyn Clock) -> Option<Duration> {
        let by_clock = (self.at - clock.now()).to_std().ok()?;
        let left = self.instant.saturating_duration_since(Instant::now()).min(by_clock);
        (left > Duration::ZERO).then_some(left)
    }
}

/// A launch was given up before it started a worker, as its time was over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the time for launching the run was over before its worker was started")]
pub struct LaunchTimeOver;

/// The launch failed in a way that leaves open whether a worker was started: it was asked for, and no answer came. The text
/// is that of the error.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct LaunchUncertain(pub BoxError);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::clock::ManualClock;

    #[test]
    fn the_clock_alone_can_end_it() {
        let clock = ManualClock::default();
        let deadline = LaunchDeadline::after(Duration::from_mins(1), &clock);
        assert!(deadline.left(&clock).is_some_and(|left| left > Duration::from_secs(50)));
        clock.advance(TimeDelta::seconds(59));
        assert!(deadline.left(&clock).is_some_and(|left| left <= Duration::from_secs(1)));
        clock.advance(TimeDelta::seconds(1));
        assert_eq!(deadline.left(&clock), None);
    }

    #[test]
    fn a_clock_that_goes_back_gives_no_more_time() {
        let clock = ManualClock::default();
        let deadline = LaunchDeadline::after(Duration::ZERO, &clock);
        clock.advance(TimeDelta::seconds(-1_000));
        assert_eq!(deadline.left(&clock), None);
    }
}
