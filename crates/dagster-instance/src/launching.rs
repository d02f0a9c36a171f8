//! Launching real code: the launcher domain prepares a run, the run domain creates it, the coordinator takes it.

use std::sync::Arc;
use std::time::Duration;

use instance_core::code_location::PreparedRun;
use instance_core::error::InstanceError;
use instance_core::run::{CodeLocationOrigin, DagsterRun};
use instance_core::settings::{GrpcLimits, WorkspaceSettings};
use instance_launcher::{
    CodeLocationOptions, CodeLocations, CodeServerClient, GrpcCodeLocation, GrpcTarget,
    LaunchRequest,
};
use instance_runs::CreateRun;

use crate::instance::DagsterInstance;

impl DagsterInstance {
    /// What code locations are opened with, by the settings of this instance and the variables of the environment.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Config`] if a variable with a limit of calls is wrong.
    pub fn code_location_options(&self) -> Result<CodeLocationOptions, InstanceError> {
        let limits = self.grpc_limits()?;
        let settings = &self.inner.settings;
        // Dagster takes a time that is not positive for no limit.
        let seconds =
            u64::try_from(settings.code_servers.local_startup_timeout).unwrap_or_default();
        let options = CodeLocationOptions::new(limits)
            .with_instance_ref(settings.instance_ref.clone())
            .with_startup_timeout((seconds > 0).then(|| Duration::from_secs(seconds)));
        #[cfg(feature = "process")]
        let options = options.with_interpreters(self.inner.interpreters.clone());
        Ok(options)
    }

    /// The code locations of a workspace. Nothing is opened before it is asked for.
    ///
    /// Servers that are started end by [`CodeLocations::close`].
    ///
    /// # Errors
    ///
    /// Those of [`code_location_options`](Self::code_location_options).
    pub fn code_locations(
        &self,
        workspace: &WorkspaceSettings,
    ) -> Result<CodeLocations, InstanceError> {
        Ok(CodeLocations::new(workspace, self.code_location_options()?))
    }

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
        let origin = target.origin(location_name);
        let name = origin.location_name.clone();
        self.open_at(target, &name, origin.into()).await
    }

    /// Opens the code location of a server by this name and this origin, which runs get.
    pub(crate) async fn open_at(
        &self,
        target: GrpcTarget,
        name: &str,
        origin: CodeLocationOrigin,
    ) -> Result<GrpcCodeLocation, InstanceError> {
        let limits = self.grpc_limits()?;
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
    fn grpc_limits(&self) -> Result<GrpcLimits, InstanceError> {
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
        self.submit_run_with_workspace(&run.run_id, Arc::new(location.clone())).await
    }
}
