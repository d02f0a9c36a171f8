//! Notes of runs that get another worker: each attempt is made once, whoever makes it.

use std::collections::{BTreeMap, BTreeSet};

use instance_core::error::InstanceError;
use instance_core::ids::RunId;
use instance_core::ops::KeeperOps;
use instance_core::run::{DagsterRunStatus, RunsFilter};
use instance_core::storage::{Only, RunsPage};

/// The beginning of the keys of these notes.
const NOTES: &str = "dagster_instance/resume/";

/// Within how many seconds after its note a worker is started, or not at all.
pub(super) const RESUMING: f64 = 60.0;

/// After how many seconds a note is left by somebody who will not start a worker any more: the attempt is not counted,
/// as only a worker that was asked for is.
const STALE: f64 = 180.0;

/// The key of the note of an attempt.
pub(super) fn key(run_id: &RunId, attempt: u32) -> String {
    format!("{NOTES}{run_id}/{attempt}")
}

/// What the note says: when it was written, in seconds since 1970.
pub(super) fn value(now: f64) -> String {
    serde_json::json!({ "at": now }).to_string()
}

/// Whether there is a note which nobody follows any more.
pub(super) async fn is_stale(
    ops: &dyn KeeperOps,
    key: &str,
    now: f64,
) -> Result<bool, InstanceError> {
    let key = key.to_owned();
    let notes = ops.daemon_store().get_cursor_values(&BTreeSet::from([key])).await?;
    Ok(notes.values().any(|note| now - written_at(note) > STALE))
}

/// When a note was written; long ago if it does not say it.
fn written_at(note: &str) -> f64 {
    let note: Option<serde_json::Value> = serde_json::from_str(note).ok();
    note.and_then(|note| note.get("at")?.as_f64()).unwrap_or(f64::NEG_INFINITY)
}

/// Deletes the notes of runs that have ended or are not there any more.
pub(super) async fn forget_ended(ops: &dyn KeeperOps) -> Result<(), InstanceError> {
    let notes = ops.daemon_store().get_cursor_values_beginning(NOTES).await?;
    let mut of_runs: BTreeMap<RunId, Vec<(String, String)>> = BTreeMap::new();
    for (key, value) in notes {
        let run_id = key.strip_prefix(NOTES).and_then(|rest| rest.rsplit_once('/'));
        if let Some((run_id, _)) = run_id {
            of_runs.entry(RunId::from(run_id)).or_default().push((key, value));
        }
    }
    if of_runs.is_empty() {
        return Ok(());
    }
    let ids: Vec<RunId> = of_runs.keys().cloned().collect();
    let filter = RunsFilter::new().with_run_ids(Only::these(ids));
    let records = ops.run_store().get_run_records(&filter, &RunsPage::new()).await?;
    let is_finished = |status: DagsterRunStatus| status.is_finished();
    for record in records.iter().filter(|record| !is_finished(record.dagster_run.status)) {
        of_runs.remove(&record.dagster_run.run_id);
    }
    for (key, value) in of_runs.into_values().flatten() {
        ops.daemon_store().change_cursor_value(&key, Some(&value), None).await?;
    }
    Ok(())
}
