//! The methods of the event domain.

use std::collections::BTreeSet;

use instance_core::asset_key::AssetKey;
use instance_core::error::InstanceError;
use instance_core::event::{
    DagsterEvent, DagsterEventType, EventListener, EventLogConnection, EventLogEntry,
    EventLogRecord, JobFailureData, NewEvent, ReportEngineEvent, ReportEvent,
};
use instance_core::ids::RunId;
use instance_core::run::DagsterRun;
use instance_core::storage::{
    AssetEventSummaryQuery, AssetEventSummaryRecord, EventRecordsFilter, Order, RecordsForRun,
    RecordsPage, RunStatusChangeRecordsFilter,
};
use instance_events::{EventLogWatch, EventLogWatchHandle, WatchEventLogs};

use crate::instance::DagsterInstance;

impl DagsterInstance {
    /// See [`instance_events::store_event`].
    pub async fn store_event(&self, entry: &EventLogEntry) -> Result<(), InstanceError> {
        instance_events::store_event(self, entry).await
    }

    /// See [`instance_events::handle_new_event`].
    pub async fn handle_new_event(
        &self,
        event: impl Into<NewEvent> + Send,
    ) -> Result<(), InstanceError> {
        instance_events::handle_new_event(self, event).await
    }

    /// See [`instance_events::handle_new_events`].
    pub async fn handle_new_events(
        &self,
        entries: Vec<EventLogEntry>,
    ) -> Result<(), InstanceError> {
        instance_events::handle_new_events(self, entries).await
    }

    /// See [`instance_events::flush_events`].
    pub async fn flush_events(&self) -> Result<(), InstanceError> {
        instance_events::flush_events(self).await
    }

    /// See [`instance_events::report_dagster_event`].
    pub async fn report_dagster_event(&self, report: ReportEvent) -> Result<(), InstanceError> {
        instance_events::report_dagster_event(self, report).await
    }

    /// See [`instance_events::report_engine_event`].
    pub async fn report_engine_event(
        &self,
        report: ReportEngineEvent,
    ) -> Result<DagsterEvent, InstanceError> {
        instance_events::report_engine_event(self, report).await
    }

    /// See [`instance_events::report_run_canceling`].
    pub async fn report_run_canceling(
        &self,
        run: &DagsterRun,
        message: Option<String>,
    ) -> Result<DagsterEvent, InstanceError> {
        instance_events::report_run_canceling(self, run, message).await
    }

    /// See [`instance_events::report_run_canceled`].
    pub async fn report_run_canceled(
        &self,
        run: &DagsterRun,
        message: Option<String>,
    ) -> Result<DagsterEvent, InstanceError> {
        instance_events::report_run_canceled(self, run, message).await
    }

    /// See [`instance_events::report_run_failed`].
    pub async fn report_run_failed(
        &self,
        run: &DagsterRun,
        message: Option<String>,
        data: Option<JobFailureData>,
    ) -> Result<DagsterEvent, InstanceError> {
        instance_events::report_run_failed(self, run, message, data).await
    }

    /// See [`instance_events::auto_reexecution_should_retry_run`].
    pub async fn auto_reexecution_should_retry_run(
        &self,
        run: &DagsterRun,
    ) -> Result<bool, InstanceError> {
        instance_events::auto_reexecution_should_retry_run(self, run).await
    }

    /// See [`instance_events::add_event_listener`].
    pub fn add_event_listener(&self, run_id: &RunId, listener: EventListener) {
        instance_events::add_event_listener(self, run_id, listener);
    }

    /// See [`instance_events::watch_event_logs`].
    pub async fn watch_event_logs(
        &self,
        request: WatchEventLogs,
    ) -> Result<EventLogWatch, InstanceError> {
        instance_events::watch_event_logs(self, request).await
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

    /// See [`instance_events::logs_after`].
    pub async fn logs_after(
        &self,
        run_id: &RunId,
        cursor: Option<u64>,
        of_types: &[DagsterEventType],
        limit: Option<u64>,
    ) -> Result<Vec<EventLogEntry>, InstanceError> {
        instance_events::logs_after(self, run_id, cursor, of_types, limit).await
    }

    /// See [`instance_events::get_event_records`].
    pub async fn get_event_records(
        &self,
        filter: &EventRecordsFilter,
        limit: Option<u64>,
        order: Order,
    ) -> Result<Vec<EventLogRecord>, InstanceError> {
        instance_events::get_event_records(self, filter, limit, order).await
    }

    /// See [`instance_events::fetch_run_status_changes`].
    pub async fn fetch_run_status_changes(
        &self,
        filter: &RunStatusChangeRecordsFilter,
        page: RecordsPage,
    ) -> Result<EventLogConnection, InstanceError> {
        instance_events::fetch_run_status_changes(self, filter, page).await
    }

    /// See [`instance_events::get_asset_keys_for_run`].
    pub async fn get_asset_keys_for_run(
        &self,
        run_id: &RunId,
        of_types: &[DagsterEventType],
    ) -> Result<BTreeSet<AssetKey>, InstanceError> {
        instance_events::get_asset_keys_for_run(self, run_id, of_types).await
    }

    /// See [`instance_events::get_asset_partitions_for_run`].
    pub async fn get_asset_partitions_for_run(
        &self,
        run_id: &RunId,
        of_types: &[DagsterEventType],
    ) -> Result<Vec<(AssetKey, BTreeSet<Option<String>>)>, InstanceError> {
        instance_events::get_asset_partitions_for_run(self, run_id, of_types).await
    }

    /// See [`instance_events::get_asset_event_summary_records`].
    pub async fn get_asset_event_summary_records(
        &self,
        query: &AssetEventSummaryQuery,
    ) -> Result<Vec<AssetEventSummaryRecord>, InstanceError> {
        instance_events::get_asset_event_summary_records(self, query).await
    }

    /// See [`instance_events::should_store_event`].
    pub fn should_store_event(&self, entry: &EventLogEntry) -> bool {
        instance_events::should_store_event(entry)
    }

    /// See [`instance_events::end_watch_event_logs`].
    pub fn end_watch_event_logs(&self, handle: &EventLogWatchHandle) {
        instance_events::end_watch_event_logs(handle);
    }

    /// A layer of `tracing-subscriber` by which log events of this program become lines of the logs of runs, and
    /// what stores them in the end; see [`instance_events::run_log_layer`].
    ///
    /// ```
    /// use dagster_instance::run_log_layer::{run_span, step_span};
    /// use dagster_instance::{CreateRun, DagsterInstance};
    /// use tracing_subscriber::filter::LevelFilter;
    /// use tracing_subscriber::layer::{Layer, SubscriberExt};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let home = tempfile::tempdir()?;
    /// let instance = DagsterInstance::builder().home(home.path()).open().await?;
    /// let (layer, logs) = instance.run_log_layer();
    /// let subscriber = tracing_subscriber::registry()
    ///     .with(layer)
    ///     .with(tracing_subscriber::fmt::layer().with_filter(LevelFilter::WARN));
    /// // For one thread; a program does it for all, with `set_global_default`.
    /// let _guard = tracing::subscriber::set_default(subscriber);
    ///
    /// let run = instance.create_run(CreateRun::of_job("etl")).await?;
    /// run_span(&run).in_scope(|| {
    ///     tracing::info!(tables = 2, "loading");
    ///     step_span(&run, "load").in_scope(|| tracing::warn!("empty table"));
    /// });
    /// // Before the program ends.
    /// logs.close().await?;
    ///
    /// let lines = instance.all_logs(&run.run_id, &[]).await?;
    /// assert_eq!(lines[0].user_message, "loading tables=2");
    /// assert_eq!(lines[1].step_key(), Some("load"));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    #[cfg(feature = "tracing-layer")]
    pub fn run_log_layer(
        &self,
    ) -> (instance_events::run_log_layer::RunLogLayer, instance_events::run_log_layer::RunLogs)
    {
        instance_events::run_log_layer::RunLogLayer::new(std::sync::Arc::new(self.clone()))
    }
}
