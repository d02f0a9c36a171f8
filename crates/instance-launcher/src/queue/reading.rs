//! Reading the queue of runs: its rows, the bodies of those that are new or have changed, the pools, and what is paused.

use std::collections::{BTreeMap, BTreeSet};

use instance_core::clock::timestamp_of;
use instance_core::error::InstanceError;
use instance_core::ids::RunId;
use instance_core::ops::LauncherOps;
use instance_core::run::DagsterRunStatus;
use instance_core::settings::{
    ConcurrencyConfig, PoolConfig, PoolGranularity, QueuedRunCoordinatorSettings, RunQueueConfig,
};

use super::cache::{CachedRun, QueueCache};
use super::counters::names;
use super::decide::{QueueDecision, WaitingRun, decide};
use super::explain::{Ahead, Check, Explanation, explain};
use super::pauses;
use super::snapshot::{InProgressRun, LocationPause, PoolFill, QueueSnapshot, QueuedRun};
use super::wait::WaitReason;

/// The queue of runs as it was read, with all that a decision is made of.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RunQueue {
    /// When it was read, in seconds since 1970.
    pub now: f64,
    /// The limits of the queue.
    pub limits: RunQueueConfig,
    /// What pools count.
    pub pools: PoolConfig,
    /// For how many seconds after its start a run counts in the pools of its first steps.
    pub started_run_pools_allotted_seconds: f64,
    /// How the pools stand that queued runs look at and that have a limit.
    pub pool_fills: BTreeMap<String, PoolFill>,
    /// The runs that are `STARTING`, `STARTED` or `CANCELING`.
    pub in_progress: Vec<InProgressRun>,
    /// The runs that are `QUEUED`, in any order. Of the tags of these and of those in progress, only those are here that
    /// limits are about.
    pub queued: Vec<QueuedRun>,
    /// The code locations whose runs wait, by name.
    pub paused: BTreeMap<String, LocationPause>,
    /// The queued runs that cannot be read, oldest first.
    pub unreadable: Vec<UnreadableRun>,
}

/// A queued run that cannot be read. It waits until it can.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct UnreadableRun {
    /// The run.
    pub run_id: RunId,
    /// Why it cannot be read, in words.
    pub problem: String,
}

impl RunQueue {
    /// What [`decide`] and [`explain`](super::explain()) are asked with.
    pub const fn snapshot(&self) -> QueueSnapshot<'_> {
        QueueSnapshot {
            now: self.now,
            limits: &self.limits,
            pools: &self.pools,
            started_run_pools_allotted_seconds: self.started_run_pools_allotted_seconds,
            pool_fills: &self.pool_fills,
            in_progress: self.in_progress.as_slice(),
            queued: self.queued.as_slice(),
            paused: &self.paused,
        }
    }

    /// Decides which runs are launched, as [`decide`] does. Those that cannot be read wait behind all others.
    pub fn decide(&self) -> QueueDecision {
        let mut decision = decide(&self.snapshot());
        let positions = self.queued.len() + 1..;
        decision.waiting.extend(positions.zip(&self.unreadable).map(|(position, run)| {
            let reason = WaitReason::Unreadable { problem: run.problem.clone() };
            WaitingRun { run_id: run.run_id.clone(), position, reason }
        }));
        decision
    }

    /// Explains one run, as [`explain`](super::explain()) does. `None` if the run is not queued.
    pub fn explain(&self, run_id: &RunId) -> Option<Explanation> {
        let all = self.queued.len() + self.unreadable.len();
        if let Some(explanation) = explain(&self.snapshot(), run_id) {
            return Some(Explanation { queued: all, ..explanation });
        }
        let place = self.unreadable.iter().position(|run| run.run_id == *run_id)?;
        let decision = self.decide();
        let problem = self.unreadable.get(place)?.problem.clone();
        Some(Explanation {
            position: self.queued.len() + place + 1,
            queued: all,
            taken_next: false,
            ahead: Ahead {
                waiting: self.queued.len() + place - decision.launch.len(),
                launched_now: decision.launch.len(),
            },
            waits_for: vec![Check {
                limit: WaitReason::Unreadable { problem },
                held_by: Vec::new(),
                more: 0,
            }],
            passes: Vec::new(),
        })
    }
}

/// Reads the queue of runs: the runs that wait, those that are in progress, and how full the limits are.
///
/// Nothing is changed. A pool without a limit of its own that will get the default of the instance counts as if it had it.
///
/// # Errors
///
/// [`InstanceError::Invalid`] if the instance has no queue; [`InstanceError::Config`] if its configuration is wrong;
/// [`InstanceError::Storage`] if the storage fails.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn get_run_queue(ops: &dyn LauncherOps) -> Result<RunQueue, InstanceError> {
    read(ops, &mut QueueCache::default(), DefaultLimits::Assumed).await
}

/// What becomes of pools that are to have the default limit and do not have it yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DefaultLimits {
    /// They get it. Dagster reads which pools have limits before it gives them the default, so its first look takes them
    /// for unlimited; ours does not.
    Created,
    /// They stay as they are, and count as if they had it.
    Assumed,
}

/// The limits of the queue.
pub(super) struct QueueConfig<'a> {
    pub(super) coordinator: &'a QueuedRunCoordinatorSettings,
    pub(super) limits: RunQueueConfig,
    pub(super) concurrency: ConcurrencyConfig,
}

/// What is configured of the queue.
///
/// # Errors
///
/// There is none, or its configuration is wrong.
pub(super) fn queue_config(ops: &dyn LauncherOps) -> Result<QueueConfig<'_>, InstanceError> {
    let settings = ops.settings();
    let none = || {
        let reason = "this instance has no queue: each run is launched as soon as it is submitted; configure \
                      QueuedRunCoordinator to have one";
        InstanceError::invalid("run_coordinator", "", reason)
    };
    let coordinator = settings.run_coordinator.queue()?.ok_or_else(none)?;
    let concurrency = settings.concurrency.config(Some(coordinator));
    let limits = concurrency.run_queue_config.clone().ok_or_else(none)?;
    Ok(QueueConfig { coordinator, limits, concurrency })
}

/// Reads the queue, and the bodies of runs that the cache does not have as they are now.
pub(super) async fn read(
    ops: &dyn LauncherOps,
    cache: &mut QueueCache,
    defaults: DefaultLimits,
) -> Result<RunQueue, InstanceError> {
    let QueueConfig { limits, concurrency, .. } = queue_config(ops)?;
    let allotted = ops.settings().started_run_pools_allotted_seconds.clone()?;
    let rows = cache.read(ops.run_queue_store(), &limits.tag_concurrency_limits).await?;
    let (mut queued, mut in_progress, mut unreadable) = (Vec::new(), Vec::new(), Vec::new());
    for (row, run) in rows {
        let CachedRun { run, problem } = run;
        match (row.status, problem) {
            (DagsterRunStatus::Queued, None) => queued.push(run.clone()),
            (DagsterRunStatus::Queued, Some(problem)) => {
                let run_id = row.run_id.clone();
                unreadable
                    .push((row.storage_id, UnreadableRun { run_id, problem: problem.clone() }));
            }
            // One that cannot be read has no tags and no pools here. It is in progress all the same.
            (status, _) => in_progress.push(InProgressRun {
                run_id: row.run_id.clone(),
                status,
                start_time: row.start_time,
                tags: run.tags.clone(),
                pools: run.pools.clone(),
            }),
        }
    }
    unreadable.sort_by_key(|(storage_id, _)| *storage_id);
    let pool_fills = read_pools(ops, &limits, &concurrency.pool_config, &queued, defaults).await?;
    #[expect(clippy::cast_precision_loss, reason = "it is a few seconds")]
    let started_run_pools_allotted_seconds = allotted as f64;
    Ok(RunQueue {
        now: timestamp_of(ops.clock().now()),
        limits,
        pools: concurrency.pool_config,
        started_run_pools_allotted_seconds,
        pool_fills,
        in_progress,
        queued,
        paused: pauses::read(ops.daemon_store()).await?,
        unreadable: unreadable.into_iter().map(|(_, run)| run).collect(),
    })
}

/// How the pools stand that queued runs look at and that have a limit. Nothing is read if no queued run has pools.
async fn read_pools(
    ops: &dyn LauncherOps,
    limits: &RunQueueConfig,
    pools: &PoolConfig,
    queued: &[QueuedRun],
    defaults: DefaultLimits,
) -> Result<BTreeMap<String, PoolFill>, InstanceError> {
    if !limits.should_block_op_concurrency_limited_runs {
        return Ok(BTreeMap::new());
    }
    let granularity = pools.pool_granularity.unwrap_or(PoolGranularity::Op);
    let of_run = |run| names(granularity, run).map(|(name, _)| name);
    let with_pools = queued.iter().filter_map(|run| run.pools.as_deref());
    let asked: BTreeSet<&str> = with_pools.flat_map(of_run).collect();
    let store = ops.pool_store();
    if asked.is_empty() || !store.supports_global_concurrency_limits().await? {
        return Ok(BTreeMap::new());
    }
    let known = store.get_pool_limits().await?;
    let known: BTreeMap<_, _> = known.iter().map(|limit| (&*limit.name, limit)).collect();
    let default = pools.default_pool_limit;
    let (mut limited, mut assumed) = (Vec::new(), BTreeMap::new());
    for pool in asked {
        let (is_limited, gets_default) = match known.get(pool) {
            // A default of 0 is none, as in Dagster.
            None => (default.is_some_and(|limit| limit != 0), true),
            Some(limit) if limit.from_default && Some(limit.limit) != default => {
                (default.is_some(), true)
            }
            Some(_) => (true, false),
        };
        if gets_default && (is_limited || known.contains_key(pool)) {
            match defaults {
                DefaultLimits::Created => {
                    store.initialize_concurrency_limit_to_default(pool, default).await?;
                }
                DefaultLimits::Assumed => {
                    assumed.extend(default.map(|limit| (pool.to_owned(), limit)));
                }
            }
        }
        if is_limited {
            limited.push(pool.to_owned());
        }
    }
    let infos = store.get_concurrency_infos(&limited, default).await?;
    let fills = infos.into_iter().map(|info| {
        let slots = assumed.get(&info.concurrency_key).copied().unwrap_or(info.slot_count);
        let pending = info.pending_steps.into_iter().map(|step| step.run_id).collect();
        (info.concurrency_key, PoolFill { slots, pending })
    });
    Ok(fills.collect())
}
