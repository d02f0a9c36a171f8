//! The server of a code location: one of somebody else, or one that is started for it.

use instance_core::code_location::CodeLocationError;
use instance_core::run::CodeLocationOrigin;
use tokio::sync::watch;

use super::client::CodeServerClient;
use super::options::CodeLocationOptions;
use super::target::GrpcTarget;

#[cfg(feature = "process")]
use crate::server_process::ServerProcess;

/// The server of a code location.
#[derive(Debug)]
pub(super) enum Server {
    /// Somebody else's.
    Other(Box<CodeServerClient>),
    /// Ours.
    #[cfg(feature = "process")]
    Ours(Box<ServerProcess>),
}

impl Server {
    /// The server of an origin. It is started if the origin names code; a server of somebody else is not spoken to.
    pub(super) async fn open(
        name: &str,
        origin: &CodeLocationOrigin,
        options: &CodeLocationOptions,
        closed: watch::Receiver<bool>,
    ) -> Result<Self, CodeLocationError> {
        let failed =
            |reason: String| CodeLocationError::NotStarted { location: name.to_owned(), reason };
        match origin {
            CodeLocationOrigin::GrpcServer(server) => {
                let target = GrpcTarget::of_origin(server);
                let target = target.ok_or_else(|| {
                    failed("its origin has neither a port nor a socket".to_owned())
                })?;
                let client = CodeServerClient::new(target, options.limits.clone())?;
                Ok(Self::Other(Box::new(client)))
            }
            CodeLocationOrigin::ManagedGrpcPythonEnv(managed) => {
                Self::start(name, managed, options, closed).await
            }
            _ => Err(failed(
                "it is neither a server nor code of Python that one could be started for"
                    .to_owned(),
            )),
        }
    }

    #[cfg(feature = "process")]
    async fn start(
        name: &str,
        origin: &instance_core::run::ManagedGrpcPythonEnvCodeLocationOrigin,
        options: &CodeLocationOptions,
        closed: watch::Receiver<bool>,
    ) -> Result<Self, CodeLocationError> {
        use crate::server_process::{
            CodeServerCommand, CodeServerEndpoint, Interpreter, ServerStart,
        };

        let of_workspace = origin.loadable_target_origin.executable_path.as_deref();
        let interpreter = Interpreter::find(of_workspace, &options.interpreters);
        let interpreter = interpreter.map_err(|error| CodeLocationError::NotStarted {
            location: name.to_owned(),
            reason: error.to_string(),
        })?;
        let start = ServerStart {
            location: name,
            limits: options.limits.clone(),
            timeout: options.startup_timeout,
            output: options.output.clone(),
            path: options.interpreters.path.as_deref(),
            closed,
        };
        let process = ServerProcess::start(start, |socket| {
            let endpoint = CodeServerEndpoint::Socket(socket.to_owned());
            CodeServerCommand::new(interpreter, origin.clone(), endpoint)
                .with_heartbeat_timeout_seconds(options.heartbeat_timeout_seconds.max(1))
                .with_instance_ref(options.instance_ref.clone())
        });
        Ok(Self::Ours(Box::new(process.await?)))
    }

    #[cfg(not(feature = "process"))]
    #[expect(clippy::unused_async, reason = "with the feature it waits for the server")]
    async fn start(
        name: &str,
        _origin: &instance_core::run::ManagedGrpcPythonEnvCodeLocationOrigin,
        _options: &CodeLocationOptions,
        _closed: watch::Receiver<bool>,
    ) -> Result<Self, CodeLocationError> {
        let reason = "it is code of Python, and this build starts no servers; build with the feature `process`, or start the \
                      server and name it as a grpc_server";
        Err(CodeLocationError::NotStarted { location: name.to_owned(), reason: reason.to_owned() })
    }

    /// The client of the server.
    pub(super) fn client(&self) -> &CodeServerClient {
        match self {
            Self::Other(client) => client,
            #[cfg(feature = "process")]
            Self::Ours(process) => process.client(),
        }
    }

    /// Whether we have started it.
    pub(super) const fn is_ours(&self) -> bool {
        !matches!(self, Self::Other(_))
    }

    /// Whether it is known that the server has ended, as only that of ours can be.
    pub(super) fn has_ended(&mut self) -> bool {
        match self {
            Self::Other(_) => false,
            #[cfg(feature = "process")]
            Self::Ours(process) => process.has_ended(),
        }
    }

    /// Whether the server of ours that does not answer is about to be gone, as one that was killed: its sockets are closed before
    /// its process has ended.
    pub(super) async fn is_ending(&mut self) -> bool {
        match self {
            Self::Other(_) => false,
            #[cfg(feature = "process")]
            Self::Ours(process) => process.is_ending().await,
        }
    }

    /// Ends a server of ours. Others are left alone.
    pub(super) async fn end(self) {
        match self {
            Self::Other(_) => {}
            #[cfg(feature = "process")]
            Self::Ours(process) => process.end().await,
        }
    }
}
