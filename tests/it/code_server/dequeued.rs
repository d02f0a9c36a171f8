//! `queue run` with runs that a real code server executes: on SQLite and on Postgres.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::time::{Duration, Instant};

use dagster_instance::event::DagsterEventType;
use dagster_instance::run::{DagsterRun, DagsterRunStatus};
use dagster_instance::storage::{Only, RecordsForRun};
use dagster_instance::{DagsterInstance, LaunchRequest, RunId};
use dagster_instance_tests::Home;
use instance_core::error::BoxError;
use serde_json::{Value, json};

use super::launched::{open, ours, text};
use super::server::Server;
use crate::postgres::TestDatabase;

type TestResult = Result<(), BoxError>;

/// How long all runs may take: each worker imports Dagster.
const PATIENCE: Duration = Duration::from_mins(5);

const RUNS: usize = 6;

/// Three runs may be in progress, and one of each team.
const LIMITS: &str = "
concurrency:
  runs:
    max_concurrent_runs: 3
    tag_concurrency_limits: [{key: team, limit: 1}]
";

fn limited(home: Home) -> Result<Home, BoxError> {
    let file = home.path().join("dagster.yaml");
    let mut file = OpenOptions::new().append(true).create(true).open(file)?;
    file.write_all(LIMITS.as_bytes())?;
    Ok(home)
}

/// A run of a job, which waits in the queue.
pub(crate) async fn queued(
    instance: &DagsterInstance,
    server: &Server,
    job: &str,
    tags: &[(&str, &str)],
) -> Result<DagsterRun, BoxError> {
    let location = instance.open_code_location(server.target(), Some("loc")).await?;
    let mut request = LaunchRequest::default();
    request.job = Some(job.to_owned());
    request.tags = tags.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect();
    let run = instance.launch(&location, request).await?;
    assert_eq!(run.status, DagsterRunStatus::Queued);
    Ok(run)
}

/// What our command prints as one document.
async fn told(home: &Home, arguments: &[&str], code: i32) -> Result<Value, BoxError> {
    let output = ours(home, arguments).await?;
    assert_eq!(output.status.code(), Some(code), "{output:?}");
    Ok(serde_json::from_str(&text(&output.stdout))?)
}

async fn statuses(
    instance: &DagsterInstance,
    runs: &[RunId],
) -> Result<Vec<DagsterRunStatus>, BoxError> {
    let mut statuses = Vec::new();
    for run_id in runs {
        let run = instance.get_run_by_id(run_id).await?.ok_or("there is no run")?;
        statuses.push(run.status);
    }
    Ok(statuses)
}

async fn the_queue_is_emptied(home: &Home) -> TestResult {
    let mut server = Server::start().await?;
    let instance = open(home).await?;
    let mut runs = Vec::new();
    for number in 0..RUNS {
        let tags: &[_] = if number < 2 { &[("team", "data")] } else { &[] };
        runs.push(queued(&instance, &server, "plain", tags).await?.run_id);
    }

    // Before: the second waits for the first, which is taken next; the last one for a place.
    let second = told(home, &["queue", "explain", runs[1].as_str(), "--json"], 0).await?;
    let reason = &second["waits_for"][0];
    assert_eq!((&reason["kind"], &reason["name"]), (&json!("tag_limit"), &json!("team")));
    assert_eq!(reason["held_by"], json!([runs[0].as_str()]), "{second}");
    let last = told(home, &["queue", "explain", runs[RUNS - 1].as_str(), "--json"], 0).await?;
    assert_eq!(last["waits_for"][0]["kind"], "max_concurrent_runs", "{last}");

    let look = told(home, &["queue", "run", "--json"], 0).await?;
    let launched = [0, 2, 3].map(|number: usize| runs[number].as_str().to_owned());
    let mut found: Vec<String> = serde_json::from_value(look["launched"].clone())?;
    found.sort();
    let mut expected = launched.to_vec();
    expected.sort();
    assert_eq!(found, expected, "{look}");

    // What is left is launched as places become free.
    let since = Instant::now();
    loop {
        let statuses = statuses(&instance, &runs).await?;
        let going = |status: &&DagsterRunStatus| {
            !status.is_finished() && **status != DagsterRunStatus::Queued
        };
        assert!(statuses.iter().filter(going).count() <= 3, "{statuses:?}");
        if statuses.iter().all(|status| *status == DagsterRunStatus::Success) {
            break;
        }
        assert!(since.elapsed() < PATIENCE, "{statuses:?}\n{}", server.log());
        tokio::time::sleep(Duration::from_secs(1)).await;
        if statuses.contains(&DagsterRunStatus::Queued) {
            told(home, &["queue", "run", "--json"], 0).await?;
        }
    }
    for run_id in &runs {
        let query = RecordsForRun::new(run_id.clone());
        let records = instance.get_records_for_run(&query).await?.records;
        let of_run = [
            DagsterEventType::RunEnqueued,
            DagsterEventType::RunStarting,
            DagsterEventType::RunStart,
            DagsterEventType::RunSuccess,
        ];
        let events: Vec<_> = records
            .iter()
            .filter_map(|record| record.event_log_entry.event_type())
            .filter(|event_type| of_run.contains(event_type))
            .collect();
        assert_eq!(events, of_run, "each is launched once");
    }
    let notes = instance.get_run_queue().await?;
    assert!(notes.queued.is_empty() && notes.in_progress.is_empty());
    assert_eq!(told(home, &["queue", "run", "--json"], 0).await?["launched"], json!([]));

    // Without a server, and without retries, a run fails.
    let unreachable = queued(&instance, &server, "plain", &[]).await?.run_id;
    server.kill()?;
    let look = told(home, &["queue", "run", "--json"], 1).await?;
    assert_eq!(look["failed"][0]["run_id"], unreachable.as_str(), "{look}");
    let query = RecordsForRun::new(unreachable)
        .with_of_types(Only::these([DagsterEventType::EngineEvent, DagsterEventType::RunFailure]));
    let records = instance.get_records_for_run(&query).await?.records;
    let messages: Vec<_> = records.iter().map(|record| record.event_log_entry.message()).collect();
    assert_eq!(
        messages,
        [
            "Unexpected error in IPC client",
            "Caught an unrecoverable error while dequeuing the run. Marking the run as failed and dropping it from \
             the queue",
            "This run has been marked as failed from outside the execution context.",
        ]
    );
    Ok(instance.dispose().await?)
}

#[tokio::test]
async fn runs_of_a_real_server_are_taken_in_sqlite() -> TestResult {
    the_queue_is_emptied(&limited(Home::new())?).await
}

#[tokio::test]
async fn runs_of_a_real_server_are_taken_in_postgres() -> TestResult {
    let database = TestDatabase::new("dequeued");
    the_queue_is_emptied(&limited(database.home())?).await
}
