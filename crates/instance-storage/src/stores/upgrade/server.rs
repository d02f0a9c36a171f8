//! What is found in a server's database, as the core says it: changes, and what others feel of them.

use instance_core::error::StorageError;
use instance_core::storage::{
    DatabaseRole, DatabaseSchema, NarrowTable, SchemaChange, SchemaImpact, SchemaState,
    SchemaUpgrade,
};

use crate::db::PostgresDatabase;
use crate::sql::schema::HEAD;
use crate::sql::schema::history::server::widening::{Narrow, Narrows};
use crate::sql::schema::history::server::{Action, Facts, Lock, Manner};
use crate::sql::tables::event_logs;

/// What is found in the database.
pub(super) async fn described(database: &PostgresDatabase, how: &SchemaUpgrade) -> DatabaseSchema {
    let name = database.name().to_string();
    let mut schema = DatabaseSchema::new(name, DatabaseRole::Everything);
    match database.look_at_schema(how).await {
        Ok((found, doubled_tags)) => {
            schema.narrow_tables = found.narrows.tables.iter().map(narrow_table).collect();
            schema.bytes = Some(found.facts.sizes.values().map(|size| size.bytes).sum());
            if !found.actions.is_empty() {
                let changes =
                    found.actions.iter().map(|action| change(action, &found.facts, &found.narrows));
                let changes = changes.collect::<Vec<_>>().into();
                schema.state = SchemaState::Older { to: HEAD, changes, doubled_tags };
            }
            schema.revision = found.revision;
            schema.place = Some(found.place);
            schema.unfinished_data_migrations = found.unfinished;
        }
        Err(StorageError::Revision { database, found, expected, remedy }) => {
            schema.revision = Some(found.clone());
            let refused = StorageError::Revision { database, found, expected, remedy };
            schema.state = SchemaState::Refused(refused);
        }
        Err(error @ StorageError::Unsupported { .. }) => {
            schema.state = SchemaState::Refused(error);
        }
        Err(error) => schema.state = SchemaState::Unreadable(error),
    }
    schema
}

fn narrow_table(narrow: &Narrow) -> NarrowTable {
    NarrowTable::new(&*narrow.table)
        .with_columns(narrow.columns.clone())
        .with_sequence_type(narrow.sequence_type.clone())
        .with_bytes(narrow.bytes)
        .with_rows(narrow.rows)
        .with_greatest_id(narrow.greatest)
}

fn change(action: &Action, facts: &Facts, narrows: &Narrows) -> SchemaChange {
    SchemaChange::new(action.revision, action.release, action.statements.clone())
        .with_impact(impact(action, facts, narrows))
        .with_widens_ids(action.widens)
}

fn impact(action: &Action, facts: &Facts, narrows: &Narrows) -> SchemaImpact {
    let Some((table, lock)) = &action.lock else {
        return SchemaImpact::none();
    };
    let size = facts.sizes.get(table).copied().unwrap_or_default();
    let who_waits = match (lock, action.manner) {
        (Lock::Access, _) => "everybody who reads or writes the table",
        (Lock::ShareRow, _) => "everybody who writes to the table",
        // docs/postgres.md says more of it.
        (Lock::ShareUpdate, _) if table == event_logs::TABLE => {
            "nobody who reads or writes; vacuum does, and until the end events of Dagster and of this program may \
             appear out of the order of their ids"
        }
        (Lock::ShareUpdate, _) => "nobody who reads or writes; vacuum does",
    };
    let longest_wait = match (action.manner, action.rewrites) {
        (Manner::Alone, _) => String::new(),
        (Manner::Together, false) => {
            "0.5 s for the lock (1.5 s if only an autovacuum is in the way), then milliseconds"
                .to_owned()
        }
        (Manner::Together, true) if action.widens => {
            let bytes = narrows.bytes_written(table);
            format!(
                "0.5 s for the lock (1.5 s if only an autovacuum is in the way), then as long as writing {bytes} bytes with their \
                 indexes takes: some {} s at {} MB a second",
                bytes.div_ceil(NarrowTable::BYTES_PER_SECOND),
                NarrowTable::BYTES_PER_SECOND / 1_000_000
            )
        }
        (Manner::Together, true) => format!(
            "0.5 s for the lock (1.5 s if only an autovacuum is in the way), then as long as writing {} bytes takes",
            size.bytes
        ),
    };
    SchemaImpact::of_lock(table, lock.name(), who_waits, longest_wait)
        .with_bytes(size.bytes)
        .with_rows(size.rows)
}
