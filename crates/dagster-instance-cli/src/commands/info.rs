//! `info`: where the instance is, and what it holds.

use std::io::{BufWriter, Write};

use dagster_instance::scheduling::InstigatorStatus;
use dagster_instance::storage::InstigatorFilter;

use crate::args::Output;
use crate::json::Instigators;
use crate::open::InstancePlace;
use crate::{Result, json, open, text};

/// The release of Dagster whose formats this version reads and writes.
const DAGSTER_VERSION: &str = "1.13.27";

pub(crate) async fn run(place: &InstancePlace, args: &Output) -> Result<()> {
    let instance = open::existing(place).await?;
    let info = instance.storage_info().await?;
    let assets = super::asset_list::count(&instance).await?;
    let states = instance.all_instigator_state(&InstigatorFilter::new()).await?;
    let running = states.iter().filter(|state| state.status == InstigatorStatus::Running).count();
    let instigators = Instigators { known: states.len(), running };
    let mut out = BufWriter::new(std::io::stdout().lock());
    if args.json {
        writeln!(out, "{}", json::info(&info, DAGSTER_VERSION, assets, &instigators))?;
        out.flush()?;
        return Ok(());
    }
    let value = |text: &str| text::value(text);
    writeln!(out, "Home          {}", value(&info.home.to_string_lossy()))?;
    writeln!(out, "Runs are in   {}", value(&info.storage.run_storage.to_string()))?;
    writeln!(out, "Events are in {}", value(&info.storage.event_log_storage.to_string()))?;
    writeln!(out, "Schedules in  {}", value(&info.storage.schedule_storage.to_string()))?;
    writeln!(out, "Logs          {}", value(&info.compute_logs.to_string()))?;
    writeln!(out, "Storage id    {}", value(&info.run_storage_id))?;
    for (store, revision) in &info.schema_revisions {
        writeln!(out, "Schema        {store} {}", value(revision))?;
    }
    writeln!(out, "Runs          {}", info.runs)?;
    writeln!(out, "Assets        {assets}")?;
    writeln!(out, "Instigators   {} known, {running} started by hand", instigators.known)?;
    for warning in &info.warnings {
        writeln!(out, "Warning       {}", value(warning))?;
    }
    writeln!(
        out,
        "Compatible    with Dagster {DAGSTER_VERSION}; this is {}",
        env!("CARGO_PKG_VERSION")
    )?;
    out.flush()?;
    Ok(())
}
