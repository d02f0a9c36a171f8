//! Events become visible in the order of their ids.
//!
//! Sensors and followers ask for what is behind the last id they saw. If a row gets the lower id and is committed
//! later, they never see it. So writers of events take turns from the moment an id is given until the commit.
//! (SQLite has one writer at a time anyway.)

use std::sync::PoisonError;
use std::time::{Duration, Instant};

use sqlx::PgConnection;
use tokio::sync::{Mutex, MutexGuard};

use super::has_code;
use super::message::{Answer, run};
use crate::sql::id_order::{BEFORE, IS_INDEXING, LOCK, TURN, UNDO, WAITS};

/// How long after a refused lock no other one is asked for. Whoever waits for the lock holds up every writer, and
/// what is in its way takes long: an autovacuum, or the deletion of many events.
const PAUSE: Duration = Duration::from_secs(2);

/// The same while an index of events is built beside its users, as `migrate` does it: that takes much longer.
const PAUSE_OF_BUILD: Duration = Duration::from_secs(30);

/// The turns of those who write events.
#[derive(Debug, Default)]
pub(super) struct IdOrder {
    turn: Mutex<()>,
    /// Until when no lock is asked for.
    refused_until: std::sync::Mutex<Option<Instant>>,
}

/// What keeps others from giving ids until a transaction ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Locks {
    /// The turn among our processes, then the table, which keeps away all others.
    All,
    /// The turn alone.
    Ours,
}

impl Locks {
    pub(super) const fn statements(self) -> &'static [&'static str] {
        match self {
            Self::All => &[TURN, LOCK[0], LOCK[1], LOCK[2]],
            Self::Ours => &[TURN],
        }
    }

    /// Which of the statements waits for the table, counted from 0.
    pub(super) const fn wait(self) -> Option<usize> {
        match self {
            Self::All => Some(1 + WAITS),
            Self::Ours => None,
        }
    }
}

impl IdOrder {
    /// Waits for the turn among the writers of this process, before any of them holds a connection. The caller
    /// holds it until the commit.
    pub(super) async fn turn(&self) -> MutexGuard<'_, ()> {
        self.turn.lock().await
    }

    /// What is to be locked now.
    pub(super) fn locks(&self) -> Locks {
        if self.was_refused() { Locks::Ours } else { Locks::All }
    }

    /// Keeps other processes from giving ids until the transaction ends. If something is in the way for long, only
    /// processes of ours are kept from it.
    pub(super) async fn keep(&self, transaction: &mut PgConnection) -> sqlx::Result<()> {
        if self.was_refused() {
            return sqlx::raw_sql(TURN).execute(transaction).await.map(drop);
        }
        let statements = [&[TURN, BEFORE], LOCK.as_slice()].concat();
        let Answer { completed, outcome, .. } = run(transaction, statements.join("; "), 0).await;
        match outcome {
            Err(error) if completed == 2 + WAITS && is_refusal(&error) => {
                sqlx::raw_sql(UNDO).execute(&mut *transaction).await?;
                // The turn is older than the place, and is kept.
                self.note_refusal(transaction, &error).await
            }
            outcome => outcome,
        }
    }

    /// The lock of the table was refused, and is not asked for again for a while.
    pub(super) async fn note_refusal(
        &self,
        connection: &mut PgConnection,
        error: &sqlx::Error,
    ) -> sqlx::Result<()> {
        let is_indexing = is_indexing(connection).await?;
        self.refuse(error, if is_indexing { PAUSE_OF_BUILD } else { PAUSE });
        Ok(())
    }

    fn was_refused(&self) -> bool {
        let refused_until = self.refused_until.lock().unwrap_or_else(PoisonError::into_inner);
        refused_until.is_some_and(|until| Instant::now() < until)
    }

    fn refuse(&self, error: &sqlx::Error, pause: Duration) {
        let mut refused_until = self.refused_until.lock().unwrap_or_else(PoisonError::into_inner);
        if refused_until.replace(Instant::now() + pause).is_none() {
            tracing::warn!(
                %error,
                "events of ours and of other programs may become visible out of the order of their ids"
            );
        }
    }
}

/// Whether an index of events is being built. A server before 12 cannot say it, and it is taken for `false`.
async fn is_indexing(connection: &mut PgConnection) -> sqlx::Result<bool> {
    const SINCE: u32 = 120_000;
    if connection.server_version_num().is_some_and(|version| version < SINCE) {
        return Ok(false);
    }
    let row = sqlx::raw_sql(IS_INDEXING).fetch_optional(connection).await?;
    Ok(row.is_some())
}

/// Whether the server refuses to lock the table: now, because another lock is in the way, or always, because a
/// privilege is missing.
pub(super) fn is_refusal(error: &sqlx::Error) -> bool {
    const LOCK_NOT_AVAILABLE: &str = "55P03";
    const INSUFFICIENT_PRIVILEGE: &str = "42501";
    has_code(error, &[LOCK_NOT_AVAILABLE, INSUFFICIENT_PRIVILEGE])
}
