//! The asset domain: what is known of assets.
//!
//! How anything is stored is not known here; see `instance_core::storage::EventLogStorage`.

mod records;

pub use records::{all_asset_keys, get_asset_records, has_asset_key};
