//! Events become visible in the order of their ids.
//!
//! Sensors and followers ask for what is behind the last id they saw. If a row gets the lower id and is committed
//! later, they never see it. So writers of events take turns from the moment an id is given until the commit.
//! (SQLite has one writer at a time anyway.)

use std::sync::PoisonError;
use std::time::{Duration, Instant};

use sqlx::PgConnection;
use tokio::sync::{Mutex, MutexGuard};

use crate::sql::id_order::{IS_INDEXING, LOCK, LOCK_OURS, UNDO};

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
                    sqlx::raw_sql(UNDO).execute(&mut *transaction).await?;
                    let is_indexing = is_indexing(transaction).await?;
                    self.refuse(&error, if is_indexing { PAUSE_OF_BUILD } else { PAUSE });
                }
                Err(error) => return Err(error),
            }
        }
        sqlx::raw_sql(LOCK_OURS).execute(transaction).await.map(drop)
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

/// Whether an index of events is being built. A server that cannot say it (before 12) builds none.
async fn is_indexing(transaction: &mut PgConnection) -> sqlx::Result<bool> {
    match sqlx::raw_sql(IS_INDEXING).fetch_optional(&mut *transaction).await {
        Ok(row) => Ok(row.is_some()),
        Err(error) if error.as_database_error().is_some() => {
            sqlx::raw_sql(UNDO).execute(transaction).await?;
            Ok(false)
        }
        Err(error) => Err(error),
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
