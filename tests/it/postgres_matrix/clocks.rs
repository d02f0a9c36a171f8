//! Servers whose clock is not UTC's. Dagster writes some times with their zone, which the server turns into its own, and
//! some without. So do we: what one wipes is gone for both, and both find the same.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use dagster_instance_tests::dagster;
use instance_core::asset_key::AssetKey;
use instance_core::clock::timestamp_of;
use instance_core::daemon::{DaemonHeartbeat, DaemonType};
use instance_core::event::{
    AssetMaterialization, DagsterEvent, DagsterEventType, EventLogEntry, LogLevel,
    StepMaterializationData,
};
use instance_core::run::{RegisteredCodeLocationOrigin, RemoteRepositoryOrigin, RunsFilter};
use instance_core::scheduling::{
    BulkActionStatus, BulkActionsFilter, InstigatorIds, InstigatorState, InstigatorStatus,
    InstigatorType, PartitionBackfill, RemoteInstigatorOrigin, TickData, TickStatus,
};
use instance_core::storage::{
    AssetKeysPage, BackfillsPage, EventRecordsFilter, EventStoreExt, Only, Order, RunsPage,
    TicksQuery,
};
use instance_core::{RunId, StorageError};
use instance_storage::Storages;
use serde_json::{Map, Value, json};

use super::server::Server;
use super::storages_of;

#[expect(clippy::disallowed_methods, reason = "the real Dagster, beside us, has no other clock")]
fn now() -> DateTime<Utc> {
    Utc::now()
}

fn key(name: &str) -> AssetKey {
    AssetKey::new([name])
}

/// Writes what `postgres_times.py write` writes.
async fn write(storages: &Storages, name: &str) -> Result<(), StorageError> {
    let (runs, events) = (storages.run_storage(), storages.event_log_storage());
    let (schedules, now) = (storages.schedule_storage(), now());
    let (run_id, seconds) = (RunId::from(name), timestamp_of(now));
    runs.add_run(&crate::postgres::run(name), now).await?;
    let tags = BTreeMap::from([("tag".to_owned(), "value".to_owned())]);
    runs.add_run_tags(&run_id, &tags, now).await?;
    let version = BTreeMap::from([("dagster/data_version".to_owned(), "1".to_owned())]);
    let materialization = AssetMaterialization {
        tags: Some(version),
        ..AssetMaterialization::new(key(name), Some("p".to_owned()))
    };
    let event = DagsterEvent::new(DagsterEventType::AssetMaterialization, "j")
        .with_data(StepMaterializationData::from(materialization));
    let entry = EventLogEntry::of_event(event, run_id.clone(), LogLevel::INFO, seconds);
    events.store_event(&entry).await?;
    events.add_dynamic_partitions("set", &[name.to_owned()]).await?;
    let heartbeat = DaemonHeartbeat::new(DaemonType::from(name), "id", seconds, Vec::new());
    runs.add_daemon_heartbeat(&heartbeat).await?;
    runs.add_backfill(&PartitionBackfill::new(name, BulkActionStatus::Requested, seconds)).await?;
    let repository = RegisteredCodeLocationOrigin::new("location");
    let repository = RemoteRepositoryOrigin::new(repository, "repository");
    let origin = RemoteInstigatorOrigin::new(repository, name);
    let state = InstigatorState::new(origin, InstigatorType::Sensor, InstigatorStatus::Running);
    schedules.add_instigator_state(&state, now).await?;
    schedules.update_instigator_state(&state, now).await?;
    let ids = InstigatorIds::new(format!("origin-{name}"), name);
    let tick = TickData::new(ids, name, InstigatorType::Sensor, TickStatus::Success, seconds);
    schedules.create_tick(&tick).await?;
    events.set_concurrency_slots(name, 1).await?;
    events.claim_concurrency_slot(name, &run_id, "step", None).await?;
    Ok(())
}

/// What `postgres_times.py find` finds.
async fn find(storages: &Storages, names: &[&str]) -> Result<Value, StorageError> {
    let (runs, events) = (storages.run_storage(), storages.event_log_storage());
    let (schedules, now) = (storages.schedule_storage(), now());
    let mut keys: Vec<String> = events
        .get_asset_keys(&AssetKeysPage::new())
        .await?
        .iter()
        .map(|key| key.path.join("/"))
        .collect();
    keys.sort();
    let mut found = Map::from_iter([("assets".to_owned(), json!(keys))]);
    let (mut records, mut counts) = (Map::new(), Map::new());
    let (mut partitions, mut tags) = (Map::new(), Map::new());
    for name in names {
        let key = key(name);
        let of_asset = EventRecordsFilter::new(DagsterEventType::AssetMaterialization)
            .with_asset_key(key.clone());
        let of_name = events.get_asset_records(&Only::one(key.clone())).await?;
        let run_ids: Vec<_> = of_name
            .iter()
            .map(|record| record.asset_entry.last_run_id.as_ref().map(RunId::as_str))
            .collect();
        records.insert((*name).to_owned(), json!(run_ids));
        let of_asset = events.get_event_records(&of_asset, None, Order::Ascending).await?;
        counts.insert((*name).to_owned(), json!(of_asset.len()));
        let materialized = events.get_materialized_partitions(&key, None, None).await?;
        // Both ways to count them have to agree.
        let counted =
            events.get_materialization_count_by_partition(std::slice::from_ref(&key)).await?;
        let counted =
            counted.get(&key).map(|counted| counted.keys().cloned().collect::<BTreeSet<_>>());
        assert_eq!(counted.unwrap_or_default(), materialized);
        partitions.insert((*name).to_owned(), json!(materialized));
        let of_events = events.get_event_tags_for_asset(&key, &BTreeMap::new(), None).await?;
        tags.insert((*name).to_owned(), json!(of_events.len()));
    }
    for (name, of_names) in
        [("records", records), ("events", counts), ("partitions", partitions), ("tags", tags)]
    {
        found.insert(name.to_owned(), of_names.into());
    }
    for hours in [-10, -8, -1, 1, 8, 10] {
        let at = now + TimeDelta::hours(hours);
        let all = RunsFilter::new;
        for (name, filter) in [
            ("created_after", all().with_created_after(at)),
            ("created_before", all().with_created_before(at)),
            ("updated_after", all().with_updated_after(at)),
            ("updated_before", all().with_updated_before(at)),
        ] {
            let ids = runs.get_run_ids(&filter, &RunsPage::new()).await?;
            let mut ids: Vec<_> = ids.iter().map(RunId::as_str).collect();
            ids.sort_unstable();
            found.insert(format!("{name} {hours}"), json!(ids));
        }
        let all = BulkActionsFilter::new;
        for (name, filter) in [
            ("created_after", all().with_created_after(at)),
            ("created_before", all().with_created_before(at)),
        ] {
            let backfills = runs.get_backfills(&filter, &BackfillsPage::new()).await?;
            let mut ids: Vec<_> = backfills.into_iter().map(|found| found.backfill_id).collect();
            ids.sort();
            found.insert(format!("backfills {name} {hours}"), json!(ids));
        }
        let mut ticks: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for run in names {
            let all = || TicksQuery::new(format!("origin-{run}"), *run);
            for (name, query) in
                [("before", all().with_before(at)), ("after", all().with_after(at))]
            {
                let of_name = schedules.get_ticks(&query).await?;
                let names = of_name.into_iter().map(|tick| tick.tick_data.instigator_name);
                ticks.entry(name).or_default().extend(names);
            }
        }
        for (name, mut names) in ticks {
            names.sort();
            found.insert(format!("ticks {name} {hours}"), json!(names));
        }
    }
    Ok(Value::Object(found))
}

async fn check(zone: &str) {
    let server = Server::shared();
    let name = zone.replace('/', "_").to_lowercase();
    server.sql("postgres", &[&format!("CREATE DATABASE {name}")]);
    server.sql("postgres", &[&format!("ALTER DATABASE {name} SET timezone = '{zone}'")]);
    let url = server.url(&name);
    let hours = server.sql(&name, &["SELECT extract(timezone_hour FROM now())::int"]);
    let hours = hours[0][0].as_i64().expect("hours");
    let python = |action: &str, names: &[&str]| {
        dagster("postgres_times.py", &[&[url.as_str(), action], names].concat())
    };
    python("write", &["theirs", "theirs_wiped"]);
    let storages = storages_of(&url);
    for of_ours in ["ours", "ours_wiped"] {
        write(&storages, of_ours).await.expect("stored");
    }

    // Each column has one clock, whoever wrote it. (That of migrations has the clock of the machine.)
    let times = python("times", &[]);
    let mut clocks = BTreeMap::new();
    for (column, found) in times.as_object().expect("columns") {
        let mut found: Vec<i64> =
            found.as_array().expect("hours").iter().filter_map(Value::as_i64).collect();
        found.dedup();
        if !found.is_empty() && !column.starts_with("secondary_indexes.") {
            clocks.insert(column.as_str(), found);
        }
    }
    let in_utc = ["asset_event_tags.event_timestamp", "event_logs.timestamp"];
    for (column, found) in &clocks {
        let expected = if in_utc.contains(column) { 0 } else { hours };
        assert_eq!(*found, [expected], "{column}");
    }
    assert_eq!(clocks.len(), 21, "{:?}", clocks.keys());

    let names = ["ours", "ours_wiped", "theirs", "theirs_wiped"];
    let before = find(&storages, &names).await.expect("found");
    assert_eq!(before, python("find", &names));
    assert_eq!(before["assets"], json!(names));

    // Each wipes what the other has materialised.
    python("wipe", &["ours_wiped"]);
    storages.event_log_storage().wipe_assets(&[key("theirs_wiped")], now()).await.expect("wiped");
    let after = find(&storages, &names).await.expect("found");
    assert_eq!(after, python("find", &names));
    assert_eq!(after["assets"], json!(["ours", "theirs"]));
    assert_eq!(
        after["events"],
        json!({"ours": 1, "ours_wiped": 0, "theirs": 1, "theirs_wiped": 0})
    );
    storages.dispose().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_in_seoul_means_the_same_to_both() {
    check("Asia/Seoul").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_in_los_angeles_means_the_same_to_both() {
    check("America/Los_Angeles").await;
}

/// The zone of the server itself, of which only a connection without one of its own tells.
#[tokio::test]
async fn the_zone_of_the_server_is_found_where_neither_role_nor_database_has_one() {
    let server = Server::start();
    server.sql("postgres", &["ALTER SYSTEM SET timezone = 'America/Los_Angeles'"]);
    server.sql("postgres", &["SELECT pg_reload_conf()::text"]);
    let storages = storages_of(&server.url("postgres"));
    super::works(&storages).await.expect("a database");
    let clock = "SELECT bool_and(create_timestamp < now() at time zone 'UTC' - interval '6 hours') FROM instance_info, secondary_indexes";
    assert_eq!(server.sql("postgres", &[clock]), json!([[true]]));
}
