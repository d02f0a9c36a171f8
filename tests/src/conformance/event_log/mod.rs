//! The methods `event_log.*`, and the answers that do not depend on what is stored.

pub(crate) mod assets;
mod checks;
pub(crate) mod events;
pub(crate) mod partitions;
mod pools;

use instance_core::AssetKey;
use instance_core::storage::EventLogStorage;

use super::connection::unknown_method;
use super::decode::Argument;
use super::encode;
use super::envelope::{Request, Wire};
use super::errors::{self, WireError};
use super::filters;
use super::handles::Handle;
use super::schema;

type Answer = Result<Option<Wire>, WireError>;

/// Answers a method.
pub(super) async fn call(
    handle: &Handle,
    name: &str,
    request: &Request,
) -> Result<Wire, WireError> {
    let store = handle.event_log_storage();
    if let Some(answer) = properties(&*store, handle, name) {
        return Ok(answer);
    }
    if let Some(answer) = events::call(&*store, handle, name, request).await? {
        return Ok(answer);
    }
    if let Some(answer) = assets::call(&*store, name, request).await? {
        return Ok(answer);
    }
    if let Some(answer) = partitions::call(&*store, handle, name, request).await? {
        return Ok(answer);
    }
    if let Some(answer) = checks::call(&*store, name, request).await? {
        return Ok(answer);
    }
    if let Some(answer) = pools::call(&*store, name, request).await? {
        return Ok(answer);
    }
    let answer = schema::call(&*store, handle, name, request).await?;
    answer.ok_or_else(|| unknown_method(request))
}

/// What Dagster's storage of the same kind says of itself.
fn properties(store: &dyn EventLogStorage, handle: &Handle, name: &str) -> Option<Wire> {
    Some(match name {
        "asset_records_have_last_observation"
        | "asset_records_have_last_planned_and_failed_materializations"
        | "can_store_asset_failure_events"
        | "handles_run_events_in_store_event"
        | "supports_run_status_change_job_name_filter"
        // Python has an environment variable for it, which suites set in their own process only.
        | "supports_partition_subset_in_asset_materialization_planned_events" => false.into(),
        "can_read_asset_status_cache"
        | "can_write_asset_status_cache"
        | "has_asset_key_index_cols"
        | "has_bounded_dynamic_partition_membership_query"
        | "supports_asset_checks" => true.into(),
        "is_persistent" | "supports_global_concurrency_limits" => handle.is_persistent().into(),
        "is_run_sharded" => store.is_run_sharded().into(),
        "default_run_scoped_event_tailer_offset" => 0_i64.into(),
        _ => return None,
    })
}

pub(crate) fn asset_key(request: &Request) -> Result<AssetKey, WireError> {
    request.argument("asset_key")?.body()
}
