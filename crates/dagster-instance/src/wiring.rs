//! What each domain needs of an instance, implemented for [`DagsterInstance`].

use async_trait::async_trait;
use instance_core::assets::AssetHealthSource;
use instance_core::clock::{Clock, IdSource};
use instance_core::error::InstanceError;
use instance_core::event::{EventBuffer, EventListeners, EventLogEntry, NewEvent};
use instance_core::launcher::{RunCoordinator, RunLauncher};
use instance_core::ops::{
    AssetOps, ClockAccess, ComputeLogAccess, ConfigOps, EventOps, EventReporter, IdAccess,
    KeeperOps, LauncherOps, ListenersAccess, RunOps, RunWorkerOps, SchedulingOps, SettingsAccess,
    StorageOps, StoresAccess,
};
use instance_core::settings::{EventBatching, InstanceSettings, RunRetries};
use instance_core::storage::{ComputeLogManager, GuardedEvents, GuardedOutcome, Stores};

use crate::instance::DagsterInstance;

impl StoresAccess for DagsterInstance {
    fn stores(&self) -> &Stores {
        &self.inner.stores
    }
}

impl ComputeLogAccess for DagsterInstance {
    fn compute_log_manager(&self) -> &dyn ComputeLogManager {
        &*self.inner.compute_log_manager
    }
}

impl ClockAccess for DagsterInstance {
    fn clock(&self) -> &dyn Clock {
        &*self.inner.clock
    }
}

impl IdAccess for DagsterInstance {
    fn ids(&self) -> &dyn IdSource {
        &*self.inner.ids
    }
}

impl SettingsAccess for DagsterInstance {
    fn settings(&self) -> &InstanceSettings {
        &self.inner.settings
    }
}

impl ListenersAccess for DagsterInstance {
    fn event_listeners(&self) -> &EventListeners {
        &self.inner.event_listeners
    }
}

#[async_trait]
impl EventReporter for DagsterInstance {
    async fn handle_new_event(&self, event: NewEvent) -> Result<(), InstanceError> {
        instance_events::handle_new_event(self, event).await
    }

    async fn handle_new_events(&self, entries: Vec<EventLogEntry>) -> Result<(), InstanceError> {
        instance_events::handle_new_events(self, entries).await
    }

    async fn handle_events_if(
        &self,
        change: GuardedEvents,
    ) -> Result<GuardedOutcome, InstanceError> {
        instance_events::handle_events_if(self, change).await
    }
}

impl RunOps for DagsterInstance {
    fn run_size_limit_bytes(&self) -> Option<u64> {
        self.inner.run_size_limit_bytes
    }
}

impl EventOps for DagsterInstance {
    fn run_retries(&self) -> RunRetries {
        self.inner.settings.run_retries
    }

    fn event_batching(&self) -> EventBatching {
        self.inner.event_batching
    }

    fn event_buffer(&self) -> &EventBuffer {
        &self.inner.event_buffer
    }
}

impl LauncherOps for DagsterInstance {
    fn run_coordinator(&self) -> &dyn RunCoordinator {
        &*self.inner.run_coordinator
    }

    fn run_launcher(&self) -> &dyn RunLauncher {
        &*self.inner.run_launcher
    }
}

impl AssetOps for DagsterInstance {
    fn asset_freshness_enabled(&self) -> bool {
        self.inner.settings.asset_freshness_enabled
    }

    fn asset_health_source(&self) -> Option<&dyn AssetHealthSource> {
        self.inner.asset_health_source.as_deref()
    }
}

impl ConfigOps for DagsterInstance {}
impl KeeperOps for DagsterInstance {}
impl RunWorkerOps for DagsterInstance {}
impl SchedulingOps for DagsterInstance {}
impl StorageOps for DagsterInstance {}
