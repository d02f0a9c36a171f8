//! The pooler pgbouncer for tests: the one that is installed, else the package of Debian and its like, unpacked below
//! `target/`, for which nobody has to be root.
//!
//! Not here: what is tested.

use std::fs;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use clap::ValueEnum;

use crate::postgres::{as_server_user, free_port, on_path};
use crate::scratch::{Guard, kept_directory, place};
use crate::workspace::Workspace;
use crate::{cached, process};

/// The package of the program, and those of libraries that it needs and that not every machine has.
const PACKAGES: [&str; 3] = ["pgbouncer", "libevent-2.1-7", "libc-ares2"];

/// Where the program is, whether or not that is on the path.
const PLACE: &str = "usr/sbin/pgbouncer";

/// Returns the program.
pub(crate) fn ensure(workspace: &Workspace) -> Result<PathBuf> {
    let installed = Some(Path::new("/").join(PLACE)).filter(|program| program.is_file());
    if let Some(program) = on_path("pgbouncer").or(installed) {
        return Ok(program);
    }
    let unpacked = cached::directory(workspace, "pgbouncer", &PACKAGES.join(" "), unpack);
    let unpacked = unpacked.context(
        "there is no pgbouncer, which the tests of poolers need: install it (`apt-get install pgbouncer`, \
         `dnf install pgbouncer`, `brew install pgbouncer`)",
    )?;
    Ok(unpacked.join(PLACE))
}

/// How a pooler shares the server's connections.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum PoolMode {
    Session,
    Transaction,
}

/// How long it may take until it listens.
const BEGINNING: Duration = Duration::from_secs(10);

/// A pooler in front of a server, which ends with this.
pub(crate) struct Pooler {
    url: String,
    _guard: Guard,
}

impl Pooler {
    /// Starts one in front of the server of this URL.
    pub(crate) fn start(workspace: &Workspace, url: &str, mode: PoolMode) -> Result<Self> {
        let parts = url.split_once("://").and_then(|(_, rest)| rest.split_once('/'));
        let (authority, database) = parts.context("the URL names no database")?;
        let (user, address) = authority.split_once('@').context("the URL names no user")?;
        let (user, _) = user.split_once(':').unwrap_or((user, ""));
        let (host, server_port) = address.rsplit_once(':').context("the URL names no port")?;
        let (mode, size) = match mode {
            PoolMode::Session => ("session", 100),
            // Few, so that they change hands.
            PoolMode::Transaction => ("transaction", 5),
        };
        let program = ensure(workspace)?;
        let directory = kept_directory("dagster-instance-pooler-", &place())?;
        let mut stop = Command::new("sh");
        // Other signals make it wait for its clients.
        stop.args(["-c", "kill -9 $(cat \"$0\")"]).arg(directory.join("pid"));
        let guard = Guard::new(&directory, Some(&stop))?;
        let mut command = as_server_user(&program, &directory)?;
        let (port, settings) = (free_port()?, directory.join("pgbouncer.ini"));
        fs::write(
            &settings,
            format!(
                "[databases]\n* = host={host} port={server_port} user={user}\n[pgbouncer]\n\
                 listen_addr = 127.0.0.1\nlisten_port = {port}\nauth_type = any\npool_mode = {mode}\n\
                 default_pool_size = {size}\nmax_client_conn = 1000\nunix_socket_dir =\n\
                 logfile = {directory}/log\npidfile = {directory}/pid\n",
                directory = directory.display(),
            ),
        )
        .with_context(|| format!("cannot write {}", settings.display()))?;
        // Beside the program are the libraries that came with it.
        let libraries = program.parent().map(|parent| parent.join("../lib/x86_64-linux-gnu"));
        if let Some(libraries) = libraries.filter(|libraries| libraries.is_dir()) {
            command.env("LD_LIBRARY_PATH", libraries);
        }
        process::output(command.args(["-q", "-d"]).arg(&settings))?;
        let url = format!("postgresql://{user}@127.0.0.1:{port}/{database}");
        let pooler = Self { url, _guard: guard };
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            ensure!(begun.elapsed() < BEGINNING, "pgbouncer does not listen on port {port}");
            thread::sleep(Duration::from_millis(20));
        }
        Ok(pooler)
    }

    /// The URL of the server's database through it.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }
}

/// Fetches the packages and unpacks them into a directory.
fn unpack(directory: &Path) -> Result<()> {
    if on_path("apt-get").is_none() || on_path("dpkg-deb").is_none() {
        bail!("this machine has no packages of Debian");
    }
    let mut download = Command::new("apt-get");
    process::output(download.arg("download").args(PACKAGES).current_dir(directory))?;
    for entry in std::fs::read_dir(directory)? {
        let package = entry?.path();
        if package.extension().is_some_and(|extension| extension == "deb") {
            let mut unpack = Command::new("dpkg-deb");
            process::output(unpack.arg("-x").arg(&package).arg(directory))?;
            std::fs::remove_file(&package)?;
        }
    }
    Ok(())
}
