//! Changes of a run on conditions, with the notes beside them, as parts of a transaction.

use std::convert::Infallible;

use instance_core::error::StorageError;
use instance_core::run::DagsterRunStatus;
use instance_core::storage::{Fence, GuardedChange, GuardedOutcome, Note};
use instance_core::tags;

use super::runs::{fetch_run, set_failure_reason};
use crate::db::{Connection, naming};
use crate::sql::tables::kvs;
use crate::sql::{daemons, runs};

/// Why nothing is to be stored. As an error it undoes the transaction on its way out.
#[derive(Debug)]
struct Refused(GuardedOutcome<Infallible>);

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "a condition of the change does not hold: {:?}", self.0)
    }
}

impl std::error::Error for Refused {}

fn refused(outcome: GuardedOutcome<Infallible>) -> StorageError {
    StorageError::Values {
        database: "the database".to_owned(),
        operation: "changing a run on conditions",
        source: Box::new(Refused(outcome)),
    }
}

/// What became of a transaction with a change on conditions.
pub(crate) fn outcome_of<T>(
    written: Result<T, StorageError>,
) -> Result<GuardedOutcome<T>, StorageError> {
    match written {
        Ok(value) => Ok(GuardedOutcome::Stored(value)),
        Err(StorageError::Values { database, operation, source }) => {
            match source.downcast::<Refused>() {
                Ok(refused) => Ok(refused.0.map(|never| match never {})),
                Err(source) => Err(StorageError::Values { database, operation, source }),
            }
        }
        Err(error) => Err(error),
    }
}

/// Changes a run and writes notes, if all conditions hold. Otherwise the error is one of which [`outcome_of`] makes the
/// outcome; what was written is to be undone then.
pub(crate) async fn change_run_if(
    connection: &mut Connection<'_>,
    change: &GuardedChange,
) -> Result<(), StorageError> {
    if let Some(fence) = &change.fence
        && !is_leader(connection, fence).await?
    {
        return Err(refused(GuardedOutcome::NotLeader));
    }
    let other = |status| refused(GuardedOutcome::OtherStatus(status));
    let run = fetch_run(connection, &change.run_id).await?;
    let mut run = run.ok_or_else(|| other(None))?;
    let from = run.status;
    if !change.from.contains(&from) {
        return Err(other(Some(from)));
    }
    let had_reason = run.tags.contains_key(tags::RUN_FAILURE_REASON);
    if let Some((applied, at)) = change.apply(&mut run)? {
        if let Some(reason) = applied.failure_reason {
            set_failure_reason(connection, &run.run_id, reason, had_reason).await?;
        }
        let row = runs::RunChange {
            run: &run,
            updated_at: at,
            start_time: applied.start_time,
            end_time: applied.end_time,
        };
        if connection.execute(&runs::update_run_from(&row, from)).await? == 0 {
            return Err(other(status_of(connection, change).await?));
        }
    }
    for note in &change.notes {
        write(connection, note).await?;
    }
    Ok(())
}

/// Whether the fence has its value. Nobody gives it another one until the transaction ends.
pub(super) async fn is_leader(
    connection: &mut Connection<'_>,
    fence: &Fence,
) -> Result<bool, StorageError> {
    let select = daemons::select_fence(&fence.key, connection.dialect());
    let row = connection.fetch_one(&select).await?;
    let value: Option<String> =
        row.map(|row| row.get(kvs::TABLE, kvs::VALUE)).transpose()?.flatten();
    Ok(value.as_ref() == Some(&fence.value))
}

async fn status_of(
    connection: &mut Connection<'_>,
    change: &GuardedChange,
) -> Result<Option<DagsterRunStatus>, StorageError> {
    Ok(fetch_run(connection, &change.run_id).await?.map(|run| run.status))
}

async fn write(connection: &mut Connection<'_>, note: &Note) -> Result<(), StorageError> {
    match note {
        Note::Put { key, value } => {
            let upsert = daemons::upsert_cursors(&[(key, value)]);
            let written = connection.execute(&upsert).await.map(drop);
            written.map_err(naming(daemons::bounded_keys(std::iter::once(key))))
        }
        Note::PutNew { key, value } => {
            let insert = daemons::insert_cursor(key, value);
            let written = connection.execute(&insert).await;
            match written.map_err(naming(daemons::bounded_keys(std::iter::once(key))))? {
                0 => Err(refused(GuardedOutcome::NoteExists { key: key.clone() })),
                _ => Ok(()),
            }
        }
        Note::Delete { key } => {
            connection.execute(&daemons::delete_cursor(key, None)).await.map(drop)
        }
    }
}
