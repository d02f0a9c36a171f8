//! What has to be so when keepers were killed and everything has come to rest.

use std::collections::{BTreeMap, HashMap};

use instance_core::RunId;
use instance_core::error::BoxError;
use instance_core::event::DagsterEventType;
use instance_core::ops::{DaemonStoreAccess as _, PoolStoreAccess as _};
use instance_core::run::{DagsterRun, DagsterRunStatus, RunsFilter};
use instance_core::storage::{Only, RecordsForRun, RunsPage};

use super::code::POOLED;
use super::world::{
    MAX_RETRIES, MAX_RUNS, POOL_LIMIT, REGION, REGION_LIMIT, TEAM, TEAM_LIMIT, World,
};

/// How the event begins that says that a run is in the queue again.
const RECOVERED: &str =
    "The daemon that took this run from the queue ended before it launched the run.";

/// What has happened in a world.
#[derive(Debug)]
pub(super) struct Counts {
    pub(super) runs: usize,
    /// Runs that are retries.
    pub(super) retries: usize,
    /// How often a run that was taken from the queue was found not to have been launched.
    pub(super) recovered: usize,
    /// The most runs in progress at the same time.
    pub(super) most: usize,
}

/// All runs.
async fn runs(world: &World) -> Result<Vec<DagsterRun>, BoxError> {
    let records = world.instance.get_run_records(&RunsFilter::new(), &RunsPage::new()).await?;
    Ok(records.into_iter().map(|record| record.dagster_run).collect())
}

/// The runs that retry each run.
fn children(runs: &[DagsterRun]) -> HashMap<&RunId, Vec<&RunId>> {
    let mut children: HashMap<_, Vec<_>> = HashMap::new();
    for run in runs {
        if let Some(parent) = &run.parent_run_id {
            children.entry(parent).or_default().push(&run.run_id);
        }
    }
    children
}

/// How many runs are before a run in its chain of retries.
fn depth(run: &DagsterRun, by_id: &HashMap<&RunId, &DagsterRun>) -> usize {
    let parent = run.parent_run_id.as_ref().and_then(|parent| by_id.get(parent));
    parent.map_or(0, |parent| 1 + depth(parent, by_id))
}

/// Whether a run has failed and has retries left.
fn has_retries_left(run: &DagsterRun, by_id: &HashMap<&RunId, &DagsterRun>) -> bool {
    run.status == DagsterRunStatus::Failure && depth(run, by_id) < MAX_RETRIES
}

/// What keepers have still to do.
pub(super) async fn left(world: &World) -> Result<Vec<String>, BoxError> {
    let mut left = Vec::new();
    let runs = runs(world).await?;
    let by_id: HashMap<_, _> = runs.iter().map(|run| (&run.run_id, run)).collect();
    let children = children(&runs);
    for run in &runs {
        let (run_id, status) = (&run.run_id, run.status);
        if !status.is_finished() {
            left.push(format!("{run_id} is {status}"));
        }
        if has_retries_left(run, &by_id) && !children.contains_key(run_id) {
            left.push(format!("{run_id} has failed and is not retried: {:?}", run.tags));
        }
    }
    // Before the slots: a worker may be about to claim one.
    left.extend(world.stub.working().into_iter().map(|run_id| format!("{run_id} has a worker")));
    let pools = world.instance.pool_store();
    let mut holders = pools.get_slot_run_ids().await?;
    holders.extend(pools.get_concurrency_run_ids().await?);
    left.extend(holders.into_iter().map(|run_id| format!("{run_id} holds a slot")));
    for kind in ["claim", "resume"] {
        let prefix = format!("dagster_instance/{kind}/");
        let notes = world.instance.daemon_store().get_cursor_values_beginning(&prefix).await?;
        left.extend(notes.into_iter().map(|(key, value)| format!("the note {key}: {value}")));
    }
    Ok(left)
}

/// Checks a world in which everything has come to rest, and whose daemons have ended.
pub(super) async fn check(world: &World) -> Result<Counts, BoxError> {
    let mut wrong = left(world).await?;
    wrong.extend(world.stub.problems());
    let runs = runs(world).await?;
    let by_id: HashMap<_, _> = runs.iter().map(|run| (&run.run_id, run)).collect();
    let children = children(&runs);
    for run in &runs {
        let expected = usize::from(has_retries_left(run, &by_id));
        let children = children.get(&run.run_id).map_or(&[][..], Vec::as_slice);
        if children.len() != expected {
            let (run_id, status) = (&run.run_id, run.status);
            wrong.push(format!(
                "{run_id} is {status}, and is retried by {children:?}: {:?}",
                run.tags
            ));
        }
    }

    let mut started: HashMap<RunId, usize> = HashMap::new();
    for (run_id, _) in world.stub.started() {
        *started.entry(run_id).or_default() += 1;
    }
    let (mut recovered, mut times) = (0, Vec::new());
    for run in &runs {
        let told = Told::of(world, &run.run_id).await?;
        let starts = started.remove(&run.run_id).unwrap_or_default();
        // Each time that a run was taken from the queue, its worker was started once, or the run is in the queue again.
        if starts != 1 || starts + told.recovered != told.taken {
            wrong.push(format!(
                "{} was taken {} times, was queued again {} times, and was started {starts} times",
                run.run_id, told.taken, told.recovered
            ));
        }
        recovered += told.recovered;
        times.extend(told.changes.iter().map(|(time, enters)| (*time, *enters, run)));
    }
    wrong.extend(started.keys().map(|run_id| format!("{run_id} was started and is not there")));
    let most = replay(times, &mut wrong);
    if wrong.is_empty() {
        let retries = runs.iter().filter(|run| run.parent_run_id.is_some()).count();
        return Ok(Counts { runs: runs.len(), retries, recovered, most });
    }
    Err(format!("{wrong:#?}").into())
}

/// What the events of a run say.
#[derive(Debug, Default)]
struct Told {
    /// How often it was taken from the queue.
    taken: usize,
    /// How often it was in the queue again because of a daemon that had ended.
    recovered: usize,
    /// When it was in progress from, and until when: each time with whether it began then.
    changes: Vec<(f64, bool)>,
}

impl Told {
    async fn of(world: &World, run_id: &RunId) -> Result<Self, BoxError> {
        let types = [
            DagsterEventType::EngineEvent,
            DagsterEventType::RunEnqueued,
            DagsterEventType::RunStarting,
            DagsterEventType::RunSuccess,
            DagsterEventType::RunFailure,
            DagsterEventType::RunCanceled,
        ];
        let query = RecordsForRun::new(run_id.clone()).with_of_types(Only::these(types));
        let mut told = Self::default();
        let mut is_in_progress = false;
        for record in world.instance.get_records_for_run(&query).await?.records {
            let entry = record.event_log_entry;
            match entry.event_type() {
                Some(DagsterEventType::EngineEvent) => {
                    told.recovered += usize::from(entry.message().starts_with(RECOVERED));
                }
                Some(DagsterEventType::RunStarting) => {
                    told.taken += 1;
                    if !is_in_progress {
                        told.changes.push((entry.timestamp, true));
                    }
                    is_in_progress = true;
                }
                _ => {
                    if is_in_progress {
                        told.changes.push((entry.timestamp, false));
                    }
                    is_in_progress = false;
                }
            }
        }
        Ok(told)
    }
}

/// Goes through the times at which runs began and ended to be in progress, and finds limits that were exceeded. Returns the
/// most runs that were in progress at the same time.
///
/// Whoever takes a run from the queue has read before that others have ended, and they ended before it was read: so no time
/// is later than another one that depends on it, also if different processes told them, as all of them are on one host.
fn replay(mut times: Vec<(f64, bool, &DagsterRun)>, wrong: &mut Vec<String>) -> usize {
    // Who ends makes room for who begins in the same moment.
    times.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let mut most = 0;
    for (time, begins, run) in times {
        for (limited, limit) in limits(run) {
            let count = counts.entry(limited).or_default();
            if !begins {
                *count = count.saturating_sub(1);
                continue;
            }
            *count += 1;
            if *count > limit {
                let (run_id, all) = (&run.run_id, &run.tags);
                wrong.push(format!("{run_id} began at {time} beyond the limit {limit}: {all:?}"));
            }
        }
        most = most.max(counts.get("runs").copied().unwrap_or_default());
    }
    most
}

/// What a run counts for, each with its limit.
fn limits(run: &DagsterRun) -> Vec<(String, usize)> {
    let mut limits = vec![("runs".to_owned(), MAX_RUNS)];
    if run.tags.get(TEAM.0).is_some_and(|team| team == TEAM.1) {
        limits.push(("team".to_owned(), TEAM_LIMIT));
    }
    if let Some(region) = run.tags.get(REGION) {
        limits.push((format!("region {region}"), REGION_LIMIT));
    }
    if run.job_name == POOLED {
        limits.push(("pool".to_owned(), POOL_LIMIT));
    }
    limits
}
