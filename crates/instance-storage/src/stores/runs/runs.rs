//! Runs and their tags.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use instance_core::error::StorageError;
use instance_core::event::{DagsterEvent, DagsterEventType, RunFailureReason};
use instance_core::ids::{RunId, StorageId};
use instance_core::run::{
    DagsterRun, DagsterRunStatus, RemoteJobOrigin, RunGroup, RunPartitionData, RunRecord,
    RunsFilter,
};
use instance_core::storage::{
    GuardedChange, GuardedOutcome, Only, RunStore, RunTagsQuery, RunTimes, RunsPage,
    apply_run_event, require_readable,
};
use instance_core::tags;

use super::SqlRunStorage;
use super::guarded::{change_run_if, outcome_of};
use crate::db::{Connection, Database, Operation, Row, naming};
use crate::sql::bounded::BoundedText;
use crate::sql::capabilities::{Feature, Mark};
use crate::sql::snapshots::SnapshotType;
use crate::sql::tables::{run_tags, runs as columns};
use crate::sql::{runs, snapshots};

#[async_trait]
impl RunStore for SqlRunStorage {
    async fn add_run(
        &self,
        run: &DagsterRun,
        created_at: DateTime<Utc>,
    ) -> Result<(), StorageError> {
        let adding = Operation::of_run("adding a run", &run.run_id);
        let run = run.clone();
        self.database
            .write(adding, move |mut connection: Connection<'_>| {
                Box::pin(async move { add_run(&mut connection, &run, created_at).await })
            })
            .await
    }

    async fn handle_run_event(
        &self,
        run_id: &RunId,
        event: &DagsterEvent,
        at: DateTime<Utc>,
    ) -> Result<(), StorageError> {
        if event.event_type().and_then(DagsterEventType::run_status).is_none() {
            return Ok(());
        }
        let event = event.clone();
        let changing = Operation::of_run("changing a run", run_id);
        let run_id = run_id.clone();
        self.database
            .write(changing, move |mut connection: Connection<'_>| {
                Box::pin(async move { change_run(&mut connection, &run_id, &event, at).await })
            })
            .await
    }

    async fn change_run_if(
        &self,
        change: &GuardedChange,
    ) -> Result<GuardedOutcome<()>, StorageError> {
        let changing = Operation::of_run("changing a run on conditions", &change.run_id);
        let change = change.clone();
        let changed = self.database.write(changing, move |mut connection: Connection<'_>| {
            Box::pin(async move { change_run_if(&mut connection, &change).await })
        });
        outcome_of(changed.await)
    }

    async fn get_run_record(&self, run_id: &RunId) -> Result<Option<RunRecord>, StorageError> {
        let filter = RunsFilter::new().with_run_ids(Only::one(run_id.clone()));
        let page = RunsPage::new().with_limit(1);
        Ok(self.get_run_records(&filter, &page).await?.pop())
    }

    async fn get_run_records(
        &self,
        filter: &RunsFilter,
        page: &RunsPage,
    ) -> Result<Vec<RunRecord>, StorageError> {
        let select = runs::select_runs(filter, page, self.database.capabilities().await?);
        self.database.fetch_map("reading runs", &select, record).await
    }

    async fn get_run_ids(
        &self,
        filter: &RunsFilter,
        page: &RunsPage,
    ) -> Result<Vec<RunId>, StorageError> {
        run_ids(&self.database, filter, page).await
    }

    async fn get_runs_count(&self, filter: &RunsFilter) -> Result<u64, StorageError> {
        let count = runs::count_runs(filter, self.database.capabilities().await?);
        let row = self.database.fetch_one("counting runs", &count).await?;
        Ok(row.as_ref().map_or(Ok(0), Row::scalar::<i64>)?.unsigned_abs())
    }

    async fn has_run(&self, run_id: &RunId) -> Result<bool, StorageError> {
        let filter = RunsFilter::new().with_run_ids(Only::one(run_id.clone()));
        Ok(!self.get_run_ids(&filter, &RunsPage::default()).await?.is_empty())
    }

    async fn get_run_group(&self, run_id: &RunId) -> Result<Option<RunGroup>, StorageError> {
        let Some(run) = self.get_run(run_id).await? else {
            return Ok(None);
        };
        let root_run_id = run.root_run_id.clone().unwrap_or_else(|| run.run_id.clone());
        let root = if root_run_id == run.run_id {
            run
        } else {
            let missing = || StorageError::RunNotFound { run_id: root_run_id.clone() };
            self.get_run(&root_run_id).await?.ok_or_else(missing)?
        };
        let select = runs::select_reexecutions(&root_run_id);
        let rows = self.database.fetch("reading re-executions of a run", &select).await?;
        let mut group = RunGroup::new(root_run_id, vec![root]);
        for row in &rows {
            group.runs.push(record(row)?.dagster_run);
        }
        Ok(Some(group))
    }

    async fn get_run_partition_data(
        &self,
        filter: &RunsFilter,
    ) -> Result<Vec<RunPartitionData>, StorageError> {
        let has = self.database.capabilities().await?;
        if !has.is_built(Mark::RunPartitions) {
            return self.partition_data_by_tags(filter).await;
        }
        let select = runs::select_run_partitions(filter, has);
        let rows = self.database.fetch("reading partitions of runs", &select).await?;
        let mut seen = BTreeSet::new();
        let mut newest = Vec::new();
        for row in &rows {
            let partition: String = row.get(columns::TABLE, columns::PARTITION)?;
            if !partition.is_empty() && seen.insert(partition.clone()) {
                let run_id = RunId::from(row.get::<String>(columns::TABLE, columns::RUN_ID)?);
                let time = |column| row.get::<Option<f64>>(columns::TABLE, column);
                newest.push(
                    RunPartitionData::new(run_id, partition, status(row)?)
                        .with_start_time(time(columns::START_TIME)?)
                        .with_end_time(time(columns::END_TIME)?),
                );
            }
        }
        Ok(newest)
    }

    async fn get_run_tags(
        &self,
        query: &RunTagsQuery,
    ) -> Result<Vec<(String, BTreeSet<String>)>, StorageError> {
        let select = runs::select_tags(query, self.database.dialect());
        let rows = self.database.fetch("reading tags of runs", &select).await?;
        let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for row in &rows {
            let key = row.get(run_tags::TABLE, run_tags::KEY)?;
            found.entry(key).or_default().insert(row.get(run_tags::TABLE, run_tags::VALUE)?);
        }
        Ok(found.into_iter().collect())
    }

    async fn get_run_tag_keys(&self) -> Result<Vec<String>, StorageError> {
        let rows = self.database.fetch("reading keys of tags", &runs::select_tag_keys()).await?;
        let keys = rows.iter().map(Row::scalar).collect::<Result<BTreeSet<String>, _>>()?;
        Ok(keys.into_iter().collect())
    }

    async fn add_run_tags(
        &self,
        run_id: &RunId,
        new_tags: &BTreeMap<String, String>,
        at: DateTime<Utc>,
    ) -> Result<(), StorageError> {
        let adding = Operation::of_run("adding tags to a run", run_id);
        let run_id = run_id.clone();
        let new_tags = new_tags.clone();
        self.database
            .write(adding, move |mut connection: Connection<'_>| {
                Box::pin(async move {
                    let Some(mut run) = fetch_run(&mut connection, &run_id).await? else {
                        return Err(StorageError::RunNotFound { run_id });
                    };
                    let (known, fresh): (Vec<_>, Vec<_>) =
                        new_tags.into_iter().partition(|(key, _)| run.tags.contains_key(key));
                    run.tags.extend(known.iter().chain(&fresh).cloned());
                    let update = runs::update_tagged_run(&run, at);
                    connection.execute(&update).await.map_err(naming(runs::bounded(&run)))?;
                    for (key, value) in known {
                        update_tag(&mut connection, &run_id, &key, &value).await?;
                    }
                    insert_tags(&mut connection, &run_id, &fresh).await
                })
            })
            .await
    }

    async fn set_run_times(&self, times: &[RunTimes]) -> Result<(), StorageError> {
        let updates: Vec<_> = times.iter().filter_map(runs::update_times).collect();
        if updates.is_empty() {
            return Ok(());
        }
        self.database
            .write("replacing times of runs", move |mut connection: Connection<'_>| {
                Box::pin(async move {
                    for update in &updates {
                        connection.execute(update).await?;
                    }
                    Ok(())
                })
            })
            .await
    }

    async fn replace_job_origin(
        &self,
        run: &DagsterRun,
        job_origin: &RemoteJobOrigin,
    ) -> Result<(), StorageError> {
        let replacing = Operation::of_run("replacing the origin of a run", &run.run_id);
        let mut run = run.clone();
        let label = job_origin.repository_origin.label();
        run.tags.insert(tags::REPOSITORY_LABEL.to_owned(), label.clone());
        run.remote_job_origin = Some(Box::new(job_origin.clone()));
        self.database
            .write(replacing, move |mut connection: Connection<'_>| {
                Box::pin(async move {
                    connection.execute(&runs::update_run_body(&run)).await?;
                    update_tag(&mut connection, &run.run_id, tags::REPOSITORY_LABEL, &label).await
                })
            })
            .await
    }

    async fn delete_run(&self, run_id: &RunId) -> Result<(), StorageError> {
        let deleting = Operation::of_run("deleting a run", run_id);
        let run_id = run_id.clone();
        self.database
            .write(deleting, move |mut connection: Connection<'_>| {
                Box::pin(async move { delete_run(&mut connection, &run_id).await })
            })
            .await
    }
}

impl SqlRunStorage {
    /// The newest run of each partition, by the tags of runs: not all have the columns yet. As in Dagster, without the
    /// times.
    async fn partition_data_by_tags(
        &self,
        filter: &RunsFilter,
    ) -> Result<Vec<RunPartitionData>, StorageError> {
        let mut seen = BTreeSet::new();
        let mut newest = Vec::new();
        for record in self.get_run_records(filter, &RunsPage::default()).await? {
            let run = record.dagster_run;
            let partition = run.tags.get(tags::PARTITION).filter(|key| !key.is_empty());
            if let Some(partition) = partition
                && seen.insert(partition.clone())
            {
                newest.push(RunPartitionData::new(run.run_id, partition.clone(), run.status));
            }
        }
        Ok(newest)
    }

    async fn get_run(&self, run_id: &RunId) -> Result<Option<DagsterRun>, StorageError> {
        let reading = Operation::of_run("reading a run", run_id);
        let row = self.database.fetch_one(reading, &runs::select_run(run_id)).await?;
        Ok(row.as_ref().map(record).transpose()?.map(|record| record.dagster_run))
    }
}

/// The ids of runs.
pub(crate) async fn run_ids(
    database: &Database,
    filter: &RunsFilter,
    page: &RunsPage,
) -> Result<Vec<RunId>, StorageError> {
    let select = runs::select_run_ids(filter, page, database.capabilities().await?);
    let id = |row: &Row| row.scalar::<String>().map(RunId::from);
    database.fetch_map("reading ids of runs", &select, id).await
}

/// Stores a new run and the rows of its tags.
pub(crate) async fn add_run(
    connection: &mut Connection<'_>,
    run: &DagsterRun,
    created_at: DateTime<Utc>,
) -> Result<(), StorageError> {
    require_readable(run)?;
    require_snapshot(connection, run).await?;
    let has = connection.capabilities(columns::TABLE, &[Feature::RunBackfillIds]).await?;
    let insert = runs::insert_run(run, created_at, has);
    if connection.execute(&insert).await.map_err(naming(runs::bounded(run)))? == 0 {
        return Err(StorageError::RunAlreadyExists { run_id: run.run_id.clone() });
    }
    let tags: Vec<_> = run.tags_for_storage().into_iter().collect();
    insert_tags(connection, &run.run_id, &tags).await
}

/// Stores the rows of tags that a run does not have.
async fn insert_tags(
    connection: &mut Connection<'_>,
    run_id: &RunId,
    tags: &[(String, String)],
) -> Result<(), StorageError> {
    for tags in tags.chunks(runs::TAGS_PER_INSERT) {
        let inserted = connection.execute(&runs::insert_tags(run_id, tags)).await;
        let texts = tags.iter().flat_map(|(key, value)| BoundedText::of_tag(key, value));
        inserted.map_err(naming(texts))?;
    }
    Ok(())
}

/// Changes the row of a tag that a run has.
async fn update_tag(
    connection: &mut Connection<'_>,
    run_id: &RunId,
    key: &str,
    value: &str,
) -> Result<(), StorageError> {
    let updated = connection.execute(&runs::update_tag(run_id, key, value)).await.map(drop);
    updated.map_err(naming(BoundedText::of_tag(key, value)))
}

/// Changes a run as an event about it demands; an unknown run is left alone, as is an event that demands
/// nothing.
pub(crate) async fn change_run(
    connection: &mut Connection<'_>,
    run_id: &RunId,
    event: &DagsterEvent,
    at: DateTime<Utc>,
) -> Result<(), StorageError> {
    if event.event_type().and_then(DagsterEventType::run_status).is_none() {
        return Ok(());
    }
    let Some(mut run) = fetch_run(connection, run_id).await? else {
        return Ok(());
    };
    let had_reason = run.tags.contains_key(tags::RUN_FAILURE_REASON);
    let Some(change) = apply_run_event(&mut run, event, at)? else {
        return Ok(());
    };
    if let Some(reason) = change.failure_reason {
        set_failure_reason(connection, run_id, reason, had_reason).await?;
    }
    let change = runs::RunChange {
        run: &run,
        updated_at: at,
        start_time: change.start_time,
        end_time: change.end_time,
    };
    connection.execute(&runs::update_run(&change)).await.map(drop)
}

/// Stores the tag with the reason of a failure. `had_one`: whether the run had one before.
pub(super) async fn set_failure_reason(
    connection: &mut Connection<'_>,
    run_id: &RunId,
    reason: RunFailureReason,
    had_one: bool,
) -> Result<(), StorageError> {
    let (key, value) = (tags::RUN_FAILURE_REASON.to_owned(), reason.as_str().to_owned());
    if had_one {
        update_tag(connection, run_id, &key, &value).await
    } else {
        insert_tags(connection, run_id, &[(key, value)]).await
    }
}

/// Deletes a run and the rows of its tags.
pub(crate) async fn delete_run(
    connection: &mut Connection<'_>,
    run_id: &RunId,
) -> Result<(), StorageError> {
    // SQLite does not enforce what the schema declares.
    connection.execute(&runs::delete_tags(run_id)).await?;
    connection.execute(&runs::delete_run(run_id)).await.map(drop)
}

/// The run, which nobody else changes until the transaction ends.
pub(super) async fn fetch_run(
    connection: &mut Connection<'_>,
    run_id: &RunId,
) -> Result<Option<DagsterRun>, StorageError> {
    let select = runs::select_run_to_change(run_id, connection.dialect());
    let row = connection.fetch_one(&select).await?;
    Ok(row.as_ref().map(record).transpose()?.map(|record| record.dagster_run))
}

/// Checks that the job snapshot of a run is stored.
async fn require_snapshot(
    connection: &mut Connection<'_>,
    run: &DagsterRun,
) -> Result<(), StorageError> {
    let Some(id) = &run.job_snapshot_id else {
        return Ok(());
    };
    let select = snapshots::select_exists(id.as_str(), SnapshotType::Job);
    if connection.fetch_one(&select).await?.is_none() {
        let (run_id, snapshot_id) = (run.run_id.clone(), id.clone());
        return Err(StorageError::SnapshotDoesNotExist { run_id, snapshot_id });
    }
    Ok(())
}

fn record(row: &Row) -> Result<RunRecord, StorageError> {
    use columns::{CREATE_TIMESTAMP, END_TIME, ID, RUN_BODY, START_TIME, TABLE, UPDATE_TIMESTAMP};

    let mut dagster_run: DagsterRun = row.body(TABLE, RUN_BODY)?;
    // Two writers may race on the body; the column is written by the one that knows.
    dagster_run.status = status(row)?;
    let created_at = row.get(TABLE, CREATE_TIMESTAMP)?;
    let updated_at = row.get(TABLE, UPDATE_TIMESTAMP)?;
    Ok(RunRecord::new(StorageId(row.get(TABLE, ID)?), dagster_run, created_at, updated_at)
        .with_start_time(row.get::<Option<f64>>(TABLE, START_TIME)?)
        .with_end_time(row.get::<Option<f64>>(TABLE, END_TIME)?))
}

fn status(row: &Row) -> Result<DagsterRunStatus, StorageError> {
    row.parsed(columns::TABLE, columns::STATUS, "status of a run", DagsterRunStatus::from_name)
}
