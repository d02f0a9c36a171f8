//! How commands say what a run waits for, and who takes runs from the queue.

use std::collections::HashMap;

use dagster_instance::RunId;
use dagster_instance::queue::{
    InProgressRun, PoolWait, QueueKeeper, QueueKeeperKind, QueuedRun, RunQueue, WaitReason,
};
use dagster_instance::settings::PoolGranularity;

use crate::{print, text};

/// Dagster's daemons give a heartbeat each 30 seconds, and ours a sign each 3 seconds. One that missed some of them takes no
/// runs now.
const SILENCE: f64 = 90.0;
const SILENCE_OF_OURS: f64 = 15.0;

/// The first reason why a run waits, for a line of a list.
pub(super) fn reason(reason: &WaitReason, now: f64) -> String {
    match reason {
        WaitReason::Pools { pools, .. } => {
            let first =
                pools.first().map(|pool| format!("{}: {}", text::value(&pool.pool), taken(pool)));
            match (first, pools.len()) {
                (Some(first), 1) => format!("pool {first}"),
                (Some(first), count) => format!("pool {first} (and {} more)", count - 1),
                (None, _) => "pools".to_owned(),
            }
        }
        reason => {
            let (kind, name, figures) = parts(reason, now);
            let name = if name.is_empty() { name } else { format!(" {name}") };
            format!("{kind}{name}: {figures}")
        }
    }
}

/// The kind of a limit, its name, and how full it is.
pub(super) fn parts(reason: &WaitReason, now: f64) -> (&'static str, String, String) {
    match reason {
        WaitReason::TagLimit { key, value, limit, count } => {
            let key = text::value(key);
            let name = match value {
                Some(value) => format!("{key}={}", text::value(value)),
                None => format!("{key} (all values)"),
            };
            ("tag limit", name, format!("{count} of {limit}"))
        }
        WaitReason::Pools { granularity, pools } => {
            let what = match granularity {
                PoolGranularity::Op => "slots taken",
                PoolGranularity::Run => "runs",
            };
            let names: Vec<_> = pools.iter().map(|pool| text::value(&pool.pool)).collect();
            let figures: Vec<_> =
                pools.iter().map(|pool| format!("{} {what}", taken(pool))).collect();
            ("pool", names.join(", "), figures.join(", "))
        }
        WaitReason::LocationPaused { location, until, reason } => {
            let left = print::about(until - now);
            (
                "location",
                text::value(location),
                format!("paused for {left}: {}", text::message(reason)),
            )
        }
        WaitReason::MaxConcurrentRuns { limit, in_progress, ahead } => {
            ("max_concurrent_runs", String::new(), format!("{} of {limit}", in_progress + ahead))
        }
        WaitReason::Unreadable { problem } => {
            ("the run", String::new(), format!("cannot be read: {}", text::message(problem)))
        }
        _ => ("another limit", String::new(), String::new()),
    }
}

/// How many slots of a pool are taken.
fn taken(pool: &PoolWait) -> String {
    let pending = i64::try_from(pool.pending).unwrap_or(i64::MAX);
    let taken = pending.saturating_add(pool.launched).saturating_add(pool.in_progress);
    match pool.buffer {
        0 => format!("{taken} of {}", pool.slots),
        buffer => format!("{taken} of {} and a buffer of {buffer}", pool.slots),
    }
}

/// The runs that hold limits, as they are shown.
pub(super) struct Holders<'a> {
    now: f64,
    in_progress: HashMap<&'a RunId, &'a InProgressRun>,
    queued: HashMap<&'a RunId, &'a QueuedRun>,
}

impl<'a> Holders<'a> {
    pub(super) fn new(queue: &'a RunQueue) -> Self {
        let in_progress = queue.in_progress.iter().map(|run| (&run.run_id, run)).collect();
        let queued = queue.queued.iter().map(|run| (&run.run_id, run)).collect();
        Self { now: queue.now, in_progress, queued }
    }

    /// The runs with how each stands, and how many more there are. Empty if there is none.
    pub(super) fn list(&self, runs: &[RunId], more: usize) -> String {
        let mut shown: Vec<_> = runs.iter().map(|run_id| self.one(run_id)).collect();
        if more > 0 {
            shown.push(format!("and {more} more"));
        }
        shown.join(", ")
    }

    fn one(&self, run_id: &RunId) -> String {
        // As Dagster's web page shows it.
        let short: String = run_id.as_str().chars().take(8).collect();
        let short = text::value(&short);
        if let Some(run) = self.in_progress.get(run_id) {
            return match run.start_time {
                Some(start) => {
                    format!("{short} ({}, {})", run.status, print::about(self.now - start))
                }
                None => format!("{short} ({})", run.status),
            };
        }
        if self.queued.contains_key(run_id) {
            return format!("{short} (taken next)");
        }
        // Its steps have slots, or wait for them, although it has ended or was deleted.
        format!("{short} (not in progress)")
    }
}

/// Who takes runs from the queue.
pub(super) fn keeper(keeper: Option<&QueueKeeper>) -> String {
    let Some(keeper) = keeper else {
        return "Nobody takes runs from the queue: no daemon has given a heartbeat. Start `dagster-daemon run`, or `dagster-instance daemon run`."
            .to_owned();
    };
    let who = match (keeper.kind, keeper.pid, keeper.host.as_deref(), keeper.id.as_deref()) {
        (QueueKeeperKind::Dagster, _, _, Some(id)) => {
            format!("Dagster's daemon (id {})", text::value(id))
        }
        (QueueKeeperKind::Dagster, ..) => "Dagster's daemon".to_owned(),
        (_, Some(pid), Some(host), _) => {
            format!("dagster-instance (pid {pid} on host {})", text::value(host))
        }
        (..) => "dagster-instance".to_owned(),
    };
    let (silence, sign) = match keeper.kind {
        QueueKeeperKind::Dagster => (SILENCE, "heartbeat"),
        _ => (SILENCE_OF_OURS, "sign"),
    };
    match keeper.age_seconds {
        Some(age) if age > silence => format!(
            "Nobody seems to take runs from the queue: the last {sign} of {who} is {} old.",
            print::about(age)
        ),
        Some(age) => {
            format!("The queue is kept by {who}; its last {sign} is {} old.", print::about(age))
        }
        None => format!("The queue is kept by {who}."),
    }
}
