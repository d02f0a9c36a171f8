//! `asset show`: one asset, with a picture of its partitions.

use std::io::{BufWriter, Write};

use dagster_instance::assets::AssetRecord;
use dagster_instance::event::EventLogRecord;
use dagster_instance::storage::{
    AssetCheckExecutionRecordStatus, AssetCheckSummaryRecord, AssetRecordsFilter, RecordsPage,
};

use super::known;
use crate::args::{AssetShow, PartitionStatus};
use crate::bar::{self, Counts};
use crate::open::InstancePlace;
use crate::{Result, json, open, print, text};

pub(crate) async fn run(place: &InstancePlace, args: &AssetShow) -> Result<()> {
    let instance = open::existing(place).await?;
    let record = known::asset(&instance, &args.key).await?;
    let partitions = known::partitions(&instance, &args.key, &args.definition).await?;
    let checks = instance.get_asset_check_summary_records_for_asset(&args.key).await?;
    let filter = AssetRecordsFilter::new(args.key.clone());
    let observed = instance.fetch_observations(&filter, RecordsPage::new().with_limit(1)).await?;
    let last_observation = observed.records.first();
    let (keys, statuses): (Vec<String>, Vec<PartitionStatus>) = partitions.into_iter().unzip();
    let counts = Counts::of(&statuses);
    let mut out = BufWriter::new(std::io::stdout().lock());
    if args.output.json {
        let all = json::AssetInFull {
            record: &record,
            last_observation,
            checks: &checks,
            partitions: counts,
        };
        writeln!(out, "{}", json::asset_in_full(&all))?;
    } else {
        print_asset(&mut out, &record, last_observation, &checks)?;
        print_partitions(&mut out, &keys, &statuses, counts)?;
    }
    out.flush()?;
    Ok(())
}

fn print_asset(
    out: &mut impl Write,
    record: &AssetRecord,
    last_observation: Option<&EventLogRecord>,
    checks: &[AssetCheckSummaryRecord],
) -> std::io::Result<()> {
    let entry = &record.asset_entry;
    let last = entry.last_materialization_record.as_ref().map(|record| &record.event_log_entry);
    let partition = last.and_then(|entry| entry.dagster_event.as_ref()?.partition());
    let wiped = entry.asset_details.as_ref().and_then(|it| it.last_wipe_timestamp.as_ref());
    writeln!(out, "Asset         {}", text::value(&entry.asset_key.to_user_string()))?;
    writeln!(out, "Materialized  {}", print::time(last.map(|entry| entry.timestamp)))?;
    if let Some(partition) = partition {
        writeln!(out, "  partition   {}", text::value(partition))?;
    }
    if let Some(entry) = last {
        writeln!(out, "  by run      {}", text::value(entry.run_id.as_str()))?;
    }
    if let Some(run_id) = &entry.last_run_id {
        writeln!(out, "Last run      {}", text::value(run_id.as_str()))?;
    }
    if let Some(record) = last_observation {
        writeln!(out, "Observed      {}", print::time(Some(record.event_log_entry.timestamp)))?;
    }
    if let Some(wiped) = wiped {
        writeln!(out, "Wiped         {}", print::time(Some(wiped.as_f64())))?;
    }
    if !checks.is_empty() {
        writeln!(out, "Checks        {}", counted(checks))?;
    }
    Ok(())
}

/// How many checks stand how, by their last executions.
fn counted(checks: &[AssetCheckSummaryRecord]) -> String {
    use AssetCheckExecutionRecordStatus::{Failed, Planned, Succeeded};

    let last = |check: &AssetCheckSummaryRecord| {
        check.last_check_execution_record.as_ref().map(|record| record.status)
    };
    let count = |status| checks.iter().filter(|check| last(check) == Some(status)).count();
    let counts = [(Succeeded, "succeeded"), (Failed, "failed"), (Planned, "planned")]
        .map(|(status, word)| (count(status), word));
    listed(&counts)
}

fn print_partitions(
    out: &mut impl Write,
    keys: &[String],
    statuses: &[PartitionStatus],
    counts: Counts,
) -> std::io::Result<()> {
    let (Some(first), Some(last)) = (keys.first(), keys.last()) else {
        return writeln!(out, "Partitions    none are known");
    };
    let counts = [
        (counts.materialized, "materialized"),
        (counts.failed, "failed"),
        (counts.in_progress, "in progress"),
        (counts.missing, "missing"),
    ];
    writeln!(out, "Partitions    {}: {}", keys.len(), listed(&counts))?;
    writeln!(out)?;
    writeln!(out, "  {}", bar::bar(statuses))?;
    if keys.len() == 1 {
        writeln!(out, "  {}", text::value(first))?;
    } else {
        writeln!(out, "  {} .. {}", text::value(first), text::value(last))?;
    }
    writeln!(out, "  {}", bar::LEGEND)
}

/// Counts with words, without those that are zero.
fn listed(counts: &[(usize, &str)]) -> String {
    let some = counts.iter().filter(|(count, _)| *count > 0);
    some.map(|(count, word)| format!("{count} {word}")).collect::<Vec<_>>().join(", ")
}
