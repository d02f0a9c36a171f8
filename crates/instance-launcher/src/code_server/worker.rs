//! The process of a worker that a code server of this machine has started.

use std::time::Duration;

use instance_core::error::BoxError;
use instance_core::ids::RunId;
use instance_core::ops::LauncherOps;
use tokio::time::{Instant, sleep};

use crate::proc_stat::ProcessStat;
use crate::read::{engine_events, existing_run};

/// How long a run may take to end after its worker was interrupted, until nobody waits any more.
const END_OF_RUN: Duration = Duration::from_secs(30);

/// How long a worker may take to end after its run.
const END_OF_WORKER: Duration = Duration::from_secs(10);

/// How often it is looked whether they have ended.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// The worker's own first event: its text before and behind the pid.
const STARTED: (&str, &str) = ("Started process for run (pid: ", ").");

/// How many seconds before its first event a worker may have begun. It imports user code before.
const IMPORTS: f64 = 60.0;

/// The parts of the command line of Dagster's workers.
const COMMANDS: [&str; 2] = ["spawn_main", "execute_run"];

/// In how many parts `/proc` counts a second, on every Linux that there is.
const TICKS: f64 = 100.0;

/// The worker of a run, as its first event names it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct WorkerProcess {
    /// Its number.
    pub(super) pid: i32,
    /// When it reported, in seconds since 1970.
    reported: f64,
}

impl WorkerProcess {
    /// The last worker of a run; `None` if none has reported.
    pub(super) async fn find(
        ops: &dyn LauncherOps,
        run_id: &RunId,
    ) -> Result<Option<Self>, BoxError> {
        let entries = engine_events(ops, run_id).await?;
        Ok(entries.iter().rev().find_map(|entry| {
            let pid = pid_of(entry.message())?;
            Some(Self { pid, reported: entry.timestamp })
        }))
    }

    /// Whether the process lives; `None` where that cannot be seen. A process that only has the same number is
    /// another one: the number says nothing of when a process began, and of what it is.
    pub(super) fn is_alive(&self) -> Option<bool> {
        let boot = boot_time()?;
        let Some(told) = ProcessStat::read(self.pid) else { return Some(false) };
        let command = std::fs::read(format!("/proc/{}/cmdline", self.pid)).unwrap_or_default();
        let command = String::from_utf8_lossy(&command);
        let Ok(start) = told.start.parse::<f64>() else { return Some(false) };
        let began = boot + start / TICKS;
        // `btime` has whole seconds.
        let is_it = began <= self.reported + 2.0 && self.reported - began <= IMPORTS + 2.0;
        let is_worker = COMMANDS.iter().any(|part| command.contains(part));
        Some(!told.has_ended && is_it && is_worker)
    }

    /// Sends SIGINT to the process, on which Dagster's worker ends its run, and waits for both ends; `false` if the process is
    /// gone.
    ///
    /// A worker whose server is gone may hang after its run has ended, as it has a last word for the server. It is killed
    /// then. One whose run does not end is left alone after a while.
    pub(super) async fn stop(
        &self,
        ops: &dyn LauncherOps,
        run_id: &RunId,
    ) -> Result<bool, BoxError> {
        if !self.signal(Sign::Interrupt)? {
            return Ok(false);
        }
        let (asked, mut run_ended, mut is_killed) = (Instant::now(), None, false);
        while self.is_alive() == Some(true) {
            match run_ended {
                Some(since) if Instant::now() - since >= END_OF_WORKER => {
                    if is_killed {
                        // The system does not let go of it.
                        break;
                    }
                    is_killed = self.signal(Sign::Kill)?;
                    run_ended = Some(Instant::now());
                }
                None if existing_run(ops, run_id).await?.status.is_finished() => {
                    run_ended = Some(Instant::now());
                }
                None if asked.elapsed() >= END_OF_RUN => break,
                Some(_) | None => {}
            }
            sleep(LOOK_EVERY).await;
        }
        Ok(true)
    }

    /// Sends a signal to the process; `false` if it is gone.
    #[cfg(feature = "process")]
    fn signal(&self, sign: Sign) -> Result<bool, BoxError> {
        use nix::errno::Errno;
        use nix::sys::signal::{Signal, kill};
        use nix::unistd::Pid;

        let signal = match sign {
            Sign::Interrupt => Signal::SIGINT,
            Sign::Kill => Signal::SIGKILL,
        };
        match kill(Pid::from_raw(self.pid), signal) {
            Ok(()) => Ok(true),
            Err(Errno::ESRCH) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Without the feature `process` this version sends no signals.
    #[cfg(not(feature = "process"))]
    fn signal(&self, _: Sign) -> Result<bool, BoxError> {
        let pid = self.pid;
        Err(format!(
            "the code server is gone, and its worker (process {pid}) goes on; this build sends no signals: build \
             with the feature `process`, or stop the process"
        )
        .into())
    }
}

/// What a worker is told.
#[derive(Debug, Clone, Copy)]
enum Sign {
    Interrupt,
    Kill,
}

/// The pid that the first event of a worker names.
pub(super) fn pid_of(message: &str) -> Option<i32> {
    message.strip_prefix(STARTED.0)?.strip_suffix(STARTED.1)?.parse().ok().filter(|pid| *pid > 1)
}

/// When this machine began, in seconds since 1970.
fn boot_time() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/stat").ok()?;
    stat.lines().find_map(|line| line.strip_prefix("btime "))?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::{WorkerProcess, boot_time, pid_of};
    use crate::proc_stat::ProcessStat;

    #[test]
    fn only_the_event_of_a_worker_names_one() {
        assert_eq!(pid_of("Started process for run (pid: 4711)."), Some(4711));
        for other in
            ["Process for run exited (pid: 4711).", "Started process for run (pid: 1).", ""]
        {
            assert_eq!(pid_of(other), None, "{other}");
        }
    }

    #[test]
    fn a_process_of_the_same_number_is_not_the_worker() {
        let own = i32::try_from(std::process::id()).unwrap();
        let start: f64 = ProcessStat::read(own).unwrap().start.parse().unwrap();
        let reported = boot_time().unwrap() + start / 100.0;
        // This test is no worker of Dagster's, although it lives and began in time.
        assert_eq!(WorkerProcess { pid: own, reported }.is_alive(), Some(false));
        assert_eq!(WorkerProcess { pid: i32::MAX, reported }.is_alive(), Some(false));
    }
}
