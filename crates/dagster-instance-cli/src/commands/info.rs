//! `info`: where the instance is, and what it holds.

use std::io::Write;
use std::path::Path;

use dagster_instance::scheduling::InstigatorStatus;
use dagster_instance::settings::StoreSettings;
use serde_json::json;

use crate::args::Output;
use crate::{Result, open};

/// The release of Dagster whose formats this version reads and writes.
const DAGSTER_VERSION: &str = "1.13.27";

pub(crate) async fn run(home: Option<&Path>, args: &Output) -> Result<()> {
    let instance = open::existing(home).await?;
    let info = instance.storage_info().await?;
    let assets = instance.all_asset_keys().await?.len();
    let instigators = instance.all_instigator_state(None).await?;
    let running =
        instigators.iter().filter(|state| state.status == InstigatorStatus::Running).count();
    let mut out = std::io::stdout().lock();
    if args.json {
        let revisions: serde_json::Map<_, _> = info
            .schema_revisions
            .iter()
            .map(|(store, revision)| ((*store).to_owned(), json!(revision)))
            .collect();
        let value = json!({
            "version": env!("CARGO_PKG_VERSION"),
            "dagster_version": DAGSTER_VERSION,
            "home": info.home,
            "storage": {
                "kind": kind(&info.storage.run_storage),
                "run_storage": info.storage.run_storage.to_string(),
                "event_log_storage": info.storage.event_log_storage.to_string(),
                "schedule_storage": info.storage.schedule_storage.to_string(),
                "schema_revisions": revisions,
            },
            "compute_logs_dir": info.compute_logs_dir,
            "run_storage_id": info.run_storage_id,
            "runs": info.runs,
            "assets": assets,
            "instigators": {"known": instigators.len(), "running": running},
            "ignored_config_keys": info.ignored_keys,
        });
        writeln!(out, "{value}")?;
        return Ok(());
    }
    writeln!(out, "Home          {}", info.home.display())?;
    writeln!(out, "Runs are in   {}", info.storage.run_storage)?;
    writeln!(out, "Events are in {}", info.storage.event_log_storage)?;
    writeln!(out, "Schedules in  {}", info.storage.schedule_storage)?;
    writeln!(out, "Logs          {}", info.compute_logs_dir.display())?;
    writeln!(out, "Storage id    {}", info.run_storage_id)?;
    for (store, revision) in &info.schema_revisions {
        writeln!(out, "Schema        {store} {revision}")?;
    }
    writeln!(out, "Runs          {}", info.runs)?;
    writeln!(out, "Assets        {assets}")?;
    writeln!(out, "Instigators   {} known, {running} started by hand", instigators.len())?;
    writeln!(
        out,
        "Compatible    with Dagster {DAGSTER_VERSION}; this is {}",
        env!("CARGO_PKG_VERSION")
    )?;
    if !info.ignored_keys.is_empty() {
        writeln!(out, "Not followed  keys of dagster.yaml: {}", info.ignored_keys.join(", "))?;
    }
    Ok(())
}

/// The kind of a store, for programs.
fn kind(store: &StoreSettings) -> &'static str {
    match store {
        StoreSettings::Postgres(_) => "postgres",
        _ => "sqlite",
    }
}
