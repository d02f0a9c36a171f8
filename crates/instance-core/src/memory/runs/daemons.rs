//! What daemons remember.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;

use super::MemoryRunStorage;
use crate::daemon::DaemonHeartbeat;
use crate::error::StorageError;
use crate::storage::{DaemonStore, storable_time};

/// What daemons remember.
#[derive(Debug, Default)]
pub(in crate::memory) struct Daemons {
    /// The last sign of life of each kind, in the order of their first.
    heartbeats: Vec<DaemonHeartbeat>,
    cursors: BTreeMap<String, String>,
}

impl Daemons {
    pub(super) fn clear_heartbeats(&mut self) {
        self.heartbeats.clear();
    }
}

#[async_trait]
impl DaemonStore for MemoryRunStorage {
    async fn add_daemon_heartbeat(&self, heartbeat: &DaemonHeartbeat) -> Result<(), StorageError> {
        storable_time("heartbeat", heartbeat.timestamp.as_f64())?;
        let mut state = self.shared.lock();
        let heartbeats = &mut state.daemons.heartbeats;
        match heartbeats.iter_mut().find(|last| last.daemon_type == heartbeat.daemon_type) {
            Some(last) => *last = heartbeat.clone(),
            None => heartbeats.push(heartbeat.clone()),
        }
        Ok(())
    }

    async fn get_daemon_heartbeats(&self) -> Result<Vec<DaemonHeartbeat>, StorageError> {
        Ok(self.shared.lock().daemons.heartbeats.clone())
    }

    async fn wipe_daemon_heartbeats(&self) -> Result<(), StorageError> {
        self.shared.lock().daemons.clear_heartbeats();
        Ok(())
    }

    async fn get_cursor_values(
        &self,
        keys: &BTreeSet<String>,
    ) -> Result<BTreeMap<String, String>, StorageError> {
        let state = self.shared.lock();
        let pairs = keys.iter().filter_map(|key| state.daemons.cursors.get_key_value(key));
        Ok(pairs.map(|(key, value)| (key.clone(), value.clone())).collect())
    }

    async fn set_cursor_values(
        &self,
        pairs: &BTreeMap<String, String>,
    ) -> Result<(), StorageError> {
        self.shared.lock().daemons.cursors.extend(pairs.clone());
        Ok(())
    }
}
