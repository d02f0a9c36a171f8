//! `queue run`: takes runs from the queue once.

use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use dagster_instance::error::KeeperError;
use dagster_instance::keepers::{KeeperOptions, TwinCheck};
use dagster_instance::queue::QueueLook;

use crate::args::QueueRun;
use crate::open::InstancePlace;
use crate::{DONE_BY_OTHERS, FAILURE, Result, json, open, report, server_output, text};

pub(crate) async fn run(
    place: &InstancePlace,
    args: QueueRun,
    is_verbose: bool,
) -> Result<ExitCode> {
    let options = KeeperOptions::new()
        .with_launch_workers(args.parallel.map(usize::from))
        .with_launch_timeout(Duration::from_secs_f64(args.launch_timeout))
        .with_twin_check(if args.refuse_at_once {
            TwinCheck::RefuseAtOnce
        } else {
            TwinCheck::Wait
        });
    let instance = open::existing(place).await?;
    // For runs that say where their server is, none is needed.
    let opened = match args.code.workspace_if_any()? {
        Some(workspace) => {
            Some(server_output::locations(&instance, &args.code, &workspace, is_verbose)?)
        }
        None => None,
    };
    let workspace = opened.as_ref().map(|(locations, _)| Arc::new(locations.clone()) as _);
    let looked = instance.launch_queued_runs(options, args.max, workspace).await;
    if let Some((locations, lines)) = &opened {
        lines.hide();
        locations.close().await;
    }
    let disposed = instance.dispose().await;
    let look = match looked {
        Ok(look) => look,
        Err(error @ (KeeperError::TwinAlive { .. } | KeeperError::OtherLeader { .. })) => {
            report::error(&error);
            return Ok(ExitCode::from(DONE_BY_OTHERS));
        }
        Err(error) => return Err(error.into()),
    };
    disposed?;
    let mut out = std::io::stdout().lock();
    if args.output.json {
        writeln!(out, "{}", json::queue_look(&look))?;
    } else {
        tell(&mut out, &look)?;
    }
    let is_good = look.failed.is_empty() && look.queued_again.is_empty() && look.unknown.is_empty();
    Ok(if is_good { ExitCode::SUCCESS } else { ExitCode::from(FAILURE) })
}

fn tell(out: &mut impl Write, look: &QueueLook) -> std::io::Result<()> {
    for run_id in &look.launched {
        writeln!(out, "launched {}", text::value(run_id.as_str()))?;
    }
    for (what, runs) in [
        ("failed", &look.failed),
        ("queued again", &look.queued_again),
        ("not known whether launched", &look.unknown),
    ] {
        for (run_id, reason) in runs {
            writeln!(out, "{what} {}: {}", text::value(run_id.as_str()), text::message(reason))?;
        }
    }
    if look.taken == 0 {
        writeln!(out, "No run could be taken from the queue.")?;
    }
    Ok(())
}
