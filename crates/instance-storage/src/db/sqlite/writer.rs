//! The one writer of a database file. Writes that are pending together share a transaction.
//!
//! Each caller gets its answer after the transaction with its rows was committed. A write that fails takes no other
//! write with it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use instance_core::error::StorageError;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, SqliteConnection};
use tokio::sync::{mpsc, oneshot, watch};

use super::caretaker::IDLE;
use crate::db::errors::persistence;
use crate::sql::schema::{BEGIN_WRITE, COMMIT, RELEASE, ROLLBACK, ROLLBACK_TO, SAVEPOINT};

/// How many writes one transaction holds at most, so that none waits long for its answer.
const WRITES_PER_TRANSACTION: usize = 256;

/// How many writes may wait before callers have to.
const QUEUE: usize = 1_024;

/// One write: runs inside a transaction that others may share.
pub(super) type Write<T> = Box<
    dyn for<'c> FnOnce(&'c mut SqliteConnection) -> BoxFuture<'c, Result<T, StorageError>> + Send,
>;

/// How long one writer may take the lock again and again while others wait for it, and how long it then leaves it.
/// SQLite's lock has no queue. Whoever waits looks for it from time to time, each time later, and beside a writer
/// that is always busy would not find it free for seconds.
const BUSY: Duration = Duration::from_millis(30);
const PAUSE: Duration = Duration::from_millis(2);

/// How many statements a write has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::db) enum Statements {
    /// One statement, which SQLite keeps or undoes as a whole by itself.
    One,
    /// Several, which need a transaction around them.
    Several,
}

/// A handle to the task that owns a file's writing connection.
#[derive(Debug, Clone)]
pub(super) struct Writer {
    queue: mpsc::Sender<Box<dyn PendingWrite>>,
    closed: watch::Receiver<()>,
}

impl Writer {
    /// Starts the task. It ends, and the connection is closed, when the last handle is dropped.
    ///
    /// If the connection can be opened again, it is closed earlier when nobody has used it for long. `is_open` says
    /// whether there is a connection.
    pub(super) fn start(
        connection: SqliteConnection,
        reopen: Option<SqliteConnectOptions>,
        database: Arc<str>,
        is_open: Arc<AtomicBool>,
    ) -> Self {
        let (queue, pending) = mpsc::channel(QUEUE);
        let (closing, closed) = watch::channel(());
        is_open.store(true, Ordering::Release);
        let file = File { connection: Some(connection), reopen, database, is_open };
        tokio::spawn(async move {
            run(file, pending).await;
            drop(closing);
        });
        Self { queue, closed }
    }

    /// Drops the handle. Waits until the last handle is dropped and the connection is closed.
    pub(super) async fn close(self) {
        let Self { queue, mut closed } = self;
        drop(queue);
        // The sender sends nothing; that it is dropped is the message.
        while closed.changed().await.is_ok() {}
    }

    /// Runs a write and returns its result when it is durable. `None` if the task is gone, and with it the runtime
    /// that it ran on.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        statements: Statements,
        write: Write<T>,
    ) -> Option<Result<T, StorageError>> {
        let (reply, answer) = oneshot::channel();
        let pending = Pending { statements, write: Some(write), outcome: None, reply };
        self.queue.send(Box::new(pending)).await.ok()?;
        answer.await.ok()
    }

    /// Whether the task is gone.
    pub(super) fn is_closed(&self) -> bool {
        self.queue.is_closed()
    }
}

/// A write of any result, as the task holds it.
trait PendingWrite: Send {
    fn statements(&self) -> Statements;

    /// Runs the write; whether it succeeded.
    fn run<'c>(&'c mut self, connection: &'c mut SqliteConnection) -> BoxFuture<'c, bool>;

    /// Answers the caller. After an error, nothing of the write was committed.
    fn answer(self: Box<Self>, committed: Result<(), StorageError>);
}

struct Pending<T> {
    statements: Statements,
    write: Option<Write<T>>,
    outcome: Option<Result<T, StorageError>>,
    reply: oneshot::Sender<Result<T, StorageError>>,
}

impl<T: Send + 'static> PendingWrite for Pending<T> {
    fn statements(&self) -> Statements {
        self.statements
    }

    fn run<'c>(&'c mut self, connection: &'c mut SqliteConnection) -> BoxFuture<'c, bool> {
        Box::pin(async move {
            let Some(write) = self.write.take() else {
                return false;
            };
            let outcome = write(connection).await;
            self.outcome.insert(outcome).is_ok()
        })
    }

    fn answer(self: Box<Self>, committed: Result<(), StorageError>) {
        let outcome = match (self.outcome, committed) {
            (Some(Ok(_)) | None, Err(error)) => Err(error),
            (Some(outcome), _) => outcome,
            (None, Ok(())) => return,
        };
        // A caller that no longer waits has no use for the answer.
        let _ = self.reply.send(outcome);
    }
}

/// The file that is written, open or not.
struct File {
    connection: Option<SqliteConnection>,
    reopen: Option<SqliteConnectOptions>,
    database: Arc<str>,
    is_open: Arc<AtomicBool>,
}

impl File {
    /// Takes the writes that wait, as soon as there are some. `false` if there will never be one.
    async fn receive(
        &mut self,
        queue: &mut mpsc::Receiver<Box<dyn PendingWrite>>,
        group: &mut Vec<Box<dyn PendingWrite>>,
    ) -> bool {
        if self.reopen.is_some() && self.connection.is_some() {
            let receiving = queue.recv_many(group, WRITES_PER_TRANSACTION);
            match tokio::time::timeout(IDLE, receiving).await {
                Ok(count) => return count > 0,
                Err(_) => self.close().await,
            }
        }
        queue.recv_many(group, WRITES_PER_TRANSACTION).await > 0
    }

    async fn commit(&mut self, group: &mut [Box<dyn PendingWrite>]) -> GroupResult {
        if let (None, Some(reopen)) = (&self.connection, &self.reopen) {
            let opened = reopen.connect().await;
            self.connection = Some(opened.map_err(|error| ("opening", Arc::new(error)))?);
            self.is_open.store(true, Ordering::Release);
        }
        match &mut self.connection {
            Some(connection) => commit_group(connection, group).await,
            // One that cannot be opened again is not closed before the end.
            None => Err(("opening", Arc::new(sqlx::Error::PoolClosed))),
        }
    }

    async fn close(&mut self) {
        if let Some(connection) = self.connection.take()
            && let Err(error) = connection.close().await
        {
            let database = &self.database;
            tracing::warn!(%database, %error, "a database was not closed cleanly; nothing is lost");
        }
        self.is_open.store(false, Ordering::Release);
    }
}

/// With the runtime, the connection goes, too.
impl Drop for File {
    fn drop(&mut self) {
        self.is_open.store(false, Ordering::Release);
    }
}

async fn run(mut file: File, mut queue: mpsc::Receiver<Box<dyn PendingWrite>>) {
    let mut group = Vec::new();
    let mut busy_since = Instant::now();
    while file.receive(&mut queue, &mut group).await {
        let committed = file.commit(&mut group).await;
        for pending in group.drain(..) {
            let failure =
                |(operation, cause): &(&'static str, Arc<sqlx::Error>)| StorageError::Backend {
                    database: file.database.to_string(),
                    operation,
                    persistence: persistence(cause),
                    source: Box::new(Arc::clone(cause)),
                };
            pending.answer(committed.as_ref().map(|&()| ()).map_err(failure));
        }
        if queue.is_empty() {
            busy_since = Instant::now();
        } else if busy_since.elapsed() > BUSY {
            tokio::time::sleep(PAUSE).await;
            busy_since = Instant::now();
        }
    }
    file.close().await;
}

type GroupResult = Result<(), (&'static str, Arc<sqlx::Error>)>;

async fn commit_group(
    connection: &mut SqliteConnection,
    group: &mut [Box<dyn PendingWrite>],
) -> GroupResult {
    if let [pending] = group
        && pending.statements() == Statements::One
    {
        // It has no transaction around it, so it is committed when it ends.
        pending.run(connection).await;
        return Ok(());
    }
    execute(connection, BEGIN_WRITE, "beginning a transaction").await?;
    let alone = group.len() == 1;
    for pending in group {
        if alone {
            if !pending.run(connection).await {
                return execute(connection, ROLLBACK, "undoing a transaction").await;
            }
            break;
        }
        let kept = async {
            execute(connection, SAVEPOINT, "beginning a write").await?;
            if !pending.run(connection).await {
                execute(connection, ROLLBACK_TO, "undoing a write").await?;
            }
            execute(connection, RELEASE, "ending a write").await
        };
        if let Err(error) = kept.await {
            // The transaction is lost. A second error here would say nothing new.
            let _ = execute(connection, ROLLBACK, "undoing a transaction").await;
            return Err(error);
        }
    }
    let committed = execute(connection, COMMIT, "committing a transaction").await;
    if committed.is_err() {
        let _ = execute(connection, ROLLBACK, "undoing a transaction").await;
    }
    committed
}

async fn execute(
    connection: &mut SqliteConnection,
    sql: &'static str,
    operation: &'static str,
) -> GroupResult {
    sqlx::query(sql)
        .execute(connection)
        .await
        .map(drop)
        .map_err(|error| (operation, Arc::new(error)))
}
