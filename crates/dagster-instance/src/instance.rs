//! The type [`DagsterInstance`]: a handle to the stores, the coordinator and the launcher of one deployment.

use std::sync::{Arc, Mutex};

use instance_core::assets::AssetHealthSource;
use instance_core::clock::{Clock, IdSource};
use instance_core::event::{EventBuffer, EventListeners};
use instance_core::launcher::{RunCoordinator, RunLauncher};
use instance_core::settings::{EventBatching, InstanceSettings};
use instance_core::storage::{ComputeLogManager, Stores};
use tempfile::TempDir;

/// A Dagster instance: the runs, events, assets and schedules of a deployment, and how it launches runs.
///
/// [`DagsterInstance::builder`] opens an instance. Clones are handles to the same instance. Methods have the names of
/// Dagster's Python class, and any number of tasks may call them at the same time.
#[derive(Clone)]
pub struct DagsterInstance {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) settings: Box<InstanceSettings>,
    pub(crate) stores: Stores,
    pub(crate) compute_log_manager: Arc<dyn ComputeLogManager>,
    pub(crate) run_coordinator: Arc<dyn RunCoordinator>,
    pub(crate) run_launcher: Arc<dyn RunLauncher>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) ids: Arc<dyn IdSource>,
    pub(crate) event_batching: EventBatching,
    pub(crate) event_buffer: EventBuffer,
    pub(crate) event_listeners: EventListeners,
    pub(crate) run_size_limit_bytes: Option<u64>,
    pub(crate) asset_health_source: Option<Arc<dyn AssetHealthSource>>,
    /// The limits of calls to code servers, or why they cannot be used.
    #[cfg(feature = "grpc")]
    pub(crate) grpc_limits: Result<instance_core::settings::GrpcLimits, String>,
    /// Where the interpreter of code servers is looked for.
    #[cfg(all(feature = "grpc", feature = "process"))]
    pub(crate) interpreters: instance_launcher::InterpreterSearch,
    /// The directory of an instance that is to leave nothing behind. It is deleted with the last handle, or before.
    pub(crate) temp_dir: Mutex<Option<TempDir>>,
}

impl std::fmt::Debug for DagsterInstance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DagsterInstance")
            .field("settings", &self.inner.settings)
            .finish_non_exhaustive()
    }
}
