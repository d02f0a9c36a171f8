//! What a real code server says of a launch whose outcome nobody knows.

use dagster_instance::DagsterInstance;
use dagster_instance::ops::OwnedLauncherOps;
use dagster_instance::run::{DagsterRun, DagsterRunStatus};
use dagster_instance_tests::Home;
use instance_core::error::BoxError;
use instance_core::launcher::{LaunchState, LaunchStateContext, RunLauncher};
use instance_core::settings::GrpcLimits;
use instance_launcher::CodeServerRunLauncher;

use super::launched::{launched, open, until_event};
use super::server::Server;

const GRPC_INFO: &str = ".dagster/grpc_info";

/// The run as it would be if no event said that its worker has begun: with another id, and the tag of this server.
fn of_server(server: &Server, server_id: Option<&str>, run_id: &str) -> DagsterRun {
    let mut run = DagsterRun::new(run_id.into(), "long");
    run.status = DagsterRunStatus::Starting;
    let id = server_id.map_or_else(String::new, |id| format!(r#", "server_id": "{id}""#));
    let tag = format!(r#"{{"host": "localhost", "port": {}{id}}}"#, server.port());
    run.tags.insert(GRPC_INFO.to_owned(), tag);
    run
}

async fn state(instance: &DagsterInstance, run: DagsterRun) -> Result<LaunchState, BoxError> {
    let launcher = CodeServerRunLauncher::new(GrpcLimits::default());
    launcher.launch_state(LaunchStateContext::new(run, instance.owned_launcher_ops())).await
}

#[tokio::test]
async fn only_the_server_that_was_asked_knows_that_it_has_not_started_a_worker()
-> Result<(), BoxError> {
    let server = Server::start().await?;
    let home = Home::new();
    let instance = open(&home).await?;
    let id = server.client()?.get_server_id().await?;
    let absent = "00000000-0000-4000-8000-000000000001";
    let not_launched = LaunchState::NotLaunched { answered_by: Some(id.clone()) };
    assert_eq!(state(&instance, of_server(&server, Some(&id), absent)).await?, not_launched);
    // Another server was asked, or one that did not say who it is.
    for server_id in [Some("another"), None] {
        let run = of_server(&server, server_id, absent);
        assert_eq!(state(&instance, run).await?, LaunchState::Unknown, "{server_id:?}");
    }

    // The server has the run, of which the events of another instance say nothing.
    let run_id = launched(&home, &server, "long").await?;
    let elsewhere_home = Home::new();
    let elsewhere = open(&elsewhere_home).await?;
    for server_id in [Some(id.as_str()), Some("another"), None] {
        let run = of_server(&server, server_id, run_id.as_str());
        assert_eq!(state(&elsewhere, run).await?, LaunchState::Launched, "{server_id:?}");
    }
    // The server is replaced. Its worker goes on, and has said so.
    until_event(&home, &run_id, "Started process for run (pid: ").await?;
    let server = server.replaced().await?;
    let run = of_server(&server, Some(&id), run_id.as_str());
    assert_eq!(state(&elsewhere, run.clone()).await?, LaunchState::Unknown);
    assert_eq!(state(&instance, run).await?, LaunchState::Launched);
    instance.cancel_run(&run_id).await?;
    elsewhere.dispose().await?;
    instance.dispose().await?;
    server.end().await
}
