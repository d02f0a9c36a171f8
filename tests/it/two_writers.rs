//! Our storages and Dagster's writing one database at the same time, and Dagster's following what both
//! write: nothing is lost, nothing is there twice.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Lines};
use std::path::Path;
use std::process::{Child, ChildStdout, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use dagster_instance_tests::{Home, dagster_script};
use instance_core::event::{
    AssetMaterialization, DagsterEvent, DagsterEventType, EventLogEntry, LogLevel,
    StepMaterializationData,
};
use instance_core::run::{DagsterRun, RunsFilter};
use instance_core::settings::StorageSettings;
use instance_core::storage::EventStoreExt;
use instance_core::storage::RecordsForRun;
use instance_core::{AssetKey, RunId, StorageError};
use instance_storage::{OpenMode, StorageContext, Storages};
use serde_json::Value;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

use crate::postgres::TestDatabase;

/// We write in so many rounds, each of which begins after Dagster has gone on.
const ROUNDS: usize = 10;
/// How many events, runs and dynamic partitions we write, unless `DAGSTER_INSTANCE_TWO_WRITERS_COUNT` says.
const COUNT: usize = 2_000;

/// How many tasks of ours write at once.
const TASKS: usize = 64;
/// How many runs all writers write events of.
const SHARED_RUNS: usize = 8;
/// How many partitions one call adds.
const PARTITIONS_AT_ONCE: usize = 10;
/// One event in so many is a materialization.
const MATERIALIZE_EVERY: usize = 4;

/// How many events, runs and dynamic partitions we write each.
#[expect(
    clippy::disallowed_methods,
    reason = "`cargo xtask two-writers` asks for more than the gate"
)]
fn count() -> usize {
    match std::env::var("DAGSTER_INSTANCE_TWO_WRITERS_COUNT") {
        Ok(count) => count.parse().expect("DAGSTER_INSTANCE_TWO_WRITERS_COUNT is no number"),
        Err(_) => COUNT,
    }
}

/// Real Dagster as a process that goes on until it is told to end.
struct Dagster {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Dagster {
    /// Starts it, and returns when it has begun.
    fn start(home: &Path, arguments: &[&str]) -> Self {
        let mut script = dagster_script("two_writers.py");
        script.arg(home).args(arguments).args(["--runs", &SHARED_RUNS.to_string()]);
        let mut child =
            script.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("a process");
        let stdout = child.stdout.take().expect("its output");
        let mut dagster = Self { child, lines: BufReader::new(stdout).lines() };
        assert_eq!(dagster.line()["begun"], true);
        dagster
    }

    fn line(&mut self) -> Value {
        let line = self.lines.next().expect("it ended before it was told to").expect("a line");
        serde_json::from_str(&line).expect("a document")
    }

    /// Tells it to end; returns its last line.
    fn finish(mut self) -> Value {
        drop(self.child.stdin.take());
        let last = self.lines.map(|line| line.expect("a line")).last().expect("a last line");
        assert!(self.child.wait().expect("its end").success());
        serde_json::from_str(&last).expect("a document")
    }
}

/// What somebody wrote or found, each of it as often as it was.
#[derive(Debug, Default, PartialEq)]
struct Written {
    messages: BTreeMap<(String, String), usize>,
    run_ids: BTreeMap<String, usize>,
    partitions: BTreeMap<String, usize>,
}

fn counted<T: Ord>(things: impl IntoIterator<Item = T>) -> BTreeMap<T, usize> {
    let mut counted = BTreeMap::new();
    for thing in things {
        *counted.entry(thing).or_default() += 1;
    }
    counted
}

fn texts(document: &Value) -> Vec<String> {
    let list = document.as_array().expect("a list").iter();
    list.map(|text| text.as_str().expect("a text").to_owned()).collect()
}

impl Written {
    fn of(document: &Value) -> Self {
        let messages = document["messages"].as_array().expect("messages").iter();
        let messages = messages.map(|message| {
            let [run_id, message] = texts(message).try_into().expect("a run and a message");
            (run_id, message)
        });
        Self {
            messages: counted(messages),
            run_ids: counted(texts(&document["run_ids"])),
            partitions: counted(texts(&document["partitions"])),
        }
    }

    /// What we write; every key of a partition is ours alone or one that Dagster adds, too.
    fn by_us() -> Self {
        let numbers = || 0..count();
        Self {
            messages: numbers().map(|n| ((shared_run(n), format!("ours-{n}")), 1)).collect(),
            run_ids: numbers().map(|n| (format!("ours-run-{n}"), 1)).collect(),
            partitions: numbers().map(|n| (partition(n), 1)).collect(),
        }
    }

    /// Both together. A key that both have added is there once.
    fn and(mut self, other: Self) -> Self {
        for (message, count) in other.messages {
            *self.messages.entry(message).or_default() += count;
        }
        for (run_id, count) in other.run_ids {
            *self.run_ids.entry(run_id).or_default() += count;
        }
        self.partitions.extend(other.partitions);
        self
    }
}

fn shared_run(number: usize) -> String {
    format!("shared-{}", number % SHARED_RUNS)
}

fn partition(number: usize) -> String {
    match number % 2 {
        0 => format!("ours-{number}"),
        _ => format!("both-{number}"),
    }
}

async fn write_event(storages: Storages, number: usize) -> Result<(), StorageError> {
    let event = if number.is_multiple_of(MATERIALIZE_EVERY) {
        let data = AssetMaterialization::new(AssetKey::new(["shared"]), None);
        DagsterEvent::new(DagsterEventType::AssetMaterialization, "j")
            .with_data(StepMaterializationData::from(data))
    } else {
        DagsterEvent::new(DagsterEventType::StepStart, "j")
    };
    let event = event.with_message(format!("ours-{number}"));
    let run_id = RunId::from(shared_run(number));
    let entry = EventLogEntry::of_event(event, run_id, LogLevel::INFO, 1_700_000_000.0);
    storages.event_log_storage().store_event(&entry).await.map(drop)
}

async fn write_one(storages: Storages, number: usize) -> Result<(), StorageError> {
    write_event(storages.clone(), number).await?;
    let run = DagsterRun::new(RunId::from(format!("ours-run-{number}")), "j");
    storages.run_storage().add_run(&run, chrono::DateTime::UNIX_EPOCH).await?;
    if number.is_multiple_of(PARTITIONS_AT_ONCE) {
        let keys: Vec<_> = (number..number + PARTITIONS_AT_ONCE).map(partition).collect();
        storages.event_log_storage().add_dynamic_partitions("set", &keys).await?;
    }
    Ok(())
}

/// Writes some of what we write, from many tasks at once.
async fn write_round(storages: &Storages, numbers: std::ops::Range<usize>) {
    let next = Arc::new(AtomicUsize::new(numbers.start));
    let mut tasks = JoinSet::new();
    for _ in 0..TASKS {
        let (storages, next) = (storages.clone(), Arc::clone(&next));
        tasks.spawn(async move {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= numbers.end {
                    return Ok::<_, StorageError>(());
                }
                write_one(storages.clone(), number).await?;
            }
        });
    }
    for outcome in tasks.join_all().await {
        outcome.expect("a write of ours failed");
    }
}

/// What our storages find.
async fn found_by_us(storages: &Storages) -> Result<Written, StorageError> {
    let events = storages.event_log_storage();
    let mut messages = Vec::new();
    for run_id in (0..SHARED_RUNS).map(shared_run) {
        let page = events.get_records_for_run(&RecordsForRun::new(RunId::from(&*run_id))).await?;
        let ids: BTreeSet<_> = page.records.iter().map(|record| record.storage_id).collect();
        assert_eq!(ids.len(), page.records.len(), "two rows of {run_id} have one id");
        messages.extend(
            page.records
                .iter()
                .map(|record| (run_id.clone(), record.event_log_entry.message().to_owned())),
        );
    }
    let page = instance_core::storage::RunsPage::default();
    let run_ids = storages.run_storage().get_run_ids(&RunsFilter::default(), &page).await?;
    Ok(Written {
        messages: counted(messages),
        run_ids: counted(run_ids.iter().map(ToString::to_string)),
        partitions: counted(events.get_dynamic_partitions("set").await?),
    })
}

/// What a reader saw behind its cursor, and what is there: ids with messages.
struct Followed {
    seen: Vec<(i64, String)>,
    stored: Vec<(i64, String)>,
}

impl Followed {
    fn of(document: &Value) -> Self {
        let list = |key: &str| {
            let list = document[key].as_array().expect("a list").iter();
            list.map(|pair| {
                (pair[0].as_i64().expect("an id"), pair[1].as_str().expect("a message").to_owned())
            })
            .collect()
        };
        Self { seen: list("seen"), stored: list("stored") }
    }

    /// Nothing was seen that is not there, and nothing twice.
    fn check(&self) {
        let ids: BTreeSet<_> = self.stored.iter().map(|(id, _)| id).collect();
        assert_eq!(ids.len(), self.stored.len(), "two rows have one id");
        let stored: BTreeSet<_> = self.stored.iter().collect();
        let seen: BTreeSet<_> = self.seen.iter().collect();
        assert_eq!(seen.len(), self.seen.len(), "a row was seen twice");
        assert!(seen.is_subset(&stored), "a row was seen that is not there");
    }

    /// The messages of the rows that came with an id behind which the reader was already.
    fn missed(&self) -> Vec<&str> {
        let seen: BTreeSet<_> = self.seen.iter().map(|(id, _)| id).collect();
        let missed = self.stored.iter().filter(|(id, _)| !seen.contains(id));
        missed.map(|(_, message)| message.as_str()).collect()
    }
}

/// We and Dagster write what `home` names, and another Dagster follows.
fn write_both(runtime: &Runtime, home: &Home, storages: &Storages) -> Followed {
    runtime.block_on(storages.create()).expect("created");
    let reader = Dagster::start(home.path(), &["read"]);
    let mut writer = Dagster::start(home.path(), &["write"]);
    for round in 0..ROUNDS {
        writer.line();
        let share = count() / ROUNDS;
        runtime.block_on(write_round(storages, round * share..(round + 1) * share));
    }
    let theirs = Written::of(&writer.finish());
    let document = reader.finish();
    assert!(theirs.messages.len() > ROUNDS, "Dagster wrote next to nothing");
    println!("Dagster wrote {} events beside our {}", theirs.messages.len(), count());

    let expected = Written::by_us().and(theirs);
    let found = Written::of(&document);
    assert!(found == expected, "Dagster does not find what was written");
    let found = runtime.block_on(found_by_us(storages)).expect("found");
    assert!(found == expected, "we do not find what was written");
    runtime.block_on(storages.dispose());
    let followed = Followed::of(&document);
    followed.check();
    followed
}

#[test]
fn two_writers_of_sqlite_lose_nothing_and_a_reader_sees_every_event_once() {
    let (runtime, home) = (Runtime::new().expect("a runtime"), Home::on_disk());
    let settings = StorageSettings::sqlite_below(home.path());
    let opening = Storages::open(&settings, OpenMode::CreateIfMissing, StorageContext::default());
    let storages = runtime.block_on(opening).expect("storages");
    let followed = write_both(&runtime, &home, &storages);
    assert!(followed.stored.len() > count() / MATERIALIZE_EVERY);
    assert_eq!(followed.missed(), Vec::<&str>::new());
}

/// A Postgres gives ids before it commits. Writers of ours and Dagster's beside them take turns, so that
/// whoever follows ids is never past one whose row is yet to come.
#[test]
fn two_writers_of_postgres_lose_nothing_and_a_reader_sees_every_event_once() {
    let (runtime, database) =
        (Runtime::new().expect("a runtime"), TestDatabase::new("two_writers"));
    let storages = database.storages();
    let followed = write_both(&runtime, &database.home(), &storages);
    assert!(followed.stored.len() > count());
    assert_eq!(followed.missed(), Vec::<&str>::new());
}
