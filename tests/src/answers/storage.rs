//! The answers of the storage domain.

use dagster_instance::daemon::{DaemonStatusQuery, DaemonType};
use dagster_instance::ops::StoresAccess;
use dagster_instance::{DagsterInstance, REINDEXED_INDEXES, RunId, SnapshotId};
use instance_core::storage::{Only, SchemaStore};

use super::{Answer, Failed, path_text, sorted};
use crate::conformance::encode;
use crate::conformance::envelope::{Request, Wire};
use crate::conformance::event_log::asset_key;
use crate::conformance::event_log::partitions::{cursor, page_of_keys};

pub(super) async fn answer(instance: &DagsterInstance, method: &str, request: &Request) -> Answer {
    if let Some(answer) = dynamic_partitions(instance, method, request).await? {
        return Ok(Some(answer));
    }
    Ok(Some(match method {
        "get_latest_storage_id_by_partition" => {
            let (key, after) = (asset_key(request)?, cursor(request, "after_cursor")?);
            let event_type = request.argument("event_type")?.event_type()?;
            let partitions = request.argument("partitions")?.only_strings()?;
            let rows = instance
                .get_latest_storage_id_by_partition(&key, event_type, &partitions, after)
                .await?;
            Wire::mapping(rows)
        }
        "get_historical_job" => {
            let id = SnapshotId::from(request.argument("snapshot_id")?.text()?);
            let job = instance.get_historical_job(&id).await?.ok_or("there is no such job")?;
            Wire::List(vec![
                (&job.snapshot_id).into(),
                Wire::body(&job.job_snapshot),
                Wire::optional_body(job.parent_job_snapshot.as_ref()),
            ])
        }
        "has_historical_job" => {
            let id = SnapshotId::from(request.argument("snapshot_id")?.text()?);
            instance.has_historical_job(&id).await?.into()
        }
        "get_daemon_heartbeats" => encode::heartbeats(&instance.get_daemon_heartbeats().await?),
        "get_required_daemon_types" => {
            let daemon_types = instance.get_required_daemon_types()?;
            Wire::list(daemon_types.iter().map(DaemonType::as_str))
        }
        "daemon_skip_heartbeats_without_errors" => {
            instance.daemon_skip_heartbeats_without_errors().into()
        }
        "get_daemon_statuses" => {
            let names: Vec<String> = request.argument("daemon_types")?.strings()?;
            let daemon_types = names.iter().map(|name| DaemonType::from(name.as_str())).collect();
            let query =
                DaemonStatusQuery::new().with_daemon_types(Only::any_if_empty(daemon_types));
            let statuses = instance.get_daemon_statuses(&query).await?;
            Wire::mapping(statuses.iter().map(|status| {
                let heartbeat = Wire::optional_body(status.last_heartbeat.as_ref());
                let told = vec![status.required.into(), status.healthy.into(), heartbeat];
                (status.daemon_type.as_str(), Wire::List(told))
            }))
        }
        "get_cursor_values" => {
            let keys: Vec<String> = request.argument("keys")?.strings()?;
            let store = &instance.stores().run_storage;
            Wire::mapping(store.get_cursor_values(&keys.into_iter().collect()).await?)
        }
        "built_indexes" => Wire::list(built_indexes(instance).await?),
        "schema_str" => instance.schema_str().await?.into(),
        "root_directory" => path_text(&instance.root_directory()?)?,
        "storage_directory" => path_text(&instance.storage_directory()?)?,
        "schedules_directory" => path_text(&instance.schedules_directory()?)?,
        "file_manager_directory" => {
            let run_id = RunId::from(request.argument("run_id")?.text()?);
            path_text(&instance.file_manager_directory(&run_id)?)?
        }
        _ => return Ok(None),
    }))
}

async fn dynamic_partitions(instance: &DagsterInstance, method: &str, request: &Request) -> Answer {
    let name = || Ok::<_, Failed>(request.argument("partitions_def_name")?.text()?);
    Ok(Some(match method {
        "get_dynamic_partitions" => Wire::list(instance.get_dynamic_partitions(name()?).await?),
        "get_dynamic_partitions_definition_id" => {
            instance.get_dynamic_partitions_definition_id(name()?).await?.into()
        }
        "get_paginated_dynamic_partitions" => {
            let page = page_of_keys(request)?;
            encode::page_of_keys(instance.get_paginated_dynamic_partitions(name()?, &page).await?)
        }
        "has_dynamic_partition" => {
            let key = request.argument("partition_key")?;
            instance.has_dynamic_partition(name()?, key.text()?).await?.into()
        }
        "get_existing_dynamic_partitions" => {
            let keys: Vec<String> = request.argument("partition_keys")?.strings()?;
            let found = instance.get_existing_dynamic_partitions(name()?, &keys).await?;
            sorted(found.into_iter().map(Wire::from))
        }
        _ => return Ok(None),
    }))
}

/// The indexes that are marked as built, by name.
async fn built_indexes(instance: &DagsterInstance) -> Result<Vec<&'static str>, Failed> {
    let stores = instance.stores();
    let each: [&dyn SchemaStore; 3] =
        [&*stores.run_storage, &*stores.event_log_storage, &*stores.schedule_storage];
    let mut built = Vec::new();
    for index in REINDEXED_INDEXES {
        for store in each {
            if store.data_migrations().contains(&index) && store.has_built_index(index).await? {
                built.push(index);
            }
        }
    }
    built.sort_unstable();
    Ok(built)
}
