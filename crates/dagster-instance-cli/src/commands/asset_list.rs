//! `asset list`: the assets by key.

use std::collections::BTreeMap;
use std::io::{BufWriter, Write};

use dagster_instance::assets::AssetRecord;
use dagster_instance::storage::{AssetKeysPage, Only};
use dagster_instance::{AssetKey, DagsterInstance};

use crate::args::AssetList;
use crate::open::InstancePlace;
use crate::{Result, json, open, print, text};

/// How many records are in memory at once.
const PAGE: u64 = 500;

pub(crate) async fn run(place: &InstancePlace, args: &AssetList) -> Result<()> {
    let instance = open::existing(place).await?;
    let mut keys =
        KeyPages { instance: &instance, cursor: None, left: args.limit.unwrap_or(u64::MAX) };
    let mut out = BufWriter::new(std::io::stdout().lock());
    let mut table = print::Table::new(&["ASSET", "LAST MATERIALIZED (UTC)", "LAST RUN"]);
    let mut page = keys.next().await?.unwrap_or_default();
    loop {
        let records = records(&instance, &page).await?;
        if args.output.json {
            for record in &records {
                writeln!(out, "{}", json::asset(record))?;
            }
        } else {
            table.rows(&mut out, &records.iter().map(row).collect::<Vec<_>>())?;
        }
        out.flush()?;
        let Some(next) = keys.next().await? else { return Ok(()) };
        page = next;
    }
}

/// How many assets there are.
pub(crate) async fn count(instance: &DagsterInstance) -> Result<usize> {
    let mut keys = KeyPages { instance, cursor: None, left: u64::MAX };
    let mut count = 0;
    while let Some(page) = keys.next().await? {
        count += page.len();
    }
    Ok(count)
}

/// The keys of all assets, a page at a time.
struct KeyPages<'a> {
    instance: &'a DagsterInstance,
    cursor: Option<String>,
    left: u64,
}

impl KeyPages<'_> {
    async fn next(&mut self) -> Result<Option<Vec<AssetKey>>> {
        if self.left == 0 {
            return Ok(None);
        }
        let limit = PAGE.min(self.left);
        let page = AssetKeysPage::new().with_cursor(self.cursor.take()).with_limit(limit);
        let keys = self.instance.get_asset_keys(&page).await?;
        // A page that is not full is the last one.
        self.left = if (keys.len() as u64) < limit { 0 } else { self.left - limit };
        self.cursor = keys.last().map(AssetKey::to_db_string);
        Ok((!keys.is_empty()).then_some(keys))
    }
}

/// The records of these assets, in their order.
async fn records(instance: &DagsterInstance, keys: &[AssetKey]) -> Result<Vec<AssetRecord>> {
    let records = instance.get_asset_records(&Only::These(keys.to_vec())).await?;
    let by_key = |record: AssetRecord| (record.asset_entry.asset_key.clone(), record);
    let mut records: BTreeMap<_, _> = records.into_iter().map(by_key).collect();
    Ok(keys.iter().filter_map(|key| records.remove(key)).collect())
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
