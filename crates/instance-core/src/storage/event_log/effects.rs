//! What events do to the rows that follow from them: the rules that every store of events applies.
//!
//! Not here: storing anything.

use crate::asset_key::AssetKey;
use crate::clock::datetime_of;
use crate::error::StorageError;
use crate::event::{DagsterEvent, DagsterEventType, EventLogEntry, EventSpecificData};
use crate::ids::StorageId;
use crate::storage::AssetCheckExecutionRecordStatus;

/// What an event does to an execution of an asset check.
///
/// An event that plans is a new execution. An event that evaluates ends the execution that its run has planned for
/// the partition. If none is planned, or if it was reported without a run, it is a new execution. If several are
/// planned, it is refused.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct AssetCheckChange<'a> {
    /// The asset.
    pub asset_key: &'a AssetKey,
    /// The name of the check.
    pub check_name: &'a str,
    /// The partition; `None` for the whole asset.
    pub partition: Option<String>,
    /// [`Planned`](AssetCheckExecutionRecordStatus::Planned), or how the evaluation ended.
    pub status: AssetCheckExecutionRecordStatus,
    /// The row of the materialisation that was checked; `None` if the event names none.
    pub target_materialization: Option<StorageId>,
}

/// What an event does to executions of asset checks; nothing if it is not about a check.
///
/// # Errors
///
/// [`StorageError::Unsupported`] if the event does not say for which partitions a check is going to be evaluated.
pub fn asset_check_changes(
    entry: &EventLogEntry,
) -> Result<Vec<AssetCheckChange<'_>>, StorageError> {
    match data_of(entry) {
        Some(EventSpecificData::AssetCheckEvaluationPlanned(planned)) => {
            let partitions = match &planned.partitions_subset {
                None => vec![None],
                Some(subset) => {
                    let keys = subset
                        .partition_keys()
                        .ok_or_else(|| not_storable(entry, UNKNOWN_PARTITIONS))?;
                    keys.into_iter().map(Some).collect()
                }
            };
            let of_partition = |partition| AssetCheckChange {
                asset_key: &planned.asset_key,
                check_name: &planned.check_name,
                partition,
                status: AssetCheckExecutionRecordStatus::Planned,
                target_materialization: None,
            };
            Ok(partitions.into_iter().map(of_partition).collect())
        }
        Some(EventSpecificData::AssetCheckEvaluation(evaluation)) => {
            let target = evaluation.target_materialization_data.as_ref();
            Ok(vec![AssetCheckChange {
                asset_key: &evaluation.asset_key,
                check_name: &evaluation.check_name,
                partition: evaluation.partition.clone(),
                status: if evaluation.passed {
                    AssetCheckExecutionRecordStatus::Succeeded
                } else {
                    AssetCheckExecutionRecordStatus::Failed
                },
                target_materialization: target.map(|target| target.storage_id),
            }])
        }
        _ => Ok(Vec::new()),
    }
}

/// Refuses an entry that cannot be stored completely.
///
/// # Errors
///
/// [`StorageError::Unsupported`] for an entry whose time is in no calendar, and for an event that does not say
/// which asset, which check or which partitions it is about.
pub fn require_storable(entry: &EventLogEntry) -> Result<(), StorageError> {
    if datetime_of(entry.timestamp).is_none() {
        let reason = format!("its time, {} seconds since 1970, is in no calendar", entry.timestamp);
        return Err(not_storable(entry, &reason));
    }
    let Some(event_type) = entry.event_type() else {
        return Ok(());
    };
    let asset_key = entry.dagster_event.as_deref().and_then(DagsterEvent::asset_key);
    if event_type.changes_asset() && asset_key.is_none() {
        return Err(not_storable(entry, "this version cannot tell which asset it is about"));
    }
    if event_type.is_asset_check_event() && !is_about_check(entry) {
        return Err(not_storable(entry, "this version cannot tell which check it is about"));
    }
    if event_type == DagsterEventType::AssetCheckEvaluationPlanned {
        asset_check_changes(entry)?;
    }
    Ok(())
}

const UNKNOWN_PARTITIONS: &str =
    "its partitions follow from a schedule or a dynamic set, which is not evaluated here";

fn data_of(entry: &EventLogEntry) -> Option<&EventSpecificData> {
    entry.dagster_event.as_deref()?.event_specific_data.as_deref()
}

fn is_about_check(entry: &EventLogEntry) -> bool {
    matches!(
        data_of(entry),
        Some(
            EventSpecificData::AssetCheckEvaluation(_)
                | EventSpecificData::AssetCheckEvaluationPlanned(_)
        )
    )
}

fn not_storable(entry: &EventLogEntry, reason: &str) -> StorageError {
    let event = entry.dagster_event.as_ref();
    let event_type = event.map_or("log line", |event| event.event_type_value.as_str());
    StorageError::Unsupported {
        what: format!("event of run {} of type {event_type}", entry.run_id),
        reason: reason.to_owned(),
    }
}
