//! The JSON of `migrate`.

use dagster_instance::error::chain;
use dagster_instance::storage::{
    DatabaseRole, DatabaseSchema, HeldLock, NarrowTable, SchemaChange, SchemaImpact, SchemaState,
};
use dagster_instance::{DatabaseChange, UnbuiltIndex, UpgradedDatabase};
use serde_json::{Value, json};

use super::text;

/// A database, as an upgrade would find it.
pub(crate) fn database_to_upgrade(schema: &DatabaseSchema) -> Value {
    let (state, to, changes, doubled_tags, error) = match &schema.state {
        SchemaState::Older { to, changes, doubled_tags } => {
            let changes = changes.iter().map(change).collect();
            ("older", Some(*to), changes, *doubled_tags, None)
        }
        SchemaState::Refused(error) => ("refused", None, Vec::new(), 0, Some(error)),
        SchemaState::Unreadable(error) => ("unreadable", None, Vec::new(), 0, Some(error)),
        _ => ("current", None, Vec::new(), 0, None),
    };
    json!({
        "database": text(&schema.database),
        "role": role(schema.role),
        "state": state,
        "from": schema.revision.as_deref().map(text),
        "to": to,
        "bytes": schema.bytes,
        "changes": changes,
        "doubled_tags": doubled_tags,
        "unfinished_data_migrations": schema.unfinished_data_migrations,
        "narrow_tables": schema.narrow_tables.iter().map(narrow_table).collect::<Vec<_>>(),
        "error": error.map(|error| text(&chain(error))),
    })
}

/// A secondary index, as a data migration would find it.
pub(crate) fn index_to_build(unbuilt: &UnbuiltIndex) -> Value {
    json!({ "index": unbuilt.index, "rows": unbuilt.rows })
}

/// A database, and what was done to it.
pub(crate) fn upgraded_database(database: &UpgradedDatabase) -> Value {
    let (change, error) = match &database.change {
        DatabaseChange::Upgraded => ("upgraded", None),
        DatabaseChange::Failed(error) => ("failed", Some(error)),
        _ => ("none", None),
    };
    let found = &database.found;
    let to = match &found.state {
        SchemaState::Older { to, .. } => Some(*to),
        _ => None,
    };
    json!({
        "database": text(&found.database),
        "role": role(found.role),
        "change": change,
        "from": found.revision.as_deref().map(text),
        "to": to,
        "deleted_doubled_tags": database.upgraded.deleted_tags,
        "locks": database.upgraded.locks.iter().map(held).collect::<Vec<_>>(),
        "unfinished_data_migrations": found.unfinished_data_migrations,
        "narrow_tables": found.narrow_tables.iter().map(narrow_table).collect::<Vec<_>>(),
        "error": error.map(|error| text(&chain(error))),
    })
}

fn change(change: &SchemaChange) -> Value {
    json!({
        "revision": change.revision,
        "release": change.release,
        "statements": change.statements,
        "widens_ids": change.widens_ids,
        "impact": change.impact.as_ref().map(impact),
    })
}

/// What others feel of a change.
fn impact(impact: &SchemaImpact) -> Value {
    let is_locked = !impact.table.is_empty();
    json!({
        "table": is_locked.then_some(&impact.table),
        "lock": is_locked.then_some(impact.lock),
        "bytes": is_locked.then_some(impact.bytes),
        "rows": is_locked.then_some(impact.rows),
        "who_waits": impact.who_waits,
        "longest_wait": (!impact.longest_wait.is_empty()).then_some(&impact.longest_wait),
    })
}

/// A table whose ids have 32 bits, before they get 64.
fn narrow_table(table: &NarrowTable) -> Value {
    json!({
        "table": text(&table.table),
        "columns": table.columns,
        "sequence_type": table.sequence_type,
        "bytes": table.bytes,
        "rows": table.rows,
        "greatest_id": table.greatest_id,
        "used_percent": table.used_percent(),
        "takes_seconds": table.takes().as_secs_f64(),
    })
}

/// A lock that was held.
fn held(lock: &HeldLock) -> Value {
    json!({
        "statement": text(&lock.statement),
        "table": text(&lock.table),
        "lock": lock.lock,
        "held_seconds": lock.held.as_secs_f64(),
        "waited_seconds": lock.waited.as_secs_f64(),
        "tries": lock.tries,
    })
}

pub(super) const fn role(role: DatabaseRole) -> &'static str {
    match role {
        DatabaseRole::Runs => "runs",
        DatabaseRole::Events => "events",
        DatabaseRole::EventsOfOneRun => "events of one run",
        DatabaseRole::Schedules => "schedules",
        _ => "all",
    }
}
