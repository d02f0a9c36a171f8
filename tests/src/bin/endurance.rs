//! Many events through many writers while another process follows all their runs: `cargo xtask endurance`.
//!
//! Usage: `endurance HOME EVENTS [WRITERS]`, and `endurance follow HOME RUN_ID...` for the process that follows. It
//! prints how fast events are stored and how much memory is used, and fails if an event is missing, comes twice or
//! out of order, or if memory grows with the events.
#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "it starts another process, and says how it goes"
)]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use dagster_instance::storage::RecordsForRun;
use dagster_instance::{DagsterInstance, ReportEvent, RunId, WatchEventLogs, WatchUntil};
use dagster_instance_tests::memory;
use instance_core::AssetKey;
use instance_core::event::{
    AssetMaterialization, DagsterEvent, DagsterEventType, EventLogEntry, LogLevel,
    StepMaterializationData,
};
use instance_core::run::{DagsterRun, DagsterRunStatus};
use serde_json::{Value, json};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

const JOB: &str = "endurance";
/// Every so many events one is a materialisation.
const MATERIALIZATION_EVERY: u64 = 10;
/// How often it is looked how fast events are stored.
const WINDOWS: u64 = 20;
/// How much the memory may grow after a quarter of the events, and by how many bytes in any case: an allocator
/// keeps what it had once.
const GROWTH: f64 = 1.25;
const LEEWAY: u64 = 24 << 20;

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let done = match &arguments[..] {
        [role, home, run_ids @ ..] if role == "follow" => follow(Path::new(home), run_ids).await,
        [home, events] => endure(Path::new(home), events, "64").await,
        [home, events, writers] => endure(Path::new(home), events, writers).await,
        _ => Err("usage: endurance HOME EVENTS [WRITERS]".into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn endure(home: &Path, events: &str, writers: &str) -> Result<()> {
    let (events, writers): (u64, u64) = (events.parse()?, writers.parse()?);
    let each = (events / writers).max(3);
    let instance = DagsterInstance::builder().home(home).open().await?;
    instance.create_storages().await?;
    let mut run_ids = Vec::new();
    for _ in 0..writers {
        let mut run = DagsterRun::new(RunId::from(uuid::Uuid::new_v4().to_string()), JOB);
        run.status = DagsterRunStatus::Starting;
        run_ids.push(instance.add_run(run).await?.run_id);
    }
    let mut follower = Command::new(std::env::current_exe()?)
        .arg("follow")
        .arg(home)
        .args(run_ids.iter().map(RunId::as_str))
        .stdout(Stdio::piped())
        .spawn()?;
    let mut answers = BufReader::new(follower.stdout.take().ok_or("the output is not piped")?);
    let mut line = String::new();
    // That it follows.
    answers.read_line(&mut line)?;

    let stored = Arc::new(AtomicU64::new(0));
    let began = Instant::now();
    let writing: Vec<_> = run_ids
        .iter()
        .map(|run_id| {
            tokio::spawn(write(instance.clone(), run_id.clone(), each, Arc::clone(&stored)))
        })
        .collect();
    let measured = tokio::spawn(measure(Arc::clone(&stored), each * writers));
    for task in writing {
        task.await??;
    }
    let seconds = began.elapsed().as_secs_f64();
    let windows = measured.await??;
    println!("{} events in {seconds:.1} s by {writers} writers", each * writers);

    line.clear();
    tokio::task::block_in_place(|| answers.read_line(&mut line))?;
    let told: Value = serde_json::from_str(&line)?;
    if !follower.wait()?.success() {
        return Err("the process that follows has failed".into());
    }
    println!(
        "followed: {} events, the last {:.1} s after it began; memory at most {:.1} MiB",
        told["events"],
        began.elapsed().as_secs_f64(),
        mebibytes(told["peak"].as_u64().unwrap_or_default())
    );
    for run_id in &run_ids {
        check_stored(&instance, run_id, each).await?;
    }
    instance.dispose().await?;
    check_memory("writing", &windows.iter().map(|window| window.memory).collect::<Vec<_>>())?;
    let of_follower: Vec<u64> = serde_json::from_value(told["memory"].clone())?;
    check_memory("following", &of_follower)
}

/// One writer: a run from its start to its end.
async fn write(
    instance: DagsterInstance,
    run_id: RunId,
    each: u64,
    stored: Arc<AtomicU64>,
) -> Result<()> {
    for number in 0..each {
        let event =
            |event_type| DagsterEvent::new(event_type, JOB).with_message(number.to_string());
        let of_run = match number {
            0 => Some(event(DagsterEventType::RunStart)),
            last if last + 1 == each => Some(event(DagsterEventType::RunSuccess)),
            _ => None,
        };
        if let Some(event) = of_run {
            instance.report_dagster_event(ReportEvent::new(event, &run_id)).await?;
        } else if number % MATERIALIZATION_EVERY == 0 {
            let asset_key =
                AssetKey::new(["endurance".to_owned(), format!("asset_{}", number % 100)]);
            let made =
                AssetMaterialization::new(asset_key, Some(format!("part_{}", number % 1_000)));
            let event = event(DagsterEventType::AssetMaterialization)
                .with_step_key("step")
                .with_data(StepMaterializationData::from(made));
            instance
                .handle_new_event(EventLogEntry::of_event(
                    event,
                    run_id.clone(),
                    LogLevel::DEBUG,
                    now(),
                ))
                .await?;
        } else {
            let line = EventLogEntry::of_message(
                number.to_string(),
                run_id.clone(),
                LogLevel::INFO,
                now(),
            );
            instance.handle_new_event(line).await?;
        }
        stored.fetch_add(1, Ordering::Relaxed);
    }
    Ok(())
}

/// One part of the time.
struct Window {
    memory: u64,
}

/// Says from time to time how it goes, until so many events are stored.
async fn measure(stored: Arc<AtomicU64>, events: u64) -> Result<Vec<Window>> {
    let (mut windows, mut last, mut began) = (Vec::new(), 0, Instant::now());
    println!("{:>10} {:>10} {:>12}", "events", "per s", "memory");
    while (windows.len() as u64) < WINDOWS {
        tokio::time::sleep(Duration::from_millis(20)).await;
        let now = stored.load(Ordering::Relaxed);
        if now < (windows.len() as u64 + 1) * events / WINDOWS {
            continue;
        }
        let memory = memory("self", "VmRSS")?;
        let rate = count(now - last) / began.elapsed().as_secs_f64();
        println!("{now:>10} {rate:>10.0} {:>8.1} MiB", mebibytes(memory));
        windows.push(Window { memory });
        (last, began) = (now, Instant::now());
    }
    Ok(windows)
}

/// The other process: follows each run to its end, and looks whether its events are all there, once and in order.
async fn follow(home: &Path, run_ids: &[String]) -> Result<()> {
    let instance = DagsterInstance::builder().home(home).open().await?;
    let events = Arc::new(AtomicU64::new(0));
    let mut following = Vec::new();
    for run_id in run_ids {
        let request =
            WatchEventLogs::new(RunId::from(run_id.as_str())).with_until(WatchUntil::RunEnds);
        let mut stream = instance.watch_event_logs(request).await?;
        let (events, run_id) = (Arc::clone(&events), run_id.clone());
        following.push(tokio::spawn(async move {
            let mut expected = 0_u64;
            while let Some(record) = stream.next().await {
                let record = record?;
                check_number(&run_id, expected, record.event_log_entry.message())?;
                expected += 1;
                events.fetch_add(1, Ordering::Relaxed);
            }
            Ok::<_, Box<dyn std::error::Error + Send + Sync>>(())
        }));
    }
    println!("{}", json!({"following": run_ids.len()}));
    let (stop, mut stopped) = tokio::sync::oneshot::channel::<()>();
    let sampling = tokio::spawn(async move {
        let mut samples = Vec::new();
        while tokio::time::timeout(Duration::from_millis(250), &mut stopped).await.is_err() {
            samples.push(memory("self", "VmRSS")?);
        }
        Ok::<_, Box<dyn std::error::Error + Send + Sync>>(samples)
    });
    for task in following {
        task.await??;
    }
    drop(stop);
    let samples = sampling.await??;
    instance.dispose().await?;
    let events = events.load(Ordering::Relaxed);
    println!("{}", json!({"events": events, "memory": samples, "peak": memory("self", "VmHWM")?}));
    Ok(())
}

/// What is stored of a run: everything, once, and in order.
async fn check_stored(instance: &DagsterInstance, run_id: &RunId, each: u64) -> Result<()> {
    let mut query = RecordsForRun::new(run_id.clone()).with_limit(1_000);
    let mut expected = 0;
    loop {
        let page = instance.get_records_for_run(&query).await?;
        for record in &page.records {
            check_number(run_id.as_str(), expected, record.event_log_entry.message())?;
            expected += 1;
        }
        if !page.has_more {
            break;
        }
        query.cursor = Some(page.cursor);
    }
    let status = instance.get_run_by_id(run_id).await?.map(|run| run.status);
    if expected != each || status != Some(DagsterRunStatus::Success) {
        return Err(
            format!("run {run_id} has {expected} events of {each} and is {status:?}").into()
        );
    }
    Ok(())
}

fn check_number(run_id: &str, expected: u64, message: &str) -> Result<()> {
    if message == expected.to_string() {
        return Ok(());
    }
    Err(format!("run {run_id}: event {message} has come where {expected} was due").into())
}

/// Memory does not grow with the events: what it is after a quarter of the time is about what it stays.
fn check_memory(of: &str, samples: &[u64]) -> Result<()> {
    let (early, late) = samples.split_at(samples.len() / 4);
    let early = early.iter().copied().max().unwrap_or_default();
    let late = late.iter().copied().max().unwrap_or_default();
    println!(
        "memory of {of}: {:.1} MiB at first, {:.1} MiB later",
        mebibytes(early),
        mebibytes(late)
    );
    if early > 0 && count(late) > count(early + LEEWAY) * GROWTH {
        return Err(format!("the memory of {of} grows with the events").into());
    }
    Ok(())
}

fn now() -> f64 {
    instance_core::clock::timestamp_of(chrono::Utc::now())
}

#[expect(clippy::cast_precision_loss, reason = "figures for people")]
fn count(number: u64) -> f64 {
    number as f64
}

fn mebibytes(bytes: u64) -> f64 {
    count(bytes) / f64::from(1 << 20)
}
