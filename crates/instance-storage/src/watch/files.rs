//! Notices of the operating system about files that were written.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use instance_core::ids::RunId;
use notify::event::ModifyKind;
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};

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
    /// Listens for the files of runs in a directory; `None` if the operating system does not announce them.
    pub(super) fn of_runs(directory: &Path, followed: &Arc<Followed>) -> Option<Self> {
        let followed = Arc::clone(followed);
        Self::listen(directory, move |heard, path| match (heard, run_of(path)) {
            (Heard::Written, Some(run_id)) => followed.early(&run_id),
            (Heard::Touched, Some(run_id)) => followed.visible(&run_id),
            (_, None) => {}
        })
    }

    /// Listens for the file with the events of all runs; `None` if the operating system does not announce it.
    pub(super) fn of_all(path: &Path, followed: &Arc<Followed>) -> Option<Self> {
        let followed = Arc::clone(followed);
        let written = database_of(path)?.to_owned();
        Self::listen(path.parent()?, move |heard, path| {
            if database_of(path) == Some(&*written) {
                match heard {
                    Heard::Written => followed.early_of_all(),
                    Heard::Touched => followed.visible_of_all(),
                }
            }
        })
    }

    fn listen(
        directory: &Path,
        mut hear: impl FnMut(Heard, &Path) + Send + 'static,
    ) -> Option<Self> {
        let begin = || {
            std::fs::create_dir_all(directory)?;
            let mut watcher = notify::recommended_watcher(move |event| {
                if let Some((heard, paths)) = heard_paths(event) {
                    for path in &paths {
                        hear(heard, path);
                    }
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

/// What a notice says of its files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Heard {
    /// They were written.
    Written,
    /// They were touched, as a writer does when others can see what it wrote.
    Touched,
}

fn heard_paths(event: notify::Result<notify::Event>) -> Option<(Heard, Vec<PathBuf>)> {
    match event {
        Ok(event) => match event.kind {
            EventKind::Modify(ModifyKind::Metadata(_)) => Some((Heard::Touched, event.paths)),
            EventKind::Modify(_) | EventKind::Create(_) => Some((Heard::Written, event.paths)),
            _ => None,
        },
        Err(error) => {
            // Whoever follows a run also looks from time to time.
            tracing::warn!(%error, "a notice of a file that was written is lost");
            None
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
