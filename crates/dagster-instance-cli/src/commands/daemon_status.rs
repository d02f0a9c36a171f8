//! `daemon status`: which daemons the configuration requires, and whether they run.

use std::io::Write;

use dagster_instance::Only;
use dagster_instance::daemon::{DaemonStatus, DaemonStatusQuery, DaemonType};

use crate::args::DaemonStatusOf;
use crate::open::InstancePlace;
use crate::{Result, json, open, print, text};

pub(crate) async fn run(place: &InstancePlace, args: &DaemonStatusOf) -> Result<()> {
    let instance = open::existing(place).await?;
    let daemon_types = args.daemon_types.iter().map(|name| DaemonType::from(name.as_str()));
    let query =
        DaemonStatusQuery::new().with_daemon_types(Only::any_if_empty(daemon_types.collect()));
    let statuses = instance.get_daemon_statuses(&query).await?;
    let mut out = std::io::stdout().lock();
    if args.output.json {
        for status in &statuses {
            writeln!(out, "{}", json::daemon_status(status))?;
        }
        return Ok(());
    }
    let rows: Vec<_> = statuses.iter().map(row).collect();
    print::Table::new(&["DAEMON", "STATUS", "LAST HEARTBEAT", "ERRORS"]).rows(&mut out, &rows)?;
    Ok(())
}

fn row(status: &DaemonStatus) -> Vec<String> {
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
        shown,
    ]
}

/// How a daemon stands, in the words of Dagster's web page.
const fn word(status: &DaemonStatus) -> &'static str {
    match status.healthy {
        Some(true) => "Running",
        Some(false) => "Not running",
        None => "Not enabled",
    }
}
