//! `asset list`: the assets by key.

use std::io::{BufWriter, Write};
use std::path::Path;

use dagster_instance::assets::AssetRecord;
use dagster_instance::storage::Only;

use crate::args::AssetList;
use crate::{Result, json, open, print, text};

pub(crate) async fn run(home: Option<&Path>, args: &AssetList) -> Result<()> {
    let instance = open::existing(home).await?;
    let mut records = instance.get_asset_records(&Only::Any).await?;
    records.truncate(args.limit.unwrap_or(usize::MAX));
    let mut out = BufWriter::new(std::io::stdout().lock());
    if args.output.json {
        for record in &records {
            writeln!(out, "{}", json::asset(record))?;
        }
    } else {
        let rows: Vec<_> = records.iter().map(row).collect();
        print::Table::new(&["ASSET", "LAST MATERIALIZED (UTC)", "LAST RUN"])
            .rows(&mut out, &rows)?;
    }
    out.flush()?;
    Ok(())
}

fn row(record: &AssetRecord) -> Vec<String> {
    let entry = &record.asset_entry;
    let last = entry.last_materialization_record.as_ref().map(|record| &record.event_log_entry);
    let run_id = entry.last_run_id.as_ref();
    vec![
        text::value(&entry.asset_key.to_user_string()),
        print::time(last.map(|entry| entry.timestamp)),
        run_id.map_or_else(|| "-".to_owned(), |id| text::value(id.as_str())),
    ]
}
