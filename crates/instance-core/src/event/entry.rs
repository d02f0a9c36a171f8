//! Entries of the event log: an event or a line of a log, with its time and run.

use crate::error_info::SerializableErrorInfo;
use crate::event::{DagsterEvent, DagsterEventType, EventLogCursor, LogLevel};
use crate::ids::{RunId, StorageId};
use crate::serdes::UnknownFields;
use crate::serdes_class;

serdes_class! {
    /// One entry of the event log.
    #[derive(Debug, Clone, PartialEq)]
    pub struct EventLogEntry = "EventLogEntry" | "DagsterEventRecord" | "EventRecord" | "LogMessageRecord" {
        /// The event; `None` for a line of a log.
        pub dagster_event: Option<Box<DagsterEvent>> = "dagster_event",
        /// The error that a line of a log came with.
        pub error_info: Option<SerializableErrorInfo> = "error_info",
        /// The level.
        pub level: LogLevel = "level",
        /// A field of old versions, always empty today; see [`EventLogEntry::message`].
        pub stored_message: String = "message",
        /// The job.
        pub job_name: Option<String> = "pipeline_name",
        /// The run.
        pub run_id: RunId = "run_id",
        /// The step, if any.
        pub step_key: Option<String> = "step_key",
        /// When it was reported, in seconds since 1970.
        pub timestamp: f64 = "timestamp",
        /// The line of a log as the user wrote it.
        pub user_message: String = "user_message",
    }
}

impl EventLogEntry {
    /// An entry for an event, at a time in seconds since 1970.
    pub fn of_event(event: DagsterEvent, run_id: RunId, level: LogLevel, timestamp: f64) -> Self {
        Self {
            error_info: None,
            level,
            stored_message: String::new(),
            job_name: Some(event.job_name.clone()),
            run_id,
            step_key: event.step_key.clone(),
            timestamp,
            user_message: String::new(),
            dagster_event: Some(Box::new(event)),
            unknown: UnknownFields::default(),
        }
    }

    /// An entry for a line of a log, at a time in seconds since 1970.
    pub fn of_message(
        message: impl Into<String>,
        run_id: RunId,
        level: LogLevel,
        timestamp: f64,
    ) -> Self {
        Self {
            dagster_event: None,
            error_info: None,
            level,
            stored_message: String::new(),
            job_name: None,
            run_id,
            step_key: None,
            timestamp,
            user_message: message.into(),
            unknown: UnknownFields::default(),
        }
    }

    /// The message for people: the event's, or the line of the log.
    pub fn message(&self) -> &str {
        self.dagster_event
            .as_ref()
            .and_then(|event| event.message.as_deref())
            .unwrap_or(&self.user_message)
    }

    /// The type of the event; `None` for a line of a log, or a type that this version does not know.
    pub fn event_type(&self) -> Option<DagsterEventType> {
        self.dagster_event.as_ref()?.event_type()
    }

    /// The step that the entry is about, if it is about one.
    pub fn step_key(&self) -> Option<&str> {
        match &self.dagster_event {
            Some(event) => event.step_key.as_deref(),
            None => self.step_key.as_deref(),
        }
    }
}

serdes_class! {
    /// An entry with the id of its row.
    #[derive(Debug, Clone, PartialEq)]
    pub struct EventLogRecord = "EventLogRecord" {
        /// The entry.
        pub event_log_entry: EventLogEntry = "event_log_entry",
        /// The id of the row.
        pub storage_id: StorageId = "storage_id",
    }
}

/// A page of the event log.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct EventLogConnection {
    /// The records, in the order that was asked for.
    pub records: Vec<EventLogRecord>,
    /// Where the next page begins.
    pub cursor: EventLogCursor,
    /// Whether the page was cut by its limit.
    pub has_more: bool,
}

impl EventLogConnection {
    /// A page of these records, with where the next page begins, and whether this one was cut by its limit.
    pub const fn new(records: Vec<EventLogRecord>, cursor: EventLogCursor, has_more: bool) -> Self {
        Self { records, cursor, has_more }
    }
}
