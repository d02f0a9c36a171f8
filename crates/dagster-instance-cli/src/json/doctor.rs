//! The JSON of `doctor`.

use dagster_instance::storage::{CheckedDatabase, SchemaFinding};
use serde_json::{Value, json};

use super::migrate::role;
use super::text;

/// Something that was found in a database, or in several that are alike.
pub(crate) fn finding(database: &CheckedDatabase, finding: &SchemaFinding) -> Value {
    let statements = finding.mend.statements.iter().map(|statement| text(statement));
    json!({
        "database": text(&database.database),
        "databases": database.databases,
        "role": role(database.role),
        "revision": database.revision.as_deref().map(text),
        "finding": finding.problem.as_str(),
        "severity": finding.severity.as_str(),
        "object": text(&finding.object),
        "expected": finding.expected.as_deref().map(text),
        "found": finding.found.as_deref().map(text),
        "mend": statements.collect::<Vec<_>>(),
        "advice": finding.mend.advice.as_deref().map(text),
    })
}
