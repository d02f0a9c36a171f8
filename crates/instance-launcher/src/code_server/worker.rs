//! The process of a worker that a code server of this machine has started.

use instance_core::error::BoxError;
use instance_core::ids::RunId;
use instance_core::ops::LauncherOps;

use crate::read::engine_events;

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
        let Ok(told) = std::fs::read_to_string(format!("/proc/{}/stat", self.pid)) else {
            return Some(false);
        };
        let command = std::fs::read(format!("/proc/{}/cmdline", self.pid)).unwrap_or_default();
        let command = String::from_utf8_lossy(&command);
        let Some((state, start)) = state_and_start(&told) else { return Some(false) };
        let began = boot + start / TICKS;
        // `btime` has whole seconds.
        let is_it = began <= self.reported + 2.0 && self.reported - began <= IMPORTS + 2.0;
        let is_worker = COMMANDS.iter().any(|part| command.contains(part));
        Some(!matches!(state, 'Z' | 'X') && is_it && is_worker)
    }

    /// Sends SIGINT to the process, on which Dagster's worker ends its run.
    #[cfg(feature = "process")]
    pub(super) fn interrupt(&self) -> Result<bool, BoxError> {
        use nix::errno::Errno;
        use nix::sys::signal::{Signal, kill};
        use nix::unistd::Pid;

        match kill(Pid::from_raw(self.pid), Signal::SIGINT) {
            Ok(()) => Ok(true),
            Err(Errno::ESRCH) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Without the feature `process` this version sends no signals.
    #[cfg(not(feature = "process"))]
    pub(super) fn interrupt(&self) -> Result<bool, BoxError> {
        let pid = self.pid;
        Err(format!(
            "the code server is gone, and its worker (process {pid}) goes on; this build sends no signals: build \
             with the feature `process`, or stop the process"
        )
        .into())
    }
}

/// The pid that the first event of a worker names.
fn pid_of(message: &str) -> Option<i32> {
    message.strip_prefix(STARTED.0)?.strip_suffix(STARTED.1)?.parse().ok().filter(|pid| *pid > 1)
}

/// When this machine began, in seconds since 1970.
fn boot_time() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/stat").ok()?;
    stat.lines().find_map(|line| line.strip_prefix("btime "))?.trim().parse().ok()
}

/// The state of a process, and when it began, in parts of a second since the start of the machine.
fn state_and_start(stat: &str) -> Option<(char, f64)> {
    // The name of the program stands in brackets and may hold anything, brackets too.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_ascii_whitespace();
    let state = fields.next()?.chars().next()?;
    Some((state, fields.nth(18)?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::{WorkerProcess, boot_time, pid_of, state_and_start};

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
        let told = std::fs::read_to_string(format!("/proc/{own}/stat")).unwrap();
        let (state, start) = state_and_start(&told).unwrap();
        assert!(state.is_ascii_uppercase());
        let reported = boot_time().unwrap() + start / 100.0;
        // This test is no worker of Dagster's, although it lives and began in time.
        assert_eq!(WorkerProcess { pid: own, reported }.is_alive(), Some(false));
        assert_eq!(WorkerProcess { pid: i32::MAX, reported }.is_alive(), Some(false));
    }
}
