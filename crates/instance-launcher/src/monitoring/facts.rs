//! What has to be asked about a run before anything is decided about it.

use std::collections::BTreeMap;
use std::time::Duration;

use instance_core::error::{BoxError, InstanceError};
use instance_core::event::DagsterEventType;
use instance_core::ids::RunId;
use instance_core::ops::{KeeperOps, LauncherOps};
use instance_core::run::{DagsterRun, RunRecord};
use instance_core::settings::RunMonitoringSettings;
use instance_core::storage::{Only, Order, RecordsForRun};

use super::decide::{Facts, LauncherAbilities, Need, needs};
use crate::health::check;
use crate::lifecycle::resume_run_attempts;
use crate::queue::claim_note;

/// For how long a launcher is waited for. It may ask a server that does not answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// Asks what is needed about a run, and no more.
pub(super) async fn facts(
    ops: &dyn KeeperOps,
    record: &RunRecord,
    claims: &BTreeMap<RunId, f64>,
    settings: &RunMonitoringSettings,
    launcher: LauncherAbilities,
) -> Result<Facts, InstanceError> {
    let run = &record.dagster_run;
    match needs(record, settings, launcher) {
        Need::Nothing => Ok(Facts::new()),
        Need::LaunchTime => {
            let stats = ops.event_store().get_stats_for_run(&run.run_id).await?;
            let claim = claims.get(&run.run_id).copied();
            Ok(Facts::new().with_launch_time(stats.launch_time).with_claim_time(claim))
        }
        Need::CancelingTime => {
            let query = RecordsForRun::new(run.run_id.clone())
                .with_of_types(Only::one(DagsterEventType::RunCanceling))
                .with_limit(1)
                .with_order(Order::Descending);
            let newest = ops.event_store().get_records_for_run(&query).await?.records;
            let time = newest.first().map(|record| record.event_log_entry.timestamp);
            Ok(Facts::new().with_canceling_time(time))
        }
        Need::Health => health(ops, run).await,
    }
}

async fn health(ops: &dyn LauncherOps, run: &DagsterRun) -> Result<Facts, InstanceError> {
    let asked = check(ops, run.clone());
    let health = in_time(run, "tell how its worker is", asked).await??;
    // Counted only where it matters.
    let attempts =
        if health.status.is_lost() { resume_run_attempts(ops, &run.run_id).await? } else { 0 };
    Ok(Facts::new().with_health(health).with_resume_attempts(attempts))
}

/// Waits for a launcher, but not for ever.
pub(super) async fn in_time<T>(
    run: &DagsterRun,
    what: &str,
    asked: impl Future<Output = T>,
) -> Result<T, InstanceError> {
    tokio::time::timeout(PATIENCE, asked).await.map_err(|_| {
        let reason = format!("the launcher did not {what} within {} s", PATIENCE.as_secs());
        InstanceError::Launch { run_id: run.run_id.clone(), source: BoxError::from(reason) }
    })
}

/// The runs that were taken from the queue and whose launch is not known to have ended: when each was, in seconds since
/// 1970.
pub(super) async fn claims(ops: &dyn KeeperOps) -> Result<BTreeMap<RunId, f64>, InstanceError> {
    let notes = ops.daemon_store().get_cursor_values_beginning(claim_note::PREFIX).await?;
    let claim = |(key, value): (String, String)| {
        Some((claim_note::run_of(&key)?, claim_note::time_of(&value)?))
    };
    Ok(notes.into_iter().filter_map(claim).collect())
}
