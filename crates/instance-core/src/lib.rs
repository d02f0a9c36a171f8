//! The core of DagsterInstance: the types of every domain, the contracts of the stores, and the traits by which
//! domains use an instance.
//!
//! Nothing here knows SQL, files, the environment or processes. The codec and the evaluation of partitions are
//! crates of their own beneath this one; here they are [`serdes`] and [`partitions`]. A domain crate depends on
//! this crate and on no other of ours.
//!
#![doc = include_str!("../README.md")]

pub mod asset_key;
pub mod assets;
pub mod classes;
pub mod clock;
pub mod code_location;
pub mod command;
pub mod config_problems;
pub mod daemon;
pub mod error;
pub mod error_info;
pub mod event;
pub mod ids;
pub mod instance_ref;
pub mod launcher;
#[cfg(feature = "memory")]
pub mod memory;
pub mod ops;
pub mod python;
pub mod run;
pub mod scheduling;
pub mod selectors;
mod setters;
pub mod settings;
pub mod snap;
pub mod storage;
pub mod tags;
#[cfg(feature = "testing")]
pub mod testing;

pub use instance_partitions as partitions;
pub use instance_serdes as serdes;
pub use instance_serdes::{serdes_class, serdes_enum, serdes_union};

pub use asset_key::{AssetCheckKey, AssetKey};
pub use error::{InstanceError, StorageError};
pub use ids::{RunId, SnapshotId, StorageId};
