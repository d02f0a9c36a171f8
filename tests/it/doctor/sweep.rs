//! Every table, column, key, index and sequence damaged in turn, at the newest revision and at an old one.

use std::path::Path;

use dagster_instance::DagsterInstance;
use dagster_instance::storage::{SchemaProblem, SchemaSeverity};
use dagster_instance_tests::Home;

use super::damages::{Damage, of_file, of_server};
use super::{Client, above_note, check, copy_home, instance, line, load};
use crate::postgres::{TestDatabase, sql};

/// How many findings one damage may have.
const MOST: usize = 40;

/// Damages a database, and mends it by the statements of the findings, one finding at a time. Says what went wrong.
async fn damage_and_mend(
    instance: &DagsterInstance,
    client: &mut Client,
    damage: &Damage,
) -> Result<(), String> {
    let Damage { what, object, statements } = damage;
    client.send_all(statements).await.map_err(|error| format!("{what}: {error}"))?;
    let mut is_named = false;
    let mut found = check(instance).await;
    for _ in 0..MOST {
        let lines = above_note(&found);
        is_named |= lines.iter().any(|line| line.contains(object.as_str()));
        let next = found.findings().map(|(_, finding)| finding).find(|finding| {
            finding.severity > SchemaSeverity::Note && !finding.mend.statements.is_empty()
        });
        let Some(finding) = next else {
            // Who marks data migrations as complete is no statement's business.
            let left = found.findings().filter(|(_, finding)| {
                finding.severity > SchemaSeverity::Note
                    && finding.problem != SchemaProblem::Unfinished
            });
            if left.count() > 0 {
                return Err(format!("{what}: no statement mends {lines:#?}"));
            }
            return if is_named { Ok(()) } else { Err(format!("{what}: nothing names {object}")) };
        };
        let gone = line(finding);
        let sent = client.send_all(&finding.mend.statements).await;
        sent.map_err(|error| format!("{what}: {gone}: {error}"))?;
        found = check(instance).await;
        let after = above_note(&found);
        if after.iter().any(|line| line.ends_with(&gone)) {
            return Err(format!("{what}: {gone} is still there"));
        }
    }
    Err(format!("{what}: there is no end"))
}

/// What is in the tables that have rows, as it was.
struct Kept {
    revision: String,
    marks: Vec<Vec<String>>,
}

impl Kept {
    async fn of(client: &mut Client) -> Self {
        let revision = client.rows("SELECT version_num FROM alembic_version").await;
        let revision = revision.first().map_or_else(String::new, |row| row[0].clone());
        let marks = client.rows("SELECT name FROM secondary_indexes").await;
        Self { revision, marks }
    }

    async fn restore(&self, client: &mut Client) {
        let mut statements = vec![
            "DELETE FROM alembic_version".to_owned(),
            format!("INSERT INTO alembic_version (version_num) VALUES ('{}')", self.revision),
            "DELETE FROM secondary_indexes".to_owned(),
        ];
        statements.extend(self.marks.iter().map(|row| {
            format!(
                "INSERT INTO secondary_indexes (name, migration_completed) VALUES ('{}', CURRENT_TIMESTAMP)",
                row[0]
            )
        }));
        client.send_all(&statements).await.expect("rows");
    }
}

/// All tables of the stores, but for those whose rows say what the database is.
async fn empty(client: &mut Client) {
    let tables = match client {
        Client::Sqlite(_) => "SELECT name FROM sqlite_master WHERE type = 'table'",
        Client::Postgres(_) => "SELECT tablename::text FROM pg_tables WHERE schemaname = 'public'",
    };
    let is_kept = |name: &str| ["alembic_version", "secondary_indexes"].contains(&name);
    let mut tables = client.rows(tables).await;
    tables.sort_by_key(|row| match row[0].as_str() {
        "run_tags" | "asset_event_tags" => 0,
        "runs" => 1,
        _ => 2,
    });
    for row in tables.iter().filter(|row| !is_kept(&row[0])) {
        client.send(&format!("DELETE FROM {}", row[0])).await.expect("no rows");
    }
}

/// A database that is damaged, and how it comes back if it was not mended.
enum Place<'p> {
    /// A file, with its bytes.
    File(&'p Path, Vec<u8>),
    /// A server's, as a release left it, or as we create it.
    Server(&'p TestDatabase, Option<&'static str>),
}

impl Place<'_> {
    async fn restored(&self) -> Client {
        match self {
            Self::File(path, bytes) => {
                for ending in ["-wal", "-shm"] {
                    // It need not be there.
                    let _ = std::fs::remove_file(format!("{}{ending}", path.display()));
                }
                std::fs::write(path, bytes).expect("a file");
                Client::of_file(path).await
            }
            Self::Server(database, release) => {
                if let Some(release) = release {
                    load(database, release);
                } else {
                    let fresh = ["DROP SCHEMA IF EXISTS public CASCADE", "CREATE SCHEMA public"];
                    sql(&database.url(), &fresh);
                    let storages = database.storages();
                    storages.create().await.expect("tables");
                    storages.dispose().await;
                }
                let mut client = Client::of_server(database).await;
                empty(&mut client).await;
                client
            }
        }
    }
}

/// Goes through all damages, and returns how many there are.
async fn sweep(home: &Path, place: &Place<'_>, least: usize) -> usize {
    let instance = instance(home).await;
    let mut client = place.restored().await;
    let damages = match place {
        Place::File(..) => of_file(&mut client).await,
        Place::Server(..) => of_server(&mut client).await,
    };
    let kept = Kept::of(&mut client).await;
    let count = damages.len();
    assert!(count > least, "only {count} damages");
    let mut failed = Vec::new();
    for damage in &damages {
        let mut mended = damage_and_mend(&instance, &mut client, damage).await;
        if mended.is_ok() {
            kept.restore(&mut client).await;
            let left = above_note(&check(&instance).await);
            if !left.is_empty() {
                mended = Err(format!("{}: left: {left:#?}", damage.what));
            }
        }
        if let Err(said) = mended {
            failed.push(said);
            client.close().await;
            client = place.restored().await;
        }
    }
    assert!(failed.is_empty(), "{} of {count}:\n{}", failed.len(), failed.join("\n"));
    count
}

#[tokio::test]
async fn each_damage_of_a_postgres_at_the_newest_revision_is_found_and_mended() {
    let database = TestDatabase::new("doctor_head");
    let home = database.home();
    sweep(home.path(), &Place::Server(&database, None), 500).await;
}

#[tokio::test]
async fn each_damage_of_a_postgres_of_an_old_release_is_found_and_mended() {
    let database = TestDatabase::new("doctor_old");
    let home = database.home();
    sweep(home.path(), &Place::Server(&database, Some("1.3")), 400).await;
}

const FILES: [&str; 3] = ["history/runs.db", "history/runs/index.db", "schedules/schedules.db"];

async fn sweep_home(home: &Path, least: usize) {
    let mut all = 0;
    for file in FILES {
        let path = home.join(file);
        let mut client = Client::of_file(&path).await;
        empty(&mut client).await;
        client.send("PRAGMA wal_checkpoint(TRUNCATE)").await.expect("a checkpoint");
        client.close().await;
        let bytes = std::fs::read(&path).expect("a file");
        all += sweep(home, &Place::File(&path, bytes), 50).await;
    }
    assert!(all > least, "only {all} damages");
}

#[tokio::test]
async fn each_damage_of_a_home_at_the_newest_revision_is_found_and_mended() {
    let home = Home::new();
    home.ours(&["exec", "--", "true"]).succeeded();
    sweep_home(home.path(), 400).await;
}

#[tokio::test]
async fn each_damage_of_a_home_of_an_old_release_is_found_and_mended() {
    let directory = Home::new();
    let home = directory.path().join("home");
    copy_home("1.1", &home);
    sweep_home(&home, 300).await;
}
