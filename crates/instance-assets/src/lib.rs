//! The asset domain: what is known of assets.
//!
//! This crate does not know how anything is stored; see `instance_core::storage::EventLogStorage`.
//!
#![doc = include_str!("../README.md")]

mod records;
mod runless;

/// The core: the types that the functions of this crate take and return, and the traits that they are called on.
pub use instance_core;

pub use records::{all_asset_keys, get_asset_records, has_asset_key};
pub use runless::{RunlessAssetEvent, report_runless_asset_event};
