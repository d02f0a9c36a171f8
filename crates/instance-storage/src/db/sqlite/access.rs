//! How a file can be used from here: it is written, or it is only read, and then in which way.
//!
//! SQLite reads a file with a write-ahead log only with a second file beside it, which it has to create. Where it cannot,
//! it reads the file as it stands, with or without what is in the log. Nobody tells such a reader that the file was
//! changed, so it looks before and after each read. Not here: what is done with a file (`mod.rs`).

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use instance_core::error::StorageError;
use sqlx::sqlite::{SqliteConnectOptions, SqliteLockingMode};

/// Two changes within this time may leave a file with one time of change.
const TICK: Duration = Duration::from_millis(50);

/// How many bytes the path of a database may have: SQLite adds an ending for its journal, and takes 512.
const LONGEST_PATH: usize = 504;

/// SQLite's name for the way to files that takes no locks, where it is needed to read a log without shared memory.
const WITHOUT_LOCKS: &str = "unix-none";

/// How a file can be used.
#[derive(Debug, Clone)]
pub(super) enum Access {
    /// It is there and can be written, or it is missing and can be created.
    Written,
    /// It is only read.
    Read(ReadOnly),
}

/// How a file is read that cannot be written from here.
#[derive(Debug, Clone)]
pub(super) struct ReadOnly {
    pub(super) way: Way,
    /// Why it cannot be written, and what to do.
    pub(super) why: Arc<str>,
    file: PathBuf,
    seen: Sight,
}

/// The ways to read a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// There is none, and none can be created.
    Missing,
    /// With the locks, and with the shared memory if it has a log.
    BesideWriters,
    /// As it stands. Its log, if it has one, is empty.
    AsItStands,
    /// As it stands, with what is in its log.
    WithItsLog,
}

/// What is there of a database.
#[derive(Debug, Clone)]
pub(super) struct Look {
    pub(super) exists: bool,
    /// The file itself, if the path is a link.
    pub(super) file: PathBuf,
    pub(super) access: Access,
}

/// Looks how a file can be used.
///
/// # Errors
///
/// It cannot be looked for; it is a directory; it or its log cannot be read.
pub(super) async fn look(path: &Path) -> Result<Look, StorageError> {
    look_as(path, None).await
}

/// The same for a file that cannot be written because there is no shared memory, if `why` says so.
pub(super) async fn look_as(path: &Path, why: Option<&str>) -> Result<Look, StorageError> {
    loop {
        let (asked, why) = (path.to_owned(), why.map(Arc::from));
        let looking = tokio::task::spawn_blocking(move || look_once(&asked, why));
        let looked = looking.await.unwrap_or_else(|error| {
            Err(io_error("look for", path, std::io::Error::other(error)))
        })?;
        let Access::Read(read) = &looked.access else {
            return Ok(looked);
        };
        if !read.is_verified() || !read.seen.is_fresh() {
            return Ok(looked);
        }
        tokio::time::sleep(TICK).await;
    }
}

impl Access {
    /// How the file is read; `None` if it can be written.
    pub(super) const fn read_only(&self) -> Option<&ReadOnly> {
        match self {
            Self::Written => None,
            Self::Read(read) => Some(read),
        }
    }

    /// Whether what was read since the look is what stood in the file then.
    pub(super) async fn holds(&self) -> bool {
        match self {
            Self::Written => true,
            Self::Read(read) => read.holds().await,
        }
    }
}

impl ReadOnly {
    const fn is_verified(&self) -> bool {
        !matches!(self.way, Way::BesideWriters)
    }

    async fn holds(&self) -> bool {
        if !self.is_verified() {
            return true;
        }
        let file = self.file.clone();
        let seen = tokio::task::spawn_blocking(move || Sight::of(&file)).await;
        matches!(seen, Ok(Ok(seen)) if seen == self.seen)
    }

    /// How a connection is opened that reads in this way.
    pub(super) fn apply(&self, options: SqliteConnectOptions) -> SqliteConnectOptions {
        let options = options.read_only(true);
        match self.way {
            Way::Missing | Way::BesideWriters => options,
            Way::AsItStands => options.immutable(true),
            Way::WithItsLog => {
                options.vfs(WITHOUT_LOCKS).locking_mode(SqliteLockingMode::Exclusive)
            }
        }
    }
}

/// Whether this user may write a file. Its owner may change its times even if not.
pub(super) fn may_be_written(file: &Path) -> bool {
    rights::may_be_written(file)
}

/// What shows that a database was changed.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Sight {
    file: Option<Seen>,
    log: Option<Seen>,
    has_journal: bool,
    has_memory: bool,
}

/// A file that is not empty.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Seen {
    bytes: u64,
    modified: Option<SystemTime>,
}

impl Sight {
    fn of(file: &Path) -> Result<Self, StorageError> {
        Ok(Self {
            file: seen(file)?,
            log: seen(&beside(file, "-wal"))?.filter(|log| log.bytes > 0),
            has_journal: seen(&beside(file, "-journal"))?.is_some_and(|file| file.bytes > 0),
            has_memory: seen(&beside(file, "-shm"))?.is_some(),
        })
    }

    /// Whether something was changed so lately that the next change may not show.
    fn is_fresh(&self) -> bool {
        let mut times = self.file.iter().chain(&self.log).filter_map(|seen| seen.modified);
        times.any(|at| at.elapsed().is_ok_and(|age| age < TICK))
    }
}

fn seen(path: &Path) -> Result<Option<Seen>, StorageError> {
    match std::fs::metadata(path) {
        Ok(file) if file.is_dir() => {
            Err(io_error("open", path, std::io::ErrorKind::IsADirectory.into()))
        }
        Ok(file) => Ok(Some(Seen { bytes: file.len(), modified: file.modified().ok() })),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(io_error("look for", path, error)),
    }
}

fn look_once(path: &Path, why: Option<Arc<str>>) -> Result<Look, StorageError> {
    // What belongs to a file is beside the file, and not beside a link to it.
    let file = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let length = file.as_os_str().len();
    if length > LONGEST_PATH {
        return Err(StorageError::Unsupported {
            what: format!("the database {}", file.display()),
            reason: format!(
                "its path has {length} bytes, and SQLite takes {LONGEST_PATH} at most; give the home a shorter one"
            ),
        });
    }
    let seen = Sight::of(&file)?;
    let exists = seen.file.is_some();
    let can_share = why.is_none();
    let why = if why.is_some() {
        why
    } else if exists {
        rights::why_not_written(&file, [&beside(&file, "-wal"), &beside(&file, "-shm")])
    } else {
        rights::why_not_created(&file)
    };
    let Some(why) = why else {
        return Ok(Look { exists, file, access: Access::Written });
    };
    let way = way(&file, &seen, can_share)?;
    let access = Access::Read(ReadOnly { way, why, file: file.clone(), seen });
    Ok(Look { exists, file, access })
}

fn way(file: &Path, seen: &Sight, can_share: bool) -> Result<Way, StorageError> {
    if seen.file.is_none() {
        return Ok(Way::Missing);
    }
    rights::must_be_readable("read", file)?;
    if seen.has_journal {
        // Somebody writes it, or has died in doing so. SQLite finds out which.
        return Ok(Way::BesideWriters);
    }
    if seen.log.is_none() {
        return Ok(Way::AsItStands);
    }
    // Without its log it would be old.
    rights::must_be_readable("read the write-ahead log", &beside(file, "-wal"))?;
    let memory = beside(file, "-shm");
    let has_memory =
        can_share && seen.has_memory && rights::must_be_readable("read", &memory).is_ok();
    Ok(if has_memory { Way::BesideWriters } else { Way::WithItsLog })
}

/// The path of what belongs to a database.
pub(super) fn beside(file: &Path, ending: &str) -> PathBuf {
    let mut path = file.as_os_str().to_owned();
    path.push(ending);
    PathBuf::from(path)
}

fn io_error(action: &'static str, path: &Path, source: std::io::Error) -> StorageError {
    StorageError::Io { action, path: path.display().to_string(), source }
}

/// What this user may do with files.
#[cfg(unix)]
mod rights {
    use std::path::{Path, PathBuf};
    use std::sync::Arc;

    use instance_core::error::StorageError;
    use nix::errno::Errno;
    use nix::unistd::{AccessFlags, Uid};

    pub(super) fn must_be_readable(action: &'static str, path: &Path) -> Result<(), StorageError> {
        may(path, AccessFlags::R_OK).map_err(|error| super::io_error(action, path, error.into()))
    }

    pub(super) fn may_be_written(path: &Path) -> bool {
        may(path, AccessFlags::W_OK).is_ok()
    }

    /// Why a file that is there cannot be written. `needed` is what SQLite creates beside it, unless it is there.
    pub(super) fn why_not_written(file: &Path, needed: [&PathBuf; 2]) -> Option<Arc<str>> {
        if let Err(error) = may(file, AccessFlags::W_OK) {
            return Some(said(error, "the file").into());
        }
        if needed.iter().all(|path| may(path, AccessFlags::W_OK).is_ok()) {
            return None;
        }
        why_not_created(file)
    }

    /// Why a file cannot be created.
    pub(super) fn why_not_created(file: &Path) -> Option<Arc<str>> {
        // The directories above it are created, too.
        let directory = file.ancestors().skip(1).find(|directory| directory.exists())?;
        let error = may(directory, AccessFlags::W_OK | AccessFlags::X_OK).err()?;
        // What else is wrong, such as a file in the place of the directory, shows when it is created.
        let is_of_rights = [Errno::EROFS, Errno::EACCES, Errno::EPERM].contains(&error);
        let what = format!("the directory {}", directory.display());
        is_of_rights.then(|| said(error, &what).into())
    }

    fn said(error: Errno, what: &str) -> String {
        if error == Errno::EROFS {
            return "its file system is read-only; make that writable, or use another home"
                .to_owned();
        }
        let user = Uid::effective();
        format!("user {user} may not write {what}; give the right, or work as another user")
    }

    fn may(path: &Path, mode: AccessFlags) -> Result<(), Errno> {
        #[cfg(target_os = "linux")]
        let allowed = nix::unistd::eaccess(path, mode);
        #[cfg(not(target_os = "linux"))]
        let allowed = nix::unistd::access(path, mode);
        allowed
    }
}

/// Where rights are not asked for, SQLite says what it cannot do.
#[cfg(not(unix))]
mod rights {
    use std::path::{Path, PathBuf};
    use std::sync::Arc;

    use instance_core::error::StorageError;

    pub(super) fn must_be_readable(_: &'static str, _: &Path) -> Result<(), StorageError> {
        Ok(())
    }

    pub(super) fn may_be_written(_: &Path) -> bool {
        true
    }

    pub(super) fn why_not_written(_: &Path, _: [&PathBuf; 2]) -> Option<Arc<str>> {
        None
    }

    pub(super) fn why_not_created(_: &Path) -> Option<Arc<str>> {
        None
    }
}
