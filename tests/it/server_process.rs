//! Code servers that are started by the command lines of ours: the real Dagster takes them, and listens.

use std::os::unix::net::UnixStream;
use std::time::Duration;

use dagster_instance::{Environment, ProcessEnvironment};
use dagster_instance_tests::{Home, python};
use instance_config::{LoadWorkspace, load_workspace};
use instance_core::error::BoxError;
use instance_core::run::{CodeLocationOrigin, ManagedGrpcPythonEnvCodeLocationOrigin};
use instance_launcher::{
    CodeServerCommand, CodeServerEndpoint, CodeServerKind, Interpreter, InterpreterSearch,
};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

type TestResult = Result<(), BoxError>;

const CODE: &str = "from dagster import Definitions, job, op\n\n@op\ndef one(): pass\n\n@job\ndef j(): one()\n\n\
                    defs = Definitions(jobs=[j])\n";

/// The location of a workspace in the home that has the file.
fn origin(home: &Home) -> Result<ManagedGrpcPythonEnvCodeLocationOrigin, BoxError> {
    std::fs::write(home.path().join("code.py"), CODE)?;
    let text = "load_from: [{python_file: {relative_path: code.py, attribute: defs}}]\n";
    std::fs::write(home.path().join("workspace.yaml"), text)?;
    let workspace = load_workspace(&LoadWorkspace::new(home.path()), &ProcessEnvironment)?;
    match workspace.location("code.py:defs") {
        Some(CodeLocationOrigin::ManagedGrpcPythonEnv(origin)) => Ok(origin.clone()),
        other => Err(format!("{other:?}").into()),
    }
}

/// A server with all its processes, which end with this.
struct Group(Pid);

impl Drop for Group {
    fn drop(&mut self) {
        let _ = killpg(self.0, Signal::SIGKILL);
    }
}

/// Each of Dagster's two commands listens on the socket that it was given.
#[tokio::test]
async fn a_server_listens_on_its_socket() -> TestResult {
    for kind in [CodeServerKind::ApiGrpc, CodeServerKind::CodeServerStart] {
        let home = Home::new();
        let socket = home.path().join("grpc.sock");
        let search = InterpreterSearch::default().with_named(Some(python().to_owned()));
        let server = CodeServerCommand::new(
            Interpreter::find(None, &search)?,
            origin(&home)?,
            CodeServerEndpoint::Socket(socket.clone()),
        )
        .with_kind(kind)
        .with_heartbeat_timeout_seconds(120);
        let mut command = server.command(ProcessEnvironment.get_os("PATH").as_deref());
        let mut child = command.env("DAGSTER_HOME", home.path()).spawn()?;
        let _group = Group(Pid::from_raw(i32::try_from(child.id().ok_or("it has ended")?)?));
        let listens = async {
            while UnixStream::connect(&socket).is_err() {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        tokio::select! {
            () = listens => {}
            ended = child.wait() => return Err(format!("{kind:?} ended: {ended:?}").into()),
            () = tokio::time::sleep(Duration::from_mins(2)) => {
                return Err(format!("{kind:?} does not listen").into());
            }
        }
    }
    Ok(())
}
