//! Launching real code: the launcher domain prepares a run, the run domain creates it, the coordinator takes it.

use instance_core::code_location::PreparedRun;
use instance_core::error::InstanceError;
use instance_core::run::DagsterRun;
use instance_core::settings::GrpcLimits;
use instance_launcher::{CodeServerClient, GrpcCodeLocation, GrpcTarget, LaunchRequest};
use instance_runs::CreateRun;

use crate::instance::DagsterInstance;

impl DagsterInstance {
    /// Opens the code location of a server. Runs that are launched from it have its name, by which Dagster's daemon
    /// looks for it; `None` means the name that Dagster makes of the address.
    ///
    /// # Errors
    ///
    /// [`InstanceError::CodeLocation`] if the server does not answer, or if its code could not be loaded;
    /// [`InstanceError::Config`] if a variable with a limit of calls is wrong.
    pub async fn open_code_location(
        &self,
        target: GrpcTarget,
        location_name: Option<&str>,
    ) -> Result<GrpcCodeLocation, InstanceError> {
        let limits = self.grpc_limits()?;
        let origin = target.origin(location_name);
        let name = origin.location_name.clone();
        let instance_ref = self.inner.settings.instance_ref.clone();
        let opened = async {
            let client = CodeServerClient::new(target, limits)?;
            GrpcCodeLocation::open(client, name, origin, instance_ref).await
        };
        opened.await.map_err(|error| InstanceError::CodeLocation {
            action: "tell its repositories",
            source: error.into(),
        })
    }

    /// The limits of calls to code servers.
    pub(crate) fn grpc_limits(&self) -> Result<GrpcLimits, InstanceError> {
        self.inner.grpc_limits.clone().map_err(|reason| InstanceError::Config {
            place: "the limits of code servers".to_owned(),
            reason,
            source: None,
        })
    }

    /// Asks a code location for all that a run needs to be created. Nothing is stored.
    ///
    /// # Errors
    ///
    /// Those of [`launch`](Self::launch) that say that no run was created.
    pub async fn prepare_run(
        &self,
        location: &GrpcCodeLocation,
        request: LaunchRequest,
    ) -> Result<PreparedRun, InstanceError> {
        Box::pin(instance_launcher::prepare_run(self, location, request)).await
    }

    /// Creates a run of real code, and gives it to the coordinator, which launches it now or later. Returns the run as
    /// it is afterwards.
    ///
    /// The code location validates the configuration, and makes the plan.
    ///
    /// # Errors
    ///
    /// - [`InstanceError::CodeLocation`] if the location does not answer, does not have what the request names, or
    ///   finds the configuration wrong. No run was created.
    /// - [`InstanceError::Invalid`] and [`InstanceError::Partitions`] if the request contradicts itself, or names a
    ///   partition that there is not. No run was created.
    /// - Those of [`create_run`](Self::create_run) and of [`submit_run`](Self::submit_run).
    pub async fn launch(
        &self,
        location: &GrpcCodeLocation,
        request: LaunchRequest,
    ) -> Result<DagsterRun, InstanceError> {
        let prepared = self.prepare_run(location, request).await?;
        let run = self.create_run(CreateRun::from(prepared)).await?;
        self.submit_run(&run.run_id).await
    }
}
