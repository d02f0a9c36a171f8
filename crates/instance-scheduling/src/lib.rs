//! The scheduling domain: schedules and sensors.
//!
//! This crate does not know how anything is stored; see `instance_core::storage::ScheduleStorage`.
//!
#![doc = include_str!("../README.md")]

mod instigators;

pub use instigators::all_instigator_state;
