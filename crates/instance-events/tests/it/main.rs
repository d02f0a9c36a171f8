//! The event domain over stores in memory: what is stored, what changes, and who is told, in order.

mod fake;
mod handle;
mod report;
#[cfg(feature = "tracing-layer")]
mod run_log_layer;
