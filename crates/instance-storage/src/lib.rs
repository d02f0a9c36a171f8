//! The stores of runs, events and schedules in databases, captured logs on disk, and the functions of the storage
//! domain.
//!
//! This is the only crate that knows SQL. It does not know the other domains.
//!
#![doc = include_str!("../README.md")]
//!
//! Its modules are layers: each uses those above it in this list alone, and a test reads their `use` lines.
//!
//! | layer | what it is |
//! | --- | --- |
//! | `context` | what a storage takes from outside of its databases |
//! | `sql` | every statement, as a function; no connection |
//! | `db` | a database of either kind: statements in, rows out; all that differs in how the two behave |
//! | `watch` | waking those who follow the events of a run |
//! | `run_logs` | in which database the events of a run are |
//! | `stores` | the traits of `instance_core::storage`, each in a file of the trait's name |
//! | `layouts` | which stores an instance has, and where they lie |
//!
//! Beside them: `compute_logs`, captured output in files or in S3; `file_systems`, on which of them SQLite is not safe; and
//! `domain`, the functions of the storage domain, which use none of the layers.

mod compute_logs;
#[cfg(feature = "sqlite")]
mod context;
#[cfg(feature = "sqlite")]
mod db;
mod domain;
mod file_systems;
#[cfg(feature = "sqlite")]
mod layouts;
#[cfg(feature = "sqlite")]
mod run_logs;
#[cfg(feature = "sqlite")]
mod sql;
#[cfg(feature = "sqlite")]
mod stores;
#[cfg(feature = "sqlite")]
mod watch;

/// The core: the types that the functions of this crate take and return, and the traits that they are called on.
pub use instance_core;

#[cfg(feature = "s3")]
pub use compute_logs::S3ComputeLogManager;
pub use compute_logs::{
    LocalComputeLogManager, NoOpComputeLogManager, UnservedComputeLogManager, compute_log_manager,
};
#[cfg(feature = "sqlite")]
pub use context::{OpenMode, StorageContext};
#[cfg(feature = "postgres")]
pub use db::{PostgresConfig, PostgresLogin, PostgresToken, PostgresTokenError, PostgresTokens};
pub use domain::{
    AddedDynamicPartitions, DataMigrations, DatabaseChange, DynamicPartitionsProgress,
    HistoricalJob, InfoDict, InfoValue, MIGRATED_INDEXES, REINDEXED_INDEXES, Reindex, ReindexEvent,
    ReindexProgress, ReindexedIndex, SECONDARY_INDEXES, SchemaCheck, Snapshot, StorageInfo,
    UnbuiltIndex, Upgrade, UpgradeBackup, UpgradeOutcome, UpgradePlan, UpgradeProgress,
    UpgradedDatabase, add_daemon_heartbeat, add_dynamic_partitions,
    add_dynamic_partitions_in_batches, add_snapshot, check_schema,
    daemon_skip_heartbeats_without_errors, delete_dynamic_partition, dispose,
    file_manager_directory, get_daemon_heartbeats, get_daemon_statuses, get_dynamic_partitions,
    get_dynamic_partitions_definition_id, get_existing_dynamic_partitions, get_historical_job,
    get_latest_storage_id_by_partition, get_paginated_dynamic_partitions,
    get_required_daemon_types, has_dynamic_partition, has_historical_job, info_dict, info_str,
    optimize_for_webserver, read_partition_keys, reindex, root_directory, schedules_directory,
    schema_str, storage_directory, storage_info, upgrade, upgrade_plan, wipe,
    wipe_daemon_heartbeats,
};
pub use instance_core::tags::is_indexed_tag;
#[cfg(feature = "sqlite")]
pub use layouts::Storages;
