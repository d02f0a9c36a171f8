//! The run domain: creating runs with their snapshots and planned events, and finding runs again.
//!
//! How anything is stored is not known here; see `instance_core::storage::RunStorage`.

mod command_job;
mod create;
mod planned;
mod read;
mod snapshots;

pub use command_job::{CommandJob, CommandJobSnapshots};
pub use create::{CreateRun, construct_run_with_snapshots, create_run};
pub use planned::log_asset_planned_events;
pub use read::{
    find_run, get_run_by_id, get_run_record_by_id, get_run_records, get_run_stats,
    get_run_step_stats, get_runs, get_runs_count, has_run,
};
pub use snapshots::{ensure_persisted_execution_plan_snapshot, ensure_persisted_job_snapshot};
