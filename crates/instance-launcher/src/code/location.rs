//! A code location whose server is reached: its repositories, jobs, parts of jobs and plans.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use instance_core::asset_key::{AssetCheckKey, AssetKey};
use instance_core::assets::AssetGraph;
use instance_core::code_location::payloads::{
    ExecutionPlanSnapshotArgs, JobSubsetSnapshotArgs, ListRepositoriesResponse, PartitionArgs,
    PartitionNamesArgs,
};
use instance_core::code_location::{CodeLocationError, RemoteJob};
use instance_core::instance_ref::InstanceRef;
use instance_core::run::{
    CodeLocationOrigin, JobPythonOrigin, RemoteJobOrigin, RemoteRepositoryOrigin,
    RepositoryPythonOrigin,
};
use instance_core::serdes::{FrozenSet, Opaque, UnknownFields};
use instance_core::snap::{ExecutionPlanSnapshot, JobSnap, KnownExecutionState};

use super::cache::{RepositoryCache, TextKey};
use super::client::CodeServerClient;
use super::graph::RepositoryGraph;
use super::repository_text::RepositoryText;
use super::target::GrpcTarget;

type Result<T> = std::result::Result<T, CodeLocationError>;

/// The beginning of the names of the jobs that Dagster makes of all assets.
pub(crate) const ASSET_JOB: &str = "__ASSET_JOB";

/// A code location whose server is reached by gRPC.
///
/// What the server tells of its repositories is asked once, so a value of this type is of the code that was served
/// when it was opened. [`is_current`](Self::is_current) says whether the server is still the same. Clones share what was
/// told. As a [`Workspace`](instance_core::code_location::Workspace), it is one of this location alone.
#[derive(Debug, Clone)]
pub struct GrpcCodeLocation {
    client: CodeServerClient,
    origin: CodeLocationOrigin,
    name: String,
    instance_ref: Option<InstanceRef>,
    server_id: String,
    repositories: Arc<ListRepositoriesResponse>,
    repository_names: BTreeSet<String>,
    container_image: Option<String>,
    cache: Arc<RepositoryCache>,
}

/// A part of a job: which ops, or which assets and checks.
#[derive(Debug, Clone, Default)]
pub(crate) struct JobPart {
    /// Ops in the words of the user; `None` means no selection by ops.
    pub(crate) ops: Option<Vec<String>>,
    /// Assets; `None` means no selection by assets.
    pub(crate) assets: Option<Vec<AssetKey>>,
    /// Checks; `None` means those of the assets.
    pub(crate) checks: Option<Vec<AssetCheckKey>>,
}

impl JobPart {
    /// Whether nothing is selected: then it is the whole job.
    pub(crate) fn is_whole(&self) -> bool {
        self.ops.as_ref().is_none_or(Vec::is_empty)
            && self.assets.as_ref().is_none_or(Vec::is_empty)
            && self.checks.as_ref().is_none_or(Vec::is_empty)
    }
}

impl GrpcCodeLocation {
    /// Asks a server for its repositories. `origin` is what runs of this location have, with its name. The code may
    /// open the instance of `instance_ref` while it makes plans.
    ///
    /// # Errors
    ///
    /// The server does not answer, or its code could not be loaded.
    pub async fn open(
        client: CodeServerClient,
        name: impl Into<String>,
        origin: impl Into<CodeLocationOrigin>,
        instance_ref: Option<InstanceRef>,
    ) -> Result<Self> {
        let cache = Arc::default();
        Self::open_with(client, name.into(), origin.into(), instance_ref, cache).await
    }

    /// Opens a location that keeps the texts of its repositories together with those of others.
    pub(super) async fn open_with(
        client: CodeServerClient,
        name: String,
        origin: CodeLocationOrigin,
        instance_ref: Option<InstanceRef>,
        cache: Arc<RepositoryCache>,
    ) -> Result<Self> {
        let server_id = client.get_server_id().await?;
        let repositories = client.list_repositories().await?;
        let container_image = match &repositories.container_image {
            Some(image) => Some(image.clone()),
            // Servers of old releases tell it by a call of its own.
            None => client.get_current_image().await?,
        };
        let names = repositories.repository_symbols.iter();
        let repository_names = names.map(|symbol| symbol.repository_name.clone()).collect();
        Ok(Self {
            client,
            origin,
            name,
            instance_ref,
            server_id,
            repositories: Arc::new(repositories),
            repository_names,
            container_image,
            cache,
        })
    }

    /// The name of the location.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The client of its server.
    pub const fn client(&self) -> &CodeServerClient {
        &self.client
    }

    /// The id that its server had when it was opened.
    pub fn server_id(&self) -> &str {
        &self.server_id
    }

    /// The version of Dagster there; `None` if the server is too old to tell.
    pub fn dagster_version(&self) -> Option<&str> {
        self.repositories.dagster_library_versions.as_ref()?.get("dagster").map(String::as_str)
    }

    /// The image of its container; `None` if there is none, or if it is not known.
    pub fn container_image(&self) -> Option<&str> {
        self.container_image.as_deref()
    }

    /// The names of its repositories, in the order of letters.
    pub fn repository_names(&self) -> impl Iterator<Item = &str> {
        self.repository_names.iter().map(String::as_str)
    }

    /// Whether the server is still the one that was there when the location was opened. Another one may have other
    /// code.
    ///
    /// # Errors
    ///
    /// The server does not answer.
    pub async fn is_current(&self) -> Result<bool> {
        Ok(self.client.get_server_id().await? == self.server_id)
    }

    /// Where a repository is, as runs have it.
    ///
    /// # Errors
    ///
    /// [`CodeLocationError::NotServed`] if there is no such repository.
    pub fn repository_origin(&self, repository: &str) -> Result<RemoteRepositoryOrigin> {
        if self.repository_names.contains(repository) {
            return Ok(RemoteRepositoryOrigin::new(self.origin.clone(), repository));
        }
        let known = self.repository_names().map(str::to_owned);
        Err(CodeLocationError::not_served("repository", repository, self.place(), known))
    }

    /// A repository with its assets. It is asked for once, unless its text had to make room for those of others.
    ///
    /// # Errors
    ///
    /// There is no such repository, the server does not answer, or the repository cannot be read.
    pub async fn repository(&self, repository: &str) -> Result<Arc<RepositoryText>> {
        let origin = self.repository_origin(repository)?;
        let cell = self.cache.text(TextKey {
            target: self.client.target().clone(),
            server_id: self.server_id.clone(),
            repository: repository.to_owned(),
        });
        let text = cell.get_or_try_init(|| async {
            let text = self.client.repository(&origin).await?;
            let text = RepositoryText::new(text)
                .map_err(|error| self.protocol("StreamingExternalRepository", error.to_string()))?;
            Ok::<_, CodeLocationError>(Arc::new(text))
        });
        Ok(Arc::clone(text.await?))
    }

    /// What the code of a repository says of its assets.
    ///
    /// # Errors
    ///
    /// Those of [`repository`](Self::repository).
    pub async fn asset_graph(&self, repository: &str) -> Result<Arc<dyn AssetGraph>> {
        let text = self.repository(repository).await?;
        Ok(Arc::new(RepositoryGraph {
            location: self.name.clone(),
            repository: repository.to_owned(),
            text,
        }))
    }

    /// A whole job.
    ///
    /// # Errors
    ///
    /// [`CodeLocationError::NotServed`] if there is no such job; otherwise the server does not answer, or its code
    /// has failed.
    pub async fn whole_job(&self, repository: &str, job_name: &str) -> Result<RemoteJob> {
        let repository_origin = self.repository_origin(repository)?;
        let job = match self.client.job(&repository_origin, job_name).await {
            Ok(data) => data.job,
            Err(CodeLocationError::Unimplemented { .. }) => {
                let text = self.repository(repository).await?;
                let data = text
                    .job_data(job_name)
                    .map_err(|error| self.protocol("ExternalRepository", error.to_string()))?;
                data.ok_or_else(|| self.no_such_job(repository, job_name, &text))?.job
            }
            // The server tells it by an error of its own, in which the names are missing.
            Err(CodeLocationError::UserCode(error)) => {
                let text = self.repository(repository).await?;
                return Err(if text.has_job(job_name) {
                    CodeLocationError::UserCode(error)
                } else {
                    self.no_such_job(repository, job_name, &text)
                });
            }
            Err(error) => return Err(error),
        };
        let python = self.python_origin(repository)?;
        let origin = job_origin(repository_origin, job_name);
        Ok(remote_job(job, origin, Some(python)))
    }

    /// A part of a job, without the snapshot of the whole one.
    pub(crate) async fn part_of_job(
        &self,
        origin: &RemoteJobOrigin,
        part: JobPart,
    ) -> Result<RemoteJob> {
        let args = JobSubsetSnapshotArgs {
            asset_check_selection: part.checks.map(FrozenSet::from_iter),
            asset_selection: part.assets,
            include_parent_snapshot: false,
            job_origin: origin.clone(),
            op_selection: part.ops,
            unknown: UnknownFields::default(),
        };
        let result = self.client.job_subset(&args).await?;
        let Some(data) = result.job_data else {
            return Err(
                self.protocol("ExternalPipelineSubsetSnapshot", "there is no job".to_owned())
            );
        };
        let python = match result.repository_python_origin {
            Some(python) => python,
            None => self.python_origin(&origin.repository_origin.repository_name)?,
        };
        Ok(remote_job(data.job, origin.clone(), Some(python)))
    }

    /// The plan of a run.
    ///
    /// # Errors
    ///
    /// The configuration or a step is wrong, or the server does not answer.
    pub(crate) async fn plan(
        &self,
        job: &RemoteJob,
        run_config: &Opaque,
        step_keys_to_execute: Option<&[String]>,
        known_state: Option<&KnownExecutionState>,
    ) -> Result<ExecutionPlanSnapshot> {
        let args = ExecutionPlanSnapshotArgs {
            asset_check_selection: job.asset_check_selection.clone(),
            asset_selection: job.asset_selection.clone(),
            instance_ref: self.instance_ref.clone(),
            known_state: known_state.cloned(),
            mode: "default".to_owned(),
            job_origin: job.remote_job_origin.clone(),
            job_snapshot_id: job.job_snapshot.snapshot_id(),
            run_config: run_config.clone(),
            op_selection: job.op_selection.clone().unwrap_or_default(),
            step_keys_to_execute: step_keys_to_execute.map(<[String]>::to_vec),
            unknown: UnknownFields::default(),
        };
        self.client.execution_plan(&args).await
    }

    /// The keys of a job's partitions.
    pub(crate) async fn partition_names(&self, job: &RemoteJobOrigin) -> Result<Vec<String>> {
        let args = PartitionNamesArgs::new(job.repository_origin.clone(), &job.job_name);
        Ok(self.client.partition_names(&args).await?.partition_names)
    }

    /// The tags and the configuration of the run of one partition. The server does not check the key.
    pub(crate) async fn partition(
        &self,
        job: &RemoteJobOrigin,
        key: &str,
    ) -> Result<(BTreeMap<String, String>, Opaque)> {
        let mut args = PartitionArgs::new(job.repository_origin.clone(), &job.job_name, key);
        args.instance_ref = self.instance_ref.clone();
        // A job without partitions has a configuration, and no tags.
        let tags = self.client.partition_tags(&args).await?.tags;
        Ok((tags, self.client.partition_config(&args).await?.run_config))
    }

    /// Where its server is.
    pub(super) const fn target(&self) -> &GrpcTarget {
        self.client.target()
    }

    fn python_origin(&self, repository: &str) -> Result<RepositoryPythonOrigin> {
        let told = &self.repositories;
        let Some(code_pointer) = told.repository_code_pointers.get(repository) else {
            let reason = format!("it does not say where the code of {repository} is");
            return Err(self.protocol("ListRepositories", reason));
        };
        // The oldest servers do not tell their interpreter. Where a container starts it, only the entry point counts.
        let entry = told.entry_point.as_ref().and_then(|command| command.first().cloned());
        let Some(executable_path) = told.executable_path.clone().or(entry) else {
            let reason = "it names neither its interpreter nor its entry point".to_owned();
            return Err(self.protocol("ListRepositories", reason));
        };
        Ok(RepositoryPythonOrigin {
            code_pointer: code_pointer.clone(),
            container_context: told.container_context.clone(),
            container_image: self.container_image.clone(),
            entry_point: told.entry_point.clone(),
            executable_path,
            unknown: UnknownFields::default(),
        })
    }

    fn no_such_job(
        &self,
        repository: &str,
        name: &str,
        text: &RepositoryText,
    ) -> CodeLocationError {
        let known = text.job_names().filter(|name| !name.starts_with(ASSET_JOB));
        let place = format!("the repository {repository:?} of {}", self.place());
        CodeLocationError::not_served("job", name, place, known.map(str::to_owned))
    }

    pub(super) fn has_name(&self, name: &str) -> Result<()> {
        if name == self.name {
            return Ok(());
        }
        let known = [self.name.clone()];
        Err(CodeLocationError::not_served("code location", name, "the workspace", known))
    }

    /// The location for people.
    pub(crate) fn place(&self) -> String {
        format!("the code location {:?}", self.name)
    }

    pub(crate) fn protocol(&self, call: &'static str, reason: String) -> CodeLocationError {
        CodeLocationError::Protocol { target: self.client.target().to_string(), call, reason }
    }
}

/// Where a job is, as runs have it.
pub(crate) fn job_origin(
    repository_origin: RemoteRepositoryOrigin,
    job_name: &str,
) -> RemoteJobOrigin {
    RemoteJobOrigin {
        repository_origin,
        job_name: job_name.to_owned(),
        unknown: UnknownFields::default(),
    }
}

/// A job by its snapshot, whose lineage says which part of another job it is.
fn remote_job(
    job: JobSnap,
    origin: RemoteJobOrigin,
    python: Option<RepositoryPythonOrigin>,
) -> RemoteJob {
    let lineage = job.lineage_snapshot.as_ref();
    let assets = lineage.and_then(|lineage| lineage.asset_selection.clone());
    let checks = lineage.and_then(|lineage| lineage.asset_check_selection.clone());
    let ops = lineage.and_then(|lineage| lineage.op_selection.clone());
    let resolved = lineage.and_then(|lineage| lineage.resolved_op_selection.clone());
    let python = python.map(|repository_origin| JobPythonOrigin {
        job_name: origin.job_name.clone(),
        repository_origin,
        unknown: UnknownFields::default(),
    });
    let tags = job.tags.clone();
    RemoteJob::new(job, origin)
        .with_tags(tags)
        .with_asset_selection(assets)
        .with_asset_check_selection(checks)
        .with_op_selection(ops)
        .with_resolved_op_selection(resolved)
        .with_job_code_origin(python)
}
