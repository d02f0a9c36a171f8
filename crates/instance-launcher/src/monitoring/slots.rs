//! Slots of pools that runs hold which have ended.

use std::collections::{BTreeMap, BTreeSet};

use instance_core::clock::timestamp_of;
use instance_core::error::InstanceError;
use instance_core::ids::RunId;
use instance_core::ops::KeeperOps;
use instance_core::run::{RunRecord, RunsFilter};
use instance_core::storage::{Only, RunsPage};

/// How many runs lose their slots in one look at most.
const AT_MOST: usize = 1_000;

/// After how many seconds slots are freed where nothing is configured.
const DEFAULT_SECONDS: i64 = 300;

/// For how many seconds a run has to be away that holds slots and does not exist: it may be created just now.
const AWAY: f64 = 60.0;

/// The slots that are looked at, and since when their runs are away.
#[derive(Debug, Default)]
pub(super) struct SlotWatch {
    away: BTreeMap<RunId, f64>,
}

impl SlotWatch {
    /// Frees the slots of runs that ended long enough ago, and of runs that do not exist. Returns the runs.
    pub(super) async fn look(&mut self, ops: &dyn KeeperOps) -> Result<Vec<RunId>, InstanceError> {
        let settings = ops.settings().run_monitoring;
        let seconds = settings.free_slots_after_run_end_seconds.unwrap_or(DEFAULT_SECONDS);
        let pools = ops.pool_store();
        if seconds <= 0 || !pools.supports_global_concurrency_limits().await? {
            return Ok(Vec::new());
        }
        let mut holders = pools.get_concurrency_run_ids().await?;
        holders.extend(pools.get_slot_run_ids().await?);
        if holders.is_empty() {
            self.away.clear();
            return Ok(Vec::new());
        }
        let filter = RunsFilter::new().with_run_ids(Only::these(holders.iter().cloned()));
        let records = ops.run_store().get_run_records(&filter, &RunsPage::new()).await?;
        let now = timestamp_of(ops.clock().now());
        let mut done = self.away_for_long(holders, &records, now);
        let has_ended = |record: &&RunRecord| ended_before(record, now, seconds);
        done.extend(
            records.iter().filter(has_ended).map(|record| record.dagster_run.run_id.clone()),
        );
        done.truncate(AT_MOST);
        for run_id in &done {
            pools.free_concurrency_slots(run_id, None).await?;
            tracing::info!(%run_id, "the slots of a run that has ended are freed");
            self.away.remove(run_id);
        }
        Ok(done)
    }

    /// The holders that do not exist, and did not when they were looked for some time ago.
    fn away_for_long(
        &mut self,
        mut holders: BTreeSet<RunId>,
        records: &[RunRecord],
        now: f64,
    ) -> Vec<RunId> {
        for record in records {
            holders.remove(&record.dagster_run.run_id);
        }
        self.away.retain(|run_id, _| holders.contains(run_id));
        let mut long = Vec::new();
        for run_id in holders {
            let since = *self.away.entry(run_id.clone()).or_insert(now);
            if now - since >= AWAY {
                long.push(run_id);
            }
        }
        long
    }
}

/// Whether a run ended more than so many seconds ago.
fn ended_before(record: &RunRecord, now: f64, seconds: i64) -> bool {
    // Rows of old releases do not say when.
    let end = record.end_time.unwrap_or_else(|| timestamp_of(record.update_timestamp));
    #[expect(clippy::cast_precision_loss, reason = "beyond 2^53 seconds nothing is ever freed")]
    let seconds = seconds as f64;
    record.dagster_run.status.is_finished() && end + seconds < now
}
