//! A server of Postgres with passwords, sockets and TLS, and poolers in front of it. They end with the test.
#![expect(clippy::disallowed_methods, reason = "tests start the programs that they test with")]

use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use dagster_instance_tests::root;
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, User};
use tempfile::TempDir;

/// Names the directory of the server's programs, and that of the pooler's.
const PROGRAMS: &str = "DAGSTER_INSTANCE_TEST_POSTGRES_PROGRAMS";
const POOLER: &str = "DAGSTER_INSTANCE_TEST_PGBOUNCER";

/// The user that runs servers if we are root, since servers refuse to be run by root.
const USERS: [&str; 2] = ["postgres", "nobody"];

/// How long a program may take to begin.
const BEGINNING: Duration = Duration::from_secs(30);

/// Who may connect: `admin` as it is, all others by their password.
const ACCESS: &str = "local all admin trust\nlocal all all scram-sha-256\nhost all admin 127.0.0.1/32 trust\n\
     host all all 127.0.0.1/32 scram-sha-256\n";

/// With TLS: a role that is known by its certificate, and one that may not connect without TLS.
const ACCESS_BY_TLS: &str = "hostssl all certified 127.0.0.1/32 cert\nhostnossl all certified 127.0.0.1/32 reject\n\
     hostssl all ciphered 127.0.0.1/32 scram-sha-256\nhostnossl all ciphered 127.0.0.1/32 reject\n";

/// A program that ends with this, and the signal that ends it at once: what it has written is thrown away with it.
struct Program(Child, Signal);

/// How long a program may take to end by its signal.
const ENDING: Duration = Duration::from_secs(10);

impl Drop for Program {
    fn drop(&mut self) {
        let pid = i32::try_from(self.0.id()).map(Pid::from_raw);
        let _ = pid.map(|pid| kill(pid, self.1));
        let deadline = Instant::now() + ENDING;
        while matches!(self.0.try_wait(), Ok(None)) && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(10));
        }
        // Whoever started us may have had signals ignored.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A server of Postgres.
pub(crate) struct Server {
    port: u16,
    // Ends before its files are removed.
    _program: Program,
    directory: TempDir,
}

/// Whether a server offers TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tls {
    Off,
    On,
}

impl Server {
    /// The server that tests share which are there at the same time.
    pub(crate) fn shared() -> Arc<Self> {
        static SHARED: Mutex<Weak<Server>> = Mutex::new(Weak::new());
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        shared.upgrade().unwrap_or_else(|| {
            let server = Arc::new(Self::start());
            *shared = Arc::downgrade(&server);
            server
        })
    }

    /// One of the test's own.
    pub(super) fn start() -> Self {
        Self::start_with(Tls::Off)
    }

    /// One with TLS.
    pub(super) fn with_tls() -> Self {
        let built = Command::new(programs().join("pg_config")).arg("--configure").output();
        let built = String::from_utf8(built.expect("pg_config").stdout).expect("text");
        assert!(
            built.contains("openssl"),
            "{} has no TLS: install a Postgres that was built with OpenSSL",
            programs().display()
        );
        Self::start_with(Tls::On)
    }

    fn start_with(tls: Tls) -> Self {
        let directory = directory("pg-");
        let data = directory.path().join("data");
        let mut initdb = program(&programs(), "initdb", &directory);
        initdb.args(["--no-sync", "--no-locale", "--encoding=UTF8", "--auth=trust"]);
        let made = initdb.args(["--username=admin", "--pgdata"]).arg(&data).output();
        let made = made.expect("initdb starts");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let port = free_port();
        let settings = format!(
            "\nlisten_addresses = '127.0.0.1'\nport = {port}\nfsync = off\nmax_connections = 100\n\
             unix_socket_directories = '{directory}'\npassword_encryption = 'scram-sha-256'\ntimezone = 'UTC'\n",
            directory = directory.path().display(),
        );
        let of_tls = format!(
            "ssl = on\nssl_cert_file = '{directory}/server.pem'\nssl_key_file = '{directory}/server.key'\n\
             ssl_ca_file = '{directory}/ca.pem'\n",
            directory = directory.path().display(),
        );
        let (settings, access) = match tls {
            Tls::Off => (settings, ACCESS.to_owned()),
            Tls::On => (settings + &of_tls, format!("{ACCESS_BY_TLS}{ACCESS}")),
        };
        for name in ["server.pem", "server.key", "ca.pem"] {
            give(&certificate(name), &directory.path().join(name));
        }
        let conf = data.join("postgresql.conf");
        let written = std::fs::read_to_string(&conf).expect("the server's settings") + &settings;
        std::fs::write(conf, written).expect("the server's settings");
        std::fs::write(data.join("pg_hba.conf"), access).expect("who may connect");
        let mut server = program(&programs(), "postgres", &directory);
        let started = server.arg("-D").arg(&data).spawn().expect("postgres starts");
        let started = Program(started, Signal::SIGQUIT);
        wait_for(port);
        let server = Self { port, directory, _program: started };
        // It takes connections before it serves them.
        let begun = Instant::now();
        while std::panic::catch_unwind(|| server.sql("postgres", &["SELECT 1"])).is_err() {
            assert!(begun.elapsed() < BEGINNING, "the server does not serve");
        }
        server
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// The directory of its socket.
    pub(super) fn socket(&self) -> &Path {
        self.directory.path()
    }

    /// The URL of a database for a role that needs no password.
    pub(crate) fn url(&self, database: &str) -> String {
        format!("postgresql://admin@127.0.0.1:{}/{database}", self.port)
    }

    /// Runs statements as a role that may do all; returns the rows of the last one.
    pub(crate) fn sql(&self, database: &str, statements: &[&str]) -> serde_json::Value {
        crate::postgres::sql(&self.url(database), statements)
    }

    /// Creates a database for a role of the same name with a password, and the role.
    pub(super) fn database(&self, name: &str, password: &str) {
        let password = password.replace('\'', "''");
        let name = name.replace('"', "\"\"");
        let role = format!("CREATE ROLE \"{name}\" LOGIN PASSWORD '{password}'");
        let database = format!("CREATE DATABASE \"{name}\" OWNER \"{name}\"");
        self.sql("postgres", &[&role, &database]);
    }
}

/// How a pooler shares the server's connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Session,
    Transaction,
}

/// A pgbouncer in front of a server.
pub(crate) struct Pooler {
    port: u16,
    _program: Program,
    _directory: TempDir,
}

impl Pooler {
    /// One with this many connections to each database, and more lines of its settings.
    pub(crate) fn start(server: &Server, mode: Mode, size: usize, settings: &str) -> Self {
        Self::start_at(free_port(), server, mode, size, settings)
    }

    /// Ends it, and starts another one in its place.
    pub(super) fn replaced(self, server: &Server, mode: Mode, size: usize) -> Self {
        let port = self.port;
        drop(self);
        Self::start_at(port, server, mode, size, "")
    }

    fn start_at(port: u16, server: &Server, mode: Mode, size: usize, settings: &str) -> Self {
        let directory = directory("bouncer-");
        let mode = match mode {
            Mode::Session => "session",
            Mode::Transaction => "transaction",
        };
        let text = format!(
            "[databases]\n* = host=127.0.0.1 port={} user=admin\n[pgbouncer]\nlisten_addr = 127.0.0.1\n\
             listen_port = {port}\nauth_type = any\npool_mode = {mode}\ndefault_pool_size = {size}\n\
             unix_socket_dir =\nlogfile = {}/log\n{settings}\n",
            server.port,
            directory.path().display(),
        );
        let path = directory.path().join("pgbouncer.ini");
        std::fs::write(&path, text).expect("the pooler's settings");
        let pooler = pooler();
        let mut command = as_user(&pooler, &directory);
        // Beside the program are the libraries that came with it.
        let libraries = pooler.parent().expect("a directory").join("../lib/x86_64-linux-gnu");
        if libraries.is_dir() {
            command.env("LD_LIBRARY_PATH", libraries);
        }
        let program = command.arg("-q").arg(&path).spawn().expect("pgbouncer starts");
        // All other signals make it wait for its clients, or are nothing to it.
        let program = Program(program, Signal::SIGKILL);
        wait_for(port);
        Self { port, _directory: directory, _program: program }
    }

    /// The URL of a database behind it.
    pub(crate) fn url(&self, database: &str) -> String {
        format!("postgresql://admin@127.0.0.1:{}/{database}", self.port)
    }
}

/// A file of `tests/fixtures/tls`.
pub(super) fn certificate(name: &str) -> PathBuf {
    root().join("tests/fixtures/tls").join(name)
}

/// A copy of a key that nobody else may read, as clients want it.
pub(super) fn private(name: &str, directory: &Path) -> PathBuf {
    let path = directory.join(name);
    std::fs::copy(certificate(name), &path).expect("a key");
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).expect("permissions");
    path
}

/// A port that nobody listens on.
pub(super) fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    listener.local_addr().expect("its address").port()
}

fn wait_for(port: u16) {
    let begun = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(begun.elapsed() < BEGINNING, "nothing listens on port {port}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Whom servers are run by: `None` if we are not root.
fn user() -> Option<User> {
    nix::unistd::Uid::effective().is_root().then(|| {
        let found = USERS.iter().find_map(|name| User::from_name(name).ok().flatten());
        found.unwrap_or_else(|| {
            panic!("servers refuse to be run by root, and there is none of {USERS:?}")
        })
    })
}

/// A directory of the user that runs servers. Its path is short, since that of a socket has to be.
fn directory(prefix: &str) -> TempDir {
    let directory =
        tempfile::Builder::new().prefix(prefix).tempdir_in("/tmp").expect("a directory");
    std::fs::set_permissions(directory.path(), PermissionsExt::from_mode(0o755))
        .expect("permissions");
    if let Some(user) = user() {
        nix::unistd::chown(directory.path(), Some(user.uid), Some(user.gid)).expect("an owner");
    }
    directory
}

/// Copies a file for the user that runs servers, and nobody else.
fn give(from: &Path, to: &Path) {
    std::fs::copy(from, to).expect("a file");
    std::fs::set_permissions(to, PermissionsExt::from_mode(0o600)).expect("permissions");
    if let Some(user) = user() {
        nix::unistd::chown(to, Some(user.uid), Some(user.gid)).expect("an owner");
    }
}

fn as_user(program: &Path, directory: &TempDir) -> Command {
    let mut command = Command::new(program);
    if let Some(user) = user() {
        command.uid(user.uid.as_raw()).gid(user.gid.as_raw());
    }
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("PG") {
            command.env_remove(name);
        }
    }
    command.current_dir(directory.path()).stdin(Stdio::null()).stdout(Stdio::null());
    command.stderr(Stdio::null());
    command
}

fn program(programs: &Path, name: &str, directory: &TempDir) -> Command {
    as_user(&programs.join(name), directory)
}

fn programs() -> PathBuf {
    if let Some(programs) = std::env::var_os(PROGRAMS) {
        return PathBuf::from(programs);
    }
    let installed = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let newest = installed.map(|version| version.path().join("bin")).max();
    newest.unwrap_or_else(|| panic!("{PROGRAMS} is not set; `cargo xtask compat` sets it"))
}

fn pooler() -> PathBuf {
    let named = std::env::var_os(POOLER).map(PathBuf::from);
    let installed = || Some(PathBuf::from("/usr/sbin/pgbouncer")).filter(|path| path.is_file());
    let found = named.or_else(installed);
    found.unwrap_or_else(|| {
        panic!("{POOLER} is not set, which `cargo xtask compat` sets; or install pgbouncer")
    })
}
