//! Data migrations: columns and rows that follow from what is stored are derived again. Those that make reading faster and
//! that `dagster instance migrate` leaves out are [`reindex`]'s; those that belong to an upgrade of the schema are [`migrate_data`]'s.
//!
//! Not here: the schema itself (`upgrading.rs`), and the steps of each migration, which are the stores'.

use std::collections::VecDeque;
use std::time::Duration;

use chrono::{DateTime, Utc};
use instance_core::error::{InstanceError, Persistence, StorageError};
use instance_core::ids::RunId;
use instance_core::ops::StorageOps;
use instance_core::run::{DagsterRunStatus, RunRecord, RunsFilter};
use instance_core::storage::{
    DataMigrationStep, EventStore, Only, RunStore, RunTimes, RunsPage, SchemaLock, SchemaStore,
    Stores, UpgradeStop,
};

use super::upgrading::interrupted;

/// The start and end times of runs, which follow from their events.
const RUN_TIMES: &str = "run_start_end_overwritten";

/// How many runs one step is about.
const RUNS_PER_STEP: u64 = 100;

/// How often the times of runs are worked out that others change meanwhile.
const ATTEMPTS: usize = 5;

/// How many steps the time that is left is worked out from.
const STEPS_OF_RATE: usize = 10;

/// The secondary indexes that an upgrade builds ([`upgrade`](super::upgrading::upgrade)), by the names under which Dagster
/// marks them as built, in the order in which they are built:
///
/// | name | what it is |
/// | --- | --- |
/// | `run_partitions` | the columns of runs with their partitions and sets of partitions |
/// | `run_repo_label_tags` | the tags of runs that name their repositories |
/// | `bulk_action_types` | the columns of backfills with their kinds and sets of partitions |
/// | `run_backfill_id` | the column of runs with their backfills |
/// | `backfill_job_name_and_tags` | the column of backfills with their jobs, and their tags |
/// | `backfill_end_timestamp` | the times at which backfills ended |
/// | `asset_key_index_columns` | the columns of assets with times of their last event and last wipe |
/// | `schedule_jobs_selector_id` | the states of schedules and sensors, by their selectors |
pub const MIGRATED_INDEXES: [&str; 8] = [
    "run_partitions",
    "run_repo_label_tags",
    "bulk_action_types",
    "run_backfill_id",
    "backfill_job_name_and_tags",
    "backfill_end_timestamp",
    "asset_key_index_columns",
    "schedule_jobs_selector_id",
];

/// The secondary indexes that [`reindex`] builds if it is asked for none by name, in the order in which they are built:
///
/// | name | what it is |
/// | --- | --- |
/// | `asset_key_table` | the assets that events name are in the table of assets |
/// | `asset_key_index_columns` | the columns of assets with times of their last event and last wipe |
/// | `schedule_ticks_selector_id` | ticks name the selectors of their schedules and sensors |
/// | `run_start_end_overwritten` | the times at which runs began and ended |
pub const REINDEXED_INDEXES: [&str; 4] =
    ["asset_key_table", "asset_key_index_columns", "schedule_ticks_selector_id", RUN_TIMES];

/// All secondary indexes, in the order in which they are built.
pub const SECONDARY_INDEXES: [&str; 11] = [
    "run_partitions",
    "run_repo_label_tags",
    "bulk_action_types",
    "run_backfill_id",
    "backfill_job_name_and_tags",
    "backfill_end_timestamp",
    // The columns of assets are those of all assets.
    "asset_key_table",
    "asset_key_index_columns",
    // States get their selectors before their ticks do.
    "schedule_jobs_selector_id",
    "schedule_ticks_selector_id",
    // It reads the events of all runs: if those of one are damaged, nothing else waits for it.
    RUN_TIMES,
];

/// What [`reindex`] is to do. The default is what Dagster does: each index of [`REINDEXED_INDEXES`] that is not marked as
/// built.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reindex {
    /// Only these indexes, by the names in [`SECONDARY_INDEXES`].
    pub indexes: Only<String>,
    /// Whether indexes that are marked as built are built again.
    pub force: bool,
    /// The index that an earlier call did not finish, and where it was: the name and the cursor of its last progress.
    pub resume: Option<(String, String)>,
}

impl Reindex {
    /// Each index of [`REINDEXED_INDEXES`] that is not marked as built.
    pub fn new() -> Self {
        Self::default()
    }

    /// The names of the indexes, in the order in which they are built.
    fn names(&self) -> Vec<&'static str> {
        let asked = |name: &&str| match self.indexes.as_slice() {
            Some(named) => named.iter().any(|asked| asked == name),
            None => REINDEXED_INDEXES.contains(name),
        };
        SECONDARY_INDEXES.into_iter().filter(asked).collect()
    }
}

instance_core::setters! {
    impl Reindex {
        /// Only these indexes, by the names in [`SECONDARY_INDEXES`].
        with_indexes(indexes: Only<String>);
        /// Whether indexes that are marked as built are built again.
        with_force(force: bool);
        /// The index that an earlier call did not finish, and the cursor of its last progress.
        with_resume(resume: impl Into<Option<(String, String)>>);
    }
}

/// Which secondary indexes an upgrade builds that are not marked as built.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum DataMigrations {
    /// Those of [`MIGRATED_INDEXES`], as `dagster instance migrate` does.
    #[default]
    OfUpgrade,
    /// Those of [`SECONDARY_INDEXES`].
    All,
}

impl DataMigrations {
    /// The names, in the order in which they are built.
    pub fn names(self) -> Vec<&'static str> {
        SECONDARY_INDEXES.into_iter().filter(|name| self.includes(name)).collect()
    }

    /// Whether an index is one of them.
    pub(super) fn includes(self, index: &str) -> bool {
        self == Self::All || MIGRATED_INDEXES.contains(&index)
    }
}

/// How far [`reindex`] has come.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReindexProgress {
    /// The index.
    pub index: &'static str,
    /// What has happened to it.
    pub event: ReindexEvent,
}

/// What has happened to an index.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReindexEvent {
    /// It is marked as built, so nothing is done.
    AlreadyBuilt,
    /// It is not marked as built, and nothing is done either: it belongs to an upgrade, or has to be asked for by name.
    NotAskedFor,
    /// Building begins.
    Started {
        /// How many rows there are at most, where that is known.
        rows: Option<u64>,
    },
    /// A part of it is built, and stays built.
    Advanced {
        /// How many rows this call has looked at.
        rows: u64,
        /// How many rows are left at most, by the number of the beginning, where that is known.
        left: Option<u64>,
        /// How long these will take at the speed of the last parts; `None` before there is one.
        time_left: Option<Duration>,
        /// Where the next part begins: see [`Reindex::resume`].
        cursor: String,
    },
    /// It is built and marked.
    Built {
        /// How many rows this call has looked at.
        rows: u64,
    },
}

/// What [`reindex`] has done about one index.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReindexedIndex {
    /// The index.
    pub index: &'static str,
    /// How many rows this call has looked at; `None` if the index was built already.
    pub rows: Option<u64>,
}

/// A secondary index that is not marked as built.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct UnbuiltIndex {
    /// The index.
    pub index: &'static str,
    /// How many rows there are to look at, at most: see [`SchemaStore::rows_to_migrate`].
    pub rows: u64,
}

/// Builds secondary indexes of the storages that are not marked as built, and marks them.
///
/// These are data migrations. Without names, they are those that Dagster leaves to `dagster instance reindex`;
/// [`REINDEXED_INDEXES`] lists them. By name, any of [`SECONDARY_INDEXES`] is built. A
/// fresh storage is marked with all of them. If none is named, `progress` tells which others are not marked. Work is done in small parts, each of which is one transaction, so that
/// others can read and write in between. `progress` is called before, between and after the parts. An index that was
/// not finished is not marked. The next call builds it again from its beginning, where what is built already costs
/// little, or goes on where [`Reindex::resume`] says.
///
/// Returns what was done about each index, in the order in which it was done.
///
/// # Errors
///
/// [`InstanceError::Invalid`] if an index is none of these, if the index to go on with is not asked for, or if the cursor
/// is none of it; [`InstanceError::Storage`] if a storage fails, if it lacks a table or column that an upgrade adds, or if
/// another process upgrades the store or builds an index of it. If the events of some runs cannot be read, the error names
/// them, and the times of all others are built. The parts that were done stay, and so do the indexes before.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn reindex(
    ops: &dyn StorageOps,
    request: &Reindex,
    progress: &mut (dyn FnMut(ReindexProgress) + Send),
) -> Result<Vec<ReindexedIndex>, InstanceError> {
    let asked = request.indexes.as_slice().unwrap_or_default().iter();
    for name in asked.chain(request.resume.iter().map(|(name, _)| name)) {
        require_known(name)?;
    }
    let names = request.names();
    if let Some((name, _)) = &request.resume
        && !names.contains(&name.as_str())
    {
        let reason = "it is to be resumed, and not among the indexes that are asked for; add it";
        return Err(InstanceError::invalid("index", name, reason));
    }
    let (mut done, stop) = (Vec::new(), UpgradeStop::default());
    for index in names {
        let resume = request.resume.as_ref().filter(|(name, _)| name == index);
        let cursor = resume.map(|(_, cursor)| cursor.clone());
        let how = Building { force: request.force, cursor, is_locked: false };
        done.push(build(ops, index, how, &stop, progress).await?);
    }
    if request.indexes == Only::Any {
        for index in MIGRATED_INDEXES {
            if !store_of(index, ops.stores()).has_built_index(index).await? {
                progress(ReindexProgress { index, event: ReindexEvent::NotAskedFor });
            }
        }
    }
    Ok(done)
}

/// Builds the named indexes that are not marked as built, in this order, and marks them, as [`reindex`] does. If the end is
/// asked for, it ends between two parts. The caller holds the locks of the stores.
///
/// Returns what was done, also if an error ends it: the indexes before it are built, and parts that were done stay.
pub(super) async fn migrate_data(
    ops: &dyn StorageOps,
    names: &[&'static str],
    stop: &UpgradeStop,
    progress: &mut (dyn FnMut(ReindexProgress) + Send),
) -> (Vec<ReindexedIndex>, Result<(), InstanceError>) {
    let mut done = Vec::new();
    for index in names {
        let how = Building { force: false, cursor: None, is_locked: true };
        match build(ops, index, how, stop, progress).await {
            Ok(index) => done.push(index),
            Err(error) => return (done, Err(error)),
        }
    }
    (done, Ok(()))
}

/// What there is to do for the named indexes, in the order in which they are built.
///
/// A database that has not been upgraded yet may lack what an index is about. Then all rows count that it is derived from.
///
/// # Errors
///
/// [`InstanceError::Storage`] if a storage fails.
pub(super) async fn unbuilt(
    ops: &dyn StorageOps,
    named: &[&'static str],
) -> Result<Vec<UnbuiltIndex>, InstanceError> {
    let mut unbuilt = Vec::new();
    for index in SECONDARY_INDEXES {
        if named.contains(&index) {
            unbuilt.push(UnbuiltIndex { index, rows: rows_of(index, ops.stores()).await? });
        }
    }
    Ok(unbuilt)
}

/// How an index is built.
struct Building {
    /// Whether it is built although it is marked as built.
    force: bool,
    /// Where it goes on.
    cursor: Option<String>,
    /// Whether the caller holds the locks of the stores.
    is_locked: bool,
}

async fn build(
    ops: &dyn StorageOps,
    index: &'static str,
    how: Building,
    stop: &UpgradeStop,
    progress: &mut (dyn FnMut(ReindexProgress) + Send),
) -> Result<ReindexedIndex, InstanceError> {
    let stores = ops.stores();
    let store = store_of(index, stores);
    let mut report = |event| progress(ReindexProgress { index, event });
    let Building { force, mut cursor, is_locked } = how;
    if !force && cursor.is_none() && store.has_built_index(index).await? {
        report(ReindexEvent::AlreadyBuilt);
        return Ok(ReindexedIndex { index, rows: None });
    }
    // Two that build the same would wait for each other, or do things twice.
    let _lock = if is_locked { SchemaLock::default() } else { store.lock_schema().await? };
    // Behind a cursor there is less, and nobody knows how much.
    let all = if cursor.is_none() { Some(rows_of(index, stores).await?) } else { None };
    report(ReindexEvent::Started { rows: all });
    let (mut rows, mut unreadable) = (0, Unreadable::default());
    let mut pace = Pace::new(ops.clock().now());
    loop {
        let part = if index == RUN_TIMES {
            build_run_times(stores, cursor.as_deref(), &mut unreadable).await?
        } else {
            store.migrate_data(index, cursor.as_deref()).await?
        };
        rows += part.rows;
        let Some(next) = part.cursor else { break };
        let left = all.map(|all| all.saturating_sub(rows));
        pace.add(rows, ops.clock().now());
        let time_left = left.and_then(|left| pace.time_for(left));
        report(ReindexEvent::Advanced { rows, left, time_left, cursor: next.clone() });
        if stop.is_asked() {
            return Err(interrupted(index).into());
        }
        cursor = Some(next);
    }
    unreadable.refuse()?;
    store.mark_index_built(index, ops.clock().now()).await?;
    report(ReindexEvent::Built { rows });
    Ok(ReindexedIndex { index, rows: Some(rows) })
}

/// How fast the last parts went.
#[derive(Debug)]
struct Pace {
    /// How many rows were done at which time, the oldest first.
    done: VecDeque<(u64, DateTime<Utc>)>,
}

impl Pace {
    fn new(now: DateTime<Utc>) -> Self {
        Self { done: VecDeque::from([(0, now)]) }
    }

    fn add(&mut self, rows: u64, now: DateTime<Utc>) {
        self.done.push_back((rows, now));
        if self.done.len() > STEPS_OF_RATE + 1 {
            self.done.pop_front();
        }
    }

    /// How long so many rows will take; `None` if there is no saying.
    fn time_for(&self, rows: u64) -> Option<Duration> {
        let ((first, began), (last, ended)) = (self.done.front()?, self.done.back()?);
        let took = (*ended - *began).to_std().ok().filter(|took| !took.is_zero())?;
        let done = last.checked_sub(*first).filter(|done| *done > 0)?;
        let nanoseconds = took.as_nanos().checked_mul(rows.into())? / u128::from(done);
        u64::try_from(nanoseconds).ok().map(Duration::from_nanos)
    }
}

fn require_known(name: &str) -> Result<(), InstanceError> {
    if SECONDARY_INDEXES.contains(&name) {
        return Ok(());
    }
    let reason =
        format!("there is no such index to build; there are {}", SECONDARY_INDEXES.join(", "));
    Err(InstanceError::invalid("index", name, reason))
}

fn store_of<'s>(index: &str, stores: &'s Stores) -> &'s dyn SchemaStore {
    if stores.run_storage.data_migrations().contains(&index) {
        &*stores.run_storage
    } else if stores.schedule_storage.data_migrations().contains(&index) {
        &*stores.schedule_storage
    } else {
        &*stores.event_log_storage
    }
}

async fn rows_of(index: &str, stores: &Stores) -> Result<u64, InstanceError> {
    if index == RUN_TIMES {
        return Ok(stores.run_storage.get_runs_count(&RunsFilter::default()).await?);
    }
    Ok(store_of(index, stores).rows_to_migrate(index).await?)
}

/// Writes the times of some runs as their events say them, newest run first. The cursor is the last run of the part
/// before.
async fn build_run_times(
    stores: &Stores,
    cursor: Option<&str>,
    unreadable: &mut Unreadable,
) -> Result<DataMigrationStep, InstanceError> {
    let (runs, events): (&dyn RunStore, &dyn EventStore) =
        (&*stores.run_storage, &*stores.event_log_storage);
    let page = RunsPage::new().with_limit(RUNS_PER_STEP).with_cursor(cursor.map(RunId::from));
    let records = runs.get_run_records(&RunsFilter::default(), &page).await?;
    let Some(last) = records.last().map(|record| record.dagster_run.run_id.clone()) else {
        // Behind a run that is gone there seems to be nothing.
        if let Some(cursor) = cursor
            && !runs.has_run(&RunId::from(cursor)).await?
        {
            let reason = "the run is not there any more; begin without a cursor";
            return Err(InstanceError::invalid("cursor", cursor, reason));
        }
        return Ok(DataMigrationStep::default());
    };
    let rows = records.len() as u64;
    let mut left = records;
    for _ in 0..ATTEMPTS {
        let times = times_by_events(&left, events, unreadable).await?;
        runs.set_run_times(&times).await?;
        left = changed_meanwhile(&times, runs).await?;
        if left.is_empty() {
            break;
        }
    }
    Ok(DataMigrationStep::new(rows, last.to_string()))
}

/// When runs began and ended, of those that have events which say it.
async fn times_by_events(
    records: &[RunRecord],
    events: &dyn EventStore,
    unreadable: &mut Unreadable,
) -> Result<Vec<RunTimes>, InstanceError> {
    let mut times = Vec::new();
    for record in records {
        let (run_id, status) = (record.dagster_run.run_id.clone(), record.dagster_run.status);
        if !has_begun(status) {
            continue;
        }
        let told = match events.get_stats_for_run(&run_id).await {
            Ok(told) => told,
            Err(error) => {
                unreadable.add(run_id, error)?;
                continue;
            }
        };
        let (start_time, end_time) = (told.start_time, told.end_time);
        if start_time.is_some() || end_time.is_some() {
            times.push(RunTimes { run_id, status, start_time, end_time });
        }
    }
    Ok(times)
}

/// The runs whose status is another one than before their events were read: their times may not have been written.
async fn changed_meanwhile(
    times: &[RunTimes],
    runs: &dyn RunStore,
) -> Result<Vec<RunRecord>, InstanceError> {
    if times.is_empty() {
        return Ok(Vec::new());
    }
    let ids = times.iter().map(|times| times.run_id.clone()).collect();
    let filter = RunsFilter::default().with_run_ids(Only::These(ids));
    let mut records = runs.get_run_records(&filter, &RunsPage::new()).await?;
    records.retain(|record| {
        let run = &record.dagster_run;
        times.iter().any(|times| times.run_id == run.run_id && times.status != run.status)
    });
    Ok(records)
}

/// The runs whose events cannot be read. They keep the times that they have, and the index is not marked as built.
#[derive(Debug, Default)]
struct Unreadable {
    runs: Vec<(RunId, StorageError)>,
}

impl Unreadable {
    /// Leaves a run out, unless the error may pass, or so many cannot be read that it is not about single runs.
    fn add(&mut self, run_id: RunId, error: StorageError) -> Result<(), StorageError> {
        if error.is_temporary() || self.runs.len() as u64 == RUNS_PER_STEP {
            return Err(error);
        }
        if self.runs.iter().all(|(known, _)| *known != run_id) {
            tracing::warn!(%run_id, error = %error, "the events of a run cannot be read");
            self.runs.push((run_id, error));
        }
        Ok(())
    }

    /// The error that names the runs, with the cause of the first.
    fn refuse(self) -> Result<(), StorageError> {
        const NAMED: usize = 10;

        let names: Vec<&str> = self.runs.iter().take(NAMED).map(|(id, _)| id.as_str()).collect();
        let more = if self.runs.len() > NAMED { " and others" } else { "" };
        let database = format!(
            "the events of these runs, and not of the others: {}{more}; mend or delete them, and give the command again",
            names.join(", ")
        );
        let Some((_, first)) = self.runs.into_iter().next() else {
            return Ok(());
        };
        Err(StorageError::Backend {
            database,
            operation: RUN_TIMES,
            persistence: Persistence::Permanent,
            source: Box::new(first),
        })
    }
}

/// Whether a run of this status can have a time at which it began.
fn has_begun(status: DagsterRunStatus) -> bool {
    use DagsterRunStatus::{Managed, NotStarted, Queued, Starting};

    !matches!(status, Queued | NotStarted | Managed | Starting)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_index_is_built_by_one_command_at_least() {
        for name in SECONDARY_INDEXES {
            assert!(
                MIGRATED_INDEXES.contains(&name) || REINDEXED_INDEXES.contains(&name),
                "{name}"
            );
        }
        for name in MIGRATED_INDEXES.iter().chain(&REINDEXED_INDEXES) {
            assert!(SECONDARY_INDEXES.contains(name), "{name}");
        }
        assert_eq!(DataMigrations::OfUpgrade.names(), MIGRATED_INDEXES);
        assert_eq!(DataMigrations::All.names(), SECONDARY_INDEXES);
        assert_eq!(Reindex::new().names(), REINDEXED_INDEXES);
    }

    #[test]
    fn time_that_is_left_follows_from_the_last_parts() {
        let at = |second| DateTime::from_timestamp(second, 0).unwrap();
        let mut pace = Pace::new(at(0));
        assert_eq!(pace.time_for(10), None);
        pace.add(0, at(1));
        assert_eq!(pace.time_for(10), None);
        pace.add(100, at(2));
        assert_eq!(pace.time_for(100), Some(Duration::from_secs(2)));
        // Parts of long ago do not count.
        for (rows, second) in (2..=12).map(|part| part * 100).zip(3..) {
            pace.add(rows, at(second));
        }
        assert_eq!(pace.time_for(50), Some(Duration::from_millis(500)));
        // Nor does a clock that was set back.
        pace.add(9_999, at(-5));
        assert_eq!(pace.time_for(50), None);
    }
}
