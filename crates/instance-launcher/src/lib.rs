//! The launcher domain: submitting a run to the coordinator, launching it, cancelling it and checking its worker; and
//! the coordinators and launchers themselves.
//!
//! This crate alone starts processes. It does not know how anything is stored.
//!
#![doc = include_str!("../README.md")]

mod absent;
mod away;
#[cfg(any(feature = "grpc", feature = "kube"))]
mod by_origin;
#[cfg(feature = "grpc")]
mod code;
#[cfg(feature = "grpc")]
mod code_server;
mod configured;
mod coordinator;
#[cfg(feature = "process")]
mod dagster_worker;
mod deletion;
mod health;
pub mod keepers;
#[cfg(feature = "kube")]
mod kubernetes;
#[cfg(feature = "grpc")]
mod launch;
mod lifecycle;
pub mod monitoring;
#[cfg(any(feature = "grpc", feature = "process"))]
mod proc_stat;
#[cfg(feature = "process")]
mod process;
pub mod queue;
mod read;
mod report;
pub mod retries;
#[cfg(feature = "process")]
mod server_process;
#[cfg(feature = "process")]
mod signals;
mod unserved;
mod variables;

/// The core: the types that the functions of this crate take and return, and the traits that they are called on.
pub use instance_core;

pub use absent::NoRunLauncher;
#[cfg(feature = "grpc")]
pub use code::{
    CodeLocationChange, CodeLocationChangeKind, CodeLocationOptions, CodeLocationWatch,
    CodeLocations, CodeServerClient, GrpcCodeLocation, GrpcPlace, GrpcTarget, RepositoryText,
};
#[cfg(feature = "grpc")]
pub use code_server::CodeServerRunLauncher;
pub use configured::{LauncherContext, configured_run_coordinator, configured_run_launcher};
pub use coordinator::{DefaultRunCoordinator, QueuedRunCoordinator};
#[cfg(feature = "process")]
pub use dagster_worker::DagsterWorkerLauncher;
pub use deletion::{RunDeletion, delete_run_and_worker};
pub use health::{check_run_worker_health, fail_run_without_worker, find_lost_worker};
#[cfg(feature = "kube")]
pub use kubernetes::{KubernetesJob, KubernetesRunLauncher};
#[cfg(feature = "grpc")]
pub use launch::{
    LaunchPartition, LaunchRequest, LaunchStyle, asset_graph_of_plan, ensure_current, job_of_run,
    prepare_run,
};
pub use lifecycle::{
    can_resume_run, cancel_run, count_resume_run_attempts, dispose, force_cancel_run, launch_run,
    launch_run_with_workspace, resume_run, run_will_resume, submit_run, submit_run_with_workspace,
};
#[cfg(feature = "process")]
pub use process::{
    CommandOutcome, CustomMessageSink, OutputSink, PipesTransport, ProcessRunLauncher, RunOutcome,
    StopSignal,
};
#[cfg(all(feature = "grpc", feature = "process"))]
pub use server_process::ServerOutput;
#[cfg(feature = "process")]
pub use server_process::{
    CodeServerCommand, CodeServerEndpoint, CodeServerKind, Interpreter, InterpreterSearch,
    NoInterpreter,
};
pub use unserved::{UnservedRunCoordinator, UnservedRunLauncher};
pub use variables::LauncherVariables;
