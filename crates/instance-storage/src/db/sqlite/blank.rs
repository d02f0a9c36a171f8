//! The file of a run before its first event, made at once.
//!
//! A file for each run is created often, and creating its tables one by one takes some twenty statements and
//! five flushes. The bytes of such a file are the same for every run, so they are made once and written.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use instance_core::error::StorageError;
use sqlx::ConnectOptions;
use tokio::sync::OnceCell;

use super::{SqliteDatabase, SqlitePlace, backend_error, options};
use crate::layouts::StorageContext;
use crate::sql::schema::Schema;

/// Where a file's header says that it has a write-ahead log, for writers and for readers.
const JOURNAL_VERSIONS: std::ops::Range<usize> = 18..20;
const WRITE_AHEAD_LOG: u8 = 2;

static BLANK: OnceCell<Vec<u8>> = OnceCell::const_new();

/// Puts the file of a run in its place, complete, unless one is there: another process sees all of it or none.
///
/// `false` if that is not possible here, as on a file system without hard links; SQLite creates it then, and
/// has the better errors.
pub(super) async fn place(path: &Path, context: &StorageContext) -> Result<bool, StorageError> {
    let bytes = BLANK.get_or_try_init(|| bytes(context)).await?;
    let path = path.to_owned();
    let placing = tokio::task::spawn_blocking(move || place_bytes(&path, bytes));
    match placing.await.unwrap_or_else(|error| Err(std::io::Error::other(error))) {
        Ok(()) => Ok(true),
        Err(error) => {
            tracing::debug!(%error, "a file of a run is created by SQLite");
            Ok(false)
        }
    }
}

async fn bytes(context: &StorageContext) -> Result<Vec<u8>, StorageError> {
    let place = SqlitePlace::Memory;
    let database = SqliteDatabase::new(place.clone(), Schema::EventShard, context.clone());
    let failed = |error| backend_error(&database.name, "creating", error);
    let mut connection = options(&place).connect().await.map_err(failed)?;
    database.create(&mut connection).await?;
    let mut bytes = connection.serialize(None).await.map_err(failed)?.to_vec();
    // What is in memory has no log, and its header says so.
    if let Some(versions) = bytes.get_mut(JOURNAL_VERSIONS) {
        versions.fill(WRITE_AHEAD_LOG);
    }
    Ok(bytes)
}

fn place_bytes(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let unfinished = Unfinished(beside(path));
    let mut file = std::fs::File::create_new(&unfinished.0)?;
    file.write_all(bytes)?;
    file.sync_data()?;
    // Unlike renaming, it leaves alone what is there already.
    match std::fs::hard_link(&unfinished.0, path) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// A name in the same directory that nobody takes for a run's, and nobody else uses.
fn beside(path: &Path) -> PathBuf {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    path.with_file_name(format!(".{name}.new-{}-{number}", std::process::id()))
}

/// A file that goes away when its bytes have their place, or have none.
struct Unfinished(PathBuf);

impl Drop for Unfinished {
    fn drop(&mut self) {
        // If it was not created there is nothing to remove.
        let _ = std::fs::remove_file(&self.0);
    }
}
