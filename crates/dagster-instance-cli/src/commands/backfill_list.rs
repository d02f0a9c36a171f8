//! `backfill list`: the backfills, newest first.

use std::io::{BufWriter, Write};

use dagster_instance::DagsterInstance;
use dagster_instance::run::TagFilter;
use dagster_instance::scheduling::{BulkActionsFilter, PartitionBackfill};
use dagster_instance::storage::{BackfillsPage, Only};

use crate::args::BackfillList;
use crate::open::InstancePlace;
use crate::{Result, json, open, print, text};

/// How many backfills are in memory at once. Each may name many partitions.
const PAGE: u64 = 100;

pub(crate) async fn run(place: &InstancePlace, args: &BackfillList) -> Result<()> {
    let instance = open::existing(place).await?;
    let tags = args.tags.iter().map(|(key, value)| (key.clone(), TagFilter::Is(value.clone())));
    let filter = BulkActionsFilter::new()
        .with_statuses(Only::any_if_empty(args.statuses.clone()))
        .with_job_name(args.job.clone())
        .with_tags(tags.collect());
    let mut pages = Pages { instance, filter, cursor: None, left: args.limit.unwrap_or(u64::MAX) };
    let mut out = BufWriter::new(std::io::stdout().lock());
    let mut table = print::Table::new(&["BACKFILL", "STATUS", "CREATED (UTC)", "PARTITIONS", "OF"]);
    let mut page = pages.next().await?.unwrap_or_default();
    loop {
        if args.output.json {
            for backfill in &page {
                writeln!(out, "{}", json::backfill(backfill))?;
            }
        } else {
            table.rows(&mut out, &page.iter().map(row).collect::<Vec<_>>())?;
        }
        out.flush()?;
        let Some(next) = pages.next().await? else { return Ok(()) };
        page = next;
    }
}

fn row(backfill: &PartitionBackfill) -> Vec<String> {
    let partitions = backfill.partition_names.as_ref().map(Vec::len);
    vec![
        text::value(&backfill.backfill_id),
        backfill.status.to_string(),
        print::time(Some(backfill.backfill_timestamp.as_f64())),
        partitions.map_or_else(|| "-".to_owned(), |count| count.to_string()),
        of(backfill),
    ]
}

/// What is filled: a job or assets.
pub(super) fn of(backfill: &PartitionBackfill) -> String {
    if let Some(job) = backfill.job_name() {
        return format!("job {}", text::value(job));
    }
    match backfill.asset_selection.as_deref().unwrap_or_default() {
        [] => "-".to_owned(),
        [key] => format!("asset {}", text::value(&key.to_user_string())),
        keys => format!("{} assets", keys.len()),
    }
}

struct Pages {
    instance: DagsterInstance,
    filter: BulkActionsFilter,
    cursor: Option<String>,
    left: u64,
}

impl Pages {
    async fn next(&mut self) -> Result<Option<Vec<PartitionBackfill>>> {
        if self.left == 0 {
            return Ok(None);
        }
        let limit = PAGE.min(self.left);
        let page = BackfillsPage::new().with_cursor(self.cursor.take()).with_limit(limit);
        let found = self.instance.get_backfills(&self.filter, &page).await?;
        // A page that is not full is the last one.
        self.left = if (found.len() as u64) < limit { 0 } else { self.left - limit };
        self.cursor = found.last().map(|backfill| backfill.backfill_id.clone());
        Ok((!found.is_empty()).then_some(found))
    }
}
