//! The data migrations of the store of runs: columns and tags of runs and backfills are derived from their bodies.
//!
//! Not here: the times of runs, which follow from events (`domain/reindexing.rs`).

use std::collections::BTreeMap;

use instance_core::error::{Persistence, StorageError};
use instance_core::run::DagsterRun;
use instance_core::scheduling::PartitionBackfill;
use instance_core::serdes::{Number, serialize_value};
use instance_core::storage::DataMigrationStep;
use instance_core::tags;
use sea_query::{QueryStatementWriter, SelectStatement};

use super::SqlRunStorage;
use crate::db::{Connection, Row};
use crate::sql::capabilities::Feature;
use crate::sql::tables::{bulk_actions, run_tags, runs};
use crate::sql::{Dialect, reindex_runs};
use crate::stores::schema::{self, Range};

/// How many runs one step is about whose bodies are read.
const RUNS_PER_STEP: u64 = 500;
/// How many tags one step is about.
const TAGS_PER_STEP: u64 = 1_000;
/// How many backfills one step is about: the body of one may have megabytes.
const BACKFILLS_PER_STEP: u64 = 100;
/// How often the end of a backfill is worked out that somebody else is changing.
const ATTEMPTS: usize = 10;

impl SqlRunStorage {
    /// One step of a data migration.
    pub(super) async fn data_migration_step(
        &self,
        migration_name: &str,
        cursor: Option<&str>,
    ) -> Result<DataMigrationStep, StorageError> {
        if cursor.is_none() {
            // It may just have been upgraded.
            self.database.forget_capabilities();
        }
        let after = schema::id_cursor(migration_name, cursor)?;
        match migration_name {
            "run_partitions" => self.name_partitions(after).await,
            "run_repo_label_tags" => self.label_runs(after).await,
            "bulk_action_types" => self.say_types(after).await,
            "run_backfill_id" => {
                self.database.require(Feature::RunBackfillIds).await?;
                self.name_backfills(after).await
            }
            "backfill_job_name_and_tags" => {
                self.database.require(Feature::BackfillJobNames).await?;
                self.database.require(Feature::BackfillTags).await?;
                // Newest first, so that tags are in the order of Dagster's.
                let before = if cursor.is_none() { i64::MAX } else { after };
                self.name_jobs_and_tags(before).await
            }
            "backfill_end_timestamp" => self.say_ends(after).await,
            // The times of runs follow from events, which are elsewhere.
            _ => Err(schema::no_such_migration(self.database.name(), migration_name)),
        }
    }

    /// How many rows a data migration has to look at.
    pub(super) async fn rows_left(&self, migration_name: &str) -> Result<u64, StorageError> {
        let table = match migration_name {
            "run_partitions" | "run_repo_label_tags" => runs::TABLE,
            "bulk_action_types" | "backfill_job_name_and_tags" | "backfill_end_timestamp" => {
                bulk_actions::TABLE
            }
            "run_backfill_id" => run_tags::TABLE,
            _ => return Err(schema::no_such_migration(self.database.name(), migration_name)),
        };
        schema::at_most(&self.database, table).await
    }

    async fn name_partitions(&self, after: i64) -> Result<DataMigrationStep, StorageError> {
        let Some(range) = Range::of(&self.database, runs::TABLE, after, RUNS_PER_STEP).await?
        else {
            return Ok(DataMigrationStep::default());
        };
        let select = reindex_runs::select_runs_without_partition(after, range.last);
        let found = self.runs(&select).await?;
        let updates: Vec<_> = found
            .iter()
            .filter_map(|(id, run)| {
                let partition = run.tags.get(tags::PARTITION)?;
                let partition_set = run.tags.get(tags::PARTITION_SET)?;
                Some(reindex_runs::update_partition(*id, partition, partition_set))
            })
            .collect();
        self.change("naming partitions of runs", updates).await?;
        Ok(range.step())
    }

    async fn label_runs(&self, after: i64) -> Result<DataMigrationStep, StorageError> {
        let Some(range) = Range::of(&self.database, runs::TABLE, after, RUNS_PER_STEP).await?
        else {
            return Ok(DataMigrationStep::default());
        };
        let select = reindex_runs::select_runs_without_label(after, range.last);
        let found = self.runs(&select).await?;
        let inserts: Vec<_> = found
            .iter()
            .filter_map(|(id, run)| {
                let origin = run.remote_job_origin.as_ref()?;
                Some(reindex_runs::insert_label(*id, &origin.repository_origin.label()))
            })
            .collect();
        self.change("labelling runs", inserts).await?;
        Ok(range.step())
    }

    async fn say_types(&self, after: i64) -> Result<DataMigrationStep, StorageError> {
        let Some(range) =
            Range::of(&self.database, bulk_actions::TABLE, after, BACKFILLS_PER_STEP).await?
        else {
            return Ok(DataMigrationStep::default());
        };
        let select = reindex_runs::select_backfills_without_type(after, range.last);
        let found = self.backfills(&select).await?;
        let updates: Vec<_> = found
            .iter()
            .map(|(id, backfill)| {
                let selector_id = backfill.selector_id();
                let action_type = backfill.bulk_action_type();
                reindex_runs::update_type(*id, action_type, selector_id.as_deref())
            })
            .collect();
        self.change("saying the kinds of backfills", updates).await?;
        Ok(range.step())
    }

    async fn name_backfills(&self, after: i64) -> Result<DataMigrationStep, StorageError> {
        let Some(range) = Range::of(&self.database, run_tags::TABLE, after, TAGS_PER_STEP).await?
        else {
            return Ok(DataMigrationStep::default());
        };
        let select = reindex_runs::select_tags_of_backfills(after, range.last);
        let id = |row: &Row| row.get::<i64>(run_tags::TABLE, run_tags::ID);
        let ids = self.database.fetch_map("reading tags of runs", &select, id).await?;
        if !ids.is_empty() {
            let update = reindex_runs::update_backfill_ids(&ids);
            self.database.execute("naming backfills of runs", update).await?;
        }
        Ok(range.step())
    }

    async fn name_jobs_and_tags(&self, before: i64) -> Result<DataMigrationStep, StorageError> {
        self.database
            .write("naming jobs and tags of backfills", move |mut connection: Connection<'_>| {
                Box::pin(async move {
                    let mut select =
                        reindex_runs::select_backfills_before(before, BACKFILLS_PER_STEP);
                    if connection.dialect() == Dialect::Postgres {
                        // No index keeps a tag from being there twice, so that nobody else may add tags of these.
                        select.lock_exclusive();
                    }
                    let rows = connection.fetch(&select).await?;
                    let found: Vec<_> = rows.iter().map(backfill).collect::<Result<_, _>>()?;
                    for (id, backfill) in &found {
                        for (key, value) in backfill.tags.iter().flatten() {
                            let insert = reindex_runs::insert_tag_of_backfill(*id, key, value);
                            connection.execute(&insert).await?;
                        }
                        if let Some(job_name) = backfill.job_name() {
                            let update = reindex_runs::update_job_name(*id, job_name);
                            connection.execute(&update).await?;
                        }
                    }
                    Ok(step(&found))
                })
            })
            .await
    }

    async fn say_ends(&self, after: i64) -> Result<DataMigrationStep, StorageError> {
        let Some(range) =
            Range::of(&self.database, bulk_actions::TABLE, after, BACKFILLS_PER_STEP).await?
        else {
            return Ok(DataMigrationStep::default());
        };
        let select = reindex_runs::select_backfills_without_end(after, range.last);
        let found = self.database.fetch_map("reading backfills", &select, Stored::of).await?;
        if found.is_empty() {
            return Ok(range.step());
        }
        self.database
            .write("saying when backfills ended", move |mut connection: Connection<'_>| {
                Box::pin(async move {
                    let ends = last_ends(&mut connection, &found).await?;
                    for stored in found {
                        say_end(&mut connection, stored, &ends).await?;
                    }
                    Ok(())
                })
            })
            .await?;
        Ok(range.step())
    }

    async fn backfills(
        &self,
        select: &SelectStatement,
    ) -> Result<Vec<(i64, PartitionBackfill)>, StorageError> {
        self.database.fetch_map("reading backfills", select, backfill).await
    }

    async fn runs(&self, select: &SelectStatement) -> Result<Vec<(i64, DagsterRun)>, StorageError> {
        let read = |row: &Row| {
            let id = row.get(runs::TABLE, runs::ID)?;
            Ok((id, row.body(runs::TABLE, runs::RUN_BODY)?))
        };
        self.database.fetch_map("reading runs", select, read).await
    }

    /// Runs these statements in one transaction.
    async fn change<S: QueryStatementWriter + Send + Sync + 'static>(
        &self,
        operation: &'static str,
        statements: Vec<S>,
    ) -> Result<(), StorageError> {
        if statements.is_empty() {
            return Ok(());
        }
        self.database
            .write(operation, move |mut connection: Connection<'_>| {
                Box::pin(async move {
                    for statement in &statements {
                        connection.execute(statement).await?;
                    }
                    Ok(())
                })
            })
            .await
    }
}

/// A backfill with the id of its row.
fn backfill(row: &Row) -> Result<(i64, PartitionBackfill), StorageError> {
    let id = row.get(bulk_actions::TABLE, bulk_actions::ID)?;
    Ok((id, row.body(bulk_actions::TABLE, bulk_actions::BODY)?))
}

/// A step that read these rows.
fn step<T>(found: &[(i64, T)]) -> DataMigrationStep {
    let rows = found.len() as u64;
    found.last().map_or_else(DataMigrationStep::default, |(last, _)| {
        DataMigrationStep::new(rows, last.to_string())
    })
}

/// A backfill that has ended, with its body as it is stored.
struct Stored {
    id: i64,
    body: String,
    backfill: PartitionBackfill,
}

impl Stored {
    fn of(row: &Row) -> Result<Self, StorageError> {
        Ok(Self {
            id: row.get(bulk_actions::TABLE, bulk_actions::ID)?,
            body: row.get(bulk_actions::TABLE, bulk_actions::BODY)?,
            backfill: row.body(bulk_actions::TABLE, bulk_actions::BODY)?,
        })
    }
}

/// When the last run of each backfill ended; of those that have runs.
async fn last_ends(
    connection: &mut Connection<'_>,
    found: &[Stored],
) -> Result<BTreeMap<String, f64>, StorageError> {
    let ids = found.iter().map(|stored| stored.backfill.backfill_id.as_str());
    let rows = connection.fetch(&reindex_runs::select_last_ends(ids)).await?;
    rows.iter()
        .map(|row| {
            let id = row.get(run_tags::TABLE, run_tags::VALUE)?;
            Ok((id, row.get(run_tags::TABLE, reindex_runs::LAST_END)?))
        })
        .collect()
}

/// Says when a backfill ended: with the last of its runs, or when it was asked for if it has none. What somebody else
/// changes of it meanwhile is not lost.
async fn say_end(
    connection: &mut Connection<'_>,
    mut stored: Stored,
    ends: &BTreeMap<String, f64>,
) -> Result<(), StorageError> {
    for _ in 0..ATTEMPTS {
        let backfill = &mut stored.backfill;
        if !backfill.status.has_ended() || backfill.backfill_end_timestamp.is_some() {
            return Ok(());
        }
        let end = ends.get(&backfill.backfill_id).copied().map(Number::from);
        backfill.backfill_end_timestamp =
            Some(end.unwrap_or_else(|| backfill.backfill_timestamp.clone()));
        let new = serialize_value(&*backfill);
        let replace = reindex_runs::replace_body(stored.id, &stored.body, backfill.status, &new);
        if connection.execute(&replace).await? > 0 {
            return Ok(());
        }
        let now = connection.fetch_one(&reindex_runs::select_backfill(stored.id)).await?;
        let Some(now) = now else {
            return Ok(());
        };
        stored = Stored::of(&now)?;
    }
    Err(StorageError::Backend {
        database: format!("the backfill {}", stored.backfill.backfill_id),
        operation: "saying when it ended",
        persistence: Persistence::Temporary,
        source: "somebody changes it again and again; try again later".into(),
    })
}
