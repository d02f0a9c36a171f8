//! `daemon liveness-check`: whether all daemons that are required have left a heartbeat lately.

use std::io::Write;
use std::process::ExitCode;

use dagster_instance::daemon::DaemonStatusQuery;

use crate::open::InstancePlace;
use crate::{FAILURE, Result, open};

pub(crate) async fn run(place: &InstancePlace) -> Result<ExitCode> {
    let instance = open::existing(place).await?;
    let tolerance = instance.get_settings().daemon_heartbeat_tolerance_seconds.clone()?;
    #[expect(clippy::cast_precision_loss, reason = "nobody waits for so many seconds")]
    let tolerance = tolerance as f64;
    let query = DaemonStatusQuery::new().with_heartbeat_tolerance_seconds(tolerance);
    let statuses = instance.get_daemon_statuses(&query).await?;
    let is_live = statuses.iter().all(|status| status.healthy == Some(true));
    let mut out = std::io::stdout().lock();
    if is_live {
        writeln!(out, "Daemon live")?;
        return Ok(ExitCode::SUCCESS);
    }
    writeln!(out, "Daemon(s) not running")?;
    Ok(ExitCode::from(FAILURE))
}
