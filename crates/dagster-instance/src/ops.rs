//! The instance as each domain sees it.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use instance_core::clock::{Clock, IdSource};
use instance_core::error::InstanceError;
use instance_core::event::{
    DagsterEvent, DagsterEventType, EventBuffer, EventLogEntry, EventLogRecord,
};
use instance_core::ids::RunId;
use instance_core::launcher::{RunCoordinator, RunLauncher};
use instance_core::ops::{
    AssetOps, ConfigOps, EventListener, EventOps, LauncherOps, RunOps, RunWorkerOps, SchedulingOps,
    StorageOps,
};
use instance_core::run::DagsterRun;
use instance_core::settings::{EventBatching, InstanceSettings, RunRetries};
use instance_core::snap::ExecutionPlanSnapshot;
use instance_core::storage::{
    AssetStore, BackfillStore, ComputeLogManager, DynamicPartitionStore, EventLogStorage,
    EventStore, EventWatch, InstigatorStore, RunEventStore, RunStorage, RunStore, ScheduleStorage,
    SnapshotStore,
};
use instance_events::ReportEvent;

use crate::instance::DagsterInstance;

impl RunOps for DagsterInstance {
    fn run_store(&self) -> &dyn RunStore {
        &*self.inner.run_storage
    }

    fn snapshot_store(&self) -> &dyn SnapshotStore {
        &*self.inner.run_storage
    }

    fn event_store(&self) -> &dyn EventStore {
        &*self.inner.event_log_storage
    }

    fn run_event_store(&self) -> &dyn RunEventStore {
        &*self.inner.run_event_store
    }

    fn backfill_store(&self) -> &dyn BackfillStore {
        &*self.inner.run_storage
    }

    fn dynamic_partition_store(&self) -> &dyn DynamicPartitionStore {
        &*self.inner.event_log_storage
    }

    fn clock(&self) -> &dyn Clock {
        &*self.inner.clock
    }

    fn ids(&self) -> &dyn IdSource {
        &*self.inner.ids
    }

    fn run_size_limit_bytes(&self) -> Option<u64> {
        self.inner.run_size_limit_bytes
    }

    fn tell_listeners(&self, record: &EventLogRecord) {
        for listener in self.listeners_of(&record.event_log_entry.run_id) {
            listener(record);
        }
    }
}

impl EventOps for DagsterInstance {
    fn run_store(&self) -> &dyn RunStore {
        &*self.inner.run_storage
    }

    fn event_store(&self) -> &dyn EventStore {
        &*self.inner.event_log_storage
    }

    fn run_event_store(&self) -> &dyn RunEventStore {
        &*self.inner.run_event_store
    }

    fn event_watch(&self) -> &dyn EventWatch {
        &*self.inner.event_log_storage
    }

    fn clock(&self) -> &dyn Clock {
        &*self.inner.clock
    }

    fn run_retries(&self) -> RunRetries {
        self.inner.settings.run_retries
    }

    fn event_batching(&self) -> EventBatching {
        self.inner.event_batching
    }

    fn event_buffer(&self) -> &EventBuffer {
        &self.inner.event_buffer
    }

    fn add_listener(&self, run_id: &RunId, listener: EventListener) {
        self.add_listener_of(run_id, listener);
    }

    fn listeners(&self, run_id: &RunId) -> Vec<EventListener> {
        self.listeners_of(run_id)
    }

    fn remove_listeners(&self, run_id: &RunId) {
        self.remove_listeners_of(run_id);
    }

    fn for_task(&self) -> Arc<dyn EventOps> {
        Arc::new(self.clone())
    }
}

#[async_trait]
impl AssetOps for DagsterInstance {
    fn asset_store(&self) -> &dyn AssetStore {
        &*self.inner.event_log_storage
    }

    async fn report_runless_event(&self, event: DagsterEvent) -> Result<(), InstanceError> {
        instance_events::report_dagster_event(self, ReportEvent::runless(event)).await
    }
}

impl SchedulingOps for DagsterInstance {
    fn instigator_store(&self) -> &dyn InstigatorStore {
        &*self.inner.schedule_storage
    }
}

impl StorageOps for DagsterInstance {
    fn run_storage(&self) -> &dyn RunStorage {
        &*self.inner.run_storage
    }

    fn event_log_storage(&self) -> &dyn EventLogStorage {
        &*self.inner.event_log_storage
    }

    fn schedule_storage(&self) -> &dyn ScheduleStorage {
        &*self.inner.schedule_storage
    }

    fn settings(&self) -> &InstanceSettings {
        &self.inner.settings
    }
}

impl ConfigOps for DagsterInstance {
    fn settings(&self) -> &InstanceSettings {
        &self.inner.settings
    }
}

#[async_trait]
impl LauncherOps for DagsterInstance {
    fn run_coordinator(&self) -> &dyn RunCoordinator {
        &*self.inner.run_coordinator
    }

    fn run_launcher(&self) -> &dyn RunLauncher {
        &*self.inner.run_launcher
    }

    async fn get_run_by_id(&self, run_id: &RunId) -> Result<Option<DagsterRun>, InstanceError> {
        instance_runs::get_run_by_id(self, run_id).await
    }

    async fn add_run_tags(
        &self,
        run_id: &RunId,
        new_tags: &BTreeMap<String, String>,
    ) -> Result<(), InstanceError> {
        instance_runs::add_run_tags(self, run_id, new_tags).await
    }

    async fn all_logs(
        &self,
        run_id: &RunId,
        of_types: &[DagsterEventType],
    ) -> Result<Vec<EventLogEntry>, InstanceError> {
        instance_events::all_logs(self, run_id, of_types).await
    }

    fn to_owned_ops(&self) -> Arc<dyn LauncherOps> {
        Arc::new(self.clone())
    }
}

#[async_trait]
impl RunWorkerOps for DagsterInstance {
    async fn handle_new_event(&self, entry: EventLogEntry) -> Result<(), InstanceError> {
        instance_events::handle_new_event(self, entry).await
    }

    async fn get_execution_plan_snapshot(
        &self,
        run: &DagsterRun,
    ) -> Result<Option<ExecutionPlanSnapshot>, InstanceError> {
        match &run.execution_plan_snapshot_id {
            Some(id) => instance_runs::get_execution_plan_snapshot(self, id).await,
            None => Ok(None),
        }
    }

    fn compute_log_manager(&self) -> &dyn ComputeLogManager {
        &*self.inner.compute_log_manager
    }

    fn clock(&self) -> &dyn Clock {
        &*self.inner.clock
    }

    fn ids(&self) -> &dyn IdSource {
        &*self.inner.ids
    }
}
