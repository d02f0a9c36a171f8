//! One process of ours that stores events, one after another.

use std::io::BufRead as _;
use std::time::{Duration, Instant};

use instance_core::event::EventLogEntry;
use instance_core::storage::EventStoreExt as _;
use instance_storage::{PostgresConfig, StorageContext, Storages};
use serde_json::{Value, json};

use crate::Result;

#[path = "../storage/events.rs"]
mod events;

/// Says that it is ready, and then does each task of its input: a JSON object with `kind` and `seconds`. It answers with
/// the times of all events, in seconds.
pub(crate) async fn write(url: &str, run_id: &str) -> Result<()> {
    let storages =
        Storages::open_postgres(&PostgresConfig::from_url(url)?, StorageContext::default());
    storages.create().await?;
    let store = storages.event_log_storage();
    store.store_event(&event("log_line", run_id, 0)).await?;
    println!("{}", json!({ "ready": true }));
    for line in std::io::stdin().lock().lines() {
        let task: Value = serde_json::from_str(&line?)?;
        let kind = task["kind"].as_str().ok_or("a task without a kind")?;
        let seconds = task["seconds"].as_f64().ok_or("a task without its seconds")?;
        let (began, whole) = (Instant::now(), Duration::from_secs_f64(seconds));
        let mut times = Vec::new();
        let mut number = 0;
        while began.elapsed() < whole {
            let one = event(kind, run_id, number);
            let at = Instant::now();
            store.store_event(&one).await?;
            times.push(at.elapsed().as_secs_f64());
            number += 1;
        }
        println!("{}", json!({ "times": times }));
    }
    storages.dispose().await;
    Ok(())
}

fn event(kind: &str, run_id: &str, number: u32) -> EventLogEntry {
    if kind == "asset_materialization" {
        return events::materialization(run_id, &events::asset_key(number), number);
    }
    events::events_of(kind, run_id, 1).remove(0)
}
