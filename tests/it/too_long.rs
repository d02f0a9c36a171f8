//! Texts that Postgres finds too long for an index or a column: refused by name, with nothing stored. SQLite takes them.

use std::collections::BTreeMap;

use chrono::DateTime;
use dagster_instance::{DagsterInstance, InstanceError};
use dagster_instance_tests::Home;
use instance_core::assets::{AssetCheckEvaluation, AssetCheckSeverity};
use instance_core::daemon::{DaemonHeartbeat, DaemonType};
use instance_core::error::ErrorKind;
use instance_core::event::{
    AssetMaterialization, DagsterEvent, DagsterEventType, EventLogEntry, LogLevel,
    StepMaterializationData,
};
use instance_core::run::{DagsterRun, RunsFilter};
use instance_core::scheduling::{
    AutomationConditionEvaluationWithRunIds, BulkActionStatus, InstigatorIds, InstigatorTick,
    InstigatorType, PartitionBackfill, TickData, TickStatus,
};
use instance_core::serdes::{UnknownFields, deserialize_value};
use instance_core::settings::{
    BatchedEvents, EventBatching, InstanceSettings, PostgresSettings, StorageSettings,
    StoreSettings,
};
use instance_core::storage::{EventStoreExt, NewRun, RecordsForRun, RunsPage, StoredEvents};
use instance_core::{AssetKey, RunId, StorageError};
use instance_storage::{OpenMode, StorageContext, Storages};
use serde_json::{Value, json};

use crate::postgres::{FOREVER, TestDatabase, sql};

/// More than an index takes, and more than any column.
const LONG: usize = 4_000;

/// A text that Postgres cannot compress.
fn long() -> String {
    random(LONG)
}

fn random(length: usize) -> String {
    const CHARACTERS: &[u8; 64] =
        b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut state = 1_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        char::from(CHARACTERS[(state >> 26) as usize])
    };
    (0..length).map(|_| next()).collect()
}

fn entry(run_id: &str, event: DagsterEvent) -> EventLogEntry {
    EventLogEntry::of_event(event, RunId::from(run_id), LogLevel::INFO, 1e9)
}

fn step(run_id: &str, step_key: &str) -> EventLogEntry {
    entry(run_id, DagsterEvent::new(DagsterEventType::StepStart, "j").with_step_key(step_key))
}

fn materialized(run_id: &str, materialization: AssetMaterialization) -> EventLogEntry {
    let data = StepMaterializationData::from(materialization);
    entry(run_id, DagsterEvent::new(DagsterEventType::AssetMaterialization, "j").with_data(data))
}

fn of_partition(run_id: &str, partition: &str) -> EventLogEntry {
    materialized(
        run_id,
        AssetMaterialization::new(AssetKey::new(["a"]), Some(partition.to_owned())),
    )
}

fn checked(check_name: &str) -> EventLogEntry {
    let data = AssetCheckEvaluation {
        asset_key: AssetKey::new(["a"]),
        blocking: Some(false),
        check_name: check_name.to_owned(),
        description: None,
        metadata: BTreeMap::new(),
        partition: None,
        severity: AssetCheckSeverity::Error,
        passed: true,
        target_materialization_data: None,
        unknown: UnknownFields::default(),
    };
    entry("r", DagsterEvent::new(DagsterEventType::AssetCheckEvaluation, "j").with_data(data))
}

fn evaluated(key: &str) -> AutomationConditionEvaluationWithRunIds {
    let text = format!(
        r#"{{"__class__": "AssetConditionEvaluationWithRunIds", "evaluation": {{"__class__": "AssetConditionEvaluation", "candidate_subset": {{"__class__": "HistoricalAllPartitionsSubsetSentinel"}}, "child_evaluations": [], "condition_snapshot": {{"__class__": "AssetConditionSnapshot", "class_name": "c", "description": "d", "unique_id": "u"}}, "end_timestamp": null, "start_timestamp": null, "subsets_with_metadata": [], "true_subset": {{"__class__": "AssetSubset", "asset_key": {{"__class__": "AssetKey", "path": ["{key}"]}}, "value": true}}}}, "run_ids": {{"__frozenset__": []}}}}"#
    );
    deserialize_value(&text).expect("an evaluation")
}

fn run(run_id: &str, tags: &[(&str, &str)]) -> DagsterRun {
    let mut run = DagsterRun::new(RunId::from(run_id), "j");
    run.tags = tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    run
}

fn tick(origin_id: &str) -> TickData {
    let ids = InstigatorIds::new(origin_id, "selector");
    TickData::new(ids, "x", InstigatorType::Sensor, TickStatus::Started, 1e9)
}

/// How many rows each table has.
fn rows(database: &TestDatabase) -> Value {
    let count = "SELECT relname, query_to_xml(format('SELECT count(*) FROM %I', relname), false, true, '')::text \
                 FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY relname";
    sql(&database.url(), &[count])
}

/// The error that names a text, how long it is, and what to do.
fn check<T: std::fmt::Debug>(outcome: Result<T, StorageError>, named: &[&str]) {
    let error = outcome.expect_err(named[0]);
    let text = error.to_string();
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error:?}");
    assert!(!error.is_temporary(), "{error:?}");
    for named in named.iter().chain(&["too long", "use a shorter one"]) {
        assert!(text.contains(named), "{named:?} is not in {text}");
    }
    assert!(text.starts_with(named[0]), "{text}");
    assert!(text.len() < 500, "{text}");
}

#[tokio::test]
async fn an_event_of_a_text_that_is_too_long_is_refused_by_name() {
    let database = TestDatabase::new("long_events");
    let storages = database.storages();
    let events = storages.event_log_storage();
    events.store_event(&of_partition("r", "p")).await.expect("stored");
    let before = rows(&database);
    let long = long();
    let indexed = |what| [what, "of 4000 bytes", "index", "2704"];
    let compressible = "x".repeat(2_000_000);
    let mut tagged = AssetMaterialization::new(AssetKey::new(["a"]), None);
    tagged.tags = Some([("dagster/data_version".to_owned(), long.clone())].into());
    let asset = AssetMaterialization::new(AssetKey::new(["k".repeat(600)]), None);
    for (event, named) in [
        (of_partition("r", &long), &indexed("partition key \"PX")[..]),
        (of_partition("r", &compressible), &["partition key \"xx", "of 2000000 bytes", "index"]),
        (step("r", &long), &indexed("step key \"PX")),
        (materialized("r", tagged), &indexed("value of the tag \"dagster/data_version\"")),
        (materialized("r", asset), &["asset key \"[", "has 604 characters", "takes 512"]),
        (step(&"r".repeat(300), "s"), &["run id \"rr", "has 300 characters", "takes 255"]),
        (checked(&long), &indexed("name of the asset check \"PX")),
    ] {
        check(events.store_event(&event).await, named);
        assert_eq!(rows(&database), before, "{}", named[0]);
    }
    // What Postgres can compress into an index is stored, as Dagster stores it.
    events.store_event(&of_partition("r", &"x".repeat(10_000))).await.expect("stored");
    storages.dispose().await;
}

/// All entries of one run are stored or none, and the change of the run with them.
#[tokio::test]
async fn a_batch_with_an_event_that_is_too_long_is_stored_not_at_all() {
    let database = TestDatabase::new("long_batch");
    let storages = database.storages();
    storages.create().await.expect("created");
    let at = DateTime::UNIX_EPOCH;
    storages.run_storage().add_run(&run("r", &[]), at).await.expect("added");
    let before = rows(&database);
    let started = entry("r", DagsterEvent::new(DagsterEventType::RunStart, "j"));
    let batch = [started, step("r", "s"), of_partition("r", &long()), step("r", "t")];
    let outcome = storages.run_event_store().store_run_events(&batch).await;
    check(outcome, &["partition key", "of 4000 bytes"]);
    assert_eq!(rows(&database), before);
    let page = RunsPage::default();
    let runs = storages.run_storage().get_run_records(&RunsFilter::default(), &page).await;
    assert_eq!(runs.expect("read")[0].dagster_run.status.as_str(), "NOT_STARTED");
    storages.dispose().await;
}

/// Single events of several callers share a transaction. One that is refused takes no other with it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_that_is_too_long_takes_no_other_callers_events_with_it() {
    let database = TestDatabase::new("long_single");
    let storages = database.storages();
    storages.create().await.expect("created");
    let storing = (0..60).map(|number| {
        let events = storages.event_log_storage();
        let is_long = number % 3 == 1;
        let partition = if is_long { long() } else { format!("p{number}") };
        let event = of_partition(&format!("r{number}"), &partition);
        tokio::spawn(async move { (is_long, events.store_event(&event).await) })
    });
    let storing: Vec<_> = storing.collect();
    for stored in storing {
        match stored.await.expect("a task") {
            (true, outcome) => check(outcome, &["partition key", "of 4000 bytes"]),
            (false, outcome) => drop(outcome.expect("stored")),
        }
    }
    let partitions = "SELECT count(partition) FROM event_logs";
    assert_eq!(sql(&database.url(), &[partitions]), json!([[40]]));
    storages.dispose().await;
}

/// Of events that wait together, only the one that is refused is lost, and whoever stores them is told so.
#[tokio::test]
async fn an_event_that_is_too_long_takes_no_events_with_it_that_waited() {
    let database = TestDatabase::new("long_waiting");
    let home = Home::new();
    let batching = EventBatching::new().with_of(BatchedEvents::Every).with_max_delay(FOREVER);
    let settings = InstanceSettings::new(home.path())
        .with_storage(StorageSettings::postgres(
            PostgresSettings::from_url(&database.url()).expect("a URL"),
        ))
        .with_event_batching(batching);
    let instance = DagsterInstance::builder().settings(settings).open().await.expect("an instance");
    for partition in ["p", &long(), "q"] {
        instance.handle_new_event(of_partition("r", partition)).await.expect("it waits");
    }
    match instance.flush_events().await {
        Err(InstanceError::Storage(error)) => check(Err::<(), _>(error), &["partition key"]),
        other => panic!("{other:?}"),
    }
    let partitions = "SELECT partition FROM event_logs ORDER BY id";
    assert_eq!(sql(&database.url(), &[partitions]), json!([["p"], ["q"]]));
    instance.dispose().await.expect("closed");
}

#[tokio::test]
async fn a_run_of_a_text_that_is_too_long_is_refused_by_name() {
    let database = TestDatabase::new("long_runs");
    let storages = database.storages();
    let runs = storages.run_storage();
    let at = DateTime::UNIX_EPOCH;
    runs.add_run(&run("first", &[("team", "a")]), at).await.expect("added");
    let before = rows(&database);
    let long = long();
    let mut of_job = run("r", &[]);
    of_job.job_name.clone_from(&long);
    for (new, named) in [
        (of_job, ["job \"PX", "of 4000 bytes"]),
        (run("r", &[("team", &long)]), ["value of the tag \"team\"", "of 4000 bytes"]),
        (run("r", &[(&long, "v")]), ["key of the tag \"PX", "of 4000 bytes"]),
        (run("r", &[("dagster/partition", &long)]), ["partition key \"PX", "of 4000 bytes"]),
        (run("r", &[("dagster/backfill", &long)]), ["backfill \"PX", "takes 255"]),
        (run(&long, &[]), ["run id \"PX", "takes 255"]),
    ] {
        check(runs.add_run(&new, at).await, &named);
        assert_eq!(rows(&database), before, "{}", named[0]);
        let new = NewRun::new(new, at).with_events(vec![step("r", "s")]);
        check(storages.run_event_store().add_run_with_events(new).await, &named);
        assert_eq!(rows(&database), before, "{}", named[0]);
    }
    // Of tags that are added, all are or none, whether the run has them or not.
    for key in ["team", "fresh"] {
        let tags = [(key.to_owned(), long.clone()), ("other".to_owned(), "v".to_owned())].into();
        let outcome = runs.add_run_tags(&RunId::from("first"), &tags, at).await;
        check(outcome, &["value of the tag", key, "of 4000 bytes"]);
        assert_eq!(rows(&database), before, "{key}");
    }
    let stored = runs.get_run_records(&RunsFilter::default(), &RunsPage::default()).await;
    let stored = stored.expect("read").remove(0).dagster_run;
    assert_eq!(stored.tags, run("first", &[("team", "a")]).tags);
    storages.dispose().await;
}

/// A planned event that is refused leaves no run behind, whether one database has both or each has its own.
#[tokio::test]
async fn a_run_whose_event_is_too_long_is_not_added() {
    let database = TestDatabase::new("long_planned");
    let home = Home::new();
    let in_postgres =
        || StoreSettings::Postgres(PostgresSettings::from_url(&database.url()).expect("a URL"));
    let apart = StorageSettings::all(in_postgres())
        .with_run_storage(StoreSettings::Sqlite(home.path().to_owned()));
    for settings in [StorageSettings::all(in_postgres()), apart] {
        let open = Storages::open(&settings, OpenMode::CreateIfMissing, StorageContext::default());
        let storages = open.await.expect("opened");
        storages.create().await.expect("created");
        let before = rows(&database);
        let events = vec![of_partition("r", "p"), of_partition("r", &long())];
        let new = NewRun::new(run("r", &[]), DateTime::UNIX_EPOCH).with_events(events);
        let outcome = storages.run_event_store().add_run_with_events(new).await;
        check(outcome, &["partition key", "of 4000 bytes"]);
        assert_eq!(rows(&database), before);
        let count = storages.run_storage().get_runs_count(&RunsFilter::default()).await;
        assert_eq!(count.expect("counted"), 0, "{settings:?}");
        storages.dispose().await;
    }
}

#[tokio::test]
async fn whatever_else_is_too_long_is_refused_by_name() {
    let database = TestDatabase::new("long_others");
    let storages = database.storages();
    storages.create().await.expect("created");
    let (runs, events) = (storages.run_storage(), storages.event_log_storage());
    let schedules = storages.schedule_storage();
    let (long, r) = (long(), RunId::from("r"));
    let first = schedules.create_tick(&tick("origin")).await.expect("created");
    let before = rows(&database);
    let indexed = |what| [what, "of 4000 bytes", "index"];

    let keys = ["short".to_owned(), long.clone()];
    check(events.add_dynamic_partitions("d", &keys).await, &indexed("partition key \"PX"));
    let added = events.add_dynamic_partitions(&long, &keys[..1]).await;
    check(added, &indexed("name of dynamic partitions \"PX"));
    check(events.set_concurrency_slots(&long, 3).await, &["pool \"PX", "takes 512"]);
    let initialized = events.initialize_concurrency_limit_to_default(&long, Some(1)).await;
    check(initialized, &["pool \"PX", "takes 512"]);
    check(events.claim_concurrency_slot(&long, &r, "s", None).await, &indexed("pool \"PX"));
    check(events.claim_concurrency_slot("p", &r, &long, None).await, &indexed("step key \"PX"));

    let backfill = PartitionBackfill::new("b".repeat(33), BulkActionStatus::Requested, 1e9);
    check(runs.add_backfill(&backfill).await, &["backfill \"bb", "takes 32"]);
    let cursors = [(long.clone(), "v".to_owned()), ("k".to_owned(), "v".to_owned())].into();
    check(runs.set_cursor_values(&cursors).await, &indexed("key of the cursor \"PX"));
    let daemon = |daemon_type: &str, id: &str| {
        DaemonHeartbeat::new(DaemonType::from(daemon_type), id, 1e9, Vec::new())
    };
    let sign = runs.add_daemon_heartbeat(&daemon("SENSOR", &long)).await;
    check(sign, &["id of the daemon \"PX", "takes 255"]);
    let sign = runs.add_daemon_heartbeat(&daemon(&long, "id")).await;
    check(sign, &["type of the daemon \"PX", "takes 255"]);

    check(schedules.create_tick(&tick(&long)).await, &["origin id \"PX", "takes 255"]);
    let mut changed = tick("origin");
    changed.selector_id = Some(long.clone());
    let changed = InstigatorTick { tick_data: changed, ..first };
    check(schedules.update_tick(&changed).await, &["selector id \"PX", "takes 255"]);
    let evaluations = [evaluated("a"), evaluated(&long)];
    let added = schedules.add_auto_materialize_asset_evaluations(1, &evaluations).await;
    check(added, &["key of what was evaluated \"", "index"]);

    assert_eq!(rows(&database), before);
    storages.dispose().await;
}

/// SQLite has room for every text, and it is found again.
#[tokio::test]
async fn sqlite_takes_a_partition_key_of_two_megabytes() {
    let home = Home::new();
    let settings = StorageSettings::sqlite_below(home.path());
    let open = Storages::open(&settings, OpenMode::CreateIfMissing, StorageContext::default());
    let storages = open.await.expect("opened");
    let long = random(2_000_000);
    let batch = [of_partition("r", &long), of_partition("r", "p")];
    let stored = storages.run_event_store().store_run_events(&batch).await.expect("stored");
    assert!(matches!(stored, StoredEvents { incomplete: None, .. }), "{stored:?}");
    let (events, key) = (storages.event_log_storage(), AssetKey::new(["a"]));
    let page = events.get_records_for_run(&RecordsForRun::new(RunId::from("r"))).await;
    let records = page.expect("read").records;
    let entries: Vec<_> = records.into_iter().map(|record| record.event_log_entry).collect();
    assert!(entries == batch, "the entries came back as others");
    let materialized = events.get_materialized_partitions(&key, None, None).await.expect("read");
    assert_eq!(materialized.len(), 2);
    assert!(materialized.contains(&long), "the long key is not found");
    storages.dispose().await;
}

/// On the command line, too.
#[test]
fn the_command_line_names_what_is_too_long() {
    let database = TestDatabase::new("long_cli");
    let home = database.home();
    home.ours(&["exec", "--", "true"]).succeeded();
    let before = rows(&database);
    let long = long();
    let tag = format!("team={long}");
    for (arguments, code, named) in [
        (
            &["exec", "--tag", &tag, "--", "true"][..],
            125,
            "value of the tag \"team\" of 4000 bytes",
        ),
        (&["exec", "--job", &long.replace('-', "_"), "--", "true"], 125, "of 4000 bytes"),
        (&["partitions", "add", "d", &long], 1, "4001 bytes"),
    ] {
        let refused = home.ours(arguments);
        assert_eq!(refused.code, Some(code), "{}", refused.stderr);
        assert!(refused.stderr.contains(named), "{named:?} is not in {}", refused.stderr);
        assert!(!refused.stderr.contains("SQLSTATE"), "{}", refused.stderr);
        assert_eq!(rows(&database), before, "{named}");
    }
}
