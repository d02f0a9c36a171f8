//! Reading the queue of an instance.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use instance_core::ids::RunId;
use instance_core::ops::{DaemonStoreAccess as _, PoolStoreAccess as _};
use instance_core::run::DagsterRunStatus;
use instance_core::settings::{
    ConcurrencySettings, InstanceSettings, PoolGranularity, PoolSettings, RunCoordinatorSettings,
};
use instance_core::testing::instance::{TestInstance, at_once};
use instance_launcher::queue::{RunQueue, WaitReason, get_run_queue};

use super::world::pools;
use crate::support::{TestResult, add_run, new_run};

fn read(instance: &TestInstance) -> RunQueue {
    at_once(get_run_queue(instance)).expect("a queue")
}

/// The same with limits of pools.
fn limiting(pools: PoolSettings) -> TestInstance {
    let mut instance = TestInstance::default();
    let settings = InstanceSettings::clone(&instance.settings);
    let concurrency = ConcurrencySettings::new().with_pools(pools);
    instance.settings = Box::new(settings.with_concurrency(concurrency));
    instance
}

/// Adds a queued run whose first steps need pools.
fn queue_with_pools(instance: &TestInstance, first: &[&str], later: &[&str]) -> RunId {
    let mut run = new_run(instance, DagsterRunStatus::Queued);
    run.run_op_concurrency = Some((*pools(first, later, false)).clone());
    let run_id = run.run_id.clone();
    at_once(instance.add_run(run));
    run_id
}

fn slots(queue: &RunQueue) -> Vec<(&str, i64)> {
    queue.pool_fills.iter().map(|(pool, fill)| (&**pool, fill.slots)).collect()
}

#[test]
fn runs_are_where_their_status_puts_them() {
    let instance = TestInstance::default();
    let mut ids = BTreeMap::new();
    for status in DagsterRunStatus::ALL {
        ids.insert(add_run(&instance, *status), status.as_str());
    }
    let queue = read(&instance);
    let names = |runs: Vec<&RunId>| -> Vec<_> { runs.iter().map(|id| ids[*id]).collect() };
    assert_eq!(names(queue.queued.iter().map(|run| &run.run_id).collect()), ["QUEUED"]);
    let mut in_progress = names(queue.in_progress.iter().map(|run| &run.run_id).collect());
    in_progress.sort_unstable();
    assert_eq!(in_progress, ["CANCELING", "STARTED", "STARTING"]);
    let queued = &queue.queued[0];
    assert_eq!((&*queued.job_name, queued.location.as_deref()), ("job", Some("shop")));
    assert_eq!(queue.limits.max_concurrent_runs, 10);
}

#[test]
fn an_instance_that_launches_at_once_has_no_queue() {
    let mut instance = TestInstance::default();
    let settings = InstanceSettings::clone(&instance.settings);
    *instance.settings = settings.with_run_coordinator(RunCoordinatorSettings::Default);
    let error = at_once(get_run_queue(&instance)).expect_err("no queue").to_string();
    assert!(error.contains("this instance has no queue"), "{error}");
}

/// Whoever looks changes nothing, and sees what the next launches will be measured by.
#[test]
fn a_pool_without_a_limit_counts_as_if_it_had_the_default_already() -> TestResult {
    let instance = limiting(PoolSettings::new().with_default_limit(2));
    let store = instance.pool_store();
    at_once(store.set_concurrency_slots("own", 3))?;
    at_once(store.initialize_concurrency_limit_to_default("old", Some(5)))?;
    queue_with_pools(&instance, &["own", "old", "new"], &["later"]);
    assert_eq!(slots(&read(&instance)), [("new", 2), ("old", 2), ("own", 3)]);
    let stored: Vec<_> = at_once(store.get_pool_limits())?
        .into_iter()
        .map(|limit| (limit.name, limit.limit))
        .collect();
    assert_eq!(stored.len(), 2, "{stored:?}");

    // Without a default, and with one of 0, a pool has no limit unless it has its own.
    for default in [None, Some(0)] {
        let instance = limiting(PoolSettings::new().with_default_limit(default));
        at_once(instance.pool_store().set_concurrency_slots("own", 3))?;
        queue_with_pools(&instance, &["own", "new"], &[]);
        assert_eq!(slots(&read(&instance)), [("own", 3)], "{default:?}");
    }
    Ok(())
}

#[test]
fn pools_of_later_steps_are_read_only_if_they_count() -> TestResult {
    for (granularity, expect) in [
        (PoolGranularity::Op, vec![("first", 1)]),
        (PoolGranularity::Run, vec![("first", 1), ("later", 1)]),
    ] {
        let instance = limiting(PoolSettings::new().with_granularity(granularity));
        let store = instance.pool_store();
        for pool in ["first", "later", "other"] {
            at_once(store.set_concurrency_slots(pool, 1))?;
        }
        queue_with_pools(&instance, &["first"], &["later"]);
        assert_eq!(slots(&read(&instance)), expect);
    }
    Ok(())
}

#[test]
fn the_runs_of_all_pending_steps_are_in_a_pool() -> TestResult {
    let instance = TestInstance::default();
    let store = instance.pool_store();
    at_once(store.set_concurrency_slots("p", 1))?;
    for (run, step) in [("a", "s1"), ("b", "s1"), ("b", "s2")] {
        at_once(store.claim_concurrency_slot("p", &run.into(), step, None))?;
    }
    queue_with_pools(&instance, &["p"], &[]);
    let mut pending: Vec<_> =
        read(&instance).pool_fills["p"].pending.iter().map(ToString::to_string).collect();
    pending.sort();
    assert_eq!(pending, ["a", "b", "b"]);
    Ok(())
}

#[test]
fn stored_pauses_hold_runs_back_until_they_are_over() -> TestResult {
    let instance = TestInstance::default();
    let run_id = add_run(&instance, DagsterRunStatus::Queued);
    let now = read(&instance).now;
    let pause = format!(r#"{{"shop": {{"until": {}, "reason": "no answer"}}}}"#, now + 10.0);
    let pairs = [("dagster_instance/queue/paused".to_owned(), pause)].into();
    at_once(instance.daemon_store().set_cursor_values(&pairs))?;
    let queue = read(&instance);
    assert_eq!(
        queue.decide().waiting[0].reason,
        WaitReason::LocationPaused {
            location: "shop".to_owned(),
            until: now + 10.0,
            reason: "no answer".to_owned()
        }
    );
    instance.clock.advance(TimeDelta::seconds(11));
    assert_eq!(read(&instance).decide().launch, [run_id]);
    Ok(())
}
