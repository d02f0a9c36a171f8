//! `asset list`: the assets by key.

use std::io::Write;
use std::path::Path;

use crate::args::AssetList;
use crate::{Result, json, open, print};

pub(crate) async fn run(home: Option<&Path>, args: &AssetList) -> Result<()> {
    let instance = open::existing(home).await?;
    let mut records = instance.get_asset_records(None).await?;
    records.truncate(args.limit.unwrap_or(usize::MAX));
    let mut out = std::io::stdout().lock();
    if args.output.json {
        for record in &records {
            writeln!(out, "{}", json::asset(record))?;
        }
        return Ok(());
    }
    let rows: Vec<_> = records
        .iter()
        .map(|record| {
            let entry = &record.asset_entry;
            let last = entry
                .last_materialization_record
                .as_ref()
                .map(|record| record.event_log_entry.timestamp);
            let run_id = entry.last_run_id.as_ref().map_or("-", |id| id.as_str());
            vec![entry.asset_key.to_user_string(), print::time(last), run_id.to_owned()]
        })
        .collect();
    print::table(&mut out, &["ASSET", "LAST MATERIALIZED (UTC)", "LAST RUN"], &rows)?;
    Ok(())
}
