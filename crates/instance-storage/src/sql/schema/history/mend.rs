//! What a database lacks for a statement of ours, as its error says it: a table, a column, or a unique index; and how that is
//! made, by the same statements as a check of the schema names.
//!
//! What is made is what a new database of the newest revision has.

use instance_core::storage::SchemaMend;

use super::CHAIN;
use super::fresh::fresh_statements;
use crate::sql::Dialect;
use crate::sql::schema::Schema;
use crate::sql::schema::check::mends;
use crate::sql::schema::check::shape::{Index, Shape};

/// What a database lacks, and the statement that makes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mend {
    pub(crate) lacks: String,
    pub(crate) statement: String,
}

impl Mend {
    /// Both.
    pub(crate) fn and(mut self, other: Self) -> Self {
        self.lacks = [self.lacks, other.lacks].join(" and ");
        self.statement = [self.statement, other.statement].join("; ");
        self
    }
}

/// The table that an error names.
pub(crate) fn table(said: &str, dialect: Dialect) -> Option<Mend> {
    let newest = newest(dialect);
    let (name, table) = words(said).find_map(|word| newest.tables.get_key_value(word))?;
    Some(mend(format!("the table {name}"), mends::create_table(table, None)))
}

/// The column that an error names. Which table it is of, the error says or the statement does.
pub(crate) fn column(said: &str, sql: &str, dialect: Dialect) -> Option<Mend> {
    let newest = newest(dialect);
    let mut tables =
        words(said).chain(words(sql)).filter_map(|word| newest.tables.get_key_value(word));
    let found = tables.find_map(|(name, table)| {
        let column = words(said).find_map(|word| table.column(word))?;
        Some((name, table, column))
    });
    let (name, table, column) = found?;
    let made = mends::add_column(dialect, name, table, column, None);
    Some(mend(format!("the column {name}.{}", column.name), made))
}

/// The unique index by which an insertion tells rows apart.
pub(crate) fn unique(sql: &str, dialect: Dialect) -> Option<Mend> {
    let (into, rest) = sql.split_once("ON CONFLICT (")?;
    let columns = rest.split(')').next()?.replace('"', "");
    let newest = newest(dialect);
    let name = words(into.strip_prefix("INSERT INTO ")?).next()?;
    let (name, table) = newest.tables.get_key_value(name)?;
    let names: Vec<String> = columns.split(", ").map(str::to_owned).collect();
    let is_on =
        |index: &&Index| !index.is_of_constraint && index.is_unique && index.columns == names;
    if let Some(index) = table.indexes.iter().find(is_on) {
        let lacks = format!("the unique index {} on {name} ({columns})", index.name);
        return Some(mend(lacks, mends::create_index(dialect, index)));
    }
    let lacks = format!("the unique constraint on {name} ({columns})");
    Some(mend(lacks, mends::make_unique(dialect, name, &names)))
}

fn mend(lacks: String, made: SchemaMend) -> Mend {
    let statement = match made.advice {
        Some(advice) if made.statements.is_empty() => advice,
        _ => made.statements.join("; "),
    };
    Mend { lacks, statement }
}

/// What new databases have.
fn newest(dialect: Dialect) -> Shape {
    let newest = CHAIN.len() - 1;
    let mut shape = Shape::default();
    for schema in [Schema::Runs, Schema::EventIndex, Schema::Schedules] {
        for statement in fresh_statements(schema, dialect, newest) {
            shape.apply(statement);
        }
    }
    shape
}

/// The names in a text.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|character: char| !character.is_alphanumeric() && character != '_')
        .filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use Dialect::{Postgres, Sqlite};

    #[test]
    fn what_is_lacking_is_made_as_a_fresh_database_has_it() {
        let cases = [
            table("no such table: pending_steps", Sqlite),
            table("relation \"dynamic_partitions\" does not exist", Postgres),
            table("no such table: something_else", Sqlite),
            column(
                "table concurrency_limits has no column named using_default_limit",
                "INSERT INTO \"concurrency_limits\"",
                Sqlite,
            ),
            column(
                "column \"cached_status_data\" does not exist",
                "SELECT \"id\" FROM \"asset_keys\"",
                Postgres,
            ),
            column("no such column: create_timestamp", "SELECT 1 FROM \"runs\"", Sqlite),
            column("no such column: something_else", "SELECT 1 FROM \"runs\"", Sqlite),
            unique("INSERT INTO \"kvs\" (\"key\") VALUES ($1) ON CONFLICT (\"key\") DO", Postgres),
            unique(
                "INSERT INTO \"pending_steps\" (\"id\") VALUES (1) ON CONFLICT \
                 (\"concurrency_key\", \"run_id\", \"step_key\") DO NOTHING",
                Sqlite,
            ),
            unique("INSERT INTO \"runs\" (\"id\") VALUES (1) ON CONFLICT (\"run_id\") DO", Sqlite),
            unique(
                "INSERT INTO \"runs\" (\"id\") VALUES (1) ON CONFLICT (\"run_id\") DO",
                Postgres,
            ),
        ];
        let lines = cases.map(|found| {
            found.map_or_else(
                || "nothing".to_owned(),
                |it| format!("{}: {}", it.lacks, it.statement),
            )
        });
        insta::assert_snapshot!(lines.join("\n"), @r#"
        the table pending_steps: CREATE TABLE pending_steps ( id INTEGER NOT NULL, concurrency_key TEXT NOT NULL, run_id TEXT, step_key TEXT, priority INTEGER, assigned_timestamp DATETIME, create_timestamp DATETIME DEFAULT CURRENT_TIMESTAMP, PRIMARY KEY (id) ); CREATE UNIQUE INDEX idx_pending_steps ON pending_steps (concurrency_key, run_id, step_key)
        the table dynamic_partitions: CREATE TABLE dynamic_partitions ( id BIGSERIAL NOT NULL, partitions_def_name TEXT NOT NULL, partition TEXT NOT NULL, create_timestamp TIMESTAMP WITHOUT TIME ZONE DEFAULT CURRENT_TIMESTAMP, PRIMARY KEY (id) ); CREATE UNIQUE INDEX idx_dynamic_partitions ON dynamic_partitions (partitions_def_name, partition)
        nothing
        the column concurrency_limits.using_default_limit: ALTER TABLE concurrency_limits ADD COLUMN using_default_limit BOOLEAN DEFAULT 0 NOT NULL
        the column asset_keys.cached_status_data: ALTER TABLE asset_keys ADD COLUMN cached_status_data TEXT
        the column runs.create_timestamp: SQLite cannot add it to a table that is there; `dagster-instance doctor --schema` prints the statements that make the table anew
        nothing
        the unique index idx_kvs_keys_unique on kvs (key): CREATE UNIQUE INDEX CONCURRENTLY idx_kvs_keys_unique ON kvs (key)
        the unique index idx_pending_steps on pending_steps (concurrency_key, run_id, step_key): CREATE UNIQUE INDEX idx_pending_steps ON pending_steps (concurrency_key, run_id, step_key)
        the unique constraint on runs (run_id): CREATE UNIQUE INDEX runs_run_id_key ON runs (run_id)
        the unique constraint on runs (run_id): CREATE UNIQUE INDEX CONCURRENTLY runs_run_id_key ON runs (run_id); ALTER TABLE runs ADD CONSTRAINT runs_run_id_key UNIQUE USING INDEX runs_run_id_key
        "#);
    }
}
