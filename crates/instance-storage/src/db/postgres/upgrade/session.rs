//! Connections that only an upgrade uses: one that works, and one that watches it.
//!
//! Behind a pooler in transaction mode, a connection has a process of the server only within a transaction. So
//! each limit of time is lifted where it counts, or the upgrade is refused.

use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::{Either, select};
use instance_core::error::StorageError;
use instance_core::storage::UpgradeStop;
use sqlx::{AssertSqlSafe, ConnectOptions, Executor, PgConnection, Row};

use super::super::contact::{Between, Contact};
use super::super::{PostgresDatabase, backend_error, contact, is_lost};
use crate::sql::schema::server;

/// How often a statement that takes longer is looked at.
const LOOK: Duration = Duration::from_millis(200);

/// How long the server may take to answer a question.
const ANSWER: Duration = Duration::from_secs(10);

/// After how many looks it is asked whether the server is at work still.
const LOOKS: u32 = 50;

/// How often in turn it has to be found not to be.
const IDLE: u32 = 3;

/// What is read of a row: texts alone.
pub(super) type Texts = Vec<String>;

/// Why a statement ended without having done its work.
#[derive(Debug)]
pub(super) enum Ended {
    /// The end of the upgrade was asked for.
    Stopped,
    /// The server refused it.
    Failed(sqlx::Error),
}

impl From<sqlx::Error> for Ended {
    fn from(error: sqlx::Error) -> Self {
        Self::Failed(error)
    }
}

/// A database while it is looked at or upgraded.
pub(super) struct Session {
    pub(super) database: Arc<str>,
    contact: Arc<Contact>,
    work: PgConnection,
    watch: PgConnection,
    /// The schema of the tables, if tables are created in another one otherwise.
    pub(super) schema: Option<String>,
}

impl Session {
    pub(super) async fn open(database: &PostgresDatabase) -> Result<Self, StorageError> {
        let deadline = Instant::now() + database.config.acquire_timeout;
        let opened = async {
            let contact = contact::reach(&database.config, deadline).await?;
            let work = connect(&contact).await?;
            let watch = connect(&contact).await?;
            Ok::<_, sqlx::Error>(Self {
                database: Arc::clone(&database.name),
                contact,
                work,
                watch,
                schema: None,
            })
        };
        opened.await.map_err(|error| backend_error(&database.name, "upgrading", error))
    }

    pub(super) fn error(&self, error: sqlx::Error) -> StorageError {
        backend_error(&self.database, "upgrading", error)
    }

    /// Refuses a pooler that gives statements limits of time, or other schemas than transactions.
    pub(super) async fn refuse_limits(&mut self) -> Result<(), StorageError> {
        if self.contact.between != Between::Transactions {
            return Ok(());
        }
        let alone = self.texts(server::SURROUNDINGS).await?;
        let begin = self.contact.begin();
        self.run(&begin).await?;
        let together = self.texts(server::SURROUNDINGS).await;
        self.run(crate::sql::schema::ROLLBACK).await?;
        let (alone, together) = (alone.first().cloned(), together?.first().cloned());
        let path = |found: &Option<Texts>| found.as_ref().and_then(|found| found.first().cloned());
        let is_limited = alone.iter().flatten().skip(1).any(|limit| limit != "0");
        if !is_limited && path(&alone) == path(&together) {
            return Ok(());
        }
        Err(StorageError::Unsupported {
            what: format!("an upgrade of {} through a pooler", self.database),
            reason: "indexes are built outside of transactions, where the pooler gives a statement time-outs \
                     (statement_timeout, lock_timeout) or another search_path; name the server itself, or a pooler in \
                     session mode, by --storage. Nothing was changed"
                .to_owned(),
        })
    }

    /// How a transaction begins in which a lock is not waited for longer than others can bear.
    pub(super) fn begin(&self, limit: &str) -> String {
        let schema =
            self.schema.as_deref().map(|schema| format!("; {}", server::create_in(schema)));
        format!("{}; {limit}{}", self.begin_without_limits(), schema.unwrap_or_default())
    }

    /// How a transaction begins in which nothing is limited.
    pub(super) fn begin_without_limits(&self) -> String {
        let begin = self.contact.begin();
        let settings = begin.strip_prefix(crate::sql::session::BEGIN).unwrap_or_default();
        format!("{}{settings}; {}", server::BEGIN, server::lift_limits(true))
    }

    pub(super) const fn connection(&mut self) -> &mut PgConnection {
        &mut self.work
    }

    pub(super) async fn run(&mut self, sql: &str) -> Result<u64, StorageError> {
        run(&mut self.work, sql).await.map_err(|error| self.error(error))
    }

    pub(super) async fn texts(&mut self, sql: &str) -> Result<Vec<Texts>, StorageError> {
        texts(&mut self.work, sql).await.map_err(|error| self.error(error))
    }

    /// Asks by the connection that watches.
    pub(super) async fn asks(&mut self, sql: &str) -> Result<Vec<Texts>, StorageError> {
        texts(&mut self.watch, sql).await.map_err(|error| self.error(error))
    }

    /// The process that carries out what is done; only within a transaction, or where it stays the same.
    pub(super) async fn process(&mut self) -> Result<Option<String>, StorageError> {
        let found = self.texts(crate::sql::session::PROCESS).await?;
        Ok(found.into_iter().flatten().next())
    }

    /// Whether a connection has the same process of the server at all times.
    pub(super) fn keeps_process(&self) -> bool {
        self.contact.between != Between::Transactions
    }

    /// Carries out a statement, and meanwhile asks a question again and again. `heard` gets the answers. If the end is asked
    /// for, the server ends the statement first.
    pub(super) async fn watched(
        &mut self,
        statement: &str,
        process: Option<&str>,
        stop: &UpgradeStop,
        question: &str,
        mut heard: impl FnMut(Vec<Texts>),
    ) -> Result<u64, Ended> {
        let Self { work, watch, contact, database, .. } = self;
        let mut working = pin!(run(work, statement));
        let mut is_cancelled = false;
        let (mut looks, mut idle) = (0_u32, 0);
        loop {
            let look = pin!(tokio::time::sleep(LOOK));
            match select(working.as_mut(), look).await {
                Either::Left((done, _)) => {
                    return match done {
                        Err(error) if is_cancelled && is_cancellation(&error) => {
                            Err(Ended::Stopped)
                        }
                        done => Ok(done?),
                    };
                }
                Either::Right(((), _)) if stop.is_asked() => {
                    // It may end by itself before that.
                    let found = match process {
                        Some(process) => Some(process.to_owned()),
                        None => answer(watch, contact, &server::process_of(statement))
                            .await
                            .ok()
                            .and_then(|rows| rows.into_iter().flatten().next()),
                    };
                    if let Some(process) = found {
                        is_cancelled |=
                            answer(watch, contact, &server::cancel(&process)).await.is_ok();
                    }
                }
                Either::Right(((), _)) => {
                    // What cannot be told is no reason to stop.
                    match answer(watch, contact, question).await {
                        Ok(answers) => heard(answers),
                        Err(error) => tracing::debug!(%database, %error, "it cannot be watched"),
                    }
                }
            }
            looks += 1;
            if looks.is_multiple_of(LOOKS)
                && let Some(process) = process
                && let Ok(found) = answer(watch, contact, &server::is_at_work(process)).await
            {
                idle = if found.is_empty() { idle + 1 } else { 0 };
                if idle >= IDLE {
                    let text = "the server is at the end of the statement, and its answer was lost with the connection";
                    let lost = std::io::Error::new(std::io::ErrorKind::ConnectionAborted, text);
                    return Err(Ended::Failed(sqlx::Error::Io(lost)));
                }
            }
        }
    }

    /// The processes that hold the lock of upgrades of this database.
    pub(super) async fn upgraders(&mut self) -> Result<Vec<String>, StorageError> {
        let contact = Arc::clone(&self.contact);
        let found = answer(&mut self.watch, &contact, server::UPGRADERS).await;
        Ok(found.map_err(|error| self.error(error))?.into_iter().flatten().collect())
    }

    pub(super) async fn close(self) {
        // What they did is done; a server notes a connection that is gone.
        let _ = sqlx::Connection::close(self.work).await;
        let _ = sqlx::Connection::close(self.watch).await;
    }
}

async fn connect(contact: &Contact) -> sqlx::Result<PgConnection> {
    let mut connection = contact.connect.connect().await?;
    if let Some(settings) = contact.of_connection() {
        run(&mut connection, &settings).await?;
    }
    if contact.between != Between::Transactions {
        run(&mut connection, &server::lift_limits(false)).await?;
        run(&mut connection, server::KEEP_ALIVE).await?;
    }
    Ok(connection)
}

async fn run(connection: &mut PgConnection, sql: &str) -> sqlx::Result<u64> {
    let done = connection.execute(sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))).await?;
    Ok(done.rows_affected())
}

async fn texts(connection: &mut PgConnection, sql: &str) -> sqlx::Result<Vec<Texts>> {
    let rows = sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).fetch_all(connection).await?;
    let text = |row: &sqlx::postgres::PgRow, at| {
        row.try_get::<Option<String>, _>(at).map(Option::unwrap_or_default)
    };
    rows.iter().map(|row| (0..row.len()).map(|at| text(row, at)).collect()).collect()
}

/// What the server answers in time. A connection that does not answer is replaced, for the next question.
async fn answer(
    connection: &mut PgConnection,
    contact: &Contact,
    question: &str,
) -> sqlx::Result<Vec<Texts>> {
    let late = || sqlx::Error::Io(std::io::Error::from(std::io::ErrorKind::TimedOut));
    let answered = tokio::time::timeout(ANSWER, texts(connection, question)).await;
    let error = match answered {
        Ok(Ok(answers)) => return Ok(answers),
        Ok(Err(error)) if error.as_database_error().is_some() && !is_lost(&error) => {
            return Err(error);
        }
        Ok(Err(error)) => error,
        Err(_) => late(),
    };
    if let Ok(Ok(another)) = tokio::time::timeout(ANSWER, connect(contact)).await {
        *connection = another;
    }
    Err(error)
}

/// Holds a lock of the server as long as its transaction, which ends with the connection.
pub(super) async fn hold(
    database: &PostgresDatabase,
) -> Result<Option<PgConnection>, StorageError> {
    let deadline = Instant::now() + database.config.acquire_timeout;
    let held = async {
        let contact = contact::reach(&database.config, deadline).await?;
        let mut connection = connect(&contact).await?;
        run(&mut connection, &format!("{}; {}", server::BEGIN, server::lift_limits(true))).await?;
        let given = texts(&mut connection, server::TRY_LOCK_UPGRADE).await?;
        let is_given = given.iter().flatten().any(|text| text == "true");
        Ok::<_, sqlx::Error>(is_given.then_some(connection))
    };
    held.await.map_err(|error| backend_error(&database.name, "locking", error))
}

/// Whether somebody has ended a statement.
fn is_cancellation(error: &sqlx::Error) -> bool {
    code(error).is_some_and(|code| code == "57014")
}

/// The code by which the server names an error.
pub(super) fn code(error: &sqlx::Error) -> Option<String> {
    Some(error.as_database_error()?.code()?.into_owned())
}
