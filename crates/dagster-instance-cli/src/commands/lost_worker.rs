//! Runs that will never end, since their worker is gone.

use std::time::Duration;

use dagster_instance::{DagsterInstance, InstanceError, RunId};

/// How often it is looked whether the worker of a run is there.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// Waits until the worker of a run is known to be gone although the run has not ended. Returns why. If that never
/// happens, it waits for ever.
///
/// If it cannot look now, it looks again: whoever follows the run reads from the same store, and reports its
/// failure.
pub(crate) async fn wait(instance: &DagsterInstance, run_id: &RunId) -> String {
    let mut looks = tokio::time::interval(LOOK_EVERY);
    looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        looks.tick().await;
        match instance.find_lost_worker(run_id).await {
            Ok(Some(health)) => return health.msg.unwrap_or_else(|| health.status.to_string()),
            // The run was deleted; its followers end.
            Err(InstanceError::RunNotFound { .. }) => std::future::pending().await,
            Ok(None) | Err(_) => {}
        }
    }
}

/// Says that a run will not end by itself, and what to do.
pub(crate) fn text(run_id: &RunId, reason: &str) -> String {
    format!(
        "run {run_id} will not end by itself: {reason}; `dagster-instance run cancel {run_id}` ends it"
    )
}
