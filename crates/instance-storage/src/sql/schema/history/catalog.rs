//! What a database has, as far as a change of the schema asks for it.

use std::collections::{BTreeMap, BTreeSet};

/// The tables with their columns, and the indexes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Catalog {
    tables: BTreeMap<String, BTreeSet<String>>,
    indexes: BTreeSet<String>,
    /// Those that have one, of the tables that once had none.
    primary_keys: BTreeSet<String>,
}

impl Catalog {
    pub(crate) fn has_table(&self, table: &str) -> bool {
        self.tables.contains_key(table)
    }

    pub(crate) fn has_column(&self, table: &str, column: &str) -> bool {
        self.tables.get(table).is_some_and(|columns| columns.contains(column))
    }

    pub(crate) fn has_index(&self, index: &str) -> bool {
        self.indexes.contains(index)
    }

    pub(crate) fn has_primary_key(&self, table: &str) -> bool {
        self.primary_keys.contains(table)
    }

    pub(crate) fn add_table(&mut self, table: &str) {
        self.tables.entry(table.to_owned()).or_default();
    }

    pub(crate) fn add_column(&mut self, table: &str, column: &str) {
        self.tables.entry(table.to_owned()).or_default().insert(column.to_owned());
    }

    pub(crate) fn add_index(&mut self, index: &str) {
        self.indexes.insert(index.to_owned());
    }

    pub(crate) fn add_primary_key(&mut self, table: &str) {
        self.primary_keys.insert(table.to_owned());
    }

    pub(crate) fn remove_index(&mut self, index: &str) {
        self.indexes.remove(index);
    }
}

/// The columns of all tables of a SQLite database: table, column, and whether the column is of the primary key.
pub(crate) const SQLITE_COLUMNS: &str = "SELECT m.name, c.name, c.pk > 0 FROM sqlite_master m \
     JOIN pragma_table_info(m.name) c WHERE m.type = 'table' ORDER BY m.name, c.cid";

/// The names of all indexes of a SQLite database that were named when they were made.
pub(crate) const SQLITE_INDEXES: &str =
    "SELECT name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL";
