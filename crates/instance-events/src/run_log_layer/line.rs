//! One line of the log of a run, on its way from an event of `tracing` to a stored entry.
//!
//! Not here: where lines wait; see [`queue`](super::queue).

use std::sync::Arc;

use instance_core::event::{EventLogEntry, LogLevel};
use instance_core::serdes::UnknownFields;
use tracing::Level;

use super::span::RunContext;

/// A line that was captured.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) run: Arc<RunContext>,
    pub(super) level: LogLevel,
    pub(super) message: String,
    /// In seconds since 1970.
    pub(super) timestamp: f64,
}

impl Line {
    /// The entry that is stored for the line. Dagster stores the same for a call of a Python logger.
    pub(super) fn entry(&self) -> EventLogEntry {
        EventLogEntry {
            dagster_event: None,
            error_info: None,
            level: self.level,
            stored_message: String::new(),
            job_name: Some(self.run.job_name.clone()),
            run_id: self.run.run_id.clone(),
            step_key: self.run.step_key.clone(),
            timestamp: self.timestamp,
            user_message: self.message.clone(),
            unknown: UnknownFields::default(),
        }
    }
}

/// The number that Python gives to a level. It has none for `TRACE`, which gets one below `DEBUG`.
pub(super) fn level_of(level: Level) -> LogLevel {
    match level {
        Level::ERROR => LogLevel::ERROR,
        Level::WARN => LogLevel::WARNING,
        Level::INFO => LogLevel::INFO,
        Level::DEBUG => LogLevel::DEBUG,
        Level::TRACE => LogLevel(5),
    }
}
