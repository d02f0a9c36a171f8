//! One file for each command.

pub(crate) mod asset_list;
pub(crate) mod exec;
pub(crate) mod info;
pub(crate) mod pages;
pub(crate) mod run_events;
pub(crate) mod run_list;
pub(crate) mod run_show;
