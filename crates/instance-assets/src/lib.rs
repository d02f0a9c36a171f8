//! The asset domain: what is known of assets.
//!
//! This crate does not know how anything is stored; see `instance_core::storage::EventLogStorage`.
//!
#![doc = include_str!("../README.md")]

mod cached_status;
mod capabilities;
mod checks;
mod events;
mod freshness;
mod health;
mod materializations;
mod partitions;
mod records;
mod runless;
mod status;
mod wipe;

/// The core: the types that the functions of this crate take and return, and the traits that they are called on.
pub use instance_core;

pub use cached_status::{
    get_and_update_asset_status_cache_value, update_asset_cached_status_data,
    wipe_asset_cached_status,
};
pub use capabilities::{
    AssetCheckInstanceSupport, can_read_asset_failure_events, can_read_asset_status_cache,
    can_read_failure_events_for_asset, get_asset_check_support, internal_asset_freshness_enabled,
    supports_wipe_on_delete_for_multipartitioned_assets,
};
pub use checks::{
    get_asset_check_summary_records_for_asset, get_latest_asset_check_evaluation_record,
};
pub use events::{
    fetch_failed_materializations, fetch_materializations, fetch_observations,
    fetch_planned_materializations, get_event_tags_for_asset,
};
pub use freshness::get_freshness_state_records;
pub use health::{
    dagster_asset_health_queries_supported, get_asset_check_health_state_for_assets,
    get_asset_freshness_health_state_for_assets, get_asset_materialization_health_state_for_assets,
    get_minimal_asset_materialization_health_state_for_assets,
    streamline_read_asset_health_required, streamline_read_asset_health_supported,
};
pub use materializations::{
    DataVersionQuery, get_latest_data_version_record, get_latest_materialization_code_versions,
    get_latest_materialization_event, get_latest_materialization_events,
    get_latest_planned_materialization_info,
};
pub use partitions::{get_materialization_count_by_partition, get_materialized_partitions};
pub use records::{all_asset_keys, get_asset_keys, get_asset_records, has_asset_key};
pub use runless::{RunlessAssetEvent, report_runless_asset_event};
pub use status::{AssetPartitionStatus, get_status_by_known_partition, get_status_by_partition};
pub use wipe::{wipe_asset_partitions, wipe_assets};
