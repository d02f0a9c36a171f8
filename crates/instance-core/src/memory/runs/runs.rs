//! Runs and their tags.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::{MemoryRunStorage, has_all_tags};
use crate::error::StorageError;
use crate::event::DagsterEvent;
use crate::ids::{RunId, StorageId};
use crate::memory::{RowIds, at_most, in_micros, is_between};
use crate::run::{
    DagsterRun, RemoteJobOrigin, RunGroup, RunPartitionData, RunRecord, RunsFilter, TagFilter,
};
use crate::storage::{
    GuardedChange, GuardedOutcome, Order, RunChange, RunStore, RunTagsQuery, RunTimes, RunsOrderBy,
    RunsPage, apply_run_event, require_readable,
};
use crate::tags;

/// The rows of runs.
#[derive(Debug, Default)]
pub(in crate::memory) struct Runs {
    row_ids: RowIds,
    rows: BTreeMap<StorageId, RunRow>,
    by_id: BTreeMap<RunId, StorageId>,
}

#[derive(Debug)]
struct RunRow {
    record: RunRecord,
    /// The tags by which it is found: its own, and those that follow from its origin and pools.
    tags: BTreeMap<String, String>,
    partition: Option<String>,
    /// Whether a backfill created it.
    is_subrun: bool,
}

/// What a change on conditions makes of a run, whose conditions hold; `None` if nothing of its row changes.
#[derive(Debug)]
pub(in crate::memory) struct DecidedChange(Option<(DagsterRun, RunChange, DateTime<Utc>)>);

impl Runs {
    pub(in crate::memory) fn contains(&self, run_id: &RunId) -> bool {
        self.by_id.contains_key(run_id)
    }

    pub(super) fn clear(&mut self) {
        self.rows.clear();
        self.by_id.clear();
    }

    /// Refuses a run that cannot be added; its snapshot is the caller's to look for.
    pub(in crate::memory) fn require_new(&self, run: &DagsterRun) -> Result<(), StorageError> {
        require_readable(run)?;
        if self.contains(&run.run_id) {
            return Err(StorageError::RunAlreadyExists { run_id: run.run_id.clone() });
        }
        Ok(())
    }

    /// Adds a run that is new.
    pub(in crate::memory) fn add(
        &mut self,
        run: &DagsterRun,
        created_at: DateTime<Utc>,
        now: DateTime<Utc>,
    ) {
        let storage_id = StorageId(self.row_ids.next());
        let row = RunRow {
            tags: run.tags_for_storage(),
            partition: run.tags.get(tags::PARTITION).cloned(),
            is_subrun: run.tags.contains_key(tags::BACKFILL_ID),
            record: RunRecord {
                storage_id,
                dagster_run: run.clone(),
                create_timestamp: in_micros(created_at),
                update_timestamp: now,
                start_time: None,
                end_time: None,
            },
        };
        self.rows.insert(storage_id, row);
        self.by_id.insert(run.run_id.clone(), storage_id);
    }

    /// Changes a run as an event demands; one that is refused changes nothing.
    pub(in crate::memory) fn change(
        &mut self,
        run_id: &RunId,
        event: &DagsterEvent,
        at: DateTime<Utc>,
    ) -> Result<(), StorageError> {
        let Some(row) = self.row_mut(run_id) else {
            return Ok(());
        };
        let mut run = row.record.dagster_run.clone();
        let Some(change) = apply_run_event(&mut run, event, at)? else {
            return Ok(());
        };
        row.change(run, &change, at);
        Ok(())
    }

    /// What a change on conditions makes of a run; nothing is changed yet.
    pub(in crate::memory) fn guarded(
        &self,
        change: &GuardedChange,
    ) -> Result<GuardedOutcome<DecidedChange>, StorageError> {
        let Some(row) = self.row(&change.run_id) else {
            return Ok(GuardedOutcome::OtherStatus(None));
        };
        let mut run = row.record.dagster_run.clone();
        if !change.from.contains(&run.status) {
            return Ok(GuardedOutcome::OtherStatus(Some(run.status)));
        }
        let applied = change.apply(&mut run)?;
        Ok(GuardedOutcome::Stored(DecidedChange(applied.map(|(change, at)| (run, change, at)))))
    }

    /// Changes a run as it was decided.
    pub(in crate::memory) fn change_guarded(&mut self, decided: DecidedChange) {
        if let DecidedChange(Some((run, change, at))) = decided
            && let Some(row) = self.row_mut(&run.run_id)
        {
            row.change(run, &change, at);
        }
    }

    /// Whether an event of a run would be refused, whatever other events come before it.
    pub(in crate::memory) fn require_changeable(
        &self,
        run_id: &RunId,
        event: &DagsterEvent,
    ) -> Result<(), StorageError> {
        let Some(row) = self.row(run_id) else {
            return Ok(());
        };
        // What an event may be refused for, where the job of the run is, no event changes.
        apply_run_event(&mut row.record.dagster_run.clone(), event, DateTime::UNIX_EPOCH).map(drop)
    }

    pub(in crate::memory) fn delete(&mut self, run_id: &RunId) {
        if let Some(storage_id) = self.by_id.remove(run_id) {
            self.rows.remove(&storage_id);
        }
    }

    fn row(&self, run_id: &RunId) -> Option<&RunRow> {
        self.rows.get(self.by_id.get(run_id)?)
    }

    fn row_mut(&mut self, run_id: &RunId) -> Option<&mut RunRow> {
        self.rows.get_mut(self.by_id.get(run_id)?)
    }

    fn run(&self, run_id: &RunId) -> Option<&DagsterRun> {
        self.row(run_id).map(|row| &row.record.dagster_run)
    }

    /// The runs that match, in the order in which they were added.
    fn matching(&self, filter: &RunsFilter) -> Vec<&RunRow> {
        let Some(ids) = filter.run_ids.as_slice() else {
            return self.rows.values().filter(|row| row.matches(filter)).collect();
        };
        let ids: BTreeSet<_> = ids.iter().filter_map(|id| self.by_id.get(id)).collect();
        let rows = ids.into_iter().filter_map(|id| self.rows.get(id));
        rows.filter(|row| row.matches(filter)).collect()
    }

    fn page(&self, filter: &RunsFilter, page: &RunsPage) -> Vec<&RunRow> {
        let mut found = self.matching(filter);
        if let Some(cursor) = &page.cursor {
            let Some(cursor) = self.by_id.get(cursor) else {
                return Vec::new();
            };
            found.retain(|row| match page.order {
                Order::Ascending => row.record.storage_id > *cursor,
                Order::Descending => row.record.storage_id < *cursor,
            });
        }
        // Runs of the same time stay in the order in which they were added.
        match page.order_by {
            RunsOrderBy::StorageId => {}
            RunsOrderBy::CreateTimestamp => found.sort_by_key(|row| row.record.create_timestamp),
            RunsOrderBy::UpdateTimestamp => found.sort_by_key(|row| row.record.update_timestamp),
            RunsOrderBy::StartTime => {
                found.sort_by(|one, other| in_time(one.record.start_time, other.record.start_time));
            }
            RunsOrderBy::EndTime => {
                found.sort_by(|one, other| in_time(one.record.end_time, other.record.end_time));
            }
        }
        if page.order == Order::Descending {
            found.reverse();
        }
        found.truncate(at_most(page.limit));
        found
    }
}

/// Times of nothing come first; none of them is no number.
fn in_time(one: Option<f64>, other: Option<f64>) -> Ordering {
    one.partial_cmp(&other).unwrap_or(Ordering::Equal)
}

impl RunRow {
    fn change(&mut self, run: DagsterRun, change: &RunChange, at: DateTime<Utc>) {
        if let Some(reason) = change.failure_reason {
            self.tags.insert(tags::RUN_FAILURE_REASON.to_owned(), reason.as_str().to_owned());
        }
        self.record.dagster_run = run;
        self.record.update_timestamp = in_micros(at);
        self.record.start_time = change.start_time.or(self.record.start_time);
        self.record.end_time = change.end_time.or(self.record.end_time);
    }

    /// Whether the run is one that is asked for, its id left aside.
    fn matches(&self, filter: &RunsFilter) -> bool {
        let record = &self.record;
        let run = &record.dagster_run;
        filter.run_id_prefix.as_deref().is_none_or(|prefix| run.run_id.as_str().starts_with(prefix))
            && filter.job_name.as_ref().is_none_or(|name| run.job_name == *name)
            && filter.statuses.contains(&run.status)
            && filter.snapshot_id.as_ref().is_none_or(|id| run.job_snapshot_id.as_ref() == Some(id))
            && is_between(record.update_timestamp, filter.updated_after, filter.updated_before)
            && is_between(record.create_timestamp, filter.created_after, filter.created_before)
            && !(filter.exclude_subruns && self.is_subrun)
            && has_all_tags(&self.tags, &filter.tags)
    }
}

#[async_trait]
impl RunStore for MemoryRunStorage {
    async fn add_run(
        &self,
        run: &DagsterRun,
        created_at: DateTime<Utc>,
    ) -> Result<(), StorageError> {
        let now = self.shared.now();
        let mut state = self.shared.lock();
        state.runs.require_new(run)?;
        state.snapshots.require_job_of(run, &[])?;
        state.runs.add(run, created_at, now);
        Ok(())
    }

    async fn handle_run_event(
        &self,
        run_id: &RunId,
        event: &DagsterEvent,
        at: DateTime<Utc>,
    ) -> Result<(), StorageError> {
        self.shared.lock().runs.change(run_id, event, at)
    }

    async fn change_run_if(
        &self,
        change: &GuardedChange,
    ) -> Result<GuardedOutcome<()>, StorageError> {
        let mut state = self.shared.lock();
        let decided = state.decide(change)?;
        Ok(decided.map(|decided| state.carry_out(change, decided)))
    }

    async fn get_run_record(&self, run_id: &RunId) -> Result<Option<RunRecord>, StorageError> {
        Ok(self.shared.lock().runs.row(run_id).map(|row| row.record.clone()))
    }

    async fn get_run_records(
        &self,
        filter: &RunsFilter,
        page: &RunsPage,
    ) -> Result<Vec<RunRecord>, StorageError> {
        let state = self.shared.lock();
        let rows = state.runs.page(filter, page);
        Ok(rows.into_iter().map(|row| row.record.clone()).collect())
    }

    async fn get_run_ids(
        &self,
        filter: &RunsFilter,
        page: &RunsPage,
    ) -> Result<Vec<RunId>, StorageError> {
        let state = self.shared.lock();
        let rows = state.runs.page(filter, page);
        Ok(rows.into_iter().map(|row| row.record.dagster_run.run_id.clone()).collect())
    }

    async fn get_runs_count(&self, filter: &RunsFilter) -> Result<u64, StorageError> {
        Ok(self.shared.lock().runs.matching(filter).len() as u64)
    }

    async fn has_run(&self, run_id: &RunId) -> Result<bool, StorageError> {
        Ok(self.shared.lock().runs.contains(run_id))
    }

    async fn get_run_group(&self, run_id: &RunId) -> Result<Option<RunGroup>, StorageError> {
        let state = self.shared.lock();
        let Some(run) = state.runs.run(run_id) else {
            return Ok(None);
        };
        let root_run_id = run.root_run_id.as_ref().unwrap_or(&run.run_id).clone();
        let root = state.runs.run(&root_run_id);
        let root = root.ok_or_else(|| StorageError::RunNotFound { run_id: root_run_id.clone() })?;
        let of_root = TagFilter::Is(root_run_id.to_string());
        let reexecutions = RunsFilter {
            tags: BTreeMap::from([(tags::ROOT_RUN_ID.to_owned(), of_root)]),
            ..RunsFilter::default()
        };
        let rows = state.runs.matching(&reexecutions);
        let runs = rows.into_iter().map(|row| &row.record.dagster_run);
        Ok(Some(RunGroup { runs: [root].into_iter().chain(runs).cloned().collect(), root_run_id }))
    }

    async fn get_run_partition_data(
        &self,
        filter: &RunsFilter,
    ) -> Result<Vec<RunPartitionData>, StorageError> {
        let state = self.shared.lock();
        let mut seen = BTreeSet::new();
        let mut newest = Vec::new();
        for row in state.runs.page(filter, &RunsPage::default()) {
            let Some(partition) = row.partition.as_ref().filter(|name| !name.is_empty()) else {
                continue;
            };
            if seen.insert(partition) {
                newest.push(RunPartitionData {
                    run_id: row.record.dagster_run.run_id.clone(),
                    partition: partition.clone(),
                    status: row.record.dagster_run.status,
                    start_time: row.record.start_time,
                    end_time: row.record.end_time,
                });
            }
        }
        Ok(newest)
    }

    async fn get_run_tags(
        &self,
        query: &RunTagsQuery,
    ) -> Result<Vec<(String, BTreeSet<String>)>, StorageError> {
        let state = self.shared.lock();
        let prefix = query.value_prefix.as_deref().unwrap_or_default();
        let keys: BTreeSet<&String> = query.tag_keys.iter().collect();
        let tags = state.runs.rows.values().flat_map(|row| &row.tags);
        let pairs: BTreeSet<_> =
            tags.filter(|(key, value)| keys.contains(key) && value.starts_with(prefix)).collect();
        let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (key, value) in pairs.into_iter().take(at_most(query.limit)) {
            found.entry(key.clone()).or_default().insert(value.clone());
        }
        Ok(found.into_iter().collect())
    }

    async fn get_run_tag_keys(&self) -> Result<Vec<String>, StorageError> {
        let state = self.shared.lock();
        let keys: BTreeSet<_> = state.runs.rows.values().flat_map(|row| row.tags.keys()).collect();
        Ok(keys.into_iter().cloned().collect())
    }

    async fn add_run_tags(
        &self,
        run_id: &RunId,
        new_tags: &BTreeMap<String, String>,
        at: DateTime<Utc>,
    ) -> Result<(), StorageError> {
        let mut state = self.shared.lock();
        let Some(row) = state.runs.row_mut(run_id) else {
            return Err(StorageError::RunNotFound { run_id: run_id.clone() });
        };
        let run = &mut row.record.dagster_run;
        run.tags.extend(new_tags.clone());
        row.partition = run.tags.get(tags::PARTITION).cloned();
        row.tags.extend(new_tags.clone());
        row.record.update_timestamp = in_micros(at);
        Ok(())
    }

    async fn set_run_times(&self, times: &[RunTimes]) -> Result<(), StorageError> {
        let mut state = self.shared.lock();
        for times in times {
            if let Some(row) = state.runs.row_mut(&times.run_id)
                && row.record.dagster_run.status == times.status
            {
                row.record.start_time = times.start_time.or(row.record.start_time);
                row.record.end_time = times.end_time.or(row.record.end_time);
            }
        }
        Ok(())
    }

    async fn replace_job_origin(
        &self,
        run: &DagsterRun,
        job_origin: &RemoteJobOrigin,
    ) -> Result<(), StorageError> {
        let mut state = self.shared.lock();
        let Some(row) = state.runs.row_mut(&run.run_id) else {
            return Ok(());
        };
        let label = job_origin.repository_origin.label();
        let mut run = run.clone();
        run.tags.insert(tags::REPOSITORY_LABEL.to_owned(), label.clone());
        run.remote_job_origin = Some(Box::new(job_origin.clone()));
        // Only events change the status.
        run.status = row.record.dagster_run.status;
        row.record.dagster_run = run;
        if let Some(stored) = row.tags.get_mut(tags::REPOSITORY_LABEL) {
            *stored = label;
        }
        Ok(())
    }

    async fn delete_run(&self, run_id: &RunId) -> Result<(), StorageError> {
        self.shared.lock().runs.delete(run_id);
        Ok(())
    }
}
