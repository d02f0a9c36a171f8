//! Where a step keeps what it throws away: in memory, if the machine has the room.
//!
//! Most of what tests write is read once and deleted, and to wait for a disk to have it takes more time than
//! everything else that they do. Not here: what has to be on a disk, such as what is measured.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result};

use crate::process;

/// A file system in memory, where Linux has it.
const IN_MEMORY: &str = "/dev/shm";

/// So much room there has to be, in memory and in the file system. No step needs half of it.
const ENOUGH: u64 = 3 << 30;

/// The variable by which every program finds the directory for temporary files.
const VARIABLE: &str = "TMPDIR";

/// Waits until whoever holds the other end of its input is gone. Then runs what it was given, if anything, and removes
/// the directory. It is a process of its own, because ours may be killed.
const GUARD: &str = "trap '' HUP INT TERM
cat > /dev/null
directory=$1
shift
test $# = 0 || \"$@\"
rm -rf \"$directory\"";

/// A directory that is removed when this is dropped, or when this process ends in any other way.
#[derive(Debug)]
pub(crate) struct Scratch {
    directory: PathBuf,
    _guard: Guard,
}

impl Scratch {
    /// A new directory below the place for what is thrown away.
    pub(crate) fn new() -> Result<Self> {
        let directory = kept_directory("dagster-instance-", &place())?;
        let guard = Guard::new(&directory, None)?;
        Ok(Self { directory, _guard: guard })
    }

    /// Has a program and its children keep their temporary files here.
    pub(crate) fn of(&self, command: &mut Command) {
        command.env(VARIABLE, &self.directory);
    }
}

/// A process that removes a directory when this is dropped, or when this process ends in any other way.
#[derive(Debug)]
pub(crate) struct Guard(Child);

impl Guard {
    /// Guards a directory; `last` is run before it is removed.
    pub(crate) fn new(directory: &Path, last: Option<&Command>) -> Result<Self> {
        let mut guard = Command::new("sh");
        guard.args(["-c", GUARD, "sh"]).arg(directory);
        if let Some(last) = last {
            guard.arg(last.get_program()).args(last.get_args());
            for (name, _) in last.get_envs() {
                guard.env_remove(name);
            }
        }
        // What kills our process group must not kill it as well.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut guard, 0);
        // It must not keep our own outputs open either: somebody may read them to their end.
        guard.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        guard.spawn().map(Self).context("cannot start `sh`")
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        // There is nobody to whom we could report that waiting for the guard failed.
        drop(self.0.wait());
    }
}

/// A new directory, which somebody else removes.
pub(crate) fn kept_directory(prefix: &str, place: &Path) -> Result<PathBuf> {
    let directory = tempfile::Builder::new().prefix(prefix).tempdir_in(place);
    let directory =
        directory.with_context(|| format!("cannot create a directory in {}", place.display()))?;
    Ok(directory.keep())
}

/// Where to keep what is thrown away: where the caller says, else in memory, else where the system has it.
pub(crate) fn place() -> PathBuf {
    let in_memory = Path::new(IN_MEMORY);
    if env::var_os(VARIABLE).is_none() && has_room(in_memory) {
        return in_memory.to_owned();
    }
    env::temp_dir()
}

fn has_room(place: &Path) -> bool {
    let meminfo = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let free = process::output(Command::new("df").arg("-Pk").arg(place)).unwrap_or_default();
    let free = String::from_utf8_lossy(&free).into_owned();
    let numbers = [available_memory(&meminfo), free_space(&free)];
    numbers.into_iter().all(|kilobytes| kilobytes.is_some_and(|found| found * 1024 >= ENOUGH))
}

/// What `/proc/meminfo` says, in kilobytes.
fn available_memory(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// What `df -Pk` says, in kilobytes.
fn free_space(df: &str) -> Option<u64> {
    df.lines().nth(1)?.split_whitespace().nth(3)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_room_is_read_off_what_the_system_says() {
        let meminfo = "MemTotal:       24689344 kB\nMemAvailable:   22868120 kB\n";
        assert_eq!(available_memory(meminfo), Some(22_868_120));
        let df = "Filesystem     1024-blocks  Used Available Capacity Mounted on\n\
                  tmpfs             25165824  2128  25163696       1% /dev/shm\n";
        assert_eq!(free_space(df), Some(25_163_696));
        assert_eq!((available_memory(""), free_space("df: no such file")), (None, None));
    }

    #[test]
    fn a_directory_goes_with_its_guard_after_the_last_command() {
        let parent = tempfile::tempdir().unwrap();
        let directory = kept_directory("guarded-", parent.path()).unwrap();
        let witness = parent.path().join("witness");
        let mut last = Command::new("touch");
        last.arg(&witness);
        let guard = Guard::new(&directory, Some(&last)).unwrap();
        assert!(directory.exists() && !witness.exists());
        drop(guard);
        assert!(!directory.exists() && witness.exists());
    }

    #[test]
    fn programs_are_told_of_the_directory() {
        let scratch = Scratch::new().unwrap();
        let mut command = Command::new("sh");
        scratch.of(command.args(["-c", "mktemp"]));
        let made = process::output(&mut command).unwrap();
        let made = PathBuf::from(String::from_utf8_lossy(&made).trim());
        assert!(made.starts_with(&scratch.directory), "{}", made.display());
        drop(scratch);
        assert!(!made.exists());
    }
}
