//! The answers of the event domain.

use dagster_instance::{DagsterInstance, RunId};

use super::{Answer, Failed, sorted};
use crate::conformance::envelope::{Request, Wire};
use crate::conformance::event_log::events::{records_for_run, summary_query};
use crate::conformance::{encode, filters};

pub(super) async fn answer(instance: &DagsterInstance, method: &str, request: &Request) -> Answer {
    let run_id = || Ok::<_, Failed>(RunId::from(request.argument("run_id")?.text()?));
    Ok(Some(match method {
        "all_logs" => {
            let of_types = request.argument("of_type")?.event_types()?;
            Wire::bodies(&instance.all_logs(&run_id()?, &of_types).await?)
        }
        "logs_after" => {
            let cursor = request.argument("cursor")?.optional();
            let cursor = cursor.map(|cursor| cursor.count()).transpose()?;
            let of_types = request.argument("of_type")?.event_types()?;
            let limit = request.argument("limit")?.limit()?;
            Wire::bodies(&instance.logs_after(&run_id()?, cursor, &of_types, limit).await?)
        }
        "get_records_for_run" => {
            let cursor = request.argument("cursor")?.event_log_cursor()?;
            let page = instance.get_records_for_run(&records_for_run(request, cursor)?).await?;
            encode::event_page("EventLogConnection", &page)
        }
        "get_asset_partitions_for_run" => {
            let of_types = request.argument("of_type")?.event_types()?;
            let assets = instance.get_asset_partitions_for_run(&run_id()?, &of_types).await?;
            sorted(assets.into_iter().map(|(key, partitions)| {
                // Python sorts by the text of each, in which nothing is `None`.
                let mut partitions: Vec<_> = partitions.into_iter().collect();
                partitions.sort_by_key(|partition| {
                    partition.clone().unwrap_or_else(|| "None".to_owned())
                });
                Wire::pair(Wire::body(&key), Wire::list::<Option<String>>(partitions))
            }))
        }
        "should_store_event" => {
            instance.should_store_event(&request.argument("event")?.body()?).into()
        }
        "get_event_records" => {
            let filter = filters::event_records_filter(&request.argument("event_records_filter")?)?;
            let limit = request.argument("limit")?.limit()?;
            let order = request.argument("ascending")?.order()?;
            Wire::bodies(&instance.get_event_records(&filter, limit, order).await?)
        }
        "fetch_run_status_changes" => {
            let (filter, _) = filters::run_status_filter(&request.argument("records_filter")?)?;
            let page = filters::records_page(request)?;
            let page = instance.fetch_run_status_changes(&filter, page).await?;
            encode::event_page("EventRecordsResult", &page)
        }
        "get_asset_event_summary_records" => {
            let query = summary_query(request)?;
            let records = instance.get_asset_event_summary_records(&query).await?;
            Wire::list(records.iter().map(encode::asset_event_summary))
        }
        _ => return Ok(None),
    }))
}
