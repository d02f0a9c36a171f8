//! Upgrading one SQLite file: what is found in it, its copy, and the change of its schema, which is one transaction.
//!
//! It works on the file by a connection of its own, since the file need not have a revision that is opened otherwise. Not
//! here: which files there are, and in which order they are upgraded.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use instance_core::error::StorageError;
use sqlx::{AssertSqlSafe, ConnectOptions, SqliteConnection};

use super::{
    Access, Connection, DriverConnection, Known, LOOKS, PrivateCopy, Row, SqlitePlace, access,
    backend_error, journal, options, run_file,
};
use crate::sql::Dialect;
use crate::sql::schema::history::{self, Catalog, Step, Way};
use crate::sql::schema::{self, HEAD, Schema};
use crate::sql::tables::{alembic_version, run_tags, secondary_indexes};

/// What is found in a file.
#[derive(Debug)]
pub(crate) struct Found {
    /// Its revision; `None` if it has none.
    pub(crate) revision: Option<String>,
    /// What leads to the newest revision; `None` if it has that revision, or nothing at all.
    pub(crate) steps: Option<Vec<Step>>,
    /// How many tags of runs are in the way of the index that wants each once.
    pub(crate) doubled_tags: u64,
    /// The data migrations that are not marked as complete.
    pub(crate) unfinished: Vec<&'static str>,
}

/// Looks into a file, and changes nothing.
///
/// # Errors
///
/// [`StorageError::Revision`] if its revision is not of the chain since Dagster 1.0; else those of reading it.
pub(crate) async fn look(path: &Path, schema: Schema) -> Result<Found, StorageError> {
    for _ in 0..LOOKS {
        let file = File::open(path, schema, "looking at the schema").await?;
        let access = file.access.clone();
        let found = file.finish(async |file| file.look().await).await;
        // Whatever was found in a file that was changed meanwhile may never have been there.
        if access.holds().await {
            return found;
        }
    }
    Err(access::changing(&path.display().to_string()))
}

/// Refuses a file that can only be read.
pub(crate) async fn must_be_writable(path: &Path, schema: Schema) -> Result<(), StorageError> {
    File::open_to_write(path, schema, "upgrading").await?.finish(async |_| Ok(())).await
}

/// Copies a file as it is at one moment. The copy is durable, and has its name when it is whole.
pub(crate) async fn back_up(path: &Path, schema: Schema, to: &Path) -> Result<(), StorageError> {
    if let Some(directory) = to.parent() {
        super::create_directory(directory).await?;
        require_room(path, directory).await?;
    }
    if super::exists(to).await? {
        return Err(io_error("create", to, std::io::ErrorKind::AlreadyExists.into()));
    }
    let mut unfinished = to.as_os_str().to_owned();
    unfinished.push(".unfinished");
    let unfinished = PathBuf::from(unfinished);
    // Of a copy that was interrupted.
    let _ = tokio::fs::remove_file(&unfinished).await;
    let copy = async |file: &mut File| {
        let copying = sqlx::query(schema::VACUUM_INTO);
        let copying = copying.bind(unfinished.to_string_lossy().into_owned());
        let copied = copying.execute(&mut file.connection).await;
        copied.map(drop).map_err(|error| file.error(error))
    };
    File::open_to_write(path, schema, "copying").await?.finish(copy).await?;
    let (from, at) = (unfinished, to.to_owned());
    let finishing = tokio::task::spawn_blocking(move || {
        run_file::say_that_it_has_a_log(&from)?;
        std::fs::File::open(&from)?.sync_all()?;
        std::fs::rename(&from, &at)?;
        run_file::flush_directory(&at);
        Ok(())
    });
    let finished = finishing.await.unwrap_or_else(|error| Err(std::io::Error::other(error)));
    finished.map_err(|source| io_error("finish", to, source))
}

/// Brings a file to the newest revision, in one transaction. It changes nothing if the file has that revision. Returns how
/// many rows of doubled tags it deleted.
///
/// # Errors
///
/// As [`look`] has them. Nothing is changed then.
pub(crate) async fn upgrade(path: &Path, schema: Schema) -> Result<u64, StorageError> {
    let file = File::open_to_write(path, schema, "upgrading").await?;
    file.finish(async |file| file.upgrade().await).await
}

/// A file with a connection that nobody else uses.
struct File {
    name: Arc<str>,
    schema: Schema,
    operation: &'static str,
    access: Access,
    connection: SqliteConnection,
    /// What is read in the place of the file.
    _copy: Option<PrivateCopy>,
}

impl File {
    async fn open(
        path: &Path,
        schema: Schema,
        operation: &'static str,
    ) -> Result<Self, StorageError> {
        let mut look = access::look(path).await?;
        for _ in 0..LOOKS {
            let error = match Self::open_as(&look.access, path, schema, operation).await {
                Ok(file) => return Ok(file),
                Err(error) => error,
            };
            match access::look_after(&look, &error, path).await? {
                Some(again) => look = again,
                None => return Err(error),
            }
        }
        Err(access::changing(&path.display().to_string()))
    }

    async fn open_as(
        access: &Access,
        path: &Path,
        schema: Schema,
        operation: &'static str,
    ) -> Result<Self, StorageError> {
        let name: Arc<str> = path.display().to_string().into();
        let options = options(&SqlitePlace::File(path.to_owned()), schema);
        let (options, copy) = match access.read_only() {
            Some(read) => read.apply(options).await?,
            None => (options, None),
        };
        let failed = |error| backend_error(&name, operation, error);
        let mut connection = options.connect().await.map_err(failed)?;
        // SQLite opens the log when it is first read.
        journal::has_log(&mut connection).await.map_err(failed)?;
        let access = access.clone();
        Ok(Self { name, schema, operation, access, connection, _copy: copy })
    }

    /// Opens a file, and refuses one that can only be read.
    async fn open_to_write(
        path: &Path,
        schema: Schema,
        operation: &'static str,
    ) -> Result<Self, StorageError> {
        let file = Self::open(path, schema, operation).await?;
        match file.access.read_only() {
            None => Ok(file),
            Some(read) => Err(StorageError::ReadOnly {
                database: file.name.to_string(),
                operation,
                why: (*read.why).into(),
            }),
        }
    }

    /// Does something, and closes the file, so that no log stays beside it.
    async fn finish<T>(
        mut self,
        work: impl AsyncFnOnce(&mut Self) -> Result<T, StorageError>,
    ) -> Result<T, StorageError> {
        let done = work(&mut self).await;
        let closed = sqlx::Connection::close(self.connection).await;
        let done = done?;
        closed.map_err(|error| backend_error(&self.name, self.operation, error))?;
        Ok(done)
    }

    fn error(&self, error: sqlx::Error) -> StorageError {
        backend_error(&self.name, self.operation, error)
    }

    fn statements(&mut self) -> Connection<'_> {
        Connection {
            database: Arc::clone(&self.name),
            known: Arc::new(Known::of(&[self.schema])),
            operation: self.operation,
            driver: DriverConnection::Sqlite(&mut self.connection),
        }
    }

    async fn execute(&mut self, sql: &str) -> Result<u64, StorageError> {
        let done = sqlx::query(AssertSqlSafe(sql.to_owned())).execute(&mut self.connection).await;
        done.map(|done| done.rows_affected()).map_err(|error| self.error(error))
    }

    async fn look(&mut self) -> Result<Found, StorageError> {
        let catalog = self.catalog().await?;
        let revision = self.revision(&catalog).await?;
        let way = self.way(&catalog, revision.as_deref())?;
        let steps = way.map(|way| history::plan(Dialect::Sqlite, way, &catalog));
        let needs_single_tags = steps.iter().flatten().any(makes_tags_unique);
        let doubled_tags = if needs_single_tags && catalog.has_table(run_tags::TABLE) {
            let counted = sqlx::query_scalar::<_, i64>(schema::COUNT_DOUBLED_TAGS);
            let counted = counted.fetch_one(&mut self.connection).await;
            counted.map_err(|error| self.error(error))?.unsigned_abs()
        } else {
            0
        };
        let unfinished = self.unfinished(&catalog).await?;
        Ok(Found { revision, steps, doubled_tags, unfinished })
    }

    async fn upgrade(&mut self) -> Result<u64, StorageError> {
        self.execute(schema::BEGIN_WRITE).await?;
        let done = self.change().await;
        let end = if done.is_ok() { schema::COMMIT } else { schema::ROLLBACK };
        let ended = self.execute(end).await;
        // The first error is the one to return.
        let deleted = done?;
        ended.map(|_| deleted)
    }

    /// Looks again, within the transaction, and does what is still to be done.
    async fn change(&mut self) -> Result<u64, StorageError> {
        let found = self.look().await?;
        let Some(steps) = found.steps else {
            return Ok(0);
        };
        let mut deleted = 0;
        if found.doubled_tags > 0 {
            deleted = self.execute(schema::DELETE_DOUBLED_TAGS).await?;
            tracing::info!(database = %self.name, rows = deleted, "deleted doubled tags");
        }
        for statement in steps.iter().flat_map(|step| &step.statements) {
            self.execute(statement).await?;
        }
        if let Some(from) = &found.revision {
            self.statements().execute(&schema::update_revision(from)).await?;
        } else {
            if !self.catalog().await?.has_table(alembic_version::TABLE) {
                self.execute(history::CREATE_ALEMBIC_VERSION).await?;
            }
            self.statements().execute(&schema::insert_revision(HEAD)).await?;
        }
        tracing::info!(database = %self.name, from = found.revision, "upgraded");
        Ok(deleted)
    }

    async fn catalog(&mut self) -> Result<Catalog, StorageError> {
        let columns = sqlx::query_as::<_, (String, String, bool)>(history::SQLITE_COLUMNS);
        let columns = columns.fetch_all(&mut self.connection).await;
        let indexes = sqlx::query_scalar::<_, String>(history::SQLITE_INDEXES);
        let mut catalog = Catalog::default();
        for (table, column, is_key) in columns.map_err(|error| self.error(error))? {
            catalog.add_column(&table, &column);
            if is_key {
                catalog.add_primary_key(&table);
            }
        }
        let indexes = indexes.fetch_all(&mut self.connection).await;
        for index in indexes.map_err(|error| self.error(error))? {
            catalog.add_index(&index);
        }
        Ok(catalog)
    }

    async fn revision(&mut self, catalog: &Catalog) -> Result<Option<String>, StorageError> {
        if !catalog.has_table(alembic_version::TABLE) {
            return Ok(None);
        }
        let rows = self.statements().fetch(&schema::select_revision()).await?;
        let mut found = rows.iter().map(Row::scalar).collect::<Result<Vec<String>, _>>()?;
        if found.len() > 1 {
            found.sort();
            let remedy = "a database has one; restore a backup, or delete those of `alembic_version` that are wrong. \
                          Nothing was changed";
            return Err(self.refused(found.join(", "), remedy));
        }
        Ok(found.pop())
    }

    /// How the file comes to the newest revision; `None` if there is nothing to do.
    fn way(&self, catalog: &Catalog, revision: Option<&str>) -> Result<Option<Way>, StorageError> {
        let Some(revision) = revision else {
            // A file without tables is one that somebody is about to fill. One with other tables is not Dagster's.
            let is_of_dagster = catalog.has_table(self.schema.main_table());
            return Ok(is_of_dagster.then_some(Way::Unstamped(self.schema)));
        };
        if revision == schema::HEAD {
            return Ok(None);
        }
        if let Some(at) = history::position(revision) {
            return Ok(Some(Way::Chain(at)));
        }
        let remedy = if history::is_before_base(revision) {
            "it is of Dagster before 1.0: run `dagster instance migrate` of Dagster 1.13 first. Nothing was changed"
        } else {
            "it is of a newer Dagster, or of none; use a newer version of this program. Nothing was changed"
        };
        Err(self.refused(revision.to_owned(), remedy))
    }

    fn refused(&self, found: String, remedy: &'static str) -> StorageError {
        let database = self.name.to_string();
        StorageError::Revision { database, found, expected: schema::HEAD, remedy }
    }

    async fn unfinished(&mut self, catalog: &Catalog) -> Result<Vec<&'static str>, StorageError> {
        if !catalog.has_table(secondary_indexes::TABLE) {
            return Ok(Vec::new());
        }
        let rows = self.statements().fetch(&schema::select_completed_migrations()).await?;
        let done = rows.iter().map(Row::scalar).collect::<Result<Vec<Option<String>>, _>>()?;
        let all = self.schema.completed_migrations().iter().copied();
        Ok(all.filter(|name| !done.iter().flatten().any(|other| other == name)).collect())
    }
}

fn makes_tags_unique(step: &Step) -> bool {
    step.statements.iter().any(|statement| {
        statement.split(' ').any(|word| word == history::UNIQUE_TAGS)
            && !statement.starts_with(history::DROP)
    })
}

/// Refuses a copy for which there is no room.
async fn require_room(path: &Path, directory: &Path) -> Result<(), StorageError> {
    let size = tokio::fs::metadata(path).await.map_err(|source| io_error("read", path, source))?;
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    // What is in the log alone is in the copy, too.
    let of_log = tokio::fs::metadata(&log).await.map_or(0, |log| log.len());
    let size = size.len().saturating_add(of_log);
    #[cfg(unix)]
    {
        let (needed, asked) = (u128::from(size), directory.to_owned());
        let asking = tokio::task::spawn_blocking(move || nix::sys::statvfs::statvfs(&asked)).await;
        // Where the file system does not say it, the copy itself will.
        if let Ok(Ok(system)) = asking {
            let free = u128::from(system.blocks_available()) * u128::from(system.fragment_size());
            if free < needed {
                return Err(StorageError::Unsupported {
                    what: format!("a copy of {}", path.display()),
                    reason: format!(
                        "it needs {needed} bytes, and {} has {free} free; name another directory by --backup, or \
                         have none made by --no-backup",
                        directory.display()
                    ),
                });
            }
        }
    }
    #[cfg(not(unix))]
    let _ = (size, directory);
    Ok(())
}

fn io_error(action: &'static str, path: &Path, source: std::io::Error) -> StorageError {
    StorageError::Io { action, path: path.display().to_string(), source }
}

#[cfg(test)]
mod tests;
