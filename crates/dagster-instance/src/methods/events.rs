//! The methods of `instance-events`, with its documentation.
//!
//! `cargo xtask codegen` writes this file: change the functions of `instance-events` instead.

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
    AssetEventSummaryQuery, AssetEventSummaryRecord, EventRecordsFilter, Only, Order,
    RecordsForRun, RecordsPage, RunStatusChangeRecordsFilter,
};
use instance_events::{EventLogWatch, EventLogWatchHandle, WatchEventLogs};

use crate::instance::DagsterInstance;

impl DagsterInstance {
    /// Calls `listener` with each entry of a run that this process stores from now on, until the run has ended.
    ///
    /// Calls come in the order of the entries, on the task that stored them: a listener should be quick. A listener that
    /// panics harms nobody. The program's log says so, and the listener is called again with the next entry.
    pub fn add_event_listener(&self, run_id: &RunId, listener: EventListener) {
        instance_events::add_event_listener(self, run_id, listener);
    }

    /// The whole log of a run, oldest entry first, or its events of these types; any includes lines of logs.
    ///
    /// Everything is held in memory; for long logs, page with [`get_records_for_run`](Self::get_records_for_run).
    pub async fn all_logs(
        &self,
        run_id: &RunId,
        of_types: &Only<DagsterEventType>,
    ) -> Result<Vec<EventLogEntry>, InstanceError> {
        instance_events::all_logs(self, run_id, of_types).await
    }

    /// Whether Dagster's daemon will retry a run: it has failed, in a way that is retried, and the runs of its group
    /// are not yet as many as may be.
    ///
    /// How often a run is retried says its tag, else the settings; a tag that is no number means never.
    ///
    /// # Errors
    ///
    /// The group of the run cannot be read.
    pub async fn auto_reexecution_should_retry_run(
        &self,
        run: &DagsterRun,
    ) -> Result<bool, InstanceError> {
        instance_events::auto_reexecution_should_retry_run(self, run).await
    }

    /// Ends a stream of events: events that it has not handed out do not come any more.
    pub fn end_watch_event_logs(&self, handle: &EventLogWatchHandle) {
        instance_events::end_watch_event_logs(handle);
    }

    /// A page of the changes of runs' statuses, across runs.
    ///
    /// Errors: the filter's type is none that changes the status of a run.
    pub async fn fetch_run_status_changes(
        &self,
        filter: &RunStatusChangeRecordsFilter,
        page: RecordsPage,
    ) -> Result<EventLogConnection, InstanceError> {
        instance_events::fetch_run_status_changes(self, filter, page).await
    }

    /// Stores all events that wait for others, in any order of their batches; returns the first error after all
    /// were tried.
    ///
    /// Errors: [`InstanceError::EventsWaiting`] if events could not be stored now and still wait; any other error
    /// is of an event that cannot be stored at all, and is not kept.
    pub async fn flush_events(&self) -> Result<(), InstanceError> {
        instance_events::flush_events(self).await
    }

    /// What the columns of events about assets say, without their bodies.
    pub async fn get_asset_event_summary_records(
        &self,
        query: &AssetEventSummaryQuery,
    ) -> Result<Vec<AssetEventSummaryRecord>, InstanceError> {
        instance_events::get_asset_event_summary_records(self, query).await
    }

    /// The assets that events of these types of a run are about, ascending.
    pub async fn get_asset_keys_for_run(
        &self,
        run_id: &RunId,
        of_types: &Only<DagsterEventType>,
    ) -> Result<BTreeSet<AssetKey>, InstanceError> {
        instance_events::get_asset_keys_for_run(self, run_id, of_types).await
    }

    /// The assets that events of these types of a run are about, each with the partitions, `None` standing for events
    /// without one.
    pub async fn get_asset_partitions_for_run(
        &self,
        run_id: &RunId,
        of_types: &Only<DagsterEventType>,
    ) -> Result<Vec<(AssetKey, BTreeSet<Option<String>>)>, InstanceError> {
        instance_events::get_asset_partitions_for_run(self, run_id, of_types).await
    }

    /// Events of one type across runs. Those whose body cannot be read are left out with a warning.
    ///
    /// Where each run has a file of its own, events that are not about assets come run by run; see
    /// [`EventStore::get_event_records`](instance_core::storage::EventStore::get_event_records).
    pub async fn get_event_records(
        &self,
        filter: &EventRecordsFilter,
        limit: Option<u64>,
        order: Order,
    ) -> Result<Vec<EventLogRecord>, InstanceError> {
        instance_events::get_event_records(self, filter, limit, order).await
    }

    /// A page of the log of a run.
    pub async fn get_records_for_run(
        &self,
        query: &RecordsForRun,
    ) -> Result<EventLogConnection, InstanceError> {
        instance_events::get_records_for_run(self, query).await
    }

    /// Stores an entry, changes the run if the event demands it, and calls the run's listeners.
    ///
    /// An entry that is not kept (see [`should_store_event`](Self::should_store_event)) is left out. The entry is stored first or together with the
    /// change: a reader that sees a run's new status also sees its event. Where the instance is configured so
    /// ([`EventBatching`](instance_core::settings::EventBatching)), the entry may wait for others. It is stored when its
    /// batch has ended, is as long as configured or has waited as long as configured, or by [`flush_events`]. It is lost
    /// if the process dies before.
    ///
    /// # Errors
    ///
    /// The entry is not stored, and is not kept, but for two errors after which it must not be reported again. With
    /// [`InstanceError::EventsWaiting`] it waits for the next attempt. With [`InstanceError::EventsIncomplete`] it is
    /// stored, and what follows from it is not complete.
    ///
    /// [`flush_events`]: Self::flush_events
    pub async fn handle_new_event(
        &self,
        event: impl Into<NewEvent> + Send,
    ) -> Result<(), InstanceError> {
        instance_events::handle_new_event(self, event).await
    }

    /// Stores entries in their order, and does for each what [`handle_new_event`](Self::handle_new_event) does. They are a batch already, and
    /// wait for no others.
    ///
    /// Entries of one run that follow one another are stored all or none.
    ///
    /// # Errors
    ///
    /// The entries of a run are not stored, and those behind them are not either; those before them are. With
    /// [`InstanceError::EventsIncomplete`] all are stored, and what follows from one of them is not complete.
    pub async fn handle_new_events(
        &self,
        entries: Vec<EventLogEntry>,
    ) -> Result<(), InstanceError> {
        instance_events::handle_new_events(self, entries).await
    }

    /// The log of a run, oldest entry first, behind its entry of this number; `None` means from the first on.
    ///
    /// The first entry has the number 0. Numbers are of the run's whole log, whatever the types; a position that
    /// stays true when entries are deleted is a cursor, as [`get_records_for_run`](Self::get_records_for_run) takes it.
    pub async fn logs_after(
        &self,
        run_id: &RunId,
        cursor: Option<u64>,
        of_types: &Only<DagsterEventType>,
        limit: Option<u64>,
    ) -> Result<Vec<EventLogEntry>, InstanceError> {
        instance_events::logs_after(self, run_id, cursor, of_types, limit).await
    }

    /// Stores an event as [`handle_new_event`](Self::handle_new_event) does; it has the time of the clock unless it says another.
    ///
    /// # Errors
    ///
    /// Those of [`handle_new_event`](Self::handle_new_event).
    pub async fn report_dagster_event(&self, report: ReportEvent) -> Result<(), InstanceError> {
        instance_events::report_dagster_event(self, report).await
    }

    /// Reports something of the machinery around a run; returns the event.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Invalid`] if the run or its job has no name, and those of [`handle_new_event`](Self::handle_new_event).
    pub async fn report_engine_event(
        &self,
        report: ReportEngineEvent,
    ) -> Result<DagsterEvent, InstanceError> {
        instance_events::report_engine_event(self, report).await
    }

    /// Marks a run as canceled from outside of its execution; returns the event.
    ///
    /// `None` for the message means Dagster's own.
    ///
    /// # Errors
    ///
    /// Those of [`handle_new_event`](Self::handle_new_event).
    pub async fn report_run_canceled(
        &self,
        run: &DagsterRun,
        message: Option<String>,
    ) -> Result<DagsterEvent, InstanceError> {
        instance_events::report_run_canceled(self, run, message).await
    }

    /// Reports that a run was asked to stop; its status is then `CANCELING`. Returns the event.
    ///
    /// `None` for the message means Dagster's own.
    ///
    /// # Errors
    ///
    /// Those of [`handle_new_event`](Self::handle_new_event).
    pub async fn report_run_canceling(
        &self,
        run: &DagsterRun,
        message: Option<String>,
    ) -> Result<DagsterEvent, InstanceError> {
        instance_events::report_run_canceling(self, run, message).await
    }

    /// Marks a run as failed from outside of its execution; returns the event.
    ///
    /// `None` for the message means Dagster's own. The data say why the run failed; `None` if that is not known.
    ///
    /// # Errors
    ///
    /// Those of [`handle_new_event`](Self::handle_new_event).
    pub async fn report_run_failed(
        &self,
        run: &DagsterRun,
        message: Option<String>,
        data: Option<JobFailureData>,
    ) -> Result<DagsterEvent, InstanceError> {
        instance_events::report_run_failed(self, run, message, data).await
    }

    /// Whether an entry is kept at all.
    ///
    /// Failures to materialise an asset are not kept. Open-source Dagster's stores have none, and would confuse those
    /// who do not expect them.
    pub fn should_store_event(&self, entry: &EventLogEntry) -> bool {
        instance_events::should_store_event(entry)
    }

    /// Stores an entry, and nothing else: no run is changed, and no listener is called.
    ///
    /// An entry that is not kept (see [`should_store_event`](Self::should_store_event)) is left out.
    ///
    /// # Errors
    ///
    /// The entry is not stored, or its row where events are found across runs is not.
    pub async fn store_event(&self, entry: &EventLogEntry) -> Result<(), InstanceError> {
        instance_events::store_event(self, entry).await
    }

    /// Follows the events of a run.
    ///
    /// Events of this process come at once, those of others when the operating system (SQLite) or the server
    /// (Postgres) tells of them, and where neither does, when they are looked for. At most one page of events is in
    /// memory; who reads slowly holds up nobody.
    pub async fn watch_event_logs(
        &self,
        request: WatchEventLogs,
    ) -> Result<EventLogWatch, InstanceError> {
        instance_events::watch_event_logs(self, request).await
    }
}
