//! The duty of a keeper that takes runs from the queue.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use instance_core::code_location::Workspace;
use instance_core::daemon::DaemonType;
use instance_core::error::InstanceError;
use instance_core::ops::LauncherOps;
use instance_core::storage::Fence;
use tokio::time::Instant;

use super::dequeue::{DequeueOptions, Dequeuer, Leadership, LookPlan, QueueLook};
use super::reading::queue_config;
use crate::keepers::{Duty, Lease, Look};

/// After a look that took runs from the queue, the next one begins so much later: their launches have made room, or will.
const AGAIN_AFTER: Duration = Duration::from_secs(1);

/// Takes runs from the queue and launches them: what Dagster's `QUEUED_RUN_COORDINATOR` daemon does.
pub struct QueueDuty {
    dequeuer: tokio::sync::Mutex<Dequeuer>,
    interval: Duration,
    once: Option<Once>,
}

/// A look that is the only one.
#[derive(Debug)]
struct Once {
    /// How many runs are taken at most.
    most: Option<usize>,
    /// What it has done.
    done: Mutex<QueueLook>,
}

impl std::fmt::Debug for QueueDuty {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { interval, once, .. } = self;
        f.debug_struct("QueueDuty")
            .field("interval", interval)
            .field("once", once)
            .finish_non_exhaustive()
    }
}

impl QueueDuty {
    /// The duty over an instance. The workspace is for runs whose code servers are started for one; without it these cannot
    /// be launched.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Invalid`] if the instance has no queue; [`InstanceError::Config`] if its configuration is wrong.
    pub fn new(
        ops: Arc<dyn LauncherOps>,
        workspace: Option<Arc<dyn Workspace>>,
        options: DequeueOptions,
    ) -> Result<Self, InstanceError> {
        let seconds = queue_config(&*ops)?.coordinator.dequeue_interval_seconds;
        Ok(Self {
            dequeuer: tokio::sync::Mutex::new(Dequeuer::new(ops, workspace, options)),
            interval: Duration::from_secs(u64::try_from(seconds).unwrap_or_default()),
            once: None,
        })
    }

    /// The same for [`keep_once`](crate::keepers::keep_once): a look takes time until all runs are taken that can be, at most
    /// so many; `None` is any number. [`done`](Self::done) tells what it has done.
    #[must_use]
    pub fn once(mut self, most: Option<usize>) -> Self {
        self.once = Some(Once { most, done: Mutex::default() });
        self
    }

    /// What the only look has done. Nothing is remembered of a duty that looks again and again.
    pub fn done(&self) -> QueueLook {
        let done = self.once.as_ref().map(|once| once.done.lock());
        done.map(|done| done.unwrap_or_else(PoisonError::into_inner).clone()).unwrap_or_default()
    }

    fn remember(&self, look: QueueLook) {
        if let Some(once) = &self.once {
            once.done.lock().unwrap_or_else(PoisonError::into_inner).add(look);
        }
    }
}

impl Leadership for Lease {
    fn daemon_id(&self) -> &str {
        Self::daemon_id(self)
    }

    fn fence(&self) -> Option<Fence> {
        Some(Self::fence(self))
    }

    fn may_begin(&self) -> bool {
        Self::may_begin(self)
    }
}

#[async_trait]
impl Duty for QueueDuty {
    fn daemon_type(&self) -> DaemonType {
        DaemonType::from(DaemonType::QUEUED_RUN_COORDINATOR)
    }

    fn interval(&self) -> Duration {
        self.interval
    }

    async fn look(&self, lease: &Lease) -> Result<Look, InstanceError> {
        let plan = match &self.once {
            Some(once) => LookPlan { most: once.most, ..LookPlan::default() },
            None => LookPlan { until: Some(Instant::now() + self.interval), ..LookPlan::default() },
        };
        let look = self.dequeuer.lock().await.look(lease, plan).await?;
        let again_after = (look.taken > 0).then_some(AGAIN_AFTER);
        self.remember(look);
        Ok(Look::new().with_again_after(again_after))
    }

    async fn finish(&self) {
        let look = self.dequeuer.lock().await.finish().await;
        self.remember(look);
    }
}
