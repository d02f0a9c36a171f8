//! The numbers that a server gives to rows: how many are left, and whether they are given already.

use instance_core::storage::{SchemaFinding, SchemaMend, SchemaProblem, SchemaSeverity};

use super::found::{Numbers, Sequence};
use super::shape::{Column, Default, Kind};

/// The greatest number of an integer.
const GREATEST: i64 = 2_147_483_647;

/// What widening a column means.
pub(super) const OF_TABLE: &str = "it writes the whole table anew, and nobody reads or writes the table meanwhile; `dagster-instance migrate \
     --bigint` does that with all such tables, and says before how long it takes";

/// Numbers that run out, as the column or its sequence holds no greater ones.
pub(super) fn narrow(table: &str, numbers: &Numbers, column: &Column) -> Option<SchemaFinding> {
    let sequence = numbers.sequence.as_ref();
    // Rows may be deleted, and an insertion that fails takes a number, too.
    let last = sequence.and_then(|sequence| sequence.last).map(|(last, _)| last);
    let used = numbers.greatest.max(last)?;
    let is_narrow = column.kind == Kind::Integer;
    let of_column = if is_narrow { GREATEST } else { i64::MAX };
    let of_sequence = sequence.map_or(i64::MAX, |sequence| sequence.most);
    let most = of_column.min(of_sequence);
    if most > GREATEST || used <= most / 2 {
        return None;
    }
    let is_widened = is_narrow && used > GREATEST / 2;
    let mut statements = Vec::new();
    if is_widened {
        statements.push(format!("ALTER TABLE {table} ALTER COLUMN id TYPE bigint"));
    }
    if let Some(Sequence { name, .. }) = sequence.filter(|_| of_sequence <= GREATEST) {
        let kind = if is_narrow && !is_widened { "" } else { " AS bigint" };
        statements.push(format!("ALTER SEQUENCE {name}{kind} NO MAXVALUE"));
    }
    let mut mend = SchemaMend::by(statements);
    mend = mend.with_advice(if is_widened {
        OF_TABLE
    } else {
        "or give `dagster-instance migrate --bigint`"
    });
    let percent = i128::from(used) * 100 / i128::from(most.max(1));
    let what = if of_column <= of_sequence { "the column" } else { "its sequence" };
    let whose = if numbers.greatest.max(last) == numbers.greatest {
        format!("the greatest id is {used}")
    } else {
        format!("the last number that was given is {used}")
    };
    let severity = if percent > 90 { SchemaSeverity::Error } else { SchemaSeverity::Warning };
    let object = format!("column {table}.id");
    let mut finding = SchemaFinding::new(SchemaProblem::Narrow, severity, object);
    if is_widened || !is_narrow {
        finding = finding.with_expected("bigint");
    }
    Some(finding.with_found(format!("{whose}, {percent} % of what {what} holds")).with_mend(mend))
}

/// A sequence that gives numbers which rows have already, as after rows were copied without it.
pub(super) fn behind(table: &str, numbers: &Numbers, column: &Column) -> Option<SchemaFinding> {
    let greatest = numbers.greatest?;
    // Where servers share out the numbers, another one gave the greatest.
    let sequence = numbers.sequence.as_ref().filter(|sequence| sequence.step == 1)?;
    let (last, is_given) = sequence.last?;
    let next = if is_given { last.saturating_add(1) } else { last };
    if next > greatest || column.default != Default::Next {
        return None;
    }
    let name = &sequence.name;
    let set =
        format!("SELECT setval('{}', (SELECT max(id) FROM {table}))", name.replace('\'', "''"));
    let object = format!("sequence of {table}.id");
    let finding = SchemaFinding::new(SchemaProblem::Different, SchemaSeverity::Error, object)
        .with_expected(format!("a next number above {greatest}, the greatest id"))
        .with_found(next.to_string());
    Some(finding.with_mend(SchemaMend::by([set])))
}
