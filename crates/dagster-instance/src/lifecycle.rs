//! Creating the files of an instance, and closing them.

use instance_core::error::InstanceError;

use crate::instance::DagsterInstance;

impl DagsterInstance {
    /// Creates every file that a fresh instance has. Without this call, each is created when it is first needed.
    ///
    /// # Errors
    ///
    /// A store cannot be created. Those before it are created.
    pub async fn create_storages(&self) -> Result<(), InstanceError> {
        Ok(self.inner.stores.create().await?)
    }

    /// Disposes of the coordinator and the launcher, stores the events that wait for others, and closes all files.
    /// Except for these events, everything that was acknowledged is durable without it.
    ///
    /// # Errors
    ///
    /// Those of [`flush_events`](Self::flush_events). The files are closed all the same.
    pub async fn dispose(&self) -> Result<(), InstanceError> {
        instance_launcher::dispose(self).await;
        let flushed = self.flush_events().await;
        self.inner.stores.close().await;
        flushed
    }
}
