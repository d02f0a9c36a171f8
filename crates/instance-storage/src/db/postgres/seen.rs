//! Which tables of a Postgres are seen without naming a schema, and whether they are Dagster's.
//!
//! A server's `search_path` may name several schemas, and other programs may have tables of the same names.

use std::collections::BTreeMap;

use instance_core::error::StorageError;

use super::super::Row;
use super::super::capabilities::Found;
use crate::sql::schema::{COLUMN, IS_CURRENT, SCHEMA, Schema, TABLE};
use crate::sql::tables::alembic_version;

/// A table that is seen.
#[derive(Debug, Default)]
pub(super) struct SeenTable {
    schema: String,
    /// Whether its schema is the one in which tables are created.
    is_in_current: bool,
    columns: Vec<String>,
}

/// What is seen of a database.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) tables: BTreeMap<String, SeenTable>,
    pub(super) found: Found,
}

impl Seen {
    /// The tables whose columns a query lists.
    pub(super) fn tables(rows: &[Row]) -> Result<BTreeMap<String, SeenTable>, StorageError> {
        let mut tables: BTreeMap<String, SeenTable> = BTreeMap::new();
        for row in rows {
            let table = tables.entry(row.get(TABLE, TABLE)?).or_default();
            table.schema = row.get(TABLE, SCHEMA)?;
            table.is_in_current = row.get::<Option<bool>>(TABLE, IS_CURRENT)? == Some(true);
            table.columns.push(row.get(TABLE, COLUMN)?);
        }
        Ok(tables)
    }

    /// Whether the table of revisions belongs to Dagster's tables: it stands beside them, or where they will be
    /// created. Other programs that use alembic have one of the same name.
    pub(super) fn is_revision_of_ours(tables: &BTreeMap<String, SeenTable>) -> bool {
        let Some(revision) = tables.get(alembic_version::TABLE) else {
            return false;
        };
        let mut mains = Schema::OF_ONE_DATABASE
            .iter()
            .filter_map(|schema| main_table(tables, *schema))
            .peekable();
        if mains.peek().is_none() {
            return revision.is_in_current;
        }
        mains.any(|table| table.schema == revision.schema)
    }

    /// The stores whose main table is not there.
    pub(super) fn missing(&self) -> Vec<Schema> {
        let is_missing = |schema: &Schema| main_table(&self.tables, *schema).is_none();
        Schema::OF_ONE_DATABASE.iter().copied().filter(is_missing).collect()
    }

    /// Refuses to create stores where another program has a table of their names.
    pub(super) fn refuse_others_tables(
        &self,
        database: &str,
        missing: &[Schema],
    ) -> Result<(), StorageError> {
        for schema in missing {
            let name = schema.main_table();
            let Some(table) = self.tables.get(name).filter(|table| table.is_in_current) else {
                continue;
            };
            let lacking = schema.known_by().into_iter().find(|column| !table.has(column));
            return Err(StorageError::Unsupported {
                what: format!("the {schema} in {database}"),
                reason: format!(
                    "the schema {} has a table {name} that is not Dagster's (it has no column {}). Give Dagster a \
                     schema of its own: create one, and connect with `options=-csearch_path=ITS_NAME`. Nothing was \
                     changed",
                    table.schema,
                    lacking.unwrap_or_default()
                ),
            });
        }
        Ok(())
    }
}

impl SeenTable {
    fn has(&self, column: &str) -> bool {
        self.columns.iter().any(|found| found == column)
    }
}

/// The main table of a store, if it is Dagster's.
fn main_table(tables: &BTreeMap<String, SeenTable>, schema: Schema) -> Option<&SeenTable> {
    let table = tables.get(schema.main_table())?;
    schema.known_by().into_iter().all(|column| table.has(column)).then_some(table)
}
