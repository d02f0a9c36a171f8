//! Following a run: its entries as a stream that goes on while the log grows.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::stream::{BoxStream, Stream, StreamExt, unfold};
use instance_core::error::InstanceError;
use instance_core::event::{DagsterEventType, EventLogCursor, EventLogRecord};
use instance_core::ids::RunId;
use instance_core::ops::EventOps;
use instance_core::run::DagsterRunStatus;
use instance_core::storage::{EventSignal, Only, RecordsForRun};
use tokio::sync::watch;

/// How many entries a page has at most, by default.
const PAGE: u64 = 250;
/// How many bytes of stored entries a page has at most, by default. A full page of usual entries has less, and one very
/// long entry has more.
const PAGE_BYTES: u64 = 8 << 20;

/// The first pause before asking again whether a run has ended, after the event that ends it was read. Without one
/// transaction over events and runs, the event can be read before the status of the run.
const FIRST_LOOK_AFTER_END: Duration = Duration::from_millis(2);
/// The longest of these pauses; each is twice as long as the one before it.
const LONGEST_LOOK_AFTER_END: Duration = Duration::from_secs(1);

/// The request to follow a run: which entries come, and when the stream ends; see [`WatchEventLogs::new`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct WatchEventLogs {
    /// The run; it need not exist yet.
    pub run_id: RunId,
    /// The position after which the stream begins; `None` means that it begins with the first entry.
    pub cursor: Option<EventLogCursor>,
    /// The types of the events that come; any means all entries, lines of logs included.
    pub of_types: Only<DagsterEventType>,
    /// When the stream ends by itself.
    pub until: WatchUntil,
    /// How many entries are in memory at most.
    pub page_size: u64,
    /// How many bytes of entries are in memory, as they are stored: no further entry is read once they are as many.
    pub page_bytes: u64,
}

instance_core::setters! {
    impl WatchEventLogs {
        /// Begin behind this position; `None` means with the first event.
        with_cursor(cursor: impl Into<Option<EventLogCursor>>);
        /// Events of these types; any includes lines of logs.
        with_of_types(of_types: Only<DagsterEventType>);
        /// When the stream ends by itself.
        with_until(until: WatchUntil);
        /// How many events are in memory at most.
        with_page_size(page_size: u64);
        /// How many bytes of events, as they are stored, are in memory at most, but for the last event of them.
        with_page_bytes(page_bytes: u64);
    }
}

/// When a stream of entries ends by itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum WatchUntil {
    /// Never. The stream ends by its handle, by an error, or when it is dropped.
    #[default]
    Ended,
    /// When the run has ended, or does not exist, and every entry that was stored by then has come.
    RunEnds,
}

impl WatchEventLogs {
    /// All entries of a run, from the first one on, without an end.
    pub const fn new(run_id: RunId) -> Self {
        Self {
            run_id,
            cursor: None,
            of_types: Only::Any,
            until: WatchUntil::Ended,
            page_size: PAGE,
            page_bytes: PAGE_BYTES,
        }
    }
}

/// A stream of the entries of a run. Each entry comes once, in the order in which the entries are stored, whichever
/// process stores them.
///
/// An error ends the stream. A new stream that begins after the last entry that came goes on from there.
pub struct EventLogWatch {
    records: BoxStream<'static, Result<EventLogRecord, InstanceError>>,
    end: Arc<watch::Sender<bool>>,
}

impl std::fmt::Debug for EventLogWatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EventLogWatch").finish_non_exhaustive()
    }
}

impl EventLogWatch {
    /// Waits for the next entry and returns it; `None` when the stream has ended.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Storage`] if the storage fails. The stream has then ended.
    pub async fn next(&mut self) -> Option<Result<EventLogRecord, InstanceError>> {
        self.records.next().await
    }

    /// Returns a handle by which [`end_watch_event_logs`] ends the stream from another task.
    pub fn handle(&self) -> EventLogWatchHandle {
        EventLogWatchHandle(Arc::clone(&self.end))
    }
}

impl Stream for EventLogWatch {
    type Item = Result<EventLogRecord, InstanceError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.records.poll_next_unpin(context)
    }
}

/// A handle that ends a stream of entries from another task; see [`EventLogWatch::handle`].
#[derive(Debug, Clone)]
pub struct EventLogWatchHandle(Arc<watch::Sender<bool>>);

/// Ends a stream of entries. Entries that it has not returned yet do not come any more.
// facade: method
pub fn end_watch_event_logs(handle: &EventLogWatchHandle) {
    handle.0.send_replace(true);
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
#[tracing::instrument(level = "debug", skip_all, fields(run_id = %request.run_id))]
pub async fn watch_event_logs(
    ops: &dyn EventOps,
    request: WatchEventLogs,
) -> Result<EventLogWatch, InstanceError> {
    // Before anything is read, so that no entry is missed in between.
    let signal = ops.event_watch().watch_run(&request.run_id).await?;
    let (end, ended) = watch::channel(false);
    let following = Following {
        ops: ops.owned_event_ops(),
        signal,
        query: RecordsForRun::new(request.run_id)
            .with_cursor(request.cursor)
            .with_of_types(request.of_types)
            .with_limit(request.page_size.max(1))
            .with_max_bytes(request.page_bytes),
        until: request.until,
        page: Vec::new().into_iter(),
        state: State::Look,
        found: false,
        last_event_seen: false,
        look_after_end: FIRST_LOOK_AFTER_END,
        ended,
    };
    let records = unfold(following, Following::next).boxed();
    Ok(EventLogWatch { records, end: Arc::new(end) })
}

/// The state of a stream between two entries.
struct Following {
    ops: Arc<dyn EventOps>,
    signal: Box<dyn EventSignal>,
    query: RecordsForRun,
    until: WatchUntil,
    page: std::vec::IntoIter<EventLogRecord>,
    state: State,
    /// Whether the last page had entries.
    found: bool,
    /// Whether an event that ends the run was read.
    last_event_seen: bool,
    look_after_end: Duration,
    ended: watch::Receiver<bool>,
}

/// The next thing to do when all entries of a page have been returned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Read another page at once.
    Look,
    /// Wait for a signal.
    Wait,
    /// Nothing: the stream has ended.
    End,
}

impl Following {
    async fn next(mut self) -> Option<(Result<EventLogRecord, InstanceError>, Self)> {
        loop {
            if *self.ended.borrow() {
                return None;
            }
            if let Some(record) = self.page.next() {
                return Some((Ok(record), self));
            }
            match self.state {
                State::End => return None,
                State::Wait => self.wait().await,
                State::Look => {
                    if let Err(error) = self.look().await {
                        self.state = State::End;
                        return Some((Err(error), self));
                    }
                }
            }
        }
    }

    async fn look(&mut self) -> Result<(), InstanceError> {
        // Asked before the entries are read: a run that has ended gets no further entries.
        let is_last = self.until == WatchUntil::RunEnds && self.has_ended().await?;
        let connection = self.ops.event_store().get_records_for_run(&self.query).await?;
        self.found = !connection.records.is_empty();
        self.query.cursor = Some(connection.cursor);
        self.last_event_seen |= connection.records.iter().any(ends_run);
        self.page = connection.records.into_iter();
        self.state = match (connection.has_more, is_last) {
            (true, _) => State::Look,
            (false, true) => State::End,
            (false, false) => State::Wait,
        };
        Ok(())
    }

    async fn wait(&mut self) {
        let mut ended = self.ended.clone();
        let changed = self.signal.changed(self.found);
        let soon = self.last_event_seen && self.until == WatchUntil::RunEnds;
        let pause = if soon { self.look_after_end } else { Duration::MAX };
        tokio::select! {
            () = changed => {}
            Ok(_) = ended.wait_for(|ended| *ended) => {}
            () = tokio::time::sleep(pause), if soon => {
                self.look_after_end = (pause * 2).min(LONGEST_LOOK_AFTER_END);
            }
        }
        self.state = State::Look;
    }

    /// Whether the run has ended, or does not exist. The store is not asked while further entries still come.
    async fn has_ended(&self) -> Result<bool, InstanceError> {
        if self.found && !self.last_event_seen {
            return Ok(false);
        }
        let run = self.ops.run_store().get_run_record(&self.query.run_id).await?;
        Ok(run.is_none_or(|record| record.dagster_run.status.is_finished()))
    }
}

/// Whether an entry is an event that ends its run.
fn ends_run(record: &EventLogRecord) -> bool {
    let status = record.event_log_entry.event_type().and_then(DagsterEventType::run_status);
    status.is_some_and(DagsterRunStatus::is_finished)
}
