//! `daemon wipe`: deletes the heartbeats of all daemons.

use std::io::Write;
use std::process::ExitCode;

use crate::args::DaemonWipe;
use crate::confirm::{Decision, decide};
use crate::open::InstancePlace;
use crate::print::counted;
use crate::{FAILURE, Result, json, open};

pub(crate) async fn run(place: &InstancePlace, args: &DaemonWipe) -> Result<ExitCode> {
    let instance = open::existing(place).await?;
    let heartbeats = instance.get_daemon_heartbeats().await?.len();
    let what = counted(heartbeats as u64, "heartbeat of daemons");
    let plan = [format!("to wipe: {what}")];
    let dry_run = match decide(&args.consent, &plan, &format!("Wipe {what}?"))? {
        Decision::Nothing => return Ok(ExitCode::from(FAILURE)),
        Decision::DryRun => true,
        Decision::Do => false,
    };
    if !dry_run {
        instance.wipe_daemon_heartbeats().await?;
    }
    let mut out = std::io::stdout().lock();
    if args.output.json {
        writeln!(out, "{}", json::wiped_heartbeats(heartbeats, dry_run))?;
    } else if dry_run {
        writeln!(out, "Would wipe {what}")?;
    } else {
        writeln!(out, "Daemon heartbeats wiped")?;
    }
    Ok(ExitCode::SUCCESS)
}
