//! `reindex`: builds the secondary indexes that are not marked as built.

use std::io::Write;

use dagster_instance::storage::Only;
use dagster_instance::{ReindexEvent, ReindexProgress};

use crate::args::Reindex;
use crate::open::InstancePlace;
use crate::{Result, json, open, print, report, text};

/// After how many rows the progress is said.
const ROWS_BETWEEN: u64 = 10_000;

pub(crate) async fn run(place: &InstancePlace, args: &Reindex) -> Result<()> {
    let instance = open::existing(place).await?;
    let request = dagster_instance::Reindex::new()
        .with_indexes(Only::any_if_empty(args.indexes.clone()))
        .with_force(args.force)
        .with_resume(args.resume.clone());
    let mut last = None;
    let mut said = 0;
    let mut progress = |at: ReindexProgress| {
        let index = at.index;
        match at.event {
            ReindexEvent::Started { rows: Some(rows) } => {
                report::say(&format!("{index}: {rows} rows to look at"));
            }
            ReindexEvent::Advanced { rows, cursor } => {
                if rows / ROWS_BETWEEN > said {
                    said = rows / ROWS_BETWEEN;
                    report::say(&text::lines(&format!(
                        "{index}: {rows} rows are done; --resume {index}:{cursor} goes on from here"
                    )));
                }
                last = Some(format!("--resume {index}:{cursor}"));
            }
            ReindexEvent::Started { rows: None }
            | ReindexEvent::AlreadyBuilt
            | ReindexEvent::Built { .. } => {
                said = 0;
                last = None;
            }
            _ => {}
        }
    };
    let done = instance.reindex(&request, &mut progress).await;
    if let (Err(_), Some(resume)) = (&done, &last) {
        report::say(&text::lines(&format!("What was built stays; {resume} goes on from there.")));
    }
    let done = done?;
    let mut out = std::io::stdout().lock();
    if args.output.json {
        for index in &done {
            writeln!(out, "{}", json::reindexed(index))?;
        }
        return Ok(());
    }
    let rows = done.iter().map(|index| {
        let what = index
            .rows
            .map_or_else(|| "built already".to_owned(), |rows| format!("built from {rows} rows"));
        vec![index.index.to_owned(), what]
    });
    print::Table::new(&["INDEX", "STATE"]).rows(&mut out, &rows.collect::<Vec<_>>())?;
    Ok(())
}
