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
use super::super::{PostgresDatabase, backend_error, contact};
use crate::sql::schema::server;
use crate::sql::session::BEGIN;

/// How often a statement that takes longer is looked at.
const LOOK: Duration = Duration::from_millis(200);

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
    pub(super) fn begin(&self) -> String {
        format!("{}; {}; {}", self.contact.begin(), server::lift_limits(true), server::LIMIT_LOCK)
    }

    /// How a transaction begins in which nothing is limited.
    pub(super) fn begin_without_limits(&self) -> String {
        format!("{}; {}", self.contact.begin(), server::lift_limits(true))
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
        let Self { work, watch, .. } = self;
        let mut working = pin!(run(work, statement));
        let mut is_cancelled = false;
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
                        None => texts(watch, &server::process_of(statement))
                            .await
                            .ok()
                            .and_then(|rows| rows.into_iter().flatten().next()),
                    };
                    if let Some(process) = found {
                        is_cancelled = texts(watch, &server::cancel(&process)).await.is_ok();
                    }
                }
                Either::Right(((), _)) => {
                    // What cannot be told is no reason to stop.
                    if let Ok(answers) = texts(watch, question).await {
                        heard(answers);
                    }
                }
            }
        }
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

/// Holds a lock of the server as long as its transaction, which ends with the connection.
pub(super) async fn hold(
    database: &PostgresDatabase,
) -> Result<Option<PgConnection>, StorageError> {
    let deadline = Instant::now() + database.config.acquire_timeout;
    let held = async {
        let contact = contact::reach(&database.config, deadline).await?;
        let mut connection = connect(&contact).await?;
        run(&mut connection, &format!("{BEGIN}; {}", server::lift_limits(true))).await?;
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
