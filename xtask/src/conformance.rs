//! The step `conformance`: Dagster's own storage suites against our stores, which a process of their own serves.
//!
//! Here: what a suite needs and how it is run. Not here: how its storage reaches ours
//! (`tests/conformance/dagshim`), nor what serves our stores (the program `conformance_server`).

mod report;
mod suites;

use std::env;
use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{self, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use clap::Args;

use crate::compat::test_program;
use crate::conformance::report::{Outcome, complaints, failures, table};
use crate::conformance::suites::{SUITES, Suite, Tests};
use crate::pgbouncer::{PoolMode, Pooler};
use crate::postgres::{self, Postgres};
use crate::process::{output, quoted};
use crate::scratch::Scratch;
use crate::workspace::Workspace;
use crate::{python_env, sdist};

/// The program that serves our storages.
const SERVER: &str = "conformance_server";

/// The variable that names another program, by its absolute path, to use instead of one that is built.
const SERVER_VARIABLE: &str = "DAGSHIM_SERVER";

/// How many suites run at once. Some tests wait for something that takes only seconds on a machine that has time.
/// So there are no more than the smallest machine has processors.
const AT_ONCE: usize = 2;

/// Which suites run, and on what.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Conformance {
    /// Which suite; all unless said, but for the long ones
    suite: Option<String>,
    /// All suites, the long ones too
    #[arg(long, conflicts_with = "suite")]
    long: bool,
    /// Dagster's own storages behind the same protocol, to compare with
    #[arg(long)]
    stock: bool,
    /// A pgbouncer between the storages and Postgres; only the suites on Postgres run then
    #[arg(long, value_name = "MODE")]
    pooler: Option<PoolMode>,
    /// Arguments for pytest, after `--`; no suite has to reach its target then
    #[arg(last = true)]
    args: Vec<String>,
}

impl Conformance {
    fn chosen(&self) -> Result<Vec<&'static Suite>> {
        let is_chosen = |known: &&Suite| match &self.suite {
            Some(suite) => suite == known.name,
            None => (self.long || !known.long) && (known.postgres || self.pooler.is_none()),
        };
        let chosen: Vec<_> = SUITES.iter().filter(is_chosen).collect();
        let names: Vec<_> = SUITES.iter().map(|suite| suite.name).collect();
        ensure!(!chosen.is_empty(), "there is no such suite; there are: {}", names.join(", "));
        Ok(chosen)
    }
}

/// Runs Dagster's suites on our storages.
pub(crate) fn run(workspace: &Workspace, wanted: &Conformance) -> Result<()> {
    let (chosen, args) = (wanted.chosen()?, &wanted.args);
    let setup = Setup::prepare(workspace, &chosen, wanted)?;
    let outcomes = setup.run_all(&chosen)?;
    println!("{}\n{}", table(&outcomes), failures(&outcomes));
    let complaints = complaints(&outcomes, args.is_empty());
    if !complaints.is_empty() {
        bail!("{}\nwhat pytest said is below {}", complaints.join("\n"), setup.logs.display());
    }
    Ok(())
}

/// What every suite needs.
struct Setup<'a> {
    python: PathBuf,
    /// `tests/conformance`.
    bridge: PathBuf,
    sdist: PathBuf,
    logs: PathBuf,
    /// Compiled Python, so that none is left between the sources.
    compiled: PathBuf,
    /// None for Dagster's own storages.
    server: Option<String>,
    postgres: Option<Postgres>,
    /// What the storages see of it, if that is another.
    pooler: Option<Pooler>,
    /// `tests/python/postgres_sql.py`.
    sql: PathBuf,
    scratch: Scratch,
    args: &'a [String],
    /// One suite with arguments means that somebody works on it, so pytest writes to the terminal.
    on_terminal: bool,
}

impl<'a> Setup<'a> {
    fn prepare(workspace: &Workspace, chosen: &[&Suite], wanted: &'a Conformance) -> Result<Self> {
        let args = &wanted.args;
        let compat = workspace.target.join("compat");
        let logs = compat.join("conformance");
        fs::create_dir_all(&logs).with_context(|| format!("cannot create {}", logs.display()))?;
        let postgres = if chosen.iter().any(|suite| suite.postgres) {
            Some(postgres::ensure(workspace, postgres::Place::Memory)?)
        } else {
            None
        };
        let pooler = match (wanted.pooler, &postgres) {
            (Some(mode), Some(postgres)) => Some(Pooler::start(workspace, postgres.url(), mode)?),
            _ => None,
        };
        Ok(Self {
            python: python_env::ensure(workspace)?,
            bridge: workspace.root.join("tests/conformance"),
            sdist: sdist::ensure(workspace)?,
            logs,
            compiled: compat.join("pycache"),
            sql: workspace.root.join("tests/python/postgres_sql.py"),
            scratch: Scratch::new()?,
            server: if wanted.stock { None } else { Some(server(workspace)?) },
            postgres,
            pooler,
            args,
            on_terminal: chosen.len() == 1 && !args.is_empty(),
        })
    }

    /// Runs the suites. Returns what became of each, in their order.
    fn run_all<'s>(&self, chosen: &[&'s Suite]) -> Result<Vec<(&'s Suite, Outcome)>> {
        let waiting = Mutex::new(chosen.iter().copied());
        let outcomes = Mutex::new(Vec::new());
        let work = || -> Result<()> {
            loop {
                let next = waiting.lock().unwrap_or_else(PoisonError::into_inner).next();
                let Some(suite) = next else { return Ok(()) };
                let outcome = match self.postgres.as_ref().filter(|_| suite.postgres) {
                    Some(postgres) => self.run_on_database(suite, postgres)?,
                    None => self.run_one(suite, None)?,
                };
                eprintln!("    {}: {}", suite.name, outcome.summary());
                outcomes.lock().unwrap_or_else(PoisonError::into_inner).push((suite, outcome));
            }
        };
        thread::scope(|scope| -> Result<()> {
            let workers: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(work)).collect();
            for worker in workers {
                worker.join().ok().context("a worker panicked")??;
            }
            Ok(())
        })?;
        let mut outcomes = outcomes.into_inner().unwrap_or_else(PoisonError::into_inner);
        outcomes.sort_by_key(|(done, _)| chosen.iter().position(|suite| suite.name == done.name));
        Ok(outcomes)
    }

    /// Runs a suite on a database of its own, which each of its tests wipes.
    fn run_on_database(&self, suite: &Suite, postgres: &Postgres) -> Result<Outcome> {
        let name = format!("conformance_{}_{}", suite.name, process::id()).replace('-', "_");
        let sql = |statement: String| {
            let mut sql = Command::new(&self.python);
            output(sql.arg(&self.sql).args([postgres.url(), &statement]))
        };
        sql(format!("CREATE DATABASE {name}"))?;
        let url = self.pooler.as_ref().map_or(postgres.url(), Pooler::url);
        let (server, _) = url.rsplit_once('/').context("the URL names no database")?;
        let outcome = self.run_one(suite, Some(&format!("{server}/{name}")));
        sql(format!("DROP DATABASE {name} WITH (FORCE)"))?;
        outcome
    }

    fn run_one(&self, suite: &Suite, database: Option<&str>) -> Result<Outcome> {
        let results = self.logs.join(format!("{}.tsv", suite.name));
        let log = self.logs.join(format!("{}.log", suite.name));
        // A process that dies leaves no report, and the last report must not be taken for its own.
        if results.exists() {
            fs::remove_file(&results)?;
        }
        let mut pytest = self.pytest(suite)?;
        if let Some(database) = database {
            pytest.env("DAGSHIM_POSTGRES_URL", database);
        }
        pytest.env("DAGSHIM_OUTCOMES", &results).stdin(Stdio::null());
        if !self.on_terminal {
            let file =
                File::create(&log).with_context(|| format!("cannot create {}", log.display()))?;
            pytest.stderr(file.try_clone()?).stdout(file);
        }
        let start = Instant::now();
        let status = pytest.status().context("cannot start Python")?;
        let mut outcome = Outcome::parse(&fs::read_to_string(&results).unwrap_or_default());
        outcome.took = start.elapsed();
        // 1 says that tests failed; which ones is among the results.
        let ended = status.success() || status.code() == Some(1) && !outcome.failed.is_empty();
        if !ended {
            outcome.broken = Some(format!("pytest did not run to its end ({status})"));
        }
        Ok(outcome)
    }

    fn pytest(&self, suite: &Suite) -> Result<Command> {
        let contract = self.bridge.join("contract");
        let (shim, stubs) = (self.bridge.clone(), self.bridge.join("stubs"));
        // Dagster expects its tests beside it. So its source distribution comes before the installed package, which
        // is the same.
        let mut path = vec![shim, self.sdist.clone(), stubs];
        let mut pytest = Command::new(&self.python);
        pytest.args(["-m", "pytest", "-q", "-rfE", "-p", "outcomes", "-c"]);
        pytest.arg(contract.join("pytest.ini"));
        match suite.tests {
            Tests::Contract(tests) => {
                pytest.current_dir(&contract).arg(tests);
                path.insert(0, contract);
            }
            Tests::Default(tests) => {
                let directory = self.sdist.join("dagster_tests");
                pytest.current_dir(&directory).arg("--rootdir").arg(directory).args(tests);
                path.insert(0, self.bridge.join("default"));
            }
        }
        pytest.args(self.args).env("PYTHONPATH", env::join_paths(path)?);
        pytest.env("PYTHONPYCACHEPREFIX", &self.compiled).env_remove("PYTHONDONTWRITEBYTECODE");
        pytest.env("DAGSTER_DISABLE_TELEMETRY", "1");
        pytest.env_remove("DAGSTER_HOME").env("DAGSHIM_STEXT", "1");
        match &self.server {
            Some(server) => pytest.env("DAGSHIM_BACKEND", "socket").env(SERVER_VARIABLE, server),
            None => pytest.env("DAGSHIM_BACKEND", "inproc"),
        };
        self.scratch.of(&mut pytest);
        Ok(pytest)
    }
}

/// The command that serves our storages, as a shell would read it.
fn server(workspace: &Workspace) -> Result<String> {
    match env::var(SERVER_VARIABLE) {
        Ok(server) if !server.is_empty() => Ok(server),
        _ => Ok(quoted(test_program(workspace, SERVER)?.as_os_str())),
    }
}
