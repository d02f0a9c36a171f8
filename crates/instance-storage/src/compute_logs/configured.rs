//! The store of what processes print that the settings of an instance name.

use std::sync::Arc;

use instance_core::settings::ComputeLogSettings;
use instance_core::storage::ComputeLogManager;

use super::{LocalComputeLogManager, NoOpComputeLogManager, UnservedComputeLogManager};

/// The store of what processes print that settings name. Nothing is read or written yet, and no server is asked.
///
/// `variable` gives the value of an environment variable, `None` if it is not set. Only a store in S3 asks for some:
/// those that `S3ComputeLogManager::new` lists.
///
/// If this version or this build does not have the store, or if its configuration is wrong, every method of what is
/// returned is an error that says so: an instance opens nevertheless, and only those see the error who need captured
/// output.
#[cfg_attr(
    not(feature = "s3"),
    expect(unused_variables, reason = "without S3, no store needs a variable")
)]
pub fn compute_log_manager(
    settings: &ComputeLogSettings,
    variable: impl Fn(&str) -> Option<String>,
) -> Arc<dyn ComputeLogManager> {
    match settings {
        ComputeLogSettings::Local(local) => Arc::new(LocalComputeLogManager::new(&local.base_dir)),
        #[cfg(feature = "s3")]
        ComputeLogSettings::S3(s3) => {
            match super::S3ComputeLogManager::new((**s3).clone(), variable) {
                Ok(logs) => Arc::new(logs),
                Err(error) => Arc::new(UnservedComputeLogManager::because(&error)),
            }
        }
        ComputeLogSettings::NoOp => Arc::new(NoOpComputeLogManager),
        other => Arc::new(UnservedComputeLogManager::new(other)),
    }
}
