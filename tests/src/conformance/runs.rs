//! The methods `run.*`.

use instance_core::ids::RunId;
use instance_core::run::{DagsterRun, RunsFilter};
use instance_core::scheduling::{BulkActionStatus, BulkActionsFilter};
use instance_core::serdes::SerdesClass;
use instance_core::snap::{ExecutionPlanSnapshot, JobSnap};
use instance_core::storage::{
    BackfillsPage, Only, Order, RunStorage, RunTagsQuery, RunsOrderBy, RunsPage,
};

use super::connection::unknown_method;
use super::encode;
use super::envelope::{Request, Wire};
use super::errors::WireError;
use super::filters;
use super::handles::Handle;
use super::schema;

type Answer = Result<Option<Wire>, WireError>;

/// What the text of a snapshot is that is not there: Dagster hands out `None`, where it says that it
/// hands out a snapshot.
const NONE: &str = "null";

/// Answers a method.
pub(super) async fn call(
    handle: &Handle,
    name: &str,
    request: &Request,
) -> Result<Wire, WireError> {
    let store = handle.run_storage();
    if let Some(answer) = reading(&*store, name, request).await? {
        return Ok(answer);
    }
    if let Some(answer) = writing(&*store, name, request).await? {
        return Ok(answer);
    }
    if let Some(answer) = snapshots(&*store, name, request).await? {
        return Ok(answer);
    }
    if let Some(answer) = backfills(&*store, name, request).await? {
        return Ok(answer);
    }
    if let Some(answer) = daemons(&*store, name, request).await? {
        return Ok(answer);
    }
    let answer = schema::call(&*store, handle, name, request).await?;
    answer.ok_or_else(|| unknown_method(request))
}

/// Methods that read runs and tags.
async fn reading(store: &dyn RunStorage, name: &str, request: &Request) -> Answer {
    Ok(Some(match name {
        // Buckets are for storages that say that they can; Dagster's SQL storages leave them aside.
        "get_runs" => {
            let order = request.argument("ascending")?.order()?;
            let page = runs_page(request)?.with_order(order);
            let records = store.get_run_records(&runs_filter(request)?, &page).await?;
            Wire::bodies(records.iter().map(|record| &record.dagster_run))
        }
        "get_run_records" => {
            let page = runs_page(request)?
                .with_order(request.argument("ascending")?.order()?)
                .with_order_by(filters::runs_order_by(request.argument("order_by")?)?);
            let records = store.get_run_records(&runs_filter(request)?, &page).await?;
            Wire::list(records.iter().map(encode::run_record))
        }
        "get_run_ids" => {
            let ids = store.get_run_ids(&runs_filter(request)?, &runs_page(request)?).await?;
            Wire::list(&ids)
        }
        "get_runs_count" => store.get_runs_count(&runs_filter(request)?).await?.into(),
        "has_run" => store.has_run(&run_id(request)?).await?.into(),
        "get_run_group" => {
            let run_id = run_id(request)?;
            let Some(group) = store.get_run_group(&run_id).await? else {
                return Err(WireError::run_not_found(&run_id));
            };
            Wire::pair(&group.root_run_id, Wire::bodies(&group.runs))
        }
        "get_run_partition_data" => {
            let filter = filters::runs_filter(request.argument("runs_filter")?)?;
            let data = store.get_run_partition_data(&filter).await?;
            Wire::list(data.iter().map(encode::run_partition_data))
        }
        "get_run_tags" => encode::run_tags(store.get_run_tags(&run_tags_query(request)?).await?),
        "get_run_tag_keys" => Wire::list(store.get_run_tag_keys().await?),
        "get_run_storage_id" => store.get_run_storage_id().await?.into(),
        "supports_bucket_queries" | "supports_run_telemetry" => false.into(),
        _ => return Ok(None),
    }))
}

/// Methods that change runs and tags.
async fn writing(store: &dyn RunStorage, name: &str, request: &Request) -> Answer {
    Ok(Some(match name {
        "add_run" | "add_historical_run" => {
            let run = request.argument("dagster_run")?;
            let created_at = if name == "add_run" {
                request.now
            } else {
                request.argument("run_creation_time")?.datetime()?
            };
            store.add_run(&run.body::<DagsterRun>()?, created_at).await?;
            Wire::body_of_text(run.body_text()?)
        }
        "handle_run_event" => {
            let event = request.argument("event")?.body()?;
            let at = request.argument("update_timestamp")?.optional();
            let at = at.map_or(Ok(request.now), |at| at.datetime())?;
            store.handle_run_event(&run_id(request)?, &event, at).await?.into()
        }
        "add_run_tags" => {
            let new_tags = request.argument("new_tags")?.string_map()?;
            store.add_run_tags(&run_id(request)?, &new_tags, request.now).await?.into()
        }
        "replace_job_origin" => {
            let run = request.argument("run")?.body()?;
            let job_origin = request.argument("job_origin")?.body()?;
            store.replace_job_origin(&run, &job_origin).await?.into()
        }
        "delete_run" => store.delete_run(&run_id(request)?).await?.into(),
        // Dagster's own storages forget telemetry.
        "add_run_telemetry" => Wire::Null,
        "wipe" => store.wipe().await?.into(),
        _ => return Ok(None),
    }))
}

/// Methods about the snapshots of jobs and plans.
async fn snapshots(store: &dyn RunStorage, name: &str, request: &Request) -> Answer {
    Ok(Some(match name {
        "add_job_snapshot" => {
            let snapshot: JobSnap = request.argument("job_snapshot")?.body()?;
            (&store.add_job_snapshot(&snapshot).await?).into()
        }
        "add_execution_plan_snapshot" => {
            let snapshot: ExecutionPlanSnapshot =
                request.argument("execution_plan_snapshot")?.body()?;
            (&store.add_execution_plan_snapshot(&snapshot).await?).into()
        }
        "add_snapshot" => {
            let snapshot = request.argument("snapshot")?;
            if JobSnap::has_storage_name(&snapshot.body_class()?) {
                store.add_job_snapshot(&snapshot.body()?).await?;
            } else {
                store.add_execution_plan_snapshot(&snapshot.body()?).await?;
            }
            Wire::Null
        }
        "has_job_snapshot" => {
            let id = request.argument("job_snapshot_id")?.text()?.into();
            store.has_job_snapshot(&id).await?.into()
        }
        "has_execution_plan_snapshot" => {
            let id = request.argument("execution_plan_snapshot_id")?.text()?.into();
            store.has_execution_plan_snapshot(&id).await?.into()
        }
        "has_snapshot" => {
            let id = request.argument("snapshot_id")?.text()?.into();
            let has = store.has_job_snapshot(&id).await?
                || store.has_execution_plan_snapshot(&id).await?;
            has.into()
        }
        "get_job_snapshot" => {
            let id = request.argument("job_snapshot_id")?.text()?.into();
            let snapshot = store.get_job_snapshot(&id).await?;
            snapshot.as_ref().map_or_else(|| Wire::body_of_text(NONE), Wire::body)
        }
        "get_execution_plan_snapshot" => {
            let id = request.argument("execution_plan_snapshot_id")?.text()?.into();
            let snapshot = store.get_execution_plan_snapshot(&id).await?;
            snapshot.as_ref().map_or_else(|| Wire::body_of_text(NONE), Wire::body)
        }
        _ => return Ok(None),
    }))
}

/// Methods about backfills.
async fn backfills(store: &dyn RunStorage, name: &str, request: &Request) -> Answer {
    Ok(Some(match name {
        "get_backfills" => {
            let page = backfills_page(request)?;
            let backfills = store.get_backfills(&backfills_filter(request)?, &page).await?;
            Wire::bodies(&backfills)
        }
        "get_backfills_count" => {
            let filter = filters::bulk_actions_filter(request.argument("filters")?)?;
            store.get_backfills_count(&filter).await?.into()
        }
        "get_backfill" => {
            let id = request.argument("backfill_id")?;
            let backfill = store.get_backfill(id.text()?).await?;
            Wire::optional_body(backfill.as_ref())
        }
        "add_backfill" => {
            let backfill = request.argument("partition_backfill")?.body()?;
            store.add_backfill(&backfill).await?.into()
        }
        "update_backfill" => {
            let backfill = request.argument("partition_backfill")?.body()?;
            store.update_backfill(&backfill).await?.into()
        }
        _ => return Ok(None),
    }))
}

/// Methods about what daemons remember.
async fn daemons(store: &dyn RunStorage, name: &str, request: &Request) -> Answer {
    Ok(Some(match name {
        "add_daemon_heartbeat" => {
            let heartbeat = request.argument("daemon_heartbeat")?.body()?;
            store.add_daemon_heartbeat(&heartbeat).await?.into()
        }
        "get_daemon_heartbeats" => encode::heartbeats(&store.get_daemon_heartbeats().await?),
        "wipe_daemon_heartbeats" => store.wipe_daemon_heartbeats().await?.into(),
        "get_cursor_values" => {
            let values = store.get_cursor_values(&request.argument("keys")?.strings()?).await?;
            Wire::mapping(values)
        }
        "set_cursor_values" => {
            store.set_cursor_values(&request.argument("pairs")?.string_map()?).await?.into()
        }
        _ => return Ok(None),
    }))
}

fn run_id(request: &Request) -> Result<RunId, WireError> {
    Ok(request.argument("run_id")?.text()?.into())
}

pub(crate) fn runs_filter(request: &Request) -> Result<RunsFilter, WireError> {
    filters::runs_filter(request.argument("filters")?)
}

/// The part of the runs that is meant, newest first.
pub(crate) fn runs_page(request: &Request) -> Result<RunsPage, WireError> {
    let cursor = request.argument("cursor")?.optional();
    let cursor = cursor.map(|cursor| cursor.text()).transpose()?;
    Ok(RunsPage::new()
        .with_cursor(cursor.filter(|cursor| !cursor.is_empty()).map(RunId::from))
        .with_limit(request.argument("limit")?.limit()?)
        .with_order_by(RunsOrderBy::default())
        .with_order(Order::Descending))
}

/// Which tags are meant.
pub(crate) fn run_tags_query(request: &Request) -> Result<RunTagsQuery, WireError> {
    let prefix = request.argument("value_prefix")?.optional();
    let keys: Vec<String> = request.argument("tag_keys")?.strings()?;
    Ok(RunTagsQuery::new(keys)
        .with_value_prefix(prefix.map(|prefix| prefix.string()).transpose()?)
        .with_limit(request.argument("limit")?.limit()?))
}

/// The part of the backfills that is meant.
pub(crate) fn backfills_page(request: &Request) -> Result<BackfillsPage, WireError> {
    let cursor = request.argument("cursor")?.optional();
    Ok(BackfillsPage::new()
        .with_cursor(cursor.map(|cursor| cursor.string()).transpose()?)
        .with_limit(request.argument("limit")?.limit()?))
}

/// The filter on backfills, for which callers of old versions name a status.
pub(crate) fn backfills_filter(request: &Request) -> Result<BulkActionsFilter, WireError> {
    let filters = request.argument("filters")?;
    let Some(status) = request.argument("status")?.optional() else {
        return filters::bulk_actions_filter(filters);
    };
    if filters.optional().is_some() {
        return Err(WireError::invariant(
            "Cannot provide status and filters to get_backfills. \
             Please use filters rather than status.",
        ));
    }
    let statuses = Only::one(status.member(BulkActionStatus::from_name)?);
    Ok(BulkActionsFilter::new().with_statuses(statuses))
}
