//! One Postgres database, in which Dagster keeps all three stores: a bounded pool of connections, short
//! transactions, and a server that may go away and come back.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use instance_core::error::StorageError;
use sea_query::{PostgresQueryBuilder, QueryStatementWriter, SelectStatement};
use sea_query_sqlx::SqlxValues;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection as _, PgConnection, Postgres, Transaction};
use tokio::sync::OnceCell;

use super::{Connection, Link, Row, backend_error, row};
use crate::layouts::StorageContext;
use crate::sql::schema::{self, Schema};

/// A connection that was not used for so long is asked whether it still lives before it is used.
const IDLE_BEFORE_PING: Duration = Duration::from_secs(1);

/// How often creating the tables is tried while another process creates them, and how long apart.
const CREATION_TRIES: usize = 50;
const CREATION_PAUSE: Duration = Duration::from_millis(100);

/// How to reach a Postgres database, and how many connections to hold.
#[derive(Debug, Clone)]
pub(crate) struct PostgresOptions {
    /// Where the server is, and as whom to speak to it.
    pub(crate) connect: PgConnectOptions,
    /// How many connections there are at most.
    pub(crate) max_connections: u32,
    /// How long a caller waits for a connection.
    pub(crate) acquire_timeout: Duration,
    /// Whether missing tables are created.
    pub(crate) create_tables: bool,
}

/// One Postgres database.
#[derive(Debug)]
pub(crate) struct PostgresDatabase {
    name: Arc<str>,
    pool: PgPool,
    options: PostgresOptions,
    context: StorageContext,
    ready: OnceCell<()>,
}

impl PostgresDatabase {
    /// A database that is connected to on first use.
    pub(crate) fn new(options: PostgresOptions, context: StorageContext) -> Self {
        let connect = options.connect.clone().disable_statement_logging();
        let name = format!(
            "postgresql://{}@{}:{}/{}",
            connect.get_username(),
            connect.get_host(),
            connect.get_port(),
            connect.get_database().unwrap_or_default()
        );
        let pool = PgPoolOptions::new()
            .max_connections(options.max_connections)
            .acquire_timeout(options.acquire_timeout)
            .test_before_acquire(false)
            .before_acquire(|connection, meta| {
                Box::pin(async move {
                    Ok(meta.idle_for < IDLE_BEFORE_PING || connection.ping().await.is_ok())
                })
            })
            .connect_lazy_with(connect);
        Self { name: name.into(), pool, options, context, ready: OnceCell::new() }
    }

    pub(super) const fn name(&self) -> &Arc<str> {
        &self.name
    }

    pub(super) async fn ready(&self) -> Result<(), StorageError> {
        self.ready.get_or_try_init(|| self.initialise()).await.copied()
    }

    /// The rows of a query. If the connection turns out to be lost, the query is sent again.
    pub(super) async fn fetch<S: QueryStatementWriter + Sync>(
        &self,
        operation: &'static str,
        select: &S,
    ) -> Result<Vec<Row>, StorageError> {
        self.ready().await?;
        let (sql, values) = render(select);
        let deadline = Instant::now() + self.options.acquire_timeout;
        loop {
            let query = sqlx::query_with(AssertSqlSafe(sql.clone()), values.clone());
            match query.fetch_all(&self.pool).await {
                Ok(rows) => {
                    let rows = row::from_postgres(&self.name, &rows);
                    return rows.map_err(|error| backend_error(&self.name, operation, error));
                }
                Err(error) if is_lost(&error) && Instant::now() < deadline => {}
                Err(error) => return Err(backend_error(&self.name, operation, error)),
            }
        }
    }

    /// Runs a write in a transaction of its own; returns when it is durable.
    ///
    /// If the connection is lost before the transaction began, another one is taken. Afterwards the
    /// caller is told: nobody knows then whether the server had committed.
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
        let failed = |error| backend_error(&self.name, operation, error);
        let mut transaction = self.begin().await.map_err(failed)?;
        let value = write(self.connection(operation, &mut transaction)).await;
        match value {
            Ok(value) => {
                transaction.commit().await.map_err(failed)?;
                Ok(value)
            }
            Err(error) => {
                // The first error is the one to tell; without a commit nothing is kept.
                let _ = transaction.rollback().await;
                Err(error)
            }
        }
    }

    pub(super) async fn close(&self) {
        self.pool.close().await;
    }

    async fn begin(&self) -> sqlx::Result<Transaction<'static, Postgres>> {
        let deadline = Instant::now() + self.options.acquire_timeout;
        loop {
            match self.pool.begin().await {
                Err(error) if is_lost(&error) && Instant::now() < deadline => {}
                begun => return begun,
            }
        }
    }

    fn connection<'c>(
        &self,
        operation: &'static str,
        connection: &'c mut PgConnection,
    ) -> Connection<'c> {
        Connection { database: Arc::clone(&self.name), operation, link: Link::Postgres(connection) }
    }

    async fn initialise(&self) -> Result<(), StorageError> {
        let opening = |error| backend_error(&self.name, "opening", error);
        for _ in 0..CREATION_TRIES {
            let mut connection = self.pool.acquire().await.map_err(opening)?;
            let missing = self.missing(&mut connection).await?;
            if missing.is_empty() {
                return self.check_revision(&mut connection).await;
            }
            if !self.options.create_tables {
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
        let mut connection = self.pool.acquire().await.map_err(opening)?;
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
            for statement in schema.postgres_statements() {
                sqlx::query(statement).execute(&mut *transaction).await.map_err(creating)?;
            }
            let mut inside = self.connection("creating", &mut transaction);
            self.context.fill_fresh(&mut inside, *schema).await?;
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

/// Whether an error says that the connection, and not the statement, is at fault.
fn is_lost(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::Protocol(_) | sqlx::Error::WorkerCrashed => true,
        // The server is shutting down, starting up, or has been crashed.
        sqlx::Error::Database(error) => {
            error.code().is_some_and(|code| matches!(&*code, "57P01" | "57P02" | "57P03"))
        }
        _ => false,
    }
}

/// The text and values of a statement.
pub(super) fn render(statement: &impl QueryStatementWriter) -> (String, SqlxValues) {
    super::render(statement, &PostgresQueryBuilder, |value| value)
}
