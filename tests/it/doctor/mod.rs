//! `doctor --schema`: nothing is found in whole databases of any release, and each damage is found, named and mended by the
//! statements that are named with it.

mod damages;
mod found;
mod sweep;
mod whole;

use std::path::Path;

use dagster_instance::storage::{SchemaFinding, SchemaSeverity};
use dagster_instance::{DagsterInstance, SchemaCheck};
use dagster_instance_tests::{copy_directory, dagster_script, old_databases};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, PgConnection, Row as _};
use sqlx::{SqliteConnection, sqlite::SqliteConnectOptions};

use crate::postgres::{TestDatabase, sql};

/// A client of a database, which sends each statement by itself.
enum Client {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

impl Client {
    async fn of_file(path: &Path) -> Self {
        let options = SqliteConnectOptions::new().filename(path).foreign_keys(false);
        Self::Sqlite(options.connect().await.expect("a file"))
    }

    async fn of_server(database: &TestDatabase) -> Self {
        Self::Postgres(PgConnection::connect(&database.url()).await.expect("a server"))
    }

    async fn send(&mut self, statement: &str) -> Result<(), sqlx::Error> {
        let statement = sqlx::raw_sql(AssertSqlSafe(statement.to_owned()));
        match self {
            Self::Sqlite(connection) => statement.execute(connection).await.map(drop),
            Self::Postgres(connection) => statement.execute(connection).await.map(drop),
        }
    }

    /// Sends statements up to the first that fails, as a careful person does; then what was begun is undone.
    async fn send_all(&mut self, statements: &[String]) -> Result<(), String> {
        for statement in statements {
            if let Err(error) = self.send(statement).await {
                if matches!(self, Self::Sqlite(_)) {
                    // There may be no transaction.
                    let _ = self.send("ROLLBACK").await;
                }
                return Err(format!("{statement}: {error}"));
            }
        }
        Ok(())
    }

    async fn close(self) {
        match self {
            Self::Sqlite(connection) => connection.close().await.expect("closed"),
            Self::Postgres(connection) => connection.close().await.expect("closed"),
        }
    }

    /// The rows of a query whose columns are texts.
    async fn rows(&mut self, query: &str) -> Vec<Vec<String>> {
        let query = sqlx::raw_sql(AssertSqlSafe(query.to_owned()));
        match self {
            Self::Sqlite(connection) => {
                let rows = query.fetch_all(connection).await.expect("rows");
                let texts = |row: &sqlx::sqlite::SqliteRow| {
                    (0..row.len()).map(|at| row.get::<String, _>(at)).collect()
                };
                rows.iter().map(texts).collect()
            }
            Self::Postgres(connection) => {
                let rows = query.fetch_all(connection).await.expect("rows");
                let texts = |row: &sqlx::postgres::PgRow| {
                    (0..row.len()).map(|at| row.get::<String, _>(at)).collect()
                };
                rows.iter().map(texts).collect()
            }
        }
    }
}

async fn instance(home: &Path) -> DagsterInstance {
    DagsterInstance::builder().home(home).must_exist().open().await.expect("an instance")
}

async fn check(instance: &DagsterInstance) -> SchemaCheck {
    instance.check_schema().await.expect("a check")
}

/// The findings that matter, as lines.
fn above_note(check: &SchemaCheck) -> Vec<String> {
    let above = check.findings().filter(|(_, it)| it.severity > SchemaSeverity::Note);
    above.map(|(database, finding)| format!("{}: {}", database.database, line(finding))).collect()
}

fn line(finding: &SchemaFinding) -> String {
    let mut line =
        format!("{}: {}: {}", finding.severity.as_str(), finding.problem.as_str(), finding.object);
    for (what, text) in [("expected", &finding.expected), ("found", &finding.found)] {
        if let Some(text) = text {
            line = format!("{line}; {what} {text}");
        }
    }
    line
}

/// A copy of the home that a release left.
fn copy_home(release: &str, to: &Path) {
    copy_directory(&old_databases().join(release).join("home"), to).expect("a copy");
}

/// Loads the database that a release left.
fn load(database: &TestDatabase, release: &str) {
    sql(&database.url(), &["DROP SCHEMA public CASCADE", "CREATE SCHEMA public"]);
    let statements = old_databases().join(release).join("postgres.sql");
    let mut script = dagster_script("old_releases/unpack.py");
    let loaded = script.args(["--load", &database.url()]).arg(&statements).status();
    assert!(loaded.is_ok_and(|status| status.success()), "{release} was not loaded");
}

const RELEASES: [&str; 9] = ["1.0", "1.1", "1.3", "1.5", "1.7", "1.8", "1.9", "1.10", "1.12"];
