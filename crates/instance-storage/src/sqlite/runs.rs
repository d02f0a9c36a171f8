//! The store of runs in SQLite.

use std::io::Write;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use instance_core::clock::timestamp_of;
use instance_core::error::StorageError;
use instance_core::event::{DagsterEvent, DagsterEventType, RunFailureReason};
use instance_core::ids::{RunId, SnapshotId, StorageId};
use instance_core::run::{DagsterRun, DagsterRunStatus, RunRecord, RunsFilter};
use instance_core::serdes::{SerdesError, Unpack, serialize_value};
use instance_core::snap::{ExecutionPlanSnapshot, JobSnap};
use instance_core::storage::{RunStorage, RunsPage};
use instance_core::tags;
use sqlx::error::DatabaseError;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};

use super::database::{Database, backend_error, execute, fetch_all};
use super::decode::Place;
use crate::sql::snapshots::SnapshotType;
use crate::sql::tables;
use crate::sql::{runs, schema, snapshots, timestamp};

/// The store of runs in one file.
#[derive(Debug)]
pub(super) struct SqliteRunStorage {
    database: Database,
}

impl SqliteRunStorage {
    pub(super) fn new(database: Database) -> Self {
        Self { database }
    }

    pub(super) fn database(&self) -> &Database {
        &self.database
    }

    async fn has_snapshot(
        &self,
        id: &SnapshotId,
        kind: SnapshotType,
    ) -> Result<bool, StorageError> {
        let select = snapshots::select_exists(id.as_str(), kind);
        let found = self.database.fetch("looking for a snapshot", &select, |_| Ok(())).await?;
        Ok(!found.is_empty())
    }

    async fn add_snapshot(
        &self,
        text: String,
        kind: SnapshotType,
    ) -> Result<SnapshotId, StorageError> {
        let id = SnapshotId::of_text(&text);
        let body = compress(&text).map_err(|source| StorageError::Io {
            action: "compress",
            path: format!("snapshot {id}"),
            source,
        })?;
        let insert = snapshots::insert(id.as_str(), kind, body);
        let operation = "storing a snapshot";
        let database = self.database.name().to_owned();
        self.database
            .write(operation, move |connection| {
                Box::pin(async move {
                    let inserted = execute(connection, &insert).await;
                    inserted.map_err(|error| backend_error(&database, operation, error))
                })
            })
            .await?;
        Ok(id)
    }

    async fn get_snapshot<T: Unpack>(
        &self,
        id: &SnapshotId,
        kind: SnapshotType,
    ) -> Result<Option<T>, StorageError> {
        let place = Place {
            database: self.database.name(),
            table: tables::snapshots::TABLE,
            id: tables::snapshots::SNAPSHOT_ID,
        };
        let select = snapshots::select_body(id.as_str(), kind);
        let decode = |row: &SqliteRow| place.compressed(row, tables::snapshots::SNAPSHOT_BODY);
        Ok(self.database.fetch("reading a snapshot", &select, decode).await?.pop())
    }
}

#[async_trait]
impl RunStorage for SqliteRunStorage {
    #[tracing::instrument(skip_all, fields(run_id = %run.run_id))]
    async fn add_run(
        &self,
        run: &DagsterRun,
        created_at: DateTime<Utc>,
    ) -> Result<(), StorageError> {
        let run = run.clone();
        let created_at = timestamp::to_text(created_at);
        let database = self.database.name().to_owned();
        let operation = "adding a run";
        self.database
            .write(operation, move |connection| {
                Box::pin(async move {
                    let failed = |error| backend_error(&database, operation, error);
                    require_snapshot(connection, &run).await.map_err(|error| match error {
                        Ok(missing) => missing,
                        Err(error) => failed(error),
                    })?;
                    if let Err(error) =
                        execute(connection, &runs::insert_run(&run, &created_at)).await
                    {
                        let taken = error
                            .as_database_error()
                            .is_some_and(DatabaseError::is_unique_violation);
                        return Err(if taken {
                            StorageError::RunAlreadyExists { run_id: run.run_id }
                        } else {
                            failed(error)
                        });
                    }
                    let tags: Vec<_> = run.tags_for_storage().into_iter().collect();
                    for tags in tags.chunks(runs::TAGS_PER_INSERT) {
                        let insert = runs::insert_tags(&run.run_id, tags);
                        execute(connection, &insert).await.map_err(failed)?;
                    }
                    Ok(())
                })
            })
            .await
    }

    #[tracing::instrument(skip_all, fields(%run_id, event_type = %event.event_type_value))]
    async fn handle_run_event(
        &self,
        run_id: &RunId,
        event: &DagsterEvent,
        at: DateTime<Utc>,
    ) -> Result<(), StorageError> {
        let Some(status) = event.event_type().and_then(DagsterEventType::run_status) else {
            return Ok(());
        };
        let event = event.clone();
        let run_id = run_id.clone();
        let database = self.database.name().to_owned();
        let operation = "changing a run";
        self.database
            .write(operation, move |connection| {
                Box::pin(async move {
                    let failed = |error| backend_error(&database, operation, error);
                    let filter =
                        RunsFilter { run_ids: vec![run_id.clone()], ..RunsFilter::default() };
                    let select = runs::select_runs(&filter, &RunsPage::default());
                    let rows = fetch_all(connection, &select).await.map_err(failed)?;
                    let Some(row) = rows.first() else {
                        return Ok(());
                    };
                    let mut run = decode_record(&database, row)?.dagster_run;
                    run.status = status;
                    set_failure_reason(connection, &mut run, &event).await.map_err(failed)?;
                    let updated_at = timestamp::to_text(at);
                    let time = Some(timestamp_of(at));
                    let change = runs::RunChange {
                        run: &run,
                        updated_at: &updated_at,
                        start_time: time
                            .filter(|_| event.event_type() == Some(DagsterEventType::RunStart)),
                        end_time: time.filter(|_| status.is_finished()),
                    };
                    execute(connection, &runs::update_run(&change)).await.map_err(failed)
                })
            })
            .await
    }

    async fn get_run_records(
        &self,
        filter: &RunsFilter,
        page: &RunsPage,
    ) -> Result<Vec<RunRecord>, StorageError> {
        let select = runs::select_runs(filter, page);
        self.database
            .fetch("reading runs", &select, |row| decode_record(self.database.name(), row))
            .await
    }

    async fn get_runs_count(&self, filter: &RunsFilter) -> Result<u64, StorageError> {
        let operation = "counting runs";
        let decode =
            |row: &SqliteRow| row.try_get(0).map_err(|error| self.database.error(operation, error));
        let counts: Vec<i64> =
            self.database.fetch(operation, &runs::count_runs(filter), decode).await?;
        Ok(counts.first().map_or(0, |count| count.unsigned_abs()))
    }

    async fn has_job_snapshot(&self, id: &SnapshotId) -> Result<bool, StorageError> {
        self.has_snapshot(id, SnapshotType::Job).await
    }

    async fn add_job_snapshot(&self, snapshot: &JobSnap) -> Result<SnapshotId, StorageError> {
        self.add_snapshot(serialize_value(snapshot), SnapshotType::Job).await
    }

    async fn get_job_snapshot(&self, id: &SnapshotId) -> Result<Option<JobSnap>, StorageError> {
        self.get_snapshot(id, SnapshotType::Job).await
    }

    async fn has_execution_plan_snapshot(&self, id: &SnapshotId) -> Result<bool, StorageError> {
        self.has_snapshot(id, SnapshotType::ExecutionPlan).await
    }

    async fn add_execution_plan_snapshot(
        &self,
        snapshot: &ExecutionPlanSnapshot,
    ) -> Result<SnapshotId, StorageError> {
        self.add_snapshot(serialize_value(snapshot), SnapshotType::ExecutionPlan).await
    }

    async fn get_execution_plan_snapshot(
        &self,
        id: &SnapshotId,
    ) -> Result<Option<ExecutionPlanSnapshot>, StorageError> {
        self.get_snapshot(id, SnapshotType::ExecutionPlan).await
    }

    async fn get_run_storage_id(&self) -> Result<String, StorageError> {
        let operation = "reading the id of the store";
        let decode =
            |row: &SqliteRow| row.try_get(0).map_err(|error| self.database.error(operation, error));
        let ids: Vec<Option<String>> =
            self.database.fetch(operation, &schema::select_run_storage_id(), decode).await?;
        Ok(ids.into_iter().flatten().next().unwrap_or_default())
    }

    async fn schema_revision(&self) -> Result<String, StorageError> {
        schema_revision(&self.database).await
    }
}

/// The revision of a file's schema.
pub(super) async fn schema_revision(database: &Database) -> Result<String, StorageError> {
    let operation = "reading the revision";
    let decode = |row: &SqliteRow| row.try_get(0).map_err(|error| database.error(operation, error));
    let revisions: Vec<String> =
        database.fetch(operation, &schema::select_revision(), decode).await?;
    Ok(revisions.into_iter().next().unwrap_or_default())
}

/// Checks that the job snapshot of a run is stored; the inner error of a failure says what is wrong.
async fn require_snapshot(
    connection: &mut SqliteConnection,
    run: &DagsterRun,
) -> Result<(), Result<StorageError, sqlx::Error>> {
    let Some(id) = &run.job_snapshot_id else {
        return Ok(());
    };
    let select = snapshots::select_exists(id.as_str(), SnapshotType::Job);
    if fetch_all(connection, &select).await.map_err(Err)?.is_empty() {
        let (run_id, snapshot_id) = (run.run_id.clone(), id.clone());
        return Err(Ok(StorageError::SnapshotDoesNotExist { run_id, snapshot_id }));
    }
    Ok(())
}

/// Gives a failed run the tag of its reason, in its body and beside it.
async fn set_failure_reason(
    connection: &mut SqliteConnection,
    run: &mut DagsterRun,
    event: &DagsterEvent,
) -> sqlx::Result<()> {
    if event.event_type() != Some(DagsterEventType::RunFailure) {
        return Ok(());
    }
    let reason = event.job_failure_data().and_then(|data| data.failure_reason);
    let Some(reason) = reason.filter(|reason| *reason != RunFailureReason::Unknown) else {
        return Ok(());
    };
    let (key, value) = (tags::RUN_FAILURE_REASON.to_owned(), reason.as_str().to_owned());
    let had_one = run.tags.insert(key.clone(), value.clone()).is_some();
    if had_one {
        execute(connection, &runs::update_tag(&run.run_id, &key, &value)).await
    } else {
        execute(connection, &runs::insert_tags(&run.run_id, &[(key, value)])).await
    }
}

fn decode_record(database: &str, row: &SqliteRow) -> Result<RunRecord, StorageError> {
    use tables::runs::{
        CREATE_TIMESTAMP, END_TIME, ID, RUN_BODY, START_TIME, STATUS, TABLE, UPDATE_TIMESTAMP,
    };

    let place = Place { database, table: TABLE, id: ID };
    let mut dagster_run: DagsterRun = place.body(row, RUN_BODY)?;
    // Two writers may race on the body; the column is written by the one that knows.
    let status: &str = place.column(row, STATUS)?;
    dagster_run.status = DagsterRunStatus::from_name(status).ok_or_else(|| {
        place.error(row, STATUS, SerdesError::new(format!("{status:?} is no status of a run"), 0))
    })?;
    let time = |column| {
        let text: &str = place.column(row, column)?;
        timestamp::from_text(text).ok_or_else(|| {
            place.error(row, column, SerdesError::new(format!("{text:?} is no time"), 0))
        })
    };
    Ok(RunRecord {
        storage_id: StorageId(place.column(row, ID)?),
        dagster_run,
        create_timestamp: time(CREATE_TIMESTAMP)?,
        update_timestamp: time(UPDATE_TIMESTAMP)?,
        start_time: place.column(row, START_TIME)?,
        end_time: place.column(row, END_TIME)?,
    })
}

fn compress(text: &str) -> std::io::Result<Vec<u8>> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(text.as_bytes())?;
    encoder.finish()
}
