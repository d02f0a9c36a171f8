//! The JSON of `migrate`.

use dagster_instance::storage::{DatabaseRole, DatabaseSchema, SchemaChange, SchemaState};
use dagster_instance::{DatabaseChange, UnbuiltIndex, UpgradedDatabase};
use serde_json::{Value, json};

use super::text;
use crate::report;

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
        "error": error.map(|error| text(&report::chain(error))),
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
    let (to, doubled_tags) = match &found.state {
        SchemaState::Older { to, doubled_tags, .. } => (Some(*to), *doubled_tags),
        _ => (None, 0),
    };
    json!({
        "database": text(&found.database),
        "role": role(found.role),
        "change": change,
        "from": found.revision.as_deref().map(text),
        "to": to,
        "deleted_doubled_tags": if change == "upgraded" { doubled_tags } else { 0 },
        "unfinished_data_migrations": found.unfinished_data_migrations,
        "error": error.map(|error| text(&report::chain(error))),
    })
}

fn change(change: &SchemaChange) -> Value {
    json!({
        "revision": change.revision,
        "release": change.release,
        "statements": change.statements,
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
