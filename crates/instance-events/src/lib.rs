//! The event domain: reporting events, handling their effects, reading them back and following runs.
//!
//! This crate does not know how anything is stored; see `instance_core::storage::EventLogStorage`.
//!
#![doc = include_str!("../README.md")]

mod batch;
mod handle;
mod pipeline;
mod read;
mod report;
mod retry;
#[cfg(feature = "tracing-layer")]
pub mod run_log_layer;
mod watch;

/// The core: the types that the functions of this crate take and return, and the traits that they are called on.
pub use instance_core;

pub use batch::flush_events;
pub use handle::{
    add_event_listener, handle_events_if, handle_new_event, handle_new_events, should_store_event,
    store_event,
};
pub use read::{
    all_logs, fetch_run_status_changes, get_asset_event_summary_records, get_asset_keys_for_run,
    get_asset_partitions_for_run, get_event_records, get_records_for_run, logs_after,
};
pub use report::{
    report_dagster_event, report_engine_event, report_run_canceled, report_run_canceling,
    report_run_failed,
};
pub use retry::auto_reexecution_should_retry_run;
pub use watch::{
    EventLogWatch, EventLogWatchHandle, WatchEventLogs, WatchUntil, end_watch_event_logs,
    watch_event_logs,
};
