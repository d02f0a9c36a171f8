//! What a release of Dagster gives a new database: tables, indexes, and the data migrations that it has no need of.
//!
//! A revision has several releases. The schema is that of the last one: later releases of a revision have mended what
//! earlier ones got wrong.

use super::{CHAIN, Change, position};
use crate::sql::Dialect;
use crate::sql::schema::Schema;

/// Revisions that no release ended with: alembic passes them on its way.
pub(super) const PASSED: [&str; 4] =
    ["16689497301f", "63d7a8ec641a", "1aca709bba64", "f495c27d5019"];

/// Data migrations that a new database has been through only since a revision.
const LATER_MIGRATIONS: [(&str, &str); 3] = [
    ("run_backfill_id", "16e3655b4d9b"),
    ("backfill_job_name_and_tags", "16e3655b4d9b"),
    ("backfill_end_timestamp", "7e2f3204cf8e"),
];

/// The statements that create the tables and indexes of a new store at a revision; `None` if the chain does not have
/// the revision.
///
/// At a revision that no release ended with, it is the schema of the release before and what the chain adds to it.
pub(crate) fn script_at(schema: Schema, dialect: Dialect, revision: &str) -> Option<String> {
    let at = position(revision)?;
    let from = release_at(at);
    let fresh = fresh_statements(schema, dialect, from);
    let has = |table: &str| fresh.iter().any(|statement| created_table(statement) == Some(table));
    let passed = CHAIN.get(from + 1..=at).unwrap_or_default().iter();
    let later = passed.flat_map(|revision| revision.changes).filter(|change| match change {
        Change::Column { table, .. } | Change::Index { table, .. } => has(table),
        _ => false,
    });
    let later: Vec<_> = later.flat_map(|change| change.statements(dialect)).collect();
    let all = fresh.iter().copied().chain(later.iter().map(String::as_str));
    Some(all.flat_map(|statement| [statement, ";\n"]).collect())
}

/// The tables of a new store at a revision, without alembic's own; empty if the chain does not have the revision.
pub(crate) fn tables_at(schema: Schema, revision: &str) -> Vec<&'static str> {
    let Some(at) = position(revision) else {
        return Vec::new();
    };
    let statements = fresh_statements(schema, Dialect::Sqlite, release_at(at));
    let tables = statements.into_iter().filter_map(created_table);
    tables.filter(|table| *table != crate::sql::tables::alembic_version::TABLE).collect()
}

/// The data migrations that a new store at a revision has no need of, in Dagster's order.
pub(crate) fn completed_migrations_at(schema: Schema, revision: &str) -> Vec<&'static str> {
    let is_there = |name: &str| {
        let since = LATER_MIGRATIONS.iter().find(|(later, _)| *later == name);
        since.is_none_or(|(_, since)| position(since) <= position(revision))
    };
    schema.completed_migrations().iter().copied().filter(|name| is_there(name)).collect()
}

/// The last revision up to this place that a release ended with.
fn release_at(at: usize) -> usize {
    (0..=at).rfind(|at| is_of_release(*at)).unwrap_or(0)
}

/// Whether a release ended with the revision of this place.
pub(crate) fn is_of_release(at: usize) -> bool {
    CHAIN.get(at).is_some_and(|it| !PASSED.contains(&it.id))
}

/// The statements of the fresh schema at a place that a release ended with, without semicolons.
pub(crate) fn fresh_statements(schema: Schema, dialect: Dialect, at: usize) -> Vec<&'static str> {
    let text = match (dialect, schema) {
        (Dialect::Sqlite, Schema::Runs) => include_str!("sqlite_runs.sql"),
        (Dialect::Sqlite, Schema::EventIndex | Schema::EventShard) => {
            include_str!("sqlite_index.sql")
        }
        (Dialect::Sqlite, Schema::Schedules) => include_str!("sqlite_schedules.sql"),
        (Dialect::Postgres, Schema::Runs) => include_str!("postgres_runs.sql"),
        (Dialect::Postgres, Schema::EventIndex | Schema::EventShard) => {
            include_str!("postgres_events.sql")
        }
        (Dialect::Postgres, Schema::Schedules) => include_str!("postgres_schedules.sql"),
    };
    let statements = text.split_terminator(";\n").map(|statement| {
        statement
            .strip_prefix("-- ")
            .and_then(|rest| rest.split_once('\n'))
            .unwrap_or(("", statement))
    });
    statements.filter(|(span, _)| is_within(span, at)).map(|(_, statement)| statement).collect()
}

/// Whether a place is within a span such as `from a00dd8d936a1 until 5771160a95ad`.
fn is_within(span: &str, at: usize) -> bool {
    let words: Vec<&str> = span.split(' ').collect();
    words.chunks(2).all(|pair| match pair {
        ["from", first] => position(first).is_some_and(|first| first <= at),
        ["until", last] => position(last).is_some_and(|last| at <= last),
        _ => true,
    })
}

/// The table that a statement creates.
pub(crate) fn created_table(statement: &str) -> Option<&str> {
    statement.strip_prefix("CREATE TABLE ")?.split(' ').next()
}

/// The table that a statement creates an index on.
pub(super) fn indexed_table(statement: &str) -> Option<&str> {
    let (_, behind) = statement.split_once(" ON ")?;
    created_table(statement).is_none().then(|| behind.split(' ').next())?
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use super::*;
    use crate::sql::schema::HEAD;

    const SCHEMAS: [Schema; 3] = [Schema::Runs, Schema::EventIndex, Schema::Schedules];

    #[test]
    fn at_the_newest_revision_it_is_what_we_create() {
        for schema in SCHEMAS {
            let ours = sorted(schema.sqlite_script());
            assert_eq!(sorted(&script_at(schema, Dialect::Sqlite, HEAD).unwrap()), ours);
            #[cfg(feature = "postgres")]
            assert_eq!(
                named(&script_at(schema, Dialect::Postgres, HEAD).unwrap()),
                named(schema.postgres_script())
            );
            assert_eq!(completed_migrations_at(schema, HEAD), schema.completed_migrations());
        }
    }

    /// The names of what a script creates. Our own says `IF NOT EXISTS`, and types in other letters.
    #[cfg(feature = "postgres")]
    fn named(script: &str) -> Vec<String> {
        let script = script.replace("IF NOT EXISTS ", "");
        let name =
            |statement: &str| statement.split([' ', '(']).take(3).collect::<Vec<_>>().join(" ");
        let mut names: Vec<_> = sorted(&script).into_iter().map(|it| name(it.trim())).collect();
        names.sort_unstable();
        names
    }

    fn sorted(script: &str) -> Vec<&str> {
        let mut statements: Vec<_> = script.split_terminator(";\n").collect();
        statements.sort_unstable();
        statements
    }

    #[test]
    fn every_revision_has_its_tables() {
        let mut listing = String::new();
        for revision in &CHAIN {
            for schema in SCHEMAS {
                let tables = tables_at(schema, revision.id).join(" ");
                let _ = writeln!(listing, "{} {schema}: {tables}", revision.id);
                for dialect in [Dialect::Sqlite, Dialect::Postgres] {
                    let script = script_at(schema, dialect, revision.id).unwrap();
                    let created = script.split(";\n").filter_map(created_table).count();
                    // Each table once: spans neither overlap nor leave a gap.
                    assert_eq!(created, tables.split(' ').count() + 1, "{} {schema}", revision.id);
                }
            }
        }
        insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true, snapshot_path => "../../../../tests/schema_history" }, {
            insta::assert_snapshot!("history_tables", listing);
        });
        assert_eq!(script_at(Schema::Runs, Dialect::Sqlite, "ffffffffffff"), None);
        assert!(tables_at(Schema::Runs, "ffffffffffff").is_empty());
    }

    #[test]
    fn a_revision_that_was_passed_has_what_the_chain_adds() {
        let before = script_at(Schema::Runs, Dialect::Sqlite, "284a732df317").unwrap();
        let passed = script_at(Schema::Runs, Dialect::Sqlite, "1aca709bba64").unwrap();
        assert_eq!(
            passed.strip_prefix(&before).unwrap(),
            "ALTER TABLE runs ADD COLUMN backfill_id VARCHAR(255);\n\
             CREATE INDEX idx_runs_by_backfill_id ON runs (backfill_id, id);\n"
        );
        let events = |revision| script_at(Schema::EventIndex, Dialect::Sqlite, revision);
        assert_eq!(events("1aca709bba64"), events("284a732df317"));
    }

    #[test]
    fn marks_are_those_of_the_release() {
        let at = |revision| completed_migrations_at(Schema::Runs, revision);
        let base = [
            "run_partitions",
            "run_repo_label_tags",
            "bulk_action_types",
            "run_start_end_overwritten",
        ];
        assert_eq!(at("284a732df317"), base);
        assert!(at("16e3655b4d9b").contains(&"run_backfill_id"));
        assert!(!at("16e3655b4d9b").contains(&"backfill_end_timestamp"));
        assert!(at("7e2f3204cf8e").contains(&"backfill_end_timestamp"));
    }
}
