//! What daemons remember: their signs of life, and their cursors.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;

use crate::daemon::DaemonHeartbeat;
use crate::error::StorageError;
use crate::storage::Fence;

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

    /// The values of all keys that begin with this text, in its own case.
    async fn get_cursor_values_beginning(
        &self,
        prefix: &str,
    ) -> Result<BTreeMap<String, String>, StorageError>;

    /// Replaces the value of a key if it is the one that is given, in one statement; whether it was. `None` is no value:
    /// from it, the key must have none, and to it, the key loses the one that it has.
    ///
    /// Of several callers who would replace the same value, one does. A value may be replaced by itself.
    async fn change_cursor_value(
        &self,
        key: &str,
        from: Option<&str>,
        to: Option<&str>,
    ) -> Result<bool, StorageError>;

    /// Stores values as [`set_cursor_values`](Self::set_cursor_values) does, if the fence has its value, in one
    /// transaction; whether it had. Whoever changes the value of the fence meanwhile waits.
    async fn set_cursor_values_if(
        &self,
        fence: &Fence,
        pairs: &BTreeMap<String, String>,
    ) -> Result<bool, StorageError>;
}
