//! Why a run waits.

use instance_core::settings::PoolGranularity;

/// Why a run waits: one limit with its figures.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum WaitReason {
    /// As many runs with a tag are in progress as may be.
    TagLimit {
        /// The key of the tag.
        key: String,
        /// The value whose runs are counted together; `None` if those of all values are.
        value: Option<String>,
        /// How many there are at most.
        limit: i64,
        /// How many there are, with those that the same decision launches.
        count: i64,
    },
    /// Pools of its steps are full.
    Pools {
        /// What pools count.
        granularity: PoolGranularity,
        /// Those that are full, by name. Empty if none of the first steps can ever begin, which no plan of Dagster's has.
        pools: Vec<PoolWait>,
    },
    /// Nothing is launched from its code location for a time.
    LocationPaused {
        /// The code location.
        location: String,
        /// Until when, in seconds since 1970.
        until: f64,
        /// Why, in words.
        reason: String,
    },
    /// The run cannot be read. [`decide`](super::decide()) is given none of these.
    Unreadable {
        /// Why, in words.
        problem: String,
    },
    /// As many runs are in progress as may be.
    MaxConcurrentRuns {
        /// How many there are at most.
        limit: i64,
        /// How many are in progress.
        in_progress: usize,
        /// How many the same decision launches before it.
        ahead: usize,
    },
}

/// How a pool stands for a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolWait {
    /// The pool.
    pub pool: String,
    /// How many slots it has.
    pub slots: i64,
    /// How many steps have a slot of it or wait for one. Always 0 where pools count runs.
    pub pending: usize,
    /// How much of it the runs take that the same decision launches.
    pub launched: i64,
    /// How much of it those take that are in progress: where pools count steps, the first steps of runs that have only
    /// just begun; where they count runs, each run.
    pub in_progress: i64,
    /// How much more than its slots may be taken.
    pub buffer: i64,
}

impl PoolWait {
    /// How much of it is free; a run waits if this is 0 or less.
    pub fn free(&self) -> i64 {
        let pending = i64::try_from(self.pending).unwrap_or(i64::MAX);
        [pending, self.launched, self.in_progress]
            .into_iter()
            .fold(self.slots, i64::saturating_sub)
            .saturating_add(self.buffer)
    }

    /// Whether nothing is free.
    pub fn is_full(&self) -> bool {
        self.free() <= 0
    }
}
