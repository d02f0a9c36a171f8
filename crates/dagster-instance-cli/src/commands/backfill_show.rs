//! `backfill show`: one backfill, with how its runs stand.

use std::io::{BufWriter, Write};

use dagster_instance::error::shown;
use dagster_instance::run::{DagsterRunStatus, RunsFilter, TagFilter};
use dagster_instance::scheduling::{AssetGraphSubset, PartitionBackfill};
use dagster_instance::serdes::Number;
use dagster_instance::storage::Only;
use dagster_instance::{AssetKey, DagsterInstance, tags};

use super::backfill_list::of;
use crate::args::BackfillShow;
use crate::open::InstancePlace;
use crate::{Result, json, open, print, text};

/// How many assets are named.
const ASSETS_SHOWN: usize = 20;

/// How many runs of each status there are; only statuses of which there are some.
pub(crate) type RunCounts = Vec<(DagsterRunStatus, u64)>;

pub(crate) async fn run(place: &InstancePlace, args: &BackfillShow) -> Result<()> {
    let instance = open::existing(place).await?;
    let backfill = instance.get_backfill(&args.id).await?.ok_or_else(|| {
        format!(
            "there is no backfill {:?}; `dagster-instance backfill list` lists the backfills",
            shown(&args.id)
        )
    })?;
    let runs = runs(&instance, &backfill.backfill_id).await?;
    let mut out = BufWriter::new(std::io::stdout().lock());
    if args.output.json {
        writeln!(out, "{}", json::backfill_in_full(&backfill, &runs))?;
    } else {
        print_backfill(&mut out, &backfill, &runs)?;
    }
    out.flush()?;
    Ok(())
}

async fn runs(instance: &DagsterInstance, backfill_id: &str) -> Result<RunCounts> {
    let mut counts = Vec::new();
    for status in DagsterRunStatus::ALL {
        let tag = (tags::BACKFILL_ID.to_owned(), TagFilter::Is(backfill_id.to_owned()));
        let filter = RunsFilter::new().with_statuses(Only::one(*status)).with_tags([tag].into());
        let count = instance.get_runs_count(&filter).await?;
        if count > 0 {
            counts.push((*status, count));
        }
    }
    Ok(counts)
}

fn print_backfill(
    out: &mut impl Write,
    backfill: &PartitionBackfill,
    runs: &RunCounts,
) -> std::io::Result<()> {
    let end = backfill.backfill_end_timestamp.as_ref().map(Number::as_f64);
    let start = Some(backfill.backfill_timestamp.as_f64());
    writeln!(out, "Backfill    {}", text::value(&backfill.backfill_id))?;
    writeln!(out, "Status      {}", backfill.status)?;
    writeln!(out, "Created     {}", print::time(start))?;
    writeln!(out, "Ended       {}", print::time(end))?;
    writeln!(out, "Of          {}", of(backfill))?;
    if let Some(title) = &backfill.title {
        writeln!(out, "Title       {}", text::message(title))?;
    }
    if let Some(partitions) = &backfill.partition_names {
        writeln!(out, "Partitions  {}{}", partitions.len(), between(partitions))?;
    }
    if let Some(last) = &backfill.last_submitted_partition_name {
        writeln!(out, "Submitted   up to {}", text::value(last))?;
    }
    for (key, value) in backfill.tags.iter().flatten() {
        writeln!(out, "Tag         {} = {}", text::value(key), text::value(value))?;
    }
    let runs: Vec<_> = runs.iter().map(|(status, count)| format!("{count} {status}")).collect();
    writeln!(out, "Runs        {}", if runs.is_empty() { "none".into() } else { runs.join(", ") })?;
    print_assets(out, backfill)?;
    if let Some(error) = &backfill.error {
        writeln!(out, "\n{}", text::lines(&error.message))?;
    }
    Ok(())
}

/// The first and the last of some keys.
fn between(keys: &[String]) -> String {
    match keys {
        [] => String::new(),
        [key] => format!(": {}", text::value(key)),
        [first, .., last] => format!(": {} .. {}", text::value(first), text::value(last)),
    }
}

/// The assets, with how many of their partitions are done.
fn print_assets(out: &mut impl Write, backfill: &PartitionBackfill) -> std::io::Result<()> {
    let keys = backfill.asset_selection.as_deref().unwrap_or_default();
    if keys.is_empty() {
        return Ok(());
    }
    writeln!(out)?;
    let row = |key: &AssetKey| {
        let (target, materialized) = progress(backfill, key);
        let count = |count: Option<i64>| count.map_or_else(|| "-".to_owned(), |it| it.to_string());
        vec![text::value(&key.to_user_string()), count(target), count(materialized)]
    };
    let rows: Vec<_> = keys.iter().take(ASSETS_SHOWN).map(row).collect();
    print::Table::new(&["ASSET", "PARTITIONS", "MATERIALIZED"]).rows(out, &rows)?;
    match keys.len().saturating_sub(ASSETS_SHOWN) {
        0 => Ok(()),
        more => writeln!(out, "and {more} more assets"),
    }
}

/// How many partitions of an asset are to be filled, and how many are; `None` where that is not known.
pub(crate) fn progress(backfill: &PartitionBackfill, key: &AssetKey) -> (Option<i64>, Option<i64>) {
    let Some(data) = &backfill.asset_backfill_data else { return (None, None) };
    let count = |subset: &AssetGraphSubset| {
        let mut of_key = subset.partitions_subsets_by_asset_key.pairs().iter();
        of_key.find(|(asset, _)| asset == key).and_then(|(_, subset)| subset.num_partitions())
    };
    let target = count(&data.target_subset);
    // An asset of which nothing is materialised yet is not in the subset.
    (target, target.map(|_| count(&data.materialized_subset).unwrap_or_default()))
}
