//! The parts of an instance: the class of each, as Dagster calls it, and what it was told.

use dagster_instance::settings::{
    ClassSettings, ComputeLogSettings, DefsStateSettings, InstanceSettings, LocalArtifactSettings,
    PostgresAuthProvider, PostgresSettings, RunCoordinatorSettings, RunLauncherSettings,
    S3ComputeLogSettings, SchedulerSettings, SecretsSettings, StoreSettings,
};
use dagster_instance::{DagsterInstance, InstanceError};
use serde_json::{Value, json};

use super::members::Answer;

/// All parts, by the names that they have in Dagster.
pub(super) fn parts(instance: &DagsterInstance) -> Vec<(&'static str, Answer)> {
    let settings = instance.get_settings();
    let storage = &settings.storage;
    vec![
        ("compute_log_manager", compute_logs(&settings.compute_logs)),
        ("defs_state_storage", defs_state(settings)),
        ("event_log_storage", store("EventLogStorage", &storage.event_log_storage)),
        ("local_artifact_storage", artifacts(&settings.local_artifact_storage)),
        ("run_coordinator", coordinator(&settings.run_coordinator)),
        ("run_launcher", launcher(&settings.run_launcher)),
        ("run_storage", store("RunStorage", &storage.run_storage)),
        ("schedule_storage", store("ScheduleStorage", &storage.schedule_storage)),
        ("scheduler", scheduler(&settings.scheduler)),
        ("secrets_loader", secrets(&settings.secrets)),
    ]
}

/// A class of somebody else's: whoever needs it gets an error.
fn not_ours(class: &ClassSettings) -> Answer {
    Err(InstanceError::invalid("class", class.to_string(), "this version does not have it"))
}

fn store(role: &str, settings: &StoreSettings) -> Answer {
    match settings {
        StoreSettings::Sqlite(directory) => {
            Ok(json!({"class": format!("Sqlite{role}"), "directory": directory}))
        }
        StoreSettings::ConsolidatedSqlite(directory) => {
            Ok(json!({"class": format!("ConsolidatedSqlite{role}"), "directory": directory}))
        }
        StoreSettings::Postgres(settings) => Ok(postgres(role, settings)),
        StoreSettings::Other(class) => not_ours(class),
        other => Ok(json!({"class": other.to_string()})),
    }
}

/// The test compares secrets, too, with those that it has made.
fn postgres(role: &str, settings: &PostgresSettings) -> Value {
    let mut params: Vec<(&str, &str)> =
        settings.params.iter().map(|(key, value)| (&**key, value.expose())).collect();
    params.sort_by_key(|(key, _)| *key);
    json!({
        "class": format!("Postgres{role}"),
        "host": settings.host,
        "port": settings.port,
        "username": settings.username,
        "password": settings.password.as_ref().map(dagster_instance::settings::Secret::expose),
        "database": settings.database,
        "params": params,
        "should_autocreate_tables": settings.should_autocreate_tables,
        "auth_provider": settings.auth_provider.as_ref().map(|provider| match provider {
            PostgresAuthProvider::AzureWif { .. } => "AzureWif",
            PostgresAuthProvider::GcpWif => "GcpWif",
            _ => "AwsWif",
        }),
    })
}

fn artifacts(settings: &LocalArtifactSettings) -> Answer {
    match settings {
        LocalArtifactSettings::Local(directory) => {
            Ok(json!({"class": "LocalArtifactStorage", "directory": directory}))
        }
        LocalArtifactSettings::Other(class) => not_ours(class),
        other => Ok(json!(format!("{other:?}"))),
    }
}

fn compute_logs(settings: &ComputeLogSettings) -> Answer {
    match settings {
        ComputeLogSettings::Local(local) => Ok(json!({
            "class": "LocalComputeLogManager",
            "directory": local.base_dir,
            "polling_timeout": local.polling_timeout.as_secs_f64(),
        })),
        ComputeLogSettings::S3(s3) => Ok(in_s3(s3)),
        ComputeLogSettings::NoOp => Ok(json!({"class": "NoOpComputeLogManager"})),
        ComputeLogSettings::Other(class) => not_ours(class),
        ComputeLogSettings::Unusable(problems) => Err(problems.clone().into()),
        other => Ok(json!(format!("{other:?}"))),
    }
}

/// What is not said is as boto3 has it without any environment.
fn in_s3(s3: &S3ComputeLogSettings) -> Value {
    let scheme = if s3.use_ssl { "https" } else { "http" };
    let parts: Vec<&str> = s3.prefix.split('/').filter(|part| !part.is_empty()).collect();
    json!({
        "class": "S3ComputeLogManager",
        "bucket": s3.bucket,
        "prefix": parts.join("/"),
        "directory": s3.local_dir,
        "endpoint": s3.endpoint_url.clone().unwrap_or(format!("{scheme}://s3.amazonaws.com")),
        "verify": match &s3.verify_cert_path {
            Some(path) if s3.verify => json!(path),
            _ => json!(s3.verify),
        },
        "skip_empty_files": s3.skip_empty_files,
        "upload_interval": s3.upload_interval.map(|interval| interval.as_secs()),
        "upload_extra_args": s3.upload_extra_args,
        "show_url_only": s3.show_url_only,
        "region": s3.region.as_deref().unwrap_or("us-east-1"),
    })
}

fn scheduler(settings: &SchedulerSettings) -> Answer {
    match settings {
        SchedulerSettings::DagsterDaemon(daemon) => Ok(json!({
            "class": "DagsterDaemonScheduler",
            "max_catchup_runs": daemon.max_catchup_runs,
            "max_tick_retries": daemon.max_tick_retries,
        })),
        SchedulerSettings::Other(class) => not_ours(class),
        other => Ok(json!(format!("{other:?}"))),
    }
}

fn coordinator(settings: &RunCoordinatorSettings) -> Answer {
    match settings {
        RunCoordinatorSettings::Queued(queue) => Ok(json!({
            "class": "QueuedRunCoordinator",
            "dequeue_interval_seconds": queue.dequeue_interval_seconds,
            "dequeue_use_threads": queue.dequeue_use_threads,
            "dequeue_num_workers": queue.dequeue_num_workers,
        })),
        // `DefaultRunCoordinator` is another name of it.
        RunCoordinatorSettings::Default => Ok(json!({"class": "SyncInMemoryRunCoordinator"})),
        RunCoordinatorSettings::Other(class) => not_ours(class),
        RunCoordinatorSettings::Unusable(problems) => Err(problems.clone().into()),
        other => Ok(json!(format!("{other:?}"))),
    }
}

fn launcher(settings: &RunLauncherSettings) -> Answer {
    let class = match settings {
        RunLauncherSettings::Default => "DefaultRunLauncher",
        RunLauncherSettings::SyncInMemory => "SyncInMemoryRunLauncher",
        RunLauncherSettings::Other(class) => return not_ours(class),
        RunLauncherSettings::Unusable(problems) => return Err(problems.clone().into()),
        other => return Ok(json!(format!("{other:?}"))),
    };
    Ok(json!({"class": class, "supports_resume_run": settings.supports_resume_run()}))
}

fn secrets(settings: &SecretsSettings) -> Answer {
    match settings {
        SecretsSettings::PerProjectEnvFiles { location_paths } => {
            Ok(json!({"class": "PerProjectEnvFileLoader", "location_paths": location_paths}))
        }
        // Without a directory it is the one in which the process works; the comparison resolves this one so.
        SecretsSettings::EnvFile { base_dir } => Ok(json!({
            "class": "EnvFileLoader",
            "directory": base_dir.clone().unwrap_or_default(),
        })),
        SecretsSettings::Other(class) => not_ours(class),
        other => Ok(json!(format!("{other:?}"))),
    }
}

fn defs_state(settings: &InstanceSettings) -> Answer {
    const CLASS: &str = "UPathDefsStateStorage";
    match &settings.defs_state_storage {
        DefsStateSettings::BesideArtifacts => {
            let directory = settings.local_artifact_storage.base_dir()?.join("defs_state");
            Ok(json!({"class": CLASS, "directory": directory}))
        }
        DefsStateSettings::UPath { base_path, .. } if base_path.contains("://") => {
            Ok(json!({"class": CLASS, "url": base_path}))
        }
        DefsStateSettings::UPath { base_path, .. } => {
            Ok(json!({"class": CLASS, "directory": base_path}))
        }
        DefsStateSettings::Other(class) => not_ours(class),
        other => Ok(json!(format!("{other:?}"))),
    }
}
