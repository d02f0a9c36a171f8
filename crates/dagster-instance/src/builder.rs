//! Building an instance: which parts the caller gives, and which are made by default.

use std::path::PathBuf;
use std::sync::Arc;

use instance_config::{ProcessEnvironment, find_home, load_settings};
use instance_core::assets::AssetHealthSource;
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

/// Builds a [`DagsterInstance`]. Everything that is not set has a default.
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
    asset_health_source: Option<Arc<dyn AssetHealthSource>>,
}

impl DagsterInstance {
    /// Returns a builder with all defaults. [`open`](DagsterInstanceBuilder::open) opens the instance.
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
            asset_health_source: None,
        }
    }

    /// Makes an instance in memory, which is gone with its last handle. It reads no environment variable, and neither
    /// reads nor writes a file.
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
    /// Sets the directory of the instance. By default `DAGSTER_HOME` names it; see
    /// [`find_home`].
    pub fn home(mut self, home: impl Into<PathBuf>) -> Self {
        self.home = Some(home.into());
        self
    }

    /// Makes [`open`](Self::open) fail if there is no instance, instead of creating one.
    pub const fn must_exist(mut self) -> Self {
        self.must_exist = true;
        self
    }

    /// Sets the settings. No `dagster.yaml` is read then.
    pub fn settings(mut self, settings: InstanceSettings) -> Self {
        self.settings = Some(settings);
        self
    }

    /// Sets the stores. No database is opened then, whatever the settings say, and [`must_exist`](Self::must_exist) has
    /// no effect.
    pub fn stores(mut self, stores: Stores) -> Self {
        self.stores = Some(stores);
        self
    }

    /// Sets where the output of workers is captured. By default it is captured in files below the directory of the
    /// instance.
    pub fn compute_log_manager(mut self, manager: impl ComputeLogManager) -> Self {
        self.compute_log_manager = Some(Arc::new(manager));
        self
    }

    /// Sets the coordinator, which decides when a submitted run is launched. By default every run is launched at once.
    pub fn run_coordinator(mut self, run_coordinator: impl RunCoordinator) -> Self {
        self.run_coordinator = Some(Arc::new(run_coordinator));
        self
    }

    /// Sets the launcher, which starts the workers of runs. By default it executes commands as processes of this machine.
    /// Without the feature `process` there is no default, and launching a run is an error.
    pub fn run_launcher(mut self, run_launcher: impl RunLauncher) -> Self {
        self.run_launcher = Some(Arc::new(run_launcher));
        self
    }

    /// Sets the clock. By default it is the clock of the operating system.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Sets the source of fresh ids. By default they are random.
    pub fn ids(mut self, ids: impl IdSource) -> Self {
        self.ids = Arc::new(ids);
        self
    }

    /// Sets which events wait in a batch before they are stored. By default no event waits, unless
    /// `DAGSTER_EVENT_BATCH_SIZE` is set: then events of batches wait, as in Dagster.
    ///
    /// If events wait, call [`dispose`](DagsterInstance::dispose) at the end. Otherwise the last events are lost.
    pub const fn event_batching(mut self, event_batching: EventBatching) -> Self {
        self.event_batching = Some(event_batching);
        self
    }

    /// Sets how many bytes the stored body of a run may have. By default it may have any number.
    pub const fn run_size_limit_bytes(mut self, limit: u64) -> Self {
        self.run_size_limit_bytes = Some(limit);
        self
    }

    /// Sets the source that keeps the health of assets. By default there is none, as in Dagster's open source.
    pub fn asset_health_source(mut self, source: impl AssetHealthSource + 'static) -> Self {
        self.asset_health_source = Some(Arc::new(source));
        self
    }

    /// Builds an instance in memory; see [`DagsterInstance::ephemeral`]. Its directory has an empty name. Stores and a
    /// compute-log manager that were set are used instead of those in memory.
    pub fn in_memory(mut self) -> DagsterInstance {
        let memory = MemoryStores::new(Arc::clone(&self.clock), &*self.ids);
        let stores = self.stores.take().unwrap_or_else(|| memory.stores());
        let manager = self.compute_log_manager.take();
        let manager = manager.unwrap_or_else(|| memory.compute_log_manager());
        let settings = self.settings.take();
        let settings = settings.unwrap_or_else(|| settings_of_stores(StoreSettings::Memory));
        self.build(settings, stores, manager)
    }

    /// Opens the instance. Each of its storages is opened, and created if it is missing, when it is first needed.
    ///
    /// If [`stores`](Self::stores) are set and neither [`home`](Self::home) nor [`settings`](Self::settings) are, all
    /// settings are defaults, and neither `dagster.yaml` nor the environment is read.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Config`] if no directory is found, or if its `dagster.yaml` asks for something that this version
    /// or this build does not have; [`InstanceError::Storage`] if [`must_exist`](Self::must_exist) is set and there is no
    /// instance, or if a storage cannot be opened.
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
        let context = StorageContext::new()
            .with_clock(Arc::clone(&self.clock))
            .with_ids(Arc::clone(&self.ids));
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
            asset_health_source: self.asset_health_source,
            settings,
        };
        DagsterInstance { inner: Arc::new(inner) }
    }
}

/// Default settings, for stores that no `dagster.yaml` names.
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
