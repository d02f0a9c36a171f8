//! Evaluations of automation conditions.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use instance_core::error::StorageError;
use instance_core::scheduling::{
    AutoMaterializeAssetEvaluationRecord, AutomationConditionEvaluationWithRunIds, EntityKey,
};
use instance_core::serdes::serialize_value;
use instance_core::storage::{AutomationStore, EvaluationsPage};

use super::SqlScheduleStorage;
use crate::db::{Connection, Row, naming};
use crate::sql::automation::{self, EvaluationRow};
use crate::sql::capabilities::Feature;
use crate::sql::tables::asset_evaluations::{
    ASSET_EVALUATION_BODY, ASSET_KEY, CREATE_TIMESTAMP, EVALUATION_ID, ID, TABLE,
};
use crate::sql::tables::jobs;

#[async_trait]
impl AutomationStore for SqlScheduleStorage {
    async fn supports_auto_materialize_asset_evaluations(&self) -> Result<bool, StorageError> {
        Ok(self.database.capabilities().await?.has(Feature::AssetEvaluations))
    }

    async fn add_auto_materialize_asset_evaluations(
        &self,
        evaluation_id: i64,
        evaluations: &[AutomationConditionEvaluationWithRunIds],
    ) -> Result<(), StorageError> {
        let rows = evaluations
            .iter()
            .map(|evaluation| {
                Ok(EvaluationRow {
                    asset_key: column_key(evaluation.key())?,
                    body: serialize_value(evaluation),
                    num_requested: evaluation.num_requested(),
                })
            })
            .collect::<Result<Vec<_>, StorageError>>()?;
        if rows.is_empty() {
            return Ok(());
        }
        self.database
            .write("storing evaluations", move |mut connection: Connection<'_>| {
                Box::pin(async move {
                    let has =
                        connection.capabilities(jobs::TABLE, &[Feature::AssetEvaluations]).await?;
                    connection.require(has, Feature::AssetEvaluations)?;
                    for row in &rows {
                        let upsert = automation::upsert(evaluation_id, row);
                        connection.execute(&upsert).await.map_err(naming(row.bounded()))?;
                    }
                    Ok(())
                })
            })
            .await
    }

    async fn get_auto_materialize_asset_evaluations(
        &self,
        page: &EvaluationsPage,
    ) -> Result<Vec<AutoMaterializeAssetEvaluationRecord>, StorageError> {
        self.require_evaluations().await?;
        let key = column_key(&page.key)?;
        let select = automation::select_of_key(&key, page.cursor, page.limit);
        self.database.fetch_map("reading evaluations", &select, record).await
    }

    async fn get_auto_materialize_evaluations_for_evaluation_id(
        &self,
        evaluation_id: i64,
    ) -> Result<Vec<AutoMaterializeAssetEvaluationRecord>, StorageError> {
        self.require_evaluations().await?;
        let select = automation::select_of_evaluation(evaluation_id);
        self.database.fetch_map("reading evaluations", &select, record).await
    }

    async fn purge_asset_evaluations(&self, before: DateTime<Utc>) -> Result<u64, StorageError> {
        self.require_evaluations().await?;
        self.database.execute("deleting evaluations", automation::delete(before)).await
    }
}

impl SqlScheduleStorage {
    async fn require_evaluations(&self) -> Result<(), StorageError> {
        self.database.require(Feature::AssetEvaluations).await
    }
}

fn column_key(key: &EntityKey) -> Result<String, StorageError> {
    key.to_db_string().ok_or_else(|| StorageError::Unsupported {
        what: format!("key {}", serialize_value(key)),
        reason: "this version does not know what kind of key it is".to_owned(),
    })
}

fn record(row: &Row) -> Result<AutoMaterializeAssetEvaluationRecord, StorageError> {
    Ok(AutoMaterializeAssetEvaluationRecord::new(
        row.get(TABLE, ID)?,
        row.parsed(TABLE, ASSET_KEY, "key", EntityKey::from_db_string)?,
        row.get(TABLE, ASSET_EVALUATION_BODY)?,
        row.get(TABLE, EVALUATION_ID)?,
        row.get(TABLE, CREATE_TIMESTAMP)?,
    ))
}
