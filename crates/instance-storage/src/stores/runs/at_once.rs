//! Changes of runs in a message.

use chrono::{DateTime, Utc};
use instance_core::event::DagsterEvent;
use instance_core::ids::RunId;
use instance_core::run::DagsterRun;
use instance_core::storage::apply_run_event;
use instance_core::tags;

use super::runs::record;
use crate::db::{Database, Row};
use crate::sql::literal::inline;
use crate::sql::runs::{self, RunChange};
use crate::sql::runs_at_once::{VERSION, select_run_with_version, update_version};
use crate::sql::tables::runs as columns;

/// An event about a run, and the time of the change that it demands.
pub(crate) type RunEvent = (RunId, DagsterEvent, DateTime<Utc>);

/// The statements that change runs as events about them demand, where a server takes them in a message. `None` says that the
/// runs are to be changed step by step, which also says what is wrong with them.
pub(crate) async fn changes_at_once(
    database: &Database,
    events: &[RunEvent],
) -> Option<Vec<String>> {
    if !database.takes_messages().await {
        return None;
    }
    let mut of_runs: Vec<(&RunId, Vec<&RunEvent>)> = Vec::new();
    for event in events {
        match of_runs.iter_mut().find(|(run_id, _)| *run_id == &event.0) {
            Some((_, of_run)) => of_run.push(event),
            None => of_runs.push((&event.0, vec![event])),
        }
    }
    let mut statements = Vec::new();
    for (run_id, of_run) in of_runs {
        let select = select_run_with_version(run_id);
        let row = match database.fetch_one("reading a run to change it", &select).await {
            Ok(row) => row,
            Err(error) => {
                tracing::debug!(%error, %run_id, "a run is changed step by step");
                return None;
            }
        };
        // A run that is not there is not changed, as if it were stored later.
        let Some(row) = row else { continue };
        statements.extend(changed(&row, &of_run)?);
    }
    Some(statements)
}

/// The statements that change one run; `None` as in `changes_at_once`.
fn changed(row: &Row, events: &[&RunEvent]) -> Option<Vec<String>> {
    let version: String = row.get(columns::TABLE, VERSION).ok()?;
    let version = version.parse().ok()?;
    let mut run: DagsterRun = record(row).ok()?.dagster_run;
    let had_reason = run.tags.contains_key(tags::RUN_FAILURE_REASON);
    let (mut updated_at, mut start_time, mut end_time, mut reason) = (None, None, None, None);
    for (_, event, at) in events {
        if let Some(change) = apply_run_event(&mut run, event, *at).ok()? {
            updated_at = Some(*at);
            start_time = change.start_time.or(start_time);
            end_time = change.end_time.or(end_time);
            reason = change.failure_reason.or(reason);
        }
    }
    let Some(updated_at) = updated_at else { return Some(Vec::new()) };
    let change = RunChange { run: &run, updated_at, start_time, end_time };
    let mut statements = vec![update_version(&change, version).ok()?];
    if let Some(reason) = reason {
        let (key, value) = (tags::RUN_FAILURE_REASON, reason.as_str());
        let tag = if had_reason {
            inline(&runs::update_tag(&run.run_id, key, value))
        } else {
            inline(&runs::insert_tags(&run.run_id, &[(key.to_owned(), value.to_owned())]))
        };
        statements.push(tag.ok()?);
    }
    Some(statements)
}
