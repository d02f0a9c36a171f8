//! Pools: their limits, their slots, and the steps that wait.

use instance_core::ids::RunId;
use instance_core::storage::{ConcurrencyKeyInfo, EventLogStorage};

use super::{Answer, Argument, Request, Wire, WireError, encode};

/// What beside the arguments tells the default limit of the instance, if there is an instance.
const DEFAULT_LIMIT: &str = "__default_op_limit__";

pub(super) async fn call(store: &dyn EventLogStorage, name: &str, request: &Request) -> Answer {
    let key = || request.argument("concurrency_key")?.text();
    let step_key = || request.argument("step_key")?.text();
    Ok(Some(match name {
        "set_concurrency_slots" => {
            let slots = request.argument("num")?.integer()?;
            store.set_concurrency_slots(key()?, slots).await?.into()
        }
        "initialize_concurrency_limit_to_default" => {
            // Without an instance there are no settings, and Dagster does nothing.
            let has_instance = request.side_argument(DEFAULT_LIMIT).is_some();
            if has_instance {
                let default_limit = default_limit(request)?;
                store.initialize_concurrency_limit_to_default(key()?, default_limit).await?;
            }
            has_instance.into()
        }
        "delete_concurrency_limit" => store.delete_concurrency_limit(key()?).await?.into(),
        "get_concurrency_keys" => Wire::list(store.get_concurrency_keys().await?),
        "get_pool_limits" => {
            Wire::list(store.get_pool_limits().await?.iter().map(encode::pool_limit))
        }
        "get_concurrency_info" => {
            let keys = [key()?.to_owned()];
            let infos = infos(store, &keys, request).await?;
            infos.first().map(encode::concurrency_info).into()
        }
        "get_concurrency_infos" => {
            let keys: Vec<_> = request.argument("concurrency_keys")?.strings()?;
            let infos = infos(store, &keys, request).await?;
            Wire::mapping(
                infos.iter().map(|info| (&info.concurrency_key, encode::concurrency_info(info))),
            )
        }
        "get_concurrency_run_ids" => Wire::list(&store.get_concurrency_run_ids().await?),
        "claim_concurrency_slot" => {
            let priority = request.argument("priority")?.optional();
            let priority = priority.map(|priority| priority.integer()).transpose()?;
            let run_id = run_id(request)?;
            let status = store.claim_concurrency_slot(key()?, &run_id, step_key()?, priority);
            encode::claim_status(&status.await?)
        }
        "check_concurrency_claim" => {
            let run_id = run_id(request)?;
            let status = store.check_concurrency_claim(key()?, &run_id, step_key()?);
            encode::claim_status(&status.await?)
        }
        "free_concurrency_slots_for_run" => {
            store.free_concurrency_slots(&run_id(request)?, None).await?.into()
        }
        "free_concurrency_slot_for_step" => {
            store.free_concurrency_slots(&run_id(request)?, Some(step_key()?)).await?.into()
        }
        _ => return Ok(None),
    }))
}

async fn infos(
    store: &dyn EventLogStorage,
    keys: &[String],
    request: &Request,
) -> Result<Vec<ConcurrencyKeyInfo>, WireError> {
    Ok(store.get_concurrency_infos(keys, default_limit(request)?).await?)
}

/// The default limit of the instance; `None` if it has none, or there is no instance.
fn default_limit(request: &Request) -> Result<Option<i64>, WireError> {
    let limit = request.side_argument(DEFAULT_LIMIT).and_then(Argument::optional);
    limit.map(|limit| limit.integer()).transpose()
}

fn run_id(request: &Request) -> Result<RunId, WireError> {
    Ok(request.argument("run_id")?.text()?.into())
}
