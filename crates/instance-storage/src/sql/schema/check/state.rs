//! What a database says of itself: its revision, and its data migrations; and what shows in its rows.

use instance_core::storage::{SchemaFinding, SchemaMend, SchemaProblem, SchemaSeverity};

use super::found::Found;
use super::numbers;
use super::shape::Kind;
use crate::sql::Dialect;
use crate::sql::schema::history::{self, CHAIN, Change, fresh};
use crate::sql::schema::{HEAD, Schema, Stamp};
use crate::sql::tables::{alembic_version, asset_event_tags, event_logs, job_ticks, runs};

/// Which revision a database is compared with, by its place in the chain, and what is to be said of what it says. `None`
/// if there is nothing to compare it with.
pub(super) fn revision(
    dialect: Dialect,
    schemas: &[Schema],
    found: &Found,
) -> (Option<usize>, Option<SchemaFinding>) {
    let finding = |severity| {
        SchemaFinding::new(SchemaProblem::Revision, severity, "revision")
            .with_expected("one row in alembic_version")
    };
    let likely = likely(schemas, found);
    if found.secret.iter().any(|table| table == alembic_version::TABLE) {
        return (Some(likely), None);
    }
    match &found.stamp {
        Stamp::Of(id) => {
            if let Some(at) = history::position(id) {
                return (Some(at), None);
            }
            let advice = if history::is_before_base(id) {
                "it is of Dagster before 1.0: run `dagster instance migrate` of Dagster 1.13"
            } else {
                "it is of a newer Dagster, or of another program: use a newer version of this one"
            };
            let expected = format!("one to {HEAD}");
            let finding = finding(SchemaSeverity::Error).with_expected(expected).with_found(id);
            (None, Some(finding.with_mend(SchemaMend::advice(advice))))
        }
        Stamp::None => {
            let id = CHAIN.get(likely).map_or(HEAD, |revision| revision.id);
            let finding = match dialect {
                // Dagster 1.3 to 1.8 left its files so, and any Dagster goes on with them.
                Dialect::Sqlite => finding(SchemaSeverity::Note).with_mend(SchemaMend::advice(
                    "releases from 1.3 to 1.8 left it so; `dagster-instance migrate` writes it",
                )),
                Dialect::Postgres => {
                    let insert =
                        format!("INSERT INTO alembic_version (version_num) VALUES ('{id}')");
                    finding(SchemaSeverity::Error).with_mend(SchemaMend::by([insert]).with_advice(
                        "this is the revision by what is there; without one, `dagster instance migrate` would begin at the \
                         very first",
                    ))
                }
            };
            (Some(likely), Some(finding.with_found(format!("none; by what is there, {id}"))))
        }
        Stamp::Several(ids) => {
            // The oldest that is known is safe: an upgrade makes what is missing, and leaves what is there.
            let known = ids.iter().filter_map(|id| history::position(id)).min();
            let at = known.unwrap_or(likely);
            let id = CHAIN.get(at).map_or(HEAD, |revision| revision.id);
            let mend = match known {
                Some(_) => {
                    let delete = format!("DELETE FROM alembic_version WHERE version_num <> '{id}'");
                    SchemaMend::by([delete]).with_advice(
                        "this keeps the oldest one: an upgrade from it leaves what is there",
                    )
                }
                None => SchemaMend::advice("none of them is known; restore a copy"),
            };
            let finding = finding(SchemaSeverity::Error).with_found(ids.join(" and "));
            (Some(at), Some(finding.with_mend(mend)))
        }
    }
}

/// The last revision of which a database has something: that which it has if it does not say one.
fn likely(schemas: &[Schema], found: &Found) -> usize {
    let own: Vec<&str> =
        schemas.iter().flat_map(|schema| fresh::tables_at(*schema, HEAD)).collect();
    let of = |table: &str| own.contains(&table).then(|| found.shape.tables.get(table))?;
    let is_there = |change: &Change| match change {
        Change::Table(table) => of(table.name).is_some(),
        Change::Column { table, name, .. } => {
            of(table).is_some_and(|table| table.column(name).is_some())
        }
        Change::Index { table, name, .. } => {
            of(table).is_some_and(|table| table.index(name).is_some())
        }
        Change::RowId { table, .. } => of(table).is_some_and(|table| table.column("id").is_some()),
        Change::DropIndex { .. } | Change::PrimaryKey { .. } => false,
    };
    CHAIN.iter().rposition(|revision| revision.changes.iter().any(is_there)).unwrap_or(0)
}

/// What is to be said of data migrations, of rows that lack what they gave, and of numbers that run out.
pub(super) fn rows(
    dialect: Dialect,
    schemas: &[Schema],
    at: usize,
    found: &Found,
) -> Vec<SchemaFinding> {
    let mut findings = Vec::new();
    for table in &found.secret {
        let object = format!("table {table}");
        let unread = warning(SchemaProblem::Unreadable, object);
        findings.push(unread.with_found("the role may not read it").with_mend(SchemaMend::advice(
            "let an owner look, or grant SELECT; what is in it was not looked at",
        )));
    }
    unfinished(schemas, at, found, &mut findings);
    gaps(found, &mut findings);
    if dialect == Dialect::Postgres {
        for (table, numbers) in &found.numbers {
            let column = found.shape.tables.get(table).and_then(|table| table.column("id"));
            findings.extend(column.and_then(|column| numbers::narrow(table, numbers, column)));
            findings.extend(column.and_then(|column| numbers::behind(table, numbers, column)));
        }
        findings.extend(narrow_tags(found));
    }
    findings
}

fn unfinished(schemas: &[Schema], at: usize, found: &Found, findings: &mut Vec<SchemaFinding>) {
    let marks = "secondary_indexes";
    let is_known = found.shape.tables.contains_key(marks)
        && !found.secret.iter().any(|secret| secret == marks);
    let Some(revision) = CHAIN.get(at).filter(|_| is_known) else { return };
    for name in schemas.iter().flat_map(|it| fresh::completed_migrations_at(*it, revision.id)) {
        if found.marks.iter().any(|mark| mark == name) {
            continue;
        }
        let advice = format!("run `dagster-instance reindex --index {name}`");
        let finding = warning(SchemaProblem::Unfinished, format!("data migration {name}"));
        findings.push(finding.with_mend(SchemaMend::advice(advice)));
    }
}

/// Fills in the backfill of runs that have it as a tag.
const FILL_BACKFILLS: &str = "UPDATE runs SET backfill_id = (SELECT max(value) FROM run_tags WHERE run_tags.run_id = runs.run_id \
     AND run_tags.key = 'dagster/backfill') WHERE backfill_id IS NULL AND run_id IN (SELECT run_id FROM run_tags WHERE \
     run_tags.key = 'dagster/backfill')";

/// Fills in the selector of ticks whose schedule or sensor has one.
const FILL_SELECTORS: &str = "UPDATE job_ticks SET selector_id = (SELECT selector_id FROM jobs WHERE jobs.job_origin_id = \
     job_ticks.job_origin_id) WHERE selector_id IS NULL AND job_origin_id IN (SELECT job_origin_id FROM jobs WHERE selector_id \
     IS NOT NULL)";

/// Rows that a process of an old release has written after the data migration.
fn gaps(found: &Found, findings: &mut Vec<SchemaFinding>) {
    for (count, mark, object, lacking, fill) in [
        (
            found.gaps.runs_without_backfill,
            "run_backfill_id",
            format!("column {}.{}", runs::TABLE, runs::BACKFILL_ID),
            "runs have the tag dagster/backfill and not the column",
            FILL_BACKFILLS,
        ),
        (
            found.gaps.ticks_without_selector,
            "schedule_ticks_selector_id",
            format!("column {}.{}", job_ticks::TABLE, job_ticks::SELECTOR_ID),
            "ticks have no selector, though their schedule or sensor has one",
            FILL_SELECTORS,
        ),
    ] {
        if count > 0 && found.marks.iter().any(|it| it == mark) {
            let mend = SchemaMend::by([fill.to_owned()])
                .with_advice("before it, restart the processes of an old release that write them");
            let finding = warning(SchemaProblem::Gap, object);
            findings.push(finding.with_found(format!("{count} {lacking}")).with_mend(mend));
        }
    }
}

/// Tags of events cannot name an event whose id is too large for them.
fn narrow_tags(found: &Found) -> Option<SchemaFinding> {
    let kind =
        |table: &str, column: &str| Some(&found.shape.tables.get(table)?.column(column)?.kind);
    let (table, column) = (asset_event_tags::TABLE, asset_event_tags::EVENT_ID);
    let is_narrower = kind(event_logs::TABLE, event_logs::ID)? == &Kind::BigInteger
        && kind(table, column)? == &Kind::Integer;
    let alter = format!("ALTER TABLE {table} ALTER COLUMN {column} TYPE bigint");
    is_narrower.then(|| {
        warning(SchemaProblem::Narrow, format!("column {table}.{column}"))
            .with_expected("bigint, as event_logs.id is")
            .with_found("integer")
            .with_mend(SchemaMend::by([alter]).with_advice(numbers::OF_TABLE))
    })
}

fn warning(problem: SchemaProblem, object: String) -> SchemaFinding {
    SchemaFinding::new(problem, SchemaSeverity::Warning, object)
}
