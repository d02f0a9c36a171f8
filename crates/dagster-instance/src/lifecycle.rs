//! Creating the files of an instance, and closing them.

use instance_core::error::InstanceError;

use crate::instance::DagsterInstance;

impl DagsterInstance {
    /// Creates every file that a fresh instance has; otherwise each is created when it is first
    /// needed.
    pub async fn create_storages(&self) -> Result<(), InstanceError> {
        Ok(self.inner.stores.create().await?)
    }

    /// Disposes of the coordinator and the launcher, stores the events that wait for others, and closes all
    /// files. Beside these events, nothing that was acknowledged depends on it.
    ///
    /// Errors: those of [`flush_events`](Self::flush_events); the files are closed all the same.
    pub async fn dispose(&self) -> Result<(), InstanceError> {
        instance_launcher::dispose(self).await;
        let flushed = self.flush_events().await;
        self.inner.stores.close().await;
        flushed
    }
}
