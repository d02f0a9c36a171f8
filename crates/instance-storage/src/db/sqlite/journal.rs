//! Whether a directory's file system lets SQLite have write-ahead logs, which need memory that processes share.
//!
//! Where it does not, a file has a rollback journal: readers and writers wait for one another, and all is as durable.
//! The mode of a file is not tried on the file: SQLite sets it without a word, and can then open the file no more. Not
//! here: which files are created.

use std::collections::{BTreeMap, BTreeSet};
#[cfg(unix)]
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use instance_core::error::StorageError;
use sqlx::sqlite::{SqliteConnectOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, SqliteConnection};

use super::access::{beside, io_error};
use crate::sql::schema::{BEGIN_WRITE, JOURNAL_MODE, JOURNAL_MODE_WAL};

/// What was found of directories.
static FOUND: Mutex<BTreeMap<PathBuf, bool>> = Mutex::new(BTreeMap::new());

/// The mode of a file with a write-ahead log, as SQLite names it.
const WITH_LOG: &str = "wal";

/// The room that a file system must have left, so that what it cannot do is not for want of room.
#[cfg(unix)]
const ROOM: u128 = 1 << 20;

/// Whether files in the directory of this one can have a write-ahead log. It is tried with a file that goes again, and once
/// unless there is an error, which may pass. If they cannot, that is said once for each file system.
pub(super) async fn can_have_log(file: &Path) -> bool {
    let Some(directory) = file.parent() else {
        return true;
    };
    let found = || FOUND.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(can) = found().get(directory) {
        return *can;
    }
    let can = match try_it(directory).await {
        Ok(can) => {
            found().insert(directory.to_owned(), can);
            can
        }
        // What else is wrong shows when the file is created.
        Err(error) => is_for_want_of_memory(&error) != Some(true) || !has_room(directory).await,
    };
    if !can && is_news(directory) {
        tracing::warn!(
            directory = %directory.display(),
            "the file system has no memory that processes share, so SQLite cannot have write-ahead logs here; new files have \
             rollback journals, with which readers and writers wait for one another. Better put the home on a local disk"
        );
    }
    can
}

/// Whether nothing was said of this directory's file system.
fn is_news(directory: &Path) -> bool {
    static SAID: Mutex<BTreeSet<Option<u64>>> = Mutex::new(BTreeSet::new());
    #[cfg(unix)]
    let system = std::fs::metadata(directory).ok().map(|found| found.dev());
    #[cfg(not(unix))]
    let system = None;
    SAID.lock().unwrap_or_else(PoisonError::into_inner).insert(system)
}

/// Whether an open file has a write-ahead log.
pub(super) async fn has_log(connection: &mut SqliteConnection) -> sqlx::Result<bool> {
    let mode: String = sqlx::query_scalar(JOURNAL_MODE).fetch_one(connection).await?;
    Ok(mode == WITH_LOG)
}

/// Whether a file with a write-ahead log may have not been opened because memory cannot be shared; `None` if the error is not
/// SQLite's. A full disk and too little memory for the process have the same codes: [`is_without_memory`] finds out.
pub(in crate::db) fn is_for_want_of_memory(error: &sqlx::Error) -> Option<bool> {
    /// Input and output on shared memory (`SQLITE_IOERR_SHMOPEN`, `SHMSIZE`, `SHMLOCK`, `SHMMAP`).
    const CODES: [u32; 4] = [4_618, 4_874, 5_130, 5_386];
    let code = error.as_database_error()?.code()?.parse().ok()?;
    Some(CODES.contains(&code))
}

/// Whether the file system of a file has no memory that processes share: it has none for another file, either, though there
/// is room. Called after a file could not be opened.
///
/// # Errors
///
/// There is no room.
pub(super) async fn is_without_memory(file: &Path) -> Result<bool, StorageError> {
    let Some(directory) = file.parent() else {
        return Ok(false);
    };
    if !has_room(directory).await {
        let full = "its file system is full, and the memory of its write-ahead log needs room; delete something there";
        let full = std::io::Error::new(std::io::ErrorKind::StorageFull, full);
        return Err(io_error("open", file, full));
    }
    Ok(match try_it(directory).await {
        Ok(can) => !can,
        Err(error) => is_for_want_of_memory(&error) == Some(true),
    })
}

/// Whether a file system has room left. One that does not say it is taken to have some.
#[cfg(unix)]
async fn has_room(directory: &Path) -> bool {
    let asked = directory.to_owned();
    let asking = tokio::task::spawn_blocking(move || nix::sys::statvfs::statvfs(&asked)).await;
    let Ok(Ok(system)) = asking else {
        return true;
    };
    // Not all number their files.
    let has_names = system.files() == 0 || system.files_available() > 0;
    let free = u128::from(system.blocks_available()) * u128::from(system.fragment_size());
    free >= ROOM && has_names
}

#[cfg(not(unix))]
async fn has_room(_: &Path) -> bool {
    true
}

async fn try_it(directory: &Path) -> sqlx::Result<bool> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let name = format!(".dagster-instance-log-{}-{number}", std::process::id());
    let tried = Tried(directory.join(name));
    let options = SqliteConnectOptions::new()
        .filename(&tried.0)
        .create_if_missing(true)
        .synchronous(SqliteSynchronous::Off)
        .disable_statement_logging();
    let mut connection = options.connect().await?;
    let can = async {
        let mode: String = sqlx::query_scalar(JOURNAL_MODE_WAL).fetch_one(&mut connection).await?;
        sqlx::query(BEGIN_WRITE).execute(&mut connection).await?;
        Ok(mode == WITH_LOG)
    };
    let can = can.await;
    // What was begun is not ended: the file goes.
    let _ = connection.close().await;
    can
}

/// A file that is deleted with what belongs to it.
struct Tried(PathBuf);

impl Drop for Tried {
    fn drop(&mut self) {
        for ending in ["", "-wal", "-shm", "-journal"] {
            // What is not there need not go.
            let _ = std::fs::remove_file(beside(&self.0, ending));
        }
    }
}
