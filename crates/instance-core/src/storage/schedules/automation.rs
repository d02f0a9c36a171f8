//! Evaluations of automation conditions.

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::error::StorageError;
use crate::scheduling::{
    AutoMaterializeAssetEvaluationRecord, AutomationConditionEvaluationWithRunIds, EntityKey,
};

/// Which evaluations of one asset, check or job are meant; they come newest first.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct EvaluationsPage {
    /// The asset, check or job.
    pub key: EntityKey,
    /// Evaluations with a smaller id than this.
    pub cursor: Option<i64>,
    /// At most so many.
    pub limit: u64,
}

impl EvaluationsPage {
    /// The newest evaluations of an asset, check or job, at most so many.
    pub fn new(key: EntityKey, limit: u64) -> Self {
        Self { key, cursor: None, limit }
    }
}

crate::setters! {
    impl EvaluationsPage {
        /// Evaluations with a smaller id than this.
        with_cursor(cursor: impl Into<Option<i64>>);
    }
}

/// Evaluations of automation conditions.
#[async_trait]
pub trait AutomationStore: std::fmt::Debug + Send + Sync + 'static {
    /// Whether evaluations can be stored. They cannot in a database of a release that had no table for them; all other
    /// methods fail there with [`StorageError::NeedsMigration`].
    async fn supports_auto_materialize_asset_evaluations(&self) -> Result<bool, StorageError> {
        Ok(true)
    }

    /// Stores what one evaluation found, in one transaction. It replaces what the same evaluation had found for the
    /// same keys.
    async fn add_auto_materialize_asset_evaluations(
        &self,
        evaluation_id: i64,
        evaluations: &[AutomationConditionEvaluationWithRunIds],
    ) -> Result<(), StorageError>;

    /// The evaluations of one asset, check or job, newest first.
    async fn get_auto_materialize_asset_evaluations(
        &self,
        page: &EvaluationsPage,
    ) -> Result<Vec<AutoMaterializeAssetEvaluationRecord>, StorageError>;

    /// What one evaluation found, in any order.
    async fn get_auto_materialize_evaluations_for_evaluation_id(
        &self,
        evaluation_id: i64,
    ) -> Result<Vec<AutoMaterializeAssetEvaluationRecord>, StorageError>;

    /// Deletes what was stored before a time; returns how many rows that were.
    async fn purge_asset_evaluations(&self, before: DateTime<Utc>) -> Result<u64, StorageError>;
}
