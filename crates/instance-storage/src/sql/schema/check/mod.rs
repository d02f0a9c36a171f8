//! A check of a database's schema: what is missing, different or too much against the revision that it says it has.
//!
//! Not here: reading a database (`db/`), and which databases there are (`stores/check.rs`).

mod compare;
mod expected;
mod found;
pub(crate) mod mends;
mod numbers;
mod obstacles;
mod parse;
pub(crate) mod read;
pub(crate) mod shape;
mod state;

use instance_core::storage::{SchemaFinding, SchemaMend, SchemaProblem, SchemaSeverity};

use expected::Expected;
pub(crate) use found::Found;

use super::history::fresh;
use super::{HEAD, Schema, Stamp};
use crate::sql::Dialect;

/// The findings about a database with these stores, in the order in which they are to be mended.
pub(crate) fn check(dialect: Dialect, schemas: &[Schema], found: &Found) -> Vec<SchemaFinding> {
    if found.shape.tables.is_empty() {
        return nothing(dialect, found);
    }
    let (there, absent): (Vec<Schema>, Vec<Schema>) =
        schemas.iter().partition(|schema| is_there(**schema, schemas, found));
    let (at, said) = state::revision(dialect, &there, found);
    let Some(at) = at else {
        return said.into_iter().collect();
    };
    let mut findings = compare::compare(&Expected::known(dialect, &there, at), found);
    // The table of revisions is made first, if it is missing.
    findings.extend(said);
    findings.extend(state::rows(dialect, &there, at, found));
    // It may be kept elsewhere. Else its tables are made when it is first used.
    findings.extend(absent.into_iter().map(|schema| {
        let object = format!("tables of the {schema}");
        SchemaFinding::new(SchemaProblem::Missing, SchemaSeverity::Note, object)
            .with_found("none of them")
    }));
    findings
}

/// Whether a store has at least one table in a database that other stores may share. A file is one store's.
fn is_there(schema: Schema, beside: &[Schema], found: &Found) -> bool {
    let of = |schema: &Schema| fresh::tables_at(*schema, HEAD);
    let others: Vec<&str> = beside.iter().filter(|it| **it != schema).flat_map(of).collect();
    let mut own = of(&schema).into_iter().filter(|table| !others.contains(table));
    beside.len() == 1 || own.any(|table| found.shape.tables.contains_key(table))
}

/// What is said of a database without any table of Dagster's.
fn nothing(dialect: Dialect, found: &Found) -> Vec<SchemaFinding> {
    let object = "tables of Dagster's";
    let finding = match dialect {
        // A file that somebody has just created is empty for a moment.
        Dialect::Sqlite if found.others.0 == 0 => {
            SchemaFinding::new(SchemaProblem::Missing, SchemaSeverity::Note, object)
                .with_found("an empty file")
        }
        Dialect::Sqlite | Dialect::Postgres => SchemaFinding::new(
            SchemaProblem::Missing,
            SchemaSeverity::Error,
            object,
        )
        .with_found(match found.unseen.values().next() {
            Some(schemas) => format!("none of them; some in the schema {}", schemas.join(" and ")),
            None => "none of them".to_owned(),
        }),
    };
    // Not how they are made: they may only be out of sight, and nobody is to begin anew beside them.
    let advice = match dialect {
        Dialect::Sqlite => "name another directory",
        Dialect::Postgres => {
            "name another database, or the schema in which they are, as by `options=-csearch_path=ITS_NAME`"
        }
    };
    vec![finding.with_mend(SchemaMend::advice(advice))]
}

/// The revision that a database says.
pub(crate) fn revision(found: &Found) -> Option<String> {
    match &found.stamp {
        Stamp::Of(id) => Some(id.clone()),
        Stamp::None | Stamp::Several(_) => None,
    }
}
