//! The methods of `instance-storage`, with its documentation.
//!
//! `cargo xtask codegen` writes this file: change the functions of `instance-storage` instead.

use instance_core::error::InstanceError;
use instance_storage::StorageInfo;

use crate::instance::DagsterInstance;

impl DagsterInstance {
    /// Where the instance stores what, in which schema.
    pub async fn storage_info(&self) -> Result<StorageInfo, InstanceError> {
        instance_storage::storage_info(self).await
    }
}
