//! What cases store: sample values of every kind, and texts and times that databases disagree about.

use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::task::Poll;

use chrono::{DateTime, NaiveDateTime, Utc};

use crate::asset_key::{AssetCheckKey, AssetKey};
use crate::assets::{
    AssetCheckEvaluation, AssetCheckEvaluationPlanned,
    AssetCheckEvaluationTargetMaterializationData, AssetCheckSeverity, FreshnessState,
};
use crate::daemon::{DaemonHeartbeat, DaemonType};
use crate::event::{
    AssetMaterialization, AssetMaterializationPlannedData, AssetObservation, AssetObservationData,
    DagsterEvent, DagsterEventType, EventLogEntry, FreshnessStateChange, LogLevel,
    StepMaterializationData,
};
use crate::ids::{RunId, StorageId};
use crate::partitions::{DynamicPartitionsSnap, KeyRangesPartitionsSubset, PartitionKeyRange};
use crate::run::{
    DagsterRun, RegisteredCodeLocationOrigin, RemoteJobOrigin, RemoteRepositoryOrigin,
};
use crate::scheduling::{
    AutomationConditionEvaluation, AutomationConditionEvaluationWithRunIds,
    AutomationConditionNodeSnapshot, BulkActionStatus, CandidateSubset, EntityKey,
    EntitySubsetValue, HistoricalAllPartitionsSubsetSentinel, InstigatorIds, InstigatorState,
    InstigatorStatus, InstigatorType, PartitionBackfill, RemoteInstigatorOrigin,
    RemotePartitionSetOrigin, SerializableEntitySubset, TickData, TickStatus,
};
use crate::serdes::{FrozenSet, Pack, UnknownFields, Unpack, deserialize_value, serialize_value};

/// The second that all others are counted from: 2023-11-14 22:13:20.
const NOW: i64 = 1_700_000_000;

/// An id that no column of 32 bits holds, nor a float that was rounded to 53.
pub(crate) const FAR: i64 = 9_007_199_254_740_993;

/// More values than one statement may bind in any database: SQLite allows 32,766, Postgres 65,535.
pub(crate) const MANY: usize = 70_000;

/// Texts that databases fold, escape, trim, or take for something else. All of them are different, and
/// none may be taken for another.
pub(crate) const AWKWARD: &[&str] = &[
    "a",
    "A",
    "a ",
    " a",
    "ab",
    "aB",
    "%",
    "a%",
    "_",
    "a_",
    "\\",
    "a\\",
    "\\%",
    "'",
    "it''s",
    "\"",
    "?1",
    "$1",
    ":a",
    "{a}",
    "NULL",
    "0",
    "0.0",
    "00",
    "true",
    "ß",
    "SS",
    "ss",
    "é",
    "e\u{301}",
    "É",
    "İ",
    "i",
    "I",
    "日本",
    "\n",
    "\r\n",
    "\t",
    "a\u{200b}",
    "\u{feff}a",
    "🦀",
    "🦞",
    "\u{ffff}",
    "\u{10fffe}",
];

/// The last of all characters, which the codec keeps in another way when it reads a body; only its text is
/// the same.
pub(crate) const LAST: &str = "\u{10ffff}";

/// Names that linguistic collations order in another way than their characters, and some of them as equal
/// but for the last resort.
pub(crate) const COLLATED: &[&str] = &[
    "a",
    "B",
    "b",
    "A",
    "a-b",
    "ab",
    "a_b",
    "aB",
    "a b",
    "Ab",
    "AB",
    "a-c",
    "ac",
    "é",
    "e",
    "E",
    "f",
    "É",
    "z",
    "Z",
    "ä",
    "zz",
    "ö",
    "o",
    "-a",
    "_a",
    "a1",
    "a10",
    "a2",
    "日",
    "🦀",
    "\u{10ffff}",
];

/// A time so many seconds after the first one.
pub(crate) fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(NOW + seconds, 0).unwrap()
}

/// The same as events carry it.
pub(crate) fn stamp(seconds: u32) -> f64 {
    1_700_000_000.0 + f64::from(seconds)
}

/// A time by its text.
pub(crate) fn time(text: &str) -> DateTime<Utc> {
    NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f").unwrap().and_utc()
}

/// Times that are ascending, whose texts are not if a fraction is left out where it is zero or the sign of a
/// year is compared as text; all of them are in whole microseconds.
pub(crate) fn awkward_times() -> Vec<DateTime<Utc>> {
    [
        "1677-09-21 00:12:43.145225",
        "1969-12-31 23:59:59.000000",
        "1969-12-31 23:59:59.999999",
        "1970-01-01 00:00:00.000000",
        "1970-01-01 00:00:00.000001",
        "1999-12-31 23:59:59.999999",
        "2023-11-14 22:13:19.999999",
        "2023-11-14 22:13:20.000000",
        "2023-11-14 22:13:20.000001",
        "2023-11-14 22:13:20.100000",
        "2023-11-14 22:13:20.999999",
        "2023-11-14 22:13:21.000000",
        "2262-04-11 23:47:16.854775",
        "9999-12-31 23:59:59.999999",
    ]
    .map(time)
    .to_vec()
}

/// The value as a newer version may have written it: with a field of which this one knows nothing.
pub(crate) fn with_unknown_field<T: Pack + Unpack>(value: &T) -> T {
    let text = serialize_value(value);
    let open = text.strip_suffix('}').unwrap();
    let text =
        format!(r#"{open}, "zz_new": {{"b": [1e-07, NaN, "\ud83e\udd80\u0000"], "a": null}}}}"#);
    deserialize_value(&text).unwrap()
}

/// Texts in order, each with a number, so many.
pub(crate) fn numbered(prefix: &str, count: usize) -> Vec<String> {
    (0..count).map(|number| format!("{prefix}{number:06}")).collect()
}

/// Tags.
pub(crate) fn tags(tags: &[(&str, &str)]) -> BTreeMap<String, String> {
    tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

/// A run of a job, with tags.
pub(crate) fn run(run_id: &str, job_name: &str, run_tags: &[(&str, &str)]) -> DagsterRun {
    DagsterRun { tags: tags(run_tags), ..DagsterRun::new(RunId::from(run_id), job_name) }
}

/// A repository of a code location.
pub(crate) fn repository(location_name: &str, name: &str) -> RemoteRepositoryOrigin {
    RemoteRepositoryOrigin::new(RegisteredCodeLocationOrigin::new(location_name), name)
}

/// A job of a repository of a code location.
pub(crate) fn job_origin(location_name: &str, repository_name: &str) -> RemoteJobOrigin {
    RemoteJobOrigin {
        repository_origin: repository(location_name, repository_name),
        job_name: "j".to_owned(),
        unknown: UnknownFields::default(),
    }
}

/// The entry of an event.
pub(crate) fn entry(run_id: &str, event: DagsterEvent, seconds: u32) -> EventLogEntry {
    EventLogEntry::of_event(event, RunId::from(run_id), LogLevel::INFO, stamp(seconds))
}

/// An event without data.
pub(crate) fn event(run_id: &str, event_type: DagsterEventType, seconds: u32) -> EventLogEntry {
    entry(run_id, DagsterEvent::new(event_type, "j"), seconds)
}

/// An event of a step without data.
pub(crate) fn step_event(
    run_id: &str,
    event_type: DagsterEventType,
    step_key: &str,
    seconds: u32,
) -> EventLogEntry {
    entry(run_id, DagsterEvent::new(event_type, "j").with_step_key(step_key), seconds)
}

/// An event that says only what its message says.
pub(crate) fn message(run_id: &str, text: &str) -> EventLogEntry {
    entry(run_id, DagsterEvent::new(DagsterEventType::EngineEvent, "j").with_message(text), 0)
}

/// A line of a run's log.
pub(crate) fn line(run_id: &str, text: &str, seconds: u32) -> EventLogEntry {
    EventLogEntry {
        dagster_event: None,
        user_message: text.to_owned(),
        ..event(run_id, DagsterEventType::EngineEvent, seconds)
    }
}

/// The key of an asset with one part.
pub(crate) fn asset(name: &str) -> AssetKey {
    AssetKey::new([name])
}

/// A partition of an asset was materialised, or the whole asset, with tags.
pub(crate) fn materialized_with(
    run_id: &str,
    asset_key: &AssetKey,
    partition: Option<&str>,
    event_tags: &[(&str, &str)],
    seconds: u32,
) -> EventLogEntry {
    let materialization = AssetMaterialization {
        tags: Some(tags(event_tags)).filter(|tags| !tags.is_empty()),
        ..AssetMaterialization::new(asset_key.clone(), partition.map(str::to_owned))
    };
    let event = DagsterEvent::new(DagsterEventType::AssetMaterialization, "j")
        .with_step_key("s")
        .with_data(StepMaterializationData::from(materialization));
    entry(run_id, event, seconds)
}

/// A partition of an asset was materialised, or the whole asset.
pub(crate) fn materialized(
    run_id: &str,
    asset_name: &str,
    partition: Option<&str>,
    seconds: u32,
) -> EventLogEntry {
    materialized_with(run_id, &asset(asset_name), partition, &[], seconds)
}

/// A run is going to materialise a partition of an asset, or the whole asset.
pub(crate) fn planned(
    run_id: &str,
    asset_name: &str,
    partition: Option<&str>,
    seconds: u32,
) -> EventLogEntry {
    let data = AssetMaterializationPlannedData {
        asset_key: asset(asset_name),
        partition: partition.map(str::to_owned),
        partitions_subset: None,
        unknown: UnknownFields::default(),
    };
    let event =
        DagsterEvent::new(DagsterEventType::AssetMaterializationPlanned, "j").with_data(data);
    entry(run_id, event, seconds)
}

/// A partition of an asset was observed, or the whole asset, with tags.
pub(crate) fn observed(
    run_id: &str,
    asset_name: &str,
    partition: Option<&str>,
    event_tags: &[(&str, &str)],
    seconds: u32,
) -> EventLogEntry {
    let asset_observation = AssetObservation {
        asset_key: asset(asset_name),
        description: None,
        metadata: Vec::new(),
        partition: partition.map(str::to_owned),
        tags: Some(tags(event_tags)),
        unknown: UnknownFields::default(),
    };
    let data = AssetObservationData { asset_observation, unknown: UnknownFields::default() };
    let event = DagsterEvent::new(DagsterEventType::AssetObservation, "j").with_data(data);
    entry(run_id, event, seconds)
}

/// The freshness of an asset changed.
pub(crate) fn freshness(
    asset_name: &str,
    new_state: FreshnessState,
    changed_at: f64,
) -> EventLogEntry {
    let data = FreshnessStateChange {
        key: asset(asset_name),
        new_state,
        previous_state: FreshnessState::Unknown,
        state_change_timestamp: changed_at,
        unknown: UnknownFields::default(),
    };
    entry("", DagsterEvent::new(DagsterEventType::FreshnessStateChange, "j").with_data(data), 0)
}

/// The key of a check on an asset.
pub(crate) fn check_key(asset_name: &str, name: &str) -> AssetCheckKey {
    AssetCheckKey {
        asset_key: asset(asset_name),
        name: name.to_owned(),
        unknown: UnknownFields::default(),
    }
}

/// A run is going to evaluate a check.
pub(crate) fn check_planned(run_id: &str, key: &AssetCheckKey, seconds: u32) -> EventLogEntry {
    let data = AssetCheckEvaluationPlanned {
        asset_key: key.asset_key.clone(),
        check_name: key.name.clone(),
        partitions_subset: None,
        unknown: UnknownFields::default(),
    };
    let event =
        DagsterEvent::new(DagsterEventType::AssetCheckEvaluationPlanned, "j").with_data(data);
    entry(run_id, event, seconds)
}

/// A run is going to evaluate a check of partitions that are named by two keys of a dynamic set: which ones they
/// are, an event does not say.
pub(crate) fn check_planned_of_a_range(run_id: &str, key: &AssetCheckKey) -> EventLogEntry {
    let of_set =
        DynamicPartitionsSnap { name: "set".to_owned(), unknown: UnknownFields::default() };
    let range = PartitionKeyRange {
        end: "z".to_owned(),
        start: "a".to_owned(),
        unknown: UnknownFields::default(),
    };
    let subset = KeyRangesPartitionsSubset {
        key_ranges: vec![range],
        partitions_snap: of_set.into(),
        unknown: UnknownFields::default(),
    };
    let data = AssetCheckEvaluationPlanned {
        asset_key: key.asset_key.clone(),
        check_name: key.name.clone(),
        partitions_subset: Some(subset.into()),
        unknown: UnknownFields::default(),
    };
    let event =
        DagsterEvent::new(DagsterEventType::AssetCheckEvaluationPlanned, "j").with_data(data);
    entry(run_id, event, 0)
}

/// What an evaluation of a check is about, beside its check.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Evaluated<'a> {
    pub(crate) failed: bool,
    pub(crate) partition: Option<&'a str>,
    pub(crate) target: Option<StorageId>,
}

/// A check was evaluated.
pub(crate) fn check_evaluated(
    run_id: &str,
    key: &AssetCheckKey,
    evaluated: Evaluated<'_>,
    seconds: u32,
) -> EventLogEntry {
    let target = |storage_id| AssetCheckEvaluationTargetMaterializationData {
        run_id: RunId::from(run_id),
        storage_id,
        timestamp: stamp(0),
        unknown: UnknownFields::default(),
    };
    let data = AssetCheckEvaluation {
        asset_key: key.asset_key.clone(),
        blocking: Some(false),
        check_name: key.name.clone(),
        description: None,
        metadata: BTreeMap::new(),
        partition: evaluated.partition.map(str::to_owned),
        severity: AssetCheckSeverity::Error,
        passed: !evaluated.failed,
        target_materialization_data: evaluated.target.map(target),
        unknown: UnknownFields::default(),
    };
    let event = DagsterEvent::new(DagsterEventType::AssetCheckEvaluation, "j").with_data(data);
    entry(run_id, event, seconds)
}

/// A sign of life.
pub(crate) fn heartbeat(daemon_type: &str, daemon_id: &str, timestamp: f64) -> DaemonHeartbeat {
    DaemonHeartbeat::new(DaemonType::from(daemon_type), daemon_id, timestamp, Vec::new())
}

/// A backfill of assets, asked for so many seconds after the first time, with tags.
pub(crate) fn backfill(
    backfill_id: &str,
    status: BulkActionStatus,
    seconds: u32,
    backfill_tags: &[(&str, &str)],
) -> PartitionBackfill {
    PartitionBackfill::new(backfill_id, status, stamp(seconds))
        .with_asset_selection(vec![asset("a")])
        .with_serialized_asset_backfill_data("{}".to_owned())
        .with_tags(tags(backfill_tags))
}

/// A backfill of a job of the repository `repository` of the code location `location`.
pub(crate) fn job_backfill(backfill_id: &str, job_name: &str) -> PartitionBackfill {
    let origin = RemotePartitionSetOrigin::of_job(repository("location", "repository"), job_name);
    PartitionBackfill::new(backfill_id, BulkActionStatus::Requested, stamp(0))
        .with_partition_set_origin(origin)
}

/// The state of a schedule or sensor of the repository `repository` of a code location.
pub(crate) fn instigator_at(
    location_name: &str,
    name: &str,
    instigator_type: InstigatorType,
    status: InstigatorStatus,
) -> InstigatorState {
    let repository = repository(location_name, "repository");
    InstigatorState::new(RemoteInstigatorOrigin::new(repository, name), instigator_type, status)
}

/// The state of a sensor that runs.
pub(crate) fn sensor(name: &str) -> InstigatorState {
    instigator_at("location", name, InstigatorType::Sensor, InstigatorStatus::Running)
}

/// A tick of the sensor with this selector id, which has the origin id `origin` before it.
pub(crate) fn tick(selector_id: &str, status: TickStatus, timestamp: f64) -> TickData {
    let ids = InstigatorIds::new(format!("origin-{selector_id}"), selector_id);
    TickData::new(ids, "watch", InstigatorType::Sensor, status, timestamp)
}

/// The evaluation of an automation condition on all of a key.
pub(crate) fn evaluation(
    key: EntityKey,
    description: &str,
) -> AutomationConditionEvaluationWithRunIds {
    let sentinel = HistoricalAllPartitionsSubsetSentinel { unknown: UnknownFields::default() };
    AutomationConditionEvaluationWithRunIds {
        evaluation: AutomationConditionEvaluation {
            candidate_subset: CandidateSubset::All(sentinel),
            child_evaluations: Vec::new(),
            condition_snapshot: AutomationConditionNodeSnapshot {
                class_name: "c".to_owned(),
                description: description.to_owned(),
                label: None,
                name: None,
                operator_type: None,
                unique_id: "u".to_owned(),
                unknown: UnknownFields::default(),
            },
            end_timestamp: None,
            metadata: None,
            start_timestamp: None,
            subsets_with_metadata: Vec::new(),
            true_subset: SerializableEntitySubset {
                key,
                value: EntitySubsetValue::Whole(true),
                unknown: UnknownFields::default(),
            },
            unknown: UnknownFields::default(),
        },
        run_ids: FrozenSet::default(),
        unknown: UnknownFields::default(),
    }
}

/// Waits for all of the futures at once.
pub(crate) async fn all_of<F: Future>(futures: impl IntoIterator<Item = F>) -> Vec<F::Output> {
    let mut waiting: Vec<_> =
        futures.into_iter().map(|future| (Box::pin(future), None::<F::Output>)).collect();
    poll_fn(|context| {
        for (future, output) in &mut waiting {
            if output.is_none()
                && let Poll::Ready(value) = future.as_mut().poll(context)
            {
                *output = Some(value);
            }
        }
        let is_done = waiting.iter().all(|(_, output)| output.is_some());
        if is_done { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    waiting.into_iter().filter_map(|(_, output)| output).collect()
}
