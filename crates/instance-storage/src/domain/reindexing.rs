//! Reindexing: data migrations that make reading faster, and that nothing else carries out.
//!
//! Not here: the migrations that an upgrade of the schema needs.

use instance_core::error::InstanceError;
use instance_core::ids::RunId;
use instance_core::ops::StorageOps;
use instance_core::run::{DagsterRunStatus, RunsFilter};
use instance_core::storage::{
    DataMigrationStep, EventStore, Only, RunStore, RunTimes, RunsPage, SchemaStore, Stores,
};

/// The start and end times of runs, which follow from their events.
const RUN_TIMES: &str = "run_start_end_overwritten";

/// How many runs one step is about.
const RUNS_PER_STEP: u64 = 100;

/// The secondary indexes that [`reindex`] builds, by the names under which Dagster marks them as built, in the order in
/// which they are built:
///
/// | name | what it is |
/// | --- | --- |
/// | `asset_key_table` | the assets that events name are in the table of assets |
/// | `asset_key_index_columns` | the columns of assets with times of their last event and last wipe |
/// | `run_start_end_overwritten` | the times at which runs began and ended |
/// | `schedule_ticks_selector_id` | ticks name the selectors of their schedules and sensors |
pub const REINDEXED_INDEXES: [&str; 4] =
    ["asset_key_table", "asset_key_index_columns", RUN_TIMES, "schedule_ticks_selector_id"];

/// What [`reindex`] is to do. The default is what Dagster does: each index that is not marked as built.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reindex {
    /// Only these indexes, by the names in [`REINDEXED_INDEXES`].
    pub indexes: Only<String>,
    /// Whether indexes that are marked as built are built again.
    pub force: bool,
    /// The index that an earlier call did not finish, and where it was: the name and the cursor of its last progress.
    pub resume: Option<(String, String)>,
}

impl Reindex {
    /// Each index that is not marked as built.
    pub fn new() -> Self {
        Self::default()
    }
}

instance_core::setters! {
    impl Reindex {
        /// Only these indexes, by the names in [`REINDEXED_INDEXES`].
        with_indexes(indexes: Only<String>);
        /// Whether indexes that are marked as built are built again.
        with_force(force: bool);
        /// The index that an earlier call did not finish, and the cursor of its last progress.
        with_resume(resume: impl Into<Option<(String, String)>>);
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
    /// Building begins.
    Started {
        /// How many rows there are, where that is known.
        rows: Option<u64>,
    },
    /// A part of it is built, and stays built.
    Advanced {
        /// How many rows this call has looked at.
        rows: u64,
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

/// Builds the secondary indexes of the storages that are not marked as built, and marks them.
///
/// These are the data migrations that Dagster leaves to `dagster instance reindex`; [`REINDEXED_INDEXES`] lists them. A
/// fresh storage is marked with all of them. Work is done in small parts, each of which is one transaction, so that
/// others can read and write in between. `progress` is called before, between and after the parts. An index that was
/// not finished is not marked. The next call builds it again from its beginning, or goes on where
/// [`Reindex::resume`] says.
///
/// Returns what was done about each index, in the order in which it was done.
///
/// # Errors
///
/// [`InstanceError::Invalid`] if an index is none of these, if the index to go on with is not asked for, or if the cursor
/// is none of it; [`InstanceError::Storage`] if a storage fails. The parts that were done stay, and so do the indexes
/// before.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn reindex(
    ops: &dyn StorageOps,
    request: &Reindex,
    progress: &mut (dyn FnMut(ReindexProgress) + Send),
) -> Result<Vec<ReindexedIndex>, InstanceError> {
    let named = request.indexes.as_slice().unwrap_or_default().iter();
    for name in named.chain(request.resume.iter().map(|(name, _)| name)) {
        require_known(name)?;
    }
    if let Some((name, _)) = &request.resume
        && !request.indexes.contains(name)
    {
        let reason = "it is to be resumed, and not among the indexes that are asked for; add it";
        return Err(InstanceError::invalid("index", name, reason));
    }
    let mut done = Vec::new();
    for index in REINDEXED_INDEXES {
        if !request.indexes.contains(&index.to_owned()) {
            continue;
        }
        let resume = request.resume.as_ref().filter(|(name, _)| name == index);
        let mut cursor = resume.map(|(_, cursor)| cursor.clone());
        let store = store_of(index, ops.stores());
        let mut report = |event| progress(ReindexProgress { index, event });
        if !request.force && cursor.is_none() && store.has_built_index(index).await? {
            report(ReindexEvent::AlreadyBuilt);
            done.push(ReindexedIndex { index, rows: None });
            continue;
        }
        report(ReindexEvent::Started { rows: rows_of(index, ops.stores()).await? });
        let mut rows = 0;
        loop {
            let step = if index == RUN_TIMES {
                build_run_times(ops.stores(), cursor.as_deref()).await?
            } else {
                store.migrate_data(index, cursor.as_deref()).await?
            };
            rows += step.rows;
            let Some(next) = step.cursor else { break };
            report(ReindexEvent::Advanced { rows, cursor: next.clone() });
            cursor = Some(next);
        }
        store.mark_index_built(index, ops.clock().now()).await?;
        report(ReindexEvent::Built { rows });
        done.push(ReindexedIndex { index, rows: Some(rows) });
    }
    Ok(done)
}

fn require_known(name: &str) -> Result<(), InstanceError> {
    if REINDEXED_INDEXES.contains(&name) {
        return Ok(());
    }
    let reason =
        format!("there is no such index to build; there are {}", REINDEXED_INDEXES.join(", "));
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

async fn rows_of(index: &str, stores: &Stores) -> Result<Option<u64>, InstanceError> {
    if index != RUN_TIMES {
        return Ok(None);
    }
    Ok(Some(stores.run_storage.get_runs_count(&RunsFilter::default()).await?))
}

/// Writes the times of some runs as their events say them, newest run first. The cursor is the last run of the part
/// before.
async fn build_run_times(
    stores: &Stores,
    cursor: Option<&str>,
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
    let mut times = Vec::new();
    for record in &records {
        if has_begun(record.dagster_run.status) {
            let run_id = record.dagster_run.run_id.clone();
            let stats = events.get_stats_for_run(&run_id).await?;
            times.push(RunTimes { run_id, start_time: stats.start_time, end_time: stats.end_time });
        }
    }
    runs.set_run_times(&times).await?;
    Ok(DataMigrationStep::new(records.len() as u64, last.to_string()))
}

/// Whether a run of this status can have a time at which it began.
fn has_begun(status: DagsterRunStatus) -> bool {
    use DagsterRunStatus::{Managed, NotStarted, Queued, Starting};

    !matches!(status, Queued | NotStarted | Managed | Starting)
}
