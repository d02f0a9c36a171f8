//! What daemons remember.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use instance_core::daemon::DaemonHeartbeat;
use instance_core::error::StorageError;
use instance_core::storage::{DaemonStore, Fence};
use sea_query::InsertStatement;

use super::SqlRunStorage;
use super::guarded::is_leader;
use crate::db::{Connection, Row, naming};
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
        values(&self.database.fetch("reading cursors", &daemons::select_cursors(keys)).await?)
    }

    async fn set_cursor_values(
        &self,
        pairs: &BTreeMap<String, String>,
    ) -> Result<(), StorageError> {
        let upserts = upserts(pairs);
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

    async fn get_cursor_values_beginning(
        &self,
        prefix: &str,
    ) -> Result<BTreeMap<String, String>, StorageError> {
        let select = daemons::select_cursors_beginning(prefix);
        values(&self.database.fetch("reading cursors", &select).await?)
    }

    async fn change_cursor_value(
        &self,
        key: &str,
        from: Option<&str>,
        to: Option<&str>,
    ) -> Result<bool, StorageError> {
        const CHANGING: &str = "changing a cursor";
        let changed = match (from, to) {
            (None, None) => {
                let values = self.get_cursor_values(&BTreeSet::from([key.to_owned()])).await?;
                return Ok(values.is_empty());
            }
            (None, Some(to)) => {
                self.database.execute(CHANGING, daemons::insert_cursor(key, to)).await
            }
            (Some(from), Some(to)) => {
                self.database.execute(CHANGING, daemons::update_cursor(key, from, to)).await
            }
            (Some(from), None) => {
                self.database.execute(CHANGING, daemons::delete_cursor(key, Some(from))).await
            }
        };
        let key = key.to_owned();
        Ok(changed.map_err(naming(daemons::bounded_keys(std::iter::once(&key))))? > 0)
    }

    async fn set_cursor_values_if(
        &self,
        fence: &Fence,
        pairs: &BTreeMap<String, String>,
    ) -> Result<bool, StorageError> {
        let upserts = upserts(pairs);
        let fence = fence.clone();
        self.database
            .write("storing cursors of a leader", move |mut connection: Connection<'_>| {
                Box::pin(async move {
                    if !is_leader(&mut connection, &fence).await? {
                        return Ok(false);
                    }
                    for upsert in &upserts {
                        connection.execute(upsert).await?;
                    }
                    Ok(true)
                })
            })
            .await
            .map_err(naming(daemons::bounded_keys(pairs.keys())))
    }
}

/// Statements that store values, as many as it takes; none if there are no values.
fn upserts(pairs: &BTreeMap<String, String>) -> Vec<InsertStatement> {
    let each: Vec<_> = pairs.iter().collect();
    each.chunks(VALUES_PER_STATEMENT).map(daemons::upsert_cursors).collect()
}

/// The values of rows with keys; rows without a value are left out.
fn values(rows: &[Row]) -> Result<BTreeMap<String, String>, StorageError> {
    let mut values = BTreeMap::new();
    for row in rows {
        let value: Option<String> = row.get(kvs::TABLE, kvs::VALUE)?;
        if let Some(value) = value {
            values.insert(row.get(kvs::TABLE, kvs::KEY)?, value);
        }
    }
    Ok(values)
}
