//! The JSON of `launch` and `code`.

use std::sync::Arc;

use dagster_instance::run::DagsterRun;
use dagster_instance::{GrpcCodeLocation, GrpcTarget, RepositoryText};
use serde_json::{Value, json};

use super::text;

/// A run that was launched, or queued, or made and not launched.
pub(crate) fn launched_run(
    run: &DagsterRun,
    location: Option<&str>,
    partition: Option<&str>,
) -> Value {
    json!({
        "run_id": text(run.run_id.as_str()),
        "job": text(&run.job_name),
        "status": run.status.as_str(),
        "location": location.map(text),
        "partition": partition.map(text),
    })
}

/// A code server that answers.
pub(crate) fn code_server(location: &str, target: &GrpcTarget, id: &str) -> Value {
    json!({
        "location": text(location),
        "server": text(&target.to_string()),
        "server_id": text(id),
        "error": null,
    })
}

/// A code location that could not be reached or loaded.
pub(crate) fn failed_code_location(location: &str, reason: &str) -> Value {
    json!({"location": text(location), "error": text(reason)})
}

/// A code location with its repositories.
pub(crate) fn code_location(
    location: &GrpcCodeLocation,
    repositories: &[(String, Arc<RepositoryText>)],
) -> Value {
    let repository = |(name, repository): &(String, Arc<RepositoryText>)| {
        json!({
            "name": text(name),
            "jobs": repository.job_names().map(text).collect::<Vec<_>>(),
            "assets": repository.asset_keys().count(),
            "checks": repository.check_keys().count(),
        })
    };
    json!({
        "location": text(location.name()),
        "server_id": text(location.server_id()),
        "dagster_version": location.dagster_version().map(text),
        "container_image": location.container_image().map(text),
        "error": null,
        "repositories": repositories.iter().map(repository).collect::<Vec<_>>(),
    })
}
