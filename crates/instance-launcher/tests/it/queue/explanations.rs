//! What is said of one run.

use instance_core::ids::RunId;
use instance_core::run::DagsterRunStatus;
use instance_core::settings::{PoolGranularity, QueuedRunCoordinatorSettings};
use instance_launcher::queue::{Explanation, LocationPause, PoolFill, explain};

use super::world::{World, counting, limit, limit_each, limited, pools};

fn of(world: &World, run_id: &str) -> Explanation {
    explain(&world.snapshot(), &RunId::from(run_id)).expect("a queued run")
}

#[test]
fn each_limit_is_told_with_those_who_hold_it() {
    let limits = [limit("team", 2), limit_each("table", 2), limit("nobody", 1)];
    let mut world = World::new(&limited(limits).with_max_concurrent_runs(10));
    world.add("busy 1", DagsterRunStatus::Started, &[("team", "a"), ("table", "x")]);
    world.add("busy 2", DagsterRunStatus::Starting, &[("table", "y")]);
    world.fills.insert("snow".to_owned(), PoolFill { slots: 1, pending: vec!["busy 2".into()] });
    world.queue("first", &[("team", "b"), ("table", "x")]);
    let waits = world.queue("waits", &[("team", "a"), ("table", "y"), ("dagster/priority", "-1")]);
    waits.pools = Some(pools(&["snow"], &[], false));
    world.queue("stuck", &[("team", "c")]);
    insta::assert_debug_snapshot!(of(&world, "waits"));
}

#[test]
fn a_run_that_is_taken_next_waits_for_nothing() {
    let mut world = World::new(&QueuedRunCoordinatorSettings::new());
    world.queue("1", &[]);
    world.queue("2", &[]);
    let told = of(&world, "2");
    assert!(told.taken_next && told.waits_for.is_empty());
    assert_eq!((told.position, told.queued, told.ahead.launched_now), (2, 2, 1));
    assert_eq!(told.passes.len(), 1, "{told:?}");
}

#[test]
fn a_run_that_does_not_wait_has_no_explanation() {
    let mut world = World::new(&QueuedRunCoordinatorSettings::new());
    world.add("busy", DagsterRunStatus::Started, &[]);
    assert_eq!(explain(&world.snapshot(), &RunId::from("busy")), None);
}

#[test]
fn at_most_twenty_holders_are_named() {
    let mut world = World::new(&QueuedRunCoordinatorSettings::new().with_max_concurrent_runs(25));
    for number in 0..25 {
        world.add(&format!("busy {number}"), DagsterRunStatus::Started, &[]);
    }
    world.queue("waits", &[]);
    let told = of(&world, "waits");
    let [check] = &told.waits_for[..] else { panic!("{told:?}") };
    assert_eq!((check.held_by.len(), check.more), (20, 5));
}

#[test]
fn of_pools_that_count_runs_the_full_ones_hold_it_back() {
    let mut world = World::with_concurrency(
        &QueuedRunCoordinatorSettings::new(),
        &counting(PoolGranularity::Run),
    );
    world.set_slots("full", 1);
    world.set_slots("free", 1);
    world.queue_with_pools("1", &["full"], &[]);
    world.queue_with_pools("2", &["free"], &["full"]);
    world.queue("2 of code", &[]).location = Some("code".to_owned());
    let pause = LocationPause { until: world.now + 5.0, reason: "unreachable".to_owned() };
    world.paused.insert("code".to_owned(), pause);
    insta::assert_debug_snapshot!((of(&world, "2"), of(&world, "2 of code")));
}
