//! Filters from the wire. Fields that are null or empty do not filter, as for Dagster's SQL storages.

use std::collections::BTreeMap;

use instance_core::AssetKey;
use instance_core::event::EventLogCursor;
use instance_core::ids::{SnapshotId, StorageId};
use instance_core::run::{DagsterRunStatus, RunsFilter, TagFilter};
use instance_core::scheduling::{BulkActionStatus, BulkActionsFilter};
use instance_core::serdes::{SerdesClass, deserialize_value, json_to_text, text_to_json};
use instance_core::storage::{
    AssetRecordsFilter, EventCursor, EventRecordsFilter, PartitionKeyFilter, RecordsPage,
    RunShardedEventsCursor, RunStatusChangeRecordsFilter, RunsOrderBy,
};

use super::decode::Argument;
use super::envelope::Request;
use super::errors::WireError;

type Decoded<T> = Result<T, WireError>;

/// The values of a list that may be null, which is as good as empty.
fn strings_or_none(list: Argument<'_>) -> Decoded<Vec<String>> {
    list.optional().map_or_else(|| Ok(Vec::new()), |list| list.strings())
}

fn optional_string(text: Argument<'_>) -> Decoded<Option<String>> {
    text.optional().map(|text| text.string()).transpose()
}

fn optional_id(id: Argument<'_>) -> Decoded<Option<StorageId>> {
    id.optional().map(|id| id.storage_id()).transpose()
}

/// A mapping from tags to a value or several.
fn tags(tags: Argument<'_>) -> Decoded<BTreeMap<String, TagFilter>> {
    let Some(tags) = tags.optional() else { return Ok(BTreeMap::new()) };
    let entry = |(key, value): (&str, Argument<'_>)| {
        let filter = match value.text() {
            Ok(text) => TagFilter::Is(text.to_owned()),
            Err(_) => TagFilter::In(value.strings()?),
        };
        Ok((key.to_owned(), filter))
    };
    tags.entries()?.into_iter().map(entry).collect()
}

/// A filter on runs; null is one that filters nothing.
pub(crate) fn runs_filter(filter: Argument<'_>) -> Decoded<RunsFilter> {
    let Some(filter) = filter.optional() else { return Ok(RunsFilter::default()) };
    filter.record("RunsFilter")?;
    let time = |name| filter.field(name).optional().map(|time| time.datetime()).transpose();
    Ok(RunsFilter::new()
        .with_run_ids(filter.field("run_ids").only_strings()?)
        .with_job_name(optional_string(filter.field("job_name"))?)
        .with_statuses(filter.field("statuses").members(DagsterRunStatus::from_name)?)
        .with_tags(tags(filter.field("tags"))?)
        .with_snapshot_id(optional_string(filter.field("snapshot_id"))?.map(SnapshotId::from))
        .with_updated_after(time("updated_after")?)
        .with_updated_before(time("updated_before")?)
        .with_created_after(time("created_after")?)
        .with_created_before(time("created_before")?)
        .with_exclude_subruns(
            filter
                .field("exclude_subruns")
                .optional()
                .map_or(Ok(false), |exclude| exclude.bool())?,
        ))
}

/// The name of a column of runs; null is the id of the row.
pub(crate) fn runs_order_by(column: Argument<'_>) -> Decoded<RunsOrderBy> {
    let Some(column) = column.optional() else { return Ok(RunsOrderBy::StorageId) };
    column.member(|name| {
        Some(match name {
            "id" => RunsOrderBy::StorageId,
            "create_timestamp" => RunsOrderBy::CreateTimestamp,
            "update_timestamp" => RunsOrderBy::UpdateTimestamp,
            "start_time" => RunsOrderBy::StartTime,
            "end_time" => RunsOrderBy::EndTime,
            _ => return None,
        })
    })
}

/// A filter on backfills; null is one that filters nothing.
pub(crate) fn bulk_actions_filter(filter: Argument<'_>) -> Decoded<BulkActionsFilter> {
    let Some(filter) = filter.optional() else { return Ok(BulkActionsFilter::default()) };
    filter.record("BulkActionsFilter")?;
    let time = |name| filter.field(name).optional().map(|time| time.datetime()).transpose();
    Ok(BulkActionsFilter::new()
        .with_statuses(filter.field("statuses").members(BulkActionStatus::from_name)?)
        .with_created_before(time("created_before")?)
        .with_created_after(time("created_after")?)
        .with_tags(tags(filter.field("tags"))?)
        .with_job_name(optional_string(filter.field("job_name"))?)
        .with_backfill_ids(filter.field("backfill_ids").only_strings()?)
        .with_selector_id(optional_string(filter.field("selector_id"))?))
}

/// A filter on events of all runs.
pub(crate) fn event_records_filter(filter: &Argument<'_>) -> Decoded<EventRecordsFilter> {
    filter.record("EventRecordsFilter")?;
    let cursor =
        |name| filter.field(name).optional().map(|cursor| event_cursor(&cursor)).transpose();
    Ok(EventRecordsFilter::new(filter.field("event_type").event_type()?)
        .with_asset_key(filter.field("asset_key").optional().map(|key| key.body()).transpose()?)
        .with_asset_partitions(filter.field("asset_partitions").only_strings()?)
        .with_after_cursor(cursor("after_cursor")?)
        .with_before_cursor(cursor("before_cursor")?)
        .with_after_timestamp(filter.field("after_timestamp").optional_timestamp()?)
        .with_before_timestamp(filter.field("before_timestamp").optional_timestamp()?)
        .with_storage_ids(filter.field("storage_ids").only_storage_ids()?))
}

fn event_cursor(cursor: &Argument<'_>) -> Decoded<EventCursor> {
    if let Ok(id) = cursor.storage_id() {
        return Ok(EventCursor::StorageId(id));
    }
    cursor.record("RunShardedEventsCursor")?;
    Ok(EventCursor::RunSharded(RunShardedEventsCursor {
        id: cursor.field("id").storage_id()?,
        run_updated_after: cursor.field("run_updated_after").datetime()?,
    }))
}

/// The filter of a method that fetches events of one type about an asset: the key of the asset, or a
/// filter of Dagster's own, which is a serdes class that we have no type for.
pub(crate) fn asset_records_filter(filter: &Argument<'_>) -> Decoded<AssetRecordsFilter> {
    if AssetKey::has_storage_name(&filter.body_class()?) {
        return Ok(AssetRecordsFilter::new(filter.body()?));
    }
    let body = text_to_json(filter.body_text()?).map_err(|error| filter.unreadable(&error))?;
    let body = Argument::new(&body, "records_filter".to_owned());
    if body.field("__class__").text()? != "AssetRecordsFilter" {
        return Err(filter.expected("the body of an AssetKey or an AssetRecordsFilter"));
    }
    let asset_key = body.field("asset_key");
    let asset_key: AssetKey = deserialize_value(&json_to_text(asset_key.value()))
        .map_err(|error| asset_key.unreadable(&error))?;
    Ok(AssetRecordsFilter::new(asset_key)
        .with_asset_partitions(body.field("asset_partitions").only_strings()?)
        .with_after_storage_id(optional_id(body.field("after_storage_id"))?)
        .with_before_storage_id(optional_id(body.field("before_storage_id"))?)
        .with_after_timestamp(body.field("after_timestamp").optional_timestamp()?)
        .with_before_timestamp(body.field("before_timestamp").optional_timestamp()?)
        .with_storage_ids(body.field("storage_ids").only_storage_ids()?))
}

/// A filter on changes of runs' statuses: a type of events, or a record; and the names of jobs that
/// it asks for.
pub(crate) fn run_status_filter(
    filter: &Argument<'_>,
) -> Decoded<(RunStatusChangeRecordsFilter, Vec<String>)> {
    // A type alone has no fields: all of them are null.
    let event_type = filter.event_type().or_else(|_| {
        filter.record("RunStatusChangeRecordsFilter")?;
        filter.field("event_type").event_type()
    })?;
    let fields = RunStatusChangeRecordsFilter::new(event_type)
        .with_after_timestamp(filter.field("after_timestamp").optional_timestamp()?)
        .with_before_timestamp(filter.field("before_timestamp").optional_timestamp()?)
        .with_after_storage_id(optional_id(filter.field("after_storage_id"))?)
        .with_before_storage_id(optional_id(filter.field("before_storage_id"))?)
        .with_storage_ids(filter.field("storage_ids").only_storage_ids()?);
    Ok((fields, strings_or_none(filter.field("job_names"))?))
}

/// The most events that are fetched at once.
const MAX_EVENT_RECORDS: i64 = 10_000;

/// The part of the records that a method asks for which fetches events.
pub(crate) fn records_page(request: &Request) -> Decoded<RecordsPage> {
    let limit = request.argument("limit")?;
    let requested = limit.integer()?;
    if requested > MAX_EVENT_RECORDS {
        return Err(WireError::invariant(format!(
            "Cannot fetch more than {MAX_EVENT_RECORDS} event records at a time. \
             Requested {requested}."
        )));
    }
    let text = request.argument("cursor")?;
    let cursor = match text.clone().event_log_cursor()? {
        None => None,
        Some(EventLogCursor::StorageId(id)) => Some(id),
        Some(EventLogCursor::Offset(_)) => {
            let message = format!("Invalid cursor for fetching event records: {}", text.text()?);
            return Err(WireError::check(message));
        }
    };
    Ok(RecordsPage::new()
        .with_cursor(cursor)
        .with_limit(limit.limit()?)
        .with_order(request.argument("ascending")?.order()?))
}

/// Which partition of a check is meant; null is any.
pub(crate) fn partition_filter(filter: Argument<'_>) -> Decoded<Option<PartitionKeyFilter>> {
    let Some(filter) = filter.optional() else { return Ok(None) };
    filter.record("PartitionKeyFilter")?;
    Ok(Some(PartitionKeyFilter::new(optional_string(filter.field("key"))?)))
}
