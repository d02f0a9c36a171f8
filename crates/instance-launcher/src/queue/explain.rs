//! The explanation of one run: each limit that concerns it, how full it is, and who holds it.

use std::collections::BTreeSet;

use instance_core::ids::RunId;
use instance_core::run::RunOpConcurrency;

use super::decide::{Judge, Limit};
use super::snapshot::{QueueSnapshot, QueuedRun};
use super::wait::WaitReason;

/// How many holders of a limit are named.
const HOLDERS: usize = 20;

/// Why a queued run waits, or that it is launched next.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Explanation {
    /// Its place in the queue, from 1.
    pub position: usize,
    /// How many runs are queued, with this one.
    pub queued: usize,
    /// Whether the next look launches it.
    pub taken_next: bool,
    /// The runs before it.
    pub ahead: Ahead,
    /// The limits that hold it back; empty if it is taken next. Each pool is a check of its own.
    pub waits_for: Vec<Check>,
    /// The limits that concern it and do not hold it back.
    pub passes: Vec<Check>,
}

/// The runs before a run in the queue.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Ahead {
    /// Those that wait for something themselves.
    pub waiting: usize,
    /// Those that the next look launches.
    pub launched_now: usize,
}

/// A limit that concerns a run.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Check {
    /// The limit, with its figures.
    pub limit: WaitReason,
    /// The runs that count in it, those in progress first; at most 20. Empty for a code location that is paused.
    pub held_by: Vec<RunId>,
    /// How many more there are.
    pub more: usize,
}

/// Explains one run: all of its limits, with the runs that hold them. `None` if the run is not queued.
pub fn explain(snapshot: &QueueSnapshot<'_>, run_id: &RunId) -> Option<Explanation> {
    let mut judge = Judge::new(snapshot);
    let mut ahead = Ahead::default();
    let mut launched = Vec::new();
    for (position, run) in (1..).zip(snapshot.in_order()) {
        let is_launched = !judge.limits(run).any(|limit| limit.blocks());
        if run.run_id == *run_id {
            let holders = Holders { snapshot, judge: &judge, launched: &launched };
            let (waits_for, passes) = holders.checks(run);
            let queued = snapshot.queued.len();
            let taken_next = is_launched;
            return Some(Explanation { position, queued, taken_next, ahead, waits_for, passes });
        }
        if is_launched {
            judge.launch(run);
            launched.push(run);
            ahead.launched_now += 1;
        } else {
            ahead.waiting += 1;
        }
    }
    None
}

/// Who holds limits: the runs in progress, and those that the same decision launches before the run.
struct Holders<'s, 'a> {
    snapshot: &'s QueueSnapshot<'a>,
    judge: &'s Judge<'a>,
    launched: &'s [&'a QueuedRun],
}

impl Holders<'_, '_> {
    fn checks(&self, run: &QueuedRun) -> (Vec<Check>, Vec<Check>) {
        let (mut waits_for, mut passes) = (Vec::new(), Vec::new());
        for limit in self.judge.limits(run) {
            let blocks = limit.blocks();
            let mut add = |blocks: bool, limit: WaitReason, held_by: Vec<RunId>| {
                let checks = if blocks { &mut waits_for } else { &mut passes };
                checks.push(check(limit, held_by));
            };
            match limit {
                Limit::Pools { granularity, pools, .. } => {
                    for pool in pools {
                        // Where pools count runs, those with free places do not hold it back.
                        let blocks = blocks && pool.is_full();
                        let held_by = self.of_pool(&pool.pool);
                        add(blocks, WaitReason::Pools { granularity, pools: vec![pool] }, held_by);
                    }
                }
                limit => {
                    let limit = limit.into_reason();
                    let held_by = self.of(&limit);
                    add(blocks, limit, held_by);
                }
            }
        }
        (waits_for, passes)
    }

    fn of(&self, limit: &WaitReason) -> Vec<RunId> {
        let in_progress = self.snapshot.in_progress.iter().map(|run| (&run.run_id, &*run.tags));
        let launched = self.launched.iter().map(|run| (&run.run_id, &*run.tags));
        let all = in_progress.chain(launched);
        match limit {
            WaitReason::TagLimit { key, value, .. } => all
                .filter(|(_, tags)| {
                    tags.get(key).is_some_and(|of| value.as_ref().is_none_or(|value| value == of))
                })
                .map(|(run_id, _)| run_id.clone())
                .collect(),
            WaitReason::MaxConcurrentRuns { .. } => all.map(|(run_id, _)| run_id.clone()).collect(),
            WaitReason::Pools { .. }
            | WaitReason::LocationPaused { .. }
            | WaitReason::Unreadable { .. } => Vec::new(),
        }
    }

    /// The runs of steps that have slots or wait for them, then those that count beside them. Each once.
    fn of_pool(&self, pool: &str) -> Vec<RunId> {
        let pools = &self.judge.pools;
        let takes = |of: Option<&RunOpConcurrency>| pools.takes(of, pool);
        let in_progress = self.snapshot.in_progress.iter();
        let in_progress = in_progress
            .filter(|run| takes(pools.counts(run, self.snapshot)))
            .map(|run| &run.run_id);
        let launched = self.launched.iter();
        let launched = launched.filter(|run| takes(run.pools.as_deref())).map(|run| &run.run_id);
        let mut met = BTreeSet::new();
        let holders = pools.pending(pool).iter().chain(in_progress).chain(launched);
        holders.filter(|run_id| met.insert(*run_id)).cloned().collect()
    }
}

fn check(limit: WaitReason, mut held_by: Vec<RunId>) -> Check {
    let more = held_by.len().saturating_sub(HOLDERS);
    held_by.truncate(HOLDERS);
    Check { limit, held_by, more }
}
