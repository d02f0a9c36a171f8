//! A database of either kind, as the stores see it: statements go in, rows come out.
//!
//! Here is what the two drivers have in common, and where they differ in text and values. Not here: any statement
//! (`sql/`), nor what is done with the rows (`stores/`).

mod capabilities;
mod errors;
mod fresh;
mod message;
mod operation;
#[cfg(feature = "postgres")]
mod postgres;
mod row;
mod sqlite;
mod too_long;

use std::path::PathBuf;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use instance_core::error::StorageError;
use instance_core::storage::WebserverConnections;
use sea_query::{QueryStatementWriter, Value};
use sea_query_sqlx::SqlxValues;
use serde::de::DeserializeOwned;
use sqlx::AssertSqlSafe;

use crate::context::StorageContext;
use crate::sql::capabilities::{Capabilities, Feature};
use crate::sql::schema::{self, Schema, Stamp};
use crate::sql::{Dialect, events, lock};
use capabilities::Known;
pub(crate) use errors::is_damaged;
use errors::{backend_error, statement_error};

pub(crate) use message::{Message, Sent};
pub(crate) use operation::Operation;
#[cfg(feature = "postgres")]
pub(crate) use postgres::PostgresDatabase;
#[cfg(feature = "postgres")]
pub use postgres::{
    PostgresConfig, PostgresLogin, PostgresToken, PostgresTokenError, PostgresTokens,
};
pub(crate) use row::Row;
use sqlite::SqliteDatabase;
use sqlite::Statements;
pub(crate) use sqlite::check;
pub(crate) use sqlite::upgrade;
pub(crate) use sqlite::{FILES_OF_SHARD, RunFile, RunFiles, SqlitePlace, exists, touch};
pub(crate) use too_long::naming;

/// A database of either kind.
#[derive(Debug)]
pub(crate) enum Database {
    /// One SQLite file, or a database in memory.
    Sqlite(Box<SqliteDatabase>),
    /// A Postgres database.
    #[cfg(feature = "postgres")]
    Postgres(Box<PostgresDatabase>),
}

/// What a write writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Written {
    /// Several statements.
    Statements,
    /// One statement, around which SQLite needs no transaction.
    OneStatement,
    /// Events. They become visible in the order of their ids, so that whoever follows the ids misses none.
    Events,
}

impl From<Written> for Statements {
    fn from(written: Written) -> Self {
        match written {
            Written::OneStatement => Self::One,
            // SQLite has one writer at a time, so that ids are in their order anyway.
            Written::Statements | Written::Events => Self::Several,
        }
    }
}

impl Database {
    /// A SQLite database, which is opened on first use.
    pub(crate) fn sqlite(place: SqlitePlace, schema: Schema, context: &StorageContext) -> Self {
        Self::Sqlite(Box::new(SqliteDatabase::new(place, schema, context.clone())))
    }

    /// The same, which gets the revision of what stands beside it if it is created.
    #[cfg(test)]
    pub(crate) fn sqlite_beside(
        place: SqlitePlace,
        schema: Schema,
        beside: &Stamp,
        context: &StorageContext,
    ) -> Self {
        let database = SqliteDatabase::new(place, schema, context.clone());
        Self::Sqlite(Box::new(database.with_revision_of(beside)))
    }

    /// The events of one run, in a file beside the index.
    pub(crate) fn sqlite_of_run(
        path: PathBuf,
        beside: &Stamp,
        index: &Self,
        context: &StorageContext,
    ) -> Self {
        let database =
            SqliteDatabase::new(SqlitePlace::File(path), Schema::EventShard, context.clone());
        let database = database.with_revision_of(beside).with_log_as(index.has_log());
        Self::Sqlite(Box::new(database))
    }

    /// Whether files of SQLite beside it can be expected to have a write-ahead log.
    pub(crate) fn has_log(&self) -> bool {
        match self {
            Self::Sqlite(database) => database.has_log(),
            #[cfg(feature = "postgres")]
            Self::Postgres(_) => true,
        }
    }

    /// The path, or the URL without its password, as errors name the database.
    pub(crate) fn name(&self) -> &Arc<str> {
        match self {
            Self::Sqlite(database) => database.name(),
            #[cfg(feature = "postgres")]
            Self::Postgres(database) => database.name(),
        }
    }

    /// How it wants what sea-query does not tell apart.
    pub(crate) const fn dialect(&self) -> Dialect {
        match self {
            Self::Sqlite(_) => Dialect::Sqlite,
            #[cfg(feature = "postgres")]
            Self::Postgres(_) => Dialect::Postgres,
        }
    }

    /// Whether it was opened and its connections have been closed since, because nobody used them.
    pub(crate) fn is_idle(&self) -> bool {
        match self {
            Self::Sqlite(database) => database.is_idle(),
            #[cfg(feature = "postgres")]
            Self::Postgres(_) => false,
        }
    }

    /// Creates what is missing and checks the revision of the schema, once.
    pub(crate) async fn ready(&self) -> Result<(), StorageError> {
        match self {
            Self::Sqlite(database) => database.ready().await,
            #[cfg(feature = "postgres")]
            Self::Postgres(database) => database.ready().await,
        }
    }

    /// What it has, for a read. Of an upgrade that goes on beside it, a read may know a second later.
    pub(crate) async fn capabilities(&self) -> Result<Capabilities, StorageError> {
        self.ready().await?;
        let known = self.known();
        if !known.is_recent() {
            match self {
                Self::Sqlite(database) => database.look().await?,
                #[cfg(feature = "postgres")]
                Self::Postgres(database) => database.look().await?,
            }
        }
        Ok(known.capabilities())
    }

    /// Refuses what cannot be done without a feature.
    pub(crate) async fn require(&self, feature: Feature) -> Result<(), StorageError> {
        let has = self.capabilities().await?;
        has.require(feature, self.name(), || self.known().stamp(), self.dialect())
    }

    /// The revision that it says it has.
    pub(crate) async fn stamp(&self) -> Result<Stamp, StorageError> {
        self.ready().await?;
        Ok(self.known_stamp().unwrap_or(Stamp::None))
    }

    /// The revision that it was found to say; `None` before the first look.
    pub(crate) fn known_stamp(&self) -> Option<Stamp> {
        self.known().stamp()
    }

    /// Makes the next use look what it has, because that was changed.
    pub(crate) fn forget_capabilities(&self) {
        self.known().forget();
    }

    fn known(&self) -> &Known {
        match self {
            Self::Sqlite(database) => database.known(),
            #[cfg(feature = "postgres")]
            Self::Postgres(database) => database.known(),
        }
    }

    /// Somebody may have replaced the database by an older one.
    fn noting_missing_objects<T>(
        &self,
        result: Result<T, StorageError>,
    ) -> Result<T, StorageError> {
        if let Err(StorageError::SchemaLacks { .. }) = &result {
            self.known().forget();
        }
        result
    }

    /// Reads the rows of a query in their order, each with `read`. A row is read while the database looks for the
    /// next ones, and is not kept. So a result may be long.
    pub(crate) async fn fetch_map<S: QueryStatementWriter + Sync, T: Send>(
        &self,
        operation: impl Into<Operation<'_>> + Send,
        select: &S,
        read: impl Fn(&Row) -> Result<T, StorageError> + Send + Sync,
    ) -> Result<Vec<T>, StorageError> {
        self.fetch_each(operation, select, |row| read(&row)).await
    }

    /// The rows of a query.
    pub(crate) async fn fetch<S: QueryStatementWriter + Sync>(
        &self,
        operation: impl Into<Operation<'_>> + Send,
        select: &S,
    ) -> Result<Vec<Row>, StorageError> {
        self.fetch_each(operation, select, Ok).await
    }

    async fn fetch_each<S: QueryStatementWriter + Sync, T: Send>(
        &self,
        operation: impl Into<Operation<'_>> + Send,
        select: &S,
        read: impl Fn(Row) -> Result<T, StorageError> + Send + Sync,
    ) -> Result<Vec<T>, StorageError> {
        let operation = operation.into();
        let name = operation.name();
        // Boxed: it would else be copied through all who wait for it.
        let fetching = Box::pin(async {
            match self {
                Self::Sqlite(database) => database.fetch_each(name, select, read).await,
                #[cfg(feature = "postgres")]
                Self::Postgres(database) => database.fetch_each(name, select, read).await,
            }
        });
        let found =
            operation.observe(self.name(), |rows: &Vec<T>| Some(rows.len()), fetching).await;
        self.noting_missing_objects(found)
    }

    /// The first row of a query, if it has one.
    pub(crate) async fn fetch_one<S: QueryStatementWriter + Sync>(
        &self,
        operation: impl Into<Operation<'_>> + Send,
        select: &S,
    ) -> Result<Option<Row>, StorageError> {
        Ok(self.fetch(operation, select).await?.into_iter().next())
    }

    /// The rows that a query packed into one text.
    pub(crate) async fn fetch_packed<S: QueryStatementWriter + Sync, T: DeserializeOwned + Send>(
        &self,
        operation: impl Into<Operation<'_>> + Send,
        select: &S,
    ) -> Result<Vec<T>, StorageError> {
        let row = self.fetch_one(operation, select).await?;
        row.as_ref().map_or(Ok(Vec::new()), Row::packed)
    }

    /// Runs a write in one transaction, and returns when it is durable. An error undoes all of it.
    pub(crate) async fn write<T, F>(
        &self,
        operation: impl Into<Operation<'_>> + Send,
        write: F,
    ) -> Result<T, StorageError>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(Connection<'c>) -> BoxFuture<'c, Result<T, StorageError>>
            + Send
            + 'static,
    {
        self.write_as(Written::Statements, operation, write).await
    }

    /// Like `write`, for what is to be written in a way of its own.
    pub(crate) async fn write_as<T, F>(
        &self,
        written: Written,
        operation: impl Into<Operation<'_>> + Send,
        write: F,
    ) -> Result<T, StorageError>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(Connection<'c>) -> BoxFuture<'c, Result<T, StorageError>>
            + Send
            + 'static,
    {
        let operation = operation.into();
        let name = operation.name();
        let writing = Box::pin(async {
            match self {
                Self::Sqlite(database) => database.write(name, written.into(), write).await,
                #[cfg(feature = "postgres")]
                Self::Postgres(database) if written == Written::Events => {
                    database.write_events(name, write).await
                }
                #[cfg(feature = "postgres")]
                Self::Postgres(database) => database.write(name, write).await,
            }
        });
        let written = operation.observe(self.name(), |_| None, writing).await;
        self.noting_missing_objects(written)
    }

    /// Runs one statement in its own transaction, and returns how many rows it changed.
    pub(crate) async fn execute<S: QueryStatementWriter + Send + Sync + 'static>(
        &self,
        operation: impl Into<Operation<'_>> + Send,
        statement: S,
    ) -> Result<u64, StorageError> {
        self.write_as(Written::OneStatement, operation, move |mut connection: Connection<'_>| {
            Box::pin(async move { connection.execute(&statement).await })
        })
        .await
    }

    /// Whether a message may be sent now.
    #[cfg_attr(
        not(feature = "postgres"),
        expect(clippy::unused_async, reason = "SQLite has no server")
    )]
    pub(crate) async fn takes_messages(&self) -> bool {
        match self {
            Self::Sqlite(_) => false,
            #[cfg(feature = "postgres")]
            Self::Postgres(database) => database.ready().await.is_ok() && database.takes_messages(),
        }
    }

    /// Stores events by one message to a server, if it takes one now. `None` says that they are to be stored step by step.
    #[cfg_attr(
        not(feature = "postgres"),
        expect(clippy::unused_async, unused_variables, reason = "SQLite has no server")
    )]
    pub(crate) async fn send(
        &self,
        operation: &'static str,
        message: impl FnOnce() -> Option<Message> + Send,
    ) -> Result<Option<Sent>, StorageError> {
        match self {
            Self::Sqlite(_) => Ok(None),
            #[cfg(feature = "postgres")]
            Self::Postgres(database) => {
                database.ready().await?;
                if !database.takes_messages() {
                    return Ok(None);
                }
                let Some(message) = message() else { return Ok(None) };
                let sending = Box::pin(database.send(operation, &message));
                let operation = Operation::from(operation);
                operation.observe(self.name(), |_| None, sending).await.map(Some)
            }
        }
    }

    /// A message was refused, and the same could be stored step by step.
    pub(crate) fn note_refusal(&self) {
        match self {
            Self::Sqlite(_) => {}
            #[cfg(feature = "postgres")]
            Self::Postgres(database) => database.note_refusal(),
        }
    }

    /// Uses connections as a program needs it that serves people for long. SQLite has none to speak of.
    #[cfg_attr(
        not(feature = "postgres"),
        expect(unused_variables, reason = "SQLite has no server")
    )]
    pub(crate) fn optimize_for_webserver(&self, connections: &WebserverConnections) {
        match self {
            Self::Sqlite(_) => {}
            #[cfg(feature = "postgres")]
            Self::Postgres(database) => database.optimize_for_webserver(connections),
        }
    }

    /// Closes the connections; what is pending is written first.
    pub(crate) async fn close(&self) {
        match self {
            Self::Sqlite(database) => database.close().await,
            #[cfg(feature = "postgres")]
            Self::Postgres(database) => database.close().await,
        }
    }
}

/// A connection within the transaction of a write.
#[derive(Debug)]
pub(crate) struct Connection<'c> {
    database: Arc<str>,
    known: Arc<Known>,
    operation: &'static str,
    driver: DriverConnection<'c>,
}

#[derive(Debug)]
enum DriverConnection<'c> {
    Sqlite(&'c mut sqlx::SqliteConnection),
    /// With whether a prepared statement outlives its transaction.
    #[cfg(feature = "postgres")]
    Postgres(&'c mut sqlx::PgConnection, bool),
}

impl Connection<'_> {
    /// How it wants what sea-query does not tell apart.
    pub(crate) const fn dialect(&self) -> Dialect {
        match self.driver {
            DriverConnection::Sqlite(_) => Dialect::Sqlite,
            #[cfg(feature = "postgres")]
            DriverConnection::Postgres(..) => Dialect::Postgres,
        }
    }

    /// What the database has, for a write to `table` that differs by these features. If one is missing, it is so until
    /// the transaction ends: whoever changes the table waits.
    pub(crate) async fn capabilities(
        &mut self,
        table: &'static str,
        features: &[Feature],
    ) -> Result<Capabilities, StorageError> {
        let mut known = self.known.capabilities();
        if self.known.is_stale() || !features.iter().all(|feature| known.has(*feature)) {
            if self.dialect() == Dialect::Postgres {
                self.lock_against_changes(table).await?;
            }
            let columns = match self.dialect() {
                Dialect::Sqlite => self.fetch(&schema::select_sqlite_columns()).await?,
                #[cfg(feature = "postgres")]
                Dialect::Postgres => self.fetch(&schema::select_postgres_columns()).await?,
                #[cfg(not(feature = "postgres"))]
                Dialect::Postgres => Vec::new(),
            };
            let found = Capabilities::found(&capabilities::columns(&columns)?, &[]);
            known = known.with_features_of(found);
            self.known.learn_features(found);
        }
        Ok(known)
    }

    #[cfg_attr(
        not(feature = "postgres"),
        expect(clippy::unused_async, unused_variables, reason = "SQLite has one writer")
    )]
    async fn lock_against_changes(&mut self, table: &'static str) -> Result<(), StorageError> {
        #[cfg(feature = "postgres")]
        if let DriverConnection::Postgres(connection, _) = &mut self.driver {
            let locked = sqlx::raw_sql(AssertSqlSafe(schema::lock_against_changes(table)))
                .execute(&mut **connection)
                .await;
            locked.map_err(|error| backend_error(&self.database, self.operation, error))?;
        }
        Ok(())
    }

    /// Refuses what cannot be done without a feature.
    pub(crate) fn require(&self, has: Capabilities, feature: Feature) -> Result<(), StorageError> {
        has.require(feature, &self.database, || self.known.stamp(), self.dialect())
    }

    /// Wakes the followers of runs, if a server does that. A notice is the run's id and the id of its last event.
    /// Whoever follows a SQLite file looks at the file.
    pub(crate) async fn notify(&mut self, notices: &[String]) -> Result<(), StorageError> {
        if self.dialect() == Dialect::Postgres {
            for notices in notices.chunks(events::NOTICES_PER_STATEMENT) {
                self.fetch(&events::notify(notices.iter().cloned())).await?;
            }
        }
        Ok(())
    }

    /// Makes all other writers of ours who lock the same name wait until the transaction ends. SQLite has one writer
    /// anyway.
    pub(crate) async fn lock(&mut self, name: &str) -> Result<(), StorageError> {
        if self.dialect() == Dialect::Postgres {
            self.fetch(&lock::lock(name)).await?;
        }
        Ok(())
    }

    /// The rows of a query, or those that a write returns.
    pub(crate) async fn fetch<S: QueryStatementWriter + Sync>(
        &mut self,
        statement: &S,
    ) -> Result<Vec<Row>, StorageError> {
        let rows = match &mut self.driver {
            DriverConnection::Sqlite(connection) => {
                let (sql, values) = sqlite::render(statement);
                let rows =
                    sqlx::query_with(AssertSqlSafe(sql), values).fetch_all(&mut **connection);
                let detached = |row| Row::from_sqlite(&self.database, row);
                rows.await.map(|rows| rows.into_iter().map(detached).collect())
            }
            #[cfg(feature = "postgres")]
            DriverConnection::Postgres(connection, keeps_statements) => {
                let (sql, values) = postgres::render(statement);
                let query = sqlx::query_with(AssertSqlSafe(sql), values);
                let rows = query.persistent(*keeps_statements).fetch_all(&mut **connection);
                let detached = |row| Row::from_postgres(&self.database, row);
                rows.await.map(|rows| rows.into_iter().map(detached).collect())
            }
        };
        rows.map_err(|error| self.error(error, statement))
    }

    /// The first row of a query, if it has one.
    pub(crate) async fn fetch_one<S: QueryStatementWriter + Sync>(
        &mut self,
        statement: &S,
    ) -> Result<Option<Row>, StorageError> {
        Ok(self.fetch(statement).await?.into_iter().next())
    }

    /// Runs a statement; returns how many rows it changed.
    pub(crate) async fn execute<S: QueryStatementWriter + Sync>(
        &mut self,
        statement: &S,
    ) -> Result<u64, StorageError> {
        let changed = match &mut self.driver {
            DriverConnection::Sqlite(connection) => {
                let (sql, values) = sqlite::render(statement);
                let done = sqlx::query_with(AssertSqlSafe(sql), values).execute(&mut **connection);
                done.await.map(|done| done.rows_affected())
            }
            #[cfg(feature = "postgres")]
            DriverConnection::Postgres(connection, keeps_statements) => {
                let (sql, values) = postgres::render(statement);
                let query = sqlx::query_with(AssertSqlSafe(sql), values);
                let done = query.persistent(*keeps_statements).execute(&mut **connection);
                done.await.map(|done| done.rows_affected())
            }
        };
        changed.map_err(|error| self.error(error, statement))
    }

    fn error(&self, error: sqlx::Error, statement: &impl QueryStatementWriter) -> StorageError {
        statement_error(&self.database, self.operation, error, self.dialect(), || {
            text(statement, self.dialect())
        })
    }

    /// The ids that an insertion with `RETURNING id` gave to its rows, in the order of the rows.
    pub(crate) async fn insert_returning_ids<S: QueryStatementWriter + Sync>(
        &mut self,
        insert: &S,
    ) -> Result<Vec<i64>, StorageError> {
        let rows = self.fetch(insert).await?;
        let mut ids = rows.iter().map(Row::scalar).collect::<Result<Vec<i64>, _>>()?;
        // Rows get ids in their order. RETURNING may list the ids in another order.
        ids.sort_unstable();
        Ok(ids)
    }
}

/// The text of a statement.
fn text(statement: &impl QueryStatementWriter, dialect: Dialect) -> String {
    match dialect {
        Dialect::Sqlite => sqlite::render(statement).0,
        #[cfg(feature = "postgres")]
        Dialect::Postgres => postgres::render(statement).0,
        #[cfg(not(feature = "postgres"))]
        Dialect::Postgres => String::new(),
    }
}

/// The text and values of a statement. Each value becomes what the driver binds.
fn render<B: sea_query::QueryBuilder>(
    statement: &impl QueryStatementWriter,
    builder: &B,
    bind: impl Fn(Value) -> Value,
) -> (String, SqlxValues) {
    let (sql, mut values) = statement.build_any(builder);
    for value in &mut values.0 {
        let given = std::mem::replace(value, Value::Bool(None));
        *value = bind(given);
    }
    (sql, SqlxValues(values))
}
