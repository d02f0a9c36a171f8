//! `daemon status`: which daemons the configuration requires, and whether they run.

use std::io::Write;

use dagster_instance::clock::timestamp_of;
use dagster_instance::daemon::{DaemonStatus, DaemonStatusQuery, DaemonType};
use dagster_instance::keepers::{KeeperLease, KeeperProcess};
use dagster_instance::{Clock, Only, SystemClock};

use crate::args::DaemonStatusOf;
use crate::open::InstancePlace;
use crate::{Result, json, open, print, text};

pub(crate) async fn run(place: &InstancePlace, args: &DaemonStatusOf) -> Result<()> {
    let instance = open::existing(place).await?;
    let daemon_types = args.daemon_types.iter().map(|name| DaemonType::from(name.as_str()));
    let query =
        DaemonStatusQuery::new().with_daemon_types(Only::any_if_empty(daemon_types.collect()));
    let statuses = instance.get_daemon_statuses(&query).await?;
    let leases = instance.get_keeper_leases().await?;
    let lease = |status: &DaemonStatus| {
        let mut leases = leases.iter().filter(|lease| !lease.is_released);
        leases.find(|lease| lease.daemon_type == status.daemon_type)
    };
    let mut out = std::io::stdout().lock();
    if args.output.json {
        for status in &statuses {
            writeln!(out, "{}", json::daemon_status(status, lease(status)))?;
        }
        return Ok(());
    }
    let now = timestamp_of(SystemClock.now());
    let rows: Vec<_> = statuses.iter().map(|status| row(status, lease(status), now)).collect();
    let heading = ["DAEMON", "STATUS", "LAST HEARTBEAT", "KEEPER", "ERRORS"];
    print::Table::new(&heading).rows(&mut out, &rows)?;
    Ok(())
}

fn row(status: &DaemonStatus, lease: Option<&KeeperLease>, now: f64) -> Vec<String> {
    let heartbeat = status.last_heartbeat.as_ref();
    let errors = heartbeat.map_or(&[][..], |heartbeat| heartbeat.errors());
    // One line, as the row is one; the others are in the JSON.
    let line = |message: &str| text::message(message.lines().next().unwrap_or_default());
    let shown = errors.first().map(|error| line(&error.message));
    let shown = match (shown, errors.len()) {
        (Some(first), 1) => first,
        (Some(first), count) => format!("{first} (and {} more)", count - 1),
        (None, _) => "-".to_owned(),
    };
    vec![
        text::value(status.daemon_type.as_str()),
        word(status).to_owned(),
        print::time(heartbeat.map(|heartbeat| heartbeat.timestamp.as_f64())),
        lease.map_or_else(|| "-".to_owned(), |lease| keeper(lease, now)),
        shown,
    ]
}

/// Who keeps a duty, and how old the last sign is.
fn keeper(lease: &KeeperLease, now: f64) -> String {
    let KeeperProcess { pid, host, .. } = &lease.process;
    let sign = lease.last_sign.map(|at| format!(", {:.0} s ago", (now - at).max(0.0)));
    format!("pid {pid} on {}{}", text::value(host), sign.unwrap_or_default())
}

/// How a daemon stands, in the words of Dagster's web page.
const fn word(status: &DaemonStatus) -> &'static str {
    match status.healthy {
        Some(true) => "Running",
        Some(false) => "Not running",
        None => "Not enabled",
    }
}
