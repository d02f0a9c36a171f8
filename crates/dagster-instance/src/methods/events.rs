//! The methods of the event domain.

use instance_core::error::InstanceError;
use instance_core::event::{
    DagsterEvent, DagsterEventType, EngineEventData, EventLogConnection, EventLogEntry,
    JobFailureData, LogLevel,
};
use instance_core::ids::RunId;
use instance_core::ops::EventListener;
use instance_core::run::DagsterRun;
use instance_core::storage::RecordsForRun;

use crate::instance::DagsterInstance;

impl DagsterInstance {
    /// See [`instance_events::handle_new_event`].
    pub async fn handle_new_event(&self, entry: EventLogEntry) -> Result<(), InstanceError> {
        instance_events::handle_new_event(self, entry).await
    }

    /// See [`instance_events::report_dagster_event`].
    pub async fn report_dagster_event(
        &self,
        event: DagsterEvent,
        run_id: &RunId,
        level: LogLevel,
    ) -> Result<(), InstanceError> {
        instance_events::report_dagster_event(self, event, run_id, level).await
    }

    /// See [`instance_events::report_engine_event`].
    pub async fn report_engine_event(
        &self,
        message: impl Into<String>,
        run: &DagsterRun,
        data: EngineEventData,
    ) -> Result<(), InstanceError> {
        instance_events::report_engine_event(self, message, run, data).await
    }

    /// See [`instance_events::report_run_canceling`].
    pub async fn report_run_canceling(
        &self,
        run: &DagsterRun,
        message: Option<String>,
    ) -> Result<(), InstanceError> {
        instance_events::report_run_canceling(self, run, message).await
    }

    /// See [`instance_events::report_run_canceled`].
    pub async fn report_run_canceled(
        &self,
        run: &DagsterRun,
        message: Option<String>,
    ) -> Result<(), InstanceError> {
        instance_events::report_run_canceled(self, run, message).await
    }

    /// See [`instance_events::report_run_failed`].
    pub async fn report_run_failed(
        &self,
        run: &DagsterRun,
        message: Option<String>,
        data: Option<JobFailureData>,
    ) -> Result<(), InstanceError> {
        instance_events::report_run_failed(self, run, message, data).await
    }

    /// See [`instance_events::add_event_listener`].
    pub fn add_event_listener(&self, run_id: &RunId, listener: EventListener) {
        instance_events::add_event_listener(self, run_id, listener);
    }

    /// See [`instance_events::get_records_for_run`].
    pub async fn get_records_for_run(
        &self,
        query: &RecordsForRun,
    ) -> Result<EventLogConnection, InstanceError> {
        instance_events::get_records_for_run(self, query).await
    }

    /// See [`instance_events::all_logs`].
    pub async fn all_logs(
        &self,
        run_id: &RunId,
        of_types: &[DagsterEventType],
    ) -> Result<Vec<EventLogEntry>, InstanceError> {
        instance_events::all_logs(self, run_id, of_types).await
    }
}
