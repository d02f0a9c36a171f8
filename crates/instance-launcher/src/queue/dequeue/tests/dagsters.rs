//! What Dagster's own tests say of its loop.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use instance_core::ops::PoolStoreAccess as _;
use instance_core::run::{DagsterRunStatus, RunOpConcurrency};
use instance_core::serdes::UnknownFields;
use instance_core::settings::QueuedRunCoordinatorSettings;
use instance_core::testing::observed::StoreCall;

use super::world::{Told, World};

const UNRECOVERABLE: &str = "Caught an unrecoverable error while dequeuing the run. Marking the run as failed and dropping it from the queue";
const FAILED: &str = "This run has been marked as failed from outside the execution context.";

fn events(expect: &[(&str, &str)]) -> Vec<(String, String)> {
    expect.iter().map(|(kind, message)| ((*kind).to_owned(), (*message).to_owned())).collect()
}

/// `test_skip_error_runs`
#[tokio::test]
async fn runs_that_cannot_be_launched_fail_and_others_are_launched() {
    for workers in [1, 8] {
        let mut world = World::new(QueuedRunCoordinatorSettings::new(), workers);
        let bad = world.queue("here", &[]).await;
        let good = world.queue("here", &[]).await;
        let unreachable = world.queue("here", &[]).await;
        world.tell(&bad, Told::Fail);
        world.tell(&unreachable, Told::Unreachable);
        let look = world.look().await;
        assert_eq!(world.launched(), std::slice::from_ref(&good));
        assert_eq!((look.launched.as_slice(), look.failed.len()), (&[good][..], 2));
        for run_id in [&bad, &unreachable] {
            assert_eq!(world.status(run_id).await, DagsterRunStatus::Failure);
            let expect = [
                ("PIPELINE_ENQUEUED", ""),
                ("PIPELINE_STARTING", ""),
                ("ENGINE_EVENT", UNRECOVERABLE),
                ("PIPELINE_FAILURE", FAILED),
            ];
            assert_eq!(world.events(run_id), events(&expect));
            assert_eq!(world.note(run_id).await, None);
        }
        // Without retries, nobody waits for a server.
        assert_eq!(world.paused().await, [""; 0]);
    }
}

/// `test_retry_user_code_error_run`
#[tokio::test(start_paused = true)]
async fn a_run_whose_code_server_is_away_is_tried_again_and_others_of_its_location_wait() {
    for workers in [1, 8] {
        let coordinator = QueuedRunCoordinatorSettings::new().with_max_user_code_failure_retries(2);
        let mut world = World::new(coordinator, workers);
        let bad = world.queue("here", &[]).await;
        let good = world.queue("here", &[]).await;
        let unreachable = world.queue("here", &[]).await;
        world.tell(&bad, Told::Fail);
        world.tell(&unreachable, Told::Unreachable);
        let look = world.look().await;
        assert_eq!(world.launched(), std::slice::from_ref(&good));
        assert_eq!(world.status(&bad).await, DagsterRunStatus::Failure);
        assert_eq!(world.status(&unreachable).await, DagsterRunStatus::Queued);
        assert_eq!(look.queued_again.len(), 1);
        assert_eq!(world.paused().await, ["here"]);

        let same_location = world.queue("here", &[("dagster/priority", "5")]).await;
        let elsewhere = world.queue("elsewhere", &[]).await;
        world.look().await;
        assert_eq!(world.launched(), [good.clone(), elsewhere.clone()]);
        world.pass(10).await;
        world.look().await;
        for run_id in [&unreachable, &same_location] {
            assert_eq!(world.status(run_id).await, DagsterRunStatus::Queued);
        }

        // The second and the third attempt. The run with the greater priority is before it in the queue.
        world.pass(121).await;
        world.look().await;
        assert_eq!(world.status(&unreachable).await, DagsterRunStatus::Queued);
        assert_eq!(world.launched(), [good, elsewhere, same_location]);
        world.pass(121).await;
        world.look().await;
        assert_eq!(world.status(&unreachable).await, DagsterRunStatus::Failure);
        let attempt = |left: &str| {
            let text = "Run dequeue failed to reach the user code server, re-submitting the run into the queue";
            ("ENGINE_EVENT".to_owned(), format!("{text} ({left} remaining)"))
        };
        let own = |kind: &str| (kind.to_owned(), String::new());
        let last = "Run dequeue failed to reach the user code server after 2 attempts, failing run";
        let expect = [
            own("PIPELINE_ENQUEUED"),
            own("PIPELINE_STARTING"),
            attempt("2 retries"),
            own("PIPELINE_ENQUEUED"),
            own("PIPELINE_STARTING"),
            attempt("1 retry"),
            own("PIPELINE_ENQUEUED"),
            own("PIPELINE_STARTING"),
            ("ENGINE_EVENT".to_owned(), last.to_owned()),
            ("PIPELINE_FAILURE".to_owned(), FAILED.to_owned()),
        ];
        assert_eq!(world.events(&unreachable), expect);
        assert_eq!(
            world.paused().await,
            ["here"],
            "the location waits after the last attempt, too"
        );
    }
}

/// `test_retry_user_code_error_recovers`
#[tokio::test(start_paused = true)]
async fn a_run_whose_code_server_comes_back_is_launched() {
    for workers in [1, 8] {
        let coordinator = QueuedRunCoordinatorSettings::new()
            .with_max_user_code_failure_retries(1)
            .with_user_code_failure_retry_delay(5);
        let mut world = World::new(coordinator, workers);
        let run_id = world.queue("here", &[]).await;
        world.tell(&run_id, Told::Unreachable);
        world.look().await;
        assert_eq!(world.status(&run_id).await, DagsterRunStatus::Queued);
        world.pass(6).await;
        world.launcher.lock().told.clear();
        world.look().await;
        assert_eq!(world.launched(), [run_id]);
    }
}

/// `test_locations_not_created`: the launcher alone asks for the workspace. This one does not, and the loop has none.
#[tokio::test]
async fn runs_are_taken_without_a_workspace() {
    for workers in [1, 8] {
        let mut world = World::new(QueuedRunCoordinatorSettings::new(), workers);
        let first = world.queue("here", &[]).await;
        let second = world.queue("here", &[]).await;
        world.look().await;
        assert_eq!(world.launched(), [first, second]);
    }
}

/// `test_op_concurrency_info_fetched_once_per_iteration`
#[tokio::test]
async fn pools_are_read_once_for_each_look() {
    let mut world = World::new(QueuedRunCoordinatorSettings::new(), 8);
    for pool in ["a", "b"] {
        world.instance.pool_store().set_concurrency_slots(pool, 1).await.unwrap();
    }
    for _ in 0..30 {
        let pools = ["a", "b"].map(str::to_owned);
        world
            .queue_as("here", &[], |run| {
                run.run_op_concurrency = Some(RunOpConcurrency {
                    all_pools: Some(pools.iter().cloned().collect()),
                    has_unconstrained_root_nodes: false,
                    root_key_counts: pools.iter().map(|pool| (pool.clone(), 1)).collect(),
                    unknown: UnknownFields::default(),
                });
            })
            .await;
    }
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    world.instance.store_calls.refuse(move |call| {
        if let StoreCall::GetConcurrencyInfos(pools) = call {
            assert_eq!(*pools, ["a", "b"]);
            counted.fetch_add(1, Ordering::SeqCst);
        }
        Ok(())
    });
    let look = world.look().await;
    assert_eq!((look.launched.len(), count.load(Ordering::SeqCst)), (1, 1));
}
