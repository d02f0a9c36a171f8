//! What daemons remember.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use instance_core::daemon::DaemonHeartbeat;
use instance_core::error::StorageError;
use instance_core::storage::DaemonStore;

use super::SqlRunStorage;
use crate::db::{Connection, naming};
use crate::sql::tables::{daemon_heartbeats, kvs};
use crate::sql::{VALUES_PER_STATEMENT, daemons};
use crate::stores::column_time;

#[async_trait]
impl DaemonStore for SqlRunStorage {
    async fn add_daemon_heartbeat(&self, heartbeat: &DaemonHeartbeat) -> Result<(), StorageError> {
        let at = column_time("heartbeat", heartbeat.timestamp.as_f64())?;
        let upsert = daemons::upsert_heartbeat(heartbeat, at);
        let stored = self.database.execute("storing a sign of life", upsert).await.map(drop);
        stored.map_err(naming(daemons::bounded(heartbeat)))
    }

    async fn get_daemon_heartbeats(&self) -> Result<Vec<DaemonHeartbeat>, StorageError> {
        let select = daemons::select_heartbeats(self.database.capabilities().await?);
        self.database
            .fetch_map("reading signs of life", &select, |row| {
                row.body(daemon_heartbeats::TABLE, daemon_heartbeats::BODY)
            })
            .await
    }

    async fn wipe_daemon_heartbeats(&self) -> Result<(), StorageError> {
        let delete = daemons::delete_heartbeats();
        self.database.execute("deleting signs of life", delete).await.map(drop)
    }

    async fn get_cursor_values(
        &self,
        keys: &BTreeSet<String>,
    ) -> Result<BTreeMap<String, String>, StorageError> {
        let rows = self.database.fetch("reading cursors", &daemons::select_cursors(keys)).await?;
        let mut values = BTreeMap::new();
        for row in rows {
            let value: Option<String> = row.get(kvs::TABLE, kvs::VALUE)?;
            if let Some(value) = value {
                values.insert(row.get(kvs::TABLE, kvs::KEY)?, value);
            }
        }
        Ok(values)
    }

    async fn set_cursor_values(
        &self,
        pairs: &BTreeMap<String, String>,
    ) -> Result<(), StorageError> {
        let each: Vec<_> = pairs.iter().collect();
        let upserts: Vec<_> =
            each.chunks(VALUES_PER_STATEMENT).map(daemons::upsert_cursors).collect();
        if upserts.is_empty() {
            return Ok(());
        }
        self.database
            .write("storing cursors", move |mut connection: Connection<'_>| {
                Box::pin(async move {
                    for upsert in &upserts {
                        connection.execute(upsert).await?;
                    }
                    Ok(())
                })
            })
            .await
            .map_err(naming(daemons::bounded_keys(pairs.keys())))
    }
}
