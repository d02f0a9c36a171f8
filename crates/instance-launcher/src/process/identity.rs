//! The identity of a process, by which another process can tell later whether the process still runs.
//!
//! A pid alone is not enough: the system gives it to another process later, and every host and every container has
//! pids of its own.

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, gethostname};

use crate::proc_stat::ProcessStat;

/// The identity of a process, on any host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ProcessIdentity {
    /// Its pid, in its host or container.
    pub(crate) pid: i32,
    /// The name of its host.
    pub(crate) host: String,
    place: Place,
    /// When the process was started, in ticks since the host was started; empty if the system does not say.
    start: String,
}

/// The place of a process. Each part is empty if the system does not say.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Place {
    /// A hash of the id of the installation. It stays the same when the machine is started again.
    machine: String,
    /// The id that the kernel got when the machine was started.
    boot: String,
    /// The namespace of its pid, which every container has for itself.
    pid_namespace: String,
}

/// Whether a process runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Presence {
    /// It runs.
    Running,
    /// It has ended.
    Gone,
    /// This process cannot tell. The text is the reason, as a sentence without its subject.
    Unknown(String),
}

impl ProcessIdentity {
    /// The identity of the running process of this pid, on this host.
    pub(crate) fn of(pid: u32) -> Self {
        let pid = i32::try_from(pid).unwrap_or_default();
        let start = ProcessStat::read(pid).map_or_else(String::new, |stat| stat.start);
        Self { pid, host: host_name(), place: Place::here(), start }
    }

    /// The text that distinguishes the process from other processes with its pid.
    pub(crate) fn to_text(&self) -> String {
        let Place { machine, boot, pid_namespace } = &self.place;
        format!("{machine}/{boot}/{pid_namespace}/{}", self.start)
    }

    /// Reads what [`to_text`](Self::to_text) wrote; `None` for any other text.
    pub(crate) fn parse(pid: &str, host: &str, text: &str) -> Option<Self> {
        let mut parts = text.split('/').map(str::to_owned);
        let mut part = || parts.next();
        let place = Place { machine: part()?, boot: part()?, pid_namespace: part()? };
        let pid = pid.parse().ok().filter(|pid| *pid > 0)?;
        Some(Self { pid, host: host.to_owned(), place, start: part()? })
    }

    /// Returns whether the process runs.
    pub(crate) fn presence(&self) -> Presence {
        let here = Place::here();
        let there = &self.place;
        if there.boot != here.boot {
            let is_same =
                self.host == host_name() && is_known_and_equal(&there.machine, &here.machine);
            if is_same {
                // The machine was started again, which has ended all its processes.
                return Presence::Gone;
            }
            return Presence::Unknown(format!("is on host {}", self.host));
        }
        if there.boot.is_empty() && self.host != host_name() {
            return Presence::Unknown(format!("is on host {}", self.host));
        }
        if there.pid_namespace != here.pid_namespace {
            return Presence::Unknown(format!("is in another container ({})", self.host));
        }
        match (ProcessStat::read(self.pid), kill(Pid::from_raw(self.pid), None)) {
            (Some(stat), _) if stat.has_ended || stat.start != self.start => Presence::Gone,
            (Some(_), _) => Presence::Running,
            (None, Err(Errno::ESRCH)) => Presence::Gone,
            (None, _) if self.start.is_empty() => Presence::Running,
            (None, _) => Presence::Unknown("is hidden from this user".to_owned()),
        }
    }

    /// Sends a signal to the process, or to the group that it leads. `false` if the process does not run.
    pub(crate) fn signal(&self, signal: Signal, whole_group: bool) -> nix::Result<bool> {
        if self.presence() != Presence::Running {
            return Ok(false);
        }
        let pid = Pid::from_raw(self.pid);
        let sent =
            if whole_group { nix::sys::signal::killpg(pid, signal) } else { kill(pid, signal) };
        match sent {
            Ok(()) => Ok(true),
            Err(Errno::ESRCH) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

impl Place {
    fn here() -> Self {
        Self {
            machine: read("/etc/machine-id").map_or_else(String::new, |id| hash(&id)),
            boot: read("/proc/sys/kernel/random/boot_id").unwrap_or_default(),
            pid_namespace: std::fs::read_link("/proc/self/ns/pid").map_or_else(
                |_| String::new(),
                |link| link.to_string_lossy().chars().filter(char::is_ascii_digit).collect(),
            ),
        }
    }
}

fn host_name() -> String {
    gethostname().map_or_else(|_| String::new(), |name| name.to_string_lossy().into_owned())
}

fn read(path: &str) -> Option<String> {
    std::fs::read_to_string(path).ok().map(|text| text.trim().to_owned())
}

fn is_known_and_equal(one: &str, other: &str) -> bool {
    !one.is_empty() && one == other
}

/// FNV-1a. The id of an installation is not to be shown to whoever sees the events of a run.
fn hash(text: &str) -> String {
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("{hash:016x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A process of ours that ends when its standard input does.
    fn child() -> std::process::Child {
        #[expect(clippy::disallowed_methods, reason = "this is the launcher")]
        let mut command = std::process::Command::new("cat");
        command.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::null());
        command.spawn().expect("cat")
    }

    #[test]
    fn a_process_is_found_again_by_its_text() {
        let identity = ProcessIdentity::of(std::process::id());
        let pid = identity.pid.to_string();
        let read = ProcessIdentity::parse(&pid, &identity.host, &identity.to_text());
        assert_eq!(read, Some(identity.clone()));
        assert_eq!(identity.presence(), Presence::Running);
    }

    #[test]
    fn a_process_that_ended_is_gone_before_and_after_it_is_waited_for() {
        let mut child = child();
        let identity = ProcessIdentity::of(child.id());
        assert_eq!(identity.presence(), Presence::Running);
        assert_eq!(identity.signal(Signal::SIGKILL, false), Ok(true));
        child.wait().expect("wait");
        assert_eq!(identity.presence(), Presence::Gone);
        assert_eq!(identity.signal(Signal::SIGTERM, false), Ok(false));
    }

    #[test]
    fn another_process_of_the_pid_is_not_the_process() {
        let mut identity = ProcessIdentity::of(std::process::id());
        identity.start.push('1');
        if cfg!(target_os = "linux") {
            assert_eq!(identity.presence(), Presence::Gone);
            assert_eq!(identity.signal(Signal::SIGKILL, false), Ok(false));
        }
    }

    #[test]
    fn processes_of_other_places_are_not_judged() {
        let here = ProcessIdentity::of(std::process::id());
        let of = |change: fn(&mut ProcessIdentity)| {
            let mut identity = here.clone();
            change(&mut identity);
            identity.presence()
        };
        let on_another_host = of(|identity| {
            identity.host = "elsewhere".to_owned();
            identity.place.boot.push('x');
        });
        assert_eq!(on_another_host, Presence::Unknown("is on host elsewhere".to_owned()));
        let of_its_name = of(|identity| {
            identity.place.boot.push('x');
            identity.place.machine = "another".to_owned();
        });
        assert!(matches!(of_its_name, Presence::Unknown(_)), "{of_its_name:?}");
        let in_a_container = of(|identity| identity.place.pid_namespace.push('1'));
        assert!(matches!(in_a_container, Presence::Unknown(_)), "{in_a_container:?}");
    }

    #[test]
    fn no_process_outlives_its_machine() {
        let mut identity = ProcessIdentity::of(std::process::id());
        if identity.place.machine.is_empty() {
            // Nothing tells machines apart here.
            return;
        }
        identity.place.boot.push('x');
        assert_eq!(identity.presence(), Presence::Gone);
    }

    #[test]
    fn other_texts_are_no_processes() {
        for (pid, text) in [("1", "a/b/c"), ("x", "a/b/c/1"), ("0", "a/b/c/1"), ("-5", "a/b/c/1")] {
            assert_eq!(ProcessIdentity::parse(pid, "host", text), None, "{pid} {text}");
        }
    }
}
