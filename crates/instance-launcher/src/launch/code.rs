//! What the preparation of a run asks of a code location: a server answers, and in tests a double.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use instance_core::code_location::{CodeLocationError, RemoteJob};
use instance_core::run::{RemoteJobOrigin, RemoteRepositoryOrigin};
use instance_core::serdes::Opaque;
use instance_core::snap::ExecutionPlanSnapshot;

use crate::code::{GrpcCodeLocation, JobPart, RepositoryText};

type Result<T> = std::result::Result<T, CodeLocationError>;

/// A code location as whoever prepares runs sees it. What each method returns, and its errors, are those of the method of
/// [`GrpcCodeLocation`] with its name.
#[async_trait]
pub(super) trait Code: fmt::Debug + Send + Sync {
    fn name(&self) -> &str;
    fn repository_names(&self) -> Vec<String>;
    fn repository_origin(&self, repository: &str) -> Result<RemoteRepositoryOrigin>;
    async fn repository(&self, repository: &str) -> Result<Arc<RepositoryText>>;
    async fn whole_job(&self, repository: &str, job_name: &str) -> Result<RemoteJob>;
    async fn part_of_job(&self, origin: &RemoteJobOrigin, part: JobPart) -> Result<RemoteJob>;
    async fn plan(&self, job: &RemoteJob, run_config: &Opaque) -> Result<ExecutionPlanSnapshot>;
    async fn partition_names(&self, job: &RemoteJobOrigin) -> Result<Vec<String>>;
    async fn partition(
        &self,
        job: &RemoteJobOrigin,
        key: &str,
    ) -> Result<(BTreeMap<String, String>, Opaque)>;
    async fn is_current(&self) -> Result<bool>;
    /// An answer that cannot be used.
    fn protocol(&self, call: &'static str, reason: String) -> CodeLocationError;

    /// The location for people.
    fn place(&self) -> String {
        format!("the code location {:?}", self.name())
    }
}

#[async_trait]
impl Code for GrpcCodeLocation {
    fn name(&self) -> &str {
        self.name()
    }

    fn repository_names(&self) -> Vec<String> {
        self.repository_names().map(str::to_owned).collect()
    }

    fn repository_origin(&self, repository: &str) -> Result<RemoteRepositoryOrigin> {
        self.repository_origin(repository)
    }

    async fn repository(&self, repository: &str) -> Result<Arc<RepositoryText>> {
        self.repository(repository).await
    }

    async fn whole_job(&self, repository: &str, job_name: &str) -> Result<RemoteJob> {
        self.whole_job(repository, job_name).await
    }

    async fn part_of_job(&self, origin: &RemoteJobOrigin, part: JobPart) -> Result<RemoteJob> {
        self.part_of_job(origin, part).await
    }

    async fn plan(&self, job: &RemoteJob, run_config: &Opaque) -> Result<ExecutionPlanSnapshot> {
        self.plan(job, run_config, None, None).await
    }

    async fn partition_names(&self, job: &RemoteJobOrigin) -> Result<Vec<String>> {
        self.partition_names(job).await
    }

    async fn partition(
        &self,
        job: &RemoteJobOrigin,
        key: &str,
    ) -> Result<(BTreeMap<String, String>, Opaque)> {
        self.partition(job, key).await
    }

    async fn is_current(&self) -> Result<bool> {
        self.is_current().await
    }

    fn protocol(&self, call: &'static str, reason: String) -> CodeLocationError {
        self.protocol(call, reason)
    }
}
