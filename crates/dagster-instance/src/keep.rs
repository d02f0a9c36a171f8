//! Keeping the duties of Dagster's daemons: which there are, and what each is made of.

use std::sync::Arc;

use instance_core::code_location::Workspace;
use instance_core::error::{InstanceError, KeeperError};
use instance_core::ops::{OwnedKeeperOps, OwnedLauncherOps};
use instance_core::storage::Only;
use instance_launcher::keepers::{self, Duty, KeeperDuty, KeeperOptions};
use instance_launcher::monitoring::MonitoringDuty;
use instance_launcher::queue::{DequeueOptions, QueueDuty, QueueLook};
use instance_launcher::retries::RetriesDuty;

use crate::instance::DagsterInstance;

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
            Only::These(duties) => duties.clone(),
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

    /// Takes runs from the queue once and launches them, in the place of Dagster's daemon, and tells what became of each.
    ///
    /// It takes the runs that their limits allow now, `most` of them at most, and waits until their launches have ended.
    /// Without a workspace, only runs can be launched that say where their code server is. Of the options, those about the
    /// queue and about Dagster's own daemon matter.
    ///
    /// # Errors
    ///
    /// - [`KeeperError::TwinAlive`] if Dagster's own daemon takes runs from the queue, and [`KeeperError::OtherLeader`] if another
    ///   process does as [`keep`](Self::keep). Nothing is taken then.
    /// - [`KeeperError::Instance`] if the instance has no queue, or if the storage fails. Runs that were taken before are
    ///   launched, and whoever takes runs from the queue later looks after them. That a run could not be launched is no error,
    ///   but told.
    pub async fn launch_queued_runs(
        &self,
        options: KeeperOptions,
        most: Option<usize>,
        workspace: Option<Arc<dyn Workspace>>,
    ) -> Result<QueueLook, KeeperError> {
        let duty = Arc::new(self.queue_duty(&options, workspace.as_ref())?.once(most));
        let ops = self.owned_keeper_ops();
        let looked = keepers::keep_once(ops, Arc::clone(&duty) as Arc<dyn Duty>, options);
        Box::pin(looked).await?;
        Ok(duty.done())
    }

    fn queue_duty(
        &self,
        options: &KeeperOptions,
        workspace: Option<&Arc<dyn Workspace>>,
    ) -> Result<QueueDuty, InstanceError> {
        QueueDuty::new(self.owned_launcher_ops(), workspace.cloned(), DequeueOptions::from(options))
    }

    /// What a duty is made of. All duties are put together here.
    fn duty(
        &self,
        duty: KeeperDuty,
        options: &KeeperOptions,
        workspace: &Arc<dyn Workspace>,
    ) -> Result<Arc<dyn Duty>, InstanceError> {
        let (ops, workspace) = (self.owned_keeper_ops(), Arc::clone(workspace));
        match duty {
            KeeperDuty::Queue => Ok(Arc::new(self.queue_duty(options, Some(&workspace))?)),
            KeeperDuty::Monitoring => Ok(Arc::new(MonitoringDuty::new(ops))),
            KeeperDuty::Retries => {
                Ok(Arc::new(RetriesDuty::new(ops, workspace, Arc::new(self.clone()))))
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
