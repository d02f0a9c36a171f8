//! The scheduling domain: schedules and sensors with their ticks, backfills, evaluations of automation conditions, and
//! what daemons remember.
//!
//! This crate does not know how anything is stored; see `instance_core::storage::ScheduleStorage`.
//!
#![doc = include_str!("../README.md")]

mod automation;
mod backfills;
mod cursors;
mod debug;
mod instigators;
mod next_ticks;
mod paths;
mod retention;
mod schedules;
mod sensors;
mod switch;
mod ticks;
mod wipe;

/// The core: the types that the functions of this crate take and return, and the traits that they are called on.
pub use instance_core;

pub use automation::{
    add_auto_materialize_asset_evaluations, get_auto_materialize_asset_evaluations,
    get_auto_materialize_evaluations_for_evaluation_id, purge_asset_evaluations,
    supports_auto_materialize_asset_evaluations,
};
pub use backfills::{
    add_backfill, get_backfill, get_backfills, get_backfills_count, update_backfill,
};
pub use cursors::{get_cursor_values, set_cursor_values};
pub use debug::{InstigatorDebugInfo, SchedulerDebugInfo, scheduler_class, scheduler_debug_info};
pub use instigators::{
    add_instigator_state, all_instigator_state, delete_instigator_state, get_instigator_state,
    update_instigator_state,
};
pub use next_ticks::{get_next_schedule_ticks, get_previous_schedule_ticks};
pub use paths::logs_path_for_schedule;
pub use retention::{get_tick_retention_settings, purge_ticks_by_retention};
pub use schedules::{reset_schedule, start_schedule, stop_schedule};
pub use sensors::{reset_sensor, start_sensor, stop_sensor};
pub use ticks::{
    create_tick, get_batch_ticks, get_tick, get_tick_summaries,
    get_tick_termination_check_interval, get_ticks, get_ticks_by_ids, purge_ticks,
    supports_batch_tick_queries, update_tick,
};
pub use wipe::wipe_all_schedules;
