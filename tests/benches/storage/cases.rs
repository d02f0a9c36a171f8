//! What is measured: writes, reads and changes, each by both sides in turn.

use std::future::Future;
use std::sync::Arc;
use std::time::Instant;

use chrono::Utc;
use instance_core::RunId;
use instance_core::event::{DagsterEventType, EventLogEntry};
use instance_core::run::{DagsterRun, RunsFilter};
use instance_core::storage::EventStoreExt;
use instance_core::storage::{EventLogStorage, Only, RecordsForRun, RunsPage};
use serde_json::json;

use crate::Result;
use crate::events::{asset_key, events_of};
use crate::sides::{EVENTS_OF_LONG_RUN, LONG_RUN, PARTITIONS, Sides, partitioned_asset};
use dagster_instance_tests::speed::Dagster;
use dagster_instance_tests::speed::{Report, Samples};

const MATERIALIZATION: &str = "asset_materialization";
/// The name of a case whose limit is all rows that follow from its events.
const BESIDE_EVERYTHING: &str = "the same, beside all rows that it has to write";

const CALLERS: u32 = 64;
const BATCH: u32 = 1_000;
/// A run as it usually is, with so many events.
const EVENTS_OF_RUN: u32 = 104;

pub(crate) async fn all(
    report: &mut Report,
    dagster: &mut Dagster,
    sides: &mut Sides,
    is_quick: bool,
) -> Result<()> {
    for kind in ["log_line", "step_start", MATERIALIZATION] {
        one_caller(report, dagster, sides, kind, if is_quick { 30 } else { 60 }).await?;
    }
    for kind in ["step_start", MATERIALIZATION] {
        many_callers(report, dagster, sides, kind, if is_quick { 64 } else { 128 }).await?;
    }
    batches(report, dagster, sides, is_quick).await?;
    reads(report, dagster, sides).await?;
    additions(report, dagster, sides).await?;
    wipes(report, dagster, sides).await?;
    deletions(report, dagster, sides).await
}

async fn one_caller(
    report: &mut Report,
    dagster: &mut Dagster,
    sides: &mut Sides,
    kind: &str,
    count: u32,
) -> Result<()> {
    let (mut samples, mut everything) = (Samples::default(), Vec::new());
    let follows = kind == MATERIALIZATION && !sides.raw.is_postgres();
    for _ in 0..report.rounds {
        let run_id = uuid::Uuid::new_v4().to_string();
        let task = json!({"task": "store_one_by_one", "home": sides.shared.home, "kind": kind, "run_id": run_id, "count": count});
        samples.dagster.push(dagster.seconds(&task)? / f64::from(count));
        let events = events_of(kind, &run_id, count);
        let storing = async {
            for event in &events {
                sides.ours.events().store_event(event).await?;
            }
            Ok(())
        };
        samples.ours.push(per(count, storing).await?);
        let inserting = async {
            for event in &events {
                sides.raw.insert(std::slice::from_ref(event)).await?;
            }
            Ok(())
        };
        samples.limit.push(per(count, inserting).await?);
        if follows {
            let inserting = async {
                for event in &events {
                    sides.raw.insert_everything(std::slice::from_ref(event)).await?;
                }
                Ok(())
            };
            everything.push(per(count, inserting).await?);
        }
    }
    report.add(&format!("store_event, one caller, {kind}"), &samples);
    if follows {
        samples.limit = everything;
        report.add(BESIDE_EVERYTHING, &samples);
    }
    Ok(())
}

async fn many_callers(
    report: &mut Report,
    dagster: &mut Dagster,
    sides: &Sides,
    kind: &str,
    count: u32,
) -> Result<()> {
    let mut samples = Samples::default();
    for _ in 0..report.rounds {
        let run_id = uuid::Uuid::new_v4().to_string();
        let task = json!({"task": "store_concurrently", "home": sides.shared.home, "kind": kind, "run_id": run_id, "count": count, "callers": CALLERS});
        samples.dagster.push(dagster.seconds(&task)? / f64::from(count));
        // As long as Dagster's would be over in an instant.
        let ours = count * 20;
        let events = Arc::new(events_of(kind, &run_id, ours));
        samples.ours.push(per(ours, store_concurrently(sides.ours.events(), events)).await?);
    }
    report.add(&format!("store_event, {CALLERS} callers, {kind}"), &samples);
    Ok(())
}

async fn store_concurrently(
    storage: Arc<dyn EventLogStorage>,
    events: Arc<Vec<EventLogEntry>>,
) -> Result<()> {
    let mut tasks = tokio::task::JoinSet::new();
    for caller in 0..CALLERS as usize {
        let (storage, events) = (Arc::clone(&storage), Arc::clone(&events));
        tasks.spawn(async move {
            for event in events.iter().skip(caller).step_by(CALLERS as usize) {
                storage.store_event(event).await?;
            }
            Ok::<_, instance_core::StorageError>(())
        });
    }
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    Ok(())
}

async fn batches(
    report: &mut Report,
    dagster: &mut Dagster,
    sides: &mut Sides,
    is_quick: bool,
) -> Result<()> {
    // Dagster's own takes as long for each event however many there are in SQLite, and very long.
    let theirs = match (sides.raw.is_postgres(), is_quick) {
        (true, _) => BATCH,
        (false, true) => 50,
        (false, false) => 100,
    };
    let (mut samples, mut others) = (Samples::default(), Vec::new());
    for _ in 0..report.rounds {
        let run_id = uuid::Uuid::new_v4().to_string();
        let task = json!({"task": "store_batch", "home": sides.shared.home, "kind": MATERIALIZATION, "run_id": run_id, "count": theirs});
        samples.dagster.push(dagster.seconds(&task)? / f64::from(theirs));
        let events = events_of(MATERIALIZATION, &run_id, BATCH);
        let storing = async {
            sides.ours.events().store_event_batch(&events).await?;
            Ok(())
        };
        samples.ours.push(per(BATCH, storing).await?);
        samples.limit.push(per(BATCH, sides.raw.insert(&events)).await?);
        others.push(if sides.raw.is_postgres() {
            per(BATCH, sides.raw.copy(&events)).await?
        } else {
            per(BATCH, sides.raw.insert_everything(&events)).await?
        });
    }
    report.add(&format!("store_event_batch of {BATCH}, {MATERIALIZATION}"), &samples);
    samples.limit = others;
    let beside_copy = "the same, beside COPY";
    let name = if sides.raw.is_postgres() { beside_copy } else { BESIDE_EVERYTHING };
    report.add(name, &samples);
    Ok(())
}

async fn reads(report: &mut Report, dagster: &mut Dagster, sides: &Sides) -> Result<()> {
    let (runs, events) = (sides.shared.runs(), sides.shared.events());
    let (all_runs, page) = (RunsFilter::default(), RunsPage::new().with_limit(100));
    let keys: Vec<_> = (0..100).map(asset_key).collect();
    for (task, count) in [
        ("get_run_records", 100),
        ("get_records_for_run", EVENTS_OF_LONG_RUN),
        ("get_latest_materialization_events", 100),
        ("get_asset_records", 100),
        ("get_latest_storage_id_by_partition", PARTITIONS),
        ("get_dynamic_partitions", PARTITIONS),
    ] {
        let mut samples = Samples::default();
        for _ in 0..report.rounds {
            let request = json!({"task": task, "home": sides.shared.home, "run_id": LONG_RUN, "count": count, "name": "prepared"});
            samples.dagster.push(dagster.seconds(&request)?);
            let began = Instant::now();
            let found = match task {
                "get_run_records" => runs.get_run_records(&all_runs, &page).await?.len(),
                "get_records_for_run" => {
                    let all = RecordsForRun::new(RunId::from(LONG_RUN));
                    events.get_records_for_run(&all).await?.records.len()
                }
                "get_latest_materialization_events" => {
                    events.get_latest_materialization_records(&keys).await?.len()
                }
                "get_asset_records" => {
                    events.get_asset_records(&Only::These(keys.clone())).await?.len()
                }
                "get_latest_storage_id_by_partition" => {
                    let (asset, of_type) =
                        (partitioned_asset(), DagsterEventType::AssetMaterialization);
                    let latest = events.get_latest_storage_id_by_partition(
                        &asset,
                        of_type,
                        &Only::Any,
                        None,
                    );
                    latest.await?.len()
                }
                _ => events.get_dynamic_partitions("prepared").await?.len(),
            };
            samples.ours.push(began.elapsed().as_secs_f64());
            if found != usize::try_from(count)? {
                return Err(format!("{task} found {found}, not {count}").into());
            }
        }
        report.add(&format!("{task} ({count})"), &samples);
    }
    Ok(())
}

async fn additions(report: &mut Report, dagster: &mut Dagster, sides: &Sides) -> Result<()> {
    let keys: Vec<String> = (0..PARTITIONS).map(|number| format!("key_{number}")).collect();
    let mut samples = Samples::default();
    for round in 0..report.rounds {
        let name = format!("added_{round}");
        let task = json!({"task": "add_dynamic_partitions", "home": sides.shared.home, "name": name, "count": PARTITIONS});
        samples.dagster.push(dagster.seconds(&task)?);
        let began = Instant::now();
        sides.ours.events().add_dynamic_partitions(&name, &keys).await?;
        samples.ours.push(began.elapsed().as_secs_f64());
    }
    report.add(&format!("add_dynamic_partitions ({PARTITIONS})"), &samples);
    Ok(())
}

/// Each side wipes what it materialised a moment before, a hundred times each.
async fn wipes(report: &mut Report, dagster: &mut Dagster, sides: &Sides) -> Result<()> {
    const ASSETS: u32 = 10;
    let mut samples = Samples::default();
    for _ in 0..report.rounds {
        let run_id = uuid::Uuid::new_v4().to_string();
        let events: Vec<_> = (0..ASSETS * 100)
            .map(|number| {
                crate::events::materialization(&run_id, &asset_key(number % ASSETS), number)
            })
            .collect();
        sides.shared.events().store_event_batch(&events).await?;
        sides.ours.events().store_event_batch(&events).await?;
        let task = json!({"task": "wipe_assets", "home": sides.shared.home, "count": ASSETS});
        samples.dagster.push(dagster.seconds(&task)?);
        let keys: Vec<_> = (0..ASSETS).map(asset_key).collect();
        let began = Instant::now();
        sides.ours.events().wipe_assets(&keys, Utc::now()).await?;
        samples.ours.push(began.elapsed().as_secs_f64());
    }
    report.add(&format!("wipe of {ASSETS} assets of 100 materialisations"), &samples);
    Ok(())
}

/// The events of a run, and the run.
async fn deletions(report: &mut Report, dagster: &mut Dagster, sides: &Sides) -> Result<()> {
    let mut samples = Samples::default();
    for _ in 0..report.rounds {
        let run_id = uuid::Uuid::new_v4().to_string();
        for side in [&sides.shared, &sides.ours] {
            let run = DagsterRun::new(RunId::from(&*run_id), "daily_orders");
            side.runs().add_run(&run, Utc::now()).await?;
            let events = events_of("step_start", &run_id, EVENTS_OF_RUN - 4)
                .into_iter()
                .chain(events_of(MATERIALIZATION, &run_id, 4));
            side.events().store_event_batch(&events.collect::<Vec<_>>()).await?;
        }
        let task = json!({"task": "delete_run", "home": sides.shared.home, "run_id": run_id});
        samples.dagster.push(dagster.seconds(&task)?);
        let run_id = RunId::from(run_id);
        let began = Instant::now();
        sides.ours.runs().delete_run(&run_id).await?;
        sides.ours.events().delete_events(&run_id).await?;
        samples.ours.push(began.elapsed().as_secs_f64());
    }
    report.add(&format!("delete a run of {EVENTS_OF_RUN} events"), &samples);
    Ok(())
}

/// Seconds for one of `count` operations.
async fn per<T>(count: u32, work: impl Future<Output = Result<T>>) -> Result<f64> {
    let began = Instant::now();
    work.await?;
    Ok(began.elapsed().as_secs_f64() / f64::from(count))
}
