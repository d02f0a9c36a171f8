//! What is launched, and in which order.
//!
//! The first part has the functions of Dagster's `daemon_tests/test_queued_run_coordinator_daemon.py` that are about
//! decisions; each test names its function. Parameters that change nothing here (the size of a page, threads) are left
//! out. The second part has what Dagster's tests do not.

use instance_core::run::DagsterRunStatus;
use instance_core::settings::{
    ConcurrencySettings, PoolGranularity, PoolSettings, QueuedRunCoordinatorSettings,
};
use instance_launcher::queue::{LocationPause, PoolFill, PoolWait, WaitReason};

use super::world::{World, blocking, counting, limit, limit_each, limit_of, limited, pools};

const PRIORITY: &str = "dagster/priority";
const NOTHING: [&str; 0] = [];

fn at_most(max_concurrent_runs: i64) -> QueuedRunCoordinatorSettings {
    QueuedRunCoordinatorSettings::new().with_max_concurrent_runs(max_concurrent_runs)
}

#[test]
fn attempt_to_launch_runs_filter() {
    let mut world = World::new(&at_most(10));
    world.queue("queued", &[]);
    assert_eq!(world.look(), ["queued"]);
}

#[test]
fn attempt_to_launch_runs_no_queued() {
    let mut world = World::new(&at_most(10));
    world.add("started", DagsterRunStatus::Started, &[]);
    assert_eq!(world.look(), NOTHING);
}

#[test]
fn get_queued_runs_max_runs() {
    let statuses =
        [DagsterRunStatus::Starting, DagsterRunStatus::Started, DagsterRunStatus::Canceling];
    for (in_progress, launched) in [(0, 4), (1, 3), (5, 0)] {
        let mut world = World::new(&at_most(4));
        for (number, status) in (0..in_progress).zip(statuses.into_iter().cycle()) {
            world.add(&format!("busy {number}"), status, &[]);
        }
        for number in 0..5 {
            world.queue(&format!("{number}"), &[]);
        }
        assert_eq!(world.look().len(), launched, "{in_progress} in progress");
    }
}

#[test]
fn disable_max_concurrent_runs_limit() {
    let mut world = World::new(&at_most(-1));
    for number in 0..5 {
        world.add(&format!("busy {number}"), DagsterRunStatus::Started, &[]);
    }
    for number in 0..6 {
        world.queue(&format!("{number}"), &[]);
    }
    assert_eq!(world.look().len(), 6);
}

#[test]
fn priority() {
    let mut world = World::new(&at_most(10));
    world.queue("default", &[]);
    world.queue("low", &[(PRIORITY, "-1")]);
    world.queue("high", &[(PRIORITY, "3")]);
    assert_eq!(world.look(), ["high", "default", "low"]);
}

#[test]
fn priority_on_malformed_tag() {
    let mut world = World::new(&at_most(10));
    world.queue("odd", &[(PRIORITY, "foobar")]);
    assert_eq!(world.look(), ["odd"]);
}

#[test]
fn tag_limits() {
    let mut world = World::new(&limited([limit_of("database", "tiny", 1)]));
    world.queue("tiny", &[("database", "tiny")]);
    world.queue("tiny 2", &[("database", "tiny")]);
    world.queue("large", &[("database", "large")]);
    assert_eq!(world.look(), ["tiny", "large"]);
}

#[test]
fn tag_limits_just_key() {
    let mut world = World::new(&limited([limit("database", 2)]));
    world.queue("tiny", &[("database", "tiny")]);
    world.queue("tiny 2", &[("database", "tiny")]);
    world.queue("large", &[("database", "large")]);
    assert_eq!(world.look(), ["tiny", "tiny 2"]);
}

#[test]
fn multiple_tag_limits() {
    let limits = [limit_of("database", "tiny", 1), limit_of("user", "johann", 2)];
    let mut world = World::new(&limited(limits));
    world.queue("1", &[("database", "tiny"), ("user", "johann")]);
    world.queue("2", &[("database", "tiny")]);
    world.queue("3", &[("user", "johann")]);
    world.queue("4", &[("user", "johann")]);
    assert_eq!(world.look(), ["1", "3"]);
}

#[test]
fn overlapping_tag_limits() {
    let mut world = World::new(&limited([limit("foo", 2), limit_of("foo", "bar", 1)]));
    for (run_id, value) in [("1", "bar"), ("2", "bar"), ("3", "other"), ("4", "other")] {
        world.queue(run_id, &[("foo", value)]);
    }
    assert_eq!(world.look(), ["1", "3"]);
}

#[test]
fn limits_per_unique_value() {
    let mut world = World::new(&limited([limit_each("foo", 1)]));
    world.queue("1", &[("foo", "bar")]);
    world.queue("2", &[("foo", "bar")]);
    assert_eq!(world.look(), ["1"]);
    world.queue("3", &[("foo", "other")]);
    world.queue("4", &[("foo", "other")]);
    assert_eq!(world.look(), ["3"]);
}

#[test]
fn limits_per_unique_value_overlapping_limits_less_than() {
    let mut world = World::new(&limited([limit_each("foo", 1), limit("foo", 2)]));
    for (run_id, value) in [("1", "bar"), ("2", "bar"), ("3", "other"), ("4", "other-2")] {
        world.queue(run_id, &[("foo", value)]);
    }
    assert_eq!(world.look(), ["1", "3"]);
}

#[test]
fn limits_per_unique_value_overlapping_limits_greater_than() {
    let mut world = World::new(&limited([limit_each("foo", 2), limit_of("foo", "bar", 1)]));
    for (run_id, value) in [("1", "bar"), ("2", "baz"), ("3", "bar"), ("4", "baz"), ("5", "baz")] {
        world.queue(run_id, &[("foo", value)]);
    }
    assert_eq!(world.look(), ["1", "2", "4"]);
}

#[test]
fn key_limit_with_extra_tags() {
    let mut world = World::new(&limited([limit("test", 1)]).with_max_concurrent_runs(2));
    for run_id in ["1", "2"] {
        world.queue(run_id, &[("other-tag", "value"), ("test", "value")]);
    }
    assert_eq!(world.look(), ["1"]);
}

#[test]
fn key_limit_with_priority() {
    let mut world = World::new(&limited([limit("test", 1)]).with_max_concurrent_runs(2));
    world.queue("low", &[("test", "value"), (PRIORITY, "-100")]);
    world.queue("high", &[("test", "value"), (PRIORITY, "100")]);
    assert_eq!(world.look(), ["high"]);
}

#[test]
fn op_concurrency_aware_dequeuing() {
    let mut world = World::new(&blocking(true, 0));
    world.queue_with_pools("1", &["foo"], &[]);
    world.set_slots("foo", 1);
    assert_eq!(world.look(), ["1"]);
    for run_id in ["2", "3"] {
        world.queue_with_pools(run_id, &["foo"], &[]);
        assert_eq!(world.look(), NOTHING);
    }
    world.set_slots("foo", 2);
    assert_eq!(world.look(), ["2"]);
}

#[test]
fn op_concurrency_root_progress() {
    let mut world = World::new(&blocking(true, 0));
    world.set_slots("foo", 0);
    world.set_slots("bar", 1);
    world.queue_with_pools("1", &["foo"], &[]);
    assert_eq!(world.look(), NOTHING);
    world.queue_with_pools("2", &["bar"], &[]);
    assert_eq!(world.look(), ["2"]);
}

#[test]
fn op_concurrency_partial_root() {
    let mut world = World::new(&blocking(true, 0));
    world.set_slots("foo", 0);
    world.queue("1", &[]).pools = Some(pools(&["foo"], &[], true));
    assert_eq!(world.look(), ["1"]);
}

#[test]
fn in_progress_root_key_accounting() {
    let mut world = World::new(&blocking(true, 0));
    world.allotted_seconds = 0.0;
    world.queue_with_pools("1", &["foo"], &[]);
    world.queue_with_pools("2", &["foo"], &[]);
    world.set_slots("foo", 1);
    assert_eq!(world.look(), ["1"]);
    assert_eq!(world.look(), NOTHING);
    world.start("1");
    assert_eq!(world.look(), ["2"]);
}

#[test]
fn op_concurrency_aware_slot_buffer() {
    let mut world = World::new(&blocking(true, 1));
    for run_id in ["1", "2", "3"] {
        world.queue_with_pools(run_id, &["foo"], &[]);
    }
    world.set_slots("foo", 1);
    assert_eq!(world.look(), ["1", "2"]);
    assert_eq!(world.look(), NOTHING);
}

#[test]
fn op_concurrency_aware_started_allottment_time() {
    let concurrency = ConcurrencySettings::new().with_default_op_concurrency_limit(1);
    let mut world = World::with_concurrency(&blocking(true, 0), &concurrency);
    world.allotted_seconds = 1.0;
    for run_id in ["1", "2", "3"] {
        world.queue_with_pools(run_id, &["foo"], &[]);
    }
    world.set_slots("foo", 1);
    assert_eq!(world.look(), ["1"]);
    world.start("1");
    assert_eq!(world.look(), NOTHING);
    world.now += 2.0;
    assert_eq!(world.look(), ["2"]);
}

#[test]
fn multiple_blocks() {
    let settings =
        blocking(true, 0).with_tag_concurrency_limits(vec![limit_of("database", "tiny", 0)]);
    let mut world = World::new(&settings);
    world.set_slots("foo", 0);
    world.queue("1", &[("database", "tiny")]).pools = Some(pools(&["foo"], &[], false));
    assert_eq!(world.look(), NOTHING);
}

/// Whoever reads the pools creates limits of pools that have only a default, before the decision.
#[test]
fn concurrency_buffer_with_default_slot() {
    let concurrency = ConcurrencySettings::new().with_default_op_concurrency_limit(1);
    let mut world = World::with_concurrency(&blocking(true, 0), &concurrency);
    world.set_slots("foo", 1);
    world.queue_with_pools("1", &["foo"], &[]);
    assert_eq!(world.look(), ["1"]);
    world.queue_with_pools("2", &["foo"], &[]);
    assert_eq!(world.look(), NOTHING);
}

#[test]
fn concurrency_run_granularity() {
    let concurrency = ConcurrencySettings::new().with_pools(
        PoolSettings::new().with_granularity(PoolGranularity::Run).with_default_limit(1),
    );
    let mut world = World::with_concurrency(&blocking(true, 0), &concurrency);
    for pool in ["foo", "bar", "baz"] {
        world.set_slots(pool, 1);
    }
    world.queue_with_pools("1", &["baz"], &[]);
    assert_eq!(world.look(), ["1"]);
    world.queue_with_pools("2", &["foo", "bar"], &["baz"]);
    assert_eq!(world.look(), NOTHING);
    world.set_slots("baz", 2);
    assert_eq!(world.look(), ["2"]);
}

#[test]
fn concurrency_pending_slot_accounting() {
    let mut world = World::new(&blocking(true, 0));
    world.queue_with_pools("1", &["foo"], &[]);
    world.queue_with_pools("2", &["foo"], &[]);
    world.set_slots("foo", 1);
    assert_eq!(world.look(), ["1"]);
    world.start("1");
    world.fills.insert("foo".to_owned(), PoolFill { slots: 1, pending: vec!["1".into()] });
    world.now += 60.0;
    assert_eq!(world.look(), NOTHING);
    world.set_slots("foo", 1);
    world.fills.get_mut("foo").expect("the pool").pending.clear();
    assert_eq!(world.look(), ["2"]);
}

#[test]
fn disable_concurrency_run_blocking() {
    let mut world = World::with_concurrency(&blocking(false, 0), &counting(PoolGranularity::Op));
    world.set_slots("foo", 1);
    world.queue_with_pools("1", &["foo"], &[]);
    assert_eq!(world.look(), ["1"]);
    world.queue_with_pools("2", &["foo"], &[]);
    assert_eq!(world.look(), ["2"]);
}

#[test]
fn concurrency_run_default() {
    for concurrency in [ConcurrencySettings::new(), counting(PoolGranularity::Op)] {
        let mut world = World::with_concurrency(&QueuedRunCoordinatorSettings::new(), &concurrency);
        world.set_slots("foo", 1);
        world.queue_with_pools("1", &["foo"], &[]);
        assert_eq!(world.look(), ["1"]);
        world.queue_with_pools("2", &["foo"], &[]);
        assert_eq!(world.look(), NOTHING);
        // `bar` has no limit.
        world.queue_with_pools("3", &["foo", "bar"], &[]);
        assert_eq!(world.look(), ["3"]);
    }
}

#[test]
fn concurrency_run_unconfigured() {
    let granularities = [Some(PoolGranularity::Op), Some(PoolGranularity::Run), None];
    for granularity in granularities {
        let pools = PoolSettings::new().with_granularity(granularity);
        let concurrency = ConcurrencySettings::new().with_pools(pools);
        let mut world = World::with_concurrency(&QueuedRunCoordinatorSettings::new(), &concurrency);
        world.queue_with_pools("1", &["foo"], &[]);
        assert_eq!(world.look(), ["1"], "{granularity:?}");
    }
}

// What Dagster's tests do not have.

/// The reason of the only run that waits.
fn reason(world: &World) -> WaitReason {
    let mut waiting = world.decide().waiting;
    assert_eq!(waiting.len(), 1, "{waiting:?}");
    waiting.remove(0).reason
}

#[test]
fn a_run_that_waits_for_a_pool_takes_no_place_in_the_limits_of_its_tags() {
    // Dagster counts it there: nothing would be launched, dagster #25743.
    let mut world = World::new(&limited([limit("team", 1)]));
    world.set_slots("foo", 0);
    world.queue("pool", &[("team", "a")]).pools = Some(pools(&["foo"], &[], false));
    world.queue("tag", &[("team", "a")]);
    assert_eq!(world.look(), ["tag"]);
}

#[test]
fn all_queued_runs_are_looked_at_together() {
    // With one page Dagster launches these two; with pages of one or two, Z alone.
    let mut world = World::new(&limited([limit("t", 1), limit("u", 1)]));
    world.queue("X", &[("t", "1"), ("u", "1")]);
    world.queue("Y", &[("t", "1")]);
    world.queue("Z", &[("u", "1"), (PRIORITY, "1")]);
    assert_eq!(world.look(), ["Z", "Y"]);
}

#[test]
fn a_run_that_comes_back_has_its_old_place() {
    let mut world = World::new(&at_most(1));
    world.queue("first", &[]);
    world.queue("second", &[]);
    world.queued.reverse();
    assert_eq!(world.look(), ["first"]);
}

#[test]
fn of_two_limits_of_one_tag_the_last_holds_and_the_empty_text_is_a_value() {
    let mut world = World::new(&limited([limit("a", 0), limit("a", 2), limit_of("b", "", 0)]));
    world.queue("1", &[("a", "x")]);
    world.queue("2", &[("b", "")]);
    world.queue("3", &[("b", "x")]);
    assert_eq!(world.look(), ["1", "3"]);
    let expected = WaitReason::TagLimit {
        key: "b".to_owned(),
        value: Some(String::new()),
        limit: 0,
        count: 0,
    };
    assert_eq!(reason(&world), expected);
}

#[test]
fn priorities_are_numbers_of_python() {
    let mut world = World::new(&at_most(-1));
    for (run_id, priority) in [
        ("blanks", " 7 "),
        ("grouped", "1_0"),
        ("float", "99.0"),
        ("great", "99999999999999999999"),
        ("small", "-99999999999999999999"),
    ] {
        world.queue(run_id, &[(PRIORITY, priority)]);
    }
    assert_eq!(world.look(), ["great", "grouped", "blanks", "float", "small"]);
}

#[test]
fn runs_of_a_paused_location_wait_and_count_nowhere() {
    let mut world = World::new(&at_most(1));
    world.queue("paused", &[]).location = Some("code".to_owned());
    world.queue("other", &[]).location = Some("else".to_owned());
    let pause = LocationPause { until: world.now + 1.0, reason: "unreachable".to_owned() };
    world.paused.insert("code".to_owned(), pause);
    assert_eq!(world.look(), ["other"]);
    let expected = WaitReason::LocationPaused {
        location: "code".to_owned(),
        until: world.now + 1.0,
        reason: "unreachable".to_owned(),
    };
    assert_eq!(reason(&world), expected);
    world.in_progress.clear();
    world.now += 1.0;
    assert_eq!(world.look(), ["paused"]);
}

#[test]
fn each_run_has_its_own_reason_when_nothing_more_can_be_launched() {
    let mut world = World::new(&limited([limit("t", 1)]).with_max_concurrent_runs(1));
    world.add("busy", DagsterRunStatus::Started, &[("t", "x")]);
    world.queue("1", &[("t", "x")]);
    world.queue("2", &[]);
    let waiting = world.decide().waiting;
    let tag = WaitReason::TagLimit { key: "t".to_owned(), value: None, limit: 1, count: 1 };
    let max = WaitReason::MaxConcurrentRuns { limit: 1, in_progress: 1, ahead: 0 };
    let reasons: Vec<_> = waiting.iter().map(|run| (run.position, run.reason.clone())).collect();
    assert_eq!(reasons, [(1, tag), (2, max)]);
}

#[test]
fn a_limit_of_none_launches_none() {
    let mut world = World::new(&at_most(0));
    world.queue("1", &[]);
    assert_eq!(world.look(), NOTHING);
    let max = WaitReason::MaxConcurrentRuns { limit: 0, in_progress: 0, ahead: 0 };
    assert_eq!(reason(&world), max);
}

#[test]
fn a_pool_that_counts_runs_forgets_what_waits_for_its_slots() {
    let mut world = World::with_concurrency(
        &QueuedRunCoordinatorSettings::new(),
        &counting(PoolGranularity::Run),
    );
    let pending = vec!["gone".into(), "gone".into()];
    world.fills.insert("foo".to_owned(), PoolFill { slots: 1, pending });
    world.queue_with_pools("1", &["foo"], &[]);
    world.queue_with_pools("2", &[], &["foo"]);
    assert_eq!(world.decide().launch.len(), 1);
    let pool = PoolWait {
        pool: "foo".to_owned(),
        slots: 1,
        pending: 0,
        launched: 1,
        in_progress: 0,
        buffer: 0,
    };
    let expected = WaitReason::Pools { granularity: PoolGranularity::Run, pools: vec![pool] };
    assert_eq!(reason(&world), expected);
}
