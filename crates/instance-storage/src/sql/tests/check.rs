//! The statements of a check of the schema: those that read a database, and those that mend what is missing in a new one.

use instance_core::storage::SchemaSeverity;

use super::compare;
use crate::sql::Dialect;
use crate::sql::schema::check::shape::{Shape, Table};
use crate::sql::schema::check::{Found, check, read};
use crate::sql::schema::history::{CHAIN, fresh};
use crate::sql::schema::{HEAD, Schema, Stamp};

const ALL: [Schema; 3] = [Schema::Runs, Schema::EventIndex, Schema::Schedules];

/// A new database of the newest revision.
fn whole(dialect: Dialect) -> Found {
    let mut shape = Shape::default();
    for statement in
        ALL.into_iter().flat_map(|it| fresh::fresh_statements(it, dialect, CHAIN.len() - 1))
    {
        shape.apply(statement);
    }
    // As databases name them.
    for (name, table) in &mut shape.tables {
        for index in table.indexes.iter_mut().filter(|index| index.is_of_constraint) {
            index.name = format!("{name}_{}_key", index.columns.join("_"));
        }
    }
    let marks = ALL.iter().flat_map(|schema| schema.completed_migrations());
    let empty = shape.tables.keys().cloned().collect();
    Found {
        shape,
        stamp: Stamp::Of(HEAD.to_owned()),
        marks: marks.map(|name| (*name).to_owned()).collect(),
        empty,
        ..Found::default()
    }
}

#[test]
fn what_reads_a_database() {
    let (sqlite, postgres) = (whole(Dialect::Sqlite), whole(Dialect::Postgres));
    let texts = [
        "-- SQLite".to_owned(),
        read::SQLITE_OBJECTS.to_owned(),
        read::SQLITE_COLUMNS.to_owned(),
        read::SQLITE_INDEXES.to_owned(),
        read::rows(Dialect::Sqlite, &sqlite),
        "-- Postgres".to_owned(),
        read::postgres_catalog(),
        read::rows(Dialect::Postgres, &postgres),
    ];
    compare(
        "check_reads",
        &texts.join(";\n").replace("SQLite;", "SQLite").replace("Postgres;", "Postgres"),
    );
}

/// The database without something of a table, each thing in turn.
fn without(found: &Found) -> Vec<Found> {
    let mut damaged = Vec::new();
    for name in found.shape.tables.keys() {
        let mut lacking = found.clone();
        lacking.shape.tables.remove(name);
        damaged.push(lacking);
        let mut with = |change: &dyn Fn(&mut Table)| {
            let mut lacking = found.clone();
            if let Some(table) = lacking.shape.tables.get_mut(name) {
                change(table);
            }
            damaged.push(lacking);
        };
        let table = &found.shape.tables[name];
        for at in 0..table.columns.len() {
            with(&|table| drop(table.columns.remove(at)));
        }
        for at in 0..table.indexes.len() {
            with(&|table| drop(table.indexes.remove(at)));
        }
        with(&|table| table.primary_key.clear());
    }
    damaged
}

#[test]
fn all_that_is_missing_is_found_with_what_mends_it() {
    for dialect in [Dialect::Sqlite, Dialect::Postgres] {
        let found = whole(dialect);
        assert_eq!(check(dialect, &ALL, &found), []);
        for lacking in without(&found) {
            let findings = check(dialect, &ALL, &lacking);
            let first = findings.first().unwrap();
            assert!(first.severity > SchemaSeverity::Note, "{first:?}");
            assert!(!first.mend.statements.is_empty(), "{first:?}");
        }
    }
}
