//! The steps from a request to a run that can be created. Nothing is stored here.

use std::collections::BTreeSet;
use std::sync::Arc;

use instance_core::asset_key::{AssetCheckKey, AssetKey};
use instance_core::assets::AssetGraph;
use instance_core::code_location::payloads::{AssetCheckNodeSnap, AssetNodeSnap};
use instance_core::code_location::{CodeLocationError, PreparedRun, RemoteJob};
use instance_core::error::InstanceError;
use instance_core::ids::RunId;
use instance_core::ops::LauncherOps;
use instance_core::partitions::PartitionsSnap;
use instance_core::run::RemoteJobOrigin;
use instance_core::serdes::{FrozenSet, Opaque, SerdesError};
use instance_core::snap::ExecutionPlanSnapshot;

use super::code::Code;
use super::partitions::{OfPartition, of_assets, of_job, shown};
use super::request::{LaunchPartition, LaunchRequest, LaunchStyle};
use crate::code::{
    ASSET_JOB, GrpcCodeLocation, JobPart, RepositoryGraph, RepositoryText, job_origin,
};

/// Asks a code location for all that a run needs to be created: the job, the part of it, the partition, the plan.
///
/// The code decides whether the configuration is right. Nothing is stored.
///
/// # Errors
///
/// [`InstanceError::CodeLocation`] if the location does not answer, if it does not have what the request names, or if
/// the configuration is wrong: its source is a [`CodeLocationError`]. [`InstanceError::Invalid`] and
/// [`InstanceError::Partitions`] if the request contradicts itself, or names a partition that there is not;
/// [`InstanceError::Storage`] if the storage fails.
// facade: skip
#[tracing::instrument(level = "debug", skip_all, fields(run_id = request.run_id.as_ref().map(RunId::as_str)))]
pub async fn prepare_run(
    ops: &dyn LauncherOps,
    location: &GrpcCodeLocation,
    request: LaunchRequest,
) -> Result<PreparedRun, InstanceError> {
    prepare(ops, location, request).await
}

/// What [`prepare_run`] does.
pub(super) async fn prepare(
    ops: &dyn LauncherOps,
    location: &dyn Code,
    request: LaunchRequest,
) -> Result<PreparedRun, InstanceError> {
    let selects_checks = request.checks.as_ref().is_some_and(|checks| !checks.is_empty());
    let selects_assets = !request.assets.is_empty() || selects_checks;
    if selects_assets && !request.ops.is_empty() {
        let reason = "a run selects either ops, or assets and checks";
        return Err(InstanceError::invalid("op selection", request.ops.join(", "), reason));
    }
    let repository =
        repository(location, request.repository.as_deref()).map_err(of("choose a repository"))?;
    let job_name = match &request.job {
        Some(name) => name.clone(),
        None if selects_assets => asset_job(location, &repository, &request)
            .await
            .map_err(of("find the job of the selected assets"))?,
        None => only_job(location, &repository).await.map_err(of("choose a job"))?,
    };
    let repository_origin =
        location.repository_origin(&repository).map_err(of("choose a repository"))?;
    let origin = job_origin(repository_origin, &job_name);

    let job = if selects_assets || !request.ops.is_empty() {
        let part = JobPart {
            ops: Some(request.ops.clone()).filter(|ops| !ops.is_empty()),
            assets: Some(request.assets.clone()).filter(|assets| !assets.is_empty()),
            checks: request.checks.clone().filter(|_| selects_assets),
        };
        part_of(ops, location, &origin, part).await?
    } else {
        location.whole_job(&repository, &job_name).await.map_err(of("tell the job"))?
    };

    let of_partition = match &request.partition {
        None => OfPartition::default(),
        Some(LaunchPartition::Key(key)) if !job_name.starts_with(ASSET_JOB) => {
            of_job(ops, location, &origin, key).await?
        }
        Some(partition) => {
            let text = location.repository(&repository).await.map_err(of("tell its assets"))?;
            let definitions = definitions(location, &text, &origin, &request, partition)?;
            of_assets(ops, &definitions, partition).await?
        }
    };
    let run_config =
        request.run_config.or(of_partition.run_config).unwrap_or_else(Opaque::empty_object);
    let plan = location.plan(&job, &run_config).await.map_err(of("make the plan of the run"))?;
    let asset_graph = graph_of(location, &repository, &plan).await?;

    let style = request.style.unwrap_or(if selects_assets {
        LaunchStyle::Ui
    } else {
        LaunchStyle::CommandLine
    });
    let mut tags = job.tags.clone();
    tags.extend(of_partition.tags);
    tags.extend(request.tags);
    let mut run = PreparedRun::new(job, plan, run_config);
    run.run_id = request.run_id;
    run.tags = tags;
    run.asset_graph = asset_graph;
    if selects_assets {
        run.asset_selection =
            Some(request.assets).filter(|assets| !assets.is_empty()).map(FrozenSet::from_iter);
        run.asset_check_selection = request.checks.map(FrozenSet::from_iter);
    } else if !request.ops.is_empty() {
        run.resolved_op_selection = match style {
            LaunchStyle::CommandLine => run.job.resolved_op_selection.clone(),
            LaunchStyle::Ui => Some(request.ops.iter().cloned().collect()),
        };
        run.op_selection = Some(request.ops);
    }
    current(location).await?;
    Ok(run)
}

/// Makes sure that the server of a code location is the one that was there when the location was opened. A plan of old code,
/// executed by a worker with new code, would fail there in ways that nobody understands.
///
/// # Errors
///
/// [`InstanceError::CodeLocation`] if the server was replaced, or does not answer.
pub async fn ensure_current(location: &GrpcCodeLocation) -> Result<(), InstanceError> {
    current(location).await
}

async fn current(location: &dyn Code) -> Result<(), InstanceError> {
    if location.is_current().await.map_err(of("tell its id"))? {
        return Ok(());
    }
    let reason = "the server was replaced while it was asked; ask the new one again".to_owned();
    Err(of("go on")(location.protocol("GetServerId", reason)))
}

/// The error of a question to a code location.
pub(super) fn of(action: &'static str) -> impl Fn(CodeLocationError) -> InstanceError {
    move |error| InstanceError::CodeLocation { action, source: error.into() }
}

fn repository(location: &dyn Code, asked: Option<&str>) -> Result<String, CodeLocationError> {
    let mut names = location.repository_names().into_iter();
    match (asked, names.next(), names.next()) {
        (Some(name), ..) => location.repository_origin(name).map(|origin| origin.repository_name),
        (None, Some(only), None) => Ok(only),
        (None, ..) => {
            let known = location.repository_names().into_iter();
            Err(CodeLocationError::unnamed("repository", location.place(), known))
        }
    }
}

/// The only job that people have made.
async fn only_job(location: &dyn Code, repository: &str) -> Result<String, CodeLocationError> {
    let text = location.repository(repository).await?;
    let mut names = text.job_names().filter(|name| !name.starts_with(ASSET_JOB));
    if let (Some(only), None) = (names.next(), names.next()) {
        return Ok(only.to_owned());
    }
    let known = text.job_names().map(str::to_owned);
    Err(CodeLocationError::unnamed("job", location.place(), known))
}

/// The job that Dagster makes of all assets. Before 1.5 there was one for each kind of partitions, so the selected
/// assets need one that has all of them.
async fn asset_job(
    location: &dyn Code,
    repository: &str,
    request: &LaunchRequest,
) -> Result<String, CodeLocationError> {
    let text = location.repository(repository).await?;
    let mut common: Option<BTreeSet<String>> = None;
    let mut narrow = |names: Vec<String>| {
        let names = names.into_iter().filter(|name| name.starts_with(ASSET_JOB));
        let names: BTreeSet<String> = names.collect();
        common = Some(match common.take() {
            None => names,
            Some(common) => common.intersection(&names).cloned().collect(),
        });
    };
    for key in &request.assets {
        narrow(asset(location, &text, key)?.job_names);
    }
    for key in request.checks.iter().flatten() {
        narrow(check(location, &text, key)?.job_names);
    }
    common.into_iter().flatten().next().ok_or_else(|| {
        let reason =
            "no job has all of the selected assets and checks, so that they cannot run together";
        location.protocol("StreamingExternalRepository", reason.to_owned())
    })
}

/// A part of a job, with the snapshot of the whole one if the store lacks it.
pub(super) async fn part_of(
    ops: &dyn LauncherOps,
    location: &dyn Code,
    origin: &RemoteJobOrigin,
    part: JobPart,
) -> Result<RemoteJob, InstanceError> {
    let repository = &origin.repository_origin.repository_name;
    let mut job = match location.part_of_job(origin, part).await {
        Ok(job) => job,
        Err(error) => {
            // A job that there is not is said better than by the server.
            location.whole_job(repository, &origin.job_name).await.map_err(of("tell the job"))?;
            return Err(of("tell the part of the job")(error));
        }
    };
    if let Some(lineage) = &job.job_snapshot.lineage_snapshot
        && !ops.snapshot_store().has_job_snapshot(&lineage.parent_snapshot_id).await?
    {
        let whole = location.whole_job(repository, &origin.job_name).await;
        job.parent_job_snapshot = Some(whole.map_err(of("tell the whole job"))?.job_snapshot);
    }
    Ok(job)
}

/// The definitions of partitions of what the request selects, each once; of all assets of the job if it selects none.
fn definitions(
    location: &dyn Code,
    text: &RepositoryText,
    job: &RemoteJobOrigin,
    request: &LaunchRequest,
    partition: &LaunchPartition,
) -> Result<Vec<PartitionsSnap>, InstanceError> {
    let mut found = Vec::new();
    let mut add = |partitions: Option<PartitionsSnap>| {
        found.extend(partitions.filter(|partitions| !found.contains(partitions)));
    };
    for key in &request.assets {
        add(asset(location, text, key).map_err(of("tell its assets"))?.partitions);
    }
    for key in request.checks.iter().flatten() {
        add(check(location, text, key).map_err(of("tell its checks"))?.partitions);
    }
    if request.assets.is_empty() && request.checks.is_none() {
        if job.job_name.starts_with(ASSET_JOB) {
            let reason = "the assets of all jobs have no partitions in common; select assets";
            return Err(InstanceError::invalid("partition", shown(partition), reason));
        }
        for key in text.asset_keys() {
            let node = asset(location, text, key).map_err(of("tell its assets"))?;
            if node.job_names.contains(&job.job_name) {
                add(node.partitions);
            }
        }
    }
    Ok(found)
}

/// What the code says of the assets and checks of a plan; `None` if it has none. Each of them is read, so that the
/// graph has no gap.
///
/// # Errors
///
/// [`InstanceError::CodeLocation`] if the location does not answer, or if what it says of them cannot be read.
pub async fn asset_graph_of_plan(
    location: &GrpcCodeLocation,
    repository: &str,
    plan: &ExecutionPlanSnapshot,
) -> Result<Option<Arc<dyn AssetGraph>>, InstanceError> {
    graph_of(location, repository, plan).await
}

async fn graph_of(
    location: &dyn Code,
    repository: &str,
    plan: &ExecutionPlanSnapshot,
) -> Result<Option<Arc<dyn AssetGraph>>, InstanceError> {
    let outputs = plan.steps.iter().flat_map(|step| &step.outputs);
    let properties: Vec<_> = outputs.filter_map(|output| output.properties.as_ref()).collect();
    if properties.iter().all(|of| of.asset_key.is_none() && of.asset_check_key.is_none()) {
        return Ok(None);
    }
    let told = of("tell its assets");
    let text = location.repository(repository).await.map_err(&told)?;
    for of in properties {
        if let Some(key) = &of.asset_key {
            text.asset(key).map_err(|error| told(unreadable(location, &error)))?;
        }
        if let Some(key) = &of.asset_check_key {
            text.check(key).map_err(|error| told(unreadable(location, &error)))?;
        }
    }
    let (location, repository) = (location.name().to_owned(), repository.to_owned());
    Ok(Some(Arc::new(RepositoryGraph { location, repository, text })))
}

fn asset(
    location: &dyn Code,
    text: &RepositoryText,
    key: &AssetKey,
) -> Result<AssetNodeSnap, CodeLocationError> {
    let node = text.asset(key).map_err(|error| unreadable(location, &error))?;
    node.ok_or_else(|| {
        let known = text.asset_keys().map(AssetKey::to_user_string);
        CodeLocationError::not_served("asset", &key.to_user_string(), location.place(), known)
    })
}

fn check(
    location: &dyn Code,
    text: &RepositoryText,
    key: &AssetCheckKey,
) -> Result<AssetCheckNodeSnap, CodeLocationError> {
    let shown = |key: &AssetCheckKey| format!("{}:{}", key.asset_key.to_user_string(), key.name);
    let node = text.check(key).map_err(|error| unreadable(location, &error))?;
    node.ok_or_else(|| {
        let known = text.check_keys().map(shown);
        CodeLocationError::not_served("check", &shown(key), location.place(), known)
    })
}

fn unreadable(location: &dyn Code, error: &SerdesError) -> CodeLocationError {
    location.protocol("StreamingExternalRepository", error.to_string())
}
