//! Failures that a real Dagster commits late, in another order than that of their ids, and whose runs get their status later
//! still: on Postgres, each is retried once.
//!
//! `cargo xtask late-failures --count` asks for more than the gate, by `DAGSTER_INSTANCE_LATE_FAILURES`. Then Dagster's consumer
//! has the same failures before it, and what it loses is printed.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::{BufRead, BufReader, Read as _, Write as _};
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use dagster_instance::keepers::{KeeperDuty, KeeperOptions};
use dagster_instance::run::{DagsterRun, DagsterRunStatus, RunsFilter};
use dagster_instance::storage::{Only, RunsPage};
use dagster_instance::{DagsterInstance, GrpcCodeLocation, LaunchRequest, RunId, tags};
use dagster_instance_tests::{Home, dagster_script, dagster_with_input};
use instance_core::error::BoxError;
use serde_json::{Value, json};

use super::launched::open;
use super::server::Server;
use crate::postgres::{FOREVER, TestDatabase};

type TestResult = Result<(), BoxError>;

const SCRIPT: &str = "late_failures.py";

/// How many runs fail, unless `DAGSTER_INSTANCE_LATE_FAILURES` says.
const FAILURES: usize = 200;

/// What the retries of failures are remembered by, in Dagster's words.
const CURSOR: &str = "EVENT_LOG_CONSUMER_CURSOR-PIPELINE_FAILURE";

const RETRIES: &str = "
run_retries: {enabled: true, max_retries: 1}
";

#[expect(
    clippy::disallowed_methods,
    reason = "`cargo xtask late-failures` asks for more than the gate"
)]
fn asked_count() -> Option<usize> {
    let count = std::env::var("DAGSTER_INSTANCE_LATE_FAILURES").ok()?;
    Some(count.parse().expect("DAGSTER_INSTANCE_LATE_FAILURES is no number"))
}

/// A database with runs that are about to fail.
struct World {
    database: TestDatabase,
    home: Home,
    instance: DagsterInstance,
    location: GrpcCodeLocation,
    run_ids: Vec<String>,
}

impl World {
    async fn new(name: &str, server: &Server, count: usize) -> Result<Self, BoxError> {
        let database = TestDatabase::new(name);
        let home = database.home();
        let file = home.path().join("dagster.yaml");
        OpenOptions::new().append(true).open(file)?.write_all(RETRIES.as_bytes())?;
        let instance = open(&home).await?;
        let location = instance.open_code_location(server.target(), Some("loc")).await?;
        let mut request = LaunchRequest::default();
        request.job = Some("plain".to_owned());
        request.tags = [(tags::RETRY_STRATEGY.to_owned(), "ALL_STEPS".to_owned())].into();
        let first = instance.launch(&location, request).await?;
        let mut run_ids = Vec::new();
        for number in 0..count {
            let run_id = format!("00000000-0000-4000-8000-{number:012}");
            let mut run = DagsterRun { run_id: RunId::from(&*run_id), ..first.clone() };
            run.status = DagsterRunStatus::Started;
            instance.add_run(run).await?;
            run_ids.push(run_id);
        }
        Ok(Self { database, home, instance, location, run_ids })
    }

    /// Has all runs fail; returns what the writer says of it.
    async fn fail_all(&self) -> Result<Value, BoxError> {
        let place = self.home.path().to_string_lossy().into_owned();
        let asked = json!({"run_ids": self.run_ids, "seed": 1});
        let failing = move || dagster_with_input(SCRIPT, &[place.as_str(), "write"], &asked);
        Ok(tokio::task::spawn_blocking(failing).await?)
    }

    /// Up to which id failures are decided; `None` if nobody has looked yet.
    async fn cursor(&self) -> Result<Option<i64>, BoxError> {
        let values = self.instance.get_cursor_values(&[CURSOR.to_owned()].into()).await?;
        Ok(values.get(CURSOR).map(|text| text.parse()).transpose()?)
    }

    /// Waits until failures are decided up to an id.
    async fn until_decided(&self, id: i64) -> TestResult {
        let patience = FOREVER + Duration::from_secs(1) * u32::try_from(self.run_ids.len())?;
        let since = Instant::now();
        loop {
            let cursor = self.cursor().await?;
            if cursor.is_some_and(|cursor| cursor >= id) {
                return Ok(());
            }
            if since.elapsed() > patience {
                return Err(format!("the cursor is at {cursor:?}, and not at {id}").into());
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    async fn dispose(self) -> TestResult {
        self.instance.dispose().await?;
        drop(self.database);
        Ok(())
    }
}

/// The number of runs that were committed behind one with a greater id.
fn late(told: &Value) -> Result<usize, BoxError> {
    Ok(usize::try_from(told["late"].as_u64().ok_or("how many were late is not told")?)?)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn failures_that_become_visible_late_are_each_retried_once() -> TestResult {
    let count = asked_count().unwrap_or(FAILURES);
    let server = Server::start().await?;
    let world = World::new("late_failures", &server, count).await?;
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let keeping = tokio::spawn({
        let (instance, workspace) = (world.instance.clone(), Arc::new(world.location.clone()));
        let options = KeeperOptions::new().with_duties(Only::one(KeeperDuty::Retries));
        // Nothing is sent; that the sender is dropped is the message.
        async move { instance.keep(options, workspace, async { drop(stopped.await) }).await }
    });
    // What had failed before the first look is retried by nobody.
    world.until_decided(0).await?;
    let told = world.fail_all().await?;
    assert!(late(&told)? > count / 10, "next to nothing was late: {told}");
    world.until_decided(told["greatest"].as_i64().ok_or("no id")?).await?;
    drop(stop);
    keeping.await??;

    let all = world.instance.get_runs(&RunsFilter::new(), &RunsPage::new()).await?;
    let by_id: BTreeMap<_, _> = all.iter().map(|run| (run.run_id.as_str(), run)).collect();
    let mut retries: BTreeMap<&str, Vec<&DagsterRun>> = BTreeMap::new();
    for run in &all {
        if let Some(parent) = &run.parent_run_id {
            retries.entry(parent.as_str()).or_default().push(run);
        }
    }
    assert_eq!(retries.values().map(Vec::len).sum::<usize>(), count);
    for run_id in &world.run_ids {
        let parent = by_id[run_id.as_str()];
        assert_eq!(parent.status, DagsterRunStatus::Failure);
        let [retry] = retries.get(run_id.as_str()).map(Vec::as_slice).unwrap_or_default() else {
            return Err(
                format!("run {run_id} has other retries than one: {:?}", parent.tags).into()
            );
        };
        assert_eq!(retry.status, DagsterRunStatus::Queued);
        assert_eq!(retry.tags.get(tags::RETRY_NUMBER).map(String::as_str), Some("1"));
        let told = parent.tags.get(tags::AUTO_RETRY_RUN_ID).map(String::as_str);
        assert_eq!(told, Some(retry.run_id.as_str()));
    }
    world.dispose().await?;
    if asked_count().is_some() {
        count_what_dagster_loses(&server, count).await?;
    }
    server.end().await
}

/// The same with Dagster's consumer in the place of ours: how many failures it retries is told, and nothing is demanded.
async fn count_what_dagster_loses(server: &Server, count: usize) -> TestResult {
    let world = World::new("late_failures_of_dagster", server, count).await?;
    let mut script = dagster_script(SCRIPT);
    script.arg(world.home.path()).arg("consume").stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = script.stderr(Stdio::null()).spawn()?;
    let mut stdout = BufReader::new(child.stdout.take().ok_or("its output")?);
    stdout.read_line(&mut String::new())?;
    let told = world.fail_all().await?;
    drop(child.stdin.take());
    let mut rest = String::new();
    stdout.read_to_string(&mut rest)?;
    assert!(child.wait()?.success());
    let last: Value = serde_json::from_str(rest.lines().last().ok_or("it says nothing")?)?;
    let retried = last["retried"].as_array().ok_or("it does not say what it retries")?.len();
    println!(
        "of {count} failures, {} of them late, Dagster's consumer retries {retried} and loses {}",
        late(&told)?,
        count - retried
    );
    world.dispose().await
}
