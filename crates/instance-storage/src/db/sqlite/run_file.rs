//! The file of a run, made at once: blank, or with the first events of the run.
//!
//! Files of runs are created often, and creating the tables one by one takes some twenty statements and five
//! flushes. The bytes of a blank file are the same for every run, so they are made once. The first events of a new
//! run are added in memory, and all is written at once.

use std::collections::BTreeMap;
use std::io::{Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::future::BoxFuture;
use instance_core::error::StorageError;
use sqlx::{ConnectOptions, SqliteConnection};
use tokio::sync::Mutex;

use super::super::capabilities::Known;
use super::{Connection, DriverConnection, SqliteDatabase, SqlitePlace, backend_error, options};
use crate::context::StorageContext;
use crate::sql::schema::{BEGIN_WRITE, ROLLBACK, Schema, Stamp};

/// Where the header of a file says that the file has a write-ahead log, for writers and for readers.
const JOURNAL_VERSIONS: std::ops::Range<usize> = 18..20;
const WRITE_AHEAD_LOG: u8 = 2;

/// The bytes of a blank file, as they are in memory, for each revision that it may have.
static BLANK: Mutex<BTreeMap<Option<String>, Arc<[u8]>>> = Mutex::const_new(BTreeMap::new());

/// How errors name what is not yet in a file.
const NAME: &str = "the file of a new run";

/// Puts a blank file of a run in its place, complete, unless a file is there. Another process sees all of it or
/// nothing.
///
/// `false` if that is not possible here, as on a file system without hard links. SQLite creates the file then, and
/// has the better errors.
pub(super) async fn place(
    path: &Path,
    revision: Option<&str>,
    context: &StorageContext,
) -> Result<bool, StorageError> {
    let bytes = with_log(blank(revision, context).await?.to_vec());
    // SQLite flushes the directory when it creates the log.
    Ok(put(path, bytes, false).await? != Placed::Impossible)
}

/// Makes the files of new runs that have events from the first.
#[derive(Debug, Default)]
pub(crate) struct RunFiles {
    memory: Mutex<Option<Blank>>,
}

/// A blank file in memory.
#[derive(Debug)]
struct Blank {
    connection: SqliteConnection,
    revision: Option<String>,
    known: Arc<Known>,
}

/// A file of a run with its first content, which has no place yet.
#[derive(Debug)]
pub(crate) struct RunFile(Vec<u8>);

impl RunFiles {
    /// A file with what is written into it, and the result of that. It has the revision of the index beside it.
    pub(crate) async fn with<T, F>(
        &self,
        beside: &Stamp,
        context: &StorageContext,
        operation: &'static str,
        write: F,
    ) -> Result<(RunFile, T), StorageError>
    where
        T: Send,
        F: for<'c> FnOnce(Connection<'c>) -> BoxFuture<'c, Result<T, StorageError>> + Send,
    {
        let failed = |error| backend_error(NAME, operation, error);
        let mut memory = self.memory.lock().await;
        // Taken out, so that a connection is not used again if something goes wrong.
        let revision = beside.of_what_is_beside();
        let mut blank = match memory.take() {
            Some(blank) if blank.revision.as_deref() == revision => blank,
            _ => blank_database(revision, context).await?,
        };
        // What is written is never committed, so the database stays blank for the next run. (The bytes are those of
        // its pages as they are now. If the database had been deserialised, they would be the committed ones.)
        let connection = &mut blank.connection;
        sqlx::query(BEGIN_WRITE).execute(&mut *connection).await.map_err(failed)?;
        let (database, known) = (Arc::from(NAME), Arc::clone(&blank.known));
        let driver = DriverConnection::Sqlite(&mut *connection);
        let written = write(Connection { database, known, operation, driver }).await?;
        let bytes = connection.serialize(None).await.map_err(failed)?.to_vec();
        sqlx::query(ROLLBACK).execute(&mut *connection).await.map_err(failed)?;
        *memory = Some(blank);
        Ok((RunFile(with_log(bytes)), written))
    }
}

impl RunFile {
    /// Puts the file in its place, durably and complete, unless a file is there. Returns whether it was put there.
    pub(crate) async fn place(self, path: &Path) -> Result<bool, StorageError> {
        if let Some(directory) = path.parent() {
            super::create_directory(directory).await?;
        }
        Ok(put(path, self.0, true).await? == Placed::Here)
    }
}

async fn blank(
    revision: Option<&str>,
    context: &StorageContext,
) -> Result<Arc<[u8]>, StorageError> {
    let key = revision.map(str::to_owned);
    let mut known = BLANK.lock().await;
    if let Some(bytes) = known.get(&key) {
        return Ok(Arc::clone(bytes));
    }
    let mut blank = blank_database(revision, context).await?;
    let failed = |error| backend_error(NAME, "creating", error);
    let bytes: Arc<[u8]> = blank.connection.serialize(None).await.map_err(failed)?.to_vec().into();
    known.insert(key, Arc::clone(&bytes));
    Ok(bytes)
}

async fn blank_database(
    revision: Option<&str>,
    context: &StorageContext,
) -> Result<Blank, StorageError> {
    let place = SqlitePlace::Memory;
    let beside = Stamp::of(revision.map(str::to_owned).into_iter().collect());
    let database = SqliteDatabase::new(place.clone(), Schema::EventShard, context.clone());
    let database = database.with_revision_of(&beside);
    let failed = |error| backend_error(NAME, "creating", error);
    let mut connection = options(&place, Schema::EventShard).connect().await.map_err(failed)?;
    database.create(&mut connection, None).await?;
    let (revision, known) = (database.revision.clone(), Arc::clone(&database.known));
    Ok(Blank { connection, revision, known })
}

/// What is in memory has no log, and its header says so.
fn with_log(mut bytes: Vec<u8>) -> Vec<u8> {
    if let Some(versions) = bytes.get_mut(JOURNAL_VERSIONS) {
        versions.fill(WRITE_AHEAD_LOG);
    }
    bytes
}

/// Gives a copy the mode that Dagster's files have. The copy that SQLite makes of a file has no log, and says so; whoever
/// puts it in the place of the file would have readers that wait for writers.
pub(super) fn say_that_it_has_a_log(path: &Path) -> std::io::Result<()> {
    let mut file = std::fs::OpenOptions::new().write(true).open(path)?;
    file.seek(std::io::SeekFrom::Start(JOURNAL_VERSIONS.start as u64))?;
    file.write_all(&[WRITE_AHEAD_LOG; 2])?;
    file.sync_all()
}

/// Where bytes have got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Placed {
    /// To their place.
    Here,
    /// Nowhere: a file is there.
    NotNeeded,
    /// Nowhere: it cannot be done here.
    Impossible,
}

async fn put(path: &Path, bytes: Vec<u8>, durably: bool) -> Result<Placed, StorageError> {
    let to = path.to_owned();
    let putting = tokio::task::spawn_blocking(move || {
        let placed = match place_bytes(&to, &bytes) {
            Ok(placed) => placed,
            Err(error) => {
                tracing::debug!(%error, "a file of a run is created by SQLite");
                return Placed::Impossible;
            }
        };
        if placed == Placed::Here && durably {
            flush_directory(&to);
        }
        placed
    });
    putting.await.map_err(|error| StorageError::Io {
        action: "create",
        path: path.display().to_string(),
        source: std::io::Error::other(error),
    })
}

/// Makes the name of a file durable. Some network file systems cannot flush a directory. There the name is as
/// durable as they make it, which SQLite accepts, too.
pub(super) fn flush_directory(path: &Path) {
    let flushed = path.parent().map(|directory| std::fs::File::open(directory)?.sync_all());
    if let Some(Err(error)) = flushed {
        tracing::debug!(path = %path.display(), %error, "a directory is not flushed");
    }
}

fn place_bytes(path: &Path, bytes: &[u8]) -> std::io::Result<Placed> {
    let unfinished = Unfinished(beside(path));
    let mut file = std::fs::File::create_new(&unfinished.0)?;
    file.write_all(bytes)?;
    file.sync_data()?;
    // The locks that SQLite has on a file belong to the process. Closing this one later would release them.
    drop(file);
    // Unlike renaming, it leaves alone what is there already.
    match std::fs::hard_link(&unfinished.0, path) {
        Ok(()) => Ok(Placed::Here),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(Placed::NotNeeded),
        Err(error) => Err(error),
    }
}

/// A name in the same directory that nobody else uses, and that is not the name of a run's file.
fn beside(path: &Path) -> PathBuf {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    path.with_file_name(format!(".{name}.new-{}-{number}", std::process::id()))
}

/// A file that is deleted when its bytes have their place, or will never have one.
struct Unfinished(PathBuf);

impl Drop for Unfinished {
    fn drop(&mut self) {
        // If it was not created there is nothing to remove.
        let _ = std::fs::remove_file(&self.0);
    }
}
