//! Events: of one run, of one asset, and across all.

use instance_core::error::StorageError;
use instance_core::event::{DagsterEventType, EventLogCursor};
use instance_core::ids::RunId;
use instance_core::storage::EventStoreExt;
use instance_core::storage::{AssetEventSummaryQuery, EventLogStorage, Only, RecordsForRun};

use super::{Answer, Handle, Request, Wire, WireError, encode, errors, filters};

/// What Dagster tells a caller who looks across runs by the id of a row.
const ADD_RUN_SHARDED_CURSOR: &str = "Add a RunShardedEventsCursor to your query filter or switch \
    your instance configuration to use a non-run-sharded event log storage";

pub(super) async fn call(
    store: &dyn EventLogStorage,
    handle: &Handle,
    name: &str,
    request: &Request,
) -> Answer {
    if let Some(answer) = of_run(store, name, request).await? {
        return Ok(Some(answer));
    }
    if let Some(answer) = across_runs(store, name, request).await? {
        return Ok(Some(answer));
    }
    Ok(Some(match name {
        "store_event" => {
            let event = request.argument("event")?.body()?;
            let other_tags = handle.other_tags(request)?;
            let stored = store.store_event(&event).await;
            drop(other_tags);
            stored.map_err(not_stored)?;
            Wire::Null
        }
        "store_event_batch" => {
            let events: Vec<_> = request.argument("events")?.bodies()?;
            let other_tags = handle.other_tags(request)?;
            let stored = store.store_event_batch(&events).await;
            drop(other_tags);
            stored.map_err(not_stored)?;
            Wire::Null
        }
        "delete_events" => store.delete_events(&run_id(request)?).await?.into(),
        "wipe" => store.wipe().await?.into(),
        _ => return Ok(None),
    }))
}

/// Methods that read the log of one run.
async fn of_run(store: &dyn EventLogStorage, name: &str, request: &Request) -> Answer {
    Ok(Some(match name {
        "get_records_for_run" => {
            let cursor = request.argument("cursor")?.event_log_cursor()?;
            let query = records_for_run(request, cursor)?;
            let page = store.get_records_for_run(&query).await;
            let page = page.map_err(|error| WireError::of_run(&query.run_id, error))?;
            encode::event_page("EventLogConnection", &page)
        }
        "get_logs_for_run" => {
            let cursor = request.argument("cursor")?;
            // Old callers count entries: minus one is before the first.
            let cursor = match cursor.integer() {
                Ok(last) => Some(EventLogCursor::Offset((last + 1).try_into().unwrap_or(0))),
                Err(_) => cursor.event_log_cursor()?,
            };
            let query = records_for_run(request, cursor)?;
            let page = store.get_records_for_run(&query).await;
            let page = page.map_err(|error| WireError::of_run(&query.run_id, error))?;
            Wire::bodies(page.records.iter().map(|record| &record.event_log_entry))
        }
        "get_stats_for_run" => {
            let run_id = run_id(request)?;
            let stats = store.get_stats_for_run(&run_id).await;
            encode::run_stats(&stats.map_err(|error| WireError::of_run(&run_id, error))?)
        }
        "get_step_stats_for_run" => {
            let run_id = run_id(request)?;
            let step_keys = request.argument("step_keys")?.only_strings()?;
            let stats = store.get_step_stats_for_run(&run_id, &step_keys).await;
            let stats = stats.map_err(|error| WireError::of_run(&run_id, error))?;
            Wire::list(stats.iter().map(encode::step_stats))
        }
        "get_asset_partitions_for_run" => {
            let of_types = request.argument("of_type")?.event_types()?;
            let assets = store.get_asset_partitions_for_run(&run_id(request)?, &of_types).await?;
            let entry = |(key, partitions): (_, _)| {
                Wire::pair(Wire::body(&key), Wire::list::<Option<String>>(partitions))
            };
            Wire::list(assets.into_iter().map(entry))
        }
        _ => return Ok(None),
    }))
}

/// Methods that read events of all runs.
async fn across_runs(store: &dyn EventLogStorage, name: &str, request: &Request) -> Answer {
    Ok(Some(match name {
        "get_event_records" => {
            let filter = filters::event_records_filter(&request.argument("event_records_filter")?)?;
            let limit = request.argument("limit")?.limit()?;
            let order = request.argument("ascending")?.order()?;
            let records = store.get_event_records(&filter, limit, order).await;
            Wire::bodies(&records.map_err(not_run_aware)?)
        }
        "fetch_materializations" => {
            fetch(store, DagsterEventType::AssetMaterialization, request).await?
        }
        "fetch_observations" => fetch(store, DagsterEventType::AssetObservation, request).await?,
        // Dagster's SQL storages do not look for any.
        "fetch_failed_materializations" => {
            let cursor = request.argument("cursor")?.optional();
            let cursor = cursor.map_or(Ok(""), |cursor| cursor.text())?;
            Wire::record(
                "EventRecordsResult",
                [
                    ("records", Wire::List(Vec::new())),
                    ("cursor", cursor.into()),
                    ("has_more", false.into()),
                ],
            )
        }
        "fetch_run_status_changes" => {
            let (filter, job_names) =
                filters::run_status_filter(&request.argument("records_filter")?)?;
            if !job_names.is_empty() && !store.is_run_sharded() {
                return Err(WireError::check(
                    "Called fetch_run_status_changes with selectors, which are not supported with \
                     this storage.",
                ));
            }
            let page = filters::records_page(request)?;
            let page = store.fetch_run_status_changes(&filter, page).await?;
            encode::event_page("EventRecordsResult", &page)
        }
        "get_asset_event_summary_records" => {
            let records = store.get_asset_event_summary_records(&summary_query(request)?).await?;
            Wire::list(records.iter().map(encode::asset_event_summary))
        }
        "get_logs_for_all_runs_by_log_id" => {
            let after_cursor = request.argument("after_cursor")?.storage_id()?;
            let of_types = request.argument("dagster_event_type")?.event_types()?;
            let limit = request.argument("limit")?.limit()?;
            let records =
                store.get_logs_for_all_runs_by_log_id(after_cursor, &of_types, limit).await?;
            Wire::list(
                records.iter().map(|record| {
                    Wire::pair(record.storage_id, Wire::body(&record.event_log_entry))
                }),
            )
        }
        "get_maximum_record_id" => store.get_maximum_record_id().await?.into(),
        "get_all_run_ids" => Wire::list(&store.get_all_run_ids().await?),
        _ => return Ok(None),
    }))
}

async fn fetch(
    store: &dyn EventLogStorage,
    event_type: DagsterEventType,
    request: &Request,
) -> Result<Wire, WireError> {
    let filter = filters::asset_records_filter(&request.argument("records_filter")?)?;
    let filter = filter.as_event_filter(event_type);
    let page = store.fetch_asset_events(&filter, filters::records_page(request)?).await?;
    Ok(encode::event_page("EventRecordsResult", &page))
}

/// Of an event there is to be one row, unless a check was planned more than once: what Dagster then says
/// begins with what it has done.
fn not_stored(error: StorageError) -> WireError {
    match &error {
        StorageError::Duplicate { rows, .. } => WireError::invariant(format!(
            "Updated {rows} rows for asset check evaluation: {}",
            errors::chain(&error)
        )),
        _ => error.into(),
    }
}

/// Across runs that have rows of their own, the only thing that is not supported is a cursor that does
/// not know of them.
fn not_run_aware(error: StorageError) -> WireError {
    match error {
        StorageError::Unsupported { .. } => {
            WireError::exception(format!("{}. {ADD_RUN_SHARDED_CURSOR}", errors::chain(&error)))
        }
        error => error.into(),
    }
}

fn run_id(request: &Request) -> Result<RunId, WireError> {
    Ok(request.argument("run_id")?.text()?.into())
}

pub(crate) fn records_for_run(
    request: &Request,
    cursor: Option<EventLogCursor>,
) -> Result<RecordsForRun, WireError> {
    Ok(RecordsForRun::new(run_id(request)?)
        .with_cursor(cursor)
        .with_of_types(request.argument("of_type")?.event_types()?)
        .with_limit(request.argument("limit")?.limit()?)
        .with_order(request.argument("ascending")?.order()?))
}

pub(crate) fn summary_query(request: &Request) -> Result<AssetEventSummaryQuery, WireError> {
    let optional = |name| Ok::<_, WireError>(request.argument(name)?.optional());
    Ok(AssetEventSummaryQuery::new(request.argument("event_type")?.event_type()?)
        .with_asset_key(optional("asset_key")?.map(|key| key.body()).transpose()?)
        .with_run_id(optional("run_id")?.map(|id| id.text()).transpose()?.map(RunId::from))
        .with_storage_ids(
            optional("storage_ids")?
                .map(|ids| ids.storage_ids())
                .transpose()?
                .map_or(Only::Any, Only::These),
        )
        .with_after_storage_id(optional("after_storage_id")?.map(|id| id.storage_id()).transpose()?)
        .with_before_storage_id(
            optional("before_storage_id")?.map(|id| id.storage_id()).transpose()?,
        )
        .with_limit(request.argument("limit")?.limit()?)
        .with_order(request.argument("ascending")?.order()?))
}
