//! The JSON of the queue of runs.

use dagster_instance::RunId;
use dagster_instance::queue::{Check, QueueKeeper, WaitReason};
use serde_json::{Map, Value, json};

use super::text;
use crate::commands::queue_explain::Told;
use crate::commands::queue_list::Entry;

/// A run in the queue, with the first reason why it waits.
pub(crate) fn queued_run(entry: &Entry<'_>, now: f64) -> Value {
    json!({
        "run_id": text(entry.run_id.as_str()),
        "job_name": entry.run.map(|run| text(&run.job_name)),
        "position": entry.position,
        "priority": entry.run.map(|run| run.priority),
        "waiting_seconds": entry.run.map(|run| (now - run.since).max(0.0)),
        "taken_next": entry.reason.is_none(),
        "waits_for": entry.reason.map(limits),
    })
}

/// Why a run waits.
pub(crate) fn queue_explanation(told: &Told<'_>) -> Value {
    let explanation = told.explanation;
    let known = told.priority_and_since();
    let run = &told.record.dagster_run;
    json!({
        "run_id": text(run.run_id.as_str()),
        "job_name": text(&run.job_name),
        "status": "QUEUED",
        "position": explanation.position,
        "queued": explanation.queued,
        "priority": known.map(|(priority, _)| priority),
        "waiting_seconds": known.map(|(_, since)| (told.queue.now - since).max(0.0)),
        "taken_next": explanation.taken_next,
        "waits_for": checks(&explanation.waits_for),
        "passes": checks(&explanation.passes),
        "ahead": {
            "waiting": explanation.ahead.waiting,
            "taken_next": explanation.ahead.launched_now,
        },
        "keeper": told.keeper.as_ref().map(keeper),
    })
}

/// What became of the runs that were taken from the queue.
#[cfg(feature = "grpc")]
pub(crate) fn queue_look(look: &dagster_instance::queue::QueueLook) -> Value {
    let runs = |runs: &[RunId]| runs.iter().map(RunId::as_str).map(text).collect::<Vec<_>>();
    let with_reasons = |runs: &[(RunId, String)]| {
        let of_run = |(run_id, reason): &(RunId, String)| json!({ "run_id": text(run_id.as_str()), "reason": text(reason) });
        runs.iter().map(of_run).collect::<Vec<_>>()
    };
    json!({
        "launched": runs(&look.launched),
        "queued_again": with_reasons(&look.queued_again),
        "failed": with_reasons(&look.failed),
        "unknown": with_reasons(&look.unknown),
    })
}

fn keeper(keeper: &QueueKeeper) -> Value {
    json!({
        "kind": keeper.kind.as_str(),
        "id": keeper.id.as_deref().map(text),
        "host": keeper.host.as_deref().map(text),
        "pid": keeper.pid,
        "age_seconds": keeper.age_seconds.map(|age| age.max(0.0)),
    })
}

fn checks(checks: &[Check]) -> Vec<Value> {
    let of_check = |check: &Check| {
        let held_by: Vec<_> = check.held_by.iter().map(RunId::as_str).map(text).collect();
        let more = check.more;
        limits(&check.limit).into_iter().map(move |mut limit| {
            if let Some(fields) = limit.as_object_mut() {
                fields.insert("held_by".to_owned(), json!(held_by));
                fields.insert("more".to_owned(), json!(more));
            }
            limit
        })
    };
    checks.iter().flat_map(of_check).collect()
}

/// The limits of a reason: several if it is about several pools.
fn limits(reason: &WaitReason) -> Vec<Value> {
    match reason {
        WaitReason::TagLimit { key, value, limit, count } => vec![json!({
            "kind": "tag_limit",
            "name": text(key),
            "value": value.as_deref().map(text),
            "limit": limit,
            "count": count,
        })],
        WaitReason::Pools { granularity, pools } => pools
            .iter()
            .map(|pool| {
                json!({
                    "kind": "pool",
                    "name": text(&pool.pool),
                    "granularity": granularity.as_str(),
                    "limit": pool.slots,
                    "buffer": pool.buffer,
                    "pending_steps": pool.pending,
                    "in_progress": pool.in_progress,
                    "taken_next": pool.launched,
                })
            })
            .collect(),
        WaitReason::LocationPaused { location, until, reason } => vec![json!({
            "kind": "location_paused",
            "name": text(location),
            "until": until,
            "reason": text(reason),
        })],
        WaitReason::MaxConcurrentRuns { limit, in_progress, ahead } => vec![json!({
            "kind": "max_concurrent_runs",
            "limit": limit,
            "count": in_progress + ahead,
        })],
        WaitReason::Unreadable { problem } => vec![json!({
            "kind": "unreadable",
            "reason": text(problem),
        })],
        _ => vec![Value::Object(Map::new())],
    }
}
