//! Which queued runs are launched: queues drawn at random, asked of Dagster's daemon and of ours.
//!
//! Ours differs in one thing (`docs/differences.md`): a run that waits takes no place in a limit. So it has to equal
//! Dagster with that one change, in every case.
//!
//! `cargo xtask queue-decisions --count` asks for more cases than the gate, by `DAGSTER_INSTANCE_QUEUE_CASES`.

use std::collections::BTreeMap;
use std::sync::Arc;

use dagster_instance_tests::dagster;
use instance_core::ids::{RunId, StorageId};
use instance_core::python;
use instance_core::run::{DagsterRunStatus, RunOpConcurrency};
use instance_core::serdes::UnknownFields;
use instance_core::settings::{
    BlockOpConcurrencyLimitedRuns, ConcurrencySettings, PoolGranularity, PoolSettings,
    QueuedRunCoordinatorSettings, TagConcurrencyLimit, TagLimitValue,
};
use instance_launcher::queue::{
    InProgressRun, LocationPause, PoolFill, QueueSnapshot, QueuedRun, decide, explain,
};
use serde::Deserialize;

const CASES: &str = "3000";

#[derive(Debug, Deserialize)]
struct Case {
    number: u64,
    now: f64,
    max_concurrent_runs: i64,
    limits: Vec<DrawnLimit>,
    granularity: Option<String>,
    blocking: bool,
    buffer: i64,
    allotted: f64,
    pools: BTreeMap<String, Fill>,
    paused: BTreeMap<String, f64>,
    in_progress: Vec<Run>,
    queued: Vec<Run>,
    dagster: Vec<String>,
    mended: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct DrawnLimit {
    key: String,
    value: Option<String>,
    #[serde(default)]
    each: bool,
    limit: i64,
}

#[derive(Debug, Deserialize)]
struct Fill {
    slots: i64,
    pending: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Run {
    id: String,
    tags: BTreeMap<String, String>,
    pools: Option<Pools>,
    location: Option<String>,
    status: Option<String>,
    start: Option<f64>,
}

#[derive(Debug, Deserialize)]
struct Pools {
    all: Vec<String>,
    first: BTreeMap<String, i64>,
    free: bool,
}

#[test]
fn the_same_runs_are_launched_in_the_same_order() {
    let mut told = dagster("queue_cases.py", &[&count(), "1"]);
    let cases: Vec<Case> = serde_json::from_value(told["cases"].take()).expect("cases");
    let mut others = 0;
    for case in &cases {
        let ours = launched(case);
        assert_eq!(ours, case.mended, "case {}: {case:?}", case.number);
        others += usize::from(ours != case.dagster);
    }
    // The difference shows, and is rare.
    assert!(others > cases.len() / 100 && others < cases.len() / 5, "{others} of {}", cases.len());
}

#[expect(clippy::disallowed_methods, reason = "`cargo xtask queue-decisions` asks for more")]
fn count() -> String {
    std::env::var("DAGSTER_INSTANCE_QUEUE_CASES").unwrap_or_else(|_| CASES.to_owned())
}

/// The runs that we launch. Each explanation has to agree with the decision.
fn launched(case: &Case) -> Vec<String> {
    let blocking = BlockOpConcurrencyLimitedRuns::new()
        .with_enabled(case.blocking)
        .with_op_concurrency_slot_buffer(case.buffer);
    let queue = QueuedRunCoordinatorSettings::new()
        .with_max_concurrent_runs(case.max_concurrent_runs)
        .with_tag_concurrency_limits(case.limits.iter().map(limit).collect::<Vec<_>>())
        .with_block_op_concurrency_limited_runs(blocking);
    let granularity = case.granularity.as_deref();
    let granularity = granularity.map(|name| PoolGranularity::from_name(name).expect("a name"));
    let pools = PoolSettings::new().with_granularity(granularity);
    let config = ConcurrencySettings::new().with_pools(pools).config(Some(&queue));
    let fills = case.pools.iter().map(|(pool, fill)| {
        let pending = fill.pending.iter().map(|run_id| RunId::from(&**run_id)).collect();
        (pool.clone(), PoolFill { slots: fill.slots, pending })
    });
    let paused = case.paused.iter().map(|(location, until)| {
        (location.clone(), LocationPause { until: *until, reason: String::new() })
    });
    let queued: Vec<_> = case.queued.iter().zip(1..).map(queued).collect();
    let in_progress: Vec<_> = case.in_progress.iter().map(in_progress).collect();
    let snapshot = QueueSnapshot {
        now: case.now,
        limits: config.run_queue_config.as_ref().expect("a queue"),
        pools: &config.pool_config,
        started_run_pools_allotted_seconds: case.allotted,
        pool_fills: &fills.collect(),
        in_progress: &in_progress,
        queued: &queued,
        paused: &paused.collect(),
    };
    let decision = decide(&snapshot);
    assert_eq!(decision.launch.len() + decision.waiting.len(), queued.len());
    for waiting in &decision.waiting {
        let told = explain(&snapshot, &waiting.run_id).expect("a queued run");
        assert!(!told.taken_next && told.position == waiting.position, "{told:?}");
    }
    for run_id in &decision.launch {
        let told = explain(&snapshot, run_id).expect("a queued run");
        assert!(told.taken_next && told.waits_for.is_empty(), "{told:?}");
    }
    decision.launch.iter().map(ToString::to_string).collect()
}

fn limit(drawn: &DrawnLimit) -> TagConcurrencyLimit {
    let value = match &drawn.value {
        Some(value) => TagLimitValue::Of(value.clone()),
        None if drawn.each => TagLimitValue::EachByItself,
        None => TagLimitValue::Any,
    };
    TagConcurrencyLimit::new(&drawn.key, drawn.limit).with_value(value)
}

fn queued((run, row): (&Run, i64)) -> QueuedRun {
    let priority = run.tags.get("dagster/priority").and_then(|text| python::integer(text));
    QueuedRun {
        storage_id: StorageId(row),
        run_id: RunId::from(&*run.id),
        job_name: "job".to_owned(),
        since: 0.0,
        priority: priority.unwrap_or(0),
        location: run.location.clone(),
        tags: Arc::new(run.tags.clone()),
        pools: pools(run),
    }
}

fn in_progress(run: &Run) -> InProgressRun {
    let status = run.status.as_deref().expect("a status");
    InProgressRun {
        run_id: RunId::from(&*run.id),
        status: DagsterRunStatus::from_name(status).expect("a status"),
        start_time: run.start,
        tags: Arc::new(run.tags.clone()),
        pools: pools(run),
    }
}

fn pools(run: &Run) -> Option<Arc<RunOpConcurrency>> {
    let pools = run.pools.as_ref()?;
    Some(Arc::new(RunOpConcurrency {
        all_pools: Some(pools.all.iter().cloned().collect()),
        has_unconstrained_root_nodes: pools.free,
        root_key_counts: pools.first.clone(),
        unknown: UnknownFields::default(),
    }))
}
