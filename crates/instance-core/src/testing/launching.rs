//! A launcher for tests that are not about workers.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use crate::error::BoxError;
use crate::launcher::{
    CheckRunHealthContext, CheckRunHealthResult, LaunchRunContext, RunLauncher, TerminateRunContext,
};
use crate::run::DagsterRun;

/// A launcher that notes what it is asked for, and answers as it was told. Clones have the same notes.
#[derive(Debug, Clone, Default)]
pub struct ToldLauncher {
    calls: Arc<Mutex<Vec<String>>>,
    fails: bool,
    health: Option<CheckRunHealthResult>,
}

impl ToldLauncher {
    /// A launcher with which nothing works, as of a cluster that is full.
    pub fn that_fails() -> Self {
        Self { fails: true, ..Self::default() }
    }

    /// The same, which says this of every worker. Without it, the launcher does not check workers.
    #[must_use]
    pub fn with_health(mut self, health: CheckRunHealthResult) -> Self {
        self.health = Some(health);
        self
    }

    /// What it was asked for, each with the status of the run.
    pub fn calls(&self) -> Vec<String> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<String>> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answer(&self, call: &str, run: &DagsterRun) -> Result<(), BoxError> {
        self.lock().push(format!("{call} {}", run.status));
        if self.fails { Err("the cluster is full".into()) } else { Ok(()) }
    }
}

#[async_trait]
impl RunLauncher for ToldLauncher {
    async fn launch_run(&self, context: LaunchRunContext) -> Result<(), BoxError> {
        self.answer("launch", &context.dagster_run)
    }

    async fn terminate(&self, context: TerminateRunContext) -> Result<bool, BoxError> {
        self.answer("terminate", &context.dagster_run).map(|()| true)
    }

    fn supports_check_run_worker_health(&self) -> bool {
        self.health.is_some()
    }

    async fn check_run_worker_health(
        &self,
        _context: CheckRunHealthContext,
    ) -> Result<CheckRunHealthResult, BoxError> {
        self.health.clone().ok_or_else(|| "not checked".into())
    }

    async fn dispose(&self) {
        self.lock().push("dispose".to_owned());
    }
}
