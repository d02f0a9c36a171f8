//! Notices of the operating system about files that were written.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use instance_core::ids::RunId;
use notify::{RecommendedWatcher, RecursiveMode, Watcher};

use super::Followed;

/// The ending of the names of databases, and what SQLite puts behind it.
const DATABASE: &str = ".db";
const WRITTEN: [&str; 3] = [".db", ".db-wal", ".db-journal"];

/// What listens for files that are written, until it is dropped.
#[derive(Debug)]
pub(super) struct Files {
    _watcher: RecommendedWatcher,
}

impl Files {
    /// Listens for the files of runs in a directory; `None` if the operating system will not tell.
    pub(super) fn of_runs(directory: &Path, followed: &Arc<Followed>) -> Option<Self> {
        let followed = Arc::clone(followed);
        Self::listen(directory, move |path| {
            if let Some(run_id) = run_of(path) {
                followed.early(&run_id);
            }
        })
    }

    /// Listens for the file with the events of all runs; `None` if the operating system will not tell.
    pub(super) fn of_all(path: &Path, followed: &Arc<Followed>) -> Option<Self> {
        let followed = Arc::clone(followed);
        let written = database_of(path)?.to_owned();
        Self::listen(path.parent()?, move |path| {
            if database_of(path) == Some(&*written) {
                followed.early_of_all();
            }
        })
    }

    fn listen(directory: &Path, mut heard: impl FnMut(&Path) + Send + 'static) -> Option<Self> {
        let begin = || {
            std::fs::create_dir_all(directory)?;
            let mut watcher = notify::recommended_watcher(move |event| {
                for path in written_paths(event) {
                    heard(&path);
                }
            })?;
            watcher.watch(directory, RecursiveMode::NonRecursive)?;
            Ok::<_, notify::Error>(watcher)
        };
        match begin() {
            Ok(watcher) => Some(Self { _watcher: watcher }),
            Err(error) => {
                tracing::warn!(
                    directory = %directory.display(), %error,
                    "no notices of files that are written; they are looked at more often instead"
                );
                None
            }
        }
    }
}

/// Tells Dagster that a database was written: it watches the file itself, and what is written stays in the log
/// beside it for long.
///
/// By its path: to open and close the file would take away the locks that SQLite has on it.
pub(super) fn touch(database: &Path) {
    #[cfg(unix)]
    {
        use nix::fcntl::AT_FDCWD;
        use nix::sys::stat::{UtimensatFlags, utimensat};
        use nix::sys::time::TimeSpec;
        let (now, flags) = (TimeSpec::UTIME_NOW, UtimensatFlags::FollowSymlink);
        if let Err(error) = utimensat(AT_FDCWD, database, &now, &now, flags) {
            // Dagster then sees the events when SQLite next writes the file.
            tracing::debug!(database = %database.display(), %error, "not touched");
        }
    }
}

fn written_paths(event: notify::Result<notify::Event>) -> Vec<PathBuf> {
    match event {
        Ok(event) if event.kind.is_modify() || event.kind.is_create() => event.paths,
        Ok(_) => Vec::new(),
        Err(error) => {
            // Whoever follows a run also looks from time to time.
            tracing::warn!(%error, "a notice of a file that was written is lost");
            Vec::new()
        }
    }
}

/// The run whose events are in a file; `None` for a file that is no log of a run.
fn run_of(path: &Path) -> Option<RunId> {
    database_of(path).map(RunId::from)
}

/// The name of the database that a file belongs to, without its ending.
fn database_of(path: &Path) -> Option<&str> {
    let name = path.file_name().and_then(OsStr::to_str)?;
    let (database, _) = name.rsplit_once(DATABASE)?;
    WRITTEN
        .iter()
        .any(|ending| name.len() == database.len() + ending.len() && name.ends_with(ending))
        .then_some(database)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::database_of;

    #[test]
    fn files_belong_to_databases() {
        for (path, expected) in [
            ("/h/r1.db", Some("r1")),
            ("/h/r1.db-wal", Some("r1")),
            ("/h/r1.db-journal", Some("r1")),
            ("/h/r1.db-shm", None),
            ("/h/.db-wal", Some("")),
            ("/h/a.db.db", Some("a.db")),
            ("/h/r1.dbx", None),
            ("/h/r1", None),
            ("/", None),
        ] {
            assert_eq!(database_of(Path::new(path)), expected, "{path}");
        }
    }
}
