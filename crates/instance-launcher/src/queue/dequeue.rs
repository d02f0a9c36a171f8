//! The loop that takes runs from the queue: read, decide, launch.
//!
//! Its state is in the database. What is in memory is what this process does now.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use instance_core::clock::timestamp_of;
use instance_core::code_location::Workspace;
use instance_core::error::InstanceError;
use instance_core::ids::RunId;
use instance_core::ops::LauncherOps;
use instance_core::storage::Fence;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::cache::QueueCache;
use super::claims::Claims;
use super::launch::{Claim, LaunchEnd, Taken, Taker};
use super::locations::Locations;
use super::pauses;
use super::reading::{DefaultLimits, queue_config, read};
use super::snapshot::{LocationPause, QueuedRun};
use crate::keepers::KeeperOptions;

/// How many launches go on at once where nothing says it.
const WORKERS: usize = 8;

/// How runs are taken from the queue. The defaults are those of `dagster-instance daemon run`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DequeueOptions {
    /// How many launches go on at once; `None`, the default, is what the configuration of the queue says, or 8. At most half
    /// of them are of one code location.
    pub parallel: Option<usize>,
    /// How long a launch may take; the default is 60 seconds. What became of one that takes longer is found out later.
    pub launch_timeout: Duration,
    /// How often it is looked for runs that another process took from the queue and did not launch; the default is each
    /// minute.
    pub look_for_claims_every: Duration,
    /// How long such a run is left alone; the default is 90 seconds, in which even a process that hung has given up.
    pub recover_after: Duration,
    /// The same if the process is known to be gone; the default is 15 seconds.
    pub recover_gone_after: Duration,
    /// How long after the first answer that a run was not launched a second one is asked for; the default is 15 seconds.
    pub second_answer_after: Duration,
}

impl Default for DequeueOptions {
    fn default() -> Self {
        Self {
            parallel: None,
            launch_timeout: Duration::from_mins(1),
            look_for_claims_every: Duration::from_mins(1),
            recover_after: Duration::from_secs(90),
            recover_gone_after: Duration::from_secs(15),
            second_answer_after: Duration::from_secs(15),
        }
    }
}

impl From<&KeeperOptions> for DequeueOptions {
    /// Those of keepers.
    fn from(options: &KeeperOptions) -> Self {
        Self {
            parallel: options.launch_workers,
            launch_timeout: options.launch_timeout,
            ..Self::default()
        }
    }
}

instance_core::setters! {
    impl DequeueOptions {
        /// How many launches go on at once.
        with_parallel(parallel: impl Into<Option<usize>>);
        /// How long a launch may take.
        with_launch_timeout(launch_timeout: Duration);
        /// How often it is looked for runs that another process did not launch.
        with_look_for_claims_every(look_for_claims_every: Duration);
        /// How long such a run is left alone.
        with_recover_after(recover_after: Duration);
        /// The same if the process is known to be gone.
        with_recover_gone_after(recover_gone_after: Duration);
        /// How long after the first answer that a run was not launched a second one is asked for.
        with_second_answer_after(second_answer_after: Duration);
    }
}

/// The right to take runs from the queue.
pub(super) trait Leadership: Send + Sync {
    /// The id of the daemon that has it.
    fn daemon_id(&self) -> &str;

    /// What every change demands, so that none is made by a process that has lost the right.
    fn fence(&self) -> Option<Fence>;

    /// Whether anything new may be begun.
    fn may_begin(&self) -> bool;
}

/// What a look has done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct QueueLook {
    /// The runs whose workers were started.
    pub launched: Vec<RunId>,
    /// The runs that are in the queue again, each with the reason.
    pub queued_again: Vec<(RunId, String)>,
    /// The runs that have failed, each with the reason.
    pub failed: Vec<(RunId, String)>,
    /// The runs of which it is not known whether their workers were started, each with the reason. It is found out later.
    pub unknown: Vec<(RunId, String)>,
    /// How many runs this look has taken from the queue.
    pub taken: usize,
    /// Whether another process leads the queue by now.
    pub is_lost: bool,
}

impl QueueLook {
    /// Adds what a later look has done.
    pub(super) fn add(&mut self, later: Self) {
        let Self { launched, queued_again, failed, unknown, taken, is_lost } = later;
        self.launched.extend(launched);
        self.queued_again.extend(queued_again);
        self.failed.extend(failed);
        self.unknown.extend(unknown);
        self.taken += taken;
        self.is_lost |= is_lost;
    }
}

/// How far a look goes.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct LookPlan {
    /// How many runs are taken at most; `None` is any number.
    pub(super) most: Option<usize>,
    /// When no more are taken; `None` if all are that can be.
    pub(super) until: Option<Instant>,
    /// Whether the look ends only when all launches have.
    pub(super) waits: bool,
}

/// Takes runs from the queue and launches them.
pub(super) struct Dequeuer {
    ops: Arc<dyn LauncherOps>,
    workspace: Option<Arc<dyn Workspace>>,
    options: DequeueOptions,
    cache: QueueCache,
    locations: Locations,
    claims: Claims,
    launches: JoinSet<LaunchEnd>,
    in_flight: HashMap<tokio::task::Id, InFlight>,
    fence: Option<Fence>,
}

/// A launch that goes on.
#[derive(Debug)]
struct InFlight {
    run_id: RunId,
    location: Option<String>,
}

impl Dequeuer {
    pub(super) fn new(
        ops: Arc<dyn LauncherOps>,
        workspace: Option<Arc<dyn Workspace>>,
        options: DequeueOptions,
    ) -> Self {
        Self {
            ops,
            workspace,
            options,
            cache: QueueCache::default(),
            locations: Locations::default(),
            claims: Claims::default(),
            launches: JoinSet::new(),
            in_flight: HashMap::new(),
            fence: None,
        }
    }

    fn now(&self) -> f64 {
        timestamp_of(self.ops.clock().now())
    }

    /// Looks into the queue, takes the runs that can be launched, and launches them.
    pub(super) async fn look(
        &mut self,
        leadership: &dyn Leadership,
        plan: LookPlan,
    ) -> Result<QueueLook, InstanceError> {
        let mut look = QueueLook::default();
        self.fence = leadership.fence();
        while let Some(ended) = self.launches.try_join_next_with_id() {
            self.end(ended, &mut look).await?;
        }
        let taker = Taker {
            ops: Arc::clone(&self.ops),
            workspace: self.workspace.clone(),
            by: leadership.daemon_id().to_owned(),
            fence: self.fence.clone(),
            launch_timeout: self.options.launch_timeout,
        };
        let in_flight: BTreeSet<_> =
            self.in_flight.values().map(|launch| launch.run_id.clone()).collect();
        if let Err(error) = self.claims.recover(&taker, &self.options, &in_flight).await {
            // The queue goes on. What is left is looked after again.
            tracing::error!(%error, "runs that were taken from the queue are not looked after");
        }
        let queue = read(&*self.ops, &mut self.cache, DefaultLimits::Created).await?;
        self.locations.update(&queue.paused, queue.now);
        let decision = queue.decide();
        let by_id: HashMap<_, _> = queue.queued.iter().map(|run| (&run.run_id, run)).collect();
        let chosen = decision.launch.iter().filter_map(|run_id| by_id.get(run_id).copied());
        let mut next: VecDeque<&QueuedRun> = chosen.take(plan.most.unwrap_or(usize::MAX)).collect();
        let workers = self.workers()?;
        loop {
            self.begin(&taker, leadership, &plan, workers, &mut next, &mut look).await?;
            let is_done = next.is_empty() && !plan.waits;
            if is_done || self.in_flight.is_empty() {
                return Ok(look);
            }
            let until = plan.until.filter(|_| !next.is_empty() || !plan.waits);
            let ended = match until {
                Some(until) => {
                    let ended = self.launches.join_next_with_id();
                    match tokio::time::timeout_at(until, ended).await {
                        Ok(ended) => ended,
                        Err(_) if plan.waits => {
                            next.clear();
                            continue;
                        }
                        Err(_) => return Ok(look),
                    }
                }
                None => self.launches.join_next_with_id().await,
            };
            if let Some(ended) = ended {
                self.end(ended, &mut look).await?;
            }
        }
    }

    /// Begins as many launches as there are free workers. A claim is made right before its launch, so that a run that is
    /// canceled before is still canceled in the queue.
    async fn begin(
        &mut self,
        taker: &Taker,
        leadership: &dyn Leadership,
        plan: &LookPlan,
        workers: usize,
        next: &mut VecDeque<&QueuedRun>,
        look: &mut QueueLook,
    ) -> Result<(), InstanceError> {
        let share = (workers / 2).max(1);
        while self.in_flight.len() < workers && !next.is_empty() {
            let is_over = plan.until.is_some_and(|until| Instant::now() >= until);
            if is_over || look.is_lost || !leadership.may_begin() {
                next.clear();
                return Ok(());
            }
            let now = self.now();
            next.retain(|run| !self.locations.is_paused(run.location.as_deref(), now));
            let has_room =
                |run: &&QueuedRun| self.locations.has_room(run.location.as_deref(), share);
            let Some(run) = next.iter().position(has_room).and_then(|place| next.remove(place))
            else {
                return Ok(());
            };
            match taker.claim(&run.run_id, &run.job_name).await? {
                Claim::Taken(claimed) => {
                    look.taken += 1;
                    self.spawn(taker.clone(), claimed, run);
                }
                Claim::Gone => {
                    tracing::info!(run_id = %run.run_id, "a run has left the queue before it was taken");
                }
                Claim::NotLeader => look.is_lost = true,
            }
        }
        Ok(())
    }

    fn spawn(&mut self, taker: Taker, claimed: Taken, run: &QueuedRun) {
        self.locations.begin(run.location.as_deref());
        let task = self.launches.spawn(async move { taker.launch(claimed).await });
        let launch = InFlight { run_id: run.run_id.clone(), location: run.location.clone() };
        self.in_flight.insert(task.id(), launch);
    }

    /// A launch has ended.
    async fn end(
        &mut self,
        ended: Result<(tokio::task::Id, LaunchEnd), tokio::task::JoinError>,
        look: &mut QueueLook,
    ) -> Result<(), InstanceError> {
        let (id, end) = match ended {
            Ok(ended) => ended,
            Err(error) => (error.id(), LaunchEnd::Unknown { reason: error.to_string() }),
        };
        let Some(InFlight { run_id, location }) = self.in_flight.remove(&id) else {
            return Ok(());
        };
        self.locations.end(location.as_deref());
        let pause = match end {
            LaunchEnd::Launched => {
                look.launched.push(run_id);
                None
            }
            LaunchEnd::LeftAlone => None,
            LaunchEnd::Queued { reason } => {
                look.queued_again.push((run_id, reason.clone()));
                Some(reason)
            }
            LaunchEnd::Failed { reason, pauses } => {
                look.failed.push((run_id, reason.clone()));
                pauses.then_some(reason)
            }
            LaunchEnd::Unknown { reason } => {
                look.unknown.push((run_id, reason.clone()));
                Some(reason)
            }
        };
        match (pause, location) {
            (Some(reason), Some(location)) => self.pause(&location, reason).await,
            _ => Ok(()),
        }
    }

    /// Pauses a code location, and stores that, so that `queue explain` and whoever leads the queue next know it.
    async fn pause(&mut self, location: &str, reason: String) -> Result<(), InstanceError> {
        let delay = queue_config(&*self.ops)?.coordinator.user_code_failure_retry_delay;
        #[expect(clippy::cast_precision_loss, reason = "it is a few seconds")]
        let until = self.now() + delay as f64;
        tracing::warn!(
            location,
            delay,
            reason,
            "no runs of a code location are launched for a time"
        );
        self.locations.pause(location, LocationPause { until, reason });
        let stored =
            pauses::write(self.ops.daemon_store(), self.fence.as_ref(), self.locations.paused());
        if let Err(error) = stored.await {
            tracing::warn!(location, %error, "that a code location is paused is not stored");
        }
        Ok(())
    }

    fn workers(&self) -> Result<usize, InstanceError> {
        let coordinator = queue_config(&*self.ops)?.coordinator;
        let configured =
            coordinator.dequeue_num_workers.filter(|_| coordinator.dequeue_use_threads);
        let configured = configured.and_then(|workers| usize::try_from(workers).ok());
        Ok(self.options.parallel.or(configured).unwrap_or(WORKERS).max(1))
    }

    /// Waits until the launches that go on have ended. What became of those that are left if this is dropped is found out by
    /// whoever leads the queue next.
    pub(super) async fn finish(&mut self) -> QueueLook {
        let mut look = QueueLook::default();
        while let Some(ended) = self.launches.join_next_with_id().await {
            if let Err(error) = self.end(ended, &mut look).await {
                tracing::warn!(%error, "the end of a launch is not stored");
            }
        }
        look
    }
}

#[cfg(test)]
mod tests;
