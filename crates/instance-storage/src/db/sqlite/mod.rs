//! One SQLite database, a file or in memory. It is created as Dagster creates it and checked when it is opened. A
//! few connections read it, and one writes it.

mod access;
mod caretaker;
pub(crate) mod check;
pub(super) mod journal;
mod private_copy;
mod run_file;
mod sight;
pub(crate) mod upgrade;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use futures_util::future::BoxFuture;
use instance_core::error::{Persistence, StorageError};
use sea_query::{QueryStatementWriter, SqliteQueryBuilder, Value};
use sea_query_sqlx::SqlxValues;
use sqlx::pool::PoolConnection;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{AssertSqlSafe, ConnectOptions, Sqlite, SqliteConnection};
use tokio::sync::{Mutex, OnceCell};

use super::capabilities::{self, Found, Known};
use super::{
    Connection, DriverConnection, Row, backend_error, errors, fresh, row, statement_error,
};
use crate::context::StorageContext;
use crate::sql::Dialect;
use crate::sql::capabilities::Capabilities;
use crate::sql::schema::{self, HEAD, Schema, Stamp, history};
use crate::sql::tables::{alembic_version, secondary_indexes};
use crate::sql::timestamp;
pub(crate) use access::exists;
use access::{Access, Look, ReadOnly, Way, create_directory};
use caretaker::Caretaker;
pub(crate) use caretaker::touch;
use private_copy::PrivateCopy;
pub(crate) use run_file::{RunFile, RunFiles};
pub(in crate::db) use writer::Statements;
use writer::Writer;

/// How long a statement waits for a lock of another process, as in Dagster.
const BUSY_TIMEOUT: Duration = Duration::from_secs(30);

/// How many reads of one file run at once. For the log of one run, fewer are enough.
const READERS: u32 = 4;
const READERS_OF_SHARD: u32 = 2;

/// How many files an open log of a run takes at most. Each connection has the database and its write-ahead log, and
/// all share an index of that log.
pub(crate) const FILES_OF_SHARD: usize = 2 * (READERS_OF_SHARD as usize + 1) + 1;

/// How many KiB of a run's log each connection keeps in memory. Many are open, and each is written at its end.
const CACHE_OF_SHARD: &str = "-512";

/// How many rows the driver's thread may be ahead of its reader. Each time it waits, that costs more than many rows
/// do.
const ROWS_AHEAD: usize = 4_096;

/// How long another process may take to create a file, and how often we look meanwhile.
const CREATION_TIMEOUT: Duration = Duration::from_secs(10);
const CREATION_POLL: Duration = Duration::from_millis(20);

/// How often a file is read again that others change while it is read without their locks.
const LOOKS: usize = 20;

/// Where a database is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SqlitePlace {
    /// In a file.
    File(PathBuf),
    /// In memory, as long as it is open.
    Memory,
}

/// One database.
#[derive(Debug)]
pub(crate) struct SqliteDatabase {
    place: SqlitePlace,
    name: Arc<str>,
    schema: Schema,
    /// The revision that it gets if it is created; `None` leaves it without one.
    revision: Option<String>,
    /// Whether files beside it can be expected to have a write-ahead log.
    has_log: AtomicBool,
    context: StorageContext,
    known: Arc<Known>,
    /// When it is closed, fresh connections take the place of these, and are opened when they are first used.
    connections: std::sync::Mutex<Arc<Connections>>,
}

/// The connections of a database, from its first use until it is closed.
#[derive(Debug, Default)]
struct Connections {
    /// Those that these replace, until they are closed: a file is not open in two ways at once.
    before: Mutex<Option<Arc<Self>>>,
    opened: OnceCell<Arc<Opened>>,
    writer: Mutex<Option<Writer>>,
    /// Whether the writer has a connection.
    has_writer: Arc<AtomicBool>,
}

impl Connections {
    /// Closes them; what is pending is written first.
    async fn close(&self) {
        let writer = self.writer.lock().await.take();
        if let Some(readers) = self.opened.get().and_then(|opened| opened.readers.as_ref()) {
            readers.close().await;
        }
        if let Some(writer) = writer {
            writer.close().await;
        }
    }

    async fn close_those_before(&self) {
        let mut before = self.before.lock().await;
        if let Some(connections) = before.as_ref() {
            connections.close().await;
        }
        *before = None;
    }
}

/// A database that is open.
#[derive(Debug)]
struct Opened {
    access: Access,
    /// What is read in the place of the file.
    _copy: Option<PrivateCopy>,
    /// Those that read a file. Only the connection that writes a database in memory sees it.
    readers: Option<SqlitePool>,
    /// Of a file of events: others follow it.
    caretaker: Option<Caretaker>,
}

impl Opened {
    /// One that is kept by the connection that writes it.
    fn in_memory(access: Access) -> Arc<Self> {
        Arc::new(Self { access, _copy: None, readers: None, caretaker: None })
    }
}

/// The connections as one use finds them.
#[derive(Debug)]
struct Use {
    connections: Arc<Connections>,
    opened: Arc<Opened>,
}

impl SqliteDatabase {
    /// A database that is opened on first use.
    pub(crate) fn new(place: SqlitePlace, schema: Schema, context: StorageContext) -> Self {
        let name = match &place {
            SqlitePlace::File(path) => path.display().to_string().into(),
            SqlitePlace::Memory => format!("the {schema} in memory").into(),
        };
        let (revision, known) = (Some(HEAD.to_owned()), Arc::new(Known::of(&[schema])));
        let (has_log, connections) = (AtomicBool::new(true), std::sync::Mutex::default());
        Self { place, name, schema, revision, has_log, context, known, connections }
    }

    /// The same database, which gets the revision of the one beside it if it is created.
    ///
    /// The `dagster instance migrate` of an older release stops at a revision that it does not know. It does not mind a
    /// table that is there already.
    pub(super) fn with_revision_of(self, beside: &Stamp) -> Self {
        Self { revision: beside.of_what_is_beside().map(str::to_owned), ..self }
    }

    /// The same database, which has a write-ahead log without further ado if the one beside it has.
    pub(super) fn with_log_as(self, beside: bool) -> Self {
        Self { has_log: AtomicBool::new(beside), ..self }
    }

    /// Whether it was found to have a write-ahead log, so that files beside it can have one.
    pub(super) fn has_log(&self) -> bool {
        self.has_log.load(Ordering::Acquire)
    }

    pub(super) fn known(&self) -> &Known {
        &self.known
    }

    /// Looks again what it has. A database in memory has all from the first.
    pub(super) async fn look(&self) -> Result<(), StorageError> {
        if let Some(mut reader) = self.reader("looking what a database has").await? {
            let columns = self.columns(&mut reader).await?;
            self.known.learn(&self.found(&mut reader, &columns).await?);
        } else {
            self.known.learn_all(HEAD);
        }
        Ok(())
    }

    /// What these columns amount to, and what the database says of its revision.
    async fn found(
        &self,
        connection: &mut SqliteConnection,
        columns: &[(String, String)],
    ) -> Result<Found, StorageError> {
        let has = |table: &str| columns.iter().any(|(name, _)| name == table);
        let is_marked = has(secondary_indexes::TABLE) && self.schema != Schema::EventShard;
        let mut migrations = Vec::new();
        if is_marked {
            migrations = self.strings(connection, &schema::select_completed_migrations()).await?;
        }
        let mut revisions = Vec::new();
        if has(alembic_version::TABLE) {
            revisions = self.strings(connection, &schema::select_revision()).await?;
        }
        let capabilities = Capabilities::found(columns, &migrations);
        Ok(Found { capabilities, stamp: Stamp::of(revisions) })
    }

    /// Of a run's file, only the tables matter: it has no column that not every revision has, and is opened often.
    fn select_columns(&self) -> sea_query::SelectStatement {
        if self.schema == Schema::EventShard {
            schema::select_sqlite_tables()
        } else {
            schema::select_sqlite_columns()
        }
    }

    /// The connections, which may not be open yet.
    fn connections(&self) -> Arc<Connections> {
        Arc::clone(&self.connections.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether it was opened, and all its connections have been closed since, because nobody used them.
    pub(crate) fn is_idle(&self) -> bool {
        let connections = self.connections();
        let readers = connections.opened.get().and_then(|opened| opened.readers.as_ref());
        readers.is_some_and(|readers| readers.size() == 0)
            && !connections.has_writer.load(Ordering::Acquire)
    }

    /// The file; `None` if it is in memory.
    pub(crate) fn file(&self) -> Option<&Path> {
        match &self.place {
            SqlitePlace::File(path) => Some(path),
            SqlitePlace::Memory => None,
        }
    }

    pub(super) const fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// Creates the file if it is missing and checks its revision.
    pub(super) async fn ready(&self) -> Result<(), StorageError> {
        self.open().await.map(drop)
    }

    /// The connections, after the file was created if it was missing, and its revision was checked. Both are done once
    /// until the database is closed, or until a file is changed that is read without the locks of its writers. Called
    /// before each use.
    async fn open(&self) -> Result<Use, StorageError> {
        for _ in 0..LOOKS {
            let connections = self.connections();
            let opened = connections.opened.get_or_try_init(|| self.initialise(&connections));
            let opened = Arc::clone(opened.await?);
            // Callers that ask for no more also count: the file is open from now on.
            if let Some(caretaker) = &opened.caretaker {
                caretaker.begin_use();
            }
            if opened.access.holds().await {
                return Ok(Use { connections, opened });
            }
            self.open_anew(&connections);
        }
        Err(access::changing(&self.name))
    }

    /// Gives up connections that have seen what is no more there.
    fn open_anew(&self, connections: &Arc<Connections>) {
        let mut current = self.connections.lock().unwrap_or_else(PoisonError::into_inner);
        if Arc::ptr_eq(&current, connections) {
            let before = Mutex::new(Some(Arc::clone(connections)));
            *current = Arc::new(Connections { before, ..Connections::default() });
        }
    }

    /// Whether a file that was written is only read from now on. It is then opened in another way.
    async fn was_closed_to_writers(&self, used: &Use, error: &StorageError) -> bool {
        let (SqlitePlace::File(path), None) = (&self.place, used.opened.access.read_only()) else {
            return false;
        };
        if !errors::is_of_rights(error) {
            return false;
        }
        let is_closed =
            access::look(path).await.is_ok_and(|look| look.access.read_only().is_some());
        if is_closed {
            self.open_anew(&used.connections);
        }
        is_closed
    }

    /// What `read` makes of the rows of a query.
    pub(super) async fn fetch_each<S: QueryStatementWriter + Sync, T: Send>(
        &self,
        operation: &'static str,
        select: &S,
        read: impl Fn(Row) -> Result<T, StorageError> + Send + Sync,
    ) -> Result<Vec<T>, StorageError> {
        for _ in 0..LOOKS {
            let used = self.open().await?;
            let found = self.fetch_once(&used, operation, select, &read).await;
            match found {
                Err(error) if self.was_closed_to_writers(&used, &error).await => {}
                // Whatever was found in a file that was changed meanwhile may never have been there.
                _ if !used.opened.access.holds().await => self.open_anew(&used.connections),
                Ok(Some(found)) => return Ok(found),
                // The database was closed in between, and has fresh connections.
                Ok(None) => {}
                Err(error) => return Err(error),
            }
        }
        Err(access::changing(&self.name))
    }

    /// `None` if the connections were closed meanwhile.
    async fn fetch_once<S: QueryStatementWriter + Sync, T: Send>(
        &self,
        used: &Use,
        operation: &'static str,
        select: &S,
        read: &(impl Fn(Row) -> Result<T, StorageError> + Send + Sync),
    ) -> Result<Option<Vec<T>>, StorageError> {
        let (sql, values) = render(select);
        let query = sqlx::query_with(AssertSqlSafe(sql), values);
        let read = |row| read(Row::from_sqlite(&self.name, row));
        let found = if let Some(readers) = &used.opened.readers {
            match readers.acquire().await {
                Ok(mut reader) => row::read_all(query.fetch(&mut *reader), read).await,
                Err(sqlx::Error::PoolClosed) => return Ok(None),
                Err(error) => return Err(self.error(operation, error)),
            }
        } else {
            let rows = self.run_on(used, operation, Statements::One, move |connection| {
                Box::pin(async move { Ok(query.fetch_all(connection).await) })
            });
            rows.await?.map(|rows| rows.into_iter().map(read).collect())
        };
        let found = found.map_err(|error| {
            statement_error(&self.name, operation, error, Dialect::Sqlite, || render(select).0)
        })?;
        found.map(Some)
    }

    /// A connection that reads; `None` if only the writer can.
    async fn reader(
        &self,
        operation: &'static str,
    ) -> Result<Option<PoolConnection<Sqlite>>, StorageError> {
        loop {
            let used = self.open().await?;
            let Some(readers) = &used.opened.readers else {
                return Ok(None);
            };
            match readers.acquire().await {
                Ok(reader) => return Ok(Some(reader)),
                // The database was closed in between, and has fresh connections.
                Err(sqlx::Error::PoolClosed) => {}
                Err(error) => return Err(self.error(operation, error)),
            }
        }
    }

    /// Runs a write, alone or with others in one transaction. Returns when it is durable.
    pub(super) async fn write<T, F>(
        &self,
        operation: &'static str,
        statements: Statements,
        write: F,
    ) -> Result<T, StorageError>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(Connection<'c>) -> BoxFuture<'c, Result<T, StorageError>>
            + Send
            + 'static,
    {
        let used = self.open_to_write(operation).await?;
        let (database, known) = (Arc::clone(&self.name), Arc::clone(&self.known));
        let written = self.run_on(&used, operation, statements, move |connection| {
            let driver = DriverConnection::Sqlite(connection);
            write(Connection { database, known, operation, driver })
        });
        let written = written.await;
        if let Err(error) = &written
            && self.was_closed_to_writers(&used, error).await
        {
            self.open_to_write(operation).await?;
        }
        written
    }

    /// The connections of a database that can be written.
    async fn open_to_write(&self, operation: &'static str) -> Result<Use, StorageError> {
        let used = self.open().await?;
        if used.opened.access.read_only().is_none() {
            return Ok(used);
        }
        // Somebody may have given the right meanwhile.
        self.open_anew(&used.connections);
        let used = self.open().await?;
        match used.opened.access.read_only() {
            None => Ok(used),
            Some(read) => Err(self.read_only(operation, read)),
        }
    }

    fn read_only(&self, operation: &'static str, read: &ReadOnly) -> StorageError {
        let database = self.name.to_string();
        StorageError::ReadOnly { database, operation, why: (*read.why).into() }
    }

    async fn run_on<T, F>(
        &self,
        used: &Use,
        operation: &'static str,
        statements: Statements,
        write: F,
    ) -> Result<T, StorageError>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut SqliteConnection) -> BoxFuture<'c, Result<T, StorageError>>
            + Send
            + 'static,
    {
        let writer = self.writer(&used.connections, operation).await?;
        writer.write(statements, Box::new(write)).await.unwrap_or_else(|| {
            Err(StorageError::Backend {
                database: self.name.to_string(),
                operation,
                persistence: Persistence::Temporary,
                source: "the runtime of the writer was shut down during the write".into(),
            })
        })
    }

    /// Closes the connections; what is pending is written first. They are opened again when the database is next used.
    /// A database in memory stays as it is: its connection is all that there is of it.
    pub(super) async fn close(&self) {
        if self.place == SqlitePlace::Memory {
            return;
        }
        let closing = {
            let mut current = self.connections.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::take(&mut *current)
        };
        closing.close_those_before().await;
        closing.close().await;
    }

    fn error(&self, operation: &'static str, error: sqlx::Error) -> StorageError {
        backend_error(&self.name, operation, error)
    }

    async fn writer(
        &self,
        connections: &Connections,
        operation: &'static str,
    ) -> Result<Writer, StorageError> {
        let mut writer = connections.writer.lock().await;
        // The task of a writer lives as long as the runtime that first wrote.
        if let Some(writer) = writer.as_ref().filter(|writer| !writer.is_closed()) {
            return Ok(writer.clone());
        }
        let connection = options(&self.place, self.schema)
            .connect()
            .await
            .map_err(|error| self.error(operation, error))?;
        Ok(writer.insert(self.start_writer(connections, connection)).clone())
    }

    async fn initialise(&self, connections: &Connections) -> Result<Arc<Opened>, StorageError> {
        connections.close_those_before().await;
        let SqlitePlace::File(path) = &self.place else {
            self.keep_in_memory(connections).await?;
            return Ok(Opened::in_memory(Access::Written));
        };
        let mut look = access::look(path).await?;
        for _ in 0..LOOKS {
            let opened = match look.access.read_only() {
                Some(read) => self.open_to_read(connections, &look, read).await,
                None => self.open_file(connections, &look).await,
            };
            let error = match opened {
                Ok(opened) => return Ok(opened),
                Err(error) => error,
            };
            match access::look_after(&look, &error, path).await? {
                Some(again) => look = again,
                None => return Err(error),
            }
        }
        Err(access::changing(&self.name))
    }

    /// Makes what is there of a database be the connection that writes it, in memory.
    async fn keep_in_memory(&self, connections: &Connections) -> Result<(), StorageError> {
        let connecting = options(&SqlitePlace::Memory, self.schema).connect().await;
        let mut connection = connecting.map_err(|error| self.error("opening", error))?;
        self.create(&mut connection, None).await?;
        let name = Arc::clone(&self.name);
        let writer = Writer::start(connection, None, name, Arc::clone(&connections.has_writer));
        *connections.writer.lock().await = Some(writer);
        Ok(())
    }

    /// Opens a file that cannot be written.
    async fn open_to_read(
        &self,
        connections: &Connections,
        look: &Look,
        read: &ReadOnly,
    ) -> Result<Arc<Opened>, StorageError> {
        if read.way != Way::Missing {
            let (options, copy) = read.apply(options(&self.place, self.schema)).await?;
            let readers = self.readers(options);
            let reader = readers.acquire().await;
            let mut reader = reader.map_err(|error| self.error("opening", error))?;
            if !self.columns(&mut reader).await?.is_empty() {
                self.create_or_check(&mut reader, look).await?;
                return Ok(self.opened(connections, look, readers, copy));
            }
        }
        // Whoever writes would create it empty, so it is read as if it were.
        if self.schema == Schema::Runs {
            return Err(self.read_only("creating", read));
        }
        self.keep_in_memory(connections).await?;
        Ok(Opened::in_memory(look.access.clone()))
    }

    /// Opens a file that can be written, and creates it if it is missing.
    async fn open_file(
        &self,
        connections: &Connections,
        look: &Look,
    ) -> Result<Arc<Opened>, StorageError> {
        let opening = |error| self.error("opening", error);
        let readers = self.readers(options(&self.place, self.schema));
        if look.exists {
            // The connection goes on as a reader: opening a file is what costs time.
            let mut connection = readers.acquire().await.map_err(opening)?;
            self.create_or_check(&mut connection, look).await?;
            self.learn_its_log(&mut connection).await?;
            drop(connection);
            return Ok(self.opened(connections, look, readers, None));
        }
        let path = &look.file;
        if let Some(directory) = path.parent() {
            create_directory(directory).await?;
        }
        let is_placed = self.schema == Schema::EventShard
            && self.has_log()
            && run_file::place(path, self.revision.as_deref(), &self.context).await?;
        let creating = options(&self.place, self.schema).create_if_missing(!is_placed);
        let mut connection = creating.connect().await.map_err(opening)?;
        let checked = match self.create_or_check(&mut connection, look).await {
            Ok(()) => self.learn_its_log(&mut connection).await,
            refused => refused,
        };
        if let Err(error) = checked {
            // The first error is the one to return.
            let _ = sqlx::Connection::close(connection).await;
            return Err(error);
        }
        let opened = self.opened(connections, look, readers, None);
        // Whoever creates a file is about to write it. If it were closed now, all of it would be written once more.
        let start = || self.start_writer(connections, connection);
        connections.writer.lock().await.get_or_insert_with(start);
        Ok(opened)
    }

    /// Connections that read, which are opened when they are needed.
    fn readers(&self, options: SqliteConnectOptions) -> SqlitePool {
        let of_one_run = self.schema == Schema::EventShard;
        SqlitePoolOptions::new()
            .max_connections(if of_one_run { READERS_OF_SHARD } else { READERS })
            .idle_timeout(None)
            .max_lifetime(None)
            .test_before_acquire(false)
            .connect_lazy_with(options)
    }

    fn opened(
        &self,
        connections: &Connections,
        look: &Look,
        readers: SqlitePool,
        copy: Option<PrivateCopy>,
    ) -> Arc<Opened> {
        let access = look.access.clone();
        let caretaker = self.schema.is_of_events().then(|| {
            let is_written = access.read_only().is_none();
            Caretaker::new(&look.file, is_written, &readers, &connections.has_writer)
        });
        Arc::new(Opened { access, _copy: copy, readers: Some(readers), caretaker })
    }

    /// Files of runs have what the index beside them has.
    async fn learn_its_log(&self, connection: &mut SqliteConnection) -> Result<(), StorageError> {
        if self.schema == Schema::EventIndex {
            let has_log = journal::has_log(connection).await;
            let has_log = has_log.map_err(|error| self.error("opening", error))?;
            self.has_log.store(has_log, Ordering::Release);
        }
        Ok(())
    }

    fn start_writer(&self, connections: &Connections, connection: SqliteConnection) -> Writer {
        let is_followed = self.schema.is_of_events();
        let reopen = is_followed.then(|| options(&self.place, self.schema));
        let has_writer = Arc::clone(&connections.has_writer);
        Writer::start(connection, reopen, Arc::clone(&self.name), has_writer)
    }

    async fn create_or_check(
        &self,
        connection: &mut SqliteConnection,
        look: &Look,
    ) -> Result<(), StorageError> {
        let checking = self.create_or_wait(connection, look);
        tokio::time::timeout(CREATION_TIMEOUT, checking).await.unwrap_or_else(|_| {
            Err(StorageError::Revision {
                database: self.name.to_string(),
                found: "none, though it has tables".to_owned(),
                expected: HEAD,
                remedy: "a process that was creating it has died, or a very old Dagster did; run \
                         `dagster instance migrate`",
            })
        })
    }

    async fn create_or_wait(
        &self,
        connection: &mut SqliteConnection,
        look: &Look,
    ) -> Result<(), StorageError> {
        loop {
            let columns = self.columns(connection).await?;
            let has = |table: &str| columns.iter().any(|(name, _)| name == table);
            if columns.is_empty() {
                if self.create(connection, Some(&look.file)).await? {
                    if self.known.is_whole() {
                        return Ok(());
                    }
                    // What is not of the newest revision is looked at, as if another process had created it.
                    continue;
                }
            } else if has(alembic_version::TABLE) || self.is_whole_without_revision(has) {
                // Whoever creates a database makes this table last. It may stay empty: that says nothing.
                let found = self.found(connection, &columns).await?;
                // Dagster itself does not look at the revision of a run's file.
                if self.schema != Schema::EventShard {
                    found.stamp.check(&self.name)?;
                }
                self.known.learn(&found);
                return Ok(());
            }
            // Another process is creating the file: it has tables and no revision yet.
            tokio::time::sleep(CREATION_POLL).await;
        }
    }

    /// Whether a file is used that says no revision at all: that of a run is, since nobody asks for its revision.
    fn is_whole_without_revision(&self, has: impl Fn(&str) -> bool) -> bool {
        self.schema == Schema::EventShard && has(self.schema.main_table())
    }

    async fn columns(
        &self,
        connection: &mut SqliteConnection,
    ) -> Result<Vec<(String, String)>, StorageError> {
        capabilities::columns(&self.rows(connection, &self.select_columns()).await?)
    }

    /// Creates everything in one transaction. `false` if another process was faster.
    async fn create(
        &self,
        connection: &mut SqliteConnection,
        file: Option<&Path>,
    ) -> Result<bool, StorageError> {
        let creating = |error| self.error("creating", error);
        if let Some(file) = file
            && journal::can_have_log(file).await
        {
            match sqlx::query(schema::JOURNAL_MODE_WAL).execute(&mut *connection).await {
                Ok(_) => {}
                // SQLite does not wait for a lock for this statement. If it is refused, another process is creating the
                // file.
                Err(error) if is_busy(&error) => return Ok(false),
                Err(error) => return Err(creating(error)),
            }
        }
        let begun = sqlx::Connection::begin_with(connection, schema::BEGIN_WRITE).await;
        let mut transaction = begun.map_err(creating)?;
        if !self.columns(&mut transaction).await?.is_empty() {
            return Ok(false);
        }
        // Dagster takes what has no revision for this one, too.
        let revision = self.revision.as_deref().unwrap_or(history::OF_UNSTAMPED);
        let script = self.schema.sqlite_script_at(revision).into_owned();
        let script = sqlx::raw_sql(AssertSqlSafe(script));
        script.execute(&mut *transaction).await.map_err(creating)?;
        let mut inside = Connection {
            database: Arc::clone(&self.name),
            known: Arc::clone(&self.known),
            operation: "creating",
            driver: DriverConnection::Sqlite(&mut transaction),
        };
        fresh::fill(&mut inside, self.schema, revision, &self.context).await?;
        if let Some(revision) = &self.revision {
            inside.execute(&schema::insert_revision(revision)).await?;
        }
        transaction.commit().await.map_err(creating)?;
        if self.revision.as_deref() == Some(HEAD) {
            self.known.learn_all(HEAD);
        }
        tracing::info!(database = %self.name, "created");
        Ok(true)
    }

    async fn strings(
        &self,
        connection: &mut SqliteConnection,
        select: &sea_query::SelectStatement,
    ) -> Result<Vec<String>, StorageError> {
        self.rows(connection, select).await?.iter().map(Row::scalar).collect()
    }

    async fn rows(
        &self,
        connection: &mut SqliteConnection,
        select: &sea_query::SelectStatement,
    ) -> Result<Vec<Row>, StorageError> {
        let mut connection = Connection {
            database: Arc::clone(&self.name),
            known: Arc::clone(&self.known),
            operation: "opening",
            driver: DriverConnection::Sqlite(connection),
        };
        connection.fetch(select).await
    }
}

/// Whether another connection holds the lock that a statement needs.
fn is_busy(error: &sqlx::Error) -> bool {
    const SQLITE_BUSY: u32 = 5;
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    // The lower byte of an extended code is the code.
    code.and_then(|code| code.parse::<u32>().ok()).is_some_and(|code| code & 0xff == SQLITE_BUSY)
}

/// The text and values of a statement. SQLite has no type for times: Dagster's are text.
pub(super) fn render(statement: &impl QueryStatementWriter) -> (String, SqlxValues) {
    super::render(statement, &SqliteQueryBuilder, |value| match value {
        Value::ChronoDateTime(time) => {
            Value::String(time.map(|time| timestamp::to_text(time.and_utc())))
        }
        Value::ChronoDateTimeUtc(time) => Value::String(time.map(timestamp::to_text)),
        other => other,
    })
}

fn options(place: &SqlitePlace, schema: Schema) -> SqliteConnectOptions {
    let options = match place {
        SqlitePlace::File(path) => SqliteConnectOptions::new().filename(path),
        SqlitePlace::Memory => SqliteConnectOptions::new().in_memory(true),
    };
    let options = if schema == Schema::EventShard {
        options.pragma("cache_size", CACHE_OF_SHARD)
    } else {
        options
    };
    options
        .create_if_missing(false)
        .busy_timeout(BUSY_TIMEOUT)
        .synchronous(SqliteSynchronous::Full)
        .row_buffer_size(ROWS_AHEAD)
        // Otherwise, SQLite would write what it needs to undo a statement of many rows to a file.
        .pragma("temp_store", "memory")
        // Dagster declares foreign keys and never enforces them. Rows that it wrote may break them.
        .foreign_keys(false)
        .disable_statement_logging()
}
