//! How soon a watcher has what another process has written: Dagster's watcher and ours see the same events of the
//! same writer, once a real Dagster, once us.

use std::collections::HashMap;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use dagster_instance::{DagsterInstance, RunId, WatchEventLogs};
use instance_core::event::{EventLogEntry, LogLevel};
use instance_core::run::DagsterRun;
use serde_json::{Value, json};

use crate::Result;
use crate::homes::open;
use dagster_instance_tests::speed::Dagster;
use dagster_instance_tests::speed::Report;

/// The seconds between two events: no watcher may know when the next one comes.
const PAUSE: (f64, f64) = (0.02, 0.5);

/// When a message was there, in seconds since 1970.
type Times = HashMap<String, f64>;

/// Begins the table of a database.
pub(crate) fn begin(report: &mut Report, database: &str) {
    report.table(
        &format!("Watching in {database}: from before the event is written to the callback"),
        &[
            "writer",
            "store_event itself",
            "Dagster, median",
            "p99",
            "ours, median",
            "p99",
            "lost by Dagster within a minute",
        ],
    );
}

pub(crate) async fn all(
    report: &mut Report,
    watcher: &mut Dagster,
    writer: &mut Dagster,
    home: &Path,
    is_quick: bool,
) -> Result<()> {
    let count = if is_quick { 20 } else { 200 };
    let instance = open(home).await?;
    for by_dagster in [true, false] {
        let run = DagsterRun::new(RunId::from(uuid::Uuid::new_v4().to_string()), "watched");
        let run = instance.add_run(run).await?;
        let run_id = run.run_id.as_str();
        watcher.seconds(&json!({"task": "watch", "home": home, "run_id": run_id}))?;
        let ours = tokio::spawn(watch(instance.clone(), run.run_id.clone(), count));
        // Both have to be at it.
        tokio::time::sleep(Duration::from_secs(1)).await;
        let written = if by_dagster {
            let task = json!({"task": "write", "home": home, "run_id": run_id, "count": count, "seed": 7, "pause": PAUSE});
            tokio::task::block_in_place(|| writer.answer(&task))?
        } else {
            tokio::task::block_in_place(|| written_by_us(home, run_id, count))?
        };
        let seen = json!({"task": "seen", "home": home, "run_id": run_id, "count": count});
        let theirs = tokio::task::block_in_place(|| watcher.answer(&seen))?;
        let theirs = times_of(&theirs["seen"])?;
        let ours = tokio::time::timeout(Duration::from_mins(1), ours).await???;
        let written = pairs_of(&written["written"])?;
        let storing = written.iter().map(|(began, ended)| ended - began).collect();
        let name = if by_dagster { "Dagster" } else { "ours" };
        let mut cells = vec![name.to_owned(), milliseconds(storing, 50)];
        for seen in [&theirs, &ours] {
            let delays = delays(&written, seen);
            cells.push(milliseconds(delays.clone(), 50));
            cells.push(milliseconds(delays, 99));
        }
        cells.push((count - theirs.len()).to_string());
        if ours.len() != count {
            return Err(format!("{} of {count} events have come to us", ours.len()).into());
        }
        report.row(&cells);
    }
    Ok(instance.dispose().await?)
}

/// Our watcher, until as many events have come.
async fn watch(instance: DagsterInstance, run_id: RunId, count: usize) -> Result<Times> {
    let mut stream = instance.watch_event_logs(WatchEventLogs::new(run_id)).await?;
    let mut seen = Times::new();
    while seen.len() < count
        && let Some(record) = stream.next().await
    {
        let message = record?.event_log_entry.user_message.clone();
        if seen.insert(message.clone(), now()).is_some() {
            return Err(format!("event {message} has come twice").into());
        }
    }
    Ok(seen)
}

/// The delays of all events that have come, in seconds.
fn delays(written: &[(f64, f64)], seen: &Times) -> Vec<f64> {
    let delay =
        |(number, (began, _)): (usize, &(f64, f64))| Some(seen.get(&number.to_string())? - began);
    written.iter().enumerate().filter_map(delay).collect()
}

/// Our writer, in a process of its own.
fn written_by_us(home: &Path, run_id: &str, count: usize) -> Result<Value> {
    let output = Command::new(std::env::current_exe()?)
        .arg("writer")
        .arg(home)
        .args([run_id, &count.to_string()])
        .output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// Writes numbered lines, each after a pause; prints the times before and after each was stored.
pub(crate) async fn write(home: &Path, run_id: &str, count: u32) -> Result<()> {
    let instance = open(home).await?;
    let mut written = Vec::new();
    for number in 0..count {
        // As uneven as random ones, and the same ones each time.
        let share = f64::from(number.wrapping_mul(2_654_435_761)) / f64::from(u32::MAX);
        tokio::time::sleep(Duration::from_secs_f64(PAUSE.0 + share * (PAUSE.1 - PAUSE.0))).await;
        let began = now();
        let entry = EventLogEntry::of_message(
            number.to_string(),
            RunId::from(run_id),
            LogLevel::INFO,
            began,
        );
        instance.handle_new_event(entry).await?;
        written.push((began, now()));
    }
    println!("{}", json!({ "written": written }));
    Ok(instance.dispose().await?)
}

fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}

fn pairs_of(list: &Value) -> Result<Vec<(f64, f64)>> {
    Ok(serde_json::from_value(list.clone())?)
}

fn times_of(list: &Value) -> Result<Times> {
    let seen: Vec<(f64, String)> = serde_json::from_value(list.clone())?;
    Ok(seen.into_iter().map(|(at, message)| (message, at)).collect())
}

/// The value below which so many percent are.
fn milliseconds(mut seconds: Vec<f64>, percent: usize) -> String {
    seconds.sort_by(f64::total_cmp);
    let place = (seconds.len() * percent / 100).min(seconds.len().saturating_sub(1));
    seconds.get(place).map_or("-".to_owned(), |seconds| format!("{:.1} ms", seconds * 1e3))
}
