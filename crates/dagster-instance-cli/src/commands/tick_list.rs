//! `tick list`: the ticks of a schedule or sensor, newest first.

use std::io::{BufWriter, Write};

use dagster_instance::scheduling::InstigatorTick;
use dagster_instance::serdes::Number;
use dagster_instance::storage::{Only, TicksQuery};

use super::instigators::find;
use crate::args::TickList;
use crate::open::InstancePlace;
use crate::print::Table;
use crate::{Result, json, open, print, text};

pub(crate) async fn run(place: &InstancePlace, args: &TickList) -> Result<()> {
    let instance = open::existing(place).await?;
    let ids = find(&instance, None, &args.named.name).await?.ids();
    let query = TicksQuery::new(&ids.origin_id, &ids.selector_id)
        .with_statuses(Only::any_if_empty(args.statuses.clone()))
        .with_limit(args.limit);
    let ticks = instance.get_ticks(&query).await?;
    let mut out = BufWriter::new(std::io::stdout().lock());
    if args.named.output.json {
        for tick in &ticks {
            writeln!(out, "{}", json::tick(tick))?;
        }
    } else {
        table().rows(&mut out, &rows(&ticks))?;
    }
    out.flush()?;
    Ok(())
}

/// A table of ticks.
pub(super) fn table() -> Table {
    Table::new(&["TICK", "STATUS", "BEGAN (UTC)", "DURATION", "RUNS", "REASON"])
}

/// The rows of ticks in their table.
pub(super) fn rows(ticks: &[InstigatorTick]) -> Vec<Vec<String>> {
    ticks.iter().map(row).collect()
}

fn row(tick: &InstigatorTick) -> Vec<String> {
    let data = &tick.tick_data;
    let began = Some(data.timestamp.as_f64());
    let error = data.error.as_ref().and_then(|error| error.message.lines().next());
    let reason = error.or(data.skip_reason.as_deref());
    vec![
        tick.tick_id.to_string(),
        data.status.to_string(),
        print::time(began),
        print::duration(began, data.end_timestamp.as_ref().map(Number::as_f64)),
        data.run_ids.as_ref().map_or(0, Vec::len).to_string(),
        reason.map(text::message).unwrap_or_default(),
    ]
}
