//! A home with a database, a code server, and runs that come as long as they are wanted.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use dagster_instance::{CreateRun, DagsterInstance};
use dagster_instance_tests::Home;
use instance_core::RunId;
use instance_core::error::{BoxError, chain};
use instance_core::ops::DaemonStoreAccess as _;
use instance_core::run::{DagsterRunStatus, RunsFilter};
use instance_core::storage::Only;
use instance_core::tags;
use uuid::Builder;

use super::checks;
use super::code::{PLAIN, POOLED, code_origin, job, plan};
use super::daemon::Daemon;
use super::stub::{LOCATION, Stub};
use super::worker::Habits;
use crate::crash::mixed;
use crate::postgres::TestDatabase;
use crate::postgres_matrix::server::{Mode, Pooler, Server};

/// The limits of all worlds.
pub(super) const MAX_RUNS: usize = 16;
pub(super) const TEAM_LIMIT: usize = 3;
pub(super) const REGION_LIMIT: usize = 1;
pub(super) const POOL_LIMIT: usize = 2;
pub(super) const MAX_RETRIES: usize = 2;

/// The tags that are limited.
pub(super) const TEAM: (&str, &str) = ("team", "data");
pub(super) const REGION: &str = "region";

/// So many runs wait in the queue while runs come.
const WAITING: u64 = 20;

/// How long everything may take to come to rest: what a killed keeper had taken from the queue alone waits for half a
/// minute, and its retries come after it.
const REST: Duration = Duration::from_mins(4);

/// How long a claim takes at most that nobody was killed in.
const PATIENCE: Duration = Duration::from_mins(2);

/// Where runs and events are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Store {
    Sqlite,
    Postgres,
    /// A Postgres behind a pgbouncer that gives each transaction another connection.
    Pooled,
}

/// What ends after everything that uses it.
struct Database {
    _pooler: Option<Pooler>,
    postgres: TestDatabase,
    _server: Option<Arc<Server>>,
}

/// All that a test is about.
pub(super) struct World {
    name: String,
    pub(super) instance: DagsterInstance,
    pub(super) stub: Stub,
    /// The home of the daemons.
    home: Home,
    seed: u64,
    fed: AtomicU64,
    daemons: AtomicU64,
    _own_home: Option<Home>,
    database: Option<Database>,
}

fn settings(start_timeout: u32) -> String {
    let (team, value) = TEAM;
    format!(
        "
run_coordinator:
  module: dagster.core.run_coordinator
  class: QueuedRunCoordinator
  config: {{dequeue_interval_seconds: 1}}
concurrency:
  runs:
    max_concurrent_runs: {MAX_RUNS}
    tag_concurrency_limits:
      - {{key: {team}, value: {value}, limit: {TEAM_LIMIT}}}
      - {{key: {REGION}, limit: {REGION_LIMIT}, value: {{applyLimitPerUniqueValue: true}}}}
  pools: {{granularity: run, default_limit: {POOL_LIMIT}}}
run_monitoring:
  enabled: true
  start_timeout_seconds: {start_timeout}
  cancel_timeout_seconds: 3
  poll_interval_seconds: 1
  free_slots_after_run_end_seconds: 1
run_retries: {{enabled: true, max_retries: {MAX_RETRIES}}}
"
    )
}

fn configured(home: Home, start_timeout: u32) -> Result<Home, BoxError> {
    let file = home.path().join("dagster.yaml");
    let mut file = OpenOptions::new().append(true).create(true).open(file)?;
    file.write_all(settings(start_timeout).as_bytes())?;
    Ok(home)
}

/// A world to come.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plan {
    pub(super) name: &'static str,
    pub(super) store: Store,
    pub(super) seed: u64,
    /// After how many seconds a run has to have started. A run of a worker that never starts takes so long; a run whose
    /// launch nobody knows of is found out about after half a minute.
    pub(super) start_timeout: u32,
}

impl Plan {
    /// What is started before the world is. It takes a while, and other tasks have to wait.
    fn homes(self) -> Result<(Home, Option<Home>, Option<Database>), BoxError> {
        let name = format!("keepers_{}_{}", self.name, self.seed);
        match self.store {
            // What is in memory is written at once, and killed in the middle more rarely.
            Store::Sqlite => Ok((Home::on_disk(), None, None)),
            Store::Postgres => {
                let database = TestDatabase::new(&name);
                let home = database.home();
                let database = Database { _pooler: None, postgres: database, _server: None };
                Ok((home, None, Some(database)))
            }
            Store::Pooled => {
                let server = Server::shared();
                let database = TestDatabase::on(server.url("postgres"), &name);
                let pooler = Pooler::start(&server, Mode::Transaction, 5, "");
                let (own_home, url) = (database.home(), database.url());
                let (_, name) = url.rsplit_once('/').ok_or("a URL without a database")?;
                let home = Home::new();
                let storage =
                    format!("storage:\n  postgres:\n    postgres_url: {}\n", pooler.url(name));
                std::fs::write(home.path().join("dagster.yaml"), storage)?;
                let database =
                    Database { _pooler: Some(pooler), postgres: database, _server: Some(server) };
                Ok((home, Some(own_home), Some(database)))
            }
        }
    }
}

impl World {
    pub(super) async fn new(plan: Plan) -> Result<Self, BoxError> {
        let (home, own_home, database) = tokio::task::block_in_place(|| plan.homes())?;
        let home = configured(home, plan.start_timeout)?;
        let own_home = own_home.map(|home| configured(home, plan.start_timeout)).transpose()?;
        let path = own_home.as_ref().unwrap_or(&home).path();
        let instance = DagsterInstance::builder().home(path).open().await?;
        instance.create_storages().await?;
        let habits = Habits {
            seed: plan.seed,
            some_never_start: plan.start_timeout < 10,
            begun: AtomicU64::new(0),
        };
        let stub = Stub::start(instance.clone(), habits).await?;
        Ok(Self {
            name: format!("{} on {:?}", plan.name, plan.store),
            instance,
            stub,
            home,
            seed: plan.seed,
            fed: AtomicU64::new(0),
            daemons: AtomicU64::new(0),
            _own_home: own_home,
            database,
        })
    }

    /// The URL of its Postgres, past every pooler; `None` if it is on SQLite.
    pub(super) fn url(&self) -> Option<String> {
        self.database.as_ref().map(|database| database.postgres.url())
    }

    /// What the world is called in messages.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// A number without an evident relation to others.
    pub(super) fn drawn(&self, number: u64) -> u64 {
        mixed(self.seed.wrapping_mul(1_000_003).wrapping_add(number))
    }

    /// Starts a daemon with these options.
    pub(super) fn start(&self, options: &[&str]) -> Result<Daemon, BoxError> {
        let number = self.daemons.fetch_add(1, Ordering::Relaxed);
        let log = self.home.path().join(format!("daemon-{number}.log"));
        let address = self.stub.address();
        let place = ["--server", &address, "--location-name", LOCATION];
        Daemon::start(&self.home, &[&place[..], options].concat(), log)
    }

    /// The last lines of all daemons.
    fn said(&self) -> String {
        let mut said = Vec::new();
        for number in 0..self.daemons.load(Ordering::Relaxed) {
            let log = self.home.path().join(format!("daemon-{number}.log"));
            let text = std::fs::read_to_string(log).unwrap_or_default();
            let lines: Vec<_> = text.lines().collect();
            let last = &lines[lines.len().saturating_sub(20)..];
            said.push(format!("--- daemon {number}\n{}", last.join("\n")));
        }
        said.join("\n")
    }

    /// Waits until the retries know where they have begun: what had failed before is not theirs.
    pub(super) async fn retries_begin(&self) -> Result<(), BoxError> {
        let key = "EVENT_LOG_CONSUMER_CURSOR-PIPELINE_FAILURE".to_owned();
        let since = Instant::now();
        while self
            .instance
            .daemon_store()
            .get_cursor_values(&[key.clone()].into())
            .await?
            .is_empty()
        {
            if since.elapsed() > PATIENCE {
                return Err(
                    format!("{}: the retries do not begin\n{}", self.name, self.said()).into()
                );
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }

    /// Waits until nothing is left of what was taken from the queue by processes that are gone.
    pub(super) async fn claims_are_found(&self, gone: &[u32]) -> Result<(), BoxError> {
        let since = Instant::now();
        loop {
            let notes = self.instance.daemon_store();
            let notes = notes.get_cursor_values_beginning("dagster_instance/claim/").await?;
            let is_left = |text: &String| {
                let note: serde_json::Value = serde_json::from_str(text).unwrap_or_default();
                gone.iter().any(|pid| note["pid"] == *pid)
            };
            if !notes.values().any(is_left) {
                return Ok(());
            }
            if since.elapsed() > PATIENCE {
                return Err(format!("{}: {notes:?} are left\n{}", self.name, self.said()).into());
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// Puts one run into the queue.
    pub(super) async fn feed(&self) -> Result<RunId, BoxError> {
        let number = self.fed.fetch_add(1, Ordering::Relaxed);
        let bytes = [self.drawn(2 * number), self.drawn(2 * number + 1)].map(u64::to_be_bytes);
        let bytes: [u8; 16] = bytes.concat().try_into().map_err(|_| "16 bytes")?;
        let run_id = RunId::from(Builder::from_random_bytes(bytes).into_uuid().to_string());
        let job_name = if number.is_multiple_of(5) { POOLED } else { PLAIN };
        let mut run_tags = BTreeMap::new();
        let mut tag = |key: &str, value: &str| run_tags.insert(key.to_owned(), value.to_owned());
        tag(tags::RETRY_STRATEGY, "ALL_STEPS");
        tag(tags::PRIORITY, &(number % 3).to_string());
        if number.is_multiple_of(3) {
            tag(TEAM.0, TEAM.1);
        }
        if let Some(region) = ["eu", "us"].get(usize::try_from(number % 8)?) {
            tag(REGION, region);
        }
        if number % 16 == 7 {
            tag(tags::MAX_RUNTIME, "1");
        }
        let job = job(job_name);
        let plan = plan(job_name, job.snapshot_id());
        let request = CreateRun::new(job_name)
            .with_run_id(run_id.clone())
            .with_tags(run_tags)
            .with_job_snapshot(job)
            .with_execution_plan_snapshot(plan)
            .with_job_code_origin(code_origin(job_name))
            .with_remote_job_origin(self.stub.job_origin(job_name));
        self.instance.create_run(request).await?;
        self.instance.submit_run(&run_id).await?;
        Ok(run_id)
    }

    /// Lets runs come for as long as something else goes on.
    pub(super) async fn feed_during<T>(
        &self,
        doing: impl Future<Output = Result<T, BoxError>>,
    ) -> Result<T, BoxError> {
        let is_over = AtomicBool::new(false);
        let feeding = async {
            let filter = RunsFilter::new().with_statuses(Only::one(DagsterRunStatus::Queued));
            while !is_over.load(Ordering::Relaxed) {
                // A run is created and submitted, or neither: so this is not ended from outside.
                if self.instance.get_runs_count(&filter).await? < WAITING {
                    self.feed().await?;
                } else {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
            Ok::<_, BoxError>(())
        };
        let doing = async {
            let done = doing.await;
            is_over.store(true, Ordering::Relaxed);
            done
        };
        let done = tokio::try_join!(feeding, doing).map(|((), done)| done);
        done.map_err(|error| self.wrong(&*error))
    }

    /// An error with what the daemons have said.
    fn wrong(&self, error: &(dyn Error + 'static)) -> BoxError {
        format!("{}: {}\n{}", self.name, chain(error), self.said()).into()
    }

    /// Waits until nothing is left to do.
    pub(super) async fn rests(&self) -> Result<(), BoxError> {
        let since = Instant::now();
        loop {
            let left = checks::left(self).await?;
            if left.is_empty() {
                return Ok(());
            }
            if since.elapsed() > REST {
                return Err(format!("{}: {left:#?}\n{}", self.name, self.said()).into());
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }

    /// Ends the daemons and checks what they have left behind.
    pub(super) async fn ends(
        &self,
        daemons: impl IntoIterator<Item = Daemon>,
    ) -> Result<checks::Counts, BoxError> {
        for daemon in daemons {
            daemon.ends().await?;
        }
        let counts = checks::check(self).await;
        self.instance.dispose().await?;
        counts.map_err(|error| self.wrong(&*error))
    }
}
