//! One file for each command.

pub(crate) mod asset_checks;
pub(crate) mod asset_list;
pub(crate) mod asset_partitions;
pub(crate) mod asset_show;
pub(crate) mod asset_wipe;
pub(crate) mod backfill_list;
pub(crate) mod backfill_show;
pub(crate) mod exec;
pub(crate) mod info;
pub(crate) mod instigator_show;
pub(crate) mod instigator_switch;
pub(crate) mod instigators;
pub(crate) mod known;
pub(crate) mod lost_worker;
pub(crate) mod pages;
pub(crate) mod partitions_add;
pub(crate) mod partitions_delete;
pub(crate) mod partitions_list;
pub(crate) mod reindex;
pub(crate) mod run_cancel;
pub(crate) mod run_events;
pub(crate) mod run_list;
pub(crate) mod run_show;
pub(crate) mod schedule_list;
pub(crate) mod sensor_list;
pub(crate) mod tick_list;
