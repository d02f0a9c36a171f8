//! Building an instance: which parts the caller gives, and which are made by default.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use instance_config::{
    Environment, LoadSettings, ProcessEnvironment, create_home, find_home, grpc_limits,
    load_settings_of, settings_from_ref,
};
use instance_core::assets::AssetHealthSource;
use instance_core::clock::{Clock, IdSource, RandomIds, SystemClock};
use instance_core::error::InstanceError;
use instance_core::event::{EventBuffer, EventListeners};
use instance_core::instance_ref::InstanceRef;
use instance_core::launcher::{RunCoordinator, RunLauncher};
use instance_core::memory::MemoryStores;
use instance_core::settings::{
    ComputeLogSettings, EventBatching, InstanceSettings, InstanceType, RunCoordinatorSettings,
    StorageSettings, StoreSettings,
};
use instance_core::storage::{ComputeLogManager, Stores};
use instance_launcher::{
    LauncherContext, LauncherVariables, configured_run_coordinator, configured_run_launcher,
};
use instance_storage::compute_log_manager;
use serde_json::{Map, Value};
use tempfile::TempDir;

use crate::instance::{DagsterInstance, Inner};

/// Builds a [`DagsterInstance`]. Everything that is not set has a default.
#[must_use]
pub struct DagsterInstanceBuilder {
    home: Option<PathBuf>,
    creates_home: bool,
    must_exist: bool,
    environment: Box<dyn Environment + Send + Sync>,
    config_filename: Option<String>,
    overrides: Map<String, Value>,
    storage: Option<String>,
    instance_ref: Option<InstanceRef>,
    // Boxed, as a future that holds a builder is as large as the builder.
    settings: Option<Box<InstanceSettings>>,
    stores: Option<Stores>,
    compute_log_manager: Option<Arc<dyn ComputeLogManager>>,
    run_coordinator: Option<Arc<dyn RunCoordinator>>,
    run_launcher: Option<Arc<dyn RunLauncher>>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdSource>,
    event_batching: Option<EventBatching>,
    run_size_limit_bytes: Option<u64>,
    asset_health_source: Option<Arc<dyn AssetHealthSource>>,
    temp_dir: Option<TempDir>,
}

/// What the caller has set may hold passwords, so it is not printed.
impl std::fmt::Debug for DagsterInstanceBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DagsterInstanceBuilder").field("home", &self.home).finish_non_exhaustive()
    }
}

impl DagsterInstance {
    /// Returns a builder with all defaults. [`open`](DagsterInstanceBuilder::open) opens the instance.
    pub fn builder() -> DagsterInstanceBuilder {
        DagsterInstanceBuilder {
            home: None,
            creates_home: false,
            must_exist: false,
            environment: Box::new(ProcessEnvironment),
            config_filename: None,
            overrides: Map::new(),
            storage: None,
            instance_ref: None,
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
            temp_dir: None,
        }
    }
}

impl DagsterInstanceBuilder {
    /// Sets the directory of the instance. By default `DAGSTER_HOME` names it; see
    /// [`find_home`].
    ///
    /// It need not exist: it is created with what is first written. So a mistyped name is a new instance. Set
    /// [`must_exist`](Self::must_exist) where there has to be one.
    pub fn home(mut self, home: impl Into<PathBuf>) -> Self {
        self.home = Some(home.into());
        self
    }

    /// Makes [`open`](Self::open) create the directory of the instance if it is missing, also one that `DAGSTER_HOME`
    /// names, which otherwise has to exist.
    pub const fn create_home(mut self) -> Self {
        self.creates_home = true;
        self
    }

    /// Makes [`open`](Self::open) fail if there is no instance, instead of creating one: if the file of the store of runs is
    /// missing in SQLite, or Dagster's tables in Postgres. Nothing is created then, neither a directory nor a file.
    pub const fn must_exist(mut self) -> Self {
        self.must_exist = true;
        self
    }

    /// Sets the environment variables: those that say where the instance is, those that `dagster.yaml` refers to, and those
    /// that have the credentials of S3. By default they are those of the process.
    pub fn environment(mut self, environment: impl Environment + Send + Sync + 'static) -> Self {
        self.environment = Box::new(environment);
        self
    }

    /// Sets the name of the file with the configuration, within the directory of the instance. By default it is
    /// `dagster.yaml`.
    pub fn config_filename(mut self, name: impl Into<String>) -> Self {
        self.config_filename = Some(name.into());
        self
    }

    /// Sets sections of the configuration that stand in the place of those of the file.
    pub fn overrides(mut self, overrides: Map<String, Value>) -> Self {
        self.overrides = overrides;
        self
    }

    /// Sets where all three stores are, whatever the file says: the URL of a Postgres database, or the directory of
    /// SQLite's files.
    pub fn storage(mut self, storage: impl Into<String>) -> Self {
        self.storage = Some(storage.into());
        self
    }

    /// Sets the reference of the instance, as [`get_ref`](DagsterInstance::get_ref) of another process returns it. No file
    /// is read then.
    pub fn instance_ref(mut self, instance_ref: InstanceRef) -> Self {
        self.instance_ref = Some(instance_ref);
        self
    }

    /// Sets a directory that is deleted with the instance.
    pub(crate) fn temp_dir(mut self, directory: TempDir) -> Self {
        self.home = Some(directory.path().to_owned());
        self.temp_dir = Some(directory);
        self
    }

    /// Sets the settings. No `dagster.yaml` is read then.
    pub fn settings(mut self, settings: InstanceSettings) -> Self {
        self.settings = Some(Box::new(settings));
        self
    }

    /// Sets the stores. No database is opened then, whatever the settings say, and [`must_exist`](Self::must_exist) has
    /// no effect.
    pub fn stores(mut self, stores: Stores) -> Self {
        self.stores = Some(stores);
        self
    }

    /// Sets where the output of workers is captured. By default `compute_logs` of `dagster.yaml` says it, or else it is
    /// captured in files below the directory of the instance.
    pub fn compute_log_manager(mut self, manager: impl ComputeLogManager) -> Self {
        self.compute_log_manager = Some(Arc::new(manager));
        self
    }

    /// Sets the coordinator, which decides when a submitted run is launched. By default `run_coordinator` of `dagster.yaml`
    /// says it, or else it is Dagster's queue, as in Dagster: a daemon of Dagster launches the run. An instance in memory
    /// launches every run at once.
    ///
    /// The queue takes only runs that say where their code is. For runs of commands, set
    /// [`DefaultRunCoordinator`](crate::DefaultRunCoordinator). If `dagster.yaml` names a class of somebody else's,
    /// submitting a run is an error.
    pub fn run_coordinator(mut self, run_coordinator: impl RunCoordinator) -> Self {
        self.run_coordinator = Some(Arc::new(run_coordinator));
        self
    }

    /// Sets the launcher, which starts the workers of runs. By default it executes commands as processes of this machine,
    /// unless `run_launcher` of `dagster.yaml` names another class than Dagster's own: then launching a run is an error.
    /// Without the feature `process` there is no default, and launching a run is an error, too.
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
    /// compute-log manager that were set are used instead of those in memory. Every run is launched at once, unless
    /// settings or a coordinator were set.
    pub fn in_memory(mut self) -> DagsterInstance {
        let memory = MemoryStores::new(Arc::clone(&self.clock), &*self.ids);
        let stores = self.stores.take().unwrap_or_else(|| memory.stores());
        let settings = self.settings.take();
        let mut settings = settings.unwrap_or_else(|| {
            // No daemon of Dagster can see what is in memory.
            settings_of_stores(StoreSettings::Memory)
                .with_run_coordinator(RunCoordinatorSettings::Default)
                .into()
        });
        let manager = self.compute_log_manager.take();
        let manager = manager.unwrap_or_else(|| {
            settings.compute_logs = ComputeLogSettings::Memory;
            memory.compute_log_manager()
        });
        settings.instance_type = InstanceType::Ephemeral;
        settings.instance_ref = None;
        self.build(settings, stores, manager)
    }

    /// Opens the instance. Each of its storages is opened, and created if it is missing, when it is first needed. Opening
    /// itself creates nothing, unless [`create_home`](Self::create_home) is set.
    ///
    /// If [`stores`](Self::stores) are set and neither [`home`](Self::home) nor [`settings`](Self::settings) nor
    /// [`instance_ref`](Self::instance_ref) are, all settings are defaults, and neither `dagster.yaml` nor the environment
    /// is read.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Config`] if no directory is found; [`InstanceError::ConfigFile`] if its `dagster.yaml` has
    /// mistakes; [`InstanceError::Invalid`] if what was set contradicts itself; [`InstanceError::Storage`] if
    /// [`must_exist`](Self::must_exist) is set and there is no instance, or if a storage cannot be opened, as this version
    /// or this build does not have it.
    pub async fn open(mut self) -> Result<DagsterInstance, InstanceError> {
        let mut settings = self.load()?;
        if self.compute_log_manager.is_some() {
            settings.compute_logs = ComputeLogSettings::Custom;
        }
        let stores = match self.stores.take() {
            Some(stores) => stores,
            None => self.open_stores(&settings).await?,
        };
        let manager = self.compute_log_manager.take();
        let manager = manager.unwrap_or_else(|| {
            compute_log_manager(&settings.compute_logs, |name| self.environment.get(name))
        });
        Ok(self.build(settings, stores, manager))
    }

    /// The settings that were set, or those of the reference, or else those of the file.
    fn load(&mut self) -> Result<Box<InstanceSettings>, InstanceError> {
        let of_file =
            self.storage.is_some() || self.config_filename.is_some() || !self.overrides.is_empty();
        let source = match (&self.settings, &self.instance_ref) {
            (Some(_), Some(_)) => Some("settings and a reference"),
            (Some(_), None) if of_file => Some("settings"),
            (None, Some(_)) if of_file => Some("a reference"),
            _ => None,
        };
        if let Some(source) = source {
            let reason =
                "the builder has it, and something else that says the same; set one of both";
            return Err(InstanceError::invalid("configuration", source, reason));
        }
        if let Some(settings) = self.settings.take() {
            return Ok(settings);
        }
        if let Some(reference) = &self.instance_ref {
            return settings_from_ref(reference, &*self.environment).map(Box::new);
        }
        if self.stores.is_some() && self.home.is_none() && !of_file {
            return Ok(settings_of_stores(StoreSettings::Custom).into());
        }
        let find = if self.creates_home { create_home } else { find_home };
        let home = find(self.home.as_deref(), &*self.environment)?;
        let mut request = LoadSettings::new(home.path)
            .with_overrides(std::mem::take(&mut self.overrides))
            .with_storage(self.storage.take());
        if let Some(name) = self.config_filename.take() {
            request = request.with_config_filename(name);
        }
        load_settings_of(&request, &*self.environment).map(Box::new)
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
        settings: Box<InstanceSettings>,
        stores: Stores,
        compute_log_manager: Arc<dyn ComputeLogManager>,
    ) -> DagsterInstance {
        // A wrong limit matters only to whoever asks a code server.
        let limits = grpc_limits(&*self.environment).map_err(|error| error.to_string());
        #[cfg(all(feature = "grpc", feature = "process"))]
        let interpreters = instance_launcher::InterpreterSearch::default()
            .with_variable(self.environment.get_os("DAGSTER_INSTANCE_PYTHON"))
            .with_path(self.environment.get_os("PATH"));
        let environment = self.environment;
        let variables = LauncherVariables::new(move |name| environment.get(name));
        let context = LauncherContext::new(limits.clone()).with_variables(variables);
        let inner = Inner {
            stores,
            compute_log_manager,
            run_coordinator: self
                .run_coordinator
                .unwrap_or_else(|| configured_run_coordinator(&settings.run_coordinator)),
            run_launcher: self
                .run_launcher
                .unwrap_or_else(|| configured_run_launcher(&settings.run_launcher, context)),
            clock: self.clock,
            ids: self.ids,
            event_batching: self.event_batching.unwrap_or(settings.event_batching),
            event_buffer: EventBuffer::default(),
            event_listeners: EventListeners::default(),
            run_size_limit_bytes: self.run_size_limit_bytes,
            asset_health_source: self.asset_health_source,
            #[cfg(feature = "grpc")]
            grpc_limits: limits,
            #[cfg(all(feature = "grpc", feature = "process"))]
            interpreters,
            temp_dir: Mutex::new(self.temp_dir),
            settings,
        };
        DagsterInstance { inner: Arc::new(inner) }
    }
}

/// Default settings, for stores that no `dagster.yaml` names.
fn settings_of_stores(store: StoreSettings) -> InstanceSettings {
    InstanceSettings::new(PathBuf::new()).with_storage(StorageSettings::all(store))
}
