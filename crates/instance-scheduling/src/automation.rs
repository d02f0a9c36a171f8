//! Evaluations of automation conditions.

use chrono::{DateTime, Utc};
use instance_core::error::InstanceError;
use instance_core::ops::SchedulingOps;
use instance_core::scheduling::{
    AutoMaterializeAssetEvaluationRecord, AutomationConditionEvaluationWithRunIds,
};
use instance_core::storage::EvaluationsPage;

/// Stores what one evaluation of automation conditions found, in one transaction.
///
/// It replaces what the same evaluation had found for the same assets, checks and jobs. An empty list changes nothing.
///
/// # Errors
///
/// [`InstanceError::Storage`] if the storage fails, or for a key that this version does not know. Nothing is stored
/// then.
#[tracing::instrument(level = "debug", skip_all, fields(evaluation_id))]
pub async fn add_auto_materialize_asset_evaluations(
    ops: &dyn SchedulingOps,
    evaluation_id: i64,
    evaluations: &[AutomationConditionEvaluationWithRunIds],
) -> Result<(), InstanceError> {
    let store = ops.automation_store();
    Ok(store.add_auto_materialize_asset_evaluations(evaluation_id, evaluations).await?)
}

/// Returns the evaluations of one asset, check or job that a page asks for, newest first; none if it has none.
///
/// # Errors
///
/// [`InstanceError::Storage`] if the storage fails, or if a row cannot be read.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn get_auto_materialize_asset_evaluations(
    ops: &dyn SchedulingOps,
    page: &EvaluationsPage,
) -> Result<Vec<AutoMaterializeAssetEvaluationRecord>, InstanceError> {
    Ok(ops.automation_store().get_auto_materialize_asset_evaluations(page).await?)
}

/// Returns what one evaluation found, in any order; nothing if there was no such evaluation.
///
/// # Errors
///
/// [`InstanceError::Storage`] if the storage fails, or if a row cannot be read.
#[tracing::instrument(level = "debug", skip_all, fields(evaluation_id))]
pub async fn get_auto_materialize_evaluations_for_evaluation_id(
    ops: &dyn SchedulingOps,
    evaluation_id: i64,
) -> Result<Vec<AutoMaterializeAssetEvaluationRecord>, InstanceError> {
    let store = ops.automation_store();
    Ok(store.get_auto_materialize_evaluations_for_evaluation_id(evaluation_id).await?)
}

/// Deletes the evaluations that were stored before a time. Returns how many rows were deleted.
///
/// # Errors
///
/// [`InstanceError::Storage`] if the storage fails; nothing is deleted then.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn purge_asset_evaluations(
    ops: &dyn SchedulingOps,
    before: DateTime<Utc>,
) -> Result<u64, InstanceError> {
    Ok(ops.automation_store().purge_asset_evaluations(before).await?)
}

/// Returns whether evaluations of automation conditions can be stored. They cannot in a database of a release before
/// 1.3.5 that was never upgraded.
///
/// # Errors
///
/// [`InstanceError::Storage`] if the storage fails.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn supports_auto_materialize_asset_evaluations(
    ops: &dyn SchedulingOps,
) -> Result<bool, InstanceError> {
    Ok(ops.automation_store().supports_auto_materialize_asset_evaluations().await?)
}
