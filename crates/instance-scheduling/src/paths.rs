//! Where schedules log.

use std::path::{Component, Path, PathBuf};

use instance_core::error::{InstanceError, StorageError};
use instance_core::ops::SchedulingOps;

/// Returns the file that a schedule logs into, by its origin id. Its directory is created if it is missing; the file
/// need not exist.
///
/// # Errors
///
/// [`InstanceError::Invalid`] for an id that is no name of a directory; [`InstanceError::Config`] if only a class of
/// somebody else's knows where the directory is; [`InstanceError::Storage`] if the directory cannot be created.
pub fn logs_path_for_schedule(
    ops: &dyn SchedulingOps,
    schedule_origin_id: &str,
) -> Result<PathBuf, InstanceError> {
    let mut parts = Path::new(schedule_origin_id).components();
    let name = match (parts.next(), parts.next()) {
        (Some(Component::Normal(name)), None) if name == schedule_origin_id => name,
        _ => {
            let reason =
                "it is no name of a directory; give the id that the origin of a schedule has";
            return Err(InstanceError::invalid("schedule origin id", schedule_origin_id, reason));
        }
    };
    let directory = ops.settings().local_artifact_storage.schedules_dir()?.join("logs").join(name);
    match std::fs::create_dir_all(&directory) {
        Ok(()) => Ok(directory.join("scheduler.log")),
        Err(source) => Err(StorageError::Io {
            action: "create the directory",
            path: directory.display().to_string(),
            source,
        }
        .into()),
    }
}
