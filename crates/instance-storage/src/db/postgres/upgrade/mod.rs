//! Upgrading the schema of a server's database while others use it: step by step, each done or not.
//!
//! After each step it is looked again what there is and what is to be done. So it does not matter who did the last step,
//! or whether it was interrupted. Not here: what the steps are (`sql/schema/history/server.rs`).

mod carrying_out;
mod looking;
mod session;
mod surroundings;
mod widening;

use instance_core::error::StorageError;
use instance_core::storage::{
    SchemaLock, SchemaProgress, SchemaUpgrade, SchemaUpgraded, UpgradeStop,
};

use super::PostgresDatabase;
use crate::sql::schema::history::server::Action;
use carrying_out::{Carried, interrupted};
pub(crate) use looking::Found;
use session::Session;

/// How often the same step may have to be done before it is given up.
const TRIES: usize = 5;

/// How the progress is told.
pub(crate) type Progress<'p> = &'p (dyn Fn(SchemaProgress) + Send + Sync);

impl PostgresDatabase {
    /// What is found in the database, and how many tags of runs are there more than once. Nothing is changed.
    ///
    /// # Errors
    ///
    /// [`StorageError::Revision`] or [`StorageError::Unsupported`] if an upgrade refuses it; else those of reading it.
    pub(crate) async fn look_at_schema(
        &self,
        how: &SchemaUpgrade,
    ) -> Result<(Found, u64), StorageError> {
        let mut session = Session::open(self).await?;
        let looked = async {
            let found = session.look(self, how).await?;
            let mut doubled = 0;
            if !found.actions.is_empty() {
                session.refuse_limits().await?;
            }
            if found.actions.iter().any(Action::wants_single_tags) && Session::has_tags(&found) {
                session.refuse_long_tags().await?;
                doubled = session.count_doubled_tags().await?;
            }
            Ok((found, doubled))
        };
        let looked = looked.await;
        session.close().await;
        looked
    }

    /// Makes other processes of ours that upgrade the database fail, until the lock is dropped.
    pub(crate) async fn lock_upgrade(&self) -> Result<SchemaLock, StorageError> {
        match session::hold(self).await? {
            Some(held) => Ok(SchemaLock::new(Held(held))),
            None => Err(StorageError::Unsupported {
                what: format!("an upgrade of {}", self.name),
                reason:
                    "another process upgrades it; wait until that has ended. Nothing was changed"
                        .to_owned(),
            }),
        }
    }

    /// Brings the database to the newest revision.
    ///
    /// # Errors
    ///
    /// As [`look_at_schema`](Self::look_at_schema) has them, and if a step cannot be carried out. Those before it are done.
    pub(crate) async fn upgrade_schema(
        &self,
        how: &SchemaUpgrade,
        progress: Progress<'_>,
    ) -> Result<SchemaUpgraded, StorageError> {
        let mut session = Session::open(self).await?;
        let done = self.upgrade_by(&mut session, how, progress).await;
        session.close().await;
        self.known.forget();
        done
    }

    async fn upgrade_by(
        &self,
        session: &mut Session,
        how: &SchemaUpgrade,
        progress: Progress<'_>,
    ) -> Result<SchemaUpgraded, StorageError> {
        let mut upgraded = SchemaUpgraded::default();
        let (mut done, mut tries) = (0, 0);
        let mut last: Option<Action> = None;
        let upgraders = session.upgraders().await?;
        loop {
            refuse_if_stopped(&self.name, &how.stop)?;
            if session.upgraders().await? != upgraders {
                return Err(carrying_out::unlocked(&self.name));
            }
            let found = session.look(self, how).await?;
            let Some(action) = found.actions.first() else {
                return Ok(upgraded);
            };
            if session.wait_for_build(action, &how.stop, progress).await? {
                // What is to be done may be done by now.
                continue;
            }
            tries = if last.as_ref() == Some(action) { tries + 1 } else { 0 };
            if tries == TRIES {
                return Err(carrying_out::undone(&self.name, action));
            }
            progress(SchemaProgress::Step {
                done,
                steps: done + found.actions.len(),
                statement: action.statements.first().cloned().unwrap_or_default(),
            });
            let carried = session.carry_out(action, how, progress, &mut upgraded).await?;
            if carried == Carried::Done {
                done += 1;
                tracing::info!(database = %self.name, statements = ?action.statements, "done");
            }
            last = Some(action.clone());
        }
    }
}

fn refuse_if_stopped(database: &str, stop: &UpgradeStop) -> Result<(), StorageError> {
    if stop.is_asked() { Err(interrupted(database)) } else { Ok(()) }
}

/// A connection whose transaction holds the lock. It is there to be dropped.
struct Held(#[expect(dead_code, reason = "it is kept until it is dropped")] sqlx::PgConnection);
