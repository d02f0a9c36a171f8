//! The store of what processes print that the settings of an instance name.

use std::sync::Arc;

use instance_core::settings::ComputeLogSettings;
use instance_core::storage::ComputeLogManager;

use super::{LocalComputeLogManager, NoOpComputeLogManager, UnservedComputeLogManager};

/// The store of what processes print that settings name. Nothing is read or written yet.
///
/// If this version does not have it, or if its configuration is wrong, every method of it is an error that says so: an
/// instance opens nevertheless, and only those see the error who need captured output.
pub fn compute_log_manager(settings: &ComputeLogSettings) -> Arc<dyn ComputeLogManager> {
    match settings {
        ComputeLogSettings::Local(local) => Arc::new(LocalComputeLogManager::new(&local.base_dir)),
        ComputeLogSettings::NoOp => Arc::new(NoOpComputeLogManager),
        other => Arc::new(UnservedComputeLogManager::new(other)),
    }
}
