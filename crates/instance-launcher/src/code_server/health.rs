//! Whether the worker of a run goes on: what its code server says, and the process itself.

use std::time::Duration;

use instance_core::code_location::CodeLocationError;
use instance_core::error::BoxError;
use instance_core::ids::RunId;
use instance_core::launcher::{CheckRunHealthResult, WorkerStatus};
use instance_core::ops::LauncherOps;
use instance_core::run::DagsterRun;

use super::CodeServerRunLauncher;
use super::grpc_info::GrpcInfo;
use super::worker::WorkerProcess;
use crate::code::CodeServerClient;
use crate::read::existing_run;

/// A server that has lost a run says so by itself within a second. So a run of which it knows nothing is looked at
/// twice.
const SECOND_LOOK: Duration = Duration::from_secs(2);

impl CodeServerRunLauncher {
    pub(super) async fn health(
        &self,
        ops: &dyn LauncherOps,
        run: &DagsterRun,
    ) -> Result<CheckRunHealthResult, BoxError> {
        let Some(info) = GrpcInfo::of_run(run)? else {
            return Ok(CheckRunHealthResult::new(WorkerStatus::Unknown)
                .with_msg("no tag of the run says which code server has it"));
        };
        let target = info.target.clone();
        let client = self.client(target.clone())?;
        let server = match client.get_server_id().await {
            Ok(id) if info.server_id.as_ref().is_none_or(|known| *known == id) => {
                if has_run(&client, &run.run_id).await? {
                    return Ok(CheckRunHealthResult::new(WorkerStatus::Running));
                }
                if info.server_id.is_some() {
                    return lost(ops, run, &client).await;
                }
                Server::Unsure
            }
            Ok(_) => Server::Replaced,
            Err(CodeLocationError::Unreachable { .. } | CodeLocationError::TimedOut { .. }) => {
                Server::Unreachable
            }
            Err(error) => return Err(error.into()),
        };
        let unknown = CheckRunHealthResult::new(WorkerStatus::Unknown);
        if target.is_local()
            && let Some(worker) = WorkerProcess::find(ops, &run.run_id).await?
            && let Some(is_alive) = worker.is_alive()
        {
            let pid = worker.pid;
            let name = format!("process {pid}");
            return Ok(if is_alive {
                let text = match server {
                    Server::Unreachable => {
                        format!("its code server is gone, its process (pid {pid}) goes on")
                    }
                    _ => format!("its code server was replaced, its process (pid {pid}) goes on"),
                };
                CheckRunHealthResult::new(WorkerStatus::Running).with_msg(text)
            } else {
                let text = match server {
                    Server::Unreachable => {
                        format!("its code server {target} and its process (pid {pid}) are gone")
                    }
                    _ => format!(
                        "code server {target} does not have it, and its process (pid {pid}) is gone"
                    ),
                };
                CheckRunHealthResult::new(WorkerStatus::NotFound).with_msg(text)
            }
            .with_run_worker_id(name));
        }
        Ok(match server {
            Server::Unreachable => unknown
                .with_msg(format!("code server {target} does not answer"))
                .with_transient(true),
            Server::Replaced => unknown
                .with_msg(format!(
                    "code server {target} was replaced; whether its runs go on cannot be seen from here"
                ))
                .with_transient(false),
            Server::Unsure => unknown
                .with_msg(format!(
                    "code server {target} has no such run now; whether it is the one that had it is not known"
                ))
                .with_transient(false),
        })
    }
}

/// What is known of the server of a run that it does not show.
#[derive(Debug, Clone, Copy)]
enum Server {
    Unreachable,
    Replaced,
    /// Dagster has launched the run, and has not written the id of the server.
    Unsure,
}

/// Whether the server has the worker of a run.
pub(super) async fn has_run(
    client: &CodeServerClient,
    run_id: &RunId,
) -> Result<bool, CodeLocationError> {
    match client.get_current_runs().await {
        Ok(runs) => Ok(runs.contains(run_id)),
        Err(CodeLocationError::Unimplemented { .. }) => client.can_cancel_execution(run_id).await,
        Err(error) => Err(error),
    }
}

/// The health of a run that its server does not have. The run may be ending in this moment.
async fn lost(
    ops: &dyn LauncherOps,
    run: &DagsterRun,
    client: &CodeServerClient,
) -> Result<CheckRunHealthResult, BoxError> {
    let gone = CheckRunHealthResult::new(WorkerStatus::NotFound)
        .with_msg(format!("code server {} has no such run", client.target()));
    if run.status.is_finished() {
        return Ok(gone);
    }
    tokio::time::sleep(SECOND_LOOK).await;
    if existing_run(ops, &run.run_id).await?.status.is_finished() {
        return Ok(CheckRunHealthResult::new(WorkerStatus::Success).with_msg("the run has ended"));
    }
    if has_run(client, &run.run_id).await? {
        return Ok(CheckRunHealthResult::new(WorkerStatus::Running));
    }
    Ok(gone)
}
