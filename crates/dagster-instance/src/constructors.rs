//! Opening an instance by the names of Dagster's class. Everything else that can be chosen, the builder has.

use std::path::{Path, PathBuf};

use instance_config::{HomeSource, ProcessEnvironment, find_home};
use instance_core::error::{InstanceError, StorageError};
use instance_core::instance_ref::InstanceRef;

use crate::instance::DagsterInstance;

impl DagsterInstance {
    /// Opens the instance that the variable `DAGSTER_HOME` names.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Config`] if the variable is not set, or names no directory that exists; else those of
    /// [`DagsterInstanceBuilder::open`](crate::DagsterInstanceBuilder::open).
    pub async fn get() -> Result<Self, InstanceError> {
        let home = find_home(None, &ProcessEnvironment)?;
        if home.source != HomeSource::Variable {
            return Err(InstanceError::Config {
                place: "environment variable DAGSTER_HOME".to_owned(),
                reason: "it is not set; set it to the directory of the instance".to_owned(),
                source: None,
            });
        }
        require_directory(&home.path, "environment variable DAGSTER_HOME")?;
        Self::builder().home(home.path).open().await
    }

    /// Opens the instance in a directory, with the configuration in a file of this name, or in `dagster.yaml`.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Config`] if there is no such directory; else those of
    /// [`DagsterInstanceBuilder::open`](crate::DagsterInstanceBuilder::open).
    pub async fn from_config(
        config_dir: impl Into<PathBuf>,
        config_filename: Option<&str>,
    ) -> Result<Self, InstanceError> {
        let config_dir = config_dir.into();
        require_directory(&config_dir, "the directory of the instance")?;
        let builder = Self::builder().home(config_dir);
        match config_filename {
            Some(name) => builder.config_filename(name).open().await,
            None => builder.open().await,
        }
    }

    /// Opens the instance of a reference, which [`get_ref`](Self::get_ref) of another process returns, or Dagster's.
    ///
    /// # Errors
    ///
    /// Those of [`DagsterInstanceBuilder::open`](crate::DagsterInstanceBuilder::open).
    pub async fn from_ref(instance_ref: &InstanceRef) -> Result<Self, InstanceError> {
        Self::builder().instance_ref(instance_ref.clone()).open().await
    }

    /// Opens an instance in a fresh directory, which other processes can open, too. The directory is deleted with the
    /// last handle, or by [`dispose`](Self::dispose).
    ///
    /// # Errors
    ///
    /// [`InstanceError::Storage`] if the directory cannot be created; else those of
    /// [`DagsterInstanceBuilder::open`](crate::DagsterInstanceBuilder::open).
    pub async fn local_temp() -> Result<Self, InstanceError> {
        let directory = tempfile::tempdir().map_err(|source| StorageError::Io {
            action: "create",
            path: "a temporary directory".to_owned(),
            source,
        })?;
        Self::builder().temp_dir(directory).open().await
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

fn require_directory(path: &Path, place: &str) -> Result<(), InstanceError> {
    if path.is_dir() {
        return Ok(());
    }
    Err(InstanceError::Config {
        place: place.to_owned(),
        reason: format!("{} is no directory; create it, or name another one", path.display()),
        source: None,
    })
}
