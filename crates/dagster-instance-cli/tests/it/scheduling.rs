//! `schedule`, `sensor`, `tick` and `backfill`.

use std::collections::BTreeMap;

use dagster_instance::clock::timestamp_of;
use dagster_instance::error_info::SerializableErrorInfo;
use dagster_instance::partitions::ExecutionTimes;
use dagster_instance::run::{
    DagsterRun, DagsterRunStatus, RegisteredCodeLocationOrigin, RemoteRepositoryOrigin,
};
use dagster_instance::scheduling::{
    AssetBackfillData, BulkActionStatus, InstigatorData, InstigatorIds, InstigatorState,
    InstigatorStatus, InstigatorType, PartitionBackfill, RemoteInstigatorOrigin,
    RemotePartitionSetOrigin, RemoteSchedule, RemoteSensor, SensorType, TickData, TickStatus,
};
use dagster_instance::serdes::{Number, deserialize_value};
use dagster_instance::{AssetKey, Clock, DagsterInstance, RunId, SystemClock};

use crate::home::{Ended, Home, NOW, Run};

fn repository(location: &str) -> RemoteRepositoryOrigin {
    RemoteRepositoryOrigin::new(RegisteredCodeLocationOrigin::new(location), "repo")
}

fn origin(location: &str, name: &str) -> RemoteInstigatorOrigin {
    RemoteInstigatorOrigin::new(repository(location), name)
}

async fn tick(
    instance: &DagsterInstance,
    ids: InstigatorIds,
    instigator_type: InstigatorType,
    change: impl FnOnce(&mut TickData),
    after: f64,
) {
    let mut data = TickData::new(ids, "x", instigator_type, TickStatus::Success, NOW + after);
    data.end_timestamp = Some((NOW + after + 1.5).into());
    change(&mut data);
    instance.create_tick(&data).await.expect("the tick is stored");
}

fn backfill(id: &str, status: BulkActionStatus, after: f64) -> PartitionBackfill {
    PartitionBackfill::new(id, status, NOW + after)
}

/// Two of three partitions of `a` are filled, none of those of `b`, and `c` has none.
const PROGRESS: &str = r#"{"__class__": "AssetBackfillData", "backfill_start_time": {"__class__": "TimestampWithTimezone", "timestamp": 1767323045.0, "timezone": "UTC"}, "failed_and_downstream_subset": {"__class__": "AssetGraphSubset", "non_partitioned_asset_keys": {"__set__": []}, "partitions_subsets_by_asset_key": {"__mapping_items__": []}}, "latest_storage_id": 273, "materialized_subset": {"__class__": "AssetGraphSubset", "non_partitioned_asset_keys": {"__set__": []}, "partitions_subsets_by_asset_key": {"__mapping_items__": [[{"__class__": "AssetKey", "path": ["a"]}, {"__class__": "DefaultPartitionsSubset", "subset": {"__set__": ["x", "y"]}}]]}}, "requested_runs_for_target_roots": true, "requested_subset": {"__class__": "AssetGraphSubset", "non_partitioned_asset_keys": {"__set__": []}, "partitions_subsets_by_asset_key": {"__mapping_items__": []}}, "target_subset": {"__class__": "AssetGraphSubset", "non_partitioned_asset_keys": {"__set__": []}, "partitions_subsets_by_asset_key": {"__mapping_items__": [[{"__class__": "AssetKey", "path": ["a"]}, {"__class__": "DefaultPartitionsSubset", "subset": {"__set__": ["x", "y", "z"]}}], [{"__class__": "AssetKey", "path": ["b"]}, {"__class__": "DefaultPartitionsSubset", "subset": {"__set__": ["x"]}}]]}}}"#;

/// Schedules and sensors in all their states, with ticks and backfills.
async fn home() -> Home {
    let home = Home::empty();
    let instance = home.instance().await;
    let nightly = RemoteSchedule::new(origin("shop", "nightly"), "30 2 * * *");
    let hourly = RemoteSchedule::new(
        origin("shop", "hourly"),
        vec!["0 * * * *".to_owned(), "30 * * * *".to_owned()],
    );
    let declared = RemoteSchedule::new(origin("shop", "declared"), "@daily");
    let broken = RemoteSchedule::new(origin("shop", "broken"), "every day");
    instance.start_schedule(&nightly).await.expect("started");
    instance.start_schedule(&hourly).await.expect("started");
    instance.stop_schedule(&hourly.ids(), None).await.expect("stopped");
    instance.reset_schedule(&declared).await.expect("reset");
    instance.start_schedule(&broken).await.expect("started");
    for location in ["shop", "store"] {
        let twice = RemoteSchedule::new(origin(location, "twice"), "0 0 * * *");
        instance
            .add_instigator_state(&twice.state(InstigatorStatus::Stopped, None))
            .await
            .expect("added");
    }
    let files = RemoteSensor::new(origin("shop", "new_files"))
        .with_sensor_type(SensorType::Asset)
        .with_min_interval_seconds(60);
    let mut state = files.state(InstigatorStatus::Running, Some(NOW));
    if let Some(InstigatorData::Sensor(data)) = &mut state.instigator_data {
        data.cursor = Some("{\"at\": 7}".to_owned());
        data.last_run_key = Some("file 7".to_owned());
        data.last_tick_timestamp = Some((NOW + 30.0).into());
    }
    instance.add_instigator_state(&state).await.expect("added");
    let bare = InstigatorState::new(
        origin("shop", "bare"),
        InstigatorType::Sensor,
        InstigatorStatus::Stopped,
    );
    instance.add_instigator_state(&bare).await.expect("added");

    let (schedule, sensor) = (InstigatorType::Schedule, InstigatorType::Sensor);
    let runs = |data: &mut TickData| data.run_ids = Some(vec!["r1".to_owned(), "r2".to_owned()]);
    tick(&instance, nightly.ids(), schedule, runs, 0.0).await;
    let skips = |data: &mut TickData| {
        data.status = TickStatus::Skipped;
        data.skip_reason = Some("nothing\nnew".to_owned());
    };
    tick(&instance, nightly.ids(), schedule, skips, 60.0).await;
    let fails = |data: &mut TickData| {
        data.status = TickStatus::Failure;
        data.error = Some(SerializableErrorInfo::new("Failure", "no code\nat all\n"));
    };
    tick(&instance, nightly.ids(), schedule, fails, 120.0).await;
    tick(&instance, files.ids(), sensor, |data| data.cursor = Some("7".to_owned()), 30.0).await;

    let of_job = backfill("job-1", BulkActionStatus::Requested, 0.0)
        .with_partition_set_origin(RemotePartitionSetOrigin::of_job(repository("shop"), "etl"))
        .with_partition_names(["a", "b", "c"].map(str::to_owned).to_vec())
        .with_last_submitted_partition_name("b".to_owned())
        .with_tags(BTreeMap::from([("team".to_owned(), "data".to_owned())]));
    instance.add_backfill(&of_job).await.expect("added");
    let of_assets = backfill("assets-1", BulkActionStatus::Failed, 10.0)
        .with_serialized_asset_backfill_data("{}".to_owned())
        .with_asset_selection(vec![AssetKey::new(["a"]), AssetKey::new(["b/c"])])
        .with_error(SerializableErrorInfo::new("Failure", "no such\npartition\n"))
        .with_title("all of it".to_owned())
        .with_backfill_end_timestamp(Number::from(NOW + 20.0));
    instance.add_backfill(&of_assets).await.expect("added");
    let filled = backfill("assets-2", BulkActionStatus::CompletedSuccess, -10.0)
        .with_asset_backfill_data(deserialize_value::<AssetBackfillData>(PROGRESS).expect("data"))
        .with_asset_selection(["a", "b", "c"].map(|name| AssetKey::new([name])).to_vec());
    instance.add_backfill(&filled).await.expect("added");
    for (id, status) in [
        ("run-1", DagsterRunStatus::Success),
        ("run-2", DagsterRunStatus::Success),
        ("run-3", DagsterRunStatus::Failure),
    ] {
        let mut run = DagsterRun::new(RunId::from(id), "etl");
        run.status = status;
        run.tags = [("dagster/backfill".to_owned(), "job-1".to_owned())].into();
        Run::add_as(&instance, run).await;
    }
    instance.dispose().await.expect("everything is stored");
    home
}

fn arguments(line: &str) -> Vec<&str> {
    line.split(' ').collect()
}

/// The next ticks of the schedules of these cron texts in a time zone: as tables and as JSON have them.
fn next(cron: &str, timezone: Option<&str>) -> Vec<(String, String)> {
    let now = SystemClock.now();
    let times = ExecutionTimes::new([cron], timezone).expect("a cron schedule");
    let ticks = times.ascending(now, now).take(5);
    ticks
        .map(|tick| {
            let shown = tick.format("%Y-%m-%d %H:%M:%S").to_string();
            (shown, format!("{:?}", timestamp_of(tick)))
        })
        .collect()
}

/// What the binary says, with names for the next ticks. They follow from the time at which the test is run.
fn run_now(home: &Home, line: &str, crons: &[&str], timezone: Option<&str>) -> Ended {
    loop {
        let expect = || crons.iter().map(|cron| next(cron, timezone)).collect::<Vec<_>>();
        let before = expect();
        let mut ended = home.run(&arguments(line));
        // Else a tick has passed meanwhile.
        if expect() == before {
            for (cron, ticks) in crons.iter().zip(&before) {
                for (index, (shown, as_json)) in ticks.iter().enumerate() {
                    let name = format!("[tick {} of {cron}]", index + 1);
                    ended.stdout = ended.stdout.replace(shown, &name).replace(as_json, &name);
                }
            }
            return ended;
        }
    }
}

#[tokio::test]
async fn what_the_commands_print() {
    let home = home().await;
    let crons = ["30 2 * * *", "@daily"];
    let check = |name: &str, line: &str| {
        let zone = line.contains("Lord_Howe").then_some("Australia/Lord_Howe");
        insta::assert_snapshot!(name, run_now(&home, line, &crons, zone));
    };
    check("schedule_list", "schedule list");
    check("schedule_list_in_a_zone", "schedule list --timezone Australia/Lord_Howe");
    check("schedule_list_json", "schedule list --json");
    check("schedule_show", "schedule show nightly");
    check("schedule_show_in_a_zone", "schedule show nightly --timezone Australia/Lord_Howe");
    check("schedule_show_json", "schedule show nightly --json");
    check("schedule_show_stopped", "schedule show hourly");
    check("sensor_list", "sensor list");
    check("sensor_list_json", "sensor list --json");
    check("sensor_show", "sensor show new_files");
    check("sensor_show_bare", "sensor show bare");
    check("sensor_show_json", "sensor show new_files --json");
    check("tick_list", "tick list nightly");
    check("tick_list_filtered", "tick list nightly --status failure --status skipped --limit 1");
    check("tick_list_json", "tick list nightly --json");
    check("tick_list_of_none", "tick list hourly");
    check("backfill_list", "backfill list");
    check("backfill_list_filtered", "backfill list --status requested --job etl --tag team=data");
    check("backfill_list_of_none", "backfill list --status canceled");
    check("backfill_list_json", "backfill list --json");
    check("backfill_show", "backfill show job-1");
    check("backfill_show_assets", "backfill show assets-1");
    check("backfill_show_progress", "backfill show assets-2");
    check("backfill_show_json", "backfill show job-1 --json");
    check("backfill_show_assets_json", "backfill show assets-1 --json");
}

#[tokio::test]
async fn schedules_and_sensors_are_started_stopped_and_reset() {
    let home = home().await;
    let check = |name: &str, line: &str| insta::assert_snapshot!(name, home.run(&arguments(line)));
    check("start_running", "schedule start nightly");
    check("stop", "schedule stop nightly");
    check("stop_stopped", "schedule stop nightly");
    check("start", "schedule start nightly");
    check("reset", "schedule reset nightly");
    check("stop_declared", "schedule stop declared");
    check("sensor_stop", "sensor stop new_files");
    check("sensor_stop_stopped", "sensor stop bare");
    check("sensor_start", "sensor start new_files");
    check("sensor_reset", "sensor reset new_files");
    // What the sensor remembers stays.
    let shown = home.run(&["sensor", "show", "new_files"]);
    for text in ["Type        ASSET", "Interval    60s", "Run key     file 7", "{\"at\": 7}"] {
        assert!(shown.stdout.contains(text), "{text}: {shown}");
    }
    let started = home.run(&["schedule", "start", "hourly", "--json"]);
    let parsed: serde_json::Value = serde_json::from_str(&started.stdout).expect("JSON");
    assert_eq!(parsed["status"], "RUNNING");
    assert!(parsed["start_timestamp"].as_f64().is_some_and(|time| time > NOW), "{parsed}");
}

#[tokio::test]
async fn of_several_with_one_name_one_is_chosen_by_its_selector_id() {
    let home = home().await;
    let listed = home.run(&["schedule", "list", "--json"]);
    let ids: Vec<String> = listed
        .stdout
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON"))
        .filter(|schedule| schedule["name"] == "twice")
        .map(|schedule| schedule["selector_id"].as_str().expect("an id").to_owned())
        .collect();
    assert_eq!(ids.len(), 2);
    for command in ["show", "start", "stop", "reset"] {
        let ended = home.run(&["schedule", command, "twice"]);
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), ""), "{ended}");
        assert!(ids.iter().all(|id| ended.stderr.contains(id)), "{ended}");
    }
    let ended = home.run(&["schedule", "start", &ids[0]]);
    assert_eq!(ended.stdout, "Schedule twice is RUNNING; it was STOPPED\n", "{ended}");
    let ended = home.run(&["schedule", "stop", &ids[1]]);
    assert_eq!(ended.stdout, "Schedule twice is STOPPED already\n", "{ended}");
}

#[tokio::test]
async fn bad_input_changes_nothing() {
    let home = home().await;
    let states =
        || home.run(&["schedule", "list"]).stdout + &home.run(&["sensor", "list", "--json"]).stdout;
    let before = states();
    let check = |name: &str, line: &str| insta::assert_snapshot!(name, home.run(&arguments(line)));
    check("unknown_schedule", "schedule start nothing");
    check("unknown_sensor", "sensor stop nightly");
    check("schedule_that_is_a_sensor", "schedule reset new_files");
    check("unknown_instigator", "tick list nothing");
    check("unknown_backfill", "backfill show nothing");
    check("unknown_zone", "schedule list --timezone Mars/Olympus");
    check("usage_of_tick_status", "tick list nightly --status bogus");
    check("usage_of_backfill_status", "backfill list --status bogus");
    check("usage_of_schedule", "schedule start");
    check("ambiguous_tags", "backfill list --tag k=1 --tag k=2");
    let huge = "x".repeat(100_000);
    for line in ["schedule show ", "tick list ", "backfill show "] {
        for name in ["", &huge] {
            let ended = home.run(&arguments(&format!("{line}{name}")));
            assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), ""), "{line}: {ended}");
            assert!(ended.stderr.len() < 800, "{line}: {ended}");
        }
    }
    assert_eq!(states(), before);
}

/// The ticks of one schedule or sensor are not those of another.
#[tokio::test]
async fn ticks_are_those_of_the_one_that_is_named() {
    let home = home().await;
    let ids = |name: &str| -> Vec<i64> {
        let ended = home.run(&["tick", "list", name, "--json"]);
        assert_eq!(ended.code, Some(0), "{ended}");
        let id = |line| {
            serde_json::from_str::<serde_json::Value>(line).expect("JSON")["tick_id"].as_i64()
        };
        ended.stdout.lines().filter_map(id).collect()
    };
    assert_eq!((ids("nightly"), ids("new_files")), (vec![3, 2, 1], vec![4]));
}
