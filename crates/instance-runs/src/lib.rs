//! The run domain: creating, re-executing and registering runs, with their snapshots and planned events; finding,
//! changing and deleting them.
//!
//! This crate does not know how anything is stored; see `instance_core::storage::RunStorage`.
//!
#![doc = include_str!("../README.md")]

mod change;
mod command_job;
mod construct;
mod create;
mod known_state;
mod managed;
mod partitions;
mod planned;
mod pools;
mod read;
mod reexecute;
mod snapshots;
mod validate;

/// The core: the types that the functions of this crate take and return, and the traits that they are called on.
pub use instance_core;

pub use instance_core::ops::CreateReexecutedRun;
pub use instance_core::run::ReexecutionStrategy;

pub use change::{add_run, add_run_tags, delete_run, get_run_size_limit_bytes, handle_run_event};
pub use command_job::{CommandJob, CommandJobSnapshots};
pub use construct::construct_run_with_snapshots;
pub use create::{CreateRun, create_run};
pub use managed::{RegisterManagedRun, register_managed_run};
pub use planned::{log_asset_planned_events, log_materialization_planned_event_for_asset};
pub use read::{
    find_run, get_run_by_id, get_run_group, get_run_ids, get_run_partition_data,
    get_run_record_by_id, get_run_records, get_run_stats, get_run_step_stats, get_run_tag_keys,
    get_run_tags, get_runs, get_runs_count, has_run,
};
pub use reexecute::{create_reexecuted_run, get_keys_to_reexecute, prepare_reexecuted_run};
pub use snapshots::{
    ensure_persisted_execution_plan_snapshot, ensure_persisted_job_snapshot,
    get_execution_plan_snapshot, get_job_snapshot, has_execution_plan_snapshot, has_job_snapshot,
    has_snapshot,
};
