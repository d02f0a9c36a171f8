//! An instance as its daemons leave it, filled by us: schedules and a sensor with their ticks, runs, backfills,
//! partitions, checks and signs of life. The code location is `tests/python/webserver_definitions.py`.
//!
//! Not here: what the web server says of it (`webserver_pages.rs`).

use std::collections::BTreeMap;

use dagster_instance::assets::{AssetCheckEvaluation, AssetCheckSeverity};
use dagster_instance::clock::timestamp_of;
use dagster_instance::daemon::DaemonHeartbeat;
use dagster_instance::error::BoxError;
use dagster_instance::error_info::SerializableErrorInfo;
use dagster_instance::event::{
    AssetMaterialization, AssetMaterializationPlannedData, DagsterEvent, DagsterEventType,
};
use dagster_instance::partitions::{
    DefaultPartitionsSubset, PartitionsSubset, TimestampWithTimezone,
};
use dagster_instance::run::{DagsterRunStatus, RemoteRepositoryOrigin};
use dagster_instance::scheduling::{
    AssetBackfillData, AssetGraphSubset, BulkActionStatus, CronSchedule, DefaultStatus,
    DynamicPartitionsRequestResult, InstigatorData, InstigatorIds, InstigatorType,
    PartitionBackfill, RemotePartitionSetOrigin, RemoteSchedule, RemoteSensor, SensorType,
    TickData, TickStatus,
};
use dagster_instance::serdes::{FrozenSet, Number, PairMap, UnknownFields, deserialize_value};
use dagster_instance::{
    AssetKey, Clock, CreateRun, DagsterInstance, ReportEvent, RunId, SystemClock, tags,
};
use serde_json::Value;

type Result<T = ()> = std::result::Result<T, BoxError>;

/// The daemons of an instance without settings.
pub(crate) const DAEMONS: [&str; 6] =
    ["SENSOR", "BACKFILL", "SCHEDULER", "QUEUED_RUN_COORDINATOR", "ASSET", "FRESHNESS_DAEMON"];

/// The backfill of the asset `paint`, and that of its job.
pub(crate) const ASSET_BACKFILL: &str = "paintall";
pub(crate) const JOB_BACKFILL: &str = "paintjob";

/// What was stored.
#[derive(Debug)]
pub(crate) struct Filled {
    /// When, in seconds since 1970. Ticks have times before it.
    pub(crate) now: f64,
    pub(crate) nightly: RemoteSchedule,
    pub(crate) hourly: RemoteSchedule,
    pub(crate) deliveries: RemoteSensor,
    /// The run that `nightly` asked for.
    pub(crate) nightly_run: RunId,
    /// The runs of the backfill of a job: one that succeeded, and one that failed.
    pub(crate) backfill_runs: [RunId; 2],
    /// The ids of the ticks of `nightly` and of `deliveries`, oldest first.
    pub(crate) nightly_ticks: Vec<i64>,
    pub(crate) deliveries_ticks: Vec<i64>,
}

/// Stores all of it.
pub(crate) async fn fill(instance: &DagsterInstance, location: &Value) -> Result<Filled> {
    let now = timestamp_of(SystemClock.now()).floor();
    let (nightly, hourly) = (schedule(&location["schedules"]["nightly"])?, hourly(location)?);
    let deliveries = sensor(&location["sensors"]["deliveries"])?;
    instance.start_schedule(&nightly).await?;
    instance.stop_schedule(&hourly.ids(), Some(&hourly)).await?;
    let repository = format!(
        "{}@{}",
        text(&location["repository"]["name"])?,
        text(&location["repository"]["location"])?
    );
    let of_schedule =
        [("dagster/schedule_name", "nightly"), (tags::REPOSITORY_LABEL, &*repository)];
    let nightly_run =
        create_run(instance, "stock_job", DagsterRunStatus::Success, &of_schedule).await?;
    let nightly_ticks = tick_nightly(instance, &nightly, &nightly_run, now).await?;
    let deliveries_ticks = tick_deliveries(instance, &deliveries, now).await?;
    let origin: RemoteRepositoryOrigin = deserialize_value(text(&location["repository_origin"])?)?;
    let backfill_runs = backfill(instance, origin, &repository, now).await?;
    materialise(instance).await?;
    for daemon in DAEMONS {
        let error = SerializableErrorInfo::new("OSError", "OSError: the disk is full\n");
        let errors = if daemon == "SENSOR" { vec![error] } else { Vec::new() };
        let heartbeat = DaemonHeartbeat::new(daemon.into(), format!("{daemon}-1"), now, errors);
        instance.add_daemon_heartbeat(&heartbeat).await?;
    }
    Ok(Filled {
        now,
        nightly,
        hourly,
        deliveries,
        nightly_run,
        backfill_runs,
        nightly_ticks,
        deliveries_ticks,
    })
}

fn text(value: &Value) -> Result<&str> {
    Ok(value.as_str().ok_or_else(|| format!("{value} is no text"))?)
}

/// The ids of a schedule or sensor are those that Dagster computes.
fn same_ids(document: &Value, ids: &InstigatorIds) -> Result {
    let theirs = InstigatorIds::new(text(&document["origin_id"])?, text(&document["selector_id"])?);
    assert_eq!(*ids, theirs);
    Ok(())
}

fn default_status(document: &Value) -> DefaultStatus {
    if document["default_status"] == "RUNNING" {
        DefaultStatus::Running
    } else {
        DefaultStatus::Stopped
    }
}

fn schedule(document: &Value) -> Result<RemoteSchedule> {
    let cron = match document["cron_schedule"].as_str() {
        Some(one) => CronSchedule::from(one),
        None => serde_json::from_value::<Vec<String>>(document["cron_schedule"].clone())?.into(),
    };
    let zone = document["execution_timezone"].as_str().map(str::to_owned);
    let schedule = RemoteSchedule::new(deserialize_value(text(&document["origin"])?)?, cron)
        .with_execution_timezone(zone)
        .with_default_status(default_status(document));
    same_ids(document, &schedule.ids())?;
    Ok(schedule)
}

/// Its definition has it run.
fn hourly(location: &Value) -> Result<RemoteSchedule> {
    let hourly = schedule(&location["schedules"]["hourly"])?;
    assert_eq!(hourly.default_status, DefaultStatus::Running);
    Ok(hourly)
}

fn sensor(document: &Value) -> Result<RemoteSensor> {
    let sensor = RemoteSensor::new(deserialize_value(text(&document["origin"])?)?)
        .with_min_interval_seconds(document["min_interval_seconds"].as_i64())
        .with_sensor_type(SensorType::from_name(text(&document["sensor_type"])?))
        .with_default_status(default_status(document));
    same_ids(document, &sensor.ids())?;
    Ok(sensor)
}

async fn create_run(
    instance: &DagsterInstance,
    job: &str,
    status: DagsterRunStatus,
    run_tags: &[(&str, &str)],
) -> Result<RunId> {
    let run_tags = run_tags.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect();
    let request = CreateRun::new(job).with_status(status).with_tags(run_tags);
    Ok(instance.create_run(request).await?.run_id)
}

/// Three ticks: one asked for a run, one failed, one was skipped.
async fn tick_nightly(
    instance: &DagsterInstance,
    schedule: &RemoteSchedule,
    run_id: &RunId,
    now: f64,
) -> Result<Vec<i64>> {
    let tick = |status, ago: f64| {
        let timestamp = now - ago;
        let mut tick = TickData::new(
            schedule.ids(),
            schedule.name(),
            InstigatorType::Schedule,
            status,
            timestamp,
        );
        tick.end_timestamp = Some((timestamp + 1.5).into());
        tick
    };
    let mut success = tick(TickStatus::Success, 7200.0);
    success.run_ids = Some(vec![run_id.as_str().to_owned()]);
    success.run_keys = Some(vec!["of the night".to_owned()]);
    let mut failure = tick(TickStatus::Failure, 3600.0);
    let cause = SerializableErrorInfo::new("KeyError", "KeyError: 'aisle'\n");
    let error = SerializableErrorInfo::new("ValueError", "ValueError: no stock was found\n");
    failure.error = Some(error.caused_by(cause));
    failure.failure_count = Some(1);
    let mut skipped = tick(TickStatus::Skipped, 60.0);
    skipped.skip_reason = Some("the warehouse is closed".to_owned());
    let mut ids = Vec::new();
    for data in [success, failure, skipped] {
        ids.push(instance.create_tick(&data).await?.tick_id);
    }
    Ok(ids)
}

/// A sensor that runs: one tick was skipped, and one, which began as started, added to dynamic partitions. Then the
/// sensor remembers where it is, as the daemon has it.
async fn tick_deliveries(
    instance: &DagsterInstance,
    sensor: &RemoteSensor,
    now: f64,
) -> Result<Vec<i64>> {
    let state = instance.start_sensor(sensor).await?;
    let tick = |status, ago: f64| {
        TickData::new(sensor.ids(), sensor.name(), InstigatorType::Sensor, status, now - ago)
    };
    let mut skipped = tick(TickStatus::Skipped, 1800.0);
    skipped.skip_reason = Some("nothing was delivered".to_owned());
    let skipped = instance.create_tick(&skipped).await?;
    let mut success = instance.create_tick(&tick(TickStatus::Started, 600.0)).await?;
    success.tick_data.status = TickStatus::Success;
    success.tick_data.cursor = Some("delivery 7".to_owned());
    success.tick_data.end_timestamp = Some((now - 598.0).into());
    success.tick_data.dynamic_partitions_request_results = vec![DynamicPartitionsRequestResult {
        added_partitions: Some(vec!["ada".to_owned(), "bob".to_owned()]),
        deleted_partitions: None,
        partitions_def_name: "customers".to_owned(),
        skipped_partitions: vec!["cid".to_owned()],
        unknown: UnknownFields::default(),
    }];
    instance.update_tick(&success).await?;
    let Some(InstigatorData::Sensor(mut data)) = state.instigator_data.clone() else {
        return Err("the sensor has no data of a sensor".into());
    };
    data.cursor = Some("delivery 7".to_owned());
    data.last_run_key = Some("delivery 6".to_owned());
    data.last_tick_timestamp = Some((now - 598.0).into());
    let state = state.with_data(InstigatorData::Sensor(data));
    instance.update_instigator_state(&state).await?;
    Ok(vec![skipped.tick_id, success.tick_id])
}

fn paints(colours: &[&str]) -> AssetGraphSubset {
    let subset = DefaultPartitionsSubset {
        subset: colours.iter().map(|colour| (*colour).to_owned()).collect(),
        unknown: UnknownFields::default(),
    };
    let pair = (AssetKey::new(["paint"]), PartitionsSubset::Default(subset));
    let pairs = if colours.is_empty() { Vec::new() } else { vec![pair] };
    AssetGraphSubset {
        non_partitioned_asset_keys: FrozenSet::default(),
        partitions_subsets_by_asset_key: PairMap::from_iter(pairs),
        unknown: UnknownFields::default(),
    }
}

/// A backfill of an asset that goes on, and one of a job that has ended, with its two runs. The second run was to
/// materialise the partition `blue`, and failed.
async fn backfill(
    instance: &DagsterInstance,
    repository_origin: RemoteRepositoryOrigin,
    repository: &str,
    now: f64,
) -> Result<[RunId; 2]> {
    let progress = AssetBackfillData {
        backfill_start_time: TimestampWithTimezone {
            timestamp: (now - 300.0).into(),
            timezone: Some("UTC".to_owned()),
            unknown: UnknownFields::default(),
        },
        failed_and_downstream_subset: paints(&[]),
        latest_storage_id: None,
        materialized_subset: paints(&["red"]),
        requested_runs_for_target_roots: true,
        requested_subset: paints(&["red", "green"]),
        target_subset: paints(&["red", "green", "blue"]),
        unknown: UnknownFields::default(),
    };
    let of_asset = PartitionBackfill::new(ASSET_BACKFILL, BulkActionStatus::Requested, now - 300.0)
        .with_title("Paint it again".to_owned())
        .with_description("Three colours have faded".to_owned())
        .with_tags(BTreeMap::from([("team".to_owned(), "painters".to_owned())]))
        .with_asset_selection(vec![AssetKey::new(["paint"])])
        .with_asset_backfill_data(progress);
    instance.add_backfill(&of_asset).await?;

    let of_job = PartitionBackfill::new(JOB_BACKFILL, BulkActionStatus::Requested, now - 900.0)
        .with_partition_set_origin(RemotePartitionSetOrigin::of_job(repository_origin, "paint_job"))
        .with_partition_names(vec!["red".to_owned(), "blue".to_owned()]);
    instance.add_backfill(&of_job).await?;
    let mut runs = Vec::new();
    for (partition, status) in
        [("red", DagsterRunStatus::Success), ("blue", DagsterRunStatus::Started)]
    {
        let run_tags = [
            (tags::BACKFILL_ID, JOB_BACKFILL),
            (tags::PARTITION, partition),
            (tags::PARTITION_SET, "paint_job_partition_set"),
            (tags::REPOSITORY_LABEL, repository),
        ];
        runs.push(create_run(instance, "paint_job", status, &run_tags).await?);
    }
    let [succeeded, failed] = runs.try_into().map_err(|_| "two runs were created")?;
    let planned = AssetMaterializationPlannedData {
        asset_key: AssetKey::new(["paint"]),
        partition: Some("blue".to_owned()),
        partitions_subset: None,
        unknown: UnknownFields::default(),
    };
    let event = DagsterEvent::new(DagsterEventType::AssetMaterializationPlanned, "paint_job");
    instance.report_dagster_event(ReportEvent::new(event.with_data(planned), &failed)).await?;
    let run = instance.get_run_by_id(&failed).await?.ok_or("the run is gone")?;
    instance.report_run_failed(&run, None, None).await?;
    let of_job = of_job
        .with_status(BulkActionStatus::CompletedFailed)
        .with_backfill_end_timestamp(Number::from(now - 840.0));
    instance.update_backfill(&of_job).await?;
    Ok([succeeded, failed])
}

/// Dynamic partitions, materialisations of partitions, and a check that was not passed.
async fn materialise(instance: &DagsterInstance) -> Result {
    let customers = ["ada", "bob", "cid"].map(str::to_owned);
    instance.add_dynamic_partitions("customers", &customers).await?;
    instance.delete_dynamic_partition("customers", "bob").await?;
    for (asset, partition) in [
        ("paint", Some("red")),
        ("paint", Some("green")),
        ("invoices", Some("ada")),
        ("stock", None),
    ] {
        let partition = partition.map(str::to_owned);
        let made = AssetMaterialization::new(AssetKey::new([asset]), partition);
        instance.report_runless_asset_event(made).await?;
    }
    let evaluation = AssetCheckEvaluation {
        asset_key: AssetKey::new(["stock"]),
        blocking: Some(false),
        check_name: "is_counted".to_owned(),
        description: Some("two boxes are missing".to_owned()),
        metadata: BTreeMap::new(),
        partition: None,
        severity: AssetCheckSeverity::Warn,
        passed: false,
        target_materialization_data: None,
        unknown: UnknownFields::default(),
    };
    Ok(instance.report_runless_asset_event(evaluation).await?)
}
