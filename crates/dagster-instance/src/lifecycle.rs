//! Creating the storages of an instance, and disposing of it.

use instance_core::error::InstanceError;

use crate::instance::DagsterInstance;

impl DagsterInstance {
    /// Creates all storages of a fresh instance: files, tables and indexes. Storages that exist already are not
    /// changed.
    ///
    /// Without this call, each storage is created when it is first needed.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Storage`] if a storage cannot be created, or if it has a schema that this version does not
    /// know.
    pub async fn create_storages(&self) -> Result<(), InstanceError> {
        Ok(self.inner.stores.create().await?)
    }

    /// Disposes of the instance: of the coordinator and the launcher, then flushes all batches, and closes all
    /// storages.
    ///
    /// Only entries that wait in a batch are lost without this call. Everything else is stored when the call that
    /// stores it returns. All clones of the instance are disposed of, too. Whoever uses a storage after this opens it
    /// again.
    ///
    /// # Errors
    ///
    /// Those of [`flush_events`](Self::flush_events). The storages are closed all the same.
    pub async fn dispose(&self) -> Result<(), InstanceError> {
        instance_launcher::dispose(self).await;
        let flushed = self.flush_events().await;
        instance_storage::dispose(self).await;
        flushed
    }
}
