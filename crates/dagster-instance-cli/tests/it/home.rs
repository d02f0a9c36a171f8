//! A home in a directory of its own, with times and ids that stand still, and the binary over it.

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::{Command, Stdio};

use chrono::{DateTime, Utc};
use dagster_instance::clock::datetime_of;
use dagster_instance::error_info::SerializableErrorInfo;
use dagster_instance::event::{
    AssetMaterialization, DagsterEvent, DagsterEventType, EventLogEntry, LogLevel, StepFailureData,
    StepMaterializationData,
};
use dagster_instance::run::DagsterRun;
use dagster_instance::serdes::{UnknownFields, json_to_text};
use dagster_instance::{AssetKey, Clock, DagsterInstance, IdSource, RunId};
use tempfile::TempDir;
use uuid::Uuid;

/// The time at which everything happens: 2026-01-02 03:04:05 UTC.
pub(crate) const NOW: f64 = 1_767_323_045.0;

/// Runs of [`Home::filled`].
pub(crate) const SUCCEEDED: &str = "1aaaaaaa-0000-4000-8000-000000000001";
pub(crate) const FAILED: &str = "1bbbbbbb-0000-4000-8000-000000000002";
pub(crate) const CANCELED: &str = "2ccccccc-0000-4000-8000-000000000003";
pub(crate) const STARTED: &str = "2ddddddd-0000-4000-8000-000000000004";

#[derive(Debug)]
struct StandingClock;

impl Clock for StandingClock {
    fn now(&self) -> DateTime<Utc> {
        datetime_of(NOW).expect("a time in the calendar")
    }
}

#[derive(Debug)]
struct OneId;

impl IdSource for OneId {
    fn uuid(&self) -> Uuid {
        Uuid::from_u128(0x00ee_eeee_0000_4000_8000_0000_0000_0005)
    }
}

pub(crate) struct Home(TempDir);

impl Home {
    /// A directory without an instance.
    pub(crate) fn empty() -> Self {
        Self(tempfile::tempdir().expect("a directory"))
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// The instance of the directory, which is created if need be.
    pub(crate) async fn instance(&self) -> DagsterInstance {
        let builder = DagsterInstance::builder().home(self.path()).clock(StandingClock).ids(OneId);
        let instance = builder.open().await.expect("an instance");
        instance.create_storages().await.expect("storages");
        instance
    }

    /// A home with four runs, one for each way in which a run may be found.
    pub(crate) async fn filled() -> Self {
        let home = Self::empty();
        let instance = home.instance().await;
        let demo = AssetKey::new(["demo", "hello"]);
        let run = Run::add(&instance, SUCCEEDED, "etl", &[("team", "data"), ("k", "1")]).await;
        run.starts(0.0).await;
        run.of_step(DagsterEventType::StepStart, 1.0, "load", "Started step \"load\".").await;
        run.materializes(2.0, "load", &demo, Some("2026-01-01")).await;
        run.materializes(2.5, "load", &AssetKey::new(["a/b", "c\\"]), None).await;
        run.line(2.75, "a line of a log").await;
        run.of_step(DagsterEventType::StepSuccess, 3.0, "load", "Finished step \"load\".").await;
        run.of_run(DagsterEventType::RunSuccess, 3.5, "Finished execution of run.").await;

        let run = Run::add(&instance, FAILED, "etl", &[("k", "2")]).await;
        run.starts(10.0).await;
        run.of_step(DagsterEventType::StepStart, 11.0, "load", "Started step \"load\".").await;
        run.fails(12.0, "load", "cannot read:\n  row 1\n  row 2\n", Some("no such file\n")).await;
        run.of_run(DagsterEventType::RunFailure, 12.5, "Steps failed: ['load'].").await;

        let run = Run::add(&instance, CANCELED, "report", &[]).await;
        run.starts(20.0).await;
        run.of_run(DagsterEventType::RunCanceling, 20.5, "Canceling the run.").await;
        run.of_run(DagsterEventType::RunCanceled, 21.0, "Canceled the run.").await;

        Run::add(&instance, STARTED, "report", &[]).await.starts(30.0).await;
        instance.dispose().await.expect("everything is stored");
        home
    }

    /// Runs the binary on this home.
    pub(crate) fn run<A: AsRef<OsStr>>(&self, arguments: &[A]) -> Ended {
        self.run_into(arguments, Stdio::piped(), Stdio::piped())
    }

    /// The same with other places for its output.
    pub(crate) fn run_into<A: AsRef<OsStr>>(
        &self,
        arguments: &[A],
        stdout: Stdio,
        stderr: Stdio,
    ) -> Ended {
        let home = ["--home".into(), self.path().as_os_str().to_owned()];
        let arguments: Vec<OsString> =
            home.into_iter().chain(arguments.iter().map(|it| it.as_ref().to_owned())).collect();
        self.without_path(run_binary(&arguments, stdout, stderr))
    }

    /// Runs the binary with these arguments and variables, to which nothing is added.
    pub(crate) fn run_with(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Ended {
        let arguments: Vec<OsString> = arguments.iter().map(OsString::from).collect();
        self.without_path(run_binary_with(&arguments, variables, Stdio::piped(), Stdio::piped()))
    }

    fn without_path(&self, mut ended: Ended) -> Ended {
        let path = self.path().to_string_lossy();
        for text in [&mut ended.stdout, &mut ended.stderr] {
            *text = text.replace(&*path, "[HOME]");
        }
        ended
    }
}

/// Runs the binary with these arguments and nothing in its environment that it would follow.
pub(crate) fn run_binary(arguments: &[OsString], stdout: Stdio, stderr: Stdio) -> Ended {
    run_binary_with(arguments, &[], stdout, stderr)
}

#[expect(clippy::disallowed_methods, reason = "tests start the program that they test")]
fn run_binary_with(
    arguments: &[OsString],
    variables: &[(&str, &str)],
    stdout: Stdio,
    stderr: Stdio,
) -> Ended {
    let child = Command::new(env!("CARGO_BIN_EXE_dagster-instance"))
        .args(arguments)
        .env_remove("DAGSTER_HOME")
        .env_remove("DAGSTER_EVENT_BATCH_SIZE")
        .env_remove("DAGSTER_DAEMON_HEARTBEAT_TOLERANCE")
        .env_remove("DAGSTER_MAX_GLOBAL_OP_CONCURRENCY_LIMIT")
        .env_remove("DAGSTER_OP_CONCURRENCY_KEYS_ALLOTTED_FOR_STARTED_RUN_SECONDS")
        .envs(variables.iter().copied())
        .stdin(Stdio::null())
        .stdout(stdout)
        .stderr(stderr)
        .spawn()
        .expect("the binary starts");
    let output = child.wait_with_output().expect("the binary ends");
    Ended {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).expect("standard output is text"),
        stderr: String::from_utf8(output.stderr).expect("standard error is text"),
    }
}

/// How the binary ended, and what it printed.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl std::fmt::Display for Ended {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "code: {:?}\n--- stdout\n{}--- stderr\n{}", self.code, self.stdout, self.stderr)
    }
}

/// A run in whose name events are reported.
pub(crate) struct Run<'a> {
    instance: &'a DagsterInstance,
    id: RunId,
    job: String,
}

impl<'a> Run<'a> {
    pub(crate) async fn add(
        instance: &'a DagsterInstance,
        id: &str,
        job: &str,
        tags: &[(&str, &str)],
    ) -> Self {
        let mut run = DagsterRun::new(RunId::from(id), job);
        run.tags = tags.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect();
        Self::add_as(instance, run).await
    }

    pub(crate) async fn add_as(instance: &'a DagsterInstance, run: DagsterRun) -> Self {
        let run = instance.add_run(run).await.expect("the run is added");
        Self { instance, id: run.run_id, job: run.job_name }
    }

    async fn store(&self, event: DagsterEvent, after: f64) {
        let at = NOW + after;
        let entry = EventLogEntry::of_event(event, self.id.clone(), LogLevel::INFO, at);
        self.instance.handle_new_event(entry).await.expect("the event is stored");
    }

    /// An event of the run, so many seconds after it was created.
    pub(crate) async fn of_run(&self, event_type: DagsterEventType, after: f64, message: &str) {
        self.store(DagsterEvent::new(event_type, &self.job).with_message(message), after).await;
    }

    pub(crate) async fn of_step(
        &self,
        event_type: DagsterEventType,
        after: f64,
        step: &str,
        message: &str,
    ) {
        let event = DagsterEvent::new(event_type, &self.job);
        self.store(event.with_message(message).with_step_key(step), after).await;
    }

    pub(crate) async fn starts(&self, after: f64) {
        self.of_run(DagsterEventType::RunStart, after, "Started execution of run.").await;
    }

    pub(crate) async fn fails(&self, after: f64, step: &str, message: &str, cause: Option<&str>) {
        let error = SerializableErrorInfo::new("Failure", message);
        let data = StepFailureData {
            error: Some(match cause {
                Some(cause) => error.caused_by(SerializableErrorInfo::new("Cause", cause)),
                None => error,
            }),
            error_source: None,
            user_failure_data: None,
            unknown: UnknownFields::default(),
        };
        let event = DagsterEvent::new(DagsterEventType::StepFailure, &self.job)
            .with_message("A step failed.")
            .with_step_key(step)
            .with_data(data);
        self.store(event, after).await;
    }

    pub(crate) async fn materializes(
        &self,
        after: f64,
        step: &str,
        key: &AssetKey,
        partition: Option<&str>,
    ) {
        let what = AssetMaterialization::new(key.clone(), partition.map(str::to_owned));
        self.stores_materialization(after, step, what).await;
    }

    pub(crate) async fn stores_materialization(
        &self,
        after: f64,
        step: &str,
        what: AssetMaterialization,
    ) {
        let event = DagsterEvent::new(DagsterEventType::AssetMaterialization, &self.job)
            .with_message(format!(
                "Materialized {}.",
                json_to_text(&what.asset_key.path.clone().into())
            ))
            .with_step_key(step)
            .with_data(StepMaterializationData::from(what));
        self.store(event, after).await;
    }

    /// A line of the run's log.
    pub(crate) async fn line(&self, after: f64, message: &str) {
        let at = NOW + after;
        let entry = EventLogEntry::of_message(message, self.id.clone(), LogLevel::WARNING, at);
        self.instance.handle_new_event(entry).await.expect("the line is stored");
    }
}
