//! Which duties are kept, and how.

use std::time::Duration;

use instance_core::daemon::DaemonType;
use instance_core::storage::Only;

/// A duty that can be kept here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum KeeperDuty {
    /// Taking runs from the queue.
    Queue,
    /// Looking for runs that do not go on.
    Monitoring,
    /// Retrying failed runs.
    Retries,
}

impl KeeperDuty {
    /// All of them.
    pub const ALL: &'static [Self] = &[Self::Queue, Self::Monitoring, Self::Retries];

    /// The kind of Dagster's daemon that does the same.
    pub fn daemon_type(self) -> DaemonType {
        DaemonType::from(match self {
            Self::Queue => DaemonType::QUEUED_RUN_COORDINATOR,
            Self::Monitoring => DaemonType::MONITORING,
            Self::Retries => DaemonType::EVENT_LOG_CONSUMER,
        })
    }
}

/// What is done about Dagster's own daemon of a duty, if its heartbeat is recent when a keeper begins.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum TwinCheck {
    /// Wait until its heartbeat changes, which says that it lives, or does not for long, which says that it has ended.
    #[default]
    Wait,
    /// Take it for alive.
    RefuseAtOnce,
}

/// Which duties are kept, and how.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct KeeperOptions {
    /// Which duties. Any means those that the settings require.
    pub duties: Only<KeeperDuty>,
    /// How many runs are launched at the same time; `None` means what the settings of the queue say.
    pub launch_workers: Option<usize>,
    /// How long the launch of a run may take from its claim on. The default is a minute.
    pub launch_timeout: Duration,
    /// How long what is in flight may take when the keepers are asked to end. The default is 30 seconds.
    pub grace: Duration,
    /// What is done about Dagster's own daemons at the beginning.
    pub twin_check: TwinCheck,
    /// How often keepers look at one another, and for how long they wait.
    pub times: KeeperTimes,
}

impl Default for KeeperOptions {
    fn default() -> Self {
        Self {
            duties: Only::Any,
            launch_workers: None,
            launch_timeout: Duration::from_mins(1),
            grace: Duration::from_secs(30),
            twin_check: TwinCheck::default(),
            times: KeeperTimes::default(),
        }
    }
}

impl KeeperOptions {
    /// All duties that the settings require, as Dagster does them.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same with these duties.
    #[must_use]
    pub fn with_duties(mut self, duties: Only<KeeperDuty>) -> Self {
        self.duties = duties;
        self
    }

    /// The same with a number of launches at the same time; `None` means what the settings of the queue say.
    #[must_use]
    pub const fn with_launch_workers(mut self, launch_workers: Option<usize>) -> Self {
        self.launch_workers = launch_workers;
        self
    }

    /// The same with another time for the launch of a run.
    #[must_use]
    pub const fn with_launch_timeout(mut self, launch_timeout: Duration) -> Self {
        self.launch_timeout = launch_timeout;
        self
    }

    /// The same with another time for what is in flight at the end.
    #[must_use]
    pub const fn with_grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// The same with another check of Dagster's own daemons.
    #[must_use]
    pub const fn with_twin_check(mut self, twin_check: TwinCheck) -> Self {
        self.twin_check = twin_check;
        self
    }

    /// The same with other times.
    #[must_use]
    pub const fn with_times(mut self, times: KeeperTimes) -> Self {
        self.times = times;
        self
    }
}

/// How often keepers look at one another, and for how long they wait. All processes that share a database need the same.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct KeeperTimes {
    /// How often a leader renews its lease: 3 seconds.
    pub renew_every: Duration,
    /// A lease that was not renewed for so long allows nothing new: 7 seconds.
    pub doubt_after: Duration,
    /// A lease that was not renewed for so long is lost, and another keeper may take it: 10 seconds.
    pub lost_after: Duration,
    /// How often one that waits looks whether the lease is free, and whether Dagster's own daemon lives: a second.
    pub look_every: Duration,
    /// How often a leader leaves a heartbeat: 30 seconds, as Dagster's daemons do.
    pub heartbeat_every: Duration,
    /// Dagster's own daemon counts as ended if its heartbeat has not changed for so long: 90 seconds.
    pub twin_silence: Duration,
    /// How long a storage that is away is tried at the beginning: 30 seconds.
    pub patience: Duration,
    /// The pause after a look that failed, which doubles with each that fails after it: 5 seconds.
    pub pause_after_failure: Duration,
    /// The longest of these pauses: a minute.
    pub longest_pause: Duration,
}

impl Default for KeeperTimes {
    fn default() -> Self {
        Self {
            renew_every: Duration::from_secs(3),
            doubt_after: Duration::from_secs(7),
            lost_after: Duration::from_secs(10),
            look_every: Duration::from_secs(1),
            heartbeat_every: Duration::from_secs(30),
            twin_silence: Duration::from_secs(90),
            patience: Duration::from_secs(30),
            pause_after_failure: Duration::from_secs(5),
            longest_pause: Duration::from_mins(1),
        }
    }
}
