//! What daemons remember: their signs of life, and their cursors.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;

use crate::daemon::DaemonHeartbeat;
use crate::error::StorageError;

/// What daemons remember: their signs of life, and their cursors.
#[async_trait]
pub trait DaemonStore: std::fmt::Debug + Send + Sync + 'static {
    /// Stores the sign of life of a kind of daemon in the place of its last one.
    async fn add_daemon_heartbeat(&self, heartbeat: &DaemonHeartbeat) -> Result<(), StorageError>;

    /// The last sign of life of each kind of daemon, in the order of their first.
    async fn get_daemon_heartbeats(&self) -> Result<Vec<DaemonHeartbeat>, StorageError>;

    /// Deletes all signs of life.
    async fn wipe_daemon_heartbeats(&self) -> Result<(), StorageError>;

    /// The values of these keys; keys without one are left out.
    async fn get_cursor_values(
        &self,
        keys: &BTreeSet<String>,
    ) -> Result<BTreeMap<String, String>, StorageError>;

    /// Stores values, replacing those that the keys have, all of them or none.
    async fn set_cursor_values(&self, pairs: &BTreeMap<String, String>)
    -> Result<(), StorageError>;
}
