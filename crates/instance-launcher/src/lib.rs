//! The launcher domain: submitting a run to the coordinator, launching it, cancelling it and checking its worker; and
//! the coordinators and launchers themselves.
//!
//! This crate alone starts processes. It does not know how anything is stored.
//!
#![doc = include_str!("../README.md")]

mod absent;
mod configured;
mod coordinator;
mod health;
mod lifecycle;
#[cfg(feature = "process")]
mod process;
mod read;
mod report;
#[cfg(feature = "process")]
mod server_process;
mod unserved;

/// The core: the types that the functions of this crate take and return, and the traits that they are called on.
pub use instance_core;

pub use absent::NoRunLauncher;
pub use configured::{configured_run_coordinator, configured_run_launcher};
pub use coordinator::{DefaultRunCoordinator, QueuedRunCoordinator};
pub use health::{check_run_worker_health, fail_run_without_worker, find_lost_worker};
pub use lifecycle::{
    cancel_run, count_resume_run_attempts, dispose, force_cancel_run, launch_run, resume_run,
    submit_run,
};
#[cfg(feature = "process")]
pub use process::{CommandOutcome, OutputSink, ProcessRunLauncher, RunOutcome, StopSignal};
#[cfg(feature = "process")]
pub use server_process::{
    CodeServerCommand, CodeServerEndpoint, CodeServerKind, Interpreter, InterpreterSearch,
    NoInterpreter,
};
pub use unserved::{UnservedRunCoordinator, UnservedRunLauncher};
