//! `partitions list`: the keys of dynamic partitions.

use std::io::{BufWriter, Write};

use dagster_instance::storage::{DynamicPartitionsPage, Order};

use crate::args::PartitionsList;
use crate::open::InstancePlace;
use crate::{Result, json, open, print, text};

/// How many keys are in memory at once.
const PAGE: u64 = 10_000;

pub(crate) async fn run(place: &InstancePlace, args: &PartitionsList) -> Result<()> {
    let instance = open::existing(place).await?;
    let mut left = args.limit.unwrap_or(u64::MAX);
    let mut cursor = None;
    let mut out = BufWriter::new(std::io::stdout().lock());
    let mut table = print::Table::new(&["PARTITION"]);
    loop {
        let limit = PAGE.min(left);
        let page = DynamicPartitionsPage::new(limit, Order::Ascending).with_cursor(cursor);
        let found = instance.get_paginated_dynamic_partitions(&args.name, &page).await?;
        if args.output.json {
            for key in &found.results {
                writeln!(out, "{}", json::partition(key))?;
            }
        } else {
            let rows: Vec<_> = found.results.iter().map(|key| vec![text::value(key)]).collect();
            table.rows(&mut out, &rows)?;
        }
        out.flush()?;
        left -= limit;
        if !found.has_more || left == 0 {
            return Ok(());
        }
        cursor = Some(found.cursor);
    }
}
