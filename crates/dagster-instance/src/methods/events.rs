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
    AssetEventSummaryQuery, AssetEventSummaryRecord, EventRecordsFilter, GuardedEvents,
    GuardedOutcome, Only, Order, RecordsForRun, RecordsPage, RunStatusChangeRecordsFilter,
};
use instance_events::{EventLogWatch, EventLogWatchHandle, WatchEventLogs};

use crate::instance::DagsterInstance;

impl DagsterInstance {
    /// Adds a listener, which is called with each entry of a run that this process stores from now on. The listener is
    /// removed when the run has ended.
    ///
    /// Calls come in the order of the entries, on the task that stored them, so a listener should return quickly. If a
    /// listener panics, the other listeners are still called, the program's log gets an error, and the listener is called
    /// again with the next entry. To follow a run that other processes write, use
    /// [`watch_event_logs`](Self::watch_event_logs).
    pub fn add_event_listener(&self, run_id: &RunId, listener: EventListener) {
        instance_events::add_event_listener(self, run_id, listener);
    }

    /// Returns the whole log of a run, oldest entry first, or its events of the given types.
    ///
    /// [`Only::Any`] means all entries, lines of logs included. The log of an unknown run is empty. All entries are
    /// held in memory; [`get_records_for_run`](Self::get_records_for_run) reads a long log page by page.
    ///
    /// # Errors
    ///
    /// Those of [`get_records_for_run`](Self::get_records_for_run).
    pub async fn all_logs(
        &self,
        run_id: &RunId,
        of_types: &Only<DagsterEventType>,
    ) -> Result<Vec<EventLogEntry>, InstanceError> {
        instance_events::all_logs(self, run_id, of_types).await
    }

    /// Returns whether Dagster's daemon will retry a run.
    ///
    /// It retries a run that has failed for a reason that allows a retry, and whose group has fewer retries than allowed.
    /// A tag of the run says how many are allowed, or else the settings. A tag that is not a number means none.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Storage`] if the group of the run cannot be read.
    pub async fn auto_reexecution_should_retry_run(
        &self,
        run: &DagsterRun,
    ) -> Result<bool, InstanceError> {
        instance_events::auto_reexecution_should_retry_run(self, run).await
    }

    /// Ends a stream of entries. Entries that it has not returned yet do not come any more.
    pub fn end_watch_event_logs(&self, handle: &EventLogWatchHandle) {
        instance_events::end_watch_event_logs(handle);
    }

    /// Returns a page of the events that change the status of a run, across runs.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Storage`] if the type of the filter changes no status, or if the storage fails.
    pub async fn fetch_run_status_changes(
        &self,
        filter: &RunStatusChangeRecordsFilter,
        page: RecordsPage,
    ) -> Result<EventLogConnection, InstanceError> {
        instance_events::fetch_run_status_changes(self, filter, page).await
    }

    /// Flushes all batches: stores every entry that waits. The batches come in any order.
    ///
    /// Every batch is tried, even if one before it fails. The first error is returned.
    ///
    /// # Errors
    ///
    /// - [`InstanceError::EventsWaiting`] if entries could not be stored now. They still wait. Do not report them again.
    /// - [`InstanceError::EventsIncomplete`] if entries are stored, but not all of their effects.
    /// - [`InstanceError::Storage`] if the storage refuses an entry for good. That entry is dropped.
    pub async fn flush_events(&self) -> Result<(), InstanceError> {
        instance_events::flush_events(self).await
    }

    /// Returns summaries of events about assets: asset, partition, run and time of each event, without its body.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Storage`] if the storage fails.
    pub async fn get_asset_event_summary_records(
        &self,
        query: &AssetEventSummaryQuery,
    ) -> Result<Vec<AssetEventSummaryRecord>, InstanceError> {
        instance_events::get_asset_event_summary_records(self, query).await
    }

    /// Returns the assets that events of a run are about. [`Only::Any`] means events of any type.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Storage`] if the storage fails.
    pub async fn get_asset_keys_for_run(
        &self,
        run_id: &RunId,
        of_types: &Only<DagsterEventType>,
    ) -> Result<BTreeSet<AssetKey>, InstanceError> {
        instance_events::get_asset_keys_for_run(self, run_id, of_types).await
    }

    /// Returns the assets that events of a run are about, each with the partitions that they are about.
    ///
    /// `None` among the partitions means that there is an event about the whole asset. [`Only::Any`] means events of
    /// any type.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Storage`] if the storage fails.
    pub async fn get_asset_partitions_for_run(
        &self,
        run_id: &RunId,
        of_types: &Only<DagsterEventType>,
    ) -> Result<Vec<(AssetKey, BTreeSet<Option<String>>)>, InstanceError> {
        instance_events::get_asset_partitions_for_run(self, run_id, of_types).await
    }

    /// Returns events of one type across runs. `None` for the limit means no limit.
    ///
    /// An event whose body cannot be read is left out, with a warning in the program's log. The events come by the id of
    /// their row. If each run has a file of its own, events that are not about assets come run by run; see
    /// [`EventStore::get_event_records`](instance_core::storage::EventStore::get_event_records).
    ///
    /// # Errors
    ///
    /// [`InstanceError::Storage`] if the storage fails.
    pub async fn get_event_records(
        &self,
        filter: &EventRecordsFilter,
        limit: Option<u64>,
        order: Order,
    ) -> Result<Vec<EventLogRecord>, InstanceError> {
        instance_events::get_event_records(self, filter, limit, order).await
    }

    /// Returns a page of the log of a run.
    ///
    /// The query says where the page begins, which entries it has, how many and in which order. The page says where the
    /// next one begins, and whether there is more. The log of an unknown run is empty.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Storage`] if the storage fails, or if an entry cannot be read.
    pub async fn get_records_for_run(
        &self,
        query: &RecordsForRun,
    ) -> Result<EventLogConnection, InstanceError> {
        instance_events::get_records_for_run(self, query).await
    }

    /// Stores entries of one run if the run has one of the statuses that are named, each with the effects that
    /// [`handle_new_event`](Self::handle_new_event) describes. Of several callers who would change a run from the same status, one does.
    ///
    /// The entries do not wait in a batch. Entries that are not kept (see [`should_store_event`](Self::should_store_event)) are left out.
    ///
    /// [`GuardedOutcome::Stored`] alone says that anything is written. Its `incomplete` says which effect is not stored. Its
    /// `ids` are empty if runs and events are in different databases, the run is changed, and the entries are not stored.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Storage`] if an entry is of another run, or cannot be stored. Nothing is stored then.
    pub async fn handle_events_if(
        &self,
        change: GuardedEvents,
    ) -> Result<GuardedOutcome, InstanceError> {
        instance_events::handle_events_if(self, change).await
    }

    /// Stores an entry, changes its run if the event demands it, and notifies the listeners of the run.
    ///
    /// Nothing happens if the entry is not kept (see [`should_store_event`](Self::should_store_event)). The entry is stored before the run is
    /// changed, or in the same transaction: whoever sees the new status of a run also finds the event.
    ///
    /// If the instance is configured to batch events ([`EventBatching`](instance_core::settings::EventBatching)), the
    /// entry may wait in a batch. A batch is flushed when it ends, when it has reached its size, when its first entry has
    /// waited long enough, or by [`flush_events`]. An entry that waits is lost if the process dies.
    ///
    /// # Errors
    ///
    /// - [`InstanceError::EventsWaiting`] if the batch could not be stored now. The entry waits for the next attempt. Do
    ///   not report it again.
    /// - [`InstanceError::EventsIncomplete`] if the entry is stored, but not all of its effects are. Do not report it
    ///   again.
    /// - [`InstanceError::Storage`] if the entry is not stored, and does not wait either.
    ///
    /// [`flush_events`]: Self::flush_events
    pub async fn handle_new_event(
        &self,
        event: impl Into<NewEvent> + Send,
    ) -> Result<(), InstanceError> {
        instance_events::handle_new_event(self, event).await
    }

    /// Stores entries in their order, each with the effects that [`handle_new_event`](Self::handle_new_event) describes.
    ///
    /// The entries do not wait in a batch. Consecutive entries of one run are stored in one transaction, all of them or
    /// none.
    ///
    /// # Errors
    ///
    /// - [`InstanceError::Storage`] if the entries of a run are not stored. The entries before them are stored, the
    ///   entries after them are not.
    /// - [`InstanceError::EventsIncomplete`] if all entries are stored, but not all effects of one of them.
    pub async fn handle_new_events(
        &self,
        entries: Vec<EventLogEntry>,
    ) -> Result<(), InstanceError> {
        instance_events::handle_new_events(self, entries).await
    }

    /// Returns the entries of the log of a run after the entry of a number, oldest first.
    ///
    /// The first entry has the number 0. `None` means from the first entry on. Entries are counted in the whole log,
    /// whatever their types are. The numbers change when entries are deleted; a cursor of [`get_records_for_run`](Self::get_records_for_run) does
    /// not. Empty `of_types` means all entries, lines of logs included. `None` for the limit means no limit.
    ///
    /// # Errors
    ///
    /// Those of [`get_records_for_run`](Self::get_records_for_run).
    pub async fn logs_after(
        &self,
        run_id: &RunId,
        cursor: Option<u64>,
        of_types: &Only<DagsterEventType>,
        limit: Option<u64>,
    ) -> Result<Vec<EventLogEntry>, InstanceError> {
        instance_events::logs_after(self, run_id, cursor, of_types, limit).await
    }

    /// Reports an event: stores it with the effects that [`handle_new_event`](Self::handle_new_event) describes.
    ///
    /// An event without a time gets the time of the clock.
    ///
    /// # Errors
    ///
    /// Those of [`handle_new_event`](Self::handle_new_event).
    pub async fn report_dagster_event(&self, report: ReportEvent) -> Result<(), InstanceError> {
        instance_events::report_dagster_event(self, report).await
    }

    /// Reports an event of the machinery around a run, such as a launcher, and returns the event.
    ///
    /// # Errors
    ///
    /// Those of [`handle_new_event`](Self::handle_new_event). Also [`InstanceError::Invalid`] if the id of the run or
    /// the name of its job is missing; nothing is stored then.
    pub async fn report_engine_event(
        &self,
        report: ReportEngineEvent,
    ) -> Result<DagsterEvent, InstanceError> {
        instance_events::report_engine_event(self, report).await
    }

    /// Reports that a run is canceled, and returns the event. The status of the run becomes `CANCELED`.
    ///
    /// This is for callers outside of the worker of the run. `None` for the message means the words that Dagster uses.
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

    /// Reports that a run was asked to stop, and returns the event. The status of the run becomes `CANCELING`.
    ///
    /// `None` for the message means the words that Dagster uses.
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

    /// Reports that a run has failed, and returns the event. The status of the run becomes `FAILURE`.
    ///
    /// This is for callers outside of the worker of the run. `None` for the message means the words that Dagster uses.
    /// `data` says why the run failed; `None` means that the reason is not known.
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

    /// Returns whether an entry is kept.
    ///
    /// Every entry is kept but one that says that an asset failed to materialise. The stores of open-source Dagster never
    /// have such entries, and its readers do not expect them.
    pub fn should_store_event(&self, entry: &EventLogEntry) -> bool {
        instance_events::should_store_event(entry)
    }

    /// Stores an entry without any effect on its run, and without notifying listeners.
    ///
    /// Nothing happens if the entry is not kept (see [`should_store_event`](Self::should_store_event)). [`handle_new_event`](Self::handle_new_event) stores an entry with
    /// its effects.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Storage`] if the entry is not stored, or if it is stored in the log of its run and missing in the
    /// index across runs. The error does not say which of the two it is.
    pub async fn store_event(&self, entry: &EventLogEntry) -> Result<(), InstanceError> {
        instance_events::store_event(self, entry).await
    }

    /// Follows a run: returns a stream of its entries, which goes on while the log of the run grows. The run need not
    /// exist yet.
    ///
    /// Entries that this process stores come at once. Entries of other processes come when the file system (SQLite) or
    /// the server (Postgres) signals them. If no signal arrives, the stream looks from time to time. At most one page of
    /// entries is in memory, and a slow reader delays nobody else.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Storage`] if the log cannot be watched. Errors of reading it are items of the stream.
    pub async fn watch_event_logs(
        &self,
        request: WatchEventLogs,
    ) -> Result<EventLogWatch, InstanceError> {
        instance_events::watch_event_logs(self, request).await
    }
}
