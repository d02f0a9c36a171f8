//! The methods of the storage domain.

use instance_core::error::InstanceError;
use instance_storage::StorageInfo;

use crate::instance::DagsterInstance;

impl DagsterInstance {
    /// See [`instance_storage::storage_info`].
    pub async fn storage_info(&self) -> Result<StorageInfo, InstanceError> {
        instance_storage::storage_info(self).await
    }

    /// Creates every file that a fresh instance has; otherwise each is created when it is first
    /// needed.
    #[cfg(feature = "sqlite")]
    pub async fn create_storages(&self) -> Result<(), InstanceError> {
        Ok(self.inner.storages.create().await?)
    }

    /// Closes all files. Nothing that was acknowledged depends on it.
    #[cfg(feature = "sqlite")]
    pub async fn dispose(&self) {
        self.inner.storages.dispose().await;
    }
}
