//! The statement that makes what a database lacks: a table, a column, or an index that a statement of ours needs.
//!
//! The text is that of a fresh database of the newest revision.

use super::fresh::{created_table, fresh_statements, indexed_table};
use super::position;
use crate::sql::Dialect;
use crate::sql::schema::{HEAD, Schema};

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
    let table = words(said).find_map(|word| table_of(word, dialect))?;
    // Several stores may have it.
    let mut making: Vec<_> = statements(dialect)
        .filter(|statement| {
            [created_table(statement), indexed_table(statement)].contains(&Some(table))
        })
        .map(one_line)
        .collect();
    making.sort_by_key(|statement| !statement.starts_with("CREATE TABLE"));
    making.dedup();
    let statement = making.join("; ");
    Some(Mend { lacks: format!("the table {table}"), statement })
}

/// The column that an error names. Which table it is of, the error says or the statement does.
pub(crate) fn column(said: &str, sql: &str, dialect: Dialect) -> Option<Mend> {
    let tables = words(said).chain(words(sql)).filter_map(|word| table_of(word, dialect));
    let mut found = tables.flat_map(|table| {
        let names = words(said).map(str::to_owned).collect::<Vec<_>>();
        names.into_iter().filter_map(move |name| Some((table, definition(table, &name, dialect)?)))
    });
    let (table, definition) = found.next()?;
    let name = definition.split(' ').next().unwrap_or_default();
    Some(Mend {
        lacks: format!("the column {table}.{name}"),
        statement: format!("ALTER TABLE {table} ADD COLUMN {definition}"),
    })
}

/// The unique index by which an insertion tells rows apart.
pub(crate) fn unique(sql: &str, dialect: Dialect) -> Option<Mend> {
    let (into, rest) = sql.split_once("ON CONFLICT (")?;
    let columns = rest.split(')').next()?.replace('"', "");
    let table = words(into.strip_prefix("INSERT INTO ")?).next()?;
    let is_on = |statement: &&str| {
        indexed_table(statement) == Some(table)
            && statement.starts_with("CREATE UNIQUE")
            && statement.replace('"', "").ends_with(&format!("({columns})"))
    };
    if let Some(index) = statements(dialect).find(is_on) {
        let name = words(index).nth(3).unwrap_or_default();
        let lacks = format!("the unique index {name} on {table} ({columns})");
        return Some(Mend { lacks, statement: one_line(index) });
    }
    table_of(table, dialect)?;
    let name = format!("{table}_{}_key", columns.replace(", ", "_"));
    let statement = match dialect {
        Dialect::Sqlite => format!("CREATE UNIQUE INDEX {name} ON {table} ({columns})"),
        Dialect::Postgres => {
            format!("ALTER TABLE {table} ADD CONSTRAINT {name} UNIQUE ({columns})")
        }
    };
    Some(Mend { lacks: format!("the unique constraint on {table} ({columns})"), statement })
}

fn statements(dialect: Dialect) -> impl Iterator<Item = &'static str> {
    let newest = position(HEAD).unwrap_or_default();
    [Schema::Runs, Schema::EventIndex, Schema::Schedules]
        .into_iter()
        .flat_map(move |schema| fresh_statements(schema, dialect, newest))
}

/// Dagster's table of this name.
fn table_of(name: &str, dialect: Dialect) -> Option<&'static str> {
    statements(dialect).filter_map(created_table).find(|table| *table == name)
}

/// How a table of Dagster's says one of its columns.
fn definition(table: &str, column: &str, dialect: Dialect) -> Option<&'static str> {
    let created = statements(dialect).find(|statement| created_table(statement) == Some(table))?;
    let lines = created.lines().map(|line| line.trim().trim_end_matches(','));
    let mut columns = lines.skip(1).filter(|line| {
        !["PRIMARY KEY", "UNIQUE", "FOREIGN KEY", "CONSTRAINT", ")"]
            .iter()
            .any(|begin| line.starts_with(begin))
    });
    columns.find(|line| line.split(' ').next().map(|name| name.trim_matches('"')) == Some(column))
}

/// The names in a text.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|character: char| !character.is_alphanumeric() && character != '_')
        .filter(|word| !word.is_empty())
}

fn one_line(statement: &str) -> String {
    statement.split_whitespace().collect::<Vec<_>>().join(" ")
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
        nothing
        the unique index idx_kvs_keys_unique on kvs (key): CREATE UNIQUE INDEX idx_kvs_keys_unique ON kvs (key)
        the unique index idx_pending_steps on pending_steps (concurrency_key, run_id, step_key): CREATE UNIQUE INDEX idx_pending_steps ON pending_steps (concurrency_key, run_id, step_key)
        the unique constraint on runs (run_id): CREATE UNIQUE INDEX runs_run_id_key ON runs (run_id)
        the unique constraint on runs (run_id): ALTER TABLE runs ADD CONSTRAINT runs_run_id_key UNIQUE (run_id)
        "#);
    }
}
