//! Takes care of a file of events while this process holds it open, so that others do not notice.
//!
//! Dagster's watchers look only at the file of a database. What Dagster writes goes to the write-ahead log beside
//! the file. It gets into the file when the last connection is closed, which usually is the one that wrote. While a
//! connection of ours is open, Dagster's is not the last. So we touch the file whenever its log has grown, and
//! close connections that nobody uses.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use sqlx::sqlite::SqlitePool;
use tokio::task::JoinHandle;

use super::access::{beside, may_be_written};

/// How often the log of an open file is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// How long a connection stays open that nobody uses.
pub(super) const IDLE: Duration = Duration::from_secs(5);

/// After how many looks without a use the readers are closed.
const IDLE_LOOKS: u32 = 10;

/// The size and the time of a write-ahead log.
type LogState = (u64, SystemTime);

/// Takes care of one file, from its first use until no connection is open, and again from the next use on.
#[derive(Debug)]
pub(super) struct Caretaker {
    file: PathBuf,
    /// Whether it is touched. One that is only read is left alone.
    is_written: bool,
    readers: SqlitePool,
    has_writer: Arc<AtomicBool>,
    care: Arc<Mutex<Care>>,
}

#[derive(Debug, Default)]
struct Care {
    task: Option<JoinHandle<()>>,
    was_used: bool,
}

impl Caretaker {
    pub(super) fn new(
        file: &Path,
        is_written: bool,
        readers: &SqlitePool,
        has_writer: &Arc<AtomicBool>,
    ) -> Self {
        Self {
            file: file.to_owned(),
            is_written,
            readers: readers.clone(),
            has_writer: Arc::clone(has_writer),
            care: Arc::default(),
        }
    }

    /// To be called before each use of the file.
    pub(super) fn begin_use(&self) {
        let mut care = lock(&self.care);
        care.was_used = true;
        // The task of an earlier runtime has ended with it.
        if care.task.as_ref().is_none_or(JoinHandle::is_finished) {
            let round = Round {
                file: self.file.clone(),
                is_written: self.is_written,
                readers: self.readers.clone(),
                has_writer: Arc::clone(&self.has_writer),
                care: Arc::clone(&self.care),
                announcer: Announcer::default(),
                looks_without_use: 0,
            };
            care.task = Some(tokio::spawn(round.run()));
        }
    }
}

impl Drop for Caretaker {
    fn drop(&mut self) {
        if let Some(task) = lock(&self.care).task.take() {
            task.abort();
        }
    }
}

fn lock(care: &Mutex<Care>) -> std::sync::MutexGuard<'_, Care> {
    care.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What the task of a caretaker works with.
struct Round {
    file: PathBuf,
    is_written: bool,
    readers: SqlitePool,
    has_writer: Arc<AtomicBool>,
    care: Arc<Mutex<Care>>,
    announcer: Announcer,
    looks_without_use: u32,
}

impl Round {
    async fn run(mut self) {
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            if self.is_written && self.announcer.is_due(log_state(&self.file).await) {
                touch(&self.file);
            }
            let is_open = self.readers.size() > 0 || self.has_writer.load(Ordering::Acquire);
            {
                let mut care = lock(&self.care);
                if std::mem::take(&mut care.was_used) {
                    self.looks_without_use = 0;
                } else if !is_open || self.readers.is_closed() {
                    // Under the lock: the next user starts another task.
                    care.task = None;
                    return;
                } else {
                    self.looks_without_use += 1;
                }
            }
            if self.looks_without_use >= IDLE_LOOKS {
                while let Some(reader) = self.readers.try_acquire() {
                    if let Err(error) = reader.close().await {
                        tracing::debug!(file = %self.file.display(), %error, "a reader was not closed cleanly");
                    }
                }
            }
        }
    }
}

/// Decides when a file is touched because others have written into its log.
///
/// Only the log decides, and a touch does not change the log. So several processes can take care of one file
/// without keeping one another busy.
#[derive(Debug, Default)]
struct Announcer {
    /// The log when it was last looked at. What is in it at first may be from somebody whose connection was not the
    /// last one because of ours.
    seen: Option<LogState>,
    /// Whether the log has changed since it was last announced. It changes before readers can see what was written,
    /// so it is announced once more when it no longer changes.
    is_owed: bool,
}

impl Announcer {
    /// Whether to touch the file whose log has this state; `None` if there is no log.
    fn is_due(&mut self, log: Option<LogState>) -> bool {
        let Some(log) = log else {
            // All of it is in the file by now, and that was noticed.
            (self.seen, self.is_owed) = (None, false);
            return false;
        };
        let has_changed = self.seen.replace(log) != Some(log);
        std::mem::replace(&mut self.is_owed, has_changed) || has_changed
    }
}

/// The state of the write-ahead log of a file; `None` if the log is empty.
async fn log_state(file: &Path) -> Option<LogState> {
    tokio::fs::metadata(beside(file, "-wal")).await.ok().as_ref().and_then(state_of)
}

/// An empty log is made by whoever merely reads; it is no news.
fn state_of(log: &std::fs::Metadata) -> Option<LogState> {
    (log.len() > 0).then_some(())?;
    Some((log.len(), log.modified().ok()?))
}

/// Tells Dagster's watchers that a database was written. One that cannot be written was not.
///
/// It uses the path: opening and closing the file would release the locks that SQLite has on it.
pub(crate) fn touch(database: &Path) {
    #[cfg(unix)]
    {
        use nix::fcntl::AT_FDCWD;
        use nix::sys::stat::{UtimensatFlags, utimensat};
        use nix::sys::time::TimeSpec;
        if !may_be_written(database) {
            return;
        }
        let (now, flags) = (TimeSpec::UTIME_NOW, UtimensatFlags::FollowSymlink);
        if let Err(error) = utimensat(AT_FDCWD, database, &now, &now, flags) {
            // Dagster then sees the events when SQLite next writes the file.
            tracing::debug!(database = %database.display(), %error, "not touched");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::Announcer;

    #[test]
    fn each_change_of_a_log_is_announced_at_once_and_when_it_has_settled() {
        let at = |seconds| Some((100, SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)));
        let mut announcer = Announcer::default();
        for (log, expected) in [
            (None, false),
            (at(2), true),
            (at(3), true),
            (at(3), true),
            (at(3), false),
            (None, false),
            (at(3), true),
            (None, false),
            (None, false),
        ] {
            assert_eq!(announcer.is_due(log), expected, "{log:?}");
        }
    }
}
