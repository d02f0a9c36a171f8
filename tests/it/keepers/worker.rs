//! What the workers of the stub do: they report that their run has started and ended, claim slots, and behave badly in all
//! ways that keepers look after.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use dagster_instance::DagsterInstance;
use instance_core::RunId;
use instance_core::error::BoxError;
use instance_core::event::{
    DagsterEvent, DagsterEventType, LogLevel, ReportEngineEvent, ReportEvent,
};
use instance_core::ops::{EventReporterExt as _, PoolStoreAccess as _};
use instance_core::run::{DagsterRun, DagsterRunStatus};
use instance_core::storage::{ConcurrencySlotStatus, GuardedEvents};
use instance_core::tags;
use tokio::sync::Notify;

use super::code::{POOL, POOLED, STEP};
use crate::crash::mixed;

/// How long a worker may take until it reports, and how long it works, in milliseconds.
const BEGINNING: u64 = 150;
const WORK: u64 = 900;

/// How often a worker looks whether its run goes on, or whether there is a slot.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// What workers do.
#[derive(Debug)]
pub(super) struct Habits {
    /// The number that everything random follows from.
    pub(super) seed: u64,
    /// Whether some workers die before they report.
    pub(super) some_never_start: bool,
    /// Workers that have started, of which each has a number that looks like a pid.
    pub(super) begun: AtomicU64,
}

/// What becomes of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Succeeds,
    Fails,
    /// Its worker dies when it has started.
    Dies,
    /// Its worker dies before it has started.
    NeverStarts,
    /// It goes on until it is stopped.
    Hangs,
}

impl Habits {
    /// A number that follows from a run.
    fn number(&self, run_id: &RunId) -> u64 {
        run_id.as_str().bytes().fold(self.seed, |number, byte| mixed(number ^ u64::from(byte)))
    }

    fn fate(&self, run: &DagsterRun) -> Fate {
        if run.tags.contains_key(tags::MAX_RUNTIME) {
            return Fate::Hangs;
        }
        match self.number(&run.run_id) % 20 {
            0..=11 => Fate::Succeeds,
            12..=16 => Fate::Fails,
            17..=18 => Fate::Dies,
            _ if self.some_never_start => Fate::NeverStarts,
            _ => Fate::Succeeds,
        }
    }
}

/// Does the work of a run. Its events are stored only if the run is as a worker expects it: one that has ended is left alone.
pub(super) async fn work(
    instance: &DagsterInstance,
    habits: &Habits,
    run_id: &RunId,
    stop: &Notify,
) -> Result<(), BoxError> {
    let run = instance.get_run_by_id(run_id).await?.ok_or("there is no such run")?;
    let (fate, number) = (habits.fate(&run), habits.number(run_id));
    tokio::time::sleep(Duration::from_millis((number >> 8) % BEGINNING)).await;
    if fate == Fate::NeverStarts {
        return Ok(());
    }
    let worker = Worker { instance, run: &run };
    if !worker.starts(2 + habits.begun.fetch_add(1, Ordering::Relaxed)).await? {
        return Ok(());
    }
    let is_stopped = tokio::select! {
        is_done = worker.works(fate, (number >> 16) % WORK) => !is_done?,
        () = stop.notified() => true,
    };
    // Each third leaves its slot behind.
    if fate != Fate::Dies && !(number >> 24).is_multiple_of(3) {
        instance.pool_store().free_concurrency_slots(run_id, None).await?;
    }
    match fate {
        // Some say that they were canceled, and others do not.
        _ if is_stopped && (number >> 32).is_multiple_of(2) => worker.is_canceled().await,
        _ if is_stopped => Ok(()),
        Fate::Fails => worker.ends(DagsterEventType::RunFailure, LogLevel::ERROR).await,
        Fate::Succeeds => worker.ends(DagsterEventType::RunSuccess, LogLevel::DEBUG).await,
        Fate::Dies | Fate::NeverStarts | Fate::Hangs => Ok(()),
    }
}

struct Worker<'w> {
    instance: &'w DagsterInstance,
    run: &'w DagsterRun,
}

impl Worker<'_> {
    /// Whether the run was waiting for its worker, and has started by it.
    async fn starts(&self, pid: u64) -> Result<bool, BoxError> {
        let message = format!("Started process for run (pid: {pid}).");
        let told = ReportEngineEvent::new(self.run, message).into_report()?;
        let started = self.event(DagsterEventType::RunStart);
        self.report(&[DagsterRunStatus::Starting], vec![told, started]).await
    }

    /// Works until it is done; `false` if somebody else has ended the run meanwhile.
    async fn works(&self, fate: Fate, milliseconds: u64) -> Result<bool, BoxError> {
        if self.run.job_name == POOLED && !self.claims().await? {
            return Ok(false);
        }
        tokio::time::sleep(Duration::from_millis(milliseconds)).await;
        if fate != Fate::Hangs {
            return Ok(true);
        }
        while self.goes_on().await? {
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Ok(false)
    }

    /// Waits for a slot; `false` if somebody else has ended the run meanwhile.
    async fn claims(&self) -> Result<bool, BoxError> {
        let pools = self.instance.pool_store();
        loop {
            let claim = pools.claim_concurrency_slot(POOL, &self.run.run_id, STEP, None).await?;
            if claim.slot_status == ConcurrencySlotStatus::Claimed {
                return Ok(true);
            }
            if !self.goes_on().await? {
                return Ok(false);
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    async fn goes_on(&self) -> Result<bool, BoxError> {
        let run = self.instance.get_run_by_id(&self.run.run_id).await?;
        Ok(run.is_some_and(|run| !run.status.is_finished()))
    }

    async fn ends(&self, event_type: DagsterEventType, level: LogLevel) -> Result<(), BoxError> {
        let event = self.event(event_type).with_level(level);
        self.report(&[DagsterRunStatus::Started], vec![event]).await.map(drop)
    }

    async fn is_canceled(&self) -> Result<(), BoxError> {
        let event = self.event(DagsterEventType::RunCanceled).with_level(LogLevel::ERROR);
        self.report(&[DagsterRunStatus::Canceling], vec![event]).await.map(drop)
    }

    fn event(&self, event_type: DagsterEventType) -> ReportEvent {
        ReportEvent::new(DagsterEvent::new(event_type, &self.run.job_name), &self.run.run_id)
    }

    /// Stores events if the run has one of these statuses; whether it had.
    async fn report(
        &self,
        from: &[DagsterRunStatus],
        reports: Vec<ReportEvent>,
    ) -> Result<bool, BoxError> {
        let change = GuardedEvents::new(self.run.run_id.clone(), from.iter().copied(), Vec::new());
        Ok(self.instance.report_events_if(change, reports).await?.is_stored())
    }
}
