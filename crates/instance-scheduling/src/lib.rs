//! The scheduling domain: schedules and sensors.
//!
//! This crate does not know how anything is stored; see `instance_core::storage::ScheduleStorage`.
//!
#![doc = include_str!("../README.md")]

mod instigators;

/// The core: the types that the functions of this crate take and return, and the traits that they are called on.
pub use instance_core;

pub use instigators::all_instigator_state;
