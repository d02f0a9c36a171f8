//! `asset checks`: the checks of an asset, with their last executions.

use std::io::{BufWriter, Write};

use dagster_instance::assets::AssetCheckEvaluation;
use dagster_instance::clock::timestamp_of;
use dagster_instance::event::EventSpecificData;
use dagster_instance::storage::{AssetCheckExecutionRecord, AssetCheckSummaryRecord};

use super::known;
use crate::args::AssetChecks;
use crate::open::InstancePlace;
use crate::{Result, json, open, print, text};

pub(crate) async fn run(place: &InstancePlace, args: &AssetChecks) -> Result<()> {
    let instance = open::existing(place).await?;
    let checks = instance.get_asset_check_summary_records_for_asset(&args.key).await?;
    // A check may be executed before its asset is made.
    if checks.is_empty() && !instance.has_asset_key(&args.key).await? {
        return Err(known::unknown(&args.key));
    }
    let mut out = BufWriter::new(std::io::stdout().lock());
    if args.output.json {
        for check in &checks {
            writeln!(out, "{}", json::asset_check(check))?;
        }
    } else {
        let rows: Vec<_> = checks.iter().map(row).collect();
        print::Table::new(&["CHECK", "STATUS", "SEVERITY", "PARTITION", "AT (UTC)", "RUN"])
            .rows(&mut out, &rows)?;
    }
    out.flush()?;
    Ok(())
}

/// What the execution of a check has found, if it has ended.
pub(crate) fn evaluation(record: &AssetCheckExecutionRecord) -> Option<&AssetCheckEvaluation> {
    let event = record.event.as_ref()?.dagster_event.as_ref()?;
    match event.event_specific_data.as_deref()? {
        EventSpecificData::AssetCheckEvaluation(evaluation) => Some(evaluation),
        _ => None,
    }
}

/// When an execution was planned, or when it ended. Rows of old versions have no event.
pub(crate) fn executed_at(record: &AssetCheckExecutionRecord) -> f64 {
    let event = record.event.as_ref();
    event.map_or_else(|| timestamp_of(record.create_timestamp), |event| event.timestamp)
}

fn row(check: &AssetCheckSummaryRecord) -> Vec<String> {
    let dash = || "-".to_owned();
    let last = check.last_check_execution_record.as_ref();
    let partition = last.and_then(|record| record.partition.as_deref());
    let run_id = last.map(|record| record.run_id.as_str()).filter(|id| !id.is_empty());
    let evaluation = last.and_then(evaluation);
    vec![
        text::value(&check.asset_check_key.name),
        last.map_or_else(dash, |record| record.status.as_str().to_owned()),
        evaluation.map_or_else(dash, |it| it.severity.as_str().to_owned()),
        partition.map_or_else(dash, text::value),
        print::time(last.map(executed_at)),
        run_id.map_or_else(dash, text::value),
    ]
}
