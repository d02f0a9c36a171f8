//! Runs that are followed from the command line while another process writes them: `run events --follow`,
//! `run tail` and `run wait`.

use dagster_instance::{DagsterInstance, IdSource as _, RandomIds, ReportEvent, RunId};
use dagster_instance_tests::{Home, Running};
use instance_core::clock::{Clock as _, SystemClock, timestamp_of};
use instance_core::error::BoxError;
use instance_core::event::{DagsterEvent, DagsterEventType, EventLogEntry, LogLevel};
use instance_core::run::{DagsterRun, DagsterRunStatus};

use crate::postgres::TestDatabase;

type TestResult = Result<(), BoxError>;

async fn open(home: &Home) -> Result<DagsterInstance, BoxError> {
    let instance = DagsterInstance::builder().home(home.path()).open().await?;
    instance.create_storages().await?;
    Ok(instance)
}

async fn started_run(instance: &DagsterInstance) -> Result<RunId, BoxError> {
    let mut run = DagsterRun::new(RunId::from(RandomIds.uuid().to_string()), "job");
    run.status = DagsterRunStatus::Starting;
    let run_id = instance.add_run(run).await?.run_id;
    report(instance, &run_id, DagsterEventType::RunStart).await?;
    Ok(run_id)
}

async fn report(
    instance: &DagsterInstance,
    run_id: &RunId,
    event_type: DagsterEventType,
) -> TestResult {
    let event = DagsterEvent::new(event_type, "job").with_message("as it was told to");
    Ok(instance.report_dagster_event(ReportEvent::new(event, run_id)).await?)
}

fn line(run_id: &RunId, number: usize) -> EventLogEntry {
    let now = timestamp_of(SystemClock.now());
    EventLogEntry::of_message(format!("line {number}"), run_id.clone(), LogLevel::INFO, now)
}

/// Follows a run with `run tail` and `run wait`, and ends it meanwhile.
async fn ended_with(home: &Home, event_type: DagsterEventType, code: i32) -> TestResult {
    let instance = open(home).await?;
    let run_id = started_run(&instance).await?;
    let mut tail = home.start_ours(&["run", "tail", run_id.as_str()]);
    let wait = home.start_ours(&["run", "wait", run_id.as_str(), "--timeout", "60"]);
    tail.wait_for_line("PIPELINE_START");
    instance.handle_new_event(line(&run_id, 1)).await?;
    tail.wait_for_line("line 1");
    report(&instance, &run_id, event_type).await?;
    tail.wait_for_line(event_type.as_str());
    for (name, running) in [("tail", tail), ("wait", wait)] {
        let finished = running.finish();
        assert_eq!(finished.code, Some(code), "{name}: {}", finished.stderr);
        assert_eq!(finished.stderr, "", "{name}");
    }
    // Of a run that has ended, the end is told at once.
    assert_eq!(home.ours(&["run", "wait", run_id.as_str()]).code, Some(code));
    let told = home.ours(&["run", "tail", run_id.as_str(), "--json"]);
    assert_eq!((told.code, told.json_lines().len()), (Some(code), 3));
    Ok(instance.dispose().await?)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_exit_code_tells_how_a_run_ended() -> TestResult {
    let home = Home::new();
    ended_with(&home, DagsterEventType::RunSuccess, 0).await?;
    ended_with(&home, DagsterEventType::RunFailure, 1).await?;
    ended_with(&home, DagsterEventType::RunCanceled, 3).await
}

#[tokio::test(flavor = "multi_thread")]
async fn in_postgres_it_does_as_well() -> TestResult {
    let database = TestDatabase::new("following");
    let home = database.home();
    ended_with(&home, DagsterEventType::RunSuccess, 0).await?;
    ended_with(&home, DagsterEventType::RunFailure, 1).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_does_not_end_is_not_waited_for_longer_than_asked() -> TestResult {
    let home = Home::new();
    let instance = open(&home).await?;
    let run_id = started_run(&instance).await?;
    let waited = home.ours(&["run", "wait", run_id.as_str(), "--timeout", "0.2"]);
    assert_eq!(waited.code, Some(124));
    let expected = format!("dagster-instance: run {run_id} has not ended in time; it is STARTED\n");
    assert_eq!(waited.stderr, expected);

    let unknown = home.ours(&["run", "wait", "no-such-run"]);
    assert_eq!(unknown.code, Some(125), "{}", unknown.stderr);
    let unknown = home.ours(&["run", "tail", "no-such-run"]);
    assert_eq!(unknown.code, Some(125), "{}", unknown.stderr);
    Ok(instance.dispose().await?)
}

/// How many events are followed, and after how many the memory is looked at first.
const EVENTS: usize = 100_000;
const AT_FIRST: usize = 5_000;
/// What an allocator may keep beyond what it had at first, in bytes.
const LEEWAY: u64 = 4 << 20;

/// The most memory that was used after some events, and after all.
fn memory_of(mut following: Running) -> (u64, u64) {
    let mut lines = following.lines();
    let mut at_first = 0;
    for number in 0..EVENTS {
        let line = lines.next().expect("a line for each event");
        assert!(line.ends_with(&format!("line {number}")), "{line} where {number} is due");
        if number == AT_FIRST {
            at_first = following.peak_memory();
        }
    }
    let in_the_end = following.peak_memory();
    following.signal(nix::sys::signal::Signal::SIGTERM);
    following.finish();
    (at_first, in_the_end)
}

async fn a_long_run_is_followed(home: &Home) -> TestResult {
    let instance = open(home).await?;
    let run = DagsterRun::new(RunId::from(RandomIds.uuid().to_string()), "job");
    let run_id = instance.add_run(run).await?.run_id;
    let following = home.start_ours(&["run", "events", run_id.as_str(), "--follow"]);
    let reading = tokio::task::spawn_blocking(|| memory_of(following));
    for start in (0..EVENTS).step_by(1_000) {
        let lines = (start..start + 1_000).map(|number| line(&run_id, number)).collect();
        instance.handle_new_events(lines).await?;
    }
    let (at_first, in_the_end) = reading.await?;
    assert!(
        in_the_end <= at_first + LEEWAY,
        "{at_first} bytes after {AT_FIRST} events, {in_the_end} after {EVENTS}"
    );
    Ok(instance.dispose().await?)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_events_of_a_long_run_are_followed_in_constant_memory() -> TestResult {
    a_long_run_is_followed(&Home::new()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn in_postgres_they_are_as_well() -> TestResult {
    a_long_run_is_followed(&TestDatabase::new("long_run").home()).await
}

/// How many long events are followed, and how many bytes each has.
const LONG_EVENTS: usize = 30;
const LONG: usize = 4_000_000;
/// The most memory that following them may take, in bytes: a page of 8 MiB, as it is stored, as it is read and as it is
/// printed, and what the program takes besides. All of them have more in their texts alone.
const MOST_FOR_LONG: u64 = 100_000_000;

async fn long_events_are_followed(home: &Home) -> TestResult {
    let instance = open(home).await?;
    let run = DagsterRun::new(RunId::from(RandomIds.uuid().to_string()), "job");
    let run_id = instance.add_run(run).await?.run_id;
    for number in 0..LONG_EVENTS {
        let text = format!("{number} {}", "x".repeat(LONG));
        let now = timestamp_of(SystemClock.now());
        let entry = EventLogEntry::of_message(text, run_id.clone(), LogLevel::INFO, now);
        instance.handle_new_event(entry).await?;
    }
    let mut following = home.start_ours(&["run", "events", run_id.as_str(), "--follow"]);
    let used = tokio::task::spawn_blocking(move || {
        let mut lines = following.lines();
        for number in 0..LONG_EVENTS {
            let line = lines.next().expect("a line for each event");
            assert!(line.contains(&format!(" {number} xxx")), "{number}: {}", &line[..80]);
        }
        let used = following.peak_memory();
        following.signal(nix::sys::signal::Signal::SIGTERM);
        following.finish();
        used
    });
    let used = used.await?;
    assert!(used < MOST_FOR_LONG, "{used} bytes for {LONG_EVENTS} events of {LONG} bytes");
    Ok(instance.dispose().await?)
}

#[tokio::test(flavor = "multi_thread")]
async fn long_events_are_followed_in_bounded_memory() -> TestResult {
    long_events_are_followed(&Home::new()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn in_postgres_long_events_are_as_well() -> TestResult {
    long_events_are_followed(&TestDatabase::new("long_events").home()).await
}
