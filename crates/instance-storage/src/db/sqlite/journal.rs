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

use sqlx::sqlite::{SqliteConnectOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, SqliteConnection};

use super::access::beside;
use crate::sql::schema::{BEGIN_WRITE, JOURNAL_MODE, JOURNAL_MODE_WAL};

/// What was found of directories.
static FOUND: Mutex<BTreeMap<PathBuf, bool>> = Mutex::new(BTreeMap::new());

/// The mode of a file with a write-ahead log, as SQLite names it.
const WITH_LOG: &str = "wal";

/// Whether files in the directory of this one can have a write-ahead log. It is tried once, with a file that goes again.
/// If they cannot, that is said once for each file system.
pub(super) async fn can_have_log(file: &Path) -> bool {
    let Some(directory) = file.parent() else {
        return true;
    };
    let found = || FOUND.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(can) = found().get(directory) {
        return *can;
    }
    let can = match try_it(directory).await {
        Ok(can) => can,
        Err(error) => is_for_want_of_memory(&error) != Some(true),
    };
    found().insert(directory.to_owned(), can);
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

/// Whether a file with a write-ahead log cannot be opened because memory cannot be shared; `None` if the error is not
/// SQLite's.
pub(in crate::db) fn is_for_want_of_memory(error: &sqlx::Error) -> Option<bool> {
    /// Input and output on shared memory (`SQLITE_IOERR_SHMOPEN`, `SHMSIZE`, `SHMLOCK`, `SHMMAP`), and locks there that are
    /// not given (`SQLITE_PROTOCOL`).
    const CODES: [u32; 5] = [4_618, 4_874, 5_130, 5_386, 15];
    let code = error.as_database_error()?.code()?.parse().ok()?;
    Some(CODES.contains(&code))
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
