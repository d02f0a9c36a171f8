//! The functions of the storage domain: dynamic partitions, snapshots, signs of life, reindexing, upgrading, checking the schema, wiping, and what
//! there is to say about the storages.
//!
//! They know the contracts of stores alone, so they work on stores of any kind. Not here: any database.

mod bulk;
mod checking;
mod connections;
mod daemons;
mod directories;
mod dynamic_partitions;
mod info;
mod reindexing;
mod said;
mod snapshots;
mod upgrading;
mod wiping;

pub use bulk::{
    AddedDynamicPartitions, DynamicPartitionsProgress, add_dynamic_partitions_in_batches,
    read_partition_keys,
};
pub use checking::{SchemaCheck, check_schema};
pub use connections::{dispose, optimize_for_webserver};
pub use daemons::{
    add_daemon_heartbeat, daemon_skip_heartbeats_without_errors, get_daemon_heartbeats,
    get_daemon_statuses, get_required_daemon_types, wipe_daemon_heartbeats,
};
pub use directories::{
    file_manager_directory, root_directory, schedules_directory, storage_directory,
};
pub use dynamic_partitions::{
    add_dynamic_partitions, delete_dynamic_partition, get_dynamic_partitions,
    get_dynamic_partitions_definition_id, get_existing_dynamic_partitions,
    get_latest_storage_id_by_partition, get_paginated_dynamic_partitions, has_dynamic_partition,
};
pub use info::{StorageInfo, storage_info};
pub use reindexing::{
    DataMigrations, MIGRATED_INDEXES, REINDEXED_INDEXES, Reindex, ReindexEvent, ReindexProgress,
    ReindexedIndex, SECONDARY_INDEXES, UnbuiltIndex, reindex,
};
pub use said::{InfoDict, InfoValue, info_dict, info_str, schema_str};
pub use snapshots::{
    HistoricalJob, Snapshot, add_snapshot, get_historical_job, has_historical_job,
};
pub use upgrading::{
    DatabaseChange, Upgrade, UpgradeBackup, UpgradeOutcome, UpgradePlan, UpgradeProgress,
    UpgradedDatabase, upgrade, upgrade_plan,
};
pub use wiping::wipe;
