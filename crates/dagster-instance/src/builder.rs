//! Opening an instance.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use instance_config::{ProcessEnvironment, find_home, load_settings};
use instance_core::clock::{Clock, IdSource, RandomIds, SystemClock};
use instance_core::error::InstanceError;
use instance_core::event::EventBuffer;
use instance_core::launcher::{RunCoordinator, RunLauncher};
use instance_core::settings::EventBatching;
use instance_launcher::DefaultRunCoordinator;
use instance_storage::{LocalComputeLogManager, OpenMode, StorageContext, Storages};

use crate::instance::{DagsterInstance, Inner};

/// Opens a [`DagsterInstance`]; everything that is not said has a default.
#[derive(Debug)]
pub struct DagsterInstanceBuilder {
    home: Option<PathBuf>,
    mode: OpenMode,
    run_coordinator: Arc<dyn RunCoordinator>,
    run_launcher: Option<Arc<dyn RunLauncher>>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdSource>,
    event_batching: Option<EventBatching>,
    run_size_limit_bytes: Option<u64>,
}

impl DagsterInstance {
    /// Begins to open an instance.
    pub fn builder() -> DagsterInstanceBuilder {
        DagsterInstanceBuilder {
            home: None,
            mode: OpenMode::CreateIfMissing,
            run_coordinator: Arc::new(DefaultRunCoordinator),
            run_launcher: None,
            clock: Arc::new(SystemClock),
            ids: Arc::new(RandomIds),
            event_batching: None,
            run_size_limit_bytes: None,
        }
    }
}

impl DagsterInstanceBuilder {
    /// The instance's directory. Without it, `DAGSTER_HOME` names it, and without that it is
    /// `dagster-instance` below the user's data directory.
    #[must_use]
    pub fn home(mut self, home: impl Into<PathBuf>) -> Self {
        self.home = Some(home.into());
        self
    }

    /// Fail to open where there is no instance, instead of creating one.
    #[must_use]
    pub fn must_exist(mut self) -> Self {
        self.mode = OpenMode::MustExist;
        self
    }

    /// What decides when a submitted run is launched: at once, unless said otherwise.
    #[must_use]
    pub fn run_coordinator(mut self, run_coordinator: impl RunCoordinator) -> Self {
        self.run_coordinator = Arc::new(run_coordinator);
        self
    }

    /// What starts the workers of runs: processes of this machine, unless said otherwise.
    #[must_use]
    pub fn run_launcher(mut self, run_launcher: impl RunLauncher) -> Self {
        self.run_launcher = Some(Arc::new(run_launcher));
        self
    }

    /// Where the time comes from, for tests.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Where fresh ids come from, for tests.
    #[must_use]
    pub fn ids(mut self, ids: impl IdSource) -> Self {
        self.ids = Arc::new(ids);
        self
    }

    /// Which events wait for others before they are stored; unless said otherwise, those of batches if
    /// `DAGSTER_EVENT_BATCH_SIZE` is set, as for Dagster, and none else.
    ///
    /// Whoever has events wait calls [`dispose`](DagsterInstance::dispose) in the end, or loses the last ones.
    #[must_use]
    pub const fn event_batching(mut self, event_batching: EventBatching) -> Self {
        self.event_batching = Some(event_batching);
        self
    }

    /// How many bytes the body of a run may have; any number unless said otherwise.
    #[must_use]
    pub const fn run_size_limit_bytes(mut self, limit: u64) -> Self {
        self.run_size_limit_bytes = Some(limit);
        self
    }

    /// Opens the instance. Its files are opened, and missing ones created, when they are first
    /// needed.
    ///
    /// Errors: no directory can be found; its `dagster.yaml` asks for what this version does not
    /// have; [`must_exist`](Self::must_exist) was said and there is no instance; no launcher is
    /// given and the feature `process` is off.
    pub async fn open(self) -> Result<DagsterInstance, InstanceError> {
        let home = find_home(self.home.as_deref(), &ProcessEnvironment)?;
        let settings = load_settings(&home.path, &ProcessEnvironment)?;
        let context = StorageContext {
            clock: Arc::clone(&self.clock),
            ids: Arc::clone(&self.ids),
            ..StorageContext::default()
        };
        let storages = Storages::open(&settings.storage, self.mode, context).await?;
        let inner = Inner {
            run_storage: storages.run_storage(),
            event_log_storage: storages.event_log_storage(),
            schedule_storage: storages.schedule_storage(),
            compute_log_manager: Arc::new(LocalComputeLogManager::new(&settings.compute_logs_dir)),
            run_coordinator: self.run_coordinator,
            run_launcher: self.run_launcher.map_or_else(default_launcher, Ok)?,
            clock: self.clock,
            ids: self.ids,
            listeners: Mutex::default(),
            run_event_store: storages.run_event_store(),
            event_batching: self.event_batching.unwrap_or(settings.event_batching),
            event_buffer: EventBuffer::default(),
            run_size_limit_bytes: self.run_size_limit_bytes,
            settings,
            storages,
        };
        Ok(DagsterInstance { inner: Arc::new(inner) })
    }
}

#[cfg(feature = "process")]
#[expect(clippy::unnecessary_wraps, reason = "without the feature there is no default")]
fn default_launcher() -> Result<Arc<dyn RunLauncher>, InstanceError> {
    Ok(Arc::new(instance_launcher::ProcessRunLauncher::new()))
}

#[cfg(not(feature = "process"))]
fn default_launcher() -> Result<Arc<dyn RunLauncher>, InstanceError> {
    Err(InstanceError::Config {
        place: "builder".to_owned(),
        reason: "no launcher was given, and the feature `process` that has a default one is off"
            .to_owned(),
        source: None,
    })
}
