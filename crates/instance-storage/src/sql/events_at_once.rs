//! The statements by which Postgres stores events and what follows from them, without an answer in between. They go to
//! the server as one text.
//!
//! What follows from an event has the event's id, and the server alone knows that. The first statement keeps the ids in a
//! setting of the session, and the others take them from there, by the places of the events. Nothing is joined: a join would
//! be planned for ten rows, whatever their number is.

use std::collections::HashMap;
use std::fmt::Write as _;

use crate::sql::events::{EventRow, RUN_EVENTS};
use crate::sql::following::{AssetAt, Following, RECORD, TagAt};
use crate::sql::literal::{self, NoLiteral};

/// The ids of the events, in their order.
const IDS: &str = "current_setting('dagster_instance.ids')::bigint[]";

/// The statements of a transaction between its locks and its end, the events' own first. That one gives a row: all ids,
/// as the text of an array.
pub(crate) fn statements(
    rows: &[&EventRow],
    following: &Following,
) -> Result<Vec<String>, NoLiteral> {
    let mut statements = vec![insert_events(rows)?];
    if !following.tags.is_empty() {
        statements.push(insert_tags(&following.tags)?);
    }
    if !following.mentioned.is_empty() {
        statements.push(insert_missing(&following.mentioned)?);
    }
    if !following.changed.is_empty() {
        statements.push(upsert(rows, &following.changed)?);
    }
    Ok(statements)
}

fn insert_events(rows: &[&EventRow]) -> Result<String, NoLiteral> {
    let mut sql = String::with_capacity(rows.iter().map(|row| row.event.len() + 256).sum());
    sql.push_str(
        "WITH new AS (INSERT INTO event_logs (run_id, event, dagster_event_type, \"timestamp\", step_key, asset_key, \
         partition) SELECT e.run_id, e.event, e.type, e.at, e.step, e.asset, e.partition FROM UNNEST(",
    );
    literal::texts(&mut sql, rows.iter().map(|row| Some(row.run_id.as_str())))?;
    sql.push_str(", ");
    literal::texts(&mut sql, rows.iter().map(|row| Some(row.event.as_str())))?;
    sql.push_str(", ");
    literal::texts(&mut sql, rows.iter().map(|row| row.dagster_event_type.as_deref()))?;
    sql.push_str(", ");
    literal::times(&mut sql, rows.iter().map(|row| row.timestamp))?;
    sql.push_str(", ");
    literal::texts(&mut sql, rows.iter().map(|row| row.step_key.as_deref()))?;
    sql.push_str(", ");
    literal::texts(&mut sql, rows.iter().map(|row| row.asset_key.as_deref()))?;
    sql.push_str(", ");
    literal::texts(&mut sql, rows.iter().map(|row| row.partition.as_deref()))?;
    sql.push_str(
        ") WITH ORDINALITY AS e(run_id, event, type, at, step, asset, partition, place) ORDER BY e.place RETURNING id) \
         SELECT set_config('dagster_instance.ids', array_agg(id ORDER BY id)::text, false) FROM new",
    );
    Ok(sql)
}

fn insert_tags(tags: &[TagAt]) -> Result<String, NoLiteral> {
    let mut sql = format!(
        "INSERT INTO asset_event_tags (event_id, asset_key, key, value, event_timestamp) \
         SELECT ({IDS})[t.place], t.asset, t.key, t.value, t.at FROM UNNEST("
    );
    literal::numbers(&mut sql, tags.iter().map(|tag| Some(tag.place + 1)))?;
    sql.push_str(", ");
    literal::texts(&mut sql, tags.iter().map(|tag| Some(tag.asset_key.as_str())))?;
    sql.push_str(", ");
    literal::texts(&mut sql, tags.iter().map(|tag| Some(tag.key.as_str())))?;
    sql.push_str(", ");
    literal::texts(&mut sql, tags.iter().map(|tag| Some(tag.value.as_str())))?;
    sql.push_str(", ");
    literal::times(&mut sql, tags.iter().map(|tag| tag.timestamp))?;
    sql.push_str(") AS t(place, asset, key, value, at)");
    Ok(sql)
}

fn insert_missing(asset_keys: &[String]) -> Result<String, NoLiteral> {
    let mut sql = "INSERT INTO asset_keys (asset_key) SELECT m.asset FROM UNNEST(".to_owned();
    literal::texts(&mut sql, asset_keys.iter().map(|key| Some(key.as_str())))?;
    sql.push_str(
        ") WITH ORDINALITY AS m(asset, place) ORDER BY m.place ON CONFLICT (asset_key) DO NOTHING",
    );
    Ok(sql)
}

fn upsert(rows: &[&EventRow], assets: &[AssetAt]) -> Result<String, NoLiteral> {
    let [before, between, behind] = RECORD;
    let mut sql = "INSERT INTO asset_keys (asset_key, last_materialization, last_run_id, last_materialization_timestamp) \
                   SELECT a.asset, CASE WHEN a.place IS NOT NULL THEN concat("
        .to_owned();
    literal::quote(&mut sql, before);
    sql.push_str(", a.event, ");
    literal::quote(&mut sql, between);
    // Writing to a string does not fail.
    let _ = write!(sql, ", ({IDS})[a.place], ");
    literal::quote(&mut sql, behind);
    sql.push_str(") END, a.run_id, a.at FROM UNNEST(");
    literal::texts(&mut sql, assets.iter().map(|asset| Some(asset.asset_key.as_str())))?;
    sql.push_str(", ");
    let places = assets.iter().map(|asset| asset.materialized.map(|place| place + 1));
    literal::numbers(&mut sql, places)?;
    sql.push_str(", ");
    let event = |asset: &AssetAt| Some(rows.get(asset.materialized?)?.event.as_str());
    literal::texts(&mut sql, assets.iter().map(event))?;
    sql.push_str(", ");
    literal::texts(&mut sql, assets.iter().map(|asset| asset.run_id.as_deref()))?;
    sql.push_str(", ");
    literal::moments(&mut sql, assets.iter().map(|asset| asset.timestamp))?;
    sql.push_str(
        ") WITH ORDINALITY AS a(asset, place, event, run_id, at, number) ORDER BY a.number \
         ON CONFLICT (asset_key) DO UPDATE SET \
         last_materialization = coalesce(excluded.last_materialization, asset_keys.last_materialization), \
         last_run_id = coalesce(excluded.last_run_id, asset_keys.last_run_id), \
         last_materialization_timestamp = excluded.last_materialization_timestamp",
    );
    Ok(sql)
}

/// The statements that wake the followers of runs when the events are committed, each run by its last event. They are a
/// transaction of their own: a commit with a notice keeps all other notices of the server waiting, and this one does not
/// wait for the disk.
pub(crate) fn notices(rows: &[&EventRow]) -> Result<Vec<String>, NoLiteral> {
    let last: HashMap<_, _> =
        rows.iter().enumerate().map(|(place, row)| (row.run_id.as_str(), place)).collect();
    let mut last: Vec<_> = last.into_iter().collect();
    last.sort_unstable_by_key(|(_, place)| *place);
    let mut notify = format!(
        "SELECT pg_notify('{RUN_EVENTS}', n.run_id || '_' || ({IDS})[n.place]) FROM UNNEST("
    );
    literal::texts(&mut notify, last.iter().map(|(run_id, _)| Some(*run_id)))?;
    notify.push_str(", ");
    literal::numbers(&mut notify, last.iter().map(|(_, place)| Some(place + 1)))?;
    notify.push_str(") AS n(run_id, place)");
    Ok(vec![
        "BEGIN".to_owned(),
        "SET LOCAL synchronous_commit = off".to_owned(),
        notify,
        // The connection may be somebody else's next, behind a pooler.
        "SELECT set_config('dagster_instance.ids', '', false)".to_owned(),
        "COMMIT".to_owned(),
    ])
}
