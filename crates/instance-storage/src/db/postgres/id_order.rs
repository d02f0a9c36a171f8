//! Events become visible in the order of their ids.
//!
//! Sensors and followers ask for what is behind the last id they saw. If a row gets the lower id and is committed
//! later, they never see it. So writers of events take turns from the moment an id is given until the commit.
//! (SQLite has one writer at a time anyway.)

use std::sync::PoisonError;
use std::time::{Duration, Instant};

use sqlx::PgConnection;
use tokio::sync::{Mutex, MutexGuard};

use crate::sql::id_order::{LOCK, LOCK_OURS, UNDO};

/// How long after a refused lock no other one is asked for. Whoever waits for the lock holds up every writer, and
/// what is in its way takes long: an autovacuum, or the deletion of many events.
const PAUSE: Duration = Duration::from_secs(2);

/// The turns of those who write events.
#[derive(Debug, Default)]
pub(super) struct IdOrder {
    turn: Mutex<()>,
    refused_at: std::sync::Mutex<Option<Instant>>,
}

impl IdOrder {
    /// Waits for the turn among the writers of this process, before any of them holds a connection. The caller
    /// holds it until the commit.
    pub(super) async fn turn(&self) -> MutexGuard<'_, ()> {
        self.turn.lock().await
    }

    /// Keeps other processes from giving ids until the transaction ends. If something is in the way for long, only
    /// processes of ours are kept from it.
    pub(super) async fn keep(&self, transaction: &mut PgConnection) -> sqlx::Result<()> {
        if !self.was_refused() {
            match sqlx::raw_sql(LOCK).execute(&mut *transaction).await {
                Ok(_) => return Ok(()),
                Err(error) if is_refusal(&error) => {
                    self.refuse(&error);
                    sqlx::raw_sql(UNDO).execute(&mut *transaction).await?;
                }
                Err(error) => return Err(error),
            }
        }
        sqlx::raw_sql(LOCK_OURS).execute(transaction).await.map(drop)
    }

    fn was_refused(&self) -> bool {
        let refused_at = self.refused_at.lock().unwrap_or_else(PoisonError::into_inner);
        refused_at.is_some_and(|at| at.elapsed() < PAUSE)
    }

    fn refuse(&self, error: &sqlx::Error) {
        let mut refused_at = self.refused_at.lock().unwrap_or_else(PoisonError::into_inner);
        if refused_at.replace(Instant::now()).is_none() {
            tracing::warn!(
                %error,
                "events of ours and of other programs may become visible out of the order of their ids"
            );
        }
    }
}

/// Whether the server refuses to lock the table: now, because another lock is in the way, or always, because a
/// privilege is missing.
fn is_refusal(error: &sqlx::Error) -> bool {
    const LOCK_NOT_AVAILABLE: &str = "55P03";
    const INSUFFICIENT_PRIVILEGE: &str = "42501";
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    code.is_some_and(|code| matches!(&*code, LOCK_NOT_AVAILABLE | INSUFFICIENT_PRIVILEGE))
}
