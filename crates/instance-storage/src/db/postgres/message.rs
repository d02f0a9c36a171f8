//! Events that go to the server as one text: the transaction, its locks, the events, what follows from them, and the
//! commit.
//!
//! The server begins when it has all of the text, so no lock is held while something crosses a network, and a process that
//! is stopped or killed holds up nobody. Whatever the server refuses is rolled back as a whole. Then the events are stored
//! step by step, and that says why.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use instance_core::error::StorageError;
use instance_core::ids::StorageId;
use sqlx::pool::PoolConnection;
use sqlx::{AssertSqlSafe, Connection as _, Either, PgConnection, Postgres, Row as _};

use super::contact::Contact;
use super::id_order::{Locks, is_refusal};
use super::lessons::Lesson;
use super::{PostgresDatabase, has_code, is_lost};
use crate::db::{Message, Sent};
use crate::sql::session::{COMMIT, ROLLBACK};

/// A connection that may have been lost since is tested before a message goes on it. Later, nobody could say whether the
/// message was carried out.
const QUIET_BEFORE_PING: Duration = Duration::from_millis(100);

/// After so many messages that were refused for nothing, none is sent for a while.
const REFUSALS: u32 = 3;
const PAUSE: Duration = Duration::from_mins(1);

/// What was learned of messages.
#[derive(Debug, Default)]
pub(super) struct Messages(Mutex<Learned>);

#[derive(Debug, Default)]
struct Learned {
    /// When a message was answered last.
    answered: Option<Instant>,
    /// How many messages in a row were refused for nothing.
    refusals: u32,
    /// Until when none is sent.
    paused_until: Option<Instant>,
}

impl Messages {
    fn learned(&self) -> std::sync::MutexGuard<'_, Learned> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether messages are sent now.
    pub(super) fn are_sent(&self) -> bool {
        self.learned().paused_until.is_none_or(|until| until <= Instant::now())
    }

    /// A message was refused, and the same could be stored step by step. A server that refuses all messages is not to be
    /// asked each time.
    pub(super) fn note_refusal(&self) {
        let mut learned = self.learned();
        learned.refusals += 1;
        if learned.refusals >= REFUSALS {
            learned.refusals = 0;
            learned.paused_until = Some(Instant::now() + PAUSE);
            tracing::warn!(
                seconds = PAUSE.as_secs(),
                "the server refuses to store events by one message; they are stored step by step for a while"
            );
        }
    }

    fn note_answer(&self) {
        let mut learned = self.learned();
        learned.answered = Some(Instant::now());
        learned.refusals = 0;
    }

    fn is_quiet(&self) -> bool {
        self.learned().answered.is_none_or(|at| at.elapsed() >= QUIET_BEFORE_PING)
    }
}

/// Why a message was not carried out.
enum Failure {
    /// It was not sent.
    Unsent(sqlx::Error),
    /// The server refused it as a whole.
    Refused(sqlx::Error),
    /// Nobody knows whether the server carried it out.
    Unknown(sqlx::Error),
}

/// What is sent, and which of its statements are which, counted from 0.
struct Text {
    sql: String,
    /// The one that waits for the table.
    wait: Option<usize>,
    ids: usize,
    commit: usize,
}

impl Text {
    fn of(message: &Message, contact: &Contact, locks: Locks) -> Self {
        let begin = contact.begin();
        let mut parts = vec![begin.as_str()];
        let before = contact.statements_of_begin();
        parts.extend(locks.statements());
        let ids = before + locks.statements().len();
        parts.extend(message.statements.iter().map(String::as_str));
        let commit = ids + message.statements.len();
        parts.push(COMMIT);
        parts.extend(message.afterwards.iter().map(String::as_str));
        Self { sql: parts.join("; "), wait: locks.wait().map(|wait| before + wait), ids, commit }
    }
}

/// A connection on which a message is under way. If nobody waits for the answer any more, the connection is closed.
struct UnderWay(Option<PoolConnection<Postgres>>);

impl UnderWay {
    /// Gives the connection back, for others to use.
    fn end(mut self) {
        self.0 = None;
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        if let Some(connection) = &mut self.0 {
            connection.close_on_drop();
        }
    }
}

impl PostgresDatabase {
    /// Whether events are sent as messages now. What a database lacks is left out step by step.
    pub(in crate::db) fn takes_messages(&self) -> bool {
        self.known.is_whole() && self.messages.are_sent()
    }

    /// A message was refused, and the same could be stored step by step.
    pub(in crate::db) fn note_refusal(&self) {
        self.messages.note_refusal();
    }

    /// Stores events by one message.
    pub(in crate::db) async fn send(
        &self,
        operation: &'static str,
        message: &Message,
    ) -> Result<Sent, StorageError> {
        let deadline = self.deadline();
        let failed = |error| self.error(operation, error);
        let refused = |error: sqlx::Error| {
            tracing::debug!(database = %self.name, operation, %error, "a message was refused");
            Ok(if is_of_guard(&error) { Sent::Changed } else { Sent::Refused })
        };
        let _turn = self.id_order.turn().await;
        loop {
            match self.send_once(message, deadline).await {
                Ok(ids) => return Ok(Sent::Stored(ids)),
                Err(Failure::Unsent(error)) => {
                    self.wait_after(error, deadline).await.map_err(failed)?;
                }
                Err(Failure::Unknown(error)) => return Err(failed(error)),
                // Another connection may do.
                Err(Failure::Refused(error)) if is_lost(&error) || Lesson::of(&error).is_some() => {
                    if let Err(error) = self.wait_after(error, deadline).await {
                        return refused(error);
                    }
                }
                Err(Failure::Refused(error)) => return refused(error),
            }
        }
    }

    async fn send_once(
        &self,
        message: &Message,
        deadline: Instant,
    ) -> Result<Vec<StorageId>, Failure> {
        let link = self.link(deadline).await.map_err(Failure::Unsent)?;
        let acquired = link.pool.acquire().await;
        let acquired = acquired.map_err(|error| Failure::Unsent(link.explained(error)))?;
        let mut under_way = UnderWay(Some(acquired));
        let Some(connection) = under_way.0.as_mut() else {
            return Err(Failure::Unsent(sqlx::Error::PoolClosed));
        };
        if self.messages.is_quiet() {
            connection.ping().await.map_err(Failure::Unsent)?;
        }
        loop {
            let text = Text::of(message, &link.contact, self.id_order.locks());
            let Answer { completed, ids, outcome } = run(connection, text.sql, text.ids).await;
            if !matches!(&outcome, Err(error) if is_unsure(error)) {
                self.messages.note_answer();
            }
            let is_stored = completed > text.commit;
            let Err(error) = outcome else {
                let ids = ids.and_then(|ids| parse(&ids)).ok_or_else(no_ids)?;
                under_way.end();
                return Ok(ids);
            };
            if is_stored {
                tracing::debug!(database = %self.name, %error, "followers of runs were not woken");
                return ids.and_then(|ids| parse(&ids)).ok_or_else(no_ids);
            }
            if is_unsure(&error) {
                return Err(Failure::Unknown(error));
            }
            // A connection that was lost meanwhile is closed.
            if sqlx::raw_sql(ROLLBACK).execute(&mut **connection).await.is_err() {
                return Err(Failure::Refused(error));
            }
            if text.wait == Some(completed) && is_refusal(&error) {
                let noted = self.id_order.note_refusal(connection, &error).await;
                noted.map_err(Failure::Unsent)?;
                continue;
            }
            under_way.end();
            return Err(Failure::Refused(error));
        }
    }
}

/// What a server answers to several statements.
pub(super) struct Answer {
    /// How many of them were carried out.
    pub(super) completed: usize,
    /// The text that the statement of a certain number gave.
    pub(super) ids: Option<String>,
    pub(super) outcome: sqlx::Result<()>,
}

/// Sends statements as one text, and counts the answers. The server leaves out what is behind a statement that it refuses.
pub(super) async fn run(connection: &mut PgConnection, sql: String, of: usize) -> Answer {
    let mut answer = Answer { completed: 0, ids: None, outcome: Ok(()) };
    let mut answers = sqlx::raw_sql(AssertSqlSafe(sql)).fetch_many(connection);
    while let Some(next) = answers.next().await {
        match next {
            Ok(Either::Left(_)) => answer.completed += 1,
            Ok(Either::Right(row)) if answer.completed == of => {
                answer.ids = row.try_get(0).ok();
            }
            Ok(Either::Right(_)) => {}
            Err(error) => {
                answer.outcome = Err(error);
                break;
            }
        }
    }
    answer
}

/// Whether an error leaves open what the server has done. One that the server says comes in the order of the statements;
/// a crash of the server does not.
fn is_unsure(error: &sqlx::Error) -> bool {
    const CRASH_SHUTDOWN: &str = "57P02";
    error.as_database_error().is_none() || has_code(error, &[CRASH_SHUTDOWN])
}

/// Whether a statement has found nothing to change: it divides by the number of rows that it found.
fn is_of_guard(error: &sqlx::Error) -> bool {
    const DIVISION_BY_ZERO: &str = "22012";
    has_code(error, &[DIVISION_BY_ZERO])
}

fn no_ids() -> Failure {
    Failure::Unknown(sqlx::Error::Protocol("the server gave no ids of events".to_owned()))
}

/// The ids in the text of an array, such as `{7,8}`.
fn parse(array: &str) -> Option<Vec<StorageId>> {
    let ids = array.strip_prefix('{')?.strip_suffix('}')?.split(',');
    ids.map(|id| id.parse().ok().map(StorageId)).collect()
}

#[cfg(test)]
mod tests {
    use instance_core::ids::StorageId;

    use super::parse;

    #[test]
    fn ids_are_read_from_the_text_of_an_array() {
        assert_eq!(parse("{7}"), Some(vec![StorageId(7)]));
        assert_eq!(parse("{7,8,9223372036854775807}").map(|ids| ids.len()), Some(3));
        for other in ["", "{}", "7", "{7", "{7,}", "{seven}"] {
            assert_eq!(parse(other), None, "{other}");
        }
    }
}
