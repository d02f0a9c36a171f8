//! To the wire: scalars, bodies of Dagster's serdes classes, and the records that serdes does not know.

use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use instance_core::assets::{AssetRecord, FreshnessStateRecord};
use instance_core::clock::timestamp_of;
use instance_core::daemon::DaemonHeartbeat;
use instance_core::event::EventLogConnection;
use instance_core::ids::{RunId, SnapshotId, StorageId};
use instance_core::run::{
    DagsterRunStatsSnapshot, RunPartitionData, RunRecord, RunStepKeyStatsSnapshot, RunStepMarker,
};
use instance_core::scheduling::{AutoMaterializeAssetEvaluationRecord, InstigatorTickSummary};
use instance_core::serdes::{Pack, serialize_value};
use instance_core::storage::{
    AssetCheckExecutionRecord, AssetCheckPartitionInfo, AssetCheckSummaryRecord,
    AssetEventSummaryRecord, ConcurrencyClaimStatus, ConcurrencyKeyInfo, PaginatedResults,
    PendingStepInfo, PlannedMaterializationInfo, PoolLimit,
};

use super::envelope::Wire;

impl From<()> for Wire {
    fn from((): ()) -> Self {
        Self::Null
    }
}

impl From<bool> for Wire {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for Wire {
    fn from(value: i64) -> Self {
        Self::Integer(value)
    }
}

impl From<u64> for Wire {
    fn from(value: u64) -> Self {
        // What does not fit an i64 is no count of rows.
        Self::Integer(value.try_into().unwrap_or(i64::MAX))
    }
}

impl From<f64> for Wire {
    fn from(value: f64) -> Self {
        Self::Float(value)
    }
}

impl From<&str> for Wire {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Wire {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&String> for Wire {
    fn from(text: &String) -> Self {
        Self::Text(text.clone())
    }
}

impl From<&RunId> for Wire {
    fn from(id: &RunId) -> Self {
        id.as_str().into()
    }
}

impl From<&SnapshotId> for Wire {
    fn from(id: &SnapshotId) -> Self {
        id.as_str().into()
    }
}

impl From<StorageId> for Wire {
    fn from(id: StorageId) -> Self {
        Self::Integer(id.0)
    }
}

impl<T: Into<Self>> From<Option<T>> for Wire {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

impl Wire {
    /// A list, or a set.
    pub(crate) fn list<T: Into<Self>>(items: impl IntoIterator<Item = T>) -> Self {
        Self::List(items.into_iter().map(Into::into).collect())
    }

    /// A mapping with text as its keys.
    pub(crate) fn mapping<K: Into<String>, T: Into<Self>>(
        entries: impl IntoIterator<Item = (K, T)>,
    ) -> Self {
        let entries = entries.into_iter().map(|(key, value)| (key.into(), value.into()));
        Self::Object(entries.collect())
    }

    /// A tuple, or an entry of a mapping with other keys.
    pub(crate) fn pair(first: impl Into<Self>, second: impl Into<Self>) -> Self {
        Self::List(vec![first.into(), second.into()])
    }

    /// A record that serdes does not know.
    pub(crate) fn record<const N: usize>(name: &str, fields: [(&str, Self); N]) -> Self {
        let name = [("__rec__", Self::from(name))];
        Self::mapping(name.into_iter().chain(fields))
    }

    /// A value of a serdes class.
    pub(crate) fn body<T: Pack + ?Sized>(value: &T) -> Self {
        Self::body_of_text(serialize_value(value))
    }

    /// A value of a serdes class, as its text.
    pub(crate) fn body_of_text(text: impl Into<String>) -> Self {
        Self::mapping([("__s__", text.into())])
    }

    /// A value of a serdes class, or null.
    pub(crate) fn optional_body<T: Pack>(value: Option<&T>) -> Self {
        value.map(Self::body).into()
    }

    /// Values of a serdes class.
    pub(crate) fn bodies<'a, T: Pack + 'a>(values: impl IntoIterator<Item = &'a T>) -> Self {
        Self::list(values.into_iter().map(Self::body))
    }

    /// The text of a value, to stand within that of another one.
    fn nested<T: Pack + ?Sized>(value: &T) -> Self {
        Self::Raw(serialize_value(value))
    }

    /// A body of a serdes class that this workspace only has as a plain type.
    fn body_of_fields<const N: usize>(class: &str, fields: [(&str, Self); N]) -> Self {
        Self::body(&Self::object_of_fields(class, fields))
    }

    fn object_of_fields<const N: usize>(class: &str, fields: [(&str, Self); N]) -> Self {
        let class = [("__class__", Self::from(class))];
        Self::mapping(class.into_iter().chain(fields))
    }

    /// A time with its offset.
    pub(crate) fn datetime(time: DateTime<Utc>) -> Self {
        time.format("%Y-%m-%dT%H:%M:%S%.6f+00:00").to_string().into()
    }

    /// A time that Dagster hands out without an offset, as its column has it.
    fn naive_datetime(time: DateTime<Utc>) -> Self {
        time.format("%Y-%m-%dT%H:%M:%S%.6f").to_string().into()
    }
}

pub(crate) fn run_record(record: &RunRecord) -> Wire {
    Wire::record(
        "RunRecord",
        [
            ("storage_id", record.storage_id.into()),
            ("dagster_run", Wire::body(&record.dagster_run)),
            ("create_timestamp", Wire::datetime(record.create_timestamp)),
            ("update_timestamp", Wire::datetime(record.update_timestamp)),
            ("start_time", record.start_time.into()),
            ("end_time", record.end_time.into()),
        ],
    )
}

pub(crate) fn run_partition_data(data: &RunPartitionData) -> Wire {
    Wire::body_of_fields(
        "RunPartitionData",
        [
            ("end_time", data.end_time.into()),
            ("partition", (&data.partition).into()),
            ("run_id", (&data.run_id).into()),
            ("start_time", data.start_time.into()),
            ("status", Wire::nested(&data.status)),
        ],
    )
}

/// The values of the tags, by their keys.
pub(crate) fn run_tags(tags: Vec<(String, BTreeSet<String>)>) -> Wire {
    Wire::list(tags.into_iter().map(|(key, values)| Wire::pair(key, Wire::list(values))))
}

/// Signs of life, by the kind of the daemon.
pub(crate) fn heartbeats(heartbeats: &[DaemonHeartbeat]) -> Wire {
    Wire::mapping(heartbeats.iter().map(|one| (one.daemon_type.as_str(), Wire::body(one))))
}

/// A page of keys. Its cursor is in Python the text of a class of its own, in base64.
pub(crate) fn page_of_keys(page: PaginatedResults<String>) -> Wire {
    let id = page.cursor;
    let cursor = format!("{{\"__class__\": \"StorageIdCursor\", \"storage_id\": {id}}}");
    Wire::record(
        "PaginatedResults",
        [
            ("results", Wire::list(page.results)),
            ("cursor", STANDARD.encode(cursor).into()),
            ("has_more", page.has_more.into()),
        ],
    )
}

pub(crate) fn run_stats(stats: &DagsterRunStatsSnapshot) -> Wire {
    Wire::body_of_fields(
        "PipelineRunStatsSnapshot",
        [
            ("end_time", stats.end_time.into()),
            ("enqueued_time", stats.enqueued_time.into()),
            ("expectations", stats.expectations.into()),
            ("launch_time", stats.launch_time.into()),
            ("materializations", stats.materializations.into()),
            ("run_id", (&stats.run_id).into()),
            ("start_time", stats.start_time.into()),
            ("steps_failed", stats.steps_failed.into()),
            ("steps_succeeded", stats.steps_succeeded.into()),
        ],
    )
}

/// The statistics of a step.
pub(crate) fn step_stats(step: &RunStepKeyStatsSnapshot) -> Wire {
    let status = step.status.map(|status| format!("StepEventStatus.{}", status.as_str()));
    let markers = |markers: &[RunStepMarker]| Wire::list(markers.iter().map(step_marker));
    Wire::body_of_fields(
        "RunStepKeyStatsSnapshot",
        [
            ("attempts", step.attempts.into()),
            ("attempts_list", markers(&step.attempts_list)),
            ("end_time", step.end_time.into()),
            ("expectation_results", Wire::nested(&step.expectation_results)),
            ("markers", markers(&step.markers)),
            ("materialization_events", Wire::nested(&step.materialization_events)),
            ("partial_attempt_start", step.partial_attempt_start.into()),
            ("run_id", (&step.run_id).into()),
            ("start_time", step.start_time.into()),
            ("status", status.map(|status| Wire::mapping([("__enum__", status)])).into()),
            ("step_key", (&step.step_key).into()),
        ],
    )
}

fn step_marker(marker: &RunStepMarker) -> Wire {
    Wire::object_of_fields(
        "RunStepMarker",
        [
            ("end_time", marker.end_time.into()),
            ("key", marker.key.as_ref().into()),
            ("start_time", marker.start_time.into()),
        ],
    )
}

/// A page of events, under the name that the record has for this method.
pub(crate) fn event_page(name: &str, page: &EventLogConnection) -> Wire {
    Wire::record(
        name,
        [
            ("records", Wire::bodies(&page.records)),
            ("cursor", page.cursor.to_text().into()),
            ("has_more", page.has_more.into()),
        ],
    )
}

pub(crate) fn asset_event_summary(record: &AssetEventSummaryRecord) -> Wire {
    Wire::record(
        "AssetEventSummaryRecord",
        [
            ("storage_id", record.storage_id.into()),
            ("run_id", (&record.run_id).into()),
            ("asset_key", Wire::body(&record.asset_key)),
            ("partition", record.partition.as_ref().into()),
            ("timestamp", timestamp_of(record.timestamp).into()),
        ],
    )
}

/// The record of an asset; what the stock SQL storages do not fill is empty.
pub(crate) fn asset_record(record: &AssetRecord) -> Wire {
    let entry = &record.asset_entry;
    let entry = Wire::record(
        "AssetEntry",
        [
            ("asset_key", Wire::body(&entry.asset_key)),
            (
                "last_materialization_record",
                Wire::optional_body(entry.last_materialization_record.as_ref()),
            ),
            ("last_run_id", entry.last_run_id.as_ref().into()),
            ("asset_details", Wire::optional_body(entry.asset_details.as_ref())),
            ("cached_status", Wire::optional_body(entry.cached_status.as_ref())),
            ("last_observation_record", Wire::Null),
            ("last_planned_materialization_storage_id", Wire::Null),
            ("last_planned_materialization_run_id", Wire::Null),
            ("last_failed_to_materialize_record", Wire::Null),
            ("is_writing_failures", false.into()),
            ("last_skipped_materialize_record", Wire::Null),
        ],
    );
    Wire::record("AssetRecord", [("storage_id", record.storage_id.into()), ("asset_entry", entry)])
}

pub(crate) fn planned_materialization(info: &PlannedMaterializationInfo) -> Wire {
    Wire::record(
        "PlannedMaterializationInfo",
        [("storage_id", info.storage_id.into()), ("run_id", (&info.run_id).into())],
    )
}

pub(crate) fn freshness_state_record(record: &FreshnessStateRecord) -> Wire {
    Wire::record(
        "FreshnessStateRecord",
        [
            ("entity_key", Wire::body(&record.entity_key)),
            ("freshness_state", record.freshness_state.as_str().into()),
            ("updated_at", Wire::datetime(record.updated_at)),
            ("record_body", Wire::body(&record.record_body)),
        ],
    )
}

pub(crate) fn check_execution(record: &AssetCheckExecutionRecord) -> Wire {
    Wire::record(
        "AssetCheckExecutionRecord",
        [
            ("key", Wire::body(&record.key)),
            ("id", record.id.into()),
            ("run_id", (&record.run_id).into()),
            ("status", record.status.as_str().into()),
            ("event", Wire::optional_body(record.event.as_ref())),
            ("create_timestamp", timestamp_of(record.create_timestamp).into()),
            ("partition", record.partition.as_ref().into()),
        ],
    )
}

pub(crate) fn check_summary(record: &AssetCheckSummaryRecord) -> Wire {
    let last = record.last_check_execution_record.as_ref();
    let last_completed = record.last_completed_check_execution_record.as_ref();
    Wire::record(
        "AssetCheckSummaryRecord",
        [
            ("asset_check_key", Wire::body(&record.asset_check_key)),
            ("last_check_execution_record", last.map(check_execution).into()),
            ("last_run_id", last.map(|record| &record.run_id).into()),
            ("last_completed_check_execution_record", last_completed.map(check_execution).into()),
        ],
    )
}

pub(crate) fn check_partition_info(info: &AssetCheckPartitionInfo) -> Wire {
    Wire::record(
        "AssetCheckPartitionInfo",
        [
            ("check_key", Wire::body(&info.check_key)),
            ("partition_key", info.partition_key.as_ref().into()),
            ("latest_execution_status", info.latest_execution_status.as_str().into()),
            ("latest_planned_run_id", (&info.latest_planned_run_id).into()),
            ("latest_check_event_storage_id", info.latest_check_event_storage_id.into()),
            ("latest_materialization_storage_id", info.latest_materialization_storage_id.into()),
            (
                "latest_target_materialization_storage_id",
                info.latest_target_materialization_storage_id.into(),
            ),
        ],
    )
}

pub(crate) fn claim_status(status: &ConcurrencyClaimStatus) -> Wire {
    Wire::record(
        "ConcurrencyClaimStatus",
        [
            ("concurrency_key", (&status.concurrency_key).into()),
            ("slot_status", status.slot_status.as_str().into()),
            ("priority", status.priority.into()),
            ("assigned_timestamp", status.assigned_timestamp.map(Wire::naive_datetime).into()),
            ("enqueued_timestamp", status.enqueued_timestamp.map(Wire::naive_datetime).into()),
            ("sleep_interval", Wire::Null),
        ],
    )
}

pub(crate) fn concurrency_info(info: &ConcurrencyKeyInfo) -> Wire {
    let slots = info.claimed_slots.iter().map(|slot| {
        Wire::record(
            "ClaimedSlotInfo",
            [("run_id", (&slot.run_id).into()), ("step_key", (&slot.step_key).into())],
        )
    });
    Wire::record(
        "ConcurrencyKeyInfo",
        [
            ("concurrency_key", (&info.concurrency_key).into()),
            ("slot_count", info.slot_count.into()),
            ("claimed_slots", Wire::list(slots)),
            ("pending_steps", Wire::list(info.pending_steps.iter().map(pending_step))),
            ("limit", info.limit.into()),
            ("using_default_limit", info.using_default_limit.into()),
        ],
    )
}

fn pending_step(step: &PendingStepInfo) -> Wire {
    Wire::record(
        "PendingStepInfo",
        [
            ("run_id", (&step.run_id).into()),
            ("step_key", (&step.step_key).into()),
            ("enqueued_timestamp", Wire::datetime(step.enqueued_timestamp)),
            ("assigned_timestamp", step.assigned_timestamp.map(Wire::datetime).into()),
            ("priority", step.priority.into()),
        ],
    )
}

pub(crate) fn pool_limit(limit: &PoolLimit) -> Wire {
    Wire::record(
        "PoolLimit",
        [
            ("name", (&limit.name).into()),
            ("limit", limit.limit.into()),
            ("from_default", limit.from_default.into()),
        ],
    )
}

pub(crate) fn tick_summary(summary: &InstigatorTickSummary) -> Wire {
    Wire::record(
        "InstigatorTickSummary",
        [
            ("tick_id", summary.tick_id.into()),
            ("instigator_origin_id", (&summary.instigator_origin_id).into()),
            ("instigator_type", summary.instigator_type.as_str().into()),
            ("status", summary.status.as_str().into()),
            ("timestamp", timestamp_of(summary.timestamp).into()),
        ],
    )
}

pub(crate) fn evaluation_record(record: &AutoMaterializeAssetEvaluationRecord) -> Wire {
    Wire::record(
        "AutoMaterializeAssetEvaluationRecord",
        [
            ("id", record.id.into()),
            ("serialized_evaluation_body", (&record.serialized_evaluation_body).into()),
            ("evaluation_id", record.evaluation_id.into()),
            ("timestamp", timestamp_of(record.timestamp).into()),
            ("key", Wire::body(&record.key)),
        ],
    )
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use instance_core::ids::RunId;
    use instance_core::run::{DagsterRunStatus, RunPartitionData};
    use instance_core::storage::{ConcurrencyClaimStatus, ConcurrencySlotStatus};

    use super::{claim_status, run_partition_data};

    #[test]
    fn a_plain_type_is_a_body_as_python_writes_it() {
        let data =
            RunPartitionData::new(RunId::from("r"), "p".to_owned(), DagsterRunStatus::Success)
                .with_start_time(1.0);
        let text = "{\"__class__\": \"RunPartitionData\", \"end_time\": null, \"partition\": \"p\", \
                    \"run_id\": \"r\", \"start_time\": 1.0, \
                    \"status\": {\"__enum__\": \"PipelineRunStatus.SUCCESS\"}}";
        assert_eq!(run_partition_data(&data), super::Wire::body_of_text(text));
    }

    #[test]
    fn claims_have_times_without_an_offset() {
        let status = ConcurrencyClaimStatus::new("k".to_owned(), ConcurrencySlotStatus::Blocked)
            .with_enqueued_timestamp(DateTime::UNIX_EPOCH);
        let line = claim_status(&status).to_line();
        assert!(line.contains("\"enqueued_timestamp\": \"1970-01-01T00:00:00.000000\""), "{line}");
        assert!(line.starts_with("{\"__rec__\": \"ConcurrencyClaimStatus\", "), "{line}");
    }
}
