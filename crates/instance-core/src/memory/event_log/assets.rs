//! Assets: their records, keys, cached status and freshness.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::MemoryEventLogStorage;
use super::events::{Between, EventRow};
use crate::asset_key::AssetKey;
use crate::assets::{
    AssetDetails, AssetEntry, AssetRecord, AssetStatusCacheValue, FreshnessStateRecord,
};
use crate::clock::datetime_of;
use crate::error::StorageError;
use crate::event::{DagsterEventType, EventLogRecord};
use crate::ids::{RunId, StorageId};
use crate::memory::{RowIds, State, at_most, in_micros};
use crate::storage::{AssetKeysPage, AssetStore, Only};

/// The rows of assets, by the database form of their keys.
#[derive(Debug, Default)]
pub(in crate::memory) struct Assets {
    row_ids: RowIds,
    rows: BTreeMap<String, AssetRow>,
}

#[derive(Debug)]
struct AssetRow {
    id: StorageId,
    /// The time of the last event that changed it.
    changed_at: DateTime<Utc>,
    last_materialization: Option<EventLogRecord>,
    last_run_id: Option<RunId>,
    wiped_at: Option<DateTime<Utc>>,
    details: Option<AssetDetails>,
    cached_status: Option<AssetStatusCacheValue>,
}

impl AssetRow {
    /// Whether the asset has had an event since it was last wiped.
    fn is_there(&self) -> bool {
        self.wiped_at.is_none_or(|wiped_at| self.changed_at > wiped_at)
    }
}

impl Assets {
    pub(super) fn clear(&mut self) {
        self.rows.clear();
    }

    /// When an asset was last wiped; `None` if it never was.
    pub(super) fn wiped_at(&self, asset_key: &str) -> Option<DateTime<Utc>> {
        self.rows.get(asset_key)?.wiped_at
    }

    /// Changes the row of an asset as an event about it demands.
    pub(super) fn change(&mut self, event: &EventRow) {
        let (Some(asset_key), Some(event_type)) = (&event.asset_key, event.event_type) else {
            return;
        };
        if !event_type.changes_asset() {
            return;
        }
        let row = self.rows.entry(asset_key.clone()).or_insert_with(|| AssetRow {
            id: StorageId(self.row_ids.next()),
            changed_at: event.at,
            last_materialization: None,
            last_run_id: None,
            wiped_at: None,
            details: None,
            cached_status: None,
        });
        row.changed_at = event.at;
        if event_type != DagsterEventType::AssetObservation {
            row.last_run_id = Some(event.entry.run_id.clone());
        }
        if event_type == DagsterEventType::AssetMaterialization {
            row.last_materialization = Some(event.record());
        }
    }

    /// The row of an asset that is there.
    fn row(&self, asset_key: &str) -> Option<&AssetRow> {
        self.rows.get(asset_key).filter(|row| row.is_there())
    }

    /// Repairs the row of an asset of which partitions were wiped, with their events of these runs. What it says of them
    /// is replaced by the last materialisation that is left, and by the last run.
    pub(super) fn forget_partitions(
        &mut self,
        asset_key: &str,
        partitions: &BTreeSet<&str>,
        runs: &BTreeSet<RunId>,
        (last_materialization, last_run_id): (Option<EventLogRecord>, Option<RunId>),
    ) {
        let Some(row) = self.rows.get_mut(asset_key) else { return };
        row.cached_status = None;
        let event = row.last_materialization.as_ref().map(|record| &record.event_log_entry);
        let partition = event.and_then(|entry| entry.dagster_event.as_ref()?.partition());
        if partition.is_some_and(|name| partitions.contains(name)) {
            row.last_materialization = last_materialization;
        }
        if row.last_run_id.as_ref().is_some_and(|run_id| runs.contains(run_id)) {
            row.last_run_id = last_run_id;
        }
    }

    fn set_cached_status(&mut self, asset_key: &AssetKey, status: Option<AssetStatusCacheValue>) {
        if let Some(row) = self.rows.get_mut(&asset_key.to_db_string()) {
            row.cached_status = status;
        }
    }
}

impl State {
    fn asset_record(&self, asset_key: &str) -> Option<AssetRecord> {
        let row = self.assets.row(asset_key)?;
        Some(AssetRecord {
            storage_id: row.id,
            asset_entry: AssetEntry {
                asset_key: AssetKey::from_db_string(asset_key)?,
                last_materialization_record: self.last_materialization(asset_key, row),
                last_run_id: row.last_run_id.clone(),
                asset_details: row.details.clone(),
                cached_status: row.cached_status.clone(),
            },
        })
    }

    /// The last materialisation of an asset since it was last wiped. One that was stored before the wipe and happened
    /// after it is found among the events.
    fn last_materialization(&self, asset_key: &str, row: &AssetRow) -> Option<EventLogRecord> {
        let is_after_wipe = |record: &EventLogRecord| {
            let at = datetime_of(record.event_log_entry.timestamp);
            row.wiped_at.is_none_or(|wiped_at| at.is_some_and(|at| at > wiped_at))
        };
        let known = row.last_materialization.clone().filter(is_after_wipe);
        known.or_else(|| {
            self.last_event(asset_key, DagsterEventType::AssetMaterialization)
                .map(EventRow::record)
                .filter(is_after_wipe)
        })
    }

    /// The last event of a type about an asset.
    fn last_event(&self, asset_key: &str, event_type: DagsterEventType) -> Option<&EventRow> {
        let mut newest = self.events.of_asset(asset_key, Between::default()).rev();
        newest.find(|row| row.event_type == Some(event_type))
    }

    /// The last materialisations of those of the assets that have one, by key ascending.
    pub(super) fn latest_materializations(
        &self,
        asset_keys: &[AssetKey],
    ) -> Vec<(AssetKey, EventLogRecord)> {
        let of_asset = |key: String| {
            let entry = self.asset_record(&key)?.asset_entry;
            Some((entry.asset_key, entry.last_materialization_record?))
        };
        db_strings(asset_keys).into_iter().filter_map(of_asset).collect()
    }
}

/// The database forms of keys, each once.
fn db_strings(asset_keys: &[AssetKey]) -> BTreeSet<String> {
    asset_keys.iter().map(AssetKey::to_db_string).collect()
}

#[async_trait]
impl AssetStore for MemoryEventLogStorage {
    async fn get_asset_records(
        &self,
        asset_keys: &Only<AssetKey>,
    ) -> Result<Vec<AssetRecord>, StorageError> {
        let state = self.shared.lock();
        let keys = match asset_keys {
            Only::These(keys) => db_strings(keys),
            Only::Any => state.assets.rows.keys().cloned().collect(),
        };
        Ok(keys.iter().filter_map(|key| state.asset_record(key)).collect())
    }

    async fn has_asset_key(&self, asset_key: &AssetKey) -> Result<bool, StorageError> {
        Ok(self.shared.lock().assets.row(&asset_key.to_db_string()).is_some())
    }

    async fn get_asset_keys(&self, page: &AssetKeysPage) -> Result<Vec<AssetKey>, StorageError> {
        let state = self.shared.lock();
        let prefix = page.db_prefix();
        let lower = page.cursor.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
        let rows = state.assets.rows.range::<str, _>((lower, Bound::Unbounded));
        let keys = rows
            .filter(|(key, row)| row.is_there() && key.starts_with(&prefix))
            .filter_map(|(key, _)| AssetKey::from_db_string(key));
        Ok(keys.take(at_most(page.limit)).collect())
    }

    async fn get_latest_materialization_records(
        &self,
        asset_keys: &[AssetKey],
    ) -> Result<Vec<(AssetKey, EventLogRecord)>, StorageError> {
        Ok(self.shared.lock().latest_materializations(asset_keys))
    }

    async fn get_freshness_state_records(
        &self,
        asset_keys: &[AssetKey],
    ) -> Result<Vec<FreshnessStateRecord>, StorageError> {
        let state = self.shared.lock();
        let of_asset = |key: String| {
            let last = state.last_event(&key, DagsterEventType::FreshnessStateChange)?;
            FreshnessStateRecord::of_event(last.entry.dagster_event.as_deref()?)
        };
        Ok(db_strings(asset_keys).into_iter().filter_map(of_asset).collect())
    }

    async fn update_asset_cached_status_data(
        &self,
        asset_key: &AssetKey,
        cache_values: &AssetStatusCacheValue,
    ) -> Result<(), StorageError> {
        self.shared.lock().assets.set_cached_status(asset_key, Some(cache_values.clone()));
        Ok(())
    }

    async fn wipe_asset_cached_status(&self, asset_keys: &[AssetKey]) -> Result<(), StorageError> {
        let mut state = self.shared.lock();
        for asset_key in asset_keys {
            state.assets.set_cached_status(asset_key, None);
        }
        Ok(())
    }

    async fn wipe_assets(
        &self,
        asset_keys: &[AssetKey],
        at: DateTime<Utc>,
    ) -> Result<(), StorageError> {
        let mut state = self.shared.lock();
        for key in db_strings(asset_keys) {
            if let Some(row) = state.assets.rows.get_mut(&key) {
                row.last_materialization = None;
                row.last_run_id = None;
                row.wiped_at = Some(in_micros(at));
                row.details = Some(AssetDetails::wiped_at(at));
                row.cached_status = None;
            }
            state.asset_checks.delete_of_asset(&key);
        }
        Ok(())
    }
}
