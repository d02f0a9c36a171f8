//! What the tests of several files report.

use std::collections::BTreeMap;

use instance_core::AssetKey;
use instance_core::assets::AssetCheckEvaluation;
use instance_core::event::{
    AssetMaterialization, AssetMaterializationPlannedData, AssetObservation, AssetObservationData,
    DagsterEvent, DagsterEventType, EventLogEntry, EventSpecificData, LogLevel,
    StepMaterializationData,
};
use instance_core::ids::{RunId, StorageId};
use instance_core::partitions::PartitionsSnap;
use instance_core::run::{DagsterRun, DagsterRunStatus};
use instance_core::serdes::{UnknownFields, deserialize_value};
use instance_core::storage::EventStoreExt;
use instance_core::testing::instance::TestInstance;

pub(crate) type TestResult = Result<(), Box<dyn std::error::Error>>;

pub(crate) fn key(name: &str) -> AssetKey {
    AssetKey::new([name])
}

pub(crate) fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

pub(crate) fn tags(tags: &[(&str, &str)]) -> BTreeMap<String, String> {
    tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

/// Stores an event of a run, a second after the one before.
pub(crate) async fn store(
    instance: &TestInstance,
    run_id: &str,
    event_type: DagsterEventType,
    data: impl Into<EventSpecificData>,
) -> StorageId {
    instance.clock.advance(chrono::TimeDelta::seconds(1));
    let now =
        instance_core::clock::timestamp_of(instance_core::clock::Clock::now(&*instance.clock));
    let event = DagsterEvent::new(event_type, "j").with_data(data);
    let entry = EventLogEntry::of_event(event, RunId::from(run_id), LogLevel::DEBUG, now);
    instance.stores.event_log_storage.store_event(&entry).await.unwrap()
}

pub(crate) async fn materialize(
    instance: &TestInstance,
    run_id: &str,
    name: &str,
    partition: Option<&str>,
) -> StorageId {
    materialize_with(instance, run_id, name, partition, &[]).await
}

pub(crate) async fn materialize_with(
    instance: &TestInstance,
    run_id: &str,
    name: &str,
    partition: Option<&str>,
    event_tags: &[(&str, &str)],
) -> StorageId {
    let mut made = AssetMaterialization::new(key(name), partition.map(str::to_owned));
    made.tags = Some(tags(event_tags));
    let data = StepMaterializationData::from(made);
    store(instance, run_id, DagsterEventType::AssetMaterialization, data).await
}

pub(crate) async fn observe(
    instance: &TestInstance,
    run_id: &str,
    name: &str,
    partition: Option<&str>,
) -> StorageId {
    let seen = AssetObservation {
        asset_key: key(name),
        description: None,
        metadata: Vec::new(),
        partition: partition.map(str::to_owned),
        tags: Some(BTreeMap::new()),
        unknown: UnknownFields::default(),
    };
    let data = AssetObservationData::from(seen);
    store(instance, run_id, DagsterEventType::AssetObservation, data).await
}

pub(crate) async fn plan(
    instance: &TestInstance,
    run_id: &str,
    name: &str,
    partition: Option<&str>,
) -> StorageId {
    let data = AssetMaterializationPlannedData {
        asset_key: key(name),
        partition: partition.map(str::to_owned),
        partitions_subset: None,
        unknown: UnknownFields::default(),
    };
    store(instance, run_id, DagsterEventType::AssetMaterializationPlanned, data).await
}

/// An evaluation of the check `full` of an asset, which was passed.
pub(crate) fn evaluation(name: &str, partition: Option<&str>) -> AssetCheckEvaluation {
    let text = format!(
        r#"{{"__class__": "AssetCheckEvaluation", "asset_key": {{"__class__": "AssetKey", "path": ["{name}"]}}, "blocking": false, "check_name": "full", "description": null, "metadata": {{}}, "partition": null, "severity": {{"__enum__": "AssetCheckSeverity.WARN"}}, "success": true, "target_materialization_data": null}}"#
    );
    let mut evaluation: AssetCheckEvaluation = deserialize_value(&text).unwrap();
    evaluation.partition = partition.map(str::to_owned);
    evaluation
}

pub(crate) async fn add_run(instance: &TestInstance, run_id: &str, status: DagsterRunStatus) {
    let run = DagsterRun { status, ..DagsterRun::new(run_id.into(), "j") };
    instance.add_run(run).await;
}

/// The static partitions `a`, `b` and `c`.
pub(crate) fn letters() -> PartitionsSnap {
    static_partitions(&["a", "b", "c"])
}

pub(crate) fn static_partitions(keys: &[&str]) -> PartitionsSnap {
    let keys = instance_core::serdes::serialize_value(&texts(keys));
    let text = format!(
        r#"{{"__class__": "ExternalStaticPartitionsDefinitionData", "partition_keys": {keys}}}"#
    );
    deserialize_value(&text).unwrap()
}
