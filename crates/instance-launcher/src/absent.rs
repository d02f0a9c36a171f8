//! The launcher of an instance that has no launcher.

use async_trait::async_trait;
use instance_core::error::BoxError;
use instance_core::launcher::{LaunchRunContext, RunLauncher, TerminateRunContext};

/// A launcher that launches nothing. An instance has it if the builder was given no launcher and the feature
/// `process` is off. Launching a run by it is an error.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoRunLauncher;

#[async_trait]
impl RunLauncher for NoRunLauncher {
    async fn launch_run(&self, _context: LaunchRunContext) -> Result<(), BoxError> {
        Err("this instance has no launcher; give the builder one, or build with the feature `process`".into())
    }

    async fn terminate(&self, _context: TerminateRunContext) -> Result<bool, BoxError> {
        Ok(false)
    }
}
