//! `asset partitions`: the partitions of an asset, with how they stand.

use std::io::{BufWriter, Write};

use super::known;
use crate::args::{AssetPartitions, MISSING};
use crate::open::InstancePlace;
use crate::{Result, json, open, print, text};

pub(crate) async fn run(place: &InstancePlace, args: &AssetPartitions) -> Result<()> {
    let instance = open::existing(place).await?;
    if !instance.has_asset_key(&args.key).await? {
        return Err(known::unknown(&args.key));
    }
    let mut partitions = known::partitions(&instance, &args.key, &args.definition).await?;
    let counts = known::materializations(&instance, &args.key).await?;
    if !args.statuses.is_empty() {
        partitions.retain(|(_, status)| args.statuses.contains(status));
    }
    partitions.truncate(args.limit.unwrap_or(usize::MAX));
    let count = |key: &str| counts.get(key).copied().unwrap_or_default();
    let mut out = BufWriter::new(std::io::stdout().lock());
    if args.output.json {
        for (key, status) in &partitions {
            writeln!(out, "{}", json::asset_partition(key, *status, count(key)))?;
        }
    } else {
        let rows: Vec<_> = partitions
            .iter()
            .map(|(key, status)| {
                let status = status.map_or(MISSING, |status| status.as_str());
                vec![text::value(key), status.to_owned(), count(key).to_string()]
            })
            .collect();
        print::Table::new(&["PARTITION", "STATUS", "MATERIALIZATIONS"]).rows(&mut out, &rows)?;
    }
    out.flush()?;
    Ok(())
}
