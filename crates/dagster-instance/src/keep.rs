//! Keeping the duties of Dagster's daemons: which there are, and what each is made of.

use std::sync::Arc;

use instance_core::code_location::Workspace;
use instance_core::error::{InstanceError, KeeperError};
use instance_core::ops::OwnedKeeperOps;
use instance_core::storage::Only;
use instance_launcher::keepers::{self, Duty, KeeperDuty, KeeperOptions};
use instance_launcher::monitoring::MonitoringDuty;
use instance_launcher::retries::RetriesDuty;

use crate::instance::DagsterInstance;
use crate::reexecutor::Reexecutor;

impl DagsterInstance {
    /// Does duties of Dagster's daemons, in the place of these, until it is asked to end.
    ///
    /// Any number of processes may call this on one database. Each duty is done by one of them at a time; if that one ends, or is
    /// killed, another one goes on within seconds. The workspace has the code locations of runs that are launched or retried here.
    ///
    /// When `until` is over, nothing new is begun. What is in flight may take the grace of the options.
    ///
    /// # Errors
    ///
    /// - [`KeeperError::TwinAlive`] if Dagster's own daemon of one of the duties lives. Both would do the same work, and Dagster's
    ///   does not look whether somebody else does it.
    /// - [`KeeperError::Instance`] with [`InstanceError::Invalid`] if a duty is named that the settings do not require, or if they
    ///   require none: Dagster's page would not show it, and workers would not obey it.
    /// - [`KeeperError::Instance`] if the storage could not be reached at the beginning. Later, it is tried for ever.
    pub async fn keep(
        &self,
        options: KeeperOptions,
        workspace: Arc<dyn Workspace>,
        until: impl Future<Output = ()> + Send,
    ) -> Result<(), KeeperError> {
        let duties = self.duties_to_keep(&options)?;
        let duties: Result<Vec<_>, _> =
            duties.into_iter().map(|duty| self.duty(duty, &options, &workspace)).collect();
        Box::pin(keepers::keep(self.owned_keeper_ops(), duties?, options, until)).await
    }

    /// The duties that [`keep`](Self::keep) does with these options.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Invalid`] if a duty is named that the settings do not require, or if they require none. Those of
    /// [`get_required_daemon_types`](Self::get_required_daemon_types).
    pub fn duties_to_keep(
        &self,
        options: &KeeperOptions,
    ) -> Result<Vec<KeeperDuty>, InstanceError> {
        let required = self.get_required_daemon_types()?;
        let is_required = |duty: &KeeperDuty| required.contains(&duty.daemon_type());
        let duties: Vec<_> = match &options.duties {
            Only::Any => KeeperDuty::ALL.iter().copied().filter(is_required).collect(),
            Only::These(duties) => duties.iter().copied().collect(),
        };
        if let Some(duty) = duties.iter().find(|duty| !is_required(duty)) {
            let reason =
                format!("the configuration of the instance does not require it: {}", remedy(*duty));
            return Err(InstanceError::invalid("duty", duty.daemon_type().as_str(), reason));
        }
        if duties.is_empty() {
            let reason = "the configuration of the instance requires none of those that can be kept here: a queue, \
                          run_monitoring and run_retries";
            return Err(InstanceError::invalid("duties", "", reason));
        }
        Ok(duties)
    }

    /// What a duty is made of. All duties are put together here.
    fn duty(
        &self,
        duty: KeeperDuty,
        options: &KeeperOptions,
        workspace: &Arc<dyn Workspace>,
    ) -> Result<Arc<dyn Duty>, InstanceError> {
        let _ = options;
        let (ops, workspace) = (self.owned_keeper_ops(), Arc::clone(workspace));
        match duty {
            KeeperDuty::Monitoring => Ok(Arc::new(MonitoringDuty::new(ops))),
            KeeperDuty::Retries => {
                let reexecutor = Arc::new(Reexecutor(self.clone()));
                Ok(Arc::new(RetriesDuty::new(ops, workspace, reexecutor)))
            }
            _ => {
                let reason = "this version cannot do it yet; leave it to Dagster's own daemon";
                Err(InstanceError::invalid("duty", duty.daemon_type().as_str(), reason))
            }
        }
    }
}

/// What makes the configuration require a duty.
fn remedy(duty: KeeperDuty) -> &'static str {
    match duty {
        KeeperDuty::Queue => "run_coordinator of dagster.yaml has no queue",
        KeeperDuty::Monitoring => "set run_monitoring.enabled in dagster.yaml",
        KeeperDuty::Retries => "set run_retries.enabled in dagster.yaml",
        _ => "it is not known here",
    }
}
