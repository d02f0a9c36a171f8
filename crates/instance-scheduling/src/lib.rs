//! The scheduling domain: schedules and sensors.
//!
//! How anything is stored is not known here; see `instance_core::storage::ScheduleStorage`.
//!
#![doc = include_str!("../README.md")]

mod instigators;

pub use instigators::all_instigator_state;
