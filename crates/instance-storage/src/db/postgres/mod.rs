//! One Postgres database, in which Dagster keeps all three stores: a bounded pool of connections, short
//! transactions, and a server that may go away and come back.

mod config;
mod id_order;
mod listen;
mod params;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use chrono::SubsecRound;
use futures_util::future::BoxFuture;
use instance_core::error::StorageError;
use instance_core::storage::WebserverConnections;
use sea_query::{PostgresQueryBuilder, QueryStatementWriter, SelectStatement, Value};
use sea_query_sqlx::SqlxValues;
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgPool, PgPoolOptions};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection as _, PgConnection, Postgres, Transaction};
use tokio::sync::OnceCell;

pub use config::PostgresConfig;
use id_order::IdOrder;

use super::{Connection, DriverConnection, Row, backend_error, fresh, row};
use crate::context::{OpenMode, StorageContext};
use crate::sql::schema::{self, Schema};

/// A connection that was idle for so long is tested before it is used.
const IDLE_BEFORE_PING: Duration = Duration::from_secs(1);

/// How long to wait before a lost connection is replaced again. A server that shuts down drops many in turn.
const PAUSE_AFTER_LOSS: Duration = Duration::from_millis(20);

/// How long a server may take to say why it gives no connection.
const DIAGNOSIS: Duration = Duration::from_secs(2);

/// How many connections there are at most, however many are asked for: a server that has more is not a usual one.
const MOST_CONNECTIONS: u32 = 1_000;

/// How often we try to create the tables while another process creates them, and how long we wait in between.
const CREATION_TRIES: usize = 50;
const CREATION_PAUSE: Duration = Duration::from_millis(100);

/// One Postgres database.
#[derive(Debug)]
pub(crate) struct PostgresDatabase {
    name: Arc<str>,
    connections: Mutex<Connections>,
    config: PostgresConfig,
    mode: OpenMode,
    context: StorageContext,
    ready: OnceCell<()>,
    id_order: IdOrder,
}

/// The connections of a database, and how they are to be used.
#[derive(Debug, Default)]
struct Connections {
    /// Made on first use: a pool needs a runtime, and a database can be named without one.
    pool: Option<PgPool>,
    /// `None` unless the program serves people.
    of_webserver: Option<WebserverConnections>,
}

impl PostgresDatabase {
    /// A database that is connected to on first use.
    pub(crate) fn new(mut config: PostgresConfig, mode: OpenMode, context: StorageContext) -> Self {
        config.connect = config.connect.disable_statement_logging();
        let socket = config.connect.get_socket().map(|socket| socket.display().to_string());
        let name = format!(
            "postgresql://{}@{}:{}/{}",
            config.connect.get_username(),
            socket.as_deref().unwrap_or_else(|| config.connect.get_host()),
            config.connect.get_port(),
            config.connect.get_database().unwrap_or_default()
        );
        Self {
            name: name.into(),
            connections: Mutex::default(),
            config,
            mode,
            context,
            ready: OnceCell::new(),
            id_order: IdOrder::default(),
        }
    }

    fn connections(&self) -> MutexGuard<'_, Connections> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn pool(&self) -> PgPool {
        let mut connections = self.connections();
        let of_webserver = connections.of_webserver;
        connections.pool.get_or_insert_with(|| self.new_pool(of_webserver)).clone()
    }

    fn new_pool(&self, of_webserver: Option<WebserverConnections>) -> PgPool {
        let mut options = PgPoolOptions::new()
            .max_connections(self.config.max_connections)
            .acquire_timeout(self.config.acquire_timeout)
            .test_before_acquire(false)
            .before_acquire(|connection, meta| {
                Box::pin(async move {
                    Ok(meta.idle_for < IDLE_BEFORE_PING || connection.ping().await.is_ok())
                })
            });
        if let Some(limits) = of_webserver {
            let overflow = limits.max_overflow.unwrap_or(MOST_CONNECTIONS);
            options = options
                .max_connections(overflow.saturating_add(1).min(MOST_CONNECTIONS))
                .max_lifetime(limits.pool_recycle);
            if let Some(timeout) = limits.statement_timeout {
                options = options.after_connect(move |connection, _| {
                    Box::pin(async move {
                        let statement = schema::set_statement_timeout(timeout);
                        let setting = sqlx::raw_sql(AssertSqlSafe(statement));
                        setting.execute(connection).await.map(drop)
                    })
                });
            }
        }
        options.connect_lazy_with(self.config.connect.clone())
    }

    /// Uses connections as a program needs it that serves people for long. Whoever has a connection keeps it to the
    /// end of the call.
    pub(super) fn optimize_for_webserver(&self, connections: &WebserverConnections) {
        let mut current = self.connections();
        if current.of_webserver != Some(*connections) {
            // The connections of the old pool are closed when the last of its users is done.
            *current = Connections { pool: None, of_webserver: Some(*connections) };
        }
    }

    pub(super) const fn name(&self) -> &Arc<str> {
        &self.name
    }

    pub(super) async fn ready(&self) -> Result<(), StorageError> {
        self.ready.get_or_try_init(|| self.initialise()).await.copied()
    }

    /// Reads the rows of a query with `read`. If the connection turns out to be lost, the query is sent again and
    /// is read from its first row.
    pub(super) async fn fetch_each<S: QueryStatementWriter + Sync, T: Send>(
        &self,
        operation: &'static str,
        select: &S,
        read: impl Fn(Row) -> Result<T, StorageError> + Send + Sync,
    ) -> Result<Vec<T>, StorageError> {
        self.ready().await?;
        let (sql, values) = render(select);
        let deadline = self.deadline();
        loop {
            let query = sqlx::query_with(AssertSqlSafe(sql.clone()), values.clone());
            match row::read_all(query.fetch(&self.pool()), |row| {
                read(Row::from_postgres(&self.name, row))
            })
            .await
            {
                Ok(found) => return found,
                Err(error) => {
                    let waited = self.wait_after(error, deadline).await;
                    waited.map_err(|error| self.error(operation, error))?;
                }
            }
        }
    }

    /// Runs a write in its own transaction, and returns when it is durable.
    ///
    /// If the connection is lost before the transaction began, another one is taken. If it is lost later, the
    /// caller gets the error: nobody knows whether the server had committed.
    pub(super) async fn write<T, F>(
        &self,
        operation: &'static str,
        write: F,
    ) -> Result<T, StorageError>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(Connection<'c>) -> BoxFuture<'c, Result<T, StorageError>>
            + Send
            + 'static,
    {
        self.ready().await?;
        let transaction = self.begin().await;
        let transaction = transaction.map_err(|error| self.error(operation, error))?;
        self.finish(operation, transaction, write).await
    }

    /// Like `write`, for events. Events become visible in the order of their ids, so that whoever follows the ids
    /// misses none.
    pub(super) async fn write_events<T, F>(
        &self,
        operation: &'static str,
        write: F,
    ) -> Result<T, StorageError>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(Connection<'c>) -> BoxFuture<'c, Result<T, StorageError>>
            + Send
            + 'static,
    {
        self.ready().await?;
        let failed = |error| self.error(operation, error);
        let _turn = self.id_order.turn().await;
        let mut transaction = self.begin().await.map_err(failed)?;
        self.id_order.keep(&mut transaction).await.map_err(failed)?;
        self.finish(operation, transaction, write).await
    }

    async fn finish<T, F>(
        &self,
        operation: &'static str,
        mut transaction: Transaction<'static, Postgres>,
        write: F,
    ) -> Result<T, StorageError>
    where
        F: for<'c> FnOnce(Connection<'c>) -> BoxFuture<'c, Result<T, StorageError>>,
    {
        let value = write(self.connection(operation, &mut transaction)).await;
        match value {
            Ok(value) => {
                transaction.commit().await.map_err(|error| self.error(operation, error))?;
                Ok(value)
            }
            Err(error) => {
                // The first error is the one to return. Without a commit nothing is kept.
                let _ = transaction.rollback().await;
                Err(error)
            }
        }
    }

    pub(super) async fn close(&self) {
        let pool = self.connections().pool.take();
        if let Some(pool) = pool {
            pool.close().await;
        }
    }

    fn error(&self, operation: &'static str, error: sqlx::Error) -> StorageError {
        backend_error(&self.name, operation, error)
    }

    async fn begin(&self) -> sqlx::Result<Transaction<'static, Postgres>> {
        let deadline = self.deadline();
        loop {
            match self.pool().begin().await {
                Ok(transaction) => return Ok(transaction),
                Err(error) => self.wait_after(error, deadline).await?,
            }
        }
    }

    async fn acquire(&self) -> sqlx::Result<PoolConnection<Postgres>> {
        let deadline = self.deadline();
        loop {
            match self.pool().acquire().await {
                Ok(connection) => return Ok(connection),
                Err(error) => self.wait_after(error, deadline).await?,
            }
        }
    }

    /// Until when a lost connection is replaced by another one.
    fn deadline(&self) -> Instant {
        Instant::now() + self.config.acquire_timeout
    }

    /// Returns when the failed attempt should be made again, because the connection was lost and there is still
    /// time. Otherwise returns the error.
    async fn wait_after(&self, error: sqlx::Error, deadline: Instant) -> sqlx::Result<()> {
        match error {
            error if is_lost(&error) && Instant::now() < deadline => {
                tokio::time::sleep(PAUSE_AFTER_LOSS).await;
                Ok(())
            }
            sqlx::Error::PoolTimedOut => Err(self.why_no_connection().await),
            error => Err(error),
        }
    }

    /// Why the pool gave no connection in time. It is what the server says to a new connection. If the server
    /// accepts one, all connections of the pool are in use.
    async fn why_no_connection(&self) -> sqlx::Error {
        let connecting = tokio::time::timeout(DIAGNOSIS, self.config.connect.connect()).await;
        match connecting {
            Ok(Err(error)) => error,
            Ok(Ok(connection)) => {
                // It was asked for its answer alone.
                let _ = connection.close().await;
                sqlx::Error::PoolTimedOut
            }
            Err(_) => sqlx::Error::PoolTimedOut,
        }
    }

    fn connection<'c>(
        &self,
        operation: &'static str,
        connection: &'c mut PgConnection,
    ) -> Connection<'c> {
        Connection {
            database: Arc::clone(&self.name),
            operation,
            driver: DriverConnection::Postgres(connection),
        }
    }

    async fn initialise(&self) -> Result<(), StorageError> {
        let opening = |error| backend_error(&self.name, "opening", error);
        for _ in 0..CREATION_TRIES {
            let mut connection = self.acquire().await.map_err(opening)?;
            let missing = self.missing(&mut connection).await?;
            if missing.is_empty() {
                return self.check_revision(&mut connection).await;
            }
            if self.mode == OpenMode::MustExist {
                if missing.len() == Schema::OF_ONE_DATABASE.len() {
                    return Err(StorageError::Unsupported {
                        what: format!("no Dagster instance in {}", self.name),
                        reason:
                            "it has no tables of Dagster's; name another database, or create a run \
                                 first"
                                .to_owned(),
                    });
                }
                // Whoever only reads does not create what is missing. Statements on it fail and say so.
                return self.check_revision(&mut connection).await;
            }
            if !self.config.create_tables {
                return Err(StorageError::Unsupported {
                    what: format!("{} has no tables of Dagster's", self.name),
                    reason:
                        "`should_autocreate_tables` is off; create them with Dagster, or turn it on"
                            .to_owned(),
                });
            }
            drop(connection);
            match self.create(&missing).await {
                Ok(()) => {}
                // Another process is creating them, too.
                Err(error) => tracing::debug!(database = %self.name, %error, "creating failed"),
            }
            tokio::time::sleep(CREATION_PAUSE).await;
        }
        let mut connection = self.acquire().await.map_err(opening)?;
        let missing = self.missing(&mut connection).await?;
        drop(connection);
        self.create(&missing).await
    }

    /// The schemas whose main table is not there.
    async fn missing(&self, connection: &mut PgConnection) -> Result<Vec<Schema>, StorageError> {
        let tables = self.strings(connection, &schema::select_postgres_table_names()).await?;
        let is_missing = |schema: &Schema| !tables.iter().any(|table| table == schema.main_table());
        Ok(Schema::OF_ONE_DATABASE.iter().copied().filter(is_missing).collect())
    }

    async fn create(&self, missing: &[Schema]) -> Result<(), StorageError> {
        let creating = |error| backend_error(&self.name, "creating", error);
        let mut transaction = self.begin().await.map_err(creating)?;
        // Two processes of ours take turns; Dagster does not know the lock.
        sqlx::query(schema::LOCK_CREATION).execute(&mut *transaction).await.map_err(creating)?;
        let still = self.missing(&mut transaction).await?;
        for schema in missing.iter().filter(|schema| still.contains(schema)) {
            let script = sqlx::raw_sql(schema.postgres_script());
            script.execute(&mut *transaction).await.map_err(creating)?;
            let mut inside = self.connection("creating", &mut transaction);
            fresh::fill(&mut inside, *schema, &self.context).await?;
        }
        if self.strings(&mut transaction, &schema::select_revision()).await?.is_empty() {
            let mut inside = self.connection("creating", &mut transaction);
            inside.execute(&schema::insert_revision()).await?;
        }
        transaction.commit().await.map_err(creating)?;
        tracing::info!(database = %self.name, ?missing, "created");
        Ok(())
    }

    async fn check_revision(&self, connection: &mut PgConnection) -> Result<(), StorageError> {
        let found = self.strings(connection, &schema::select_revision()).await?.pop();
        schema::check_revision(&self.name, found.unwrap_or_else(|| "none".to_owned()))
    }

    async fn strings(
        &self,
        connection: &mut PgConnection,
        select: &SelectStatement,
    ) -> Result<Vec<String>, StorageError> {
        let mut connection = self.connection("opening", connection);
        connection.fetch(select).await?.iter().map(Row::scalar).collect()
    }
}

/// Whether an error says that the connection is at fault, not the statement.
fn is_lost(error: &sqlx::Error) -> bool {
    match error {
        // A pool is closed if the store was closed in between. The next connection is of another pool.
        sqlx::Error::Io(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::WorkerCrashed
        | sqlx::Error::PoolClosed => true,
        // The server is shutting down, starting up, or has been crashed.
        sqlx::Error::Database(error) => {
            error.code().is_some_and(|code| matches!(&*code, "57P01" | "57P02" | "57P03"))
        }
        _ => false,
    }
}

/// The text and values of a statement.
pub(super) fn render(statement: &impl QueryStatementWriter) -> (String, SqlxValues) {
    super::render(statement, &PostgresQueryBuilder, |value| match value {
        // The driver cuts towards the year 2000, where Postgres counts from; before it, that is later.
        Value::ChronoDateTime(Some(time)) => time.trunc_subsecs(6).into(),
        Value::ChronoDateTimeUtc(Some(time)) => time.trunc_subsecs(6).into(),
        other => other,
    })
}
