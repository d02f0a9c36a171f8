//! Reindexing: what is derived from events and states is derived again, in parts, and marked.

use std::path::PathBuf;

use instance_core::AssetKey;
use instance_core::error::{ErrorKind, StorageError};
use instance_core::event::{
    AssetMaterialization, DagsterEvent, DagsterEventType, EventLogEntry, StepMaterializationData,
};
use instance_core::ids::RunId;
use instance_core::run::RunsFilter;
use instance_core::scheduling::{
    BulkActionStatus, InstigatorState, InstigatorStatus, PartitionBackfill, TickData,
};
use instance_core::serdes::deserialize_value;
use instance_core::storage::{
    AssetKeysPage, EventStoreExt, InstigatorFilter, NewRun, Only, RunsPage,
};
use instance_core::testing::instance::TestInstance;
use instance_storage::{
    OpenMode, REINDEXED_INDEXES, Reindex, ReindexEvent, ReindexProgress, StorageContext, Storages,
    reindex,
};
use sqlx::Row;

use crate::support::{Home, TestResult, entry, event, execute, later, open, query, run, stamp};

fn instance_of(home: &Home) -> TestInstance {
    TestInstance { stores: home.storages.stores(), ..TestInstance::default() }
}

fn schedules_db(home: &Home) -> PathBuf {
    home.directory.path().join("schedules/schedules.db")
}

/// What was done, as pairs of the name and the number of rows.
async fn done(
    ops: &TestInstance,
    request: &Reindex,
) -> Result<Vec<(&'static str, Option<u64>)>, Box<dyn std::error::Error>> {
    let done = reindex(ops, request, &mut |_| ()).await?;
    Ok(done.into_iter().map(|index| (index.index, index.rows)).collect())
}

/// A home whose mark of an index is gone.
async fn home_without(index: &str) -> Result<Home, Box<dyn std::error::Error>> {
    let mut home = Home::new().await?;
    home.storages.create().await?;
    let file = match index {
        name if name.starts_with("asset_") => home.events_db("index"),
        name if name.starts_with("schedule_") => schedules_db(&home),
        _ => home.runs_db(),
    };
    let unmark = format!("DELETE FROM secondary_indexes WHERE name = '{index}'");
    assert_eq!(execute(&file, &unmark).await?, 1, "{index}");
    // What was found to be marked is remembered.
    home.storages.dispose().await;
    home.storages = open(home.directory.path(), OpenMode::MustExist).await?;
    Ok(home)
}

fn materialised(key: &str, seconds: u32) -> EventLogEntry {
    let materialization = AssetMaterialization::new(AssetKey::new([key]), None);
    let event = DagsterEvent::new(DagsterEventType::AssetMaterialization, "j")
        .with_step_key("a")
        .with_data(StepMaterializationData::from(materialization));
    entry("r1", event, seconds)
}

#[tokio::test]
async fn a_fresh_storage_of_any_kind_has_nothing_to_build() -> TestResult {
    let storages = Storages::in_memory(StorageContext::default());
    let of_sqlite = TestInstance { stores: storages.stores(), ..TestInstance::default() };
    for ops in [TestInstance::default(), of_sqlite] {
        let mut events = Vec::new();
        let done =
            reindex(&ops, &Reindex::new(), &mut |progress| events.push(progress.event)).await?;
        assert!(done.iter().map(|index| index.index).eq(REINDEXED_INDEXES));
        assert!(done.iter().all(|index| index.rows.is_none()));
        assert_eq!(events, vec![ReindexEvent::AlreadyBuilt; 4]);
    }
    storages.dispose().await;
    Ok(())
}

#[tokio::test]
async fn times_of_runs_follow_from_their_events() -> TestResult {
    let home = home_without("run_start_end_overwritten").await?;
    let ops = instance_of(&home);
    for number in 0..205 {
        let id = format!("run-{number:03}");
        let events = vec![
            event(&id, DagsterEventType::RunStart, number),
            event(&id, DagsterEventType::RunSuccess, number + 1),
        ];
        let new = NewRun::new(run(&id, "j", &[]), later(0)).with_events(events);
        home.storages.run_event_store().add_run_with_events(new).await?;
    }
    home.runs().add_run(&run("not-begun", "j", &[]), later(0)).await?;
    let lost = "UPDATE runs SET status = 'SUCCESS', start_time = 7, end_time = NULL \
                WHERE run_id LIKE 'run-%'";
    execute(&home.runs_db(), lost).await?;
    execute(&home.runs_db(), "UPDATE runs SET start_time = 5 WHERE run_id = 'not-begun'").await?;

    let mut told = Vec::new();
    let done = reindex(&ops, &Reindex::new(), &mut |progress| told.push(progress)).await?;
    assert_eq!(done[3].rows, Some(206));
    let of_runs: Vec<_> = told
        .into_iter()
        .filter(|progress| progress.index == "run_start_end_overwritten")
        .map(|progress| progress.event)
        .collect();
    let advanced = |rows, cursor: &str| ReindexEvent::Advanced {
        rows,
        left: Some(206 - rows),
        // The clock of the test stands still.
        time_left: None,
        cursor: cursor.to_owned(),
    };
    assert_eq!(
        of_runs,
        [
            ReindexEvent::Started { rows: Some(206) },
            advanced(100, "run-106"),
            advanced(200, "run-006"),
            advanced(206, "run-000"),
            ReindexEvent::Built { rows: 206 },
        ]
    );
    for number in [0, 5, 106, 204] {
        let record = home.record(&format!("run-{number:03}")).await?;
        let times = (record.start_time, record.end_time);
        assert_eq!(times, (Some(stamp(number)), Some(stamp(number + 1))));
    }
    assert_eq!(home.record("not-begun").await?.start_time, Some(5.0));
    assert!(home.runs().has_built_index("run_start_end_overwritten").await?);
    home.storages.dispose().await;
    Ok(())
}

/// The log of a run is gone, or does not say when the run ended: the times that are stored stay.
#[tokio::test]
async fn times_that_no_event_says_stay() -> TestResult {
    let home = home_without("run_start_end_overwritten").await?;
    let ops = instance_of(&home);
    for id in ["without-log", "without-end"] {
        home.runs().add_run(&run(id, "j", &[]), later(0)).await?;
    }
    let start = event("without-end", DagsterEventType::RunStart, 1);
    home.events().store_event(&start).await?;
    let ended = "UPDATE runs SET status = 'SUCCESS', start_time = 7, end_time = 8";
    assert_eq!(execute(&home.runs_db(), ended).await?, 2);
    let request = Reindex::new().with_indexes(Only::one("run_start_end_overwritten"));
    assert_eq!(done(&ops, &request).await?, [("run_start_end_overwritten", Some(2))]);
    for (id, start) in [("without-log", 7.0), ("without-end", stamp(1))] {
        let record = home.record(id).await?;
        assert_eq!((record.start_time, record.end_time), (Some(start), Some(8.0)), "{id}");
    }
    home.storages.dispose().await;
    Ok(())
}

/// Nobody builds an index while another process upgrades the store, and the other way round.
#[tokio::test]
async fn one_process_builds_at_a_time() -> TestResult {
    let home = home_without("run_start_end_overwritten").await?;
    let ops = instance_of(&home);
    let lock = home.runs().lock_schema().await?;
    let error = reindex(&ops, &Reindex::new(), &mut |_| ()).await.unwrap_err();
    assert!(error.to_string().contains("another process"), "{error}");
    assert!(!home.runs().has_built_index("run_start_end_overwritten").await?);
    drop(lock);
    assert_eq!(done(&ops, &Reindex::new()).await?[3], ("run_start_end_overwritten", Some(0)));
    // Whoever has nothing to do needs no lock.
    let _lock = home.runs().lock_schema().await?;
    assert_eq!(done(&ops, &Reindex::new()).await?[3], ("run_start_end_overwritten", None));
    home.storages.dispose().await;
    Ok(())
}

#[tokio::test]
async fn building_goes_on_where_it_is_told() -> TestResult {
    let home = home_without("run_start_end_overwritten").await?;
    let ops = instance_of(&home);
    for id in ["first", "second", "third"] {
        let events = vec![event(id, DagsterEventType::RunStart, 1)];
        let new = NewRun::new(run(id, "j", &[]), later(0)).with_events(events);
        home.storages.run_event_store().add_run_with_events(new).await?;
    }
    execute(&home.runs_db(), "UPDATE runs SET status = 'STARTED', start_time = 7").await?;
    let index = "run_start_end_overwritten".to_owned();
    let request = Reindex::new()
        .with_indexes(Only::one(index.clone()))
        .with_resume((index.clone(), "second".to_owned()));
    assert_eq!(done(&ops, &request).await?, [("run_start_end_overwritten", Some(1))]);
    for (id, time) in [("first", stamp(1)), ("second", 7.0), ("third", 7.0)] {
        assert_eq!(home.record(id).await?.start_time, Some(time), "{id}");
    }
    // A run that is gone is no place to go on from.
    execute(&home.runs_db(), "DELETE FROM secondary_indexes").await?;
    let request = Reindex::new().with_resume((index, "none".to_owned()));
    let error = reindex(&ops, &request, &mut |_| ()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    assert!(error.to_string().contains("begin without a cursor"), "{error}");
    assert!(!home.runs().has_built_index("run_start_end_overwritten").await?);
    home.storages.dispose().await;
    Ok(())
}

#[tokio::test]
async fn assets_that_events_name_are_added() -> TestResult {
    let home = home_without("asset_key_table").await?;
    let ops = instance_of(&home);
    let mut events: Vec<_> = (0..510).map(|n| materialised(&format!("a{n:03}"), n)).collect();
    events.push(materialised("with \"quotes\"", 1));
    events.push(materialised("a007", 600));
    home.events().store_event_batch(&events).await?;
    let index = home.events_db("index");
    execute(&index, "DELETE FROM asset_keys WHERE asset_key <> '[\"a009\"]'").await?;
    // As versions before 0.12 wrote keys.
    execute(&index, "UPDATE event_logs SET asset_key = 'old' WHERE asset_key = '[\"a008\"]'")
        .await?;
    assert_eq!(home.events().get_asset_keys(&AssetKeysPage::new()).await?.len(), 1);

    let mut told = Vec::new();
    reindex(&ops, &Reindex::new(), &mut |progress| told.push(progress)).await?;
    let parts = told.iter().filter(|progress| {
        progress.index == "asset_key_table"
            && matches!(progress.event, ReindexEvent::Advanced { .. })
    });
    assert_eq!(parts.count(), 2);
    let is_last = |progress: &ReindexProgress| {
        progress.index == "asset_key_table" && progress.event == ReindexEvent::Built { rows: 511 }
    };
    assert!(told.iter().any(is_last), "{told:?}");
    let keys = home.events().get_asset_keys(&AssetKeysPage::new()).await?;
    assert_eq!(keys.len(), 511);
    for key in ["a000", "a009", "a509", "with \"quotes\"", "old"] {
        assert!(keys.contains(&AssetKey::new([key])), "{key}");
    }
    home.storages.dispose().await;
    Ok(())
}

#[tokio::test]
async fn columns_of_assets_follow_from_events_and_details() -> TestResult {
    let home = home_without("asset_key_index_columns").await?;
    let ops = instance_of(&home);
    let events = [materialised("a", 1), materialised("a", 3), materialised("wiped", 2)];
    home.events().store_event_batch(&events).await?;
    home.events().wipe_assets(&[AssetKey::new(["wiped"])], later(10)).await?;
    let before = home.events().get_asset_records(&Only::Any).await?;
    let index = home.events_db("index");
    let lost = "UPDATE asset_keys SET wipe_timestamp = NULL, last_materialization_timestamp = NULL, \
                last_materialization = NULL";
    execute(&index, lost).await?;

    let request = Reindex::new();
    assert_eq!(done(&ops, &request).await?[1], ("asset_key_index_columns", Some(2)));
    let rows = query(&index, "SELECT * FROM asset_keys ORDER BY asset_key").await?;
    let text = |row: usize, column: &str| rows[row].get::<Option<String>, _>(column);
    let time = "2023-11-14 22:13:23.000000";
    assert_eq!(text(0, "last_materialization_timestamp").as_deref(), Some(time));
    assert_eq!(text(0, "wipe_timestamp"), None);
    assert!(text(0, "last_materialization").is_some_and(|text| text.contains("EventLogRecord")));
    assert_eq!(text(1, "wipe_timestamp").as_deref(), Some("2023-11-14 22:13:30.000000"));
    assert_eq!(text(1, "last_materialization"), None);
    assert_eq!(home.events().get_asset_records(&Only::Any).await?, before);
    assert!(!home.events().has_asset_key(&AssetKey::new(["wiped"])).await?);
    // Once more, it changes nothing.
    let again = done(&ops, &request.with_force(true)).await?;
    assert_eq!(again[1], ("asset_key_index_columns", Some(2)));
    assert_eq!(home.events().get_asset_records(&Only::Any).await?, before);
    home.storages.dispose().await;
    Ok(())
}

fn state(name: &str) -> Result<InstigatorState, Box<dyn std::error::Error>> {
    let mut state: InstigatorState = deserialize_value(
        r#"{"__class__": "InstigatorState", "job_specific_data": null,
            "job_type": {"__enum__": "InstigatorType.SENSOR"},
            "origin": {"__class__": "ExternalJobOrigin", "job_name": "",
                "external_repository_origin": {"__class__": "ExternalRepositoryOrigin",
                    "repository_location_origin": {"__class__": "RegisteredRepositoryLocationOrigin",
                        "location_name": "shop"},
                    "repository_name": "shop"}},
            "status": {"__enum__": "InstigatorStatus.RUNNING"}}"#,
    )?;
    name.clone_into(&mut state.origin.instigator_name);
    Ok(state)
}

fn tick(origin_id: &str, name: &str) -> Result<TickData, Box<dyn std::error::Error>> {
    Ok(deserialize_value(&format!(
        r#"{{"__class__": "TickData", "job_name": "{name}", "job_origin_id": "{origin_id}",
            "job_type": {{"__enum__": "InstigatorType.SENSOR"}},
            "status": {{"__enum__": "TickStatus.SKIPPED"}}, "timestamp": 1700000000.0}}"#
    ))?)
}

#[tokio::test]
async fn ticks_of_old_versions_name_their_selectors() -> TestResult {
    let home = home_without("schedule_ticks_selector_id").await?;
    let ops = instance_of(&home);
    let (one, other) = (state("one")?, state("other")?);
    for state in [&one, &other] {
        home.schedules().add_instigator_state(state, later(0)).await?;
    }
    for _ in 0..3 {
        for state in [&one, &other] {
            let origin_id = state.instigator_origin_id();
            home.schedules().create_tick(&tick(&origin_id, state.name())?).await?;
        }
    }
    home.schedules().create_tick(&tick("gone", "gone")?).await?;
    let counts = "SELECT coalesce(selector_id, '') AS selector, count(*) AS ticks FROM job_ticks \
                  GROUP BY 1 ORDER BY 2, 1";
    let file = schedules_db(&home);
    assert_eq!(query(&file, counts).await?[0].get::<i64, _>("ticks"), 7);

    let built = done(&ops, &Reindex::new()).await?;
    assert_eq!(built[2], ("schedule_ticks_selector_id", Some(7)));
    let mut expected = vec![(String::new(), 1), (one.selector_id(), 3), (other.selector_id(), 3)];
    expected.sort_by(|one, other| (one.1, &one.0).cmp(&(other.1, &other.0)));
    let found: Vec<(String, i64)> =
        query(&file, counts).await?.iter().map(|row| (row.get(0), row.get(1))).collect();
    assert_eq!(found, expected);
    assert!(home.schedules().has_built_index("schedule_ticks_selector_id").await?);
    home.storages.dispose().await;
    Ok(())
}

#[tokio::test]
async fn states_are_found_by_their_origins_until_they_stand_by_their_selectors() -> TestResult {
    let home = home_without("schedule_jobs_selector_id").await?;
    let ops = instance_of(&home);
    let (one, other) = (state("one")?, state("other")?);
    for state in [&one, &other] {
        home.schedules().add_instigator_state(state, later(0)).await?;
    }
    let file = schedules_db(&home);
    execute(&file, "DELETE FROM instigators").await?;
    let everything = InstigatorFilter::default();
    assert_eq!(
        home.schedules().all_instigator_state(&everything).await?,
        [one.clone(), other.clone()]
    );
    let found = home.schedules().get_instigator_state(&other.selector_id()).await?;
    assert_eq!(found.as_ref(), Some(&other));
    let repository = one.origin.repository_origin.selector().id();
    for (id, expect) in [(repository.as_str(), 2), ("none", 0)] {
        let filter = InstigatorFilter::new().with_repository_selector_id(id.to_owned());
        assert_eq!(home.schedules().all_instigator_state(&filter).await?.len(), expect, "{id}");
    }
    // What is changed in the meantime stays.
    let stopped = InstigatorState { status: InstigatorStatus::Stopped, ..one.clone() };
    home.schedules().update_instigator_state(&stopped, later(5)).await?;
    let request = Reindex::new().with_indexes(Only::one("schedule_jobs_selector_id"));
    assert_eq!(done(&ops, &request).await?, [("schedule_jobs_selector_id", Some(2))]);
    let by_selector = "SELECT count(*) FROM instigators JOIN jobs USING (selector_id)";
    assert_eq!(query(&file, by_selector).await?[0].get::<i64, _>(0), 2);
    for state in [&stopped, &other] {
        let found = home.schedules().get_instigator_state(&state.selector_id()).await?;
        assert_eq!(found.as_ref(), Some(state));
    }
    home.storages.dispose().await;
    Ok(())
}

/// A schedule with rows of two origins: the one that was changed last says its state, also if the migration begins again.
#[tokio::test]
async fn states_that_are_newer_stay() -> TestResult {
    let home = home_without("schedule_jobs_selector_id").await?;
    let ops = instance_of(&home);
    let (one, other) = (state("one")?, state("other")?);
    for state in [&one, &other] {
        home.schedules().add_instigator_state(state, later(0)).await?;
    }
    let file = schedules_db(&home);
    // Both rows are of one selector, as after a move of the code location.
    let moved = "UPDATE jobs SET job_body = (SELECT job_body FROM jobs WHERE id = 1) WHERE id = 2";
    assert_eq!(execute(&file, moved).await?, 1);
    execute(&file, "DELETE FROM instigators").await?;
    execute(&file, "UPDATE jobs SET update_timestamp = '2023-11-14 22:13:20'").await?;
    let request = Reindex::new().with_indexes(Only::one("schedule_jobs_selector_id"));
    done(&ops, &request).await?;
    let stopped = InstigatorState { status: InstigatorStatus::Stopped, ..one.clone() };
    home.schedules().update_instigator_state(&stopped, later(5)).await?;
    done(&ops, &request.with_force(true)).await?;
    let found = home.schedules().get_instigator_state(&one.selector_id()).await?;
    assert_eq!(found, Some(stopped));
    home.storages.dispose().await;
    Ok(())
}

/// A step looks at so many rows, however few of them have something to be derived: none scans a whole table.
#[tokio::test]
async fn steps_are_small() -> TestResult {
    let home = home_without("run_partitions").await?;
    let ops = instance_of(&home);
    let runs = "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 1100)
                INSERT INTO runs (run_id, run_body, status) SELECT 'run-' || n, '{}', 'SUCCESS' FROM n";
    assert_eq!(execute(&home.runs_db(), runs).await?, 1_100);
    // The ids say more rows than there are.
    execute(&home.runs_db(), "DELETE FROM runs WHERE id BETWEEN 2 AND 101").await?;
    let request = Reindex::new().with_indexes(Only::one("run_partitions"));
    let mut told = Vec::new();
    reindex(&ops, &request, &mut |progress| told.push(progress.event)).await?;
    let advanced = |rows, cursor: &str| ReindexEvent::Advanced {
        rows,
        left: Some(1_100 - rows),
        time_left: None,
        cursor: cursor.to_owned(),
    };
    let expect = [
        ReindexEvent::Started { rows: Some(1_100) },
        advanced(500, "600"),
        advanced(1_000, "1100"),
        ReindexEvent::Built { rows: 1_000 },
    ];
    assert_eq!(told, expect);
    home.storages.dispose().await;
    Ok(())
}

/// Somebody else changes each backfill while its end is worked out: that change is not lost.
#[tokio::test(flavor = "multi_thread")]
async fn changes_of_backfills_are_not_lost() -> TestResult {
    let home = home_without("backfill_end_timestamp").await?;
    let ops = instance_of(&home);
    let ids: Vec<String> = (0..300).map(|number| format!("b{number:03}")).collect();
    for id in &ids {
        let backfill = PartitionBackfill::new(id, BulkActionStatus::Completed, 7.5);
        home.runs().add_backfill(&backfill).await?;
    }
    let (runs, changed) = (home.runs(), ids.clone());
    let changing = tokio::spawn(async move {
        for id in &changed {
            let backfill = runs
                .get_backfill(id)
                .await?
                .ok_or(StorageError::NotFound { what: "backfill", id: id.clone() })?;
            runs.update_backfill(&backfill.with_title("changed".to_owned())).await?;
        }
        Ok::<_, StorageError>(())
    });
    let request = Reindex::new().with_indexes(Only::one("backfill_end_timestamp")).with_force(true);
    let mut built = 0;
    while !changing.is_finished() || built == 0 {
        reindex(&ops, &request, &mut |_| ()).await?;
        built += 1;
    }
    changing.await??;
    // Whoever changes a backfill may have read it before its end was known.
    reindex(&ops, &request, &mut |_| ()).await?;
    for id in &ids {
        let backfill = home.runs().get_backfill(id).await?.expect("a backfill");
        assert_eq!(backfill.title.as_deref(), Some("changed"), "{id}");
        assert_eq!(backfill.backfill_end_timestamp, Some(7.5.into()), "{id}");
    }
    home.storages.dispose().await;
    Ok(())
}

#[tokio::test]
async fn an_index_that_is_none_is_refused_before_anything_is_built() -> TestResult {
    let home = home_without("run_start_end_overwritten").await?;
    let ops = instance_of(&home);
    let named = ["run_start_end_overwritten", "run_partition"];
    for (request, part) in [
        (Reindex::new().with_indexes(Only::these(named)), "there is no such index"),
        (Reindex::new().with_resume(("none".to_owned(), "1".to_owned())), "none"),
        (
            Reindex::new().with_resume(("asset_key_index_columns".to_owned(), "x".to_owned())),
            "number of a row",
        ),
        (
            Reindex::new()
                .with_indexes(Only::one("run_start_end_overwritten"))
                .with_resume(("asset_key_index_columns".to_owned(), "1".to_owned())),
            "not among the indexes that are asked for",
        ),
        // It belongs to an upgrade, so that it has to be asked for.
        (
            Reindex::new().with_resume(("run_partitions".to_owned(), "1".to_owned())),
            "not among the indexes that are asked for",
        ),
    ] {
        let mut told = 0;
        let error = reindex(&ops, &request, &mut |_| told += 1).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
        assert!(error.to_string().contains(part), "{error}");
        assert!(!home.runs().has_built_index("run_start_end_overwritten").await?);
    }
    let nothing = Reindex::new().with_indexes(Only::These(Vec::new()));
    assert_eq!(done(&ops, &nothing).await?, []);
    home.storages.dispose().await;
    Ok(())
}

/// The events of one run cannot be read: it is named, those of the others are read, and the index is not marked.
#[tokio::test]
async fn an_index_that_was_not_finished_is_not_marked() -> TestResult {
    let home = home_without("run_start_end_overwritten").await?;
    for id in ["bad", "good"] {
        let events = vec![event(id, DagsterEventType::RunStart, 1)];
        let new = NewRun::new(run(id, "j", &[]), later(0)).with_events(events);
        home.storages.run_event_store().add_run_with_events(new).await?;
    }
    execute(&home.runs_db(), "UPDATE runs SET status = 'STARTED', start_time = 7").await?;
    home.storages.dispose().await;
    std::fs::write(home.events_db("bad"), "this is no database, but long enough to be looked at")?;
    let storages = open(home.directory.path(), OpenMode::MustExist).await?;
    let ops = TestInstance { stores: storages.stores(), ..TestInstance::default() };
    let error = reindex(&ops, &Reindex::new(), &mut |_| ()).await.unwrap_err().to_string();
    assert!(error.contains("of these runs, and not of the others: bad; "), "{error}");
    for (id, time) in [("bad", 7.0), ("good", stamp(1))] {
        let (runs, page) = (storages.run_storage(), RunsPage::new());
        let filter = RunsFilter::default().with_run_ids(Only::one(id));
        let records = runs.get_run_records(&filter, &page).await?;
        assert_eq!(records[0].start_time, Some(time), "{id}");
    }
    assert!(!storages.run_storage().has_built_index("run_start_end_overwritten").await?);
    assert!(storages.run_storage().has_run(&RunId::from("good")).await?);
    storages.dispose().await;
    Ok(())
}
