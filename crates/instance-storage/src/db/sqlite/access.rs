//! How a file can be used from here: it is written, or it is only read, and then in which way.
//!
//! SQLite reads a file with a write-ahead log only with a second file beside it, which it has to create. Where it cannot,
//! it reads the file as it stands, or a copy of the file and its log. Nobody tells such a reader that the file was
//! changed, so it looks before and after each read (`sight.rs`). Not here: what is done with a file (`mod.rs`).

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use instance_core::error::{Persistence, StorageError};
use sqlx::sqlite::SqliteConnectOptions;

use super::private_copy::PrivateCopy;
use super::sight::Sight;
use super::{errors, journal};
use crate::file_systems;

/// How long a look waits for others to let a file be for a moment.
const PATIENCE: Duration = Duration::from_secs(3);

/// How many bytes the path of a database may have: SQLite adds an ending for its journal, and takes 512.
const LONGEST_PATH: usize = 504;

/// Why files with a write-ahead log cannot be written where memory cannot be shared.
const WITHOUT_MEMORY: &str = "it has a write-ahead log, for which its file system has no memory that processes share; put \
     the home on a local disk, or say `PRAGMA journal_mode=DELETE` to each file there";

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
    /// A copy of it as it stands, with what is in its log.
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

/// Looks again at a file that could not be opened as an earlier look has found it; `None` if the error stands.
///
/// # Errors
///
/// Those of [`look`]; the file system is full.
pub(super) async fn look_after(
    earlier: &Look,
    error: &StorageError,
    path: &Path,
) -> Result<Option<Look>, StorageError> {
    if errors::is_for_want_of_memory(error) && earlier.access.read_only().is_none() {
        // The home may have been brought to a file system that cannot do what its files need.
        return if journal::is_without_memory(&earlier.file).await? {
            look_as(path, Some(WITHOUT_MEMORY)).await.map(Some)
        } else {
            Ok(None)
        };
    }
    if earlier.access.holds().await { Ok(None) } else { look(path).await.map(Some) }
}

/// The same as [`look`] for a file that cannot be written because there is no shared memory, if `why` says so.
async fn look_as(path: &Path, why: Option<&str>) -> Result<Look, StorageError> {
    let (mut waited, mut last) = (Duration::ZERO, None);
    loop {
        let (asked, why) = (path.to_owned(), why.map(Arc::from));
        let looking = tokio::task::spawn_blocking(move || look_once(&asked, why));
        let looked = looking.await.unwrap_or_else(|error| {
            Err(io_error("look for", path, std::io::Error::other(error)))
        })?;
        let Access::Read(read) = &looked.access else {
            return Ok(looked);
        };
        if !read.is_verified() || last.as_ref() == Some(&read.seen) {
            return Ok(looked);
        }
        let Some(tick) = read.seen.must_stay() else {
            return Ok(looked);
        };
        if waited >= PATIENCE {
            return Err(changing(&path.display().to_string()));
        }
        last = Some(read.seen.clone());
        tokio::time::sleep(tick).await;
        waited += tick;
    }
}

/// The error of a file that others change whenever it is read without their locks.
pub(super) fn changing(database: &str) -> StorageError {
    StorageError::Backend {
        database: database.to_owned(),
        operation: "reading without a lock",
        persistence: Persistence::Temporary,
        source: "others write it all the time, and it cannot be locked from here; read it as a user who may write it, \
                 or when they write less"
            .into(),
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

    /// How connections are opened that read in this way, and what has to be kept as long as they are used. This process
    /// must not have the file open.
    pub(super) async fn apply(
        &self,
        options: SqliteConnectOptions,
    ) -> Result<(SqliteConnectOptions, Option<PrivateCopy>), StorageError> {
        let options = options.read_only(true);
        Ok(match self.way {
            Way::Missing | Way::BesideWriters => (options, None),
            Way::AsItStands => (options.immutable(true), None),
            Way::WithItsLog => {
                let copy = PrivateCopy::of(&self.file).await?;
                (options.filename(copy.file()).immutable(true), Some(copy))
            }
        })
    }
}

/// Whether this user may write a file. Its owner may change its times even if not.
pub(super) fn may_be_written(file: &Path) -> bool {
    rights::may_be_written(file)
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
    // Memory on another machine is what a writer there once wrote to the disk.
    let has_memory = can_share
        && seen.has_memory
        && rights::must_be_readable("read", &memory).is_ok()
        && file_systems::kind_of(file).is_none();
    Ok(if has_memory { Way::BesideWriters } else { Way::WithItsLog })
}

/// Creates a directory, and those above it, unless it is there.
pub(super) async fn create_directory(directory: &Path) -> Result<(), StorageError> {
    tokio::fs::create_dir_all(directory).await.map_err(|source| StorageError::Io {
        action: "create",
        path: directory.display().to_string(),
        source,
    })
}

/// Whether there is a file.
pub(crate) async fn exists(path: &Path) -> Result<bool, StorageError> {
    let look = tokio::fs::try_exists(path).await;
    look.map_err(|source| StorageError::Io {
        action: "look for",
        path: path.display().to_string(),
        source,
    })
}

/// The path of what belongs to a database.
pub(super) fn beside(file: &Path, ending: &str) -> PathBuf {
    let mut path = file.as_os_str().to_owned();
    path.push(ending);
    PathBuf::from(path)
}

pub(super) fn io_error(action: &'static str, path: &Path, source: std::io::Error) -> StorageError {
    StorageError::Io { action, path: path.display().to_string(), source }
}

/// What this user may do with files.
#[cfg(unix)]
mod rights {
    use std::os::unix::fs::MetadataExt;
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
        let mut is_missing = false;
        for path in needed {
            match may(path, AccessFlags::W_OK) {
                Err(Errno::ENOENT) => is_missing = true,
                Err(error) if is_of_rights(error) => return Some(said(error, &owned(path)).into()),
                // What else is wrong shows when it is opened.
                _ => {}
            }
        }
        if is_missing { why_not_created(file) } else { None }
    }

    /// A file, and whose it is.
    fn owned(path: &Path) -> String {
        let owner = std::fs::metadata(path).map(|file| file.uid());
        let owner = owner.map(|user| format!(", which belongs to user {user}"));
        format!("{}{}", path.display(), owner.unwrap_or_default())
    }

    fn is_of_rights(error: Errno) -> bool {
        [Errno::EROFS, Errno::EACCES, Errno::EPERM].contains(&error)
    }

    /// Why a file cannot be created.
    pub(super) fn why_not_created(file: &Path) -> Option<Arc<str>> {
        // The directories above it are created, too.
        let directory = file.ancestors().skip(1).find(|directory| directory.exists())?;
        let error = may(directory, AccessFlags::W_OK | AccessFlags::X_OK).err()?;
        // What else is wrong, such as a file in the place of the directory, shows when it is created.
        let what = format!("the directory {}", directory.display());
        is_of_rights(error).then(|| said(error, &what).into())
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
