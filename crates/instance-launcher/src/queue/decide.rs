//! The decision: which runs are launched next, and the reason of each that waits.
//!
//! The rules are Dagster's, but for what `docs/differences.md` lists: a run takes a place in a limit only if it is
//! launched, and all queued runs are looked at together.

use std::collections::BTreeMap;

use instance_core::ids::RunId;
use instance_core::run::RunOpConcurrency;
use instance_core::settings::PoolGranularity;

use super::counters::{PoolCounters, TagCounters, TagFill};
use super::snapshot::{LocationPause, QueueSnapshot, QueuedRun};
use super::wait::{PoolWait, WaitReason};

/// What a look into the queue says.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct QueueDecision {
    /// The runs to launch, in their order.
    pub launch: Vec<RunId>,
    /// The runs that wait, in the order of the queue.
    pub waiting: Vec<WaitingRun>,
}

/// A run that waits.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct WaitingRun {
    /// The run.
    pub run_id: RunId,
    /// Its place in the queue, from 1. Those that are launched have places, too.
    pub position: usize,
    /// The first reason: a limit of tags, pools, its code location, the greatest number of runs.
    pub reason: WaitReason,
}

/// Decides which of the queued runs are launched, and why each of the others waits.
///
/// It takes the runs in their order. A run that no limit holds back is launched, and counts for those behind it. All
/// runs are judged, also when no more can be launched, so that each has its own reason.
pub fn decide(snapshot: &QueueSnapshot<'_>) -> QueueDecision {
    let mut judge = Judge::new(snapshot);
    let mut decision = QueueDecision::default();
    for (position, run) in (1..).zip(snapshot.in_order()) {
        let reason = judge.limits(run).find(Limit::blocks).map(Limit::into_reason);
        match reason {
            None => {
                judge.launch(run);
                decision.launch.push(run.run_id.clone());
            }
            Some(reason) => {
                decision.waiting.push(WaitingRun { run_id: run.run_id.clone(), position, reason });
            }
        }
    }
    decision
}

/// All limits, as full as they are after the runs so far.
pub(super) struct Judge<'a> {
    tags: TagCounters<'a>,
    pub(super) pools: PoolCounters<'a>,
    paused: &'a BTreeMap<String, LocationPause>,
    now: f64,
    limit: i64,
    in_progress: usize,
    launched: usize,
}

/// A limit that concerns a run, as full as it is.
pub(super) enum Limit<'a> {
    Tag(TagFill<'a>),
    Pools { granularity: PoolGranularity, pools: Vec<PoolWait>, waits: bool },
    Paused { location: &'a str, pause: &'a LocationPause },
    Max { limit: i64, in_progress: usize, ahead: usize },
}

impl<'a> Judge<'a> {
    pub(super) fn new(snapshot: &QueueSnapshot<'a>) -> Self {
        let mut tags = TagCounters::new(&snapshot.limits.tag_concurrency_limits);
        for run in snapshot.in_progress {
            tags.count(&run.tags);
        }
        Self {
            tags,
            pools: PoolCounters::new(snapshot),
            paused: snapshot.paused,
            now: snapshot.now,
            limit: snapshot.limits.max_concurrent_runs,
            in_progress: snapshot.in_progress.len(),
            launched: 0,
        }
    }

    /// The limits that concern a run. Those of pools are computed only if somebody asks for them.
    pub(super) fn limits<'s>(&'s self, run: &'s QueuedRun) -> impl Iterator<Item = Limit<'s>> {
        let tags = self.tags.fills(&run.tags).map(Limit::Tag);
        let pools = || Some(self.pools_of(run.pools.as_deref()?));
        let location = || {
            let location = run.location.as_deref()?;
            let pause = self.paused.get(location).filter(|pause| pause.until > self.now)?;
            Some(Limit::Paused { location, pause })
        };
        let max = (self.limit != -1).then_some(Limit::Max {
            limit: self.limit,
            in_progress: self.in_progress,
            ahead: self.launched,
        });
        let lazily = std::iter::once_with(pools).chain(std::iter::once_with(location)).flatten();
        tags.chain(lazily).chain(max)
    }

    fn pools_of(&self, pools: &RunOpConcurrency) -> Limit<'_> {
        let (pools, waits) = self.pools.fills(Some(pools));
        Limit::Pools { granularity: self.pools.granularity, pools, waits }
    }

    /// Counts a run that is launched.
    pub(super) fn launch(&mut self, run: &'a QueuedRun) {
        self.tags.count(&run.tags);
        self.pools.count(run.pools.as_deref());
        self.launched += 1;
    }
}

impl Limit<'_> {
    pub(super) fn blocks(&self) -> bool {
        match self {
            Self::Tag(fill) => fill.is_full(),
            Self::Pools { waits, .. } => *waits,
            Self::Paused { .. } => true,
            Self::Max { limit, in_progress, ahead } => {
                i64::try_from(in_progress + ahead).unwrap_or(i64::MAX) >= *limit
            }
        }
    }

    /// The limit as the reason of a run that waits for it: of pools, those that are full.
    pub(super) fn into_reason(self) -> WaitReason {
        match self {
            Self::Tag(TagFill { key, value, limit, count }) => WaitReason::TagLimit {
                key: key.to_owned(),
                value: value.map(ToOwned::to_owned),
                limit,
                count,
            },
            Self::Pools { granularity, mut pools, .. } => {
                pools.retain(PoolWait::is_full);
                WaitReason::Pools { granularity, pools }
            }
            Self::Paused { location, pause } => WaitReason::LocationPaused {
                location: location.to_owned(),
                until: pause.until,
                reason: pause.reason.clone(),
            },
            Self::Max { limit, in_progress, ahead } => {
                WaitReason::MaxConcurrentRuns { limit, in_progress, ahead }
            }
        }
    }
}
