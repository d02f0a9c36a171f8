//! The answers of the run domain, and of the launcher.

use dagster_instance::{DagsterInstance, RunId, SnapshotId};

use super::{Answer, Failed, sorted};
use crate::conformance::envelope::{Request, Wire};
use crate::conformance::runs::{run_tags_query, runs_filter, runs_page};
use crate::conformance::{encode, filters};

pub(super) async fn answer(instance: &DagsterInstance, method: &str, request: &Request) -> Answer {
    if let Some(answer) = of_one(instance, method, request).await? {
        return Ok(Some(answer));
    }
    if let Some(answer) = snapshots(instance, method, request).await? {
        return Ok(Some(answer));
    }
    Ok(Some(match method {
        "get_runs" => {
            let page = runs_page(request)?.with_order(request.argument("ascending")?.order()?);
            Wire::bodies(&instance.get_runs(&runs_filter(request)?, &page).await?)
        }
        "get_run_records" => {
            let page = runs_page(request)?
                .with_order(request.argument("ascending")?.order()?)
                .with_order_by(filters::runs_order_by(request.argument("order_by")?)?);
            let records = instance.get_run_records(&runs_filter(request)?, &page).await?;
            Wire::list(records.iter().map(encode::run_record))
        }
        "get_run_ids" => {
            let (filter, page) = (runs_filter(request)?, runs_page(request)?);
            Wire::list(&instance.get_run_ids(&filter, &page).await?)
        }
        "get_runs_count" => instance.get_runs_count(&runs_filter(request)?).await?.into(),
        "get_run_partition_data" => {
            let filter = filters::runs_filter(request.argument("runs_filter")?)?;
            let data = instance.get_run_partition_data(&filter).await?;
            Wire::list(data.iter().map(encode::run_partition_data))
        }
        "get_run_size_limit_bytes" => instance.get_run_size_limit_bytes().into(),
        "get_run_tag_keys" => Wire::list(instance.get_run_tag_keys().await?),
        "get_run_tags" => encode::run_tags(instance.get_run_tags(&run_tags_query(request)?).await?),
        _ => return Ok(None),
    }))
}

/// What is asked about one run.
async fn of_one(instance: &DagsterInstance, method: &str, request: &Request) -> Answer {
    let run_id = || Ok::<_, Failed>(RunId::from(request.argument("run_id")?.text()?));
    Ok(Some(match method {
        "get_run_by_id" => Wire::optional_body(instance.get_run_by_id(&run_id()?).await?.as_ref()),
        "get_run_record_by_id" => {
            let record = instance.get_run_record_by_id(&run_id()?).await?;
            record.as_ref().map(encode::run_record).into()
        }
        "has_run" => instance.has_run(&run_id()?).await?.into(),
        "get_run_group" => match instance.get_run_group(&run_id()?).await? {
            Some(group) => Wire::pair(&group.root_run_id, Wire::bodies(&group.runs)),
            None => Wire::Null,
        },
        "get_run_stats" => encode::run_stats(&instance.get_run_stats(&run_id()?).await?),
        "get_run_step_stats" => {
            let step_keys = request.argument("step_keys")?.only_strings()?;
            let stats = instance.get_run_step_stats(&run_id()?, &step_keys).await?;
            Wire::list(stats.iter().map(encode::step_stats))
        }
        "count_resume_run_attempts" => {
            let attempts = instance.count_resume_run_attempts(&run_id()?).await?;
            u64::try_from(attempts)?.into()
        }
        "get_asset_keys_for_run" => {
            let of_types = request.argument("of_type")?.event_types()?;
            let keys = instance.get_asset_keys_for_run(&run_id()?, &of_types).await?;
            sorted(keys.iter().map(Wire::body))
        }
        _ => return Ok(None),
    }))
}

async fn snapshots(instance: &DagsterInstance, method: &str, request: &Request) -> Answer {
    let id = || Ok::<_, Failed>(SnapshotId::from(request.argument("snapshot_id")?.text()?));
    Ok(Some(match method {
        "get_job_snapshot" => {
            Wire::optional_body(instance.get_job_snapshot(&id()?).await?.as_ref())
        }
        "get_execution_plan_snapshot" => {
            Wire::optional_body(instance.get_execution_plan_snapshot(&id()?).await?.as_ref())
        }
        "has_job_snapshot" => instance.has_job_snapshot(&id()?).await?.into(),
        "has_execution_plan_snapshot" => instance.has_execution_plan_snapshot(&id()?).await?.into(),
        "has_snapshot" => instance.has_snapshot(&id()?).await?.into(),
        _ => return Ok(None),
    }))
}
