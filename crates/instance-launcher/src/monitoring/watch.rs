//! One look of the monitor at all runs that have not ended, and at the slots of those that have.

use std::collections::BTreeMap;

use futures_util::future::join_all;
use instance_core::clock::timestamp_of;
use instance_core::error::InstanceError;
use instance_core::ids::RunId;
use instance_core::ops::KeeperOps;
use instance_core::run::{DagsterRunStatus, RunRecord, RunsFilter};
use instance_core::storage::{Only, RunsPage};

use super::carry_out::carry_out;
use super::decide::{LauncherAbilities, act};
use super::facts::{claims, facts};
use super::resuming;
use super::slots::SlotWatch;
use crate::keepers::Lease;

/// About how many runs is asked at once.
const AT_ONCE: usize = 16;

/// The runs that are monitored.
const MONITORED: [DagsterRunStatus; 5] = [
    DagsterRunStatus::Starting,
    DagsterRunStatus::Started,
    DagsterRunStatus::Canceling,
    DagsterRunStatus::Suspended,
    DagsterRunStatus::NotStarted,
];

/// Monitors runs, look by look. It remembers which slots are held by runs that do not exist.
#[derive(Debug, Default)]
pub struct RunMonitor {
    slots: SlotWatch,
}

/// What a look has met.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct MonitorLook {
    /// How many runs were looked at.
    pub runs: usize,
    /// The runs whose slots were freed.
    pub freed: Vec<RunId>,
    /// What went wrong with single runs, and with the slots. The others were looked at all the same.
    pub errors: Vec<InstanceError>,
}

impl RunMonitor {
    /// A monitor that has not looked yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Looks at all runs that have not ended, newest first, and does with each what [`act`] says; then at the slots of
    /// pools. With a lease, nothing is stored of a run once another keeper leads, and the look ends when the lease allows
    /// nothing new any more. Without one, somebody looks once by hand.
    ///
    /// An error with one run does not stop the look.
    ///
    /// # Errors
    ///
    /// The runs cannot be read.
    #[tracing::instrument(level = "debug", skip_all)]
    pub async fn look(
        &mut self,
        ops: &dyn KeeperOps,
        lease: Option<&Lease>,
    ) -> Result<MonitorLook, InstanceError> {
        let mut look = MonitorLook::default();
        let filter = RunsFilter::new().with_statuses(Only::these(MONITORED));
        let records = ops.run_store().get_run_records(&filter, &RunsPage::new()).await?;
        look.runs = records.len();
        let claims = if records.is_empty() { BTreeMap::new() } else { claims(ops).await? };
        let (settings, launcher) =
            (ops.settings().run_monitoring, LauncherAbilities::of(ops.run_launcher()));
        let fence = lease.map(Lease::fence);
        let may_begin = || lease.is_none_or(Lease::may_begin);
        for some in records.chunks(AT_ONCE) {
            if !may_begin() {
                return Ok(look);
            }
            let asked = some.iter().map(|record| facts(ops, record, &claims, &settings, launcher));
            let answers = join_all(asked).await;
            let now = timestamp_of(ops.clock().now());
            for (record, answer) in some.iter().zip(answers) {
                let done = match answer {
                    Ok(_) if !may_begin() => return Ok(look),
                    Ok(facts) => {
                        let action = act(record, &facts, &settings, launcher, now);
                        Box::pin(carry_out(ops, record, action, fence.as_ref())).await
                    }
                    Err(error) => Err(error),
                };
                look.errors.extend(done.err().inspect(|error| warn(record, error)));
            }
        }
        match self.slots.look(ops).await {
            Ok(freed) => look.freed = freed,
            Err(error) => look.errors.push(error),
        }
        look.errors.extend(resuming::forget_ended(ops).await.err());
        Ok(look)
    }
}

fn warn(record: &RunRecord, error: &InstanceError) {
    tracing::warn!(run_id = %record.dagster_run.run_id, %error, "the run could not be monitored");
}
