//! The methods `schedule.*`.

use instance_core::scheduling::{
    InstigatorState, InstigatorStatus, InstigatorTick, InstigatorType, TickData, TickStatus,
};
use instance_core::storage::{EvaluationsPage, InstigatorFilter, ScheduleStorage, TicksQuery};

use super::connection::unknown_method;
use super::encode;
use super::envelope::{Request, Wire};
use super::errors::WireError;
use super::handles::Handle;
use super::schema;

type Answer = Result<Option<Wire>, WireError>;

/// Answers a method.
pub(super) async fn call(
    handle: &Handle,
    name: &str,
    request: &Request,
) -> Result<Wire, WireError> {
    let store = handle.schedule_storage();
    if let Some(answer) = instigators(&*store, name, request).await? {
        return Ok(answer);
    }
    if let Some(answer) = ticks(&*store, name, request).await? {
        return Ok(answer);
    }
    if let Some(answer) = evaluations(&*store, name, request).await? {
        return Ok(answer);
    }
    let answer = schema::call(&*store, handle, name, request).await?;
    answer.ok_or_else(|| unknown_method(request))
}

/// Methods about the states of schedules and sensors.
async fn instigators(store: &dyn ScheduleStorage, name: &str, request: &Request) -> Answer {
    Ok(Some(match name {
        "all_instigator_state" => {
            Wire::bodies(&store.all_instigator_state(&instigator_filter(request)?).await?)
        }
        "get_instigator_state" => {
            let selector_id = request.argument("selector_id")?;
            let state = store.get_instigator_state(selector_id.text()?).await?;
            Wire::optional_body(state.as_ref())
        }
        "add_instigator_state" => {
            let state = request.argument("state")?;
            store.add_instigator_state(&state.body::<InstigatorState>()?, request.now).await?;
            Wire::body_of_text(state.body_text()?)
        }
        "update_instigator_state" => {
            let state = request.argument("state")?;
            store.update_instigator_state(&state.body::<InstigatorState>()?, request.now).await?;
            Wire::body_of_text(state.body_text()?)
        }
        "delete_instigator_state" => {
            let origin_id = request.argument("origin_id")?;
            let selector_id = request.argument("selector_id")?;
            store.delete_instigator_state(origin_id.text()?, selector_id.text()?).await?.into()
        }
        "wipe" => store.wipe().await?.into(),
        "supports_auto_materialize_asset_evaluations" | "supports_batch_queries" => true.into(),
        _ => return Ok(None),
    }))
}

/// Methods about ticks.
async fn ticks(store: &dyn ScheduleStorage, name: &str, request: &Request) -> Answer {
    Ok(Some(match name {
        "create_tick" => {
            let tick_data: TickData = request.argument("tick_data")?.body()?;
            Wire::body(&store.create_tick(&tick_data).await?)
        }
        "update_tick" => {
            let tick = request.argument("tick")?;
            store.update_tick(&tick.body::<InstigatorTick>()?).await?;
            Wire::body_of_text(tick.body_text()?)
        }
        "get_tick" => {
            let tick_id = request.argument("tick_id")?.integer()?;
            let Some(tick) = store.get_tick(tick_id).await? else {
                return Err(WireError::invariant(format!(
                    "InstigatorTick {tick_id} is not present in storage"
                )));
            };
            Wire::body(&tick)
        }
        "get_ticks_by_ids" => {
            let tick_ids = request.argument("tick_ids")?.integers()?;
            Wire::bodies(&store.get_ticks_by_ids(&tick_ids).await?)
        }
        "get_ticks" => Wire::bodies(&store.get_ticks(&ticks_query(request)?).await?),
        "get_tick_summaries" => {
            let summaries = store.get_tick_summaries(&ticks_query(request)?).await?;
            Wire::list(summaries.iter().map(encode::tick_summary))
        }
        "get_batch_ticks" => {
            let selector_ids: Vec<_> = request.argument("selector_ids")?.strings()?;
            let limit = request.argument("limit")?.limit()?;
            let statuses = request.argument("statuses")?.members(TickStatus::from_name)?;
            let batches = store.get_batch_ticks(&selector_ids, limit, &statuses).await?;
            Wire::mapping(
                batches.into_iter().map(|(selector_id, ticks)| (selector_id, Wire::bodies(&ticks))),
            )
        }
        "purge_ticks" => {
            let origin_id = request.argument("origin_id")?;
            let selector_id = request.argument("selector_id")?;
            let before = request.argument("before")?.timestamp()?;
            let statuses = request.argument("tick_statuses")?.members(TickStatus::from_name)?;
            store.purge_ticks(origin_id.text()?, selector_id.text()?, before, &statuses).await?;
            Wire::Null
        }
        _ => return Ok(None),
    }))
}

/// Methods about evaluations of automation conditions.
async fn evaluations(store: &dyn ScheduleStorage, name: &str, request: &Request) -> Answer {
    Ok(Some(match name {
        "add_auto_materialize_asset_evaluations" => {
            let evaluation_id = request.argument("evaluation_id")?.integer()?;
            let evaluations: Vec<_> = request.argument("asset_evaluations")?.bodies()?;
            store.add_auto_materialize_asset_evaluations(evaluation_id, &evaluations).await?.into()
        }
        "get_auto_materialize_asset_evaluations" => {
            let page = evaluations_page(request)?;
            let records = store.get_auto_materialize_asset_evaluations(&page).await?;
            Wire::list(records.iter().map(encode::evaluation_record))
        }
        "get_auto_materialize_evaluations_for_evaluation_id" => {
            let id = request.argument("evaluation_id")?.integer()?;
            let records = store.get_auto_materialize_evaluations_for_evaluation_id(id).await?;
            Wire::list(records.iter().map(encode::evaluation_record))
        }
        "purge_asset_evaluations" => {
            store.purge_asset_evaluations(request.argument("before")?.timestamp()?).await?;
            Wire::Null
        }
        _ => return Ok(None),
    }))
}

/// The origin of a repository is left aside: it only counts where selectors are not stored yet.
pub(crate) fn instigator_filter(request: &Request) -> Result<InstigatorFilter, WireError> {
    let repository_selector_id = request.argument("repository_selector_id")?.optional();
    let instigator_type = request.argument("instigator_type")?.optional();
    let statuses = request.argument("instigator_statuses")?;
    Ok(InstigatorFilter::new()
        .with_repository_selector_id(repository_selector_id.map(|id| id.string()).transpose()?)
        .with_instigator_type(
            instigator_type.map(|one| one.member(InstigatorType::from_name)).transpose()?,
        )
        .with_statuses(statuses.members(InstigatorStatus::from_name)?))
}

pub(crate) fn evaluations_page(request: &Request) -> Result<EvaluationsPage, WireError> {
    let cursor = request.argument("cursor")?.optional();
    let (key, limit) = (request.argument("key")?.body()?, request.argument("limit")?.count()?);
    Ok(EvaluationsPage::new(key, limit)
        .with_cursor(cursor.map(|cursor| cursor.integer()).transpose()?))
}

pub(crate) fn ticks_query(request: &Request) -> Result<TicksQuery, WireError> {
    Ok(TicksQuery::new(
        request.argument("origin_id")?.string()?,
        request.argument("selector_id")?.string()?,
    )
    .with_before(request.argument("before")?.optional_timestamp()?)
    .with_after(request.argument("after")?.optional_timestamp()?)
    .with_statuses(request.argument("statuses")?.members(TickStatus::from_name)?)
    .with_limit(request.argument("limit")?.limit()?))
}
