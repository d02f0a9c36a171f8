//! How fast the storages are, beside the real Dagster's and the bare driver, in one run.
//!
//! Each case is done in rounds: by Dagster, by us, and where there is a limit to compare with, by the bare
//! driver writing the same rows. What is printed are medians, and ratios of medians: absolute figures of a
//! disk change from hour to hour. Usage: `storage PYTHON SCRIPT DIRECTORY [POSTGRES_URL] [--quick]`.
#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "it starts the Python side, and the table is what it is for"
)]

use std::error::Error;
use std::future::Future;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::time::Instant;

use chrono::{DateTime, Utc};
use instance_core::clock::timestamp_of;
use instance_core::event::metadata::{FloatMetadataValue, IntMetadataValue, TextMetadataValue};
use instance_core::event::{
    AssetMaterialization, DagsterEvent, DagsterEventType, EventLogEntry, LogLevel, MetadataEntry,
    NodeHandle, StepHandle, StepMaterializationData,
};
use instance_core::run::{DagsterRun, RunsFilter};
use instance_core::serdes::serialize_value;
use instance_core::settings::StorageSettings;
use instance_core::storage::{EventLogStorage, RecordsForRun, RunStorage, RunsPage};
use instance_core::{AssetKey, RunId};
use instance_storage::{OpenMode, PostgresConfig, StorageContext, Storages};
use serde_json::{Value, json};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

#[tokio::main]
async fn main() -> Result<()> {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let is_quick = arguments.iter().any(|argument| argument == "--quick");
    // `cargo bench` adds an argument of its own.
    arguments.retain(|argument| argument != "--quick" && argument != "--bench");
    let [python, script, directory, urls @ ..] = &arguments[..] else {
        return Err("usage: storage PYTHON SCRIPT DIRECTORY [POSTGRES_URL] [--quick]".into());
    };
    let mut dagster = Dagster::start(python, script)?;
    let rounds = if is_quick { 3 } else { 7 };
    let directory = Path::new(directory);
    println!("{} rounds; flush of 4 KiB: {:.0} us", rounds, flush_us(directory)?);
    let sqlite = Sqlite::prepare(directory).await?;
    println!("\nSQLite");
    sqlite.bench(&mut dagster, rounds, is_quick).await?;
    if let Some(url) = urls.first() {
        println!("\nPostgres; flush of 4 KiB: {:.0} us", flush_us(directory)?);
        let postgres = Postgres::prepare(directory, url).await?;
        postgres.bench(&mut dagster, rounds, is_quick).await?;
    }
    println!("\nflush of 4 KiB at the end: {:.0} us", flush_us(directory)?);
    Ok(())
}

/// The Python side, which does one task at a time.
struct Dagster {
    child: Child,
    tasks: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Dagster {
    fn start(python: &str, script: &str) -> Result<Self> {
        let mut child = Command::new(python)
            .arg(script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let tasks = child.stdin.take();
        let answers = child.stdout.take().ok_or("the output is not piped")?;
        Ok(Self { child, tasks, answers: BufReader::new(answers) })
    }

    fn seconds(&mut self, task: &Value) -> Result<f64> {
        writeln!(self.tasks.as_mut().ok_or("the input is closed")?, "{task}")?;
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        let answer: Value =
            serde_json::from_str(&line).map_err(|error| format!("{task}: {error}"))?;
        answer["seconds"].as_f64().ok_or_else(|| format!("{task}: {line}").into())
    }
}

impl Drop for Dagster {
    fn drop(&mut self) {
        self.tasks = None;
        // It ends with its input; an error here would hide the one that led here.
        let _ = self.child.wait();
    }
}

/// One side's storages and where its Python home is.
struct Side {
    storages: Storages,
    home: PathBuf,
}

impl Side {
    fn events(&self) -> Arc<dyn EventLogStorage> {
        self.storages.event_log_storage()
    }

    fn runs(&self) -> Arc<dyn RunStorage> {
        self.storages.run_storage()
    }
}

struct Sqlite {
    directory: PathBuf,
    ours: Side,
    /// What both sides read, and where Dagster writes.
    shared: Side,
}

impl Sqlite {
    async fn prepare(directory: &Path) -> Result<Self> {
        let open = async |name: &str| -> Result<Side> {
            let home = directory.join(name);
            std::fs::create_dir_all(&home)?;
            std::fs::write(home.join("dagster.yaml"), "telemetry:\n  enabled: false\n")?;
            let settings = StorageSettings::sqlite_below(&home);
            let storages =
                Storages::open(&settings, OpenMode::CreateIfMissing, StorageContext::default())
                    .await?;
            storages.create().await?;
            Ok(Side { storages, home })
        };
        let prepared = Self {
            directory: directory.to_owned(),
            ours: open("ours").await?,
            shared: open("shared").await?,
        };
        fill(&prepared.shared).await?;
        Ok(prepared)
    }

    async fn bench(&self, dagster: &mut Dagster, rounds: usize, is_quick: bool) -> Result<()> {
        let raw = RawSqlite::open(&self.directory.join("raw.db")).await?;
        let table = Table::new(rounds);
        writes(&table, dagster, &self.ours, &self.shared, Raw::Sqlite(&raw), is_quick).await?;
        reads(&table, dagster, &self.shared).await?;
        changes(&table, dagster, &self.ours, &self.shared).await
    }
}

struct Postgres {
    url: String,
    ours: Side,
    shared: Side,
}

impl Postgres {
    async fn prepare(directory: &Path, url: &str) -> Result<Self> {
        use sqlx::Connection;

        let mut connection = sqlx::PgConnection::connect(url).await?;
        let (base, _) = url.rsplit_once('/').ok_or("the URL names no database")?;
        for name in ["speed_ours", "speed_shared"] {
            for sql in
                [format!("DROP DATABASE IF EXISTS {name}"), format!("CREATE DATABASE {name}")]
            {
                sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&mut connection).await?;
            }
        }
        let open = async |name: &str| -> Result<Side> {
            let home = directory.join(name);
            std::fs::create_dir_all(&home)?;
            let url = format!("{base}/{name}");
            let yaml = format!(
                "telemetry:\n  enabled: false\nstorage:\n  postgres:\n    postgres_url: {url}\n"
            );
            std::fs::write(home.join("dagster.yaml"), yaml)?;
            let config = PostgresConfig::from_url(&url)?;
            let storages = Storages::open_postgres(&config, StorageContext::default())?;
            storages.create().await?;
            Ok(Side { storages, home })
        };
        let ours = open("speed_ours").await?;
        let shared = open("speed_shared").await?;
        fill(&shared).await?;
        Ok(Self { url: format!("{base}/speed_ours"), ours, shared })
    }

    async fn bench(&self, dagster: &mut Dagster, rounds: usize, is_quick: bool) -> Result<()> {
        use sqlx::Connection;

        let raw = tokio::sync::Mutex::new(sqlx::PgConnection::connect(&self.url).await?);
        let table = Table::new(rounds);
        writes(&table, dagster, &self.ours, &self.shared, Raw::Postgres(&raw), is_quick).await?;
        reads(&table, dagster, &self.shared).await?;
        changes(&table, dagster, &self.ours, &self.shared).await
    }
}

/// What is printed: a line for each case, as soon as it is measured.
struct Table {
    rounds: usize,
}

impl Table {
    fn new(rounds: usize) -> Self {
        println!(
            "{:52} {:>11} {:>11} {:>7} {:>11} {:>6}  spread of ours",
            "", "Dagster", "ours", "ratio", "limit", "share"
        );
        Self { rounds }
    }

    /// Prints seconds for one operation of each side; fewer are better.
    fn print(name: &str, dagster: &[f64], ours: &[f64], limit: &[f64]) {
        let show = |seconds: f64| {
            if seconds.is_nan() {
                "-".to_owned()
            } else if seconds < 0.001 {
                format!("{:.1} us", seconds * 1e6)
            } else {
                format!("{:.2} ms", seconds * 1e3)
            }
        };
        let (theirs, own, bound) = (median(dagster), median(ours), median(limit));
        let share = if bound.is_nan() { "-".to_owned() } else { format!("{:.2}", bound / own) };
        println!(
            "{name:52} {:>11} {:>11} {:7.1} {:>11} {share:>6}  {} .. {}",
            show(theirs),
            show(own),
            theirs / own,
            show(bound),
            show(ours.iter().copied().fold(f64::INFINITY, f64::min)),
            show(ours.iter().copied().fold(0.0, f64::max)),
        );
    }
}

#[derive(Clone, Copy)]
enum Raw<'a> {
    Sqlite(&'a RawSqlite),
    Postgres(&'a tokio::sync::Mutex<sqlx::PgConnection>),
}

async fn writes(
    table: &Table,
    dagster: &mut Dagster,
    ours: &Side,
    theirs: &Side,
    raw: Raw<'_>,
    is_quick: bool,
) -> Result<()> {
    let count = if is_quick { 30 } else { 60 };
    for kind in ["log_line", "step_start", "asset_materialization"] {
        let (mut left, mut right, mut limit) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..table.rounds {
            let run_id = uuid::Uuid::new_v4().to_string();
            let task = json!({"task": "store_one_by_one", "home": theirs.home, "kind": kind, "run_id": run_id, "count": count});
            left.push(dagster.seconds(&task)? / f64::from(count));
            let events = events_of(kind, &run_id, count);
            right.push(
                per(count, async {
                    for event in &events {
                        ours.events().store_event(event).await?;
                    }
                    Ok(())
                })
                .await?,
            );
            let rows = events_of(kind, &run_id, count);
            limit.push(
                per(count, async {
                    for row in &rows {
                        raw.insert(std::slice::from_ref(row)).await?;
                    }
                    Ok(())
                })
                .await?,
            );
        }
        Table::print(&format!("store_event, one caller, {kind}"), &left, &right, &limit);
    }
    let callers = 64;
    for kind in ["step_start", "asset_materialization"] {
        let (mut left, mut right) = (Vec::new(), Vec::new());
        let theirs_count = if is_quick { 64 } else { 128 };
        let ours_count = theirs_count * 20;
        for _ in 0..table.rounds {
            let run_id = uuid::Uuid::new_v4().to_string();
            let task = json!({"task": "store_concurrently", "home": theirs.home, "kind": kind, "run_id": run_id, "count": theirs_count, "callers": callers});
            left.push(dagster.seconds(&task)? / f64::from(theirs_count));
            let events = Arc::new(events_of(kind, &run_id, ours_count));
            right.push(per(ours_count, store_concurrently(ours.events(), events, callers)).await?);
        }
        Table::print(&format!("store_event, {callers} callers, {kind}"), &left, &right, &[]);
    }
    let batch: u32 = 1_000;
    let (mut left, mut right, mut limit) = (Vec::new(), Vec::new(), Vec::new());
    let their_batch = if is_quick { 50 } else { 100 };
    let their_batch = if matches!(raw, Raw::Postgres(_)) { batch } else { their_batch };
    for _ in 0..table.rounds {
        let run_id = uuid::Uuid::new_v4().to_string();
        let task = json!({"task": "store_batch", "home": theirs.home, "kind": "asset_materialization", "run_id": run_id, "count": their_batch});
        left.push(dagster.seconds(&task)? / f64::from(their_batch));
        let events = events_of("asset_materialization", &run_id, batch);
        right.push(
            per(batch, async {
                ours.events().store_event_batch(&events).await.map(drop).map_err(Into::into)
            })
            .await?,
        );
        limit.push(per(batch, raw.insert(&events)).await?);
    }
    Table::print("store_event_batch of 1,000, asset_materialization", &left, &right, &limit);
    Ok(())
}

async fn reads(table: &Table, dagster: &mut Dagster, shared: &Side) -> Result<()> {
    let all_runs = RunsFilter::default();
    let page = RunsPage { limit: Some(100), ..RunsPage::default() };
    let keys: Vec<_> = (0..100).map(asset_key).collect();
    let partitioned = AssetKey::new(["warehouse", "partitioned"]);
    let (runs, events) = (shared.runs(), shared.events());
    for (task, count) in [
        ("get_run_records", 100),
        ("get_records_for_run", EVENTS_OF_LONG_RUN),
        ("get_latest_materialization_events", 100),
        ("get_asset_records", 100),
        ("get_latest_storage_id_by_partition", PARTITIONS),
        ("get_dynamic_partitions", PARTITIONS),
    ] {
        let (mut left, mut right) = (Vec::new(), Vec::new());
        for _ in 0..table.rounds {
            let request = json!({"task": task, "home": shared.home, "run_id": LONG_RUN, "count": count, "name": "prepared"});
            left.push(dagster.seconds(&request)?);
            let read = async {
                Ok(match task {
                    "get_run_records" => runs.get_run_records(&all_runs, &page).await?.len(),
                    "get_records_for_run" => events
                        .get_records_for_run(&RecordsForRun::all(RunId::from(LONG_RUN)))
                        .await?
                        .records
                        .len(),
                    "get_latest_materialization_events" => {
                        events.get_latest_materialization_records(&keys).await?.len()
                    }
                    "get_asset_records" => events.get_asset_records(Some(&keys)).await?.len(),
                    "get_latest_storage_id_by_partition" => {
                        let event_type = DagsterEventType::AssetMaterialization;
                        events
                            .get_latest_storage_id_by_partition(
                                &partitioned,
                                event_type,
                                None,
                                None,
                            )
                            .await?
                            .len()
                    }
                    _ => events.get_dynamic_partitions("prepared").await?.len(),
                })
            };
            let began = Instant::now();
            let found: Result<usize> = read.await;
            right.push(began.elapsed().as_secs_f64());
            let found = found?;
            if found != usize::try_from(count)? {
                return Err(format!("{task} found {found}, not {count}").into());
            }
        }
        Table::print(&format!("{task} ({count})"), &left, &right, &[]);
    }
    Ok(())
}

async fn changes(table: &Table, dagster: &mut Dagster, ours: &Side, theirs: &Side) -> Result<()> {
    let keys: Vec<String> = (0..PARTITIONS).map(|number| format!("key_{number}")).collect();
    let (mut left, mut right) = (Vec::new(), Vec::new());
    for round in 0..table.rounds {
        let name = format!("added_{round}");
        let task = json!({"task": "add_dynamic_partitions", "home": theirs.home, "name": name, "count": PARTITIONS});
        left.push(dagster.seconds(&task)?);
        let began = Instant::now();
        ours.events().add_dynamic_partitions(&name, &keys).await?;
        right.push(began.elapsed().as_secs_f64());
    }
    Table::print(&format!("add_dynamic_partitions ({PARTITIONS})"), &left, &right, &[]);
    let (mut left, mut right) = (Vec::new(), Vec::new());
    for _ in 0..table.rounds {
        let task = json!({"task": "wipe_assets", "home": theirs.home, "count": 10});
        left.push(dagster.seconds(&task)?);
        let began = Instant::now();
        for number in 0..10 {
            ours.events().wipe_asset(&asset_key(number), Utc::now()).await?;
        }
        right.push(began.elapsed().as_secs_f64());
    }
    Table::print("wipe_asset, 10 assets", &left, &right, &[]);
    Ok(())
}

const LONG_RUN: &str = "0dfe2b5c-77a5-4a5e-9c1b-4f2f5d7a3c11";
const EVENTS_OF_LONG_RUN: u32 = 10_000;
const PARTITIONS: u32 = 10_000;

/// What both sides read.
async fn fill(side: &Side) -> Result<()> {
    for number in 0..500_u32 {
        let run_id = RunId::from(uuid::Uuid::new_v4().to_string());
        let mut run = DagsterRun::new(run_id, "daily_orders");
        run.tags.insert("team".to_owned(), format!("team_{}", number % 7));
        side.runs().add_run(&run, Utc::now()).await?;
    }
    for start in (0..EVENTS_OF_LONG_RUN).step_by(1_000) {
        let events = events_of("step_start", LONG_RUN, 1_000);
        side.events().store_event_batch(&events).await?;
        let partitions: Vec<_> = (start..start + 1_000)
            .map(|number| {
                materialization(
                    LONG_RUN_OF_ASSETS,
                    &AssetKey::new(["warehouse", "partitioned"]),
                    number,
                )
            })
            .collect();
        side.events().store_event_batch(&partitions).await?;
    }
    let assets: Vec<_> = (0..1_000)
        .map(|number| materialization(LONG_RUN_OF_ASSETS, &asset_key(number), number))
        .collect();
    side.events().store_event_batch(&assets).await?;
    let keys: Vec<String> = (0..PARTITIONS).map(|number| format!("key_{number}")).collect();
    side.events().add_dynamic_partitions("prepared", &keys).await?;
    Ok(())
}

const LONG_RUN_OF_ASSETS: &str = "7c1f0f5e-0b55-4b43-8a57-6f0de61f3d52";

fn asset_key(number: u32) -> AssetKey {
    AssetKey::new(["warehouse".to_owned(), format!("orders_{}", number % 100)])
}

fn events_of(kind: &str, run_id: &str, count: u32) -> Vec<EventLogEntry> {
    (0..count)
        .map(|number| match kind {
            "asset_materialization" => materialization(run_id, &asset_key(number), number),
            "step_start" => {
                let event = step_event(DagsterEventType::StepStart, run_id)
                    .with_message("Started execution of step \"orders\".");
                entry(run_id, event)
            }
            _ => EventLogEntry {
                dagster_event: None,
                user_message: "an ordinary line of a log".to_owned(),
                ..entry(run_id, step_event(DagsterEventType::StepStart, run_id))
            },
        })
        .collect()
}

fn materialization(run_id: &str, asset_key: &AssetKey, number: u32) -> EventLogEntry {
    let mut made = AssetMaterialization::new(asset_key.clone(), Some(format!("part_{number}")));
    made.description = Some("Orders of one day".to_owned());
    let tags = [("dagster/code_version", "3"), ("dagster/data_version", "0f3c")];
    made.tags = Some(tags.map(|(key, value)| (key.to_owned(), value.to_owned())).into());
    made.metadata = vec![
        MetadataEntry::new("dagster/row_count", IntMetadataValue::new(1024)),
        MetadataEntry::new("ratio", FloatMetadataValue::new(0.25)),
        MetadataEntry::new("path", TextMetadataValue::new("/data/orders/2024-11-22.parquet")),
        MetadataEntry::new("note", TextMetadataValue::new("nothing unusual")),
    ];
    let event = step_event(DagsterEventType::AssetMaterialization, run_id)
        .with_message("Materialized value.")
        .with_data(StepMaterializationData::from(made));
    entry(run_id, event)
}

fn step_event(event_type: DagsterEventType, run_id: &str) -> DagsterEvent {
    let mut event =
        DagsterEvent::new(event_type, "daily_orders").with_pid(12_345).with_step_key("orders");
    event.step_handle = Some(StepHandle::top("orders").into());
    event.node_handle = Some(NodeHandle::top("orders"));
    event.step_kind_value = Some("COMPUTE".to_owned());
    let tags = [
        ("job_name", "daily_orders"),
        ("op_name", "orders"),
        ("run_id", run_id),
        ("step_key", "orders"),
    ];
    event.logging_tags = tags.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
    event
}

fn entry(run_id: &str, event: DagsterEvent) -> EventLogEntry {
    let now: DateTime<Utc> = Utc::now();
    EventLogEntry::of_event(event, RunId::from(run_id), LogLevel::DEBUG, timestamp_of(now))
}

async fn store_concurrently(
    storage: Arc<dyn EventLogStorage>,
    events: Arc<Vec<EventLogEntry>>,
    callers: usize,
) -> Result<()> {
    let mut tasks = tokio::task::JoinSet::new();
    for caller in 0..callers {
        let (storage, events) = (Arc::clone(&storage), Arc::clone(&events));
        tasks.spawn(async move {
            for event in events.iter().skip(caller).step_by(callers) {
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

/// Seconds for one of `count` operations.
async fn per(count: u32, work: impl Future<Output = Result<()>>) -> Result<f64> {
    let began = Instant::now();
    work.await?;
    Ok(began.elapsed().as_secs_f64() / f64::from(count))
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

/// The median time of appending 4 KiB and flushing them.
fn flush_us(directory: &Path) -> Result<f64> {
    let path = directory.join("flush.tmp");
    let mut file = std::fs::File::create(&path)?;
    let mut times = Vec::new();
    for _ in 0..200 {
        let began = Instant::now();
        file.write_all(&[7; 4096])?;
        file.sync_data()?;
        times.push(began.elapsed().as_secs_f64() * 1e6);
    }
    std::fs::remove_file(path)?;
    Ok(median(&times))
}

/// The bare driver on a file with the same table, indexes and pragmas.
struct RawSqlite(tokio::sync::Mutex<sqlx::SqliteConnection>);

impl RawSqlite {
    async fn open(path: &Path) -> Result<Self> {
        use sqlx::ConnectOptions;
        use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};

        let mut connection = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .connect()
            .await?;
        for sql in [
            "CREATE TABLE event_logs (id INTEGER NOT NULL, run_id VARCHAR(255), event TEXT NOT NULL, dagster_event_type TEXT, timestamp TIMESTAMP, step_key TEXT, asset_key TEXT, partition TEXT, PRIMARY KEY (id))",
            "CREATE INDEX a ON event_logs (asset_key, dagster_event_type, partition, id)",
            "CREATE INDEX b ON event_logs (run_id, id)",
            "CREATE INDEX c ON event_logs (dagster_event_type, id)",
            "CREATE INDEX d ON event_logs (asset_key, dagster_event_type, id)",
            "CREATE INDEX e ON event_logs (step_key)",
        ] {
            sqlx::query(sql).execute(&mut connection).await?;
        }
        Ok(Self(tokio::sync::Mutex::new(connection)))
    }
}

impl Raw<'_> {
    /// The rows of events, in one statement and one transaction.
    async fn insert(self, events: &[EventLogEntry]) -> Result<()> {
        let columns = "INSERT INTO event_logs (run_id, event, dagster_event_type, timestamp, step_key, asset_key, partition)";
        let now = Utc::now().naive_utc();
        let rows = events.iter().map(|entry| {
            let event = entry.dagster_event.as_deref();
            (
                entry.run_id.to_string(),
                serialize_value(entry),
                event.map(|event| event.event_type_value.clone()),
                entry.step_key().map(str::to_owned),
                event.and_then(DagsterEvent::asset_key).map(|key| key.to_db_string()),
                event.and_then(DagsterEvent::partition).map(str::to_owned),
            )
        });
        macro_rules! insert {
            ($database:ty, $connection:expr) => {{
                let mut query = sqlx::QueryBuilder::<$database>::new(columns);
                query.push_values(
                    rows,
                    |mut row, (run_id, event, kind, step, asset, partition)| {
                        row.push_bind(run_id).push_bind(event).push_bind(kind).push_bind(now);
                        row.push_bind(step).push_bind(asset).push_bind(partition);
                    },
                );
                query.build().execute($connection).await?;
            }};
        }
        match self {
            Self::Sqlite(raw) => insert!(sqlx::Sqlite, &mut *raw.0.lock().await),
            Self::Postgres(raw) => insert!(sqlx::Postgres, &mut *raw.lock().await),
        }
        Ok(())
    }
}
