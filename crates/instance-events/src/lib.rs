//! The event domain: reporting events, handling what follows from them, and reading them back.
//!
//! How anything is stored is not known here; see `instance_core::storage::EventLogStorage`.

mod handle;
mod read;
mod report;
#[cfg(feature = "tracing-layer")]
pub mod run_log_layer;

pub use handle::{add_event_listener, handle_new_event, handle_new_events};
pub use read::{all_logs, get_records_for_run};
pub use report::{
    report_dagster_event, report_dagster_events, report_engine_event, report_run_canceled,
    report_run_canceling, report_run_failed,
};
