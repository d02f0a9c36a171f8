//! One database file: created as Dagster creates it, checked when it is opened, read by a few
//! connections and written by one.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use instance_core::error::StorageError;
use sea_query::{InsertStatement, SelectStatement, SqliteQueryBuilder, UpdateStatement};
use sea_query_sqlx::{SqlxBinder, SqlxValues};
use sqlx::sqlite::{
    SqliteConnectOptions, SqlitePool, SqlitePoolOptions, SqliteRow, SqliteSynchronous,
};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Row, SqliteConnection};
use tokio::sync::{Mutex, OnceCell};

use super::writer::Writer;
use super::{Shared, exists};
use crate::sql::schema::{self, Schema};
use crate::sql::timestamp;

/// How long a statement waits for another process's lock, as in Dagster.
const BUSY_TIMEOUT: Duration = Duration::from_secs(30);

/// How many reads of one file run at once.
const READERS: u32 = 4;

/// How long another process may take to create a file, and how often it is looked at meanwhile.
const CREATION_TIMEOUT: Duration = Duration::from_secs(10);
const CREATION_POLL: Duration = Duration::from_millis(20);

/// One database file.
#[derive(Debug)]
pub(super) struct Database {
    path: PathBuf,
    name: Arc<str>,
    schema: Schema,
    shared: Shared,
    readers: SqlitePool,
    ready: OnceCell<()>,
    writer: Mutex<Option<Writer>>,
}

impl Database {
    /// A file that is opened on first use.
    pub(super) fn new(path: PathBuf, schema: Schema, shared: Shared) -> Self {
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS)
            .idle_timeout(None)
            .max_lifetime(None)
            .test_before_acquire(false)
            .connect_lazy_with(options(&path));
        let name = path.display().to_string().into();
        Self {
            path,
            name,
            schema,
            shared,
            readers,
            ready: OnceCell::new(),
            writer: Mutex::new(None),
        }
    }

    /// The path, as errors name it.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Creates the file if it is missing and checks its revision, once.
    pub(super) async fn ready(&self) -> Result<(), StorageError> {
        self.ready.get_or_try_init(|| self.initialise()).await.copied()
    }

    /// The rows of a query, each made into a value by `decode`.
    pub(super) async fn fetch<T>(
        &self,
        operation: &'static str,
        select: &SelectStatement,
        decode: impl Fn(&SqliteRow) -> Result<T, StorageError>,
    ) -> Result<Vec<T>, StorageError> {
        self.ready().await?;
        let (sql, values) = select.build_sqlx(SqliteQueryBuilder);
        let rows = sqlx::query_with(AssertSqlSafe(sql), values)
            .fetch_all(&self.readers)
            .await
            .map_err(|error| self.error(operation, error))?;
        rows.iter().map(decode).collect()
    }

    /// Runs a write, alone or with others in one transaction; returns when it is durable.
    pub(super) async fn write<T, F>(
        &self,
        operation: &'static str,
        write: F,
    ) -> Result<T, StorageError>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut SqliteConnection) -> BoxFuture<'c, Result<T, StorageError>>
            + Send
            + 'static,
    {
        self.ready().await?;
        let writer = self.writer(operation).await?;
        writer.write(Box::new(write)).await.unwrap_or_else(|| {
            Err(StorageError::Backend {
                database: self.name.to_string(),
                operation,
                source: "the runtime of the writer was shut down during the write".into(),
            })
        })
    }

    /// Closes the connections; what is pending is written first.
    pub(super) async fn close(&self) {
        let writer = self.writer.lock().await.take();
        self.readers.close().await;
        if let Some(writer) = writer {
            writer.close().await;
        }
    }

    /// An error of the driver as one of the storage.
    pub(super) fn error(&self, operation: &'static str, error: sqlx::Error) -> StorageError {
        backend_error(&self.name, operation, error)
    }

    async fn writer(&self, operation: &'static str) -> Result<Writer, StorageError> {
        let mut writer = self.writer.lock().await;
        // The task of a writer lives as long as the runtime that first wrote.
        if let Some(writer) = writer.as_ref().filter(|writer| !writer.is_closed()) {
            return Ok(writer.clone());
        }
        let connection =
            options(&self.path).connect().await.map_err(|error| self.error(operation, error))?;
        Ok(writer.insert(Writer::start(connection, Arc::clone(&self.name))).clone())
    }

    async fn initialise(&self) -> Result<(), StorageError> {
        let opening = |error| self.error("opening", error);
        if exists(&self.path).await? {
            // The connection goes on as a reader: opening a file is what costs time.
            let mut connection = self.readers.acquire().await.map_err(opening)?;
            return self.create_or_check(&mut connection).await;
        }
        if let Some(directory) = self.path.parent() {
            tokio::fs::create_dir_all(directory).await.map_err(|source| StorageError::Io {
                action: "create",
                path: directory.display().to_string(),
                source,
            })?;
        }
        let creating = options(&self.path).create_if_missing(true);
        let mut connection = creating.connect().await.map_err(opening)?;
        let created = self.create_or_check(&mut connection).await;
        connection.close().await.map_err(opening)?;
        created
    }

    async fn create_or_check(&self, connection: &mut SqliteConnection) -> Result<(), StorageError> {
        let checking = self.create_or_wait(connection);
        tokio::time::timeout(CREATION_TIMEOUT, checking).await.unwrap_or_else(|_| {
            Err(StorageError::Revision {
                database: self.name.to_string(),
                found: "none, though it has tables".to_owned(),
                expected: schema::HEAD,
                remedy: "a process that was creating it has died, or a very old Dagster did; run \
                         `dagster instance migrate`",
            })
        })
    }

    async fn create_or_wait(&self, connection: &mut SqliteConnection) -> Result<(), StorageError> {
        loop {
            let tables = self.tables(connection).await?;
            if tables.is_empty() {
                if self.create(connection).await? {
                    return Ok(());
                }
            } else if let Some(found) = self.revision(connection, &tables).await? {
                return self.check_revision(found);
            }
            // Another process is creating the file: it has tables and no revision yet.
            tokio::time::sleep(CREATION_POLL).await;
        }
    }

    async fn tables(&self, connection: &mut SqliteConnection) -> Result<Vec<String>, StorageError> {
        self.fetch_strings(connection, &schema::select_table_names()).await
    }

    async fn revision(
        &self,
        connection: &mut SqliteConnection,
        tables: &[String],
    ) -> Result<Option<String>, StorageError> {
        if !tables.iter().any(|table| table == crate::sql::tables::alembic_version::TABLE) {
            return Ok(None);
        }
        Ok(self.fetch_strings(connection, &schema::select_revision()).await?.pop())
    }

    fn check_revision(&self, found: String) -> Result<(), StorageError> {
        // The tables of a run's shard are read and written in the same way whatever its revision,
        // and Dagster itself does not check it.
        if found == schema::HEAD || self.schema == Schema::EventShard {
            return Ok(());
        }
        Err(StorageError::Revision {
            database: self.name.to_string(),
            found,
            expected: schema::HEAD,
            remedy: "if the database is of an older Dagster, run `dagster instance migrate`; if it is of a newer one, \
                     use a newer version of this program. Nothing was changed",
        })
    }

    /// Creates everything in one transaction; `false` if another process was faster.
    async fn create(&self, connection: &mut SqliteConnection) -> Result<bool, StorageError> {
        let creating = |error| self.error("creating", error);
        match sqlx::query(schema::JOURNAL_MODE_WAL).execute(&mut *connection).await {
            Ok(_) => {}
            // For this statement SQLite does not wait: another process is creating the file.
            Err(error) if is_busy(&error) => return Ok(false),
            Err(error) => return Err(creating(error)),
        }
        let mut transaction = connection.begin_with(schema::BEGIN_WRITE).await.map_err(creating)?;
        if !self.tables(&mut transaction).await?.is_empty() {
            return Ok(false);
        }
        for statement in self.schema.statements() {
            sqlx::query(statement).execute(&mut *transaction).await.map_err(creating)?;
        }
        let now = timestamp::to_text(self.shared.clock.now());
        for name in self.schema.completed_migrations() {
            execute(&mut transaction, &schema::insert_completed_migration(name, &now))
                .await
                .map_err(creating)?;
        }
        if self.schema == Schema::Runs {
            let id = self.shared.ids.uuid().to_string();
            execute(&mut transaction, &schema::insert_run_storage_id(&id))
                .await
                .map_err(creating)?;
        }
        execute(&mut transaction, &schema::insert_revision()).await.map_err(creating)?;
        transaction.commit().await.map_err(creating)?;
        tracing::info!(database = %self.name, "created");
        Ok(true)
    }

    async fn fetch_strings(
        &self,
        connection: &mut SqliteConnection,
        select: &SelectStatement,
    ) -> Result<Vec<String>, StorageError> {
        let rows =
            fetch_all(connection, select).await.map_err(|error| self.error("opening", error))?;
        rows.iter()
            .map(|row| row.try_get(0).map_err(|error| self.error("opening", error)))
            .collect()
    }
}

/// Whether another connection holds the lock that a statement needs.
fn is_busy(error: &sqlx::Error) -> bool {
    const SQLITE_BUSY: u32 = 5;
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    // The lower byte of an extended code is the code.
    code.and_then(|code| code.parse::<u32>().ok()).is_some_and(|code| code & 0xff == SQLITE_BUSY)
}

/// A statement that changes rows.
pub(super) trait Change {
    /// The statement in SQLite's dialect.
    fn render(&self) -> (String, SqlxValues);
}

impl Change for InsertStatement {
    fn render(&self) -> (String, SqlxValues) {
        self.build_sqlx(SqliteQueryBuilder)
    }
}

impl Change for UpdateStatement {
    fn render(&self) -> (String, SqlxValues) {
        self.build_sqlx(SqliteQueryBuilder)
    }
}

/// Runs a statement that changes rows.
pub(super) async fn execute(
    connection: &mut SqliteConnection,
    change: &impl Change,
) -> sqlx::Result<()> {
    let (sql, values) = change.render();
    sqlx::query_with(AssertSqlSafe(sql), values).execute(connection).await.map(drop)
}

/// Runs an insert that returns the ids of its rows; they come in the order of the rows.
pub(super) async fn insert_returning_ids(
    connection: &mut SqliteConnection,
    insert: &InsertStatement,
) -> sqlx::Result<Vec<i64>> {
    let (sql, values) = insert.build_sqlx(SqliteQueryBuilder);
    let rows = sqlx::query_with(AssertSqlSafe(sql), values).fetch_all(connection).await?;
    let mut ids = rows.iter().map(|row| row.try_get(0)).collect::<sqlx::Result<Vec<i64>>>()?;
    // Rows are given ids in their order; the order in which RETURNING lists them is not promised.
    ids.sort_unstable();
    Ok(ids)
}

/// The rows of a query, inside a write.
pub(super) async fn fetch_all(
    connection: &mut SqliteConnection,
    select: &SelectStatement,
) -> sqlx::Result<Vec<SqliteRow>> {
    let (sql, values) = select.build_sqlx(SqliteQueryBuilder);
    sqlx::query_with(AssertSqlSafe(sql), values).fetch_all(connection).await
}

/// An error of the driver as one of the storage.
pub(super) fn backend_error(
    database: &str,
    operation: &'static str,
    error: sqlx::Error,
) -> StorageError {
    StorageError::Backend { database: database.to_owned(), operation, source: Box::new(error) }
}

fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(false)
        .busy_timeout(BUSY_TIMEOUT)
        .synchronous(SqliteSynchronous::Full)
        // Dagster declares foreign keys and never enforces them; rows that it wrote may break them.
        .foreign_keys(false)
        .disable_statement_logging()
}
