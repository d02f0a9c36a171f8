//! What every store does for a check of its schema: it finds its databases, has each read, and compares it.
//!
//! Not here: what a database is to have (`sql/schema/check/`), and what is said of all databases together
//! (`domain/checking.rs`).

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use futures_util::future::join_all;
use instance_core::error::StorageError;
use instance_core::storage::{
    CheckedDatabase, DatabaseRole, SchemaFinding, SchemaProblem, SchemaSeverity,
};

use super::databases::{AT_ONCE, Databases, role_of};
use crate::db::check::{self, CheckedFile};
use crate::db::{Database, exists};
use crate::sql::Dialect;
use crate::sql::schema::Schema;
use crate::sql::schema::check::{self as schema_check, revision};

impl Databases<'_> {
    /// What is found in each, that of the store itself last. Files of runs that are alike are one.
    pub(super) async fn checked(&self) -> Result<Vec<CheckedDatabase>, StorageError> {
        let mut checked = match self.run_logs {
            Some(run_logs) => of_runs(&run_logs.files().await?).await,
            None => Vec::new(),
        };
        match self.main {
            Database::Sqlite(sqlite) => {
                if let Some(path) = sqlite.file()
                    && exists(path).await?
                {
                    checked.push(main_file(path, self.schema).await);
                }
            }
            #[cfg(feature = "postgres")]
            Database::Postgres(postgres) => {
                let database = CheckedDatabase::new(&**self.main.name(), DatabaseRole::Everything);
                checked.push(match postgres.found().await {
                    Ok(found) => {
                        let schemas = Schema::OF_ONE_DATABASE;
                        let findings = schema_check::check(Dialect::Postgres, schemas, &found);
                        database.with_revision(revision(&found)).with_findings(findings)
                    }
                    Err(error) => database.with_findings(unreadable(&error)),
                });
            }
        }
        Ok(checked)
    }
}

async fn main_file(path: &Path, schema: Schema) -> CheckedDatabase {
    let database = CheckedDatabase::new(path.display().to_string(), role_of(schema));
    match check::found(path, schema).await {
        Ok(found) => {
            let findings = schema_check::check(Dialect::Sqlite, &[schema], &found);
            database.with_revision(revision(&found)).with_findings(findings)
        }
        Err(error) => database.with_findings(unreadable(&error)),
    }
}

/// Files of runs: there may be many thousands, of few kinds. One of each kind is compared.
async fn of_runs(files: &[PathBuf]) -> Vec<CheckedDatabase> {
    let mut kinds: HashMap<u64, usize> = HashMap::new();
    let mut checked: Vec<CheckedDatabase> = Vec::new();
    for paths in files.chunks(AT_ONCE) {
        let opening = paths.iter().map(|path| CheckedFile::of_run(path));
        for (path, opened) in paths.iter().zip(join_all(opening).await) {
            let database =
                || CheckedDatabase::new(path.display().to_string(), DatabaseRole::EventsOfOneRun);
            let mut file = match opened {
                Ok(file) => file,
                Err(error) => {
                    checked.push(database().with_findings(unreadable(&error)));
                    continue;
                }
            };
            let kind = file.likeness();
            if let Some(known) = kinds.get(&kind).and_then(|at| checked.get_mut(*at)) {
                known.databases += 1;
            } else {
                match file.found().await {
                    Ok(found) => {
                        kinds.insert(kind, checked.len());
                        let findings =
                            schema_check::check(Dialect::Sqlite, &[Schema::EventShard], &found);
                        let database = database().with_revision(revision(&found));
                        checked.push(database.with_findings(findings));
                    }
                    Err(error) => checked.push(database().with_findings(unreadable(&error))),
                }
            }
            file.close().await;
        }
    }
    checked
}

fn unreadable(error: &StorageError) -> Vec<SchemaFinding> {
    let mut said = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        let text = cause.to_string();
        if !said.contains(&text) {
            said = format!("{said}: {text}");
        }
        source = cause.source();
    }
    let finding =
        SchemaFinding::new(SchemaProblem::Unreadable, SchemaSeverity::Error, "the database");
    vec![finding.with_found(said)]
}
