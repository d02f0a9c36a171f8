//! Building an instance: which parts it is given, and which it makes for itself.

use std::path::PathBuf;
use std::sync::Arc;

use instance_config::{ProcessEnvironment, find_home, load_settings};
use instance_core::clock::{Clock, IdSource, RandomIds, SystemClock};
use instance_core::error::InstanceError;
use instance_core::event::{EventBuffer, EventListeners};
use instance_core::launcher::{RunCoordinator, RunLauncher};
use instance_core::memory::MemoryStores;
use instance_core::settings::{EventBatching, InstanceSettings, StorageSettings, StoreSettings};
use instance_core::storage::{ComputeLogManager, Stores};
use instance_launcher::DefaultRunCoordinator;
use instance_storage::LocalComputeLogManager;

use crate::instance::{DagsterInstance, Inner};

/// Opens a [`DagsterInstance`]; everything that is not said has a default.
#[derive(Debug)]
#[must_use]
pub struct DagsterInstanceBuilder {
    home: Option<PathBuf>,
    must_exist: bool,
    settings: Option<InstanceSettings>,
    stores: Option<Stores>,
    compute_log_manager: Option<Arc<dyn ComputeLogManager>>,
    run_coordinator: Option<Arc<dyn RunCoordinator>>,
    run_launcher: Option<Arc<dyn RunLauncher>>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdSource>,
    event_batching: Option<EventBatching>,
    run_size_limit_bytes: Option<u64>,
}

impl DagsterInstance {
    /// Begins to build an instance.
    pub fn builder() -> DagsterInstanceBuilder {
        DagsterInstanceBuilder {
            home: None,
            must_exist: false,
            settings: None,
            stores: None,
            compute_log_manager: None,
            run_coordinator: None,
            run_launcher: None,
            clock: Arc::new(SystemClock),
            ids: Arc::new(RandomIds),
            event_batching: None,
            run_size_limit_bytes: None,
        }
    }

    /// An instance in memory, which is gone with its last handle. It reads no file and no variable of the
    /// environment, and writes no file.
    ///
    /// # Examples
    ///
    /// ```
    /// use dagster_instance::{CreateRun, DagsterInstance};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), dagster_instance::InstanceError> {
    /// let instance = DagsterInstance::ephemeral();
    /// let run = instance.create_run(CreateRun::new("etl")).await?;
    /// assert!(instance.has_run(&run.run_id).await?);
    /// # Ok(())
    /// # }
    /// ```
    pub fn ephemeral() -> Self {
        Self::builder().in_memory()
    }
}

impl DagsterInstanceBuilder {
    /// The instance's directory. Without it, `DAGSTER_HOME` names it, and without that it is
    /// `dagster-instance` below the user's data directory.
    pub fn home(mut self, home: impl Into<PathBuf>) -> Self {
        self.home = Some(home.into());
        self
    }

    /// Fail to open where there is no instance, instead of creating one.
    pub const fn must_exist(mut self) -> Self {
        self.must_exist = true;
        self
    }

    /// The settings; no `dagster.yaml` is read then.
    pub fn settings(mut self, settings: InstanceSettings) -> Self {
        self.settings = Some(settings);
        self
    }

    /// The stores. No database is opened then, whatever the settings name, and [`must_exist`](Self::must_exist) says
    /// nothing.
    pub fn stores(mut self, stores: Stores) -> Self {
        self.stores = Some(stores);
        self
    }

    /// Where the output of workers is captured: below the instance's directory, unless said otherwise.
    pub fn compute_log_manager(mut self, manager: impl ComputeLogManager) -> Self {
        self.compute_log_manager = Some(Arc::new(manager));
        self
    }

    /// What decides when a submitted run is launched: at once, unless said otherwise.
    pub fn run_coordinator(mut self, run_coordinator: impl RunCoordinator) -> Self {
        self.run_coordinator = Some(Arc::new(run_coordinator));
        self
    }

    /// What starts the workers of runs: processes of this machine, unless said otherwise. Without the feature
    /// `process` nothing does, and to launch a run is an error.
    pub fn run_launcher(mut self, run_launcher: impl RunLauncher) -> Self {
        self.run_launcher = Some(Arc::new(run_launcher));
        self
    }

    /// Where the time comes from: the operating system, unless said otherwise.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Where fresh ids come from: they are random, unless said otherwise.
    pub fn ids(mut self, ids: impl IdSource) -> Self {
        self.ids = Arc::new(ids);
        self
    }

    /// Which events wait for others before they are stored; unless said otherwise, those of batches if
    /// `DAGSTER_EVENT_BATCH_SIZE` is set, as for Dagster, and none else.
    ///
    /// Whoever has events wait calls [`dispose`](DagsterInstance::dispose) in the end, or loses the last ones.
    pub const fn event_batching(mut self, event_batching: EventBatching) -> Self {
        self.event_batching = Some(event_batching);
        self
    }

    /// How many bytes the body of a run may have; any number unless said otherwise.
    pub const fn run_size_limit_bytes(mut self, limit: u64) -> Self {
        self.run_size_limit_bytes = Some(limit);
        self
    }

    /// Builds an instance in memory; see [`DagsterInstance::ephemeral`]. Its directory has no name, and stores and
    /// captured logs that were given are used all the same.
    pub fn in_memory(mut self) -> DagsterInstance {
        let memory = MemoryStores::new(Arc::clone(&self.clock), &*self.ids);
        let stores = self.stores.take().unwrap_or_else(|| memory.stores());
        let manager = self.compute_log_manager.take();
        let manager = manager.unwrap_or_else(|| memory.compute_log_manager());
        let settings = self.settings.take();
        let settings = settings.unwrap_or_else(|| settings_of_stores(StoreSettings::Memory));
        self.build(settings, stores, manager)
    }

    /// Opens the instance. Its files are opened, and missing ones created, when they are first
    /// needed.
    ///
    /// With [stores](Self::stores) of the caller's and neither [`home`](Self::home) nor [`settings`](Self::settings),
    /// all settings are defaults, and neither `dagster.yaml` nor the environment is read.
    ///
    /// # Errors
    ///
    /// No directory can be found; its `dagster.yaml` asks for what this version, or this build, does not have;
    /// [`must_exist`](Self::must_exist) was said and there is no instance.
    pub async fn open(mut self) -> Result<DagsterInstance, InstanceError> {
        let settings = match self.settings.take() {
            Some(settings) => settings,
            None if self.stores.is_some() && self.home.is_none() => {
                settings_of_stores(StoreSettings::Custom)
            }
            None => {
                let home = find_home(self.home.as_deref(), &ProcessEnvironment)?;
                load_settings(&home.path, &ProcessEnvironment)?
            }
        };
        let stores = match self.stores.take() {
            Some(stores) => stores,
            None => self.open_stores(&settings).await?,
        };
        let manager = self
            .compute_log_manager
            .take()
            .unwrap_or_else(|| Arc::new(LocalComputeLogManager::new(&settings.compute_logs_dir)));
        Ok(self.build(settings, stores, manager))
    }

    #[cfg(feature = "sqlite")]
    async fn open_stores(&self, settings: &InstanceSettings) -> Result<Stores, InstanceError> {
        use instance_storage::{OpenMode, StorageContext, Storages};

        let mode = if self.must_exist { OpenMode::MustExist } else { OpenMode::CreateIfMissing };
        let context = StorageContext {
            clock: Arc::clone(&self.clock),
            ids: Arc::clone(&self.ids),
            ..StorageContext::default()
        };
        Ok(Storages::open(&settings.storage, mode, context).await?.stores())
    }

    #[cfg(not(feature = "sqlite"))]
    #[expect(clippy::unused_async, reason = "with the feature it waits for files")]
    async fn open_stores(&self, settings: &InstanceSettings) -> Result<Stores, InstanceError> {
        Err(InstanceError::Config {
            place: settings.home.display().to_string(),
            reason: format!(
                "its store of runs is {}, and this build has no database; give the builder stores, or \
                 build with the feature `sqlite` or `postgres`",
                settings.storage.run_storage
            ),
            source: None,
        })
    }

    fn build(
        self,
        settings: InstanceSettings,
        stores: Stores,
        compute_log_manager: Arc<dyn ComputeLogManager>,
    ) -> DagsterInstance {
        let inner = Inner {
            stores,
            compute_log_manager,
            run_coordinator: self
                .run_coordinator
                .unwrap_or_else(|| Arc::new(DefaultRunCoordinator)),
            run_launcher: self.run_launcher.unwrap_or_else(default_launcher),
            clock: self.clock,
            ids: self.ids,
            event_batching: self.event_batching.unwrap_or(settings.event_batching),
            event_buffer: EventBuffer::default(),
            event_listeners: EventListeners::default(),
            run_size_limit_bytes: self.run_size_limit_bytes,
            settings,
        };
        DagsterInstance { inner: Arc::new(inner) }
    }
}

/// All defaults, for stores that no `dagster.yaml` names.
fn settings_of_stores(store: StoreSettings) -> InstanceSettings {
    InstanceSettings::new(PathBuf::new()).with_storage(StorageSettings::all(store))
}

fn default_launcher() -> Arc<dyn RunLauncher> {
    #[cfg(feature = "process")]
    let launcher = instance_launcher::ProcessRunLauncher::new();
    #[cfg(not(feature = "process"))]
    let launcher = instance_launcher::NoRunLauncher;
    Arc::new(launcher)
}
