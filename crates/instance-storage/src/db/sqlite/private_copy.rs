//! A copy of a database with what is in its log, which only this process reads.
//!
//! SQLite reads a log only by memory that it shares with the writers. Told to do without, it takes itself for the only user
//! of the file, and tidies up a log that somebody is still writing. So a file whose log cannot be read beside its writers
//! is read nowhere but in a copy. Not here: whether the file was changed while it was copied (`access.rs`).

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use instance_core::error::StorageError;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteLockingMode, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection};

use super::access::{beside, io_error};
use crate::db::backend_error;

/// The name of the copy in its directory.
const NAME: &str = "copy.db";

/// A directory that goes with what is in it.
#[derive(Debug)]
pub(super) struct PrivateCopy(PathBuf);

impl PrivateCopy {
    /// Copies a file and its log. The copy has no log: what was in it is in the file.
    ///
    /// The database must not be open in this process: to close a file is to lose the locks on it.
    pub(super) async fn of(file: &Path) -> Result<Self, StorageError> {
        let from = file.to_owned();
        let copying = tokio::task::spawn_blocking(move || copied(&from));
        let copy = copying
            .await
            .unwrap_or_else(|error| Err(io_error("copy", file, std::io::Error::other(error))))?;
        let folding = SqliteConnectOptions::new()
            .filename(copy.file())
            // Alone, SQLite needs no memory that is shared.
            .locking_mode(SqliteLockingMode::Exclusive)
            .journal_mode(SqliteJournalMode::Delete)
            .synchronous(SqliteSynchronous::Off)
            .disable_statement_logging();
        let folded = async { folding.connect().await?.close().await }.await;
        folded.map_err(|error| backend_error(&file.display().to_string(), "opening", error))?;
        Ok(copy)
    }

    pub(super) fn file(&self) -> PathBuf {
        self.0.join(NAME)
    }
}

impl Drop for PrivateCopy {
    fn drop(&mut self) {
        // The system clears the directory of temporary files of what cannot be deleted.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn copied(file: &Path) -> Result<PrivateCopy, StorageError> {
    let above = std::env::temp_dir();
    let copy =
        new_directory(&above).map_err(|error| io_error("create a directory in", &above, error))?;
    let failed = |error: std::io::Error| {
        let said = format!(
            "{error}; its log can be read only in a copy, which is made in {}: give that room, or name another directory by \
             TMPDIR",
            above.display()
        );
        io_error("copy", file, std::io::Error::new(error.kind(), said))
    };
    let to = copy.file();
    for ending in ["", "-wal"] {
        // A copy of the rights, too, might not be writable.
        let mut from = match std::fs::File::open(beside(file, ending)) {
            // The log went meanwhile, which the next look shows.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && !ending.is_empty() => {
                continue;
            }
            opened => opened.map_err(failed)?,
        };
        let mut to = std::fs::File::create_new(beside(&to, ending)).map_err(failed)?;
        std::io::copy(&mut from, &mut to).map_err(failed)?;
    }
    Ok(copy)
}

/// A directory that nobody else may look into.
fn new_directory(above: &Path) -> std::io::Result<PrivateCopy> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    #[cfg_attr(not(unix), expect(unused_mut, reason = "it has no rights there"))]
    let mut builder = std::fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    loop {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("dagster-instance-copy-{}-{number}", std::process::id());
        let path = above.join(name);
        match builder.create(&path) {
            // A process that was killed has left it.
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            created => return created.map(|()| PrivateCopy(path)),
        }
    }
}
