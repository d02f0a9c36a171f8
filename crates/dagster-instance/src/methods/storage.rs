//! The methods of `instance-storage`, with its documentation.
//!
//! `cargo xtask codegen` writes this file: change the functions of `instance-storage` instead.

use instance_core::error::InstanceError;
use instance_storage::StorageInfo;

use crate::instance::DagsterInstance;

impl DagsterInstance {
    /// Returns a summary of the storages of the instance.
    ///
    /// Storages that do not exist yet are created. The parts of the summary are read one after another, and not in one
    /// transaction.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Storage`] if a storage fails, or if it has a schema that this version does not know.
    pub async fn storage_info(&self) -> Result<StorageInfo, InstanceError> {
        instance_storage::storage_info(self).await
    }
}
