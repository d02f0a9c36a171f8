//! Evaluations of automation conditions, as their texts.

use std::collections::BTreeMap;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::MemoryScheduleStorage;
use crate::error::StorageError;
use crate::memory::{RowIds, at_most, in_micros};
use crate::scheduling::{
    AutoMaterializeAssetEvaluationRecord, AutomationConditionEvaluationWithRunIds, EntityKey,
};
use crate::serdes::serialize_value;
use crate::storage::{AutomationStore, EvaluationsPage};

/// The evaluations of each key, which is in its database form, by their ids.
#[derive(Debug, Default)]
pub(in crate::memory) struct Evaluations {
    row_ids: RowIds,
    of_key: BTreeMap<String, BTreeMap<i64, AutoMaterializeAssetEvaluationRecord>>,
}

impl Evaluations {
    pub(super) fn clear(&mut self) {
        self.of_key.clear();
    }
}

fn column_key(key: &EntityKey) -> Result<String, StorageError> {
    key.to_db_string().ok_or_else(|| StorageError::Unsupported {
        what: format!("key {}", serialize_value(key)),
        reason: "this version does not know what kind of key it is".to_owned(),
    })
}

#[async_trait]
impl AutomationStore for MemoryScheduleStorage {
    async fn add_auto_materialize_asset_evaluations(
        &self,
        evaluation_id: i64,
        evaluations: &[AutomationConditionEvaluationWithRunIds],
    ) -> Result<(), StorageError> {
        let keys = evaluations
            .iter()
            .map(|evaluation| column_key(evaluation.key()))
            .collect::<Result<Vec<_>, _>>()?;
        let now = self.shared.now();
        let mut state = self.shared.lock();
        let Evaluations { row_ids, of_key } = &mut state.evaluations;
        for (key, evaluation) in keys.into_iter().zip(evaluations) {
            let records = of_key.entry(key).or_default();
            let record = records.entry(evaluation_id).or_insert_with(|| {
                AutoMaterializeAssetEvaluationRecord {
                    id: row_ids.next(),
                    serialized_evaluation_body: String::new(),
                    evaluation_id,
                    timestamp: now,
                    key: evaluation.key().clone(),
                }
            });
            record.serialized_evaluation_body = serialize_value(evaluation);
        }
        Ok(())
    }

    async fn get_auto_materialize_asset_evaluations(
        &self,
        page: &EvaluationsPage,
    ) -> Result<Vec<AutoMaterializeAssetEvaluationRecord>, StorageError> {
        let key = column_key(&page.key)?;
        let state = self.shared.lock();
        let newest = state.evaluations.of_key.get(&key).into_iter().flatten().rev();
        let behind = newest.filter(|(id, _)| page.cursor.is_none_or(|cursor| **id < cursor));
        Ok(behind.take(at_most(page.limit)).map(|(_, record)| record.clone()).collect())
    }

    async fn get_auto_materialize_evaluations_for_evaluation_id(
        &self,
        evaluation_id: i64,
    ) -> Result<Vec<AutoMaterializeAssetEvaluationRecord>, StorageError> {
        let state = self.shared.lock();
        let records = state.evaluations.of_key.values();
        Ok(records.filter_map(|records| records.get(&evaluation_id)).cloned().collect())
    }

    async fn purge_asset_evaluations(&self, before: DateTime<Utc>) -> Result<u64, StorageError> {
        let before = in_micros(before);
        let mut purged = 0;
        for records in self.shared.lock().evaluations.of_key.values_mut() {
            let count = records.len();
            records.retain(|_, record| record.timestamp >= before);
            purged += (count - records.len()) as u64;
        }
        Ok(purged)
    }
}
