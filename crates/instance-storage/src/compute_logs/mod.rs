//! The stores of what processes print.

mod configured;
mod local;
mod noop;
mod unserved;

pub use configured::compute_log_manager;
pub use local::LocalComputeLogManager;
pub use noop::NoOpComputeLogManager;
pub use unserved::UnservedComputeLogManager;
