//! The data migrations of the store of events: what is known of assets is derived from events again.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use instance_core::asset_key::AssetKey;
use instance_core::assets::AssetDetails;
use instance_core::clock::timestamp_of;
use instance_core::error::StorageError;
use instance_core::event::EventLogRecord;
use instance_core::serdes::{Opaque, SerdesClass};
use instance_core::storage::DataMigrationStep;

use super::SqlEventLogStorage;
use super::assets::{stored_materialization, wipe_time};
use crate::db::{Connection, Row};
use crate::sql::assets;
use crate::sql::reindex::{self, AssetColumns};
use crate::sql::tables::{asset_keys, event_logs};
use crate::stores::schema;

/// How many assets one step is about.
const ASSETS_PER_STEP: u64 = 500;

impl SqlEventLogStorage {
    /// One step of a data migration.
    pub(super) async fn data_migration_step(
        &self,
        migration_name: &str,
        cursor: Option<&str>,
    ) -> Result<DataMigrationStep, StorageError> {
        match migration_name {
            "asset_key_table" => self.add_assets_of_events(cursor).await,
            "asset_key_index_columns" => {
                let after = schema::id_cursor(migration_name, cursor)?;
                self.fill_columns_of_assets(after).await
            }
            _ => Err(schema::no_such_migration(self.index.name(), migration_name)),
        }
    }

    /// How many rows a data migration has to look at.
    pub(super) async fn rows_left(&self, migration_name: &str) -> Result<u64, StorageError> {
        match migration_name {
            "asset_key_table" => {
                schema::count(&self.index, reindex::count_asset_keys_of_events()).await
            }
            "asset_key_index_columns" => schema::at_most(&self.index, asset_keys::TABLE).await,
            _ => Err(schema::no_such_migration(self.index.name(), migration_name)),
        }
    }

    /// Adds the assets that events name and that have no row.
    async fn add_assets_of_events(
        &self,
        after: Option<&str>,
    ) -> Result<DataMigrationStep, StorageError> {
        let select = reindex::select_asset_keys_of_events(after, ASSETS_PER_STEP);
        let key = |row: &Row| row.scalar::<String>();
        let found = self.index.fetch_map("reading assets of events", &select, key).await?;
        let rows = found.len() as u64;
        let Some(last) = found.last().cloned() else {
            return Ok(DataMigrationStep::default());
        };
        let keys: Vec<String> =
            found.iter().filter_map(|key| written_key(key)).map(|key| key.to_db_string()).collect();
        if !keys.is_empty() {
            let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
            self.index.execute("adding assets", assets::insert_missing(&keys)).await?;
        }
        Ok(DataMigrationStep::new(rows, last))
    }

    /// Fills the columns of assets that follow from their events and details.
    async fn fill_columns_of_assets(&self, after: i64) -> Result<DataMigrationStep, StorageError> {
        let reading = "reading assets";
        let select = reindex::select_assets(after, ASSETS_PER_STEP);
        let found = self.index.fetch_map(reading, &select, stored_asset).await?;
        let Some(last) = found.last().map(|asset| asset.columns.id) else {
            return Ok(DataMigrationStep::default());
        };
        let rows = found.len() as u64;
        let texts: Vec<&str> = found.iter().map(|asset| asset.text.as_str()).collect();
        let select = reindex::select_times_of_assets(&texts);
        let time = |row: &Row| {
            let key: String = row.get(event_logs::TABLE, event_logs::ASSET_KEY)?;
            Ok((key, row.get::<Option<DateTime<Utc>>>(event_logs::TABLE, event_logs::TIMESTAMP)?))
        };
        let times = self.index.fetch_map("reading events of assets", &select, time).await?;
        let times: BTreeMap<String, Option<DateTime<Utc>>> = times.into_iter().collect();
        let outdated: Vec<AssetKey> =
            found.iter().filter(|asset| !asset.has_record).map(|asset| asset.key.clone()).collect();
        let mut latest = self.latest_materializations(&outdated).await?;

        let has = self.index.capabilities().await?;
        let mut changes = Vec::new();
        for asset in in_order_of_keys(found) {
            let StoredAsset { key, text, mut columns, last_changed, wiped_at, .. } = asset;
            let record = latest.remove(&key).filter(|record| {
                wiped_at.is_none_or(|at| record.event_log_entry.timestamp > timestamp_of(at))
            });
            columns.last_materialization =
                record.as_ref().map(|record| stored_materialization(record, has));
            let of_events = times.get(&text).copied().flatten();
            if of_events.is_some() && last_changed.is_none_or(|known| Some(known) < of_events) {
                columns.last_materialization_timestamp = of_events;
            }
            if columns.last_materialization.is_some()
                || columns.last_materialization_timestamp.is_some()
                || columns.wipe_timestamp.is_some()
            {
                changes.push(columns);
            }
        }
        self.change_assets(changes).await?;
        Ok(DataMigrationStep::new(rows, last.to_string()))
    }

    async fn change_assets(&self, changes: Vec<AssetColumns>) -> Result<(), StorageError> {
        if changes.is_empty() {
            return Ok(());
        }
        self.index
            .write("filling columns of assets", move |mut connection: Connection<'_>| {
                Box::pin(async move {
                    for columns in &changes {
                        connection.execute(&reindex::update_asset(columns)).await?;
                    }
                    Ok(())
                })
            })
            .await
    }
}

/// The key of an asset as an event's row has it. Before 0.9, the parts of a key stood there with any sign between them.
fn written_key(text: &str) -> Option<AssetKey> {
    AssetKey::from_db_string(text).or_else(|| {
        let is_sign = |c: char| !(c.is_ascii_alphanumeric() || c == '_');
        let parts: Vec<&str> = text.split(is_sign).filter(|part| !part.is_empty()).collect();
        (!parts.is_empty()).then(|| AssetKey::new(parts))
    })
}

/// What a row says of an asset before the migration.
struct StoredAsset {
    key: AssetKey,
    /// The key as the row has it.
    text: String,
    /// Whether the row has its last materialisation in the form of today.
    has_record: bool,
    last_changed: Option<DateTime<Utc>>,
    wiped_at: Option<DateTime<Utc>>,
    columns: AssetColumns,
}

/// The order in which events change assets, too, so that two transactions never wait for each other.
fn in_order_of_keys(mut assets: Vec<StoredAsset>) -> Vec<StoredAsset> {
    assets.sort_by(|one, other| one.text.cmp(&other.text));
    assets
}

fn stored_asset(row: &Row) -> Result<StoredAsset, StorageError> {
    use asset_keys::{
        ASSET_DETAILS, ASSET_KEY, ID, LAST_MATERIALIZATION, LAST_MATERIALIZATION_TIMESTAMP, TABLE,
        WIPE_TIMESTAMP,
    };

    let details: Option<AssetDetails> = row.body_or_none(TABLE, ASSET_DETAILS)?;
    let by_details = wipe_time(details.as_ref())?;
    let by_column: Option<DateTime<Utc>> = row.get(TABLE, WIPE_TIMESTAMP)?;
    let missing = by_details.filter(|_| by_column.is_none());
    let stored: Option<Opaque> = row.body_or_none(TABLE, LAST_MATERIALIZATION)?;
    let class = stored.as_ref().and_then(Opaque::class);
    Ok(StoredAsset {
        key: row.parsed(TABLE, ASSET_KEY, "asset key", AssetKey::from_db_string)?,
        text: row.get(TABLE, ASSET_KEY)?,
        has_record: class.as_deref() == Some(EventLogRecord::STORAGE_NAME),
        last_changed: row.get(TABLE, LAST_MATERIALIZATION_TIMESTAMP)?,
        wiped_at: by_details.or(by_column),
        columns: AssetColumns {
            id: row.get(TABLE, ID)?,
            last_materialization: None,
            last_materialization_timestamp: None,
            wipe_timestamp: missing,
        },
    })
}
