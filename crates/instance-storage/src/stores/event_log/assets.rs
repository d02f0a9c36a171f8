//! Assets: their records, keys, cached status and freshness.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use instance_core::asset_key::AssetKey;
use instance_core::assets::{
    AssetDetails, AssetEntry, AssetRecord, AssetStatusCacheValue, FreshnessStateRecord,
};
use instance_core::clock::timestamp_of;
use instance_core::error::StorageError;
use instance_core::event::{DagsterEventType, EventLogRecord};
use instance_core::ids::{RunId, StorageId};
use instance_core::serdes::{Opaque, SerdesClass, serialize_value};
use instance_core::storage::{AssetKeysPage, AssetStore, Only, storable_time};

use super::SqlEventLogStorage;
use super::events::{asset_key as event_asset_key, record};
use crate::db::{Connection, Row};
use crate::sql::capabilities::{Capabilities, Feature};
use crate::sql::tables::asset_keys::{
    ASSET_DETAILS, ASSET_KEY, CACHED_STATUS_DATA, ID, LAST_MATERIALIZATION, LAST_RUN_ID, TABLE,
};
use crate::sql::{Dialect, asset_checks, assets, events};

/// By what the statements differ.
const FEATURES: &[Feature] = &[Feature::CachedStatus, Feature::AssetChecks];

#[async_trait]
impl AssetStore for SqlEventLogStorage {
    async fn can_read_asset_status_cache(&self) -> Result<bool, StorageError> {
        Ok(self.index.capabilities().await?.has(Feature::CachedStatus))
    }

    async fn get_asset_records(
        &self,
        asset_keys: &Only<AssetKey>,
    ) -> Result<Vec<AssetRecord>, StorageError> {
        let has = self.index.capabilities().await?;
        let select = assets::select_records(asset_keys, has);
        let read = |row: &Row| asset(row, has);
        let mut found = self.index.fetch_map("reading assets", &select, read).await?;
        // Databases order by their own collation.
        found.sort_by_cached_key(|asset| asset.record.asset_entry.asset_key.to_db_string());
        let outdated: Vec<AssetKey> = found
            .iter()
            .filter(|asset| asset.is_outdated)
            .map(|asset| asset.record.asset_entry.asset_key.clone())
            .collect();
        let mut latest = self.latest_materializations(&outdated).await?;
        for asset in &mut found {
            let entry = &mut asset.record.asset_entry;
            if let Some(record) = latest.remove(&entry.asset_key) {
                entry.last_materialization_record = Some(record)
                    .filter(|record| asset.wiped_at.is_none_or(|at| is_after(record, at)));
            }
        }
        Ok(found.into_iter().map(|asset| asset.record).collect())
    }

    async fn has_asset_key(&self, asset_key: &AssetKey) -> Result<bool, StorageError> {
        let select = assets::select_key(asset_key);
        Ok(self.index.fetch_one("looking for an asset", &select).await?.is_some())
    }

    async fn get_asset_keys(&self, page: &AssetKeysPage) -> Result<Vec<AssetKey>, StorageError> {
        let select = assets::select_keys(page, self.index.dialect());
        let rows = self.index.fetch("reading keys of assets", &select).await?;
        let keys = rows
            .iter()
            .map(|row| row.get::<String>(TABLE, ASSET_KEY))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(keys.iter().filter_map(|key| AssetKey::from_db_string(key)).collect())
    }

    async fn get_latest_materialization_records(
        &self,
        asset_keys: &[AssetKey],
    ) -> Result<Vec<(AssetKey, EventLogRecord)>, StorageError> {
        let records = self.get_asset_records(&Only::These(asset_keys.to_vec())).await?;
        let latest = records.into_iter().filter_map(|record| {
            let entry = record.asset_entry;
            Some((entry.asset_key, entry.last_materialization_record?))
        });
        Ok(latest.collect())
    }

    async fn get_freshness_state_records(
        &self,
        asset_keys: &[AssetKey],
    ) -> Result<Vec<FreshnessStateRecord>, StorageError> {
        let select =
            assets::select_latest_events(asset_keys, DagsterEventType::FreshnessStateChange);
        let rows = self.index.fetch("reading freshness", &select).await?;
        let mut found = Vec::new();
        for row in &rows {
            let event = record(row)?.event_log_entry.dagster_event;
            found.extend(event.as_deref().and_then(FreshnessStateRecord::of_event));
        }
        Ok(found)
    }

    async fn update_asset_cached_status_data(
        &self,
        asset_key: &AssetKey,
        cache_values: &AssetStatusCacheValue,
    ) -> Result<(), StorageError> {
        if !self.can_read_asset_status_cache().await? {
            // Nobody would look for it: it is worked out each time.
            return Ok(());
        }
        let update = assets::update_cached_status(asset_key, serialize_value(cache_values));
        self.index.execute("storing the cached status of an asset", update).await.map(drop)
    }

    async fn wipe_asset_cached_status(&self, asset_keys: &[AssetKey]) -> Result<(), StorageError> {
        if !self.can_read_asset_status_cache().await? {
            return Ok(());
        }
        let keys = each_once(asset_keys);
        self.index
            .write("deleting the cached status of assets", move |mut connection: Connection<'_>| {
                Box::pin(async move {
                    for keys in keys.chunks(KEYS_PER_STATEMENT) {
                        lock(&mut connection, keys).await?;
                        connection.execute(&assets::delete_cached_status(keys)).await?;
                    }
                    Ok(())
                })
            })
            .await
    }

    async fn wipe_assets(
        &self,
        asset_keys: &[AssetKey],
        at: DateTime<Utc>,
    ) -> Result<(), StorageError> {
        let details = serialize_value(&AssetDetails::wiped_at(at));
        let keys = each_once(asset_keys);
        let is_mirrored = self.run_logs.is_sharded();
        self.index
            .write("wiping assets", move |mut connection: Connection<'_>| {
                Box::pin(async move {
                    let has = connection.capabilities(TABLE, FEATURES).await?;
                    for keys in keys.chunks(KEYS_PER_STATEMENT) {
                        lock(&mut connection, keys).await?;
                        let update = assets::update_wiped(keys, details.clone(), at, has);
                        connection.execute(&update).await?;
                        if has.has(Feature::AssetChecks) {
                            connection.execute(&asset_checks::delete_of_assets(keys)).await?;
                        }
                        if is_mirrored {
                            // The events themselves are in the logs of their runs.
                            connection.execute(&events::delete_of_assets(keys)).await?;
                        }
                    }
                    Ok(())
                })
            })
            .await
    }
}

/// How many assets one statement changes.
const KEYS_PER_STATEMENT: usize = 1_000;

/// The database forms of keys, each once, in the order in which events change assets. So two transactions never wait for
/// each other.
fn each_once(asset_keys: &[AssetKey]) -> Vec<String> {
    let keys: BTreeSet<_> = asset_keys.iter().map(AssetKey::to_db_string).collect();
    keys.into_iter().collect()
}

/// Makes others wait who want to change these assets.
async fn lock(connection: &mut Connection<'_>, keys: &[String]) -> Result<(), StorageError> {
    if connection.dialect() == Dialect::Postgres {
        connection.fetch(&assets::select_to_change(keys)).await?;
    }
    Ok(())
}

impl SqlEventLogStorage {
    /// The last materialisation of each of these assets, by the events.
    pub(super) async fn latest_materializations(
        &self,
        asset_keys: &[AssetKey],
    ) -> Result<BTreeMap<AssetKey, EventLogRecord>, StorageError> {
        if asset_keys.is_empty() {
            return Ok(BTreeMap::new());
        }
        let select =
            assets::select_latest_events(asset_keys, DagsterEventType::AssetMaterialization);
        let keyed = |row: &Row| Ok((event_asset_key(row)?, record(row)?));
        let latest = self.index.fetch_map("reading materialisations", &select, keyed).await?;
        Ok(latest.into_iter().collect())
    }
}

/// An asset's row.
struct Asset {
    record: AssetRecord,
    wiped_at: Option<DateTime<Utc>>,
    /// Whether its last materialisation has to be looked up among the events: the row has none, one of an
    /// old form, or one from before it was wiped.
    is_outdated: bool,
}

fn asset(row: &Row, has: Capabilities) -> Result<Asset, StorageError> {
    let asset_key = row.parsed(TABLE, ASSET_KEY, "asset key", AssetKey::from_db_string)?;
    let details: Option<AssetDetails> = row.body_or_none(TABLE, ASSET_DETAILS)?;
    let wiped_at = wipe_time(details.as_ref())?;
    let last = last_materialization(row)?
        .filter(|record| wiped_at.is_none_or(|wiped_at| is_after(record, wiped_at)));
    let last_run_id: Option<String> = row.get(TABLE, LAST_RUN_ID)?;
    let cached_status = if has.has(Feature::CachedStatus) {
        row.body_or_none(TABLE, CACHED_STATUS_DATA)?
    } else {
        None
    };
    Ok(Asset {
        is_outdated: last.is_none(),
        wiped_at,
        record: AssetRecord::new(
            StorageId(row.get(TABLE, ID)?),
            AssetEntry::new(asset_key)
                .with_last_materialization_record(last)
                .with_last_run_id(last_run_id.map(RunId::from))
                .with_asset_details(details)
                .with_cached_status(cached_status),
        ),
    })
}

/// When an asset was last wiped. Its details say it in UTC, whatever the clock of the database is.
pub(super) fn wipe_time(
    details: Option<&AssetDetails>,
) -> Result<Option<DateTime<Utc>>, StorageError> {
    let at = details.and_then(|details| details.last_wipe_timestamp.as_ref());
    at.map(|at| storable_time("time of a wipe", at.as_f64())).transpose()
}

/// The stored record; `None` for what old versions stored in its place.
pub(super) fn last_materialization(row: &Row) -> Result<Option<EventLogRecord>, StorageError> {
    let Some(stored) = row.body_or_none::<Opaque>(TABLE, LAST_MATERIALIZATION)? else {
        return Ok(None);
    };
    if stored.class().as_deref() != Some(EventLogRecord::STORAGE_NAME) {
        return Ok(None);
    }
    row.body(TABLE, LAST_MATERIALIZATION).map(Some)
}

/// The last materialisation of an asset as its row gets it: the record, or the event alone in a database of Dagster 1.0. That
/// release fails at a record, whichever asset it is asked for. Newer ones take the event, too, and look for its record.
pub(super) fn stored_materialization(record: &EventLogRecord, has: Capabilities) -> String {
    // Dagster reads records since the release that added this column.
    if has.has(Feature::CachedStatus) {
        serialize_value(record)
    } else {
        serialize_value(&record.event_log_entry)
    }
}

fn is_after(record: &EventLogRecord, time: DateTime<Utc>) -> bool {
    record.event_log_entry.timestamp > timestamp_of(time)
}
