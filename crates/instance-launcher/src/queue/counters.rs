//! How full each limit is: counters that know the limits once, and are asked for one run after another.

use std::collections::{BTreeMap, HashMap};

use instance_core::ids::RunId;
use instance_core::run::{DagsterRunStatus, RunOpConcurrency};
use instance_core::serdes::FrozenSet;
use instance_core::settings::{PoolGranularity, TagConcurrencyLimit, TagLimitValue};

use super::snapshot::{InProgressRun, PoolFill, QueueSnapshot};
use super::wait::PoolWait;

/// The limits of tags, found by the tags of a run: a decision costs as much as runs have tags, however many limits
/// there are.
pub(super) struct TagCounters<'a> {
    by_key: HashMap<&'a str, KeyLimits<'a>>,
}

#[derive(Default)]
struct KeyLimits<'a> {
    any: Option<Counted>,
    of: HashMap<&'a str, Counted>,
    each: Option<(i64, HashMap<&'a str, i64>)>,
}

#[derive(Default)]
struct Counted {
    limit: i64,
    count: i64,
}

/// How full a limit of tags is that concerns a run.
#[derive(Clone, Copy)]
pub(super) struct TagFill<'a> {
    pub(super) key: &'a str,
    pub(super) value: Option<&'a str>,
    pub(super) limit: i64,
    pub(super) count: i64,
}

impl TagFill<'_> {
    pub(super) fn is_full(&self) -> bool {
        self.count >= self.limit
    }
}

impl<'a> TagCounters<'a> {
    /// Of two limits of the same kind for the same tag, the last one holds.
    pub(super) fn new(limits: &'a [TagConcurrencyLimit]) -> Self {
        let mut by_key: HashMap<&str, KeyLimits<'_>> = HashMap::new();
        for TagConcurrencyLimit { key, value, limit, .. } in limits {
            let of_key = by_key.entry(key).or_default();
            match value {
                TagLimitValue::Any => of_key.any = Some(Counted { limit: *limit, count: 0 }),
                TagLimitValue::Of(value) => {
                    of_key.of.insert(value, Counted { limit: *limit, count: 0 });
                }
                TagLimitValue::EachByItself => of_key.each = Some((*limit, HashMap::new())),
            }
        }
        Self { by_key }
    }

    /// Counts a run that is in progress, or is launched.
    pub(super) fn count(&mut self, tags: &'a BTreeMap<String, String>) {
        if self.by_key.is_empty() {
            return;
        }
        for (key, value) in tags {
            let Some(limits) = self.by_key.get_mut(&**key) else { continue };
            if let Some(any) = &mut limits.any {
                any.count += 1;
            }
            if let Some(of) = limits.of.get_mut(&**value) {
                of.count += 1;
            }
            if let Some((_, counts)) = &mut limits.each {
                *counts.entry(value).or_default() += 1;
            }
        }
    }

    /// The limits that concern a run, in the order of its tags.
    pub(super) fn fills<'s>(
        &'s self,
        tags: &'s BTreeMap<String, String>,
    ) -> impl Iterator<Item = TagFill<'s>> {
        let tags = if self.by_key.is_empty() { None } else { Some(tags) };
        tags.into_iter().flatten().flat_map(|(key, value)| {
            let limits = self.by_key.get(&**key);
            let any = limits.and_then(|limits| limits.any.as_ref()).map(|any| TagFill {
                key,
                value: None,
                limit: any.limit,
                count: any.count,
            });
            let of = limits.and_then(|limits| limits.of.get(&**value));
            let of = of.map(|of| (of.limit, of.count));
            let each = limits.and_then(|limits| limits.each.as_ref());
            let each =
                each.map(|(limit, counts)| (*limit, counts.get(&**value).copied().unwrap_or(0)));
            let one = [of, each].into_iter().flatten();
            any.into_iter().chain(one.map(move |(limit, count)| TagFill {
                key,
                value: Some(value),
                limit,
                count,
            }))
        })
    }
}

/// The pools that have a limit.
pub(super) struct PoolCounters<'a> {
    pub(super) granularity: PoolGranularity,
    /// Runs do not wait for pools at all.
    is_off: bool,
    buffer: i64,
    fills: &'a BTreeMap<String, PoolFill>,
    in_progress: HashMap<&'a str, i64>,
    launched: HashMap<&'a str, i64>,
}

impl<'a> PoolCounters<'a> {
    pub(super) fn new(snapshot: &QueueSnapshot<'a>) -> Self {
        let mut counters = Self {
            granularity: snapshot.pools.pool_granularity.unwrap_or(PoolGranularity::Op),
            is_off: !snapshot.limits.should_block_op_concurrency_limited_runs,
            buffer: snapshot.limits.op_concurrency_slot_buffer,
            fills: snapshot.pool_fills,
            in_progress: HashMap::new(),
            launched: HashMap::new(),
        };
        if !counters.is_off {
            let mut in_progress = HashMap::new();
            for run in snapshot.in_progress {
                if let Some(pools) = counters.counts(run, snapshot) {
                    add(&mut in_progress, counters.granularity, pools);
                }
            }
            counters.in_progress = in_progress;
        }
        counters
    }

    /// The pools of a run in progress that are not among the pending steps, or not yet.
    pub(super) fn counts<'r>(
        &self,
        run: &'r InProgressRun,
        snapshot: &QueueSnapshot<'_>,
    ) -> Option<&'r RunOpConcurrency> {
        let counts = match (self.granularity, run.status) {
            (PoolGranularity::Run, _) | (_, DagsterRunStatus::Starting) => true,
            // Soon its first steps have slots, or are among those that wait.
            (PoolGranularity::Op, DagsterRunStatus::Started) => {
                run.start_time.is_some_and(|start| {
                    snapshot.now - start < snapshot.started_run_pools_allotted_seconds
                })
            }
            (PoolGranularity::Op, _) => false,
        };
        run.pools.as_deref().filter(|_| counts)
    }

    /// Counts a run that is launched.
    pub(super) fn count(&mut self, pools: Option<&'a RunOpConcurrency>) {
        if let Some(pools) = pools.filter(|_| !self.is_off) {
            add(&mut self.launched, self.granularity, pools);
        }
    }

    /// How each pool stands that a run looks at and that has a limit, and whether the run waits for them.
    pub(super) fn fills(&self, pools: Option<&RunOpConcurrency>) -> (Vec<PoolWait>, bool) {
        let Some(pools) = pools.filter(|_| !self.is_off) else { return (Vec::new(), false) };
        let looked_at = names(self.granularity, pools);
        let fills: Vec<_> = looked_at.filter_map(|(pool, _)| self.fill(pool)).collect();
        let waits = match self.granularity {
            // A pool without a limit is always free. What a run with free first steps does later is no reason to wait.
            PoolGranularity::Op => {
                !pools.has_unconstrained_root_nodes
                    && fills.len() == pools.root_key_counts.len()
                    && fills.iter().all(PoolWait::is_full)
            }
            PoolGranularity::Run => fills.iter().any(PoolWait::is_full),
        };
        (fills, waits)
    }

    fn fill(&self, pool: &str) -> Option<PoolWait> {
        let fill = self.fills.get(pool)?;
        let pending = match self.granularity {
            PoolGranularity::Op => fill.pending.len(),
            PoolGranularity::Run => 0,
        };
        Some(PoolWait {
            pool: pool.to_owned(),
            slots: fill.slots,
            pending,
            launched: self.launched.get(pool).copied().unwrap_or(0),
            in_progress: self.in_progress.get(pool).copied().unwrap_or(0),
            buffer: self.buffer,
        })
    }

    /// The runs whose steps have slots of a pool, or wait for them, where pools count steps.
    pub(super) fn pending(&self, pool: &str) -> &'a [RunId] {
        match (self.granularity, self.fills.get(pool)) {
            (PoolGranularity::Op, Some(fill)) => &fill.pending,
            _ => &[],
        }
    }

    /// Whether a run takes something of a pool.
    pub(super) fn takes(&self, pools: Option<&RunOpConcurrency>, pool: &str) -> bool {
        pools.is_some_and(|pools| names(self.granularity, pools).any(|(name, _)| name == pool))
    }
}

/// What a run takes of each pool, in the order of their names.
pub(super) fn names(
    granularity: PoolGranularity,
    pools: &RunOpConcurrency,
) -> impl Iterator<Item = (&str, i64)> {
    let (steps, runs) = match granularity {
        PoolGranularity::Op => (Some(&pools.root_key_counts), None),
        PoolGranularity::Run => (None, pools.all_pools.as_ref()),
    };
    let steps = steps.into_iter().flatten().map(|(pool, count)| (&**pool, *count));
    let runs = runs.map(FrozenSet::as_slice).unwrap_or_default();
    steps.chain(runs.iter().map(|pool| (&**pool, 1)))
}

fn add<'a>(
    counts: &mut HashMap<&'a str, i64>,
    granularity: PoolGranularity,
    pools: &'a RunOpConcurrency,
) {
    for (pool, count) in names(granularity, pools) {
        let sum = counts.entry(pool).or_default();
        *sum = sum.saturating_add(count);
    }
}
