//! What refuses or hides rows of a server, though all that a revision has is there.

use instance_core::storage::{SchemaFinding, SchemaMend, SchemaProblem, SchemaSeverity};

use super::found::{Found, Obstacle, ObstacleKind};
use super::mends::quoted;

/// What stands in the way of a table's rows.
pub(super) fn obstacles(table: &str, found: &Found) -> Vec<SchemaFinding> {
    let of_table = found.obstacles.iter().filter(|obstacle| obstacle.table == table);
    of_table.map(obstacle).chain(apart(table, found)).collect()
}

fn obstacle(obstacle: &Obstacle) -> SchemaFinding {
    let Obstacle { table, kind, name, text } = obstacle;
    let object = match kind {
        ObstacleKind::Constraint => format!("constraint {name} on {table}"),
        ObstacleKind::Policies | ObstacleKind::PoliciesOfOthers => {
            format!("row level security of {table}")
        }
        ObstacleKind::KeyTrigger => format!("trigger {name} on {table}"),
    };
    let (problem, severity, said) = match kind {
        ObstacleKind::Constraint => (
            SchemaProblem::Foreign,
            SchemaSeverity::Warning,
            format!("it refuses rows that Dagster may write: {text}"),
        ),
        ObstacleKind::Policies => (
            SchemaProblem::Foreign,
            SchemaSeverity::Error,
            "it hides rows from this role, or refuses them".to_owned(),
        ),
        ObstacleKind::PoliciesOfOthers => (
            SchemaProblem::Foreign,
            SchemaSeverity::Note,
            "this role is not under it; another one may not see all rows".to_owned(),
        ),
        ObstacleKind::KeyTrigger => (
            SchemaProblem::Different,
            SchemaSeverity::Error,
            format!("it is disabled, so that the foreign key {text} does nothing"),
        ),
    };
    let alter = |change: String| SchemaMend::by([format!("ALTER TABLE {table} {change}")]);
    let mend = match kind {
        ObstacleKind::Constraint => {
            alter(format!("DROP CONSTRAINT {}", quoted(name))).with_advice("if nobody needs it")
        }
        ObstacleKind::Policies => {
            alter("DISABLE ROW LEVEL SECURITY".to_owned()).with_advice("if nobody needs it")
        }
        ObstacleKind::PoliciesOfOthers => SchemaMend::default(),
        ObstacleKind::KeyTrigger => alter(format!("ENABLE TRIGGER {}", quoted(name))).with_advice(
            "a superuser may do so; rows that were written or deleted meanwhile may name nothing",
        ),
    };
    SchemaFinding::new(problem, severity, object).with_found(said).with_mend(mend)
}

/// A table in another schema than the others. Dagster looks in one schema alone, and makes there what it does not find.
fn apart(table: &str, found: &Found) -> Option<SchemaFinding> {
    let (home, place) = (found.home()?, found.places.get(table)?);
    if place.schema == home {
        return None;
    }
    let schema = quoted(&place.schema);
    let set = format!("ALTER TABLE {schema}.{table} SET SCHEMA {}", quoted(home));
    let object = format!("table {schema}.{table}");
    let finding = SchemaFinding::new(SchemaProblem::Different, SchemaSeverity::Error, object);
    let finding = finding.with_expected(format!("in the schema {home}, as the others"));
    Some(finding.with_mend(SchemaMend::by([set]).with_advice("if it is Dagster's")))
}
