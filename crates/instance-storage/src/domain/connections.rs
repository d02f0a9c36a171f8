//! How the storages use their connections, and the end of them.

use instance_core::error::InstanceError;
use instance_core::ops::StorageOps;
use instance_core::storage::{SchemaStore, WebserverConnections};

/// Makes the storages use their connections as a program needs it that serves people for long.
///
/// Storages in Postgres then let no statement take longer than the time-out, replace connections that have become old,
/// and have no more connections than the overflow allows. SQLite and memory have none. The calls that are under way
/// keep the connections that they have.
///
/// # Errors
///
/// [`InstanceError::Storage`] if a storage fails.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn optimize_for_webserver(
    ops: &dyn StorageOps,
    connections: &WebserverConnections,
) -> Result<(), InstanceError> {
    let stores = ops.stores();
    let each: [&dyn SchemaStore; 3] =
        [&*stores.schedule_storage, &*stores.run_storage, &*stores.event_log_storage];
    for store in each {
        store.optimize_for_webserver(connections).await?;
    }
    Ok(())
}

/// Closes the files and connections of all storages.
///
/// What was acknowledged before is stored without it. A storage that is used after this is opened again.
// facade: skip
#[tracing::instrument(level = "debug", skip_all)]
pub async fn dispose(ops: &dyn StorageOps) {
    ops.stores().close().await;
}
