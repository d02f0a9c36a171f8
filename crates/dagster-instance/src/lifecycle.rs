//! Creating the storages of an instance, and disposing of it.

use std::sync::PoisonError;

use instance_core::error::{InstanceError, StorageError};

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
    /// Those of [`flush_events`](Self::flush_events). The storages are closed all the same. Also
    /// [`InstanceError::Storage`] if the directory of [`local_temp`](Self::local_temp) cannot be deleted.
    pub async fn dispose(&self) -> Result<(), InstanceError> {
        instance_launcher::dispose(self).await;
        let flushed = self.flush_events().await;
        instance_storage::dispose(self).await;
        flushed.and(self.delete_temp_dir())
    }

    fn delete_temp_dir(&self) -> Result<(), InstanceError> {
        let directory = self.inner.temp_dir.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(directory) = directory else { return Ok(()) };
        let path = directory.path().display().to_string();
        let deleted = directory.close();
        Ok(deleted.map_err(|source| StorageError::Io { action: "delete", path, source })?)
    }
}
