//! What becomes of runs that somebody took from the queue and of whose launch nobody knows.

use instance_core::event::{DagsterEvent, DagsterEventType, ReportEvent};
use instance_core::ids::RunId;
use instance_core::launcher::LaunchState;
use instance_core::ops::{DaemonStoreAccess as _, EventReporterExt as _};
use instance_core::run::DagsterRunStatus;
use instance_core::settings::QueuedRunCoordinatorSettings;
use instance_core::tags;

use super::world::{Told, World};
use crate::queue::claim_note;
use crate::queue::launch::RECOVERED;

fn world() -> World {
    World::new(QueuedRunCoordinatorSettings::new().with_max_user_code_failure_retries(1), 8)
}

/// A run that another daemon took from the queue, with its note. Its process cannot be looked at.
async fn taken_by_another(world: &World, with_event: bool) -> RunId {
    let run_id = world.queue("here", &[]).await;
    let starting = DagsterEvent::new(DagsterEventType::RunStarting, "job");
    if with_event {
        world.instance.report_dagster_event(ReportEvent::new(starting, &run_id)).await.unwrap();
    } else {
        let store = &world.instance.stores.run_storage;
        let now = instance_core::clock::Clock::now(&*world.instance.clock);
        store.handle_run_event(&run_id, &starting, now).await.unwrap();
    }
    let at = instance_core::clock::timestamp_of(instance_core::clock::Clock::now(
        &*world.instance.clock,
    ));
    let note = format!(
        r#"{{"by": "another", "at": {at}, "host": "elsewhere", "pid": 1, "birth": "m/b/n/1"}}"#
    );
    let pairs = [(claim_note::key(&run_id), note)].into();
    world.instance.daemon_store().set_cursor_values(&pairs).await.unwrap();
    run_id
}

fn not_launched(by: &str) -> LaunchState {
    LaunchState::NotLaunched { answered_by: Some(by.to_owned()) }
}

fn types(world: &World, run_id: &RunId) -> Vec<String> {
    world.events(run_id).into_iter().map(|(kind, _)| kind).collect()
}

#[tokio::test(start_paused = true)]
async fn a_run_that_was_not_launched_is_in_the_queue_again_when_nobody_can_launch_it_any_more() {
    let mut world = world();
    let run_id = taken_by_another(&world, true).await;
    world.launcher.lock().state = Some(not_launched("server"));
    // It is seen now. For 90 seconds whoever took it may launch it.
    for _ in 0..5 {
        world.look().await;
        assert_eq!(world.status(&run_id).await, DagsterRunStatus::Starting);
        world.pass(16).await;
    }
    world.pass(16).await;
    let look = world.look().await;
    assert_eq!(
        look.launched,
        std::slice::from_ref(&run_id),
        "it is queued again, and launched at once"
    );
    let events = world.events(&run_id);
    assert_eq!(events[2], ("ENGINE_EVENT".to_owned(), RECOVERED.to_owned()));
    let expect = [
        "PIPELINE_ENQUEUED",
        "PIPELINE_STARTING",
        "ENGINE_EVENT",
        "PIPELINE_ENQUEUED",
        "PIPELINE_STARTING",
    ];
    assert_eq!(types(&world, &run_id), expect);
    assert_eq!(world.note(&run_id).await, None);
}

#[tokio::test(start_paused = true)]
async fn only_a_second_answer_of_the_same_server_is_believed() {
    let mut world = world();
    let run_id = taken_by_another(&world, true).await;
    world.launcher.lock().state = Some(not_launched("first"));
    world.look().await;
    world.pass(100).await;
    // The server was replaced. It knows nothing of what the first one was asked for.
    world.launcher.lock().state = Some(not_launched("second"));
    world.look().await;
    assert_eq!(world.status(&run_id).await, DagsterRunStatus::Starting);
    world.pass(16).await;
    assert_eq!(world.look().await.launched, [run_id]);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_was_launched_is_left_alone_and_its_note_goes() {
    let mut world = world();
    let run_id = taken_by_another(&world, true).await;
    world.launcher.lock().state = Some(LaunchState::Launched);
    world.look().await;
    assert_eq!(world.note(&run_id).await, None);
    assert_eq!(types(&world, &run_id), ["PIPELINE_ENQUEUED", "PIPELINE_STARTING"]);
    assert_eq!(world.launched(), []);
}

#[tokio::test(start_paused = true)]
async fn notes_of_runs_that_go_on_or_are_gone_are_deleted() {
    let mut world = world();
    let started = taken_by_another(&world, true).await;
    let start = DagsterEvent::new(DagsterEventType::RunStart, "job");
    world.instance.report_dagster_event(ReportEvent::new(start, &started)).await.unwrap();
    let deleted = taken_by_another(&world, true).await;
    world.instance.stores.run_storage.delete_run(&deleted).await.unwrap();
    world.look().await;
    for run_id in [&started, &deleted] {
        assert_eq!(world.note(run_id).await, None);
    }
    assert_eq!(world.status(&started).await, DagsterRunStatus::Started);
}

/// Where runs and events are two databases, the process may have been killed between them.
#[tokio::test(start_paused = true)]
async fn the_event_of_a_claim_is_stored_if_it_is_missing() {
    let mut world = world();
    let run_id = taken_by_another(&world, false).await;
    assert_eq!(types(&world, &run_id), ["PIPELINE_ENQUEUED"]);
    world.launcher.lock().state = Some(not_launched("server"));
    world.look().await;
    world.pass(61).await;
    world.look().await;
    assert_eq!(types(&world, &run_id), ["PIPELINE_ENQUEUED"], "it may only be stopped for a while");
    world.pass(31).await;
    world.launcher.lock().state = Some(not_launched("another server"));
    world.look().await;
    assert_eq!(types(&world, &run_id), ["PIPELINE_ENQUEUED", "PIPELINE_STARTING"]);
    world.pass(16).await;
    world.look().await;
    let expect = [
        "PIPELINE_ENQUEUED",
        "PIPELINE_STARTING",
        "ENGINE_EVENT",
        "PIPELINE_ENQUEUED",
        "PIPELINE_STARTING",
    ];
    assert_eq!(types(&world, &run_id), expect, "that of the claim is there once");
}

#[tokio::test(start_paused = true)]
async fn a_run_of_which_nobody_can_tell_fails_when_its_time_to_start_is_over() {
    let mut world = world();
    let run_id = taken_by_another(&world, true).await;
    for _ in 0..11 {
        world.look().await;
        assert_eq!(world.status(&run_id).await, DagsterRunStatus::Starting);
        world.pass(16).await;
    }
    world.pass(16).await;
    world.look().await;
    let run = world.instance.run(&run_id).await;
    assert_eq!(run.status, DagsterRunStatus::Failure);
    let reason = run.tags.get(tags::RUN_FAILURE_REASON).map(String::as_str);
    assert_eq!(reason, Some("START_TIMEOUT"));
    let text = "Run timed out due to taking longer than 180 seconds to start.";
    let last = world.events(&run_id).pop();
    assert_eq!(last, Some(("PIPELINE_FAILURE".to_owned(), text.to_owned())));
    assert_eq!(world.note(&run_id).await, None);
}

/// What the launch of this process became is found out as that of another one is.
#[tokio::test(start_paused = true)]
async fn an_own_launch_that_was_given_up_is_found_out() {
    let mut world = world();
    let run_id = world.queue("here", &[]).await;
    world.tell(&run_id, Told::Hang);
    assert_eq!(world.look().await.unknown.len(), 1);
    world.launcher.lock().state = Some(not_launched("server"));
    world.launcher.lock().told.clear();
    world.pass(61).await;
    world.look().await;
    assert_eq!(world.status(&run_id).await, DagsterRunStatus::Starting);
    world.pass(91).await;
    assert_eq!(world.look().await.launched, [run_id]);
}

/// A recovery is no attempt to reach a code server.
#[tokio::test(start_paused = true)]
async fn attempts_are_counted_without_recoveries() {
    let mut world = world();
    let run_id = taken_by_another(&world, true).await;
    world.tell(&run_id, Told::Unreachable);
    world.launcher.lock().state = Some(not_launched("server"));
    world.look().await;
    world.pass(91).await;
    assert_eq!(world.look().await.queued_again.len(), 1, "one retry is left");
    world.pass(61).await;
    assert_eq!(world.look().await.failed.len(), 1);
}
