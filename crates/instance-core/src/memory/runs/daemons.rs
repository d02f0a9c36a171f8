//! What daemons remember.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;

use super::MemoryRunStorage;
use crate::daemon::DaemonHeartbeat;
use crate::error::StorageError;
use crate::storage::{DaemonStore, Fence, Note, storable_time};

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

    /// Whether the fence has its value.
    pub(in crate::memory) fn is_leader(&self, fence: &Fence) -> bool {
        self.cursors.get(&fence.key) == Some(&fence.value)
    }

    /// The key of the first note that had to be new and is there, also by a note before it.
    pub(in crate::memory) fn noted_already(&self, notes: &[Note]) -> Option<String> {
        let mut cursors: BTreeSet<&str> = self.cursors.keys().map(String::as_str).collect();
        for note in notes {
            match note {
                Note::Put { key, .. } => drop(cursors.insert(key)),
                Note::PutNew { key, .. } if !cursors.insert(key) => return Some(key.clone()),
                Note::PutNew { .. } => {}
                Note::Delete { key } => drop(cursors.remove(key.as_str())),
            }
        }
        None
    }

    pub(in crate::memory) fn note(&mut self, notes: &[Note]) {
        for note in notes {
            match note {
                Note::Put { key, value } | Note::PutNew { key, value } => {
                    self.cursors.insert(key.clone(), value.clone());
                }
                Note::Delete { key } => drop(self.cursors.remove(key)),
            }
        }
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

    async fn get_cursor_values_beginning(
        &self,
        prefix: &str,
    ) -> Result<BTreeMap<String, String>, StorageError> {
        let state = self.shared.lock();
        let pairs = state.daemons.cursors.iter().filter(|(key, _)| key.starts_with(prefix));
        Ok(pairs.map(|(key, value)| (key.clone(), value.clone())).collect())
    }

    async fn change_cursor_value(
        &self,
        key: &str,
        from: Option<&str>,
        to: Option<&str>,
    ) -> Result<bool, StorageError> {
        let mut state = self.shared.lock();
        let cursors = &mut state.daemons.cursors;
        if cursors.get(key).map(String::as_str) != from {
            return Ok(false);
        }
        match to {
            Some(to) => cursors.insert(key.to_owned(), to.to_owned()),
            None => cursors.remove(key),
        };
        Ok(true)
    }

    async fn set_cursor_values_if(
        &self,
        fence: &Fence,
        pairs: &BTreeMap<String, String>,
    ) -> Result<bool, StorageError> {
        let mut state = self.shared.lock();
        let is_leader = state.daemons.is_leader(fence);
        if is_leader {
            state.daemons.cursors.extend(pairs.clone());
        }
        Ok(is_leader)
    }
}
