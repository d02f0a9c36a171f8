//! Ids of 32 bits, as old releases gave them to their tables, and what gives them the 64 that new databases have.
//!
//! No revision asks for it: an upgrade does it if it is told to. Each table is a step of its own, the smallest first. The table of
//! events and that of their tags are one step, as the tags name events.

use super::{Action, Lock, Manner};
use crate::sql::Dialect;
use crate::sql::schema::Schema;
use crate::sql::schema::history::CHAIN;
use crate::sql::schema::history::fresh::{created_table, fresh_statements};
use crate::sql::schema::server::widening as statements;
use crate::sql::tables::{asset_event_tags, event_logs};

/// The minor release from which on new databases have ids of 64 bits.
pub(crate) const RELEASE: &str = "1.4";

/// A table with ids of 32 bits.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Narrow {
    pub(crate) table: String,
    /// Its columns of 32 bits.
    pub(crate) columns: Vec<String>,
    /// Sequences whose numbers end where those of 32 bits do, as statements have to say them.
    pub(crate) sequences: Vec<String>,
    /// The type of the sequence of its ids, also if that is wide.
    pub(crate) sequence_type: Option<String>,
    /// The size of the table with its indexes.
    pub(crate) bytes: u64,
    pub(crate) rows: u64,
    /// The greatest id that was given, if there is one and it may be read.
    pub(crate) greatest: Option<i64>,
}

impl Narrow {
    /// How many bytes are written anew.
    pub(crate) const fn bytes_written(&self) -> u64 {
        if self.columns.is_empty() { 0 } else { self.bytes }
    }
}

/// Which tables have ids of 32 bits, and the foreign keys by which tags name events.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Narrows {
    /// In the order in which they get 64.
    pub(crate) tables: Vec<Narrow>,
    /// As statements have to say them.
    pub(crate) keys_of_tags: Vec<String>,
}

impl Narrows {
    /// Orders the tables, that of events last.
    pub(crate) fn new(mut tables: Vec<Narrow>, keys_of_tags: Vec<String>) -> Self {
        let is_of_events = |it: &Narrow| {
            [asset_event_tags::TABLE, event_logs::TABLE].iter().position(|name| it.table == *name)
        };
        tables.sort_by_key(|it| (is_of_events(it), it.bytes_written(), it.table.clone()));
        Self { tables, keys_of_tags }
    }

    fn get(&self, table: &str) -> Option<&Narrow> {
        self.tables.iter().find(|it| it.table == table)
    }

    /// How many bytes are written anew in the step that locks this table.
    pub(crate) fn bytes_written(&self, table: &str) -> u64 {
        let is_of_step = |it: &&Narrow| {
            it.table == table || table == event_logs::TABLE && it.table == asset_event_tags::TABLE
        };
        self.tables.iter().filter(is_of_step).map(Narrow::bytes_written).sum()
    }
}

/// The columns that have 64 bits in a new database: table and column.
pub(crate) fn wide_columns() -> Vec<(&'static str, &'static str)> {
    let mut found = Vec::new();
    for schema in Schema::OF_ONE_DATABASE {
        for statement in fresh_statements(*schema, Dialect::Postgres, CHAIN.len() - 1) {
            let Some(table) = created_table(statement) else { continue };
            for line in statement.lines().skip(1) {
                let mut words = line.split_whitespace();
                let (column, kind) = (words.next(), words.next());
                let kind = kind.map(|kind| kind.trim_end_matches(','));
                if let (Some(column), Some("BIGINT" | "BIGSERIAL")) = (column, kind) {
                    found.push((table, column));
                }
            }
        }
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// What gives all ids 64 bits.
pub(crate) fn actions(narrows: &Narrows) -> Vec<Action> {
    let tags = narrows.get(asset_event_tags::TABLE).filter(|tags| !tags.columns.is_empty());
    let events = narrows.get(event_logs::TABLE).filter(|events| !events.columns.is_empty());
    let is_with_events = |it: &Narrow| {
        tags.is_some() && it.table == asset_event_tags::TABLE
            || events.is_some() && it.table == event_logs::TABLE
    };
    let alone = narrows.tables.iter().filter(|it| !is_with_events(it));
    let mut actions: Vec<_> =
        alone.map(|it| action(&it.table, changes(it), !it.columns.is_empty())).collect();
    // Tags are written by whoever writes events, and name them. So both are locked in the order in which they are written.
    let mut together = Vec::new();
    if tags.is_some() || events.is_some() {
        // New databases have no such key.
        let table = asset_event_tags::TABLE;
        together.extend(narrows.keys_of_tags.iter().map(|key| statements::drop_key(table, key)));
    }
    together.extend(tags.into_iter().chain(events).flat_map(changes));
    if !together.is_empty() {
        let mut action = action(event_logs::TABLE, together, true);
        let has_tags = tags.is_some() || !narrows.keys_of_tags.is_empty();
        action.beside = has_tags.then_some(asset_event_tags::TABLE);
        actions.push(action);
    }
    actions
}

fn changes(narrow: &Narrow) -> Vec<String> {
    let mut changes = Vec::new();
    if !narrow.columns.is_empty() {
        changes.push(statements::widen(&narrow.table, &narrow.columns));
    }
    changes.extend(narrow.sequences.iter().map(|it| statements::widen_sequence(it)));
    changes
}

fn action(table: &str, statements: Vec<String>, rewrites: bool) -> Action {
    // Whoever inserts has the sequence to the end of the transaction.
    let lock = if rewrites { Lock::Access } else { Lock::ShareRow };
    Action {
        revision: None,
        release: RELEASE,
        statements,
        manner: Manner::Together,
        lock: Some((table.to_owned(), lock)),
        stamps: false,
        beside: None,
        rewrites,
        widens: true,
        invalid: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn narrow(table: &str, columns: &[&str], bytes: u64) -> Narrow {
        Narrow {
            table: table.to_owned(),
            columns: columns.iter().map(|&column| column.to_owned()).collect(),
            bytes,
            ..Narrow::default()
        }
    }

    fn with_sequence(narrow: Narrow) -> Narrow {
        let sequences = vec![format!("{}_id_seq", narrow.table)];
        Narrow { sequences, ..narrow }
    }

    fn text(narrows: &Narrows) -> Vec<String> {
        let one = |action: Action| {
            let (table, lock) = action.lock.unwrap();
            let beside = action.beside.map(|it| format!(" and {it}")).unwrap_or_default();
            format!("{} on {table}{beside}: {}", lock.name(), action.statements.join("; "))
        };
        actions(narrows).into_iter().map(one).collect()
    }

    #[test]
    fn small_tables_come_first_and_events_last_with_their_tags() {
        let tables = vec![
            with_sequence(narrow("event_logs", &["id"], 10)),
            with_sequence(narrow("runs", &["id"], 20)),
            narrow("asset_event_tags", &["event_id"], 30),
            with_sequence(narrow("kvs", &[], 40)),
            with_sequence(narrow("jobs", &["id"], 5)),
        ];
        let narrows = Narrows::new(tables, vec!["a_key".to_owned()]);
        assert_eq!(
            text(&narrows),
            [
                "SHARE ROW EXCLUSIVE on kvs: ALTER SEQUENCE kvs_id_seq AS bigint NO MAXVALUE",
                "ACCESS EXCLUSIVE on jobs: ALTER TABLE jobs ALTER COLUMN id TYPE BIGINT; ALTER SEQUENCE jobs_id_seq AS bigint NO \
                 MAXVALUE",
                "ACCESS EXCLUSIVE on runs: ALTER TABLE runs ALTER COLUMN id TYPE BIGINT; ALTER SEQUENCE runs_id_seq AS bigint NO \
                 MAXVALUE",
                "ACCESS EXCLUSIVE on event_logs and asset_event_tags: ALTER TABLE asset_event_tags DROP CONSTRAINT a_key; ALTER TABLE \
                 asset_event_tags ALTER COLUMN event_id TYPE BIGINT; ALTER TABLE event_logs ALTER COLUMN id TYPE BIGINT; ALTER SEQUENCE \
                 event_logs_id_seq AS bigint NO MAXVALUE",
            ]
        );
        assert_eq!(narrows.bytes_written("event_logs"), 40);
        assert_eq!(narrows.bytes_written("kvs"), 0);
    }

    /// What Dagster's own migration leaves.
    #[test]
    fn what_is_half_done_is_finished() {
        let tables = vec![
            with_sequence(narrow("event_logs", &[], 10)),
            narrow("asset_event_tags", &["event_id"], 30),
        ];
        assert_eq!(
            text(&Narrows::new(tables, Vec::new())),
            [
                "SHARE ROW EXCLUSIVE on event_logs: ALTER SEQUENCE event_logs_id_seq AS bigint NO MAXVALUE",
                "ACCESS EXCLUSIVE on event_logs and asset_event_tags: ALTER TABLE asset_event_tags ALTER COLUMN event_id TYPE BIGINT",
            ]
        );
        assert!(actions(&Narrows::default()).is_empty());
    }

    #[test]
    fn each_id_of_a_new_database_is_wide() {
        let wide = wide_columns();
        for table in super::super::tables() {
            assert!(wide.contains(&(table, "id")) || table == "alembic_version", "{table}");
        }
        for column in [
            ("asset_event_tags", "event_id"),
            ("asset_check_executions", "evaluation_event_storage_id"),
            ("asset_check_executions", "materialization_event_storage_id"),
            ("asset_daemon_asset_evaluations", "evaluation_id"),
        ] {
            assert!(wide.contains(&column), "{column:?}");
        }
        assert!(!wide.contains(&("pending_steps", "priority")));
    }
}
