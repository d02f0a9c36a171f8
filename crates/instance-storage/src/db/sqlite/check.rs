//! Looking at the schema of a SQLite file without changing anything, and without a file beside it.
//!
//! To read a file with a write-ahead log, SQLite makes two files beside it, unless it is told that nobody writes. It is told
//! so where there is no log: then nobody has the file open. Whether somebody came meanwhile shows in the file.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use instance_core::error::StorageError;
use sqlx::{AssertSqlSafe, ConnectOptions, SqliteConnection};

use super::{SqlitePlace, backend_error, exists, options};
use crate::sql::Dialect;
use crate::sql::schema::check::{Found, read};
use crate::sql::schema::{self, Schema};
use crate::sql::tables::alembic_version;

const OPERATION: &str = "checking the schema";

/// How often a file is read again that somebody changes meanwhile.
const TRIES: usize = 5;

/// A file whose schema is looked at.
pub(crate) struct CheckedFile {
    name: Arc<str>,
    schema: Schema,
    objects: Vec<read::SqliteObject>,
    revisions: Vec<Option<String>>,
    connection: SqliteConnection,
}

/// What tells whether a file was changed.
type State = Option<(u64, Option<SystemTime>)>;

impl CheckedFile {
    /// Opens a file and reads which objects it has.
    async fn open(path: &Path, schema: Schema) -> Result<Self, StorageError> {
        let name: Arc<str> = path.display().to_string().into();
        let failed = |error| backend_error(&name, OPERATION, error);
        let place = SqlitePlace::File(path.to_owned());
        let options = options(&place, schema).read_only(true);
        let is_alone = !has_beside(path, "-wal").await? && !has_beside(path, "-journal").await?;
        let mut connection = options.immutable(is_alone).connect().await.map_err(failed)?;
        let objects = sqlx::query_as(read::SQLITE_OBJECTS).fetch_all(&mut connection).await;
        let objects: Vec<read::SqliteObject> = objects.map_err(failed)?;
        let mut revisions = Vec::new();
        if objects.iter().any(|(kind, name, ..)| kind == "table" && name == alembic_version::TABLE)
        {
            let (select, _) = super::render(&schema::select_revision());
            let rows = sqlx::query_scalar(AssertSqlSafe(select)).fetch_all(&mut connection).await;
            // A table of the name that has no such column says nothing.
            revisions = rows.unwrap_or_default();
        }
        Ok(Self { name, schema, objects, revisions, connection })
    }

    /// Opens the file of a run. Only if it was changed meanwhile, it is opened again.
    pub(crate) async fn of_run(path: &Path) -> Result<Self, StorageError> {
        let before = state(path).await;
        let opened = Self::open(path, Schema::EventShard).await;
        if before == state(path).await {
            return opened;
        }
        if let Ok(file) = opened {
            file.close().await;
        }
        Self::open(path, Schema::EventShard).await
    }

    /// The same for files with the same objects and the same revision.
    pub(crate) fn likeness(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.objects.hash(&mut hasher);
        self.revisions.hash(&mut hasher);
        hasher.finish()
    }

    /// All that is compared. Of a run's file, its rows are no part of it.
    pub(crate) async fn found(&mut self) -> Result<Found, StorageError> {
        let name = Arc::clone(&self.name);
        let failed = |error| backend_error(&name, OPERATION, error);
        let connection = &mut self.connection;
        let columns = sqlx::query_as(read::SQLITE_COLUMNS).fetch_all(&mut *connection).await;
        let columns: Vec<read::SqliteColumn> = columns.map_err(failed)?;
        let indexes = sqlx::query_as(read::SQLITE_INDEXES).fetch_all(&mut *connection).await;
        let indexes: Vec<read::SqliteIndexColumn> = indexes.map_err(failed)?;
        let mut found = read::sqlite(&self.objects, columns, indexes);
        if self.schema == Schema::EventShard {
            let revisions = self.revisions.iter().flatten().cloned().collect();
            found.stamp = schema::Stamp::of(revisions);
            return Ok(found);
        }
        let select = read::rows(Dialect::Sqlite, &found);
        let answer = sqlx::query_scalar(AssertSqlSafe(select)).fetch_one(&mut *connection).await;
        let answer: String = answer.map_err(failed)?;
        let learned = read::learn_rows(&mut found, &answer);
        learned.map_err(|error| failed(sqlx::Error::Decode(error.into())))?;
        Ok(found)
    }

    /// Closes the file.
    pub(crate) async fn close(self) {
        // Nothing was written.
        let _ = sqlx::Connection::close(self.connection).await;
    }
}

/// All that is compared of a file, which is read again if it was changed meanwhile.
pub(crate) async fn found(path: &Path, schema: Schema) -> Result<Found, StorageError> {
    let mut before = state(path).await;
    let mut tries = 0;
    loop {
        let found = found_once(path, schema).await;
        let after = state(path).await;
        tries += 1;
        if before == after || tries == TRIES {
            return found;
        }
        before = after;
    }
}

async fn found_once(path: &Path, schema: Schema) -> Result<Found, StorageError> {
    let mut file = CheckedFile::open(path, schema).await?;
    let found = file.found().await;
    file.close().await;
    found
}

async fn state(path: &Path) -> State {
    let file = tokio::fs::metadata(path).await.ok()?;
    Some((file.len(), file.modified().ok()))
}

async fn has_beside(path: &Path, ending: &str) -> Result<bool, StorageError> {
    let mut beside = path.to_owned().into_os_string();
    beside.push(ending);
    exists(Path::new(&beside)).await
}
