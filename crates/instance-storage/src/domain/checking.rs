//! Checking the schema of an instance's databases: each against the revision that it says it has, and all against each
//! other.
//!
//! Not here: what a revision has, which the store knows.

use std::collections::BTreeSet;

use instance_core::error::InstanceError;
use instance_core::ops::StorageOps;
use instance_core::storage::{
    CheckedDatabase, DatabaseRole, SchemaFinding, SchemaProblem, SchemaSeverity,
};

use super::upgrading::schema_stores;

/// What a check of the schema found.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct SchemaCheck {
    /// Each database of the instance; files of single runs that are alike are one.
    pub databases: Vec<CheckedDatabase>,
}

impl SchemaCheck {
    /// Each finding with its database, in the order in which they are to be mended.
    pub fn findings(&self) -> impl Iterator<Item = (&CheckedDatabase, &SchemaFinding)> {
        self.databases
            .iter()
            .flat_map(|database| database.findings.iter().map(move |finding| (database, finding)))
    }

    /// How much the worst finding matters; `None` if nothing was found.
    pub fn severity(&self) -> Option<SchemaSeverity> {
        self.findings().map(|(_, finding)| finding.severity).max()
    }
}

/// Compares each database of the instance with what its revision has, and returns what is missing, different or too much,
/// each with what mends it.
///
/// Nothing is changed, and nothing is created. A database that cannot be read is a finding, and the others are looked at.
///
/// # Errors
///
/// [`InstanceError::Storage`] if the databases cannot be listed.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn check_schema(ops: &dyn StorageOps) -> Result<SchemaCheck, InstanceError> {
    let mut known = BTreeSet::new();
    let mut check = SchemaCheck::default();
    for store in schema_stores(ops.stores()) {
        let mut databases = store.check_databases().await?;
        // Stores may share one.
        databases.retain(|database| known.insert(database.database.clone()));
        check.databases.extend(databases);
    }
    compare_revisions(&mut check.databases);
    Ok(check)
}

/// Notes which databases have another revision than those beside them.
fn compare_revisions(databases: &mut [CheckedDatabase]) {
    let revision_of = |role: DatabaseRole| {
        let found = databases.iter().find(|database| database.role == role);
        found.and_then(|database| database.revision.clone())
    };
    let runs = ("the store of runs", revision_of(DatabaseRole::Runs));
    let index = ("the index", revision_of(DatabaseRole::Events));
    for database in databases {
        let (what, other) = match database.role {
            DatabaseRole::EventsOfOneRun => &index,
            DatabaseRole::Events | DatabaseRole::Schedules => &runs,
            _ => continue,
        };
        let (Some(other), Some(revision)) = (other, &database.revision) else { continue };
        if other != revision {
            let finding =
                SchemaFinding::new(SchemaProblem::Revision, SchemaSeverity::Note, "revision");
            let expected = format!("{other}, as {what} has it");
            let finding = finding.with_expected(expected).with_found(revision.clone());
            database.findings.push(finding);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn revisions_are_compared_with_those_beside_them() {
        let database = |role, revision: Option<&str>| {
            CheckedDatabase::new("d", role).with_revision(revision.map(str::to_owned))
        };
        let mut databases = [
            database(DatabaseRole::Runs, Some("a")),
            database(DatabaseRole::EventsOfOneRun, Some("b")),
            database(DatabaseRole::EventsOfOneRun, Some("a")),
            database(DatabaseRole::EventsOfOneRun, None),
            database(DatabaseRole::Events, Some("b")),
            database(DatabaseRole::Schedules, Some("a")),
            database(DatabaseRole::Everything, Some("c")),
        ];
        compare_revisions(&mut databases);
        let found = databases
            .map(|database| database.findings.first().and_then(|finding| finding.expected.clone()));
        let expected = [
            None,
            None,
            Some("b, as the index has it"),
            None,
            Some("a, as the store of runs has it"),
            None,
            None,
        ];
        assert_eq!(found.each_ref().map(Option::as_deref), expected);
    }
}
