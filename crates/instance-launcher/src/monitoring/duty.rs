//! Monitoring as a duty of a keeper.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use instance_core::daemon::DaemonType;
use instance_core::error::InstanceError;
use instance_core::error_info::SerializableErrorInfo;
use instance_core::ops::KeeperOps;
use tokio::sync::Mutex;

use super::watch::RunMonitor;
use crate::keepers::{Duty, Lease, Look};

/// The duty of Dagster's daemon `MONITORING`.
pub struct MonitoringDuty {
    ops: Arc<dyn KeeperOps>,
    monitor: Mutex<RunMonitor>,
}

impl fmt::Debug for MonitoringDuty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MonitoringDuty").field("monitor", &self.monitor).finish_non_exhaustive()
    }
}

impl MonitoringDuty {
    /// The duty for an instance.
    pub fn new(ops: Arc<dyn KeeperOps>) -> Self {
        Self { ops, monitor: Mutex::default() }
    }
}

#[async_trait]
impl Duty for MonitoringDuty {
    fn daemon_type(&self) -> DaemonType {
        DaemonType::from(DaemonType::MONITORING)
    }

    fn interval(&self) -> Duration {
        let seconds = self.ops.settings().run_monitoring.poll_interval_seconds;
        Duration::from_secs(u64::try_from(seconds).unwrap_or(0).max(1))
    }

    async fn look(&self, lease: &Lease) -> Result<Look, InstanceError> {
        let look = self.monitor.lock().await.look(&*self.ops, Some(lease)).await?;
        let error =
            |error: &InstanceError| SerializableErrorInfo::from_error("MonitoringError", error);
        Ok(Look::new().with_errors(look.errors.iter().map(error).collect()))
    }
}
