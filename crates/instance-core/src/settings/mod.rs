//! The configuration of an instance: what `dagster.yaml` says, a type for each section, with Dagster's defaults for
//! everything that it does not say.
//!
//! Not here: reading the file, which the configuration domain does.

mod artifacts;
mod auto_materialize;
mod class;
mod code_servers;
mod compute_logs;
mod concurrency;
mod daemon_threads;
mod defs_state;
mod event_batching;
mod grpc_limits;
mod kubernetes;
mod postgres;
mod postgres_url;
mod python_logs;
mod run_coordinator;
mod run_launcher;
mod run_monitoring;
mod run_retries;
mod s3_compute_logs;
mod scheduler;
mod secret;
mod secrets;
mod storage;
mod workspace;

use std::path::PathBuf;

pub use artifacts::LocalArtifactSettings;
pub use auto_materialize::AutoMaterializeSettings;
pub use class::ClassSettings;
pub use code_servers::CodeServerSettings;
pub use compute_logs::{ComputeLogSettings, LocalComputeLogSettings};
pub use concurrency::{
    ConcurrencyConfig, ConcurrencySettings, PoolConfig, PoolGranularity, PoolSettings,
    RunConcurrencySettings,
};
pub use daemon_threads::DaemonThreadSettings;
pub use defs_state::DefsStateSettings;
pub use event_batching::{BatchedEvents, EventBatching};
pub use grpc_limits::GrpcLimits;
pub use kubernetes::KubernetesSettings;
pub use postgres::{PostgresAuthProvider, PostgresSettings};
pub use python_logs::PythonLogSettings;
pub use run_coordinator::{
    BlockOpConcurrencyLimitedRuns, QueuedRunCoordinatorSettings, RunCoordinatorSettings,
    RunQueueConfig, TagConcurrencyLimit, TagLimitValue,
};
pub use run_launcher::RunLauncherSettings;
pub use run_monitoring::RunMonitoringSettings;
pub use run_retries::RunRetries;
pub use s3_compute_logs::S3ComputeLogSettings;
pub use scheduler::{DEFAULT_SCHEDULER_CLASS, DaemonSchedulerSettings, SchedulerSettings};
pub use secret::Secret;
pub use secrets::SecretsSettings;
pub use storage::{StorageSettings, StoreSettings};
pub use workspace::WorkspaceSettings;

use crate::config_problems::ConfigProblems;
use crate::error::InstanceError;
use crate::instance_ref::InstanceRef;
use crate::scheduling::TickRetentionSettings;

/// Whether an instance outlives its process.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum InstanceType {
    /// It does: other processes can open it.
    #[default]
    Persistent,
    /// It does not: it is in the memory of one process.
    Ephemeral,
}

/// The configuration of an instance, with every default filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own in dagster.yaml")]
#[non_exhaustive]
pub struct InstanceSettings {
    /// The instance's directory, which Dagster calls `DAGSTER_HOME`. Of an instance that was opened by its reference,
    /// it is the directory for what needs a local disk.
    pub home: PathBuf,
    /// Whether the instance outlives its process.
    pub instance_type: InstanceType,
    /// By what other processes open the instance; `None` if they cannot, as it is in memory or made of a program's own
    /// parts.
    pub instance_ref: Option<InstanceRef>,
    /// Where the three stores are.
    pub storage: StorageSettings,
    /// Where what needs a local disk is kept.
    pub local_artifact_storage: LocalArtifactSettings,
    /// Where the output of workers is captured.
    pub compute_logs: ComputeLogSettings,
    /// What starts the runs of schedules.
    pub scheduler: SchedulerSettings,
    /// What decides when a submitted run is launched.
    pub run_coordinator: RunCoordinatorSettings,
    /// What starts the workers of runs, unless the program has a launcher of its own.
    pub run_launcher: RunLauncherSettings,
    /// From where user code gets environment variables before it is loaded.
    pub secrets: SecretsSettings,
    /// Where definitions are kept that integrations of Python have fetched.
    pub defs_state_storage: DefsStateSettings,
    /// The class of Python that the instance is for Dagster; `None` if it is Dagster's own. Such a class may have
    /// other defaults, so it has to be known where the stores are.
    pub instance_class: Option<ClassSettings>,
    /// Whether Dagster reports how it is used to its makers. The default is yes. This version reports nothing.
    pub telemetry_enabled: bool,
    /// Whether Dagster's web page may ask new users for their address. The default is yes.
    pub nux_enabled: bool,
    /// Which log lines of a program become lines of the log of a run.
    pub python_logs: PythonLogSettings,
    /// When Dagster's daemon takes a run for lost.
    pub run_monitoring: RunMonitoringSettings,
    /// Whether and when failed runs are retried.
    pub run_retries: RunRetries,
    /// How long servers of user code may take.
    pub code_servers: CodeServerSettings,
    /// How long ticks are kept.
    pub tick_retention: TickRetentionSettings,
    /// With how many threads Dagster's daemon works on backfills.
    pub backfills: DaemonThreadSettings,
    /// With how many threads Dagster's daemon works on sensors.
    pub sensors: DaemonThreadSettings,
    /// With how many threads Dagster's daemon works on schedules.
    pub schedules: DaemonThreadSettings,
    /// How Dagster's daemon evaluates automation conditions.
    pub auto_materialize: AutoMaterializeSettings,
    /// Whether Dagster's daemon evaluates the freshness of assets. The default is yes.
    pub freshness_enabled: bool,
    /// How many runs and steps there are at the same time.
    pub concurrency: ConcurrencySettings,
    /// Which events wait for others before they are stored; `DAGSTER_EVENT_BATCH_SIZE` says it.
    pub event_batching: EventBatching,
    /// Whether the freshness of assets is shown, unless `DAGSTER_ASSET_FRESHNESS_ENABLED` is `false`.
    pub asset_freshness_enabled: bool,
    /// How many runs Dagster's web server lists unless it is asked for a number; `None` is any number.
    /// `DAGSTER_DEFAULT_GRAPHQL_RUN_RECORDS_LIMIT` says it. A text that is no number matters only to who needs it.
    pub default_graphql_run_records_limit: Result<Option<i64>, ConfigProblems>,
    /// Whether `DAGSTER_LEGACY_FRESHNESS_POLICY_KILLSWITCH` turns the old policies of freshness off.
    pub legacy_freshness_policy_killswitch_enabled: bool,
    /// How many seconds after its next sign of life is due a daemon still counts as healthy for
    /// `dagster-daemon liveness-check`. `DAGSTER_DAEMON_HEARTBEAT_TOLERANCE` says it; the default is 1,800. A text that is
    /// no number matters only to who needs it.
    pub daemon_heartbeat_tolerance_seconds: Result<i64, ConfigProblems>,
    /// For how many seconds after its start the queue counts a run in the pools of its first steps, which have no slots
    /// yet. `DAGSTER_OP_CONCURRENCY_KEYS_ALLOTTED_FOR_STARTED_RUN_SECONDS` says it; the default is 5. A text that is no
    /// number matters only to who needs it.
    pub started_run_pools_allotted_seconds: Result<i64, ConfigProblems>,
}

impl InstanceSettings {
    /// By what other processes open the instance.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Config`] if no other process can open it, as it is in memory or made of a program's own
    /// parts, or if it is of a class of somebody else's.
    pub fn required_instance_ref(&self) -> Result<&InstanceRef, InstanceError> {
        self.instance_ref.as_ref().ok_or_else(|| InstanceError::Config {
            place: "the instance".to_owned(),
            reason: "there is no reference by which other processes could open it, as it is in memory, made of the \
                     program's own settings, or of a class of somebody else's; open one that has a directory"
                .to_owned(),
            source: None,
        })
    }

    /// All defaults, for an instance in this directory. An empty path is the working directory of the process.
    pub fn new(home: impl Into<PathBuf>) -> Self {
        let home = home.into();
        Self {
            instance_type: InstanceType::default(),
            instance_ref: None,
            storage: StorageSettings::sqlite_below(&home),
            local_artifact_storage: LocalArtifactSettings::Local(home.clone()),
            compute_logs: ComputeLogSettings::local(home.join("storage")),
            scheduler: SchedulerSettings::default(),
            run_coordinator: RunCoordinatorSettings::default(),
            run_launcher: RunLauncherSettings::default(),
            secrets: SecretsSettings::default(),
            defs_state_storage: DefsStateSettings::default(),
            instance_class: None,
            telemetry_enabled: true,
            nux_enabled: true,
            python_logs: PythonLogSettings::default(),
            run_monitoring: RunMonitoringSettings::default(),
            run_retries: RunRetries::default(),
            code_servers: CodeServerSettings::default(),
            tick_retention: TickRetentionSettings::default(),
            backfills: DaemonThreadSettings::new(),
            sensors: DaemonThreadSettings::of_sensors(),
            schedules: DaemonThreadSettings::new(),
            auto_materialize: AutoMaterializeSettings::default(),
            freshness_enabled: true,
            concurrency: ConcurrencySettings::default(),
            event_batching: EventBatching::default(),
            asset_freshness_enabled: true,
            default_graphql_run_records_limit: Ok(None),
            legacy_freshness_policy_killswitch_enabled: false,
            daemon_heartbeat_tolerance_seconds: Ok(1_800),
            started_run_pools_allotted_seconds: Ok(5),
            home,
        }
    }
}

crate::setters! {
    impl InstanceSettings {
        /// Whether the instance outlives its process.
        with_instance_type(instance_type: InstanceType);
        /// By what other processes open the instance.
        with_instance_ref(instance_ref: impl Into<Option<InstanceRef>>);
        /// Where the three stores are.
        with_storage(storage: StorageSettings);
        /// Where what needs a local disk is kept.
        with_local_artifact_storage(local_artifact_storage: LocalArtifactSettings);
        /// Where the output of workers is captured.
        with_compute_logs(compute_logs: ComputeLogSettings);
        /// What starts the runs of schedules.
        with_scheduler(scheduler: SchedulerSettings);
        /// What decides when a submitted run is launched.
        with_run_coordinator(run_coordinator: RunCoordinatorSettings);
        /// What starts the workers of runs, unless the program has a launcher of its own.
        with_run_launcher(run_launcher: RunLauncherSettings);
        /// From where user code gets environment variables before it is loaded.
        with_secrets(secrets: SecretsSettings);
        /// Where definitions are kept that integrations of Python have fetched.
        with_defs_state_storage(defs_state_storage: DefsStateSettings);
        /// The class of Python that the instance is for Dagster.
        with_instance_class(instance_class: impl Into<Option<ClassSettings>>);
        /// Whether Dagster reports how it is used to its makers.
        with_telemetry_enabled(telemetry_enabled: bool);
        /// Whether Dagster's web page may ask new users for their address.
        with_nux_enabled(nux_enabled: bool);
        /// Which log lines of a program become lines of the log of a run.
        with_python_logs(python_logs: PythonLogSettings);
        /// When Dagster's daemon takes a run for lost.
        with_run_monitoring(run_monitoring: RunMonitoringSettings);
        /// Whether and when failed runs are retried.
        with_run_retries(run_retries: RunRetries);
        /// How long servers of user code may take.
        with_code_servers(code_servers: CodeServerSettings);
        /// How long ticks are kept.
        with_tick_retention(tick_retention: TickRetentionSettings);
        /// With how many threads Dagster's daemon works on backfills.
        with_backfills(backfills: DaemonThreadSettings);
        /// With how many threads Dagster's daemon works on sensors.
        with_sensors(sensors: DaemonThreadSettings);
        /// With how many threads Dagster's daemon works on schedules.
        with_schedules(schedules: DaemonThreadSettings);
        /// How Dagster's daemon evaluates automation conditions.
        with_auto_materialize(auto_materialize: AutoMaterializeSettings);
        /// Whether Dagster's daemon evaluates the freshness of assets.
        with_freshness_enabled(freshness_enabled: bool);
        /// How many runs and steps there are at the same time.
        with_concurrency(concurrency: ConcurrencySettings);
        /// Which events wait for others before they are stored.
        with_event_batching(event_batching: EventBatching);
        /// Whether the freshness of assets is shown.
        with_asset_freshness_enabled(asset_freshness_enabled: bool);
        /// How many runs Dagster's web server lists unless it is asked for a number.
        with_default_graphql_run_records_limit(default_graphql_run_records_limit: Result<Option<i64>, ConfigProblems>);
        /// Whether the old policies of freshness are off.
        with_legacy_freshness_policy_killswitch_enabled(legacy_freshness_policy_killswitch_enabled: bool);
        /// How many seconds after its next sign of life is due a daemon still counts as healthy.
        with_daemon_heartbeat_tolerance_seconds(daemon_heartbeat_tolerance_seconds: Result<i64, ConfigProblems>);
        /// For how many seconds after its start the queue counts a run in the pools of its first steps.
        with_started_run_pools_allotted_seconds(started_run_pools_allotted_seconds: Result<i64, ConfigProblems>);
    }
}
