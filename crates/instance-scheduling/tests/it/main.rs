//! The scheduling domain over stores in memory.

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
mod support;
mod ticks;
