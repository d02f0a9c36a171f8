//! One Postgres database, in which Dagster keeps all three stores: a bounded pool of connections, short
//! transactions, and a server that may go away and come back.

mod check;
mod closed;
mod config;
mod contact;
mod id_order;
mod lessons;
mod listen;
mod message;
mod options;
mod params;
mod relay;
mod seen;
mod servers;
mod tokens;
mod upgrade;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use chrono::SubsecRound;
use futures_util::future::BoxFuture;
use instance_core::error::StorageError;
use instance_core::storage::WebserverConnections;
use sea_query::{PostgresQueryBuilder, QueryStatementWriter, SelectStatement, Value};
use sea_query_sqlx::SqlxValues;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection as _, PgConnection, Postgres, Transaction};
use tokio::sync::OnceCell;

pub use config::PostgresConfig;
pub(super) use tokens::NoToken;
pub use tokens::{PostgresLogin, PostgresToken, PostgresTokenError, PostgresTokens};

use config::login;
use contact::{Between, Contact};
use id_order::IdOrder;
use lessons::Lesson;
pub(super) use lessons::is_of_way;
use message::Messages;

use seen::Seen;

use super::capabilities::{self, Found, Known};
use super::errors::{is_of_rivals, lacking_right, statement_error};
use super::{Connection, DriverConnection, Row, backend_error, fresh, row};
use crate::context::{OpenMode, StorageContext};
use crate::sql::Dialect;
use crate::sql::capabilities::Capabilities;
use crate::sql::schema::{self, HEAD, Schema, Stamp};
use crate::sql::session::LIMIT_IDLE;
use crate::sql::tables::secondary_indexes;

/// A connection that was idle for so long is tested before it is used.
const IDLE_BEFORE_PING: Duration = Duration::from_secs(1);

/// How long to wait before a lost connection is replaced again. A server that shuts down drops many in turn.
const PAUSE_AFTER_LOSS: Duration = Duration::from_millis(20);

/// How long a server may take to say why it gives no connection.
const DIAGNOSIS: Duration = Duration::from_secs(2);

/// How long a caller waits for a connection before it looks for another server, if there are several.
const LOOK_AROUND: Duration = Duration::from_secs(1);

/// How long the end of all connections may take.
const CLOSING: Duration = Duration::from_secs(5);

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
    known: Arc<Known>,
    ready: OnceCell<()>,
    /// Held by whoever reaches a server.
    reaching: tokio::sync::Mutex<()>,
    id_order: IdOrder,
    messages: Messages,
}

/// The connections of a database, and how they are to be used.
#[derive(Debug, Default)]
struct Connections {
    /// Made on first use: a pool needs a runtime, and a database can be named without one.
    link: Option<Link>,
    /// `None` unless the program serves people.
    of_webserver: Option<WebserverConnections>,
}

/// The connections to a server that was reached.
#[derive(Debug, Clone)]
struct Link {
    pool: PgPool,
    contact: Arc<Contact>,
    begun: Instant,
    /// The token with which the pool connects, if it does so by tokens.
    token: Arc<Mutex<Option<Arc<PostgresToken>>>>,
    /// Why there is no token that is valid now.
    no_token: Option<NoToken>,
}

impl Link {
    /// Makes the pool's next connections by a token.
    fn take(&self, token: Arc<PostgresToken>) {
        let mut current = self.token.lock().unwrap_or_else(PoisonError::into_inner);
        if current.as_ref().is_some_and(|current| Arc::ptr_eq(current, &token)) {
            return;
        }
        let connect = PgConnectOptions::clone(&self.pool.connect_options());
        self.pool.set_connect_options(connect.password(token.password.expose()));
        *current = Some(token);
    }

    /// Why a server refuses us: if there was no new token, that is the cause.
    fn explained(&self, error: sqlx::Error) -> sqlx::Error {
        match &self.no_token {
            Some(no_token) if contact::is_of_login(&error) => no_token.clone().into(),
            _ => error,
        }
    }
}

impl PostgresDatabase {
    /// A database that is connected to on first use.
    pub(crate) fn new(mut config: PostgresConfig, mode: OpenMode, context: StorageContext) -> Self {
        for server in &mut config.servers {
            server.connect = server.connect.clone().disable_statement_logging();
        }
        Self {
            name: config.name().into(),
            connections: Mutex::default(),
            config,
            mode,
            context,
            known: Arc::new(Known::of(Schema::OF_ONE_DATABASE)),
            ready: OnceCell::new(),
            reaching: tokio::sync::Mutex::default(),
            id_order: IdOrder::default(),
            messages: Messages::default(),
        }
    }

    fn connections(&self) -> MutexGuard<'_, Connections> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The connections to the server that was reached, by a token that is valid, if it is tokens by which we log in.
    async fn link(&self, deadline: Instant) -> sqlx::Result<Link> {
        let mut link = self.reached(deadline).await?;
        if let Some(tokens) = &self.config.tokens {
            match tokens.get(&login(&link.contact.connect), deadline).await {
                Ok(token) => link.take(token),
                // A connection that is there needs none, also one that is in use now.
                Err(error) if link.pool.size() > 0 => {
                    tracing::warn!(database = %self.name, %error, "no more connections are made");
                    link.no_token = Some(error);
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(link)
    }

    /// The connections to the server that was reached; at first, and when that was lost, one is reached.
    async fn reached(&self, deadline: Instant) -> sqlx::Result<Link> {
        if let Some(link) = &self.connections().link {
            return Ok(link.clone());
        }
        let _one = self.reaching.lock().await;
        if let Some(link) = &self.connections().link {
            return Ok(link.clone());
        }
        let contact = contact::reach(&self.config, deadline).await?;
        let mut connections = self.connections();
        let link = self.new_link(contact, connections.of_webserver);
        Ok(connections.link.insert(link).clone())
    }

    fn new_link(&self, contact: Arc<Contact>, of_webserver: Option<WebserverConnections>) -> Link {
        // Where there are several servers, a caller looks whether another one can be reached before all time is over.
        let is_one = self.config.servers.len() == 1;
        let acquire_timeout = self.config.acquire_timeout;
        let mut options = PgPoolOptions::new()
            .max_connections(self.config.max_connections)
            .acquire_timeout(if is_one {
                acquire_timeout
            } else {
                acquire_timeout.min(LOOK_AROUND)
            })
            .test_before_acquire(false)
            .before_acquire(|connection, meta| {
                Box::pin(async move {
                    Ok(meta.idle_for < IDLE_BEFORE_PING || connection.ping().await.is_ok())
                })
            });
        let mut contact = contact;
        if let Some(limits) = of_webserver {
            let overflow = limits.max_overflow.unwrap_or(MOST_CONNECTIONS);
            options = options
                .max_connections(overflow.saturating_add(1).min(MOST_CONNECTIONS))
                .max_lifetime(limits.pool_recycle);
            if let Some(timeout) = limits.statement_timeout {
                let (name, value) = schema::statement_timeout(timeout);
                contact = Arc::new(Contact::clone(&contact).with_setting(name, value));
            }
        }
        if let Some(statements) = contact.of_connection() {
            options = options.after_connect(move |connection, _| {
                let setting = sqlx::raw_sql(AssertSqlSafe(statements.clone()));
                Box::pin(async move { setting.execute(connection).await.map(drop) })
            });
        }
        let pool = options.connect_lazy_with(contact.connect.clone());
        Link { pool, contact, begun: Instant::now(), token: Arc::default(), no_token: None }
    }

    /// Uses connections as a program needs it that serves people for long. Whoever has a connection keeps it to the
    /// end of the call.
    pub(super) fn optimize_for_webserver(&self, connections: &WebserverConnections) {
        let mut current = self.connections();
        if current.of_webserver != Some(*connections) {
            // The connections of the old pool are closed when the last of its users is done.
            *current = Connections { link: None, of_webserver: Some(*connections) };
        }
    }

    pub(crate) const fn name(&self) -> &Arc<str> {
        &self.name
    }

    pub(super) fn known(&self) -> &Known {
        &self.known
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
            match self.fetch_once(&sql, &values, &read, deadline).await {
                Ok(found) => return found,
                Err(error) => {
                    let waited = self.wait_after(error, deadline).await;
                    waited.map_err(|error| {
                        let dialect = Dialect::Postgres;
                        statement_error(&self.name, operation, error, dialect, || sql.clone())
                    })?;
                }
            }
        }
    }

    async fn fetch_once<T: Send>(
        &self,
        sql: &str,
        values: &SqlxValues,
        read: &(impl Fn(Row) -> Result<T, StorageError> + Send + Sync),
        deadline: Instant,
    ) -> sqlx::Result<Result<Vec<T>, StorageError>> {
        let link = self.link(deadline).await?;
        let query = sqlx::query_with(AssertSqlSafe(sql.to_owned()), values.clone());
        let read = |row| read(Row::from_postgres(&self.name, row));
        if link.contact.between != Between::Transactions {
            let found = row::read_all(query.fetch(&link.pool), read).await;
            return found.map_err(|error| link.explained(error));
        }
        // Outside of a transaction, a statement could be prepared by one process and asked of another.
        let begun = link.pool.begin_with(AssertSqlSafe(link.contact.begin())).await;
        let mut transaction = begun.map_err(|error| link.explained(error))?;
        let found = row::read_all(query.persistent(false).fetch(&mut *transaction), read).await?;
        transaction.commit().await?;
        Ok(found)
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
        let transaction = self.begin_with(LIMIT_IDLE).await;
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
        let mut transaction = self.begin_with(LIMIT_IDLE).await.map_err(failed)?;
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
                self.learn_of_write(&error);
                Err(error)
            }
        }
    }

    pub(super) async fn close(&self) {
        let link = self.connections().link.take();
        if let Some(link) = link
            && tokio::time::timeout(CLOSING, link.pool.close()).await.is_err()
        {
            // A server that does not answer is not to hold up the end of a program.
            tracing::debug!(database = %self.name, "connections did not end in time");
        }
    }

    fn error(&self, operation: &'static str, error: sqlx::Error) -> StorageError {
        backend_error(&self.name, operation, error)
    }

    async fn begin(&self) -> sqlx::Result<Transaction<'static, Postgres>> {
        self.begin_with("").await
    }

    /// Begins a transaction with more statements, each of which has a semicolon in front.
    async fn begin_with(&self, more: &str) -> sqlx::Result<Transaction<'static, Postgres>> {
        let deadline = self.deadline();
        loop {
            match self.begin_once(more, deadline).await {
                Ok(transaction) => return Ok(transaction),
                Err(error) => self.wait_after(error, deadline).await?,
            }
        }
    }

    async fn begin_once(
        &self,
        more: &str,
        deadline: Instant,
    ) -> sqlx::Result<Transaction<'static, Postgres>> {
        let link = self.link(deadline).await?;
        // All in one message.
        let begin = link.contact.begin() + more;
        let transaction = link.pool.begin_with(AssertSqlSafe(begin)).await;
        transaction.map_err(|error| link.explained(error))
    }

    /// A connection to look with. It is in a transaction, which ends when it is dropped: behind some poolers, only that has
    /// one process of the server.
    async fn acquire(&self) -> sqlx::Result<Transaction<'static, Postgres>> {
        self.begin().await
    }

    /// Until when a lost connection is replaced by another one.
    fn deadline(&self) -> Instant {
        Instant::now() + self.config.acquire_timeout
    }

    /// Returns when the failed attempt should be made again, because the connection was lost and there is still
    /// time. Otherwise returns the error.
    async fn wait_after(&self, error: sqlx::Error, deadline: Instant) -> sqlx::Result<()> {
        let is_one = self.config.servers.len() == 1;
        self.forget_refused(&error);
        let may_pass = Lesson::of(&error).is_some_and(|lesson| self.learn(lesson));
        match error {
            _ if may_pass && Instant::now() < deadline => {
                tokio::time::sleep(PAUSE_AFTER_LOSS).await;
                Ok(())
            }
            error if is_lost(&error) && Instant::now() < deadline => {
                self.look_around().await;
                tokio::time::sleep(PAUSE_AFTER_LOSS).await;
                Ok(())
            }
            sqlx::Error::PoolTimedOut if !is_one && Instant::now() < deadline => {
                // If the server answers, all connections to it are in use, and waiting for one is right.
                if !matches!(self.why_no_connection().await, sqlx::Error::PoolTimedOut) {
                    self.look_around().await;
                }
                Ok(())
            }
            sqlx::Error::PoolTimedOut => Err(self.why_no_connection().await),
            error => Err(error),
        }
    }

    /// Does not use a token again that the server has refused.
    fn forget_refused(&self, error: &sqlx::Error) {
        let link = self.connections().link.clone();
        let (Some(tokens), Some(link)) = (&self.config.tokens, link) else { return };
        let token = link.token.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(token) = token.filter(|_| contact::is_of_login(error)) {
            tokens.forget(&login(&link.contact.connect), &token);
        }
    }

    /// If there are several servers, takes the first that can be reached now.
    async fn look_around(&self) {
        if self.config.servers.len() == 1 {
            return;
        }
        // Whether none can be reached, the caller finds out.
        let Ok(contact) = contact::reach(&self.config, Instant::now() + LOOK_AROUND).await else {
            return;
        };
        let mut connections = self.connections();
        let is_the_same = |link: &Link| link.contact.place == contact.place;
        if !connections.link.as_ref().is_some_and(is_the_same) {
            tracing::info!(database = %self.name, server = contact.place, "another server is taken");
            connections.link = Some(self.new_link(contact, connections.of_webserver));
        }
    }

    /// Why the pool gave no connection in time. It is what the server says to a new connection. If the server
    /// accepts one, all connections of the pool are in use.
    async fn why_no_connection(&self) -> sqlx::Error {
        let link = self.link(Instant::now()).await;
        let Ok(Link { pool, .. }) = link else { return sqlx::Error::PoolTimedOut };
        let connecting = tokio::time::timeout(DIAGNOSIS, pool.connect_options().connect()).await;
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

    /// Whether a statement that was prepared is still there in the next transaction.
    fn keeps_statements(&self) -> bool {
        let connections = self.connections();
        let between = connections.link.as_ref().map(|link| link.contact.between);
        between.is_some_and(|between| between != Between::Transactions)
    }

    fn connection<'c>(
        &self,
        operation: &'static str,
        connection: &'c mut PgConnection,
    ) -> Connection<'c> {
        Connection {
            database: Arc::clone(&self.name),
            known: Arc::clone(&self.known),
            operation,
            driver: DriverConnection::Postgres(connection, self.keeps_statements()),
        }
    }

    async fn initialise(&self) -> Result<(), StorageError> {
        let opening = |error| backend_error(&self.name, "opening", error);
        let mut last = None;
        for _ in 0..CREATION_TRIES {
            let mut connection = self.acquire().await.map_err(opening)?;
            let seen = self.look_through(&mut connection).await?;
            // Before anything is created.
            seen.found.stamp.check(&self.name)?;
            let missing = seen.missing();
            if missing.is_empty() || self.serves_without(&missing)? {
                // Statements on what is missing fail and say so.
                self.known.learn(&seen.found);
                return Ok(());
            }
            seen.refuse_others_tables(&self.name, &missing)?;
            drop(connection);
            match self.create(&missing).await {
                Ok(()) => continue,
                Err(error) => {
                    if let Some(said) = lacking_right(&error) {
                        return Err(self.may_not_create(said));
                    }
                    // Another process may be creating them, too.
                    if !error.is_temporary() && !is_of_rivals(&error) {
                        return Err(error);
                    }
                    tracing::debug!(database = %self.name, %error, "creating failed");
                    last = Some(error);
                }
            }
            tokio::time::sleep(CREATION_PAUSE).await;
        }
        Err(last.unwrap_or_else(|| StorageError::Unsupported {
            what: format!("the tables of Dagster in {}", self.name),
            reason: "they were created again and again, and are not there: look who drops them"
                .to_owned(),
        }))
    }

    /// Whether the stores that are there are to be used, and those that are missing are not to be created.
    fn serves_without(&self, missing: &[Schema]) -> Result<bool, StorageError> {
        let has_some = missing.len() < Schema::OF_ONE_DATABASE.len();
        if self.mode == OpenMode::MustExist {
            if has_some {
                return Ok(true);
            }
            return Err(StorageError::Unsupported {
                what: format!("no Dagster instance in {}", self.name),
                reason:
                    "it has no tables of Dagster's; name another database, or create a run first"
                        .to_owned(),
            });
        }
        if self.config.create_tables || has_some {
            return Ok(!self.config.create_tables);
        }
        Err(StorageError::Unsupported {
            what: format!("{} has no tables of Dagster's", self.name),
            reason: "`should_autocreate_tables` is off; create them with Dagster, or turn it on"
                .to_owned(),
        })
    }

    /// Looks again what it has.
    pub(super) async fn look(&self) -> Result<(), StorageError> {
        let looking = |error| backend_error(&self.name, "looking what a database has", error);
        let mut connection = self.acquire().await.map_err(looking)?;
        let seen = self.look_through(&mut connection).await?;
        self.known.learn(&seen.found);
        Ok(())
    }

    async fn look_through(&self, connection: &mut PgConnection) -> Result<Seen, StorageError> {
        let mut looking = self.connection("opening", connection);
        let columns = looking.fetch(&schema::select_postgres_columns()).await?;
        let tables = Seen::tables(&columns)?;
        drop(looking);
        if tables.is_empty() {
            self.refuse_closed(connection).await?;
        }
        let mut connection = self.connection("opening", connection);
        let has = |table: &str| tables.contains_key(table);
        let mut texts = async |select: &SelectStatement| {
            let rows = connection.fetch(select).await?;
            rows.iter().map(Row::scalar).collect::<Result<Vec<String>, StorageError>>()
        };
        let migrations = if has(secondary_indexes::TABLE) {
            texts(&schema::select_completed_migrations()).await?
        } else {
            Vec::new()
        };
        let revisions = if Seen::is_revision_of_ours(&tables) {
            texts(&schema::select_revision()).await?
        } else {
            Vec::new()
        };
        let capabilities = Capabilities::found(&capabilities::columns(&columns)?, &migrations);
        Ok(Seen { tables, found: Found { capabilities, stamp: Stamp::of(revisions) } })
    }

    /// The role may not create what is missing.
    fn may_not_create(&self, said: &str) -> StorageError {
        StorageError::Unsupported {
            what: format!("creating the tables in {}", self.name),
            reason: format!(
                "the server says: {said}. The role needs the right CREATE on the schema: `GRANT CREATE ON SCHEMA .. TO ..`; \
                 or name a schema in which it may create, by the parameter options=-csearch_path=.."
            ),
        }
    }

    async fn create(&self, missing: &[Schema]) -> Result<(), StorageError> {
        let creating = |error| backend_error(&self.name, "creating", error);
        let mut transaction = self.begin().await.map_err(creating)?;
        // Two processes of ours take turns; Dagster does not know the lock.
        sqlx::raw_sql(schema::LOCK_CREATION).execute(&mut *transaction).await.map_err(creating)?;
        let seen = self.look_through(&mut transaction).await?;
        seen.found.stamp.check(&self.name)?;
        let still = seen.missing();
        // What is created beside older stores does not make them newer.
        let revision = seen.found.stamp.of_what_is_beside().unwrap_or(HEAD);
        for schema in missing.iter().filter(|schema| still.contains(schema)) {
            let script = schema.postgres_script_at(revision).into_owned();
            let script = sqlx::raw_sql(AssertSqlSafe(script));
            script.execute(&mut *transaction).await.map_err(creating)?;
            let mut inside = self.connection("creating", &mut transaction);
            fresh::fill(&mut inside, *schema, revision, &self.context).await?;
        }
        let is_first = still.len() == Schema::OF_ONE_DATABASE.len();
        if is_first && seen.found.stamp == Stamp::None {
            let mut inside = self.connection("creating", &mut transaction);
            inside.execute(&schema::insert_revision(HEAD)).await?;
        }
        transaction.commit().await.map_err(creating)?;
        tracing::info!(database = %self.name, ?missing, "created");
        Ok(())
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
        error => has_code(error, &["57P01", "57P02", "57P03"]),
    }
}

/// Whether the server says an error with one of these codes.
fn has_code(error: &sqlx::Error, codes: &[&str]) -> bool {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    code.is_some_and(|code| codes.contains(&&*code))
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
