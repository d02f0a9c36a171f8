//! Claims, launches side by side, and what goes wrong with them.

use std::sync::atomic::Ordering;
use std::time::Duration;

use instance_core::error::StorageError;
use instance_core::event::DagsterEventType;
use instance_core::ops::{DaemonStoreAccess as _, PoolStoreAccess as _};
use instance_core::run::{DagsterRunStatus, RunOpConcurrency};
use instance_core::serdes::UnknownFields;
use instance_core::settings::{ConcurrencySettings, PoolSettings, QueuedRunCoordinatorSettings};
use instance_core::testing::observed::StoreCall;
use tokio::time::Instant;

use super::world::{FENCE, Told, World};
use crate::queue::dequeue::{DequeueOptions, LookPlan};

fn world(workers: usize) -> World {
    World::new(QueuedRunCoordinatorSettings::new().with_max_concurrent_runs(-1), workers)
}

#[tokio::test]
async fn a_run_that_is_canceled_while_others_are_launched_is_not_launched() {
    let mut world = world(1);
    let first = world.queue("here", &[]).await;
    let second = world.queue("here", &[]).await;
    world.launcher.lock().cancels.insert(second.clone());
    world.tell(&first, Told::CancelOther);
    let look = world.look().await;
    assert_eq!(world.launched(), [first]);
    assert_eq!((look.taken, look.launched.len()), (1, 1));
    let types: Vec<_> = world.events(&second).into_iter().map(|(kind, _)| kind).collect();
    assert_eq!(types, ["PIPELINE_ENQUEUED", "PIPELINE_CANCELED"]);
}

#[tokio::test]
async fn whoever_has_lost_the_queue_takes_nothing() {
    let mut world = world(8);
    let run_id = world.queue("here", &[]).await;
    let other = [(FENCE.0.to_owned(), "somebody else".to_owned())].into();
    world.instance.daemon_store().set_cursor_values(&other).await.unwrap();
    let look = world.look().await;
    assert!(look.is_lost && look.taken == 0);
    assert_eq!(world.status(&run_id).await, DagsterRunStatus::Queued);
    assert_eq!(world.note(&run_id).await, None);

    // Whoever is not sure begins nothing either.
    let own = [(FENCE.0.to_owned(), FENCE.1.to_owned())].into();
    world.instance.daemon_store().set_cursor_values(&own).await.unwrap();
    world.leader.may_begin.store(false, Ordering::SeqCst);
    assert_eq!(world.look().await.taken, 0);
    world.leader.may_begin.store(true, Ordering::SeqCst);
    assert_eq!(world.look().await.launched, std::slice::from_ref(&run_id));
    assert_eq!(world.note(&run_id).await, None, "the note goes with the answer");
}

#[tokio::test(start_paused = true)]
async fn as_many_runs_are_launched_at_once_as_there_are_workers() {
    let mut world = world(4);
    world.launcher.lock().takes = Duration::from_secs(1);
    for number in 0..8 {
        world.queue(if number % 2 == 0 { "a" } else { "b" }, &[]).await;
    }
    let before = Instant::now();
    assert_eq!(world.look().await.launched.len(), 8);
    assert_eq!((world.launcher.lock().running.1, before.elapsed().as_secs()), (4, 2));
}

#[tokio::test(start_paused = true)]
async fn a_slow_location_leaves_room_for_others() {
    let mut world = world(4);
    world.launcher.lock().takes = Duration::from_secs(1);
    let slow = [world.queue("slow", &[]).await, world.queue("slow", &[]).await];
    let waits = world.queue("slow", &[]).await;
    let other = world.queue("other", &[]).await;
    for run_id in &slow {
        world.tell(run_id, Told::Hang);
    }
    let until = Instant::now() + Duration::from_secs(5);
    let plan = LookPlan { until: Some(until), ..LookPlan::default() };
    let look = world.dequeuer.look(&world.leader, plan).await.unwrap();
    // Two of four workers are the share of a location. The other one goes before what is ahead of it.
    assert_eq!(look.launched, [other]);
    assert_eq!(world.status(&waits).await, DagsterRunStatus::Queued);
    assert_eq!(Instant::now(), until, "the next decision waits for no launch");
    for run_id in &slow {
        assert_eq!(world.status(run_id).await, DagsterRunStatus::Starting);
    }
}

#[tokio::test(start_paused = true)]
async fn launches_that_go_on_are_awaited_at_the_end_for_a_while() {
    let mut world = world(4);
    world.launcher.lock().takes = Duration::from_secs(10);
    let run_id = world.queue("here", &[]).await;
    let look = world.dequeuer.look(&world.leader, LookPlan::default()).await.unwrap();
    assert_eq!((look.taken, look.launched.len()), (1, 0), "the look does not wait");
    let within = Duration::from_secs(5);
    assert!(tokio::time::timeout(within, world.dequeuer.finish()).await.is_err());
    assert_eq!(world.dequeuer.finish().await.launched, [run_id]);
}

#[tokio::test]
async fn no_more_runs_are_taken_than_are_asked_for() {
    let mut world = world(8);
    let first = world.queue("here", &[]).await;
    world.queue("here", &[]).await;
    let plan = LookPlan { most: Some(1), waits: true, ..LookPlan::default() };
    let look = world.dequeuer.look(&world.leader, plan).await.unwrap();
    assert_eq!(look.launched, [first]);
}

#[tokio::test]
async fn a_run_that_has_started_in_spite_of_an_error_is_left_alone() {
    let mut world = world(8);
    let run_id = world.queue("here", &[]).await;
    world.tell(&run_id, Told::StartAndFail);
    let look = world.look().await;
    assert_eq!((look.launched.len(), look.failed.len()), (0, 0));
    let types: Vec<_> = world.events(&run_id).into_iter().map(|(kind, _)| kind).collect();
    assert_eq!(types, ["PIPELINE_ENQUEUED", "PIPELINE_STARTING", "PIPELINE_START"]);
    assert_eq!(world.note(&run_id).await, None);
}

#[tokio::test]
async fn a_launcher_that_panics_does_not_stop_the_queue() {
    let mut world = world(8);
    let first = world.queue("here", &[]).await;
    let second = world.queue("there", &[]).await;
    world.tell(&first, Told::Panic);
    let look = world.look().await;
    assert_eq!(look.launched, [second]);
    assert_eq!(look.unknown.len(), 1);
    assert_eq!(world.status(&first).await, DagsterRunStatus::Starting);
    assert!(world.note(&first).await.is_some(), "recovery finds out what became of it");
}

#[tokio::test(start_paused = true)]
async fn a_launch_that_does_not_end_is_given_up_and_its_location_waits() {
    let mut world = world(8);
    let hanging = world.queue("here", &[]).await;
    world.tell(&hanging, Told::Hang);
    let look = world.look().await;
    assert_eq!(look.unknown.len(), 1);
    assert!(look.unknown[0].1.contains("60 seconds"), "{look:?}");
    assert_eq!(world.status(&hanging).await, DagsterRunStatus::Starting);
    assert!(world.note(&hanging).await.is_some());
    // Although no retries are configured: nothing has failed yet.
    assert_eq!(world.paused().await, ["here"]);
    let next = world.queue("here", &[]).await;
    world.look().await;
    assert_eq!(world.status(&next).await, DagsterRunStatus::Queued);
    world.pass(61).await;
    assert_eq!(world.look().await.launched, [next]);
}

/// Where runs and events are two databases, the row comes first. Recovery goes on with a run whose event is missing.
#[tokio::test]
async fn a_claim_whose_event_is_not_stored_is_not_launched() {
    let mut world = world(8);
    let run_id = world.queue("here", &[]).await;
    world.instance.store_calls.refuse(|call| match call {
        StoreCall::StoreEvents(entries)
            if entries[0].event_type() == Some(DagsterEventType::RunStarting) =>
        {
            let source = std::io::Error::from(std::io::ErrorKind::StorageFull);
            Err(StorageError::Io { action: "write", path: "memory".to_owned(), source })
        }
        _ => Ok(()),
    });
    let look = world.look().await;
    assert_eq!((look.taken, look.launched.len()), (0, 0));
    assert_eq!(world.status(&run_id).await, DagsterRunStatus::Starting);
    assert!(world.note(&run_id).await.is_some());
}

/// Dagster reads which pools have limits before it creates these, so its first look launches all runs.
#[tokio::test]
async fn the_first_look_knows_the_default_limit_of_pools() {
    let pools = PoolSettings::new().with_default_limit(1);
    let concurrency = ConcurrencySettings::new().with_pools(pools);
    let mut world =
        World::with(QueuedRunCoordinatorSettings::new(), DequeueOptions::default(), |settings| {
            settings.with_concurrency(concurrency)
        });
    for _ in 0..3 {
        world
            .queue_as("here", &[], |run| {
                run.run_op_concurrency = Some(RunOpConcurrency {
                    all_pools: Some([String::from("p")].into_iter().collect()),
                    has_unconstrained_root_nodes: false,
                    root_key_counts: [(String::from("p"), 1)].into(),
                    unknown: UnknownFields::default(),
                });
            })
            .await;
    }
    assert_eq!(world.look().await.launched.len(), 1);
    let limits = world.instance.pool_store().get_pool_limits().await.unwrap();
    assert_eq!((limits.len(), limits[0].limit, limits[0].from_default), (1, 1, true));
}
