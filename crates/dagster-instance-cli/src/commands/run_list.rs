//! `run list`: the runs, newest first.

use std::io::{BufWriter, Write};

use dagster_instance::DagsterInstance;
use dagster_instance::clock::timestamp_of;
use dagster_instance::run::{RunRecord, RunsFilter, TagFilter};
use dagster_instance::storage::{Only, RunsPage};

use crate::args::RunList;
use crate::open::InstancePlace;
use crate::{Result, json, open, print, text};

/// How many runs are in memory at once.
const PAGE: u64 = 1_000;

pub(crate) async fn run(place: &InstancePlace, args: &RunList) -> Result<()> {
    let instance = open::existing(place).await?;
    let filter = RunsFilter::new()
        .with_statuses(Only::any_if_empty(args.statuses.clone()))
        .with_job_name(args.job.clone())
        .with_tags(
            args.tags
                .iter()
                .map(|(key, value)| (key.clone(), TagFilter::Is(value.clone())))
                .collect(),
        );
    let mut pages = Pages { instance, filter, cursor: None, left: args.limit.unwrap_or(u64::MAX) };
    let mut out = BufWriter::new(std::io::stdout().lock());
    if args.output.json {
        while let Some(records) = pages.next().await? {
            for record in &records {
                writeln!(out, "{}", json::run(record))?;
            }
            out.flush()?;
        }
        return Ok(());
    }
    let mut table = print::Table::new(&["RUN", "JOB", "STATUS", "CREATED (UTC)", "DURATION"]);
    let mut records = pages.next().await?.unwrap_or_default();
    loop {
        table.rows(&mut out, &records.iter().map(row).collect::<Vec<_>>())?;
        out.flush()?;
        let Some(next) = pages.next().await? else { return Ok(()) };
        records = next;
    }
}

fn row(record: &RunRecord) -> Vec<String> {
    vec![
        text::value(record.dagster_run.run_id.as_str()),
        text::value(&record.dagster_run.job_name),
        record.dagster_run.status.to_string(),
        print::time(Some(timestamp_of(record.create_timestamp))),
        print::duration(record.start_time, record.end_time),
    ]
}

struct Pages {
    instance: DagsterInstance,
    filter: RunsFilter,
    cursor: Option<dagster_instance::RunId>,
    left: u64,
}

impl Pages {
    async fn next(&mut self) -> Result<Option<Vec<RunRecord>>> {
        if self.left == 0 {
            return Ok(None);
        }
        let limit = PAGE.min(self.left);
        let page = RunsPage::new().with_cursor(self.cursor.take()).with_limit(limit);
        let records = self.instance.get_run_records(&self.filter, &page).await?;
        // A page that is not full is the last one.
        self.left = if (records.len() as u64) < limit { 0 } else { self.left - limit };
        self.cursor = records.last().map(|record| record.dagster_run.run_id.clone());
        Ok((!records.is_empty()).then_some(records))
    }
}
