//! The section `local_artifact_storage`: the directory for what needs a local disk.

use std::path::{Path, PathBuf};

use super::ClassSettings;
use crate::error::InstanceError;

/// Where what needs a local disk is kept: values of Dagster's IO manager, logs of schedules.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum LocalArtifactSettings {
    /// Below this directory. By default it is that of the instance.
    Local(PathBuf),
    /// Where a class of somebody else's says.
    Other(ClassSettings),
}

impl LocalArtifactSettings {
    /// The directory.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Config`] if only a class of somebody else's knows it.
    pub fn base_dir(&self) -> Result<&Path, InstanceError> {
        match self {
            Self::Local(base_dir) => Ok(base_dir),
            Self::Other(class) => Err(InstanceError::Config {
                place: "local_artifact_storage".to_owned(),
                reason: format!(
                    "{class} says which directory it is, and this version does not have that class; name Dagster's \
                     LocalArtifactStorage with a `base_dir`"
                ),
                source: None,
            }),
        }
    }

    /// The directory in which Dagster's IO manager stores values. It need not exist.
    ///
    /// # Errors
    ///
    /// Those of [`base_dir`](Self::base_dir).
    pub fn storage_dir(&self) -> Result<PathBuf, InstanceError> {
        Ok(self.base_dir()?.join("storage"))
    }

    /// The directory of what schedules leave, such as their logs. It need not exist.
    ///
    /// # Errors
    ///
    /// Those of [`base_dir`](Self::base_dir).
    pub fn schedules_dir(&self) -> Result<PathBuf, InstanceError> {
        Ok(self.base_dir()?.join("schedules"))
    }
}
