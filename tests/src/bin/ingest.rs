//! The program that the tests kill: it writes events, runs and dynamic partitions from many tasks at once,
//! and prints a line for each write when it was acknowledged.
//!
//! `ingest sqlite DIRECTORY SEED` or `ingest postgres URL SEED`; it goes on until it is killed or its
//! standard input ends. The first word of a line says what was written, the others name it: `event RUN
//! MESSAGE`, `batch RUN MESSAGE..`, `run ID`, `partitions KEY..`. A write that failed is `error TEXT`, and
//! what it would have written is never named.
#![expect(clippy::print_stdout, reason = "the lines are the acknowledgements")]

use std::error::Error;
use std::io;
use std::path::Path;
use std::thread;

use instance_core::event::{
    AssetMaterialization, DagsterEvent, DagsterEventType, EventLogEntry, LogLevel,
    StepMaterializationData,
};
use instance_core::run::DagsterRun;
use instance_core::settings::StorageSettings;
use instance_core::storage::EventStoreExt;
use instance_core::{AssetKey, RunId, StorageError};
use instance_storage::{OpenMode, PostgresConfig, StorageContext, Storages};
use tokio::sync::oneshot;

/// How many tasks write at once.
const TASKS: u64 = 64;
/// How many runs all of them write events of.
const RUNS: u64 = 8;
/// How many events are in a batch.
const BATCH: u64 = 8;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [backend, place, seed] = arguments.as_slice() else {
        return Err("usage: ingest sqlite|postgres DIRECTORY|URL SEED".into());
    };
    let seed: u64 = seed.parse()?;
    let context = StorageContext::default();
    let storages = if backend == "sqlite" {
        let settings = StorageSettings::sqlite_below(Path::new(place));
        Storages::open(&settings, OpenMode::CreateIfMissing, context).await?
    } else {
        Storages::open_postgres(&PostgresConfig::from_url(place)?, context)
    };
    storages.create().await?;
    for task in 0..TASKS {
        tokio::spawn(write(storages.clone(), format!("{seed}-{task}"), seed ^ (task << 32)));
    }
    // The tasks end with the runtime, at whatever they are.
    end_of_input().await?;
    Ok(())
}

/// Writes one thing after another, chosen by the numbers that follow from the seed.
async fn write(storages: Storages, name: String, seed: u64) {
    for number in 0_u64.. {
        let chosen = mixed(seed.wrapping_add(number));
        let name = format!("{name}-{number}");
        let line = match one_write(&storages, &name, chosen).await {
            Ok(line) => line,
            Err(error) => format!("error {}", with_sources(&error).replace('\n', " ")),
        };
        // A line goes out as a whole, so that the last one is never a part of one.
        println!("{line}");
    }
}

async fn one_write(storages: &Storages, name: &str, chosen: u64) -> Result<String, StorageError> {
    let events = storages.event_log_storage();
    let run_id = format!("log-{}", chosen / 16 % RUNS);
    match chosen % 16 {
        0 | 1 => {
            let run = DagsterRun::new(RunId::from(name), "j");
            let at = chrono::DateTime::from_timestamp(1_700_000_000, 0).unwrap_or_default();
            storages.run_storage().add_run(&run, at).await?;
            Ok(format!("run {name}"))
        }
        2 | 3 => {
            let keys: Vec<_> = (0..3).map(|key| format!("{name}.{key}")).collect();
            events.add_dynamic_partitions("ingested", &keys).await?;
            Ok(format!("partitions {}", keys.join(" ")))
        }
        4..=6 => {
            let messages: Vec<_> = (0..BATCH).map(|event| format!("{name}.{event}")).collect();
            let batch: Vec<_> = messages.iter().map(|message| entry(&run_id, message)).collect();
            events.store_event_batch(&batch).await?;
            Ok(format!("batch {run_id} {}", messages.join(" ")))
        }
        _ => {
            events.store_event(&entry(&run_id, name)).await?;
            Ok(format!("event {run_id} {name}"))
        }
    }
}

/// An event with a message; every fourth is about an asset.
fn entry(run_id: &str, message: &str) -> EventLogEntry {
    let event = if message.ends_with(['1', '5']) {
        let data = AssetMaterialization::new(AssetKey::new(["ingested"]), None);
        DagsterEvent::new(DagsterEventType::AssetMaterialization, "j")
            .with_data(StepMaterializationData::from(data))
    } else {
        DagsterEvent::new(DagsterEventType::StepStart, "j")
    };
    let event = event.with_message(message);
    EventLogEntry::of_event(event, RunId::from(run_id), LogLevel::INFO, 1_700_000_000.0)
}

/// A number without an evident relation to the one that it follows from.
fn mixed(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

fn with_sources(error: &StorageError) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}

/// Resolves when standard input has ended: whoever starts this holds a pipe, so that it never outlives them.
fn end_of_input() -> oneshot::Receiver<()> {
    let (ended, end) = oneshot::channel();
    thread::spawn(move || {
        // An input that cannot be read is one that has ended.
        let _ = io::copy(&mut io::stdin().lock(), &mut io::sink());
        let _ = ended.send(());
    });
    end
}
