//! The instance: a handle to the stores, the coordinator and the launcher of one deployment.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use instance_core::clock::{Clock, IdSource};
use instance_core::event::EventBuffer;
use instance_core::ids::RunId;
use instance_core::launcher::{RunCoordinator, RunLauncher};
use instance_core::ops::EventListener;
use instance_core::settings::{EventBatching, InstanceSettings};
use instance_core::storage::{
    ComputeLogManager, EventLogStorage, RunEventStore, RunStorage, ScheduleStorage,
};

/// A Dagster instance: what a deployment remembers, and how it launches runs.
///
/// Clones are handles to the same instance. Methods have the names of Dagster's Python class, and
/// may be called from any number of tasks at once. [`DagsterInstance::builder`] opens one.
#[derive(Clone)]
pub struct DagsterInstance {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) settings: InstanceSettings,
    pub(crate) run_storage: Arc<dyn RunStorage>,
    pub(crate) event_log_storage: Arc<dyn EventLogStorage>,
    pub(crate) schedule_storage: Arc<dyn ScheduleStorage>,
    pub(crate) compute_log_manager: Arc<dyn ComputeLogManager>,
    pub(crate) run_coordinator: Arc<dyn RunCoordinator>,
    pub(crate) run_launcher: Arc<dyn RunLauncher>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) ids: Arc<dyn IdSource>,
    pub(crate) run_event_store: Arc<dyn RunEventStore>,
    pub(crate) event_batching: EventBatching,
    pub(crate) event_buffer: EventBuffer,
    pub(crate) run_size_limit_bytes: Option<u64>,
    pub(crate) listeners: Mutex<HashMap<RunId, Vec<EventListener>>>,
    #[cfg(feature = "sqlite")]
    pub(crate) storages: instance_storage::Storages,
}

impl DagsterInstance {
    pub(crate) fn listeners_of(&self, run_id: &RunId) -> Vec<EventListener> {
        let listeners = self.inner.listeners.lock().unwrap_or_else(PoisonError::into_inner);
        listeners.get(run_id).cloned().unwrap_or_default()
    }

    pub(crate) fn remove_listeners_of(&self, run_id: &RunId) {
        self.inner.listeners.lock().unwrap_or_else(PoisonError::into_inner).remove(run_id);
    }

    pub(crate) fn add_listener_of(&self, run_id: &RunId, listener: EventListener) {
        let mut listeners = self.inner.listeners.lock().unwrap_or_else(PoisonError::into_inner);
        listeners.entry(run_id.clone()).or_default().push(listener);
    }
}

impl std::fmt::Debug for DagsterInstance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DagsterInstance")
            .field("settings", &self.inner.settings)
            .finish_non_exhaustive()
    }
}
