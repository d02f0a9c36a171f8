//! The launcher of an instance that was given none.

use async_trait::async_trait;
use instance_core::error::BoxError;
use instance_core::ids::RunId;
use instance_core::launcher::{LaunchRunContext, RunLauncher};

/// Launches nothing: the instance was given no launcher.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoRunLauncher;

#[async_trait]
impl RunLauncher for NoRunLauncher {
    async fn launch_run(&self, _context: LaunchRunContext) -> Result<(), BoxError> {
        Err("this instance has no launcher; give the builder one, or build with the feature `process`".into())
    }

    async fn terminate(&self, _run_id: &RunId) -> Result<bool, BoxError> {
        Ok(false)
    }
}
