//! What became of a launch by a code server: the worker's own first event, and what the server says.

use instance_core::code_location::CodeLocationError;
use instance_core::error::BoxError;
use instance_core::event::DagsterEventType;
use instance_core::launcher::LaunchState;
use instance_core::ops::LauncherOps;
use instance_core::run::DagsterRun;
use instance_core::storage::{Only, RecordsForRun};

use super::CodeServerRunLauncher;
use super::grpc_info::GrpcInfo;
use super::health::has_run;
use super::worker::pid_of;

impl CodeServerRunLauncher {
    /// What became of the newest launch of a run.
    pub(super) async fn state_of_launch(
        &self,
        ops: &dyn LauncherOps,
        run: &DagsterRun,
    ) -> Result<LaunchState, BoxError> {
        if has_reported(ops, run).await? {
            return Ok(LaunchState::Launched);
        }
        // The tag is written before the server is called.
        let Some(info) = GrpcInfo::of_run(run)? else {
            return Ok(LaunchState::NotLaunched { answered_by: None });
        };
        let client = self.client(info.target.clone())?;
        let server_id = match client.get_server_id().await {
            Ok(id) => id,
            // A worker of a server that is gone goes on.
            Err(CodeLocationError::Unreachable { .. } | CodeLocationError::TimedOut { .. }) => {
                return Ok(LaunchState::Unknown);
            }
            Err(error) => return Err(error.into()),
        };
        if has_run(&client, &run.run_id).await? {
            return Ok(LaunchState::Launched);
        }
        // Only the server that was to start the worker knows that it has not. Dagster's daemon does not write its id.
        if info.server_id.as_ref() != Some(&server_id) {
            return Ok(LaunchState::Unknown);
        }
        // The worker may have begun and ended between the two questions.
        if has_reported(ops, run).await? {
            return Ok(LaunchState::Launched);
        }
        Ok(LaunchState::NotLaunched { answered_by: Some(server_id) })
    }
}

/// Whether a worker has reported since the run was launched last.
async fn has_reported(ops: &dyn LauncherOps, run: &DagsterRun) -> Result<bool, BoxError> {
    let types = [DagsterEventType::RunStarting, DagsterEventType::EngineEvent];
    let query = RecordsForRun::new(run.run_id.clone()).with_of_types(Only::these(types));
    let found = ops.event_store().get_records_for_run(&query).await?;
    let newest_first = found.records.iter().rev().map(|record| &record.event_log_entry);
    let since =
        newest_first.take_while(|entry| entry.event_type() != Some(DagsterEventType::RunStarting));
    Ok({ since }.any(|entry| pid_of(entry.message()).is_some()))
}
