//! Retries as a duty of a keeper.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use instance_core::code_location::Workspace;
use instance_core::daemon::DaemonType;
use instance_core::error::InstanceError;
use instance_core::error_info::SerializableErrorInfo;
use instance_core::ops::{KeeperOps, RunReexecutor};
use tokio::sync::Mutex;

use super::consume::RetryConsumer;
use crate::keepers::{Duty, Lease, Look};

/// How long after the beginning of a look the next one begins, as in Dagster.
const INTERVAL: Duration = Duration::from_secs(5);

/// The duty of Dagster's daemon `EVENT_LOG_CONSUMER`.
pub struct RetriesDuty {
    ops: Arc<dyn KeeperOps>,
    workspace: Arc<dyn Workspace>,
    reexecutor: Arc<dyn RunReexecutor>,
    consumer: Mutex<RetryConsumer>,
}

impl fmt::Debug for RetriesDuty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RetriesDuty").field("consumer", &self.consumer).finish_non_exhaustive()
    }
}

impl RetriesDuty {
    /// The duty for an instance: its runs are retried with the code of a workspace.
    pub fn new(
        ops: Arc<dyn KeeperOps>,
        workspace: Arc<dyn Workspace>,
        reexecutor: Arc<dyn RunReexecutor>,
    ) -> Self {
        Self { ops, workspace, reexecutor, consumer: Mutex::default() }
    }
}

#[async_trait]
impl Duty for RetriesDuty {
    fn daemon_type(&self) -> DaemonType {
        DaemonType::from(DaemonType::EVENT_LOG_CONSUMER)
    }

    fn interval(&self) -> Duration {
        INTERVAL
    }

    async fn look(&self, lease: &Lease) -> Result<Look, InstanceError> {
        let (ops, reexecutor) = (&*self.ops, &*self.reexecutor);
        let mut consumer = self.consumer.lock().await;
        let look = consumer.look(ops, &self.workspace, reexecutor, Some(lease)).await?;
        let error = |error: &InstanceError| SerializableErrorInfo::from_error("RetryError", error);
        Ok(Look::new().with_errors(look.errors.iter().map(error).collect()))
    }
}
