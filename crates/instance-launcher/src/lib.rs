//! The launcher domain: submitting a run to the coordinator, launching it, cancelling it; and the
//! coordinators and launchers themselves.
//!
//! How anything is stored is not known here. The only crate that starts processes.
//!
#![doc = include_str!("../README.md")]

mod absent;
mod coordinator;
mod lifecycle;
#[cfg(feature = "process")]
mod process;

pub use absent::NoRunLauncher;
pub use coordinator::DefaultRunCoordinator;
pub use lifecycle::{cancel_run, launch_run, submit_run};
#[cfg(feature = "process")]
pub use process::{CommandOutcome, OutputSink, ProcessRunLauncher, RunOutcome, StopSignal};
