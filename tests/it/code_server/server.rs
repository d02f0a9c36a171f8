//! A real code server of the pinned release, and what is asked of it.

use std::fs::File;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use dagster_instance::settings::GrpcLimits;
use dagster_instance::{CodeServerClient, GrpcPlace, GrpcTarget};
use dagster_instance_tests::{python, root};
use instance_core::error::BoxError;
use tempfile::TempDir;

/// How long a server may take until it answers: it imports Dagster and the definitions.
const START: Duration = Duration::from_mins(3);

/// A server in a process of its own. It is killed when this value goes away; the workers of its runs are not.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    target: GrpcTarget,
    /// The options that say where it listens.
    place: Vec<String>,
    directory: TempDir,
}

impl Server {
    /// Starts a server of the definitions of the tests at a fresh port, and waits until it answers.
    pub(crate) async fn start() -> Result<Self, BoxError> {
        Self::start_on(free_port()?).await
    }

    /// Starts one at a port, which nobody else listens on.
    pub(super) async fn start_on(port: u16) -> Result<Self, BoxError> {
        let arguments = ["--host", "127.0.0.1", "--port", &port.to_string()].map(str::to_owned);
        Self::start_at(GrpcTarget::port("localhost", port), &arguments, None).await
    }

    /// Starts one at a socket.
    pub(super) async fn start_at_socket() -> Result<Self, BoxError> {
        let directory = tempfile::tempdir()?;
        let socket = directory.path().join("grpc.sock");
        let arguments = ["--socket".to_owned(), socket.display().to_string()];
        Self::start_at(GrpcTarget::socket(socket), &arguments, Some(directory)).await
    }

    async fn start_at(
        target: GrpcTarget,
        place: &[String],
        directory: Option<TempDir>,
    ) -> Result<Self, BoxError> {
        let directory = directory.map_or_else(tempfile::tempdir, Ok)?;
        let log = File::create(directory.path().join("log"))?;
        #[expect(clippy::disallowed_methods, reason = "tests start the programs that they test")]
        let child = Command::new(python())
            .args(["-m", "dagster", "api", "grpc", "--location-name", "loc"])
            .args(place)
            .arg("--python-file")
            .arg(definitions())
            .current_dir(directory.path())
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("DAGSTER_DISABLE_TELEMETRY", "1")
            .env_remove("DAGSTER_HOME")
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()?;
        let mut server = Self { child, target, place: place.to_vec(), directory };
        let client = server.client()?;
        let since = Instant::now();
        while let Err(error) = client.ping().await {
            if let Some(status) = server.child.try_wait()? {
                return Err(format!("the server ended with {status}:\n{}", server.log()).into());
            }
            if since.elapsed() > START {
                return Err(
                    format!("the server does not answer ({error}):\n{}", server.log()).into()
                );
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Ok(server)
    }

    pub(crate) fn target(&self) -> GrpcTarget {
        self.target.clone()
    }

    /// Its port; 0 of a server at a socket.
    pub(crate) const fn port(&self) -> u16 {
        match self.target.place {
            GrpcPlace::Port(port) => port,
            GrpcPlace::Socket(_) => 0,
        }
    }

    /// The options of our binary that name the server.
    pub(super) fn options(&self) -> [String; 2] {
        let shown = self.target.to_string();
        match shown.strip_prefix("unix:") {
            Some(socket) => ["--socket".to_owned(), socket.to_owned()],
            None => ["--server".to_owned(), shown],
        }
    }

    pub(crate) fn client(&self) -> Result<CodeServerClient, BoxError> {
        Ok(CodeServerClient::new(self.target(), GrpcLimits::default())?)
    }

    /// The pid of the server.
    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What the server has printed.
    pub(super) fn log(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("log")).unwrap_or_default()
    }

    /// Kills the server, and starts another one at the same place.
    pub(super) async fn replaced(mut self) -> Result<Self, BoxError> {
        self.kill()?;
        let directory = std::mem::replace(&mut self.directory, tempfile::tempdir()?);
        Self::start_at(self.target(), &self.place, Some(directory)).await
    }

    /// Ends the server at once, and nothing else.
    pub(crate) fn kill(&mut self) -> Result<(), BoxError> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Ends the server as a program does that is done with it.
    pub(super) async fn end(mut self) -> Result<(), BoxError> {
        let told = self.client()?.shutdown_server().await;
        let since = Instant::now();
        while since.elapsed() < Duration::from_secs(20) {
            if self.child.try_wait()?.is_some() {
                return Ok(told?);
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        self.kill()?;
        Err(format!("the server did not end: {told:?}\n{}", self.log()).into())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A port that nobody listens on.
pub(super) fn free_port() -> Result<u16, BoxError> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

/// The definitions that the servers of tests serve.
pub(super) fn definitions() -> PathBuf {
    directory().join("definitions.py")
}

/// Where the Python of these tests is.
pub(super) fn directory() -> PathBuf {
    Path::new(root()).join("tests/python/code_server")
}
