//! The answers of the scheduling domain.

use dagster_instance::DagsterInstance;
use dagster_instance::scheduling::{
    CronSchedule, InstigatorIds, InstigatorType, TickRetention, TickStatus,
};
use dagster_instance::{InstigatorDebugInfo, SchedulerDebugInfo};

use super::{Answer, Failed, path_text, sorted};
use crate::conformance::envelope::{Request, Wire};
use crate::conformance::runs::{backfills_filter, backfills_page};
use crate::conformance::schedules::{evaluations_page, instigator_filter, ticks_query};
use crate::conformance::{encode, filters};

pub(super) async fn answer(instance: &DagsterInstance, method: &str, request: &Request) -> Answer {
    if let Some(answer) = instigators(instance, method, request).await? {
        return Ok(Some(answer));
    }
    if let Some(answer) = ticks(instance, method, request).await? {
        return Ok(Some(answer));
    }
    if let Some(answer) = backfills(instance, method, request).await? {
        return Ok(Some(answer));
    }
    evaluations(instance, method, request).await
}

/// Schedules and sensors.
async fn instigators(instance: &DagsterInstance, method: &str, request: &Request) -> Answer {
    Ok(Some(match method {
        "scheduler_class" => instance.scheduler_class().into(),
        "scheduler_debug_info" => debug_info(&instance.scheduler_debug_info().await?),
        "all_instigator_state" => {
            Wire::bodies(&instance.all_instigator_state(&instigator_filter(request)?).await?)
        }
        "get_instigator_state" => {
            let selector_id = request.argument("selector_id")?;
            let state = instance.get_instigator_state(selector_id.text()?).await?;
            Wire::optional_body(state.as_ref())
        }
        "logs_path_for_schedule" => {
            let origin_id = request.argument("schedule_origin_id")?;
            path_text(&instance.logs_path_for_schedule(origin_id.text()?)?)?
        }
        _ => return Ok(None),
    }))
}

/// As Dagster says it: a mapping with the name of each schedule or sensor.
fn debug_info(info: &SchedulerDebugInfo) -> Wire {
    Wire::List(vec![
        Wire::list(&info.errors),
        (&info.scheduler_config_info).into(),
        (&info.scheduler_info).into(),
        Wire::List(info.schedule_storage.iter().map(instigator_debug_info).collect()),
    ])
}

fn instigator_debug_info(said: &InstigatorDebugInfo) -> Wire {
    let mut fields = vec![
        ("status", Wire::from(said.status.as_str())),
        ("repository_origin_id", (&said.repository_origin_id).into()),
    ];
    if said.instigator_type == InstigatorType::Schedule {
        fields.push(("schedule_origin_id", (&said.origin_id).into()));
        let cron_schedule = match &said.cron_schedule {
            Some(CronSchedule::One(cron)) => cron.into(),
            Some(CronSchedule::Several(crons)) => Wire::list(crons),
            None => Wire::Null,
        };
        fields.push(("cron_schedule", cron_schedule));
    } else {
        fields.push(("sensor_origin_id", (&said.origin_id).into()));
    }
    Wire::mapping([(&said.name, Wire::mapping(fields))])
}

async fn ticks(instance: &DagsterInstance, method: &str, request: &Request) -> Answer {
    Ok(Some(match method {
        "get_tick_retention_settings" => {
            let of_type = request.argument("instigator_type")?.member(InstigatorType::from_name)?;
            retention(instance.get_tick_retention_settings(of_type))
        }
        "get_tick_termination_check_interval" => {
            let interval = instance.get_tick_termination_check_interval();
            interval.map(|interval| interval.as_secs()).into()
        }
        "supports_batch_tick_queries" => instance.supports_batch_tick_queries().await?.into(),
        "get_tick" => {
            let tick = instance
                .get_tick(&ids(request)?, request.argument("timestamp")?.timestamp()?)
                .await?;
            Wire::optional_body(tick.as_ref())
        }
        "get_ticks" => Wire::bodies(&instance.get_ticks(&ticks_query(request)?).await?),
        "get_tick_summaries" => {
            let summaries = instance.get_tick_summaries(&ticks_query(request)?).await?;
            Wire::list(summaries.iter().map(encode::tick_summary))
        }
        "get_batch_ticks" => {
            let selector_ids: Vec<String> = request.argument("selector_ids")?.strings()?;
            let limit = request.argument("limit")?.limit()?;
            let statuses = request.argument("statuses")?.members(TickStatus::from_name)?;
            let batches = instance.get_batch_ticks(&selector_ids, limit, &statuses).await?;
            Wire::mapping(batches.into_iter().map(|(id, ticks)| (id, Wire::bodies(&ticks))))
        }
        "get_ticks_by_ids" => {
            let tick_ids = request.argument("tick_ids")?.integers()?;
            sorted(instance.get_ticks_by_ids(&tick_ids).await?.iter().map(Wire::body))
        }
        _ => return Ok(None),
    }))
}

fn ids(request: &Request) -> Result<InstigatorIds, Failed> {
    let origin_id = request.argument("origin_id")?.string()?;
    Ok(InstigatorIds::new(origin_id, request.argument("selector_id")?.string()?))
}

fn retention(retention: TickRetention) -> Wire {
    sorted(
        TickStatus::ALL.iter().map(|status| Wire::pair(status.as_str(), retention.days(*status))),
    )
}

async fn backfills(instance: &DagsterInstance, method: &str, request: &Request) -> Answer {
    Ok(Some(match method {
        "get_backfills" => {
            let (filter, page) = (backfills_filter(request)?, backfills_page(request)?);
            Wire::bodies(&instance.get_backfills(&filter, &page).await?)
        }
        "get_backfills_count" => {
            let filter = filters::bulk_actions_filter(request.argument("filters")?)?;
            instance.get_backfills_count(&filter).await?.into()
        }
        "get_backfill" => {
            let id = request.argument("backfill_id")?;
            let backfill = instance.get_backfill(id.text()?).await?;
            Wire::optional_body(backfill.as_ref())
        }
        _ => return Ok(None),
    }))
}

/// Evaluations of automation conditions.
async fn evaluations(instance: &DagsterInstance, method: &str, request: &Request) -> Answer {
    Ok(Some(match method {
        "supports_auto_materialize_asset_evaluations" => {
            instance.supports_auto_materialize_asset_evaluations().await?.into()
        }
        "get_auto_materialize_asset_evaluations" => {
            let page = evaluations_page(request)?;
            let records = instance.get_auto_materialize_asset_evaluations(&page).await?;
            Wire::list(records.iter().map(encode::evaluation_record))
        }
        "get_auto_materialize_evaluations_for_evaluation_id" => {
            let id = request.argument("evaluation_id")?.integer()?;
            let records = instance.get_auto_materialize_evaluations_for_evaluation_id(id).await?;
            sorted(records.iter().map(encode::evaluation_record))
        }
        _ => return Ok(None),
    }))
}
