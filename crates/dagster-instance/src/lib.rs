//! The facade of DagsterInstance: one type with a method for everything that an instance does, and no logic.
//!
#![doc = include_str!("../README.md")]
//!
//! [`DagsterInstance`] has the stores, the coordinator and the launcher. The crate of a domain implements each method.

mod builder;
mod constructors;
mod instance;
mod keep;
#[cfg(feature = "grpc")]
mod launching;
mod lifecycle;
#[cfg(feature = "tracing-layer")]
mod log_layer;
mod methods;
mod reexecutor;
#[cfg(feature = "grpc")]
mod retrying;
mod wiring;

pub use builder::DagsterInstanceBuilder;
pub use instance::DagsterInstance;
#[cfg(feature = "grpc")]
pub use retrying::RetryRequest;

pub use instance_assets::{
    AssetCheckInstanceSupport, AssetPartitionStatus, DataVersionQuery, RunlessAssetEvent,
};
pub use instance_config::{
    CONFIG_FILENAME, ConfigCheck, ConfigDescription, DescribedLocation, DescribedSetting,
    Environment, Home, HomeSource, LoadSettings, LoadWorkspace, PYPROJECT_FILENAME,
    ProcessEnvironment, SettingOrigin, WORKSPACE_FILENAME, WorkspaceDescription, WorkspaceOptions,
    check_config, dagster_yaml_schema, describe_settings, describe_workspace, find_home,
    grpc_limits, load_settings, load_settings_of, load_workspace, read_run_config,
    settings_from_ref, workspace_yaml_schema,
};
pub use instance_core::clock::{self, Clock, IdSource, RandomIds, SystemClock};
pub use instance_core::command::{COMMAND_OP, CommandSpec};
pub use instance_core::event::{EventListener, NewEvent, ReportEngineEvent, ReportEvent};
pub use instance_core::storage::Only;
pub use instance_core::{
    AssetCheckKey, AssetKey, InstanceError, RunId, SnapshotId, StorageError, StorageId, asset_key,
    assets, classes, code_location, config_problems, daemon, error, error_info, event,
    instance_ref, launcher, memory, ops, partitions, run, scheduling, selectors, serdes, settings,
    snap, storage, tags,
};
#[cfg(feature = "tracing-layer")]
pub use instance_events::run_log_layer;
pub use instance_events::{EventLogWatch, EventLogWatchHandle, WatchEventLogs, WatchUntil};
#[cfg(feature = "grpc")]
pub use instance_launcher::{
    CodeLocationChange, CodeLocationChangeKind, CodeLocationOptions, CodeLocationWatch,
    CodeLocations, CodeServerClient, CodeServerRunLauncher, GrpcCodeLocation, GrpcPlace,
    GrpcTarget, LaunchPartition, LaunchRequest, LaunchStyle, RepositoryText,
};
#[cfg(feature = "process")]
pub use instance_launcher::{
    CommandOutcome, CustomMessageSink, DagsterWorkerLauncher, OutputSink, PipesTransport,
    ProcessRunLauncher, RunOutcome, StopSignal,
};
pub use instance_launcher::{
    DefaultRunCoordinator, NoRunLauncher, QueuedRunCoordinator, RunDeletion,
    UnservedRunCoordinator, UnservedRunLauncher, keepers, monitoring, queue, retries,
};
#[cfg(all(feature = "grpc", feature = "process"))]
pub use instance_launcher::{InterpreterSearch, ServerOutput};
#[cfg(feature = "kube")]
pub use instance_launcher::{KubernetesJob, KubernetesRunLauncher, LauncherVariables};
pub use instance_runs::{
    CommandJob, CommandJobSnapshots, CreateReexecutedRun, CreateRun, ReexecutionStrategy,
    RegisterManagedRun,
};
pub use instance_scheduling::{InstigatorDebugInfo, SchedulerDebugInfo};
#[cfg(feature = "s3")]
pub use instance_storage::S3ComputeLogManager;
pub use instance_storage::{
    AddedDynamicPartitions, DataMigrations, DatabaseChange, DynamicPartitionsProgress,
    HistoricalJob, InfoDict, InfoValue, LocalComputeLogManager, MIGRATED_INDEXES,
    NoOpComputeLogManager, REINDEXED_INDEXES, Reindex, ReindexEvent, ReindexProgress,
    ReindexedIndex, SECONDARY_INDEXES, SchemaCheck, Snapshot, StorageInfo, UnbuiltIndex,
    UnservedComputeLogManager, Upgrade, UpgradeBackup, UpgradeOutcome, UpgradePlan,
    UpgradeProgress, UpgradedDatabase, read_partition_keys,
};
