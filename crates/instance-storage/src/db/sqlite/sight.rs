//! What shows that others have changed a database whose locks are not taken.
//!
//! The files are looked at, and the database is not opened for it: a process that closes a file loses all locks that it has
//! on it, SQLite's too.

use std::path::Path;
use std::time::{Duration, SystemTime};

use instance_core::error::StorageError;

use super::access::{beside, io_error};

/// Two changes within this time may leave a file with one time of change.
const TICK: Duration = Duration::from_millis(50);

/// The same where a file system tells times in seconds, some of them in every other.
const COARSE_TICK: Duration = Duration::from_millis(2_100);

/// What is there of a database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sight {
    pub(super) file: Option<Seen>,
    /// A log with something in it.
    pub(super) log: Option<Seen>,
    pub(super) has_journal: bool,
    pub(super) has_memory: bool,
}

/// A file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Seen {
    bytes: u64,
    /// Its number, so that another file in its place shows.
    number: u64,
    /// When it was written, and when anything of it was changed, which nobody can set.
    times: [Option<SystemTime>; 2],
}

impl Sight {
    pub(super) fn of(file: &Path) -> Result<Self, StorageError> {
        Ok(Self {
            file: seen(file)?,
            log: seen(&beside(file, "-wal"))?.filter(|log| log.bytes > 0),
            has_journal: seen(&beside(file, "-journal"))?.is_some_and(|file| file.bytes > 0),
            has_memory: seen(&beside(file, "-shm"))?.is_some(),
        })
    }

    /// How long all has to stay as it is until a next change is sure to show; `None` if that time is over. The clock of a
    /// file system may be ahead of ours, so a time that is still to come says nothing.
    pub(super) fn must_stay(&self) -> Option<Duration> {
        let times = self.file.iter().chain(&self.log).flat_map(|seen| seen.times).flatten();
        let fresh = times.filter_map(|at| {
            let since_epoch = at.duration_since(SystemTime::UNIX_EPOCH);
            let is_coarse = since_epoch.is_ok_and(|time| time.subsec_nanos() == 0);
            let tick = if is_coarse { COARSE_TICK } else { TICK };
            let is_over = at.elapsed().is_ok_and(|age| age >= tick);
            (!is_over).then_some(tick)
        });
        fresh.max()
    }
}

fn seen(path: &Path) -> Result<Option<Seen>, StorageError> {
    match std::fs::metadata(path) {
        Ok(file) if file.is_dir() => {
            Err(io_error("open", path, std::io::ErrorKind::IsADirectory.into()))
        }
        Ok(file) => {
            let (number, changed) = number_and_change(&file);
            let times = [file.modified().ok(), changed];
            Ok(Some(Seen { bytes: file.len(), number, times }))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(io_error("look for", path, error)),
    }
}

#[cfg(unix)]
fn number_and_change(file: &std::fs::Metadata) -> (u64, Option<SystemTime>) {
    use std::os::unix::fs::MetadataExt;

    let parts = (u64::try_from(file.ctime()), u32::try_from(file.ctime_nsec()));
    let changed = if let (Ok(seconds), Ok(nanos)) = parts {
        SystemTime::UNIX_EPOCH.checked_add(Duration::new(seconds, nanos))
    } else {
        None
    };
    (file.ino(), changed)
}

#[cfg(not(unix))]
fn number_and_change(_: &std::fs::Metadata) -> (u64, Option<SystemTime>) {
    (0, None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sight(times: [Option<SystemTime>; 2]) -> Sight {
        let file = Some(Seen { bytes: 1, number: 1, times });
        Sight { file, log: None, has_journal: false, has_memory: false }
    }

    #[test]
    fn a_time_says_how_long_nothing_may_change() -> Result<(), Box<dyn std::error::Error>> {
        let directory = tempfile::TempDir::new()?;
        let path = directory.path().join("now");
        std::fs::write(&path, "x")?;
        let now = std::fs::metadata(&path)?.modified()?;
        let whole = |time: SystemTime| -> Result<_, std::time::SystemTimeError> {
            let seconds = time.duration_since(SystemTime::UNIX_EPOCH)?.as_secs();
            Ok(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds))
        };
        let (hour, nanos) = (Duration::from_hours(1), Duration::from_nanos(1));
        let old = whole(now - hour)?;
        for (times, expected) in [
            ([Some(old), Some(old + nanos)], None),
            ([Some(old), Some(whole(now + hour)? + nanos)], Some(TICK)),
            ([Some(whole(now)?), Some(old)], Some(COARSE_TICK)),
            ([Some(whole(now + hour)?), None], Some(COARSE_TICK)),
            ([None, None], None),
        ] {
            assert_eq!(sight(times).must_stay(), expected, "{times:?}");
        }
        Ok(())
    }

    /// What is put in the place of a file with the same size and time is another file.
    #[cfg(unix)]
    #[test]
    fn another_file_with_the_same_size_and_time_shows() -> std::io::Result<()> {
        let directory = tempfile::TempDir::new()?;
        let [one, other] = ["one", "other"].map(|name| directory.path().join(name));
        std::fs::write(&one, "a")?;
        std::fs::write(&other, "b")?;
        let before = Sight::of(&one).map_err(std::io::Error::other)?;
        let time = std::fs::metadata(&one)?.modified()?;
        std::fs::File::options().write(true).open(&other)?.set_modified(time)?;
        std::fs::rename(&other, &one)?;
        let after = Sight::of(&one).map_err(std::io::Error::other)?;
        assert_ne!(before, after);
        Ok(())
    }
}
