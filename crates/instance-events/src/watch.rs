//! Following the events of a run, as a stream.

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

/// How many events are in memory at once, unless said otherwise.
const PAGE: u64 = 250;
/// How many bytes of events are in memory at once, unless said otherwise: as many as usual events of a page never have,
/// and few beside what one very long event takes.
const PAGE_BYTES: u64 = 8 << 20;

/// How soon it is looked again whether a run has ended whose last event was seen: the event may come to be seen
/// before the run.
const FIRST_LOOK_AFTER_END: Duration = Duration::from_millis(2);
const LONGEST_LOOK_AFTER_END: Duration = Duration::from_secs(1);

/// Which events of a run are followed, and until when.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct WatchEventLogs {
    /// The run; it need not exist yet.
    pub run_id: RunId,
    /// Begin behind this position; `None` means with the first event.
    pub cursor: Option<EventLogCursor>,
    /// Events of these types; any means all entries, lines of logs included.
    pub of_types: Only<DagsterEventType>,
    /// When the stream ends by itself.
    pub until: WatchUntil,
    /// How many events are in memory at most.
    pub page_size: u64,
    /// How many bytes of events, as they are stored, are in memory at most, but for the last event of them.
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

/// When a stream of events ends by itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum WatchUntil {
    /// Never.
    #[default]
    Ended,
    /// When the run has ended, or is not there, and every event that was stored by then has come.
    RunEnds,
}

impl WatchEventLogs {
    /// All events of a run, from the first on, without an end.
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

/// The events of a run as they come, each once and in the order in which they were stored; whoever stores them.
///
/// An error ends the stream; a new one behind the last event that came goes on where it ended.
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
    /// The next event; `None` when the stream has ended.
    pub async fn next(&mut self) -> Option<Result<EventLogRecord, InstanceError>> {
        self.records.next().await
    }

    /// What ends the stream from elsewhere, by [`end_watch_event_logs`]. Dropping the stream ends it, too.
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

/// What ends a stream of events from elsewhere.
#[derive(Debug, Clone)]
pub struct EventLogWatchHandle(Arc<watch::Sender<bool>>);

/// Ends a stream of events: events that it has not handed out do not come any more.
// facade: method
pub fn end_watch_event_logs(handle: &EventLogWatchHandle) {
    handle.0.send_replace(true);
}

/// Follows the events of a run.
///
/// Events of this process come at once, those of others when the operating system (SQLite) or the server
/// (Postgres) tells of them, and where neither does, when they are looked for. At most one page of events is in
/// memory; who reads slowly holds up nobody.
#[tracing::instrument(skip_all, fields(run_id = %request.run_id))]
pub async fn watch_event_logs(
    ops: &dyn EventOps,
    request: WatchEventLogs,
) -> Result<EventLogWatch, InstanceError> {
    // Before anything is read, so that nothing comes between.
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

/// A stream between two events.
struct Following {
    ops: Arc<dyn EventOps>,
    signal: Box<dyn EventSignal>,
    query: RecordsForRun,
    until: WatchUntil,
    page: std::vec::IntoIter<EventLogRecord>,
    state: State,
    /// Whether the last look found something.
    found: bool,
    /// Whether an event has come that ends the run.
    last_event_seen: bool,
    look_after_end: Duration,
    ended: watch::Receiver<bool>,
}

/// What comes when all events of a page have been handed out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Another page, at once.
    Look,
    /// A wait.
    Wait,
    /// Nothing any more.
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
        // Asked before the events are read: a run that has ended stores no more.
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

    /// Whether the run has ended, or is not there. It is not asked for while its events still come.
    async fn has_ended(&self) -> Result<bool, InstanceError> {
        if self.found && !self.last_event_seen {
            return Ok(false);
        }
        let run = self.ops.run_store().get_run_record(&self.query.run_id).await?;
        Ok(run.is_none_or(|record| record.dagster_run.status.is_finished()))
    }
}

/// Whether an event is one by which a run ends.
fn ends_run(record: &EventLogRecord) -> bool {
    let status = record.event_log_entry.event_type().and_then(DagsterEventType::run_status);
    status.is_some_and(DagsterRunStatus::is_finished)
}
