//! The directories of an instance.

use std::path::PathBuf;

use instance_core::error::InstanceError;
use instance_core::ids::RunId;
use instance_core::ops::StorageOps;

/// Returns the directory of the artefacts that need a local disk; the other directories are below it.
///
/// It is the directory of the instance, unless `local_artifact_storage` of `dagster.yaml` names another.
///
/// # Errors
///
/// [`InstanceError::Config`] if only a class of somebody else's knows which directory it is.
pub fn root_directory(ops: &dyn StorageOps) -> Result<PathBuf, InstanceError> {
    Ok(ops.settings().local_artifact_storage.base_dir()?.to_owned())
}

/// Returns the directory in which Dagster's IO manager stores values. It need not exist.
///
/// # Errors
///
/// Those of [`root_directory`].
pub fn storage_directory(ops: &dyn StorageOps) -> Result<PathBuf, InstanceError> {
    ops.settings().local_artifact_storage.storage_dir()
}

/// Returns the directory of the logs of schedules. It need not exist.
///
/// # Errors
///
/// Those of [`root_directory`].
pub fn schedules_directory(ops: &dyn StorageOps) -> Result<PathBuf, InstanceError> {
    ops.settings().local_artifact_storage.schedules_dir()
}

/// Returns the directory in which the file manager of a run keeps files. It need not exist.
///
/// # Errors
///
/// [`InstanceError::Invalid`] if the id cannot be the name of a directory, as it is empty, has a separator in it, or
/// leads out of the directory. Else those of [`root_directory`].
pub fn file_manager_directory(
    ops: &dyn StorageOps,
    run_id: &RunId,
) -> Result<PathBuf, InstanceError> {
    let name = run_id.as_str();
    let is_possible =
        !name.is_empty() && name != "." && name != ".." && !name.contains(['/', '\\', '\0']);
    if !is_possible {
        let reason = "it cannot be the name of a directory; give the id of a run";
        return Err(InstanceError::invalid("run id", name, reason));
    }
    Ok(storage_directory(ops)?.join(name).join("files"))
}
