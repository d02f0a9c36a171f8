//! Each revision as our chain makes it, beside what the real alembic left.
//!
//! `tests/schema_history/` has what each revision changed in `sqlite_master`, as `tests/python/schema_history/` saw it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use sqlx::{AssertSqlSafe, ConnectOptions, SqliteConnection};

use super::{back_up, look, upgrade};
use crate::db::sqlite::{SqlitePlace, options};
use crate::sql::Dialect;
use crate::sql::schema::history::CHAIN;
use crate::sql::schema::history::fresh::script_at;
use crate::sql::schema::{HEAD, Schema};

const SCHEMAS: [(Schema, &str); 3] = [
    (Schema::Runs, include_str!("../../../../tests/schema_history/runs.txt")),
    (Schema::EventIndex, include_str!("../../../../tests/schema_history/index.txt")),
    (Schema::Schedules, include_str!("../../../../tests/schema_history/schedules.txt")),
];

struct Database {
    _directory: tempfile::TempDir,
    path: PathBuf,
    schema: Schema,
}

impl Database {
    /// A new one of the base, as Dagster 1.0 left it.
    async fn of_base(schema: Schema) -> Self {
        let database = Self::empty(schema);
        let base = CHAIN[0].id;
        database.execute(&script_at(schema, Dialect::Sqlite, base).unwrap()).await;
        database.stamp(base).await;
        database
    }

    fn empty(schema: Schema) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.db");
        Self { _directory: directory, path, schema }
    }

    async fn connect(&self) -> SqliteConnection {
        let options = options(&SqlitePlace::File(self.path.clone()), self.schema);
        options.create_if_missing(true).connect().await.unwrap()
    }

    async fn execute(&self, sql: &str) {
        let mut connection = self.connect().await;
        sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut connection).await.unwrap();
        sqlx::Connection::close(connection).await.unwrap();
    }

    async fn stamp(&self, revision: &str) {
        self.execute(&format!(
            // tidy: allow-sql a test looks at rows of its own
            "DELETE FROM alembic_version; INSERT INTO alembic_version VALUES ('{revision}')"
        ))
        .await;
    }

    async fn texts(&self, query: &str) -> Vec<String> {
        let mut connection = self.connect().await;
        let query = sqlx::query_scalar(AssertSqlSafe(query.to_owned()));
        let found = query.fetch_all(&mut connection).await.unwrap();
        sqlx::Connection::close(connection).await.unwrap();
        found
    }

    async fn objects(&self) -> BTreeSet<String> {
        // tidy: allow-sql a test looks at rows of its own
        let query = "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL";
        self.texts(query).await.into_iter().collect()
    }

    async fn revisions(&self) -> Vec<String> {
        // tidy: allow-sql a test looks at rows of its own
        self.texts("SELECT version_num FROM alembic_version").await
    }
}

/// The objects of each revision, from what each changed.
fn dumps(text: &str) -> Vec<(String, BTreeSet<String>)> {
    let mut now = BTreeSet::new();
    let mut found = Vec::new();
    for part in text.split("== ").skip(1) {
        let (revision, changes) = part.split_once('\n').unwrap();
        for change in changes.split_terminator(";\n") {
            let (what, sql) = change.strip_prefix("-- ").unwrap().split_once('\n').unwrap();
            let fits = if what == "new" { now.insert(sql.to_owned()) } else { now.remove(sql) };
            assert!(fits, "{revision}: {change}");
        }
        found.push((revision.to_owned(), now.clone()));
    }
    found
}

#[tokio::test]
async fn each_revision_is_the_one_that_alembic_leaves() {
    for (schema, text) in SCHEMAS {
        let dumps = dumps(text);
        assert_eq!(dumps.len(), CHAIN.len());
        let database = Database::of_base(schema).await;
        for (at, (revision, expected)) in dumps.iter().enumerate() {
            assert_eq!(revision, CHAIN[at].id);
            // One revision at a time: each is planned by what the one before left.
            let steps = look(&database.path, schema).await.unwrap().steps.unwrap_or_default();
            let of_this = steps.into_iter().filter(|step| step.revision == Some(CHAIN[at].id));
            for statement in of_this.flat_map(|step| step.statements) {
                database.execute(&statement).await;
            }
            database.stamp(revision).await;
            let objects = database.objects().await;
            assert_eq!(&objects, expected, "{schema} at {revision}");
        }
    }
}

#[tokio::test]
async fn from_every_revision_an_upgrade_leads_to_the_newest() {
    for (schema, text) in SCHEMAS {
        let dumps = dumps(text);
        let newest = &dumps.last().unwrap().1;
        for (revision, objects) in &dumps {
            let database = Database::empty(schema);
            // Tables before indexes.
            let mut script: Vec<_> = objects.iter().map(String::as_str).collect();
            script.sort_by_key(|sql| !sql.starts_with("CREATE TABLE"));
            database.execute(&script.join(";")).await;
            database.stamp(revision).await;
            upgrade(&database.path, schema).await.unwrap();
            assert_eq!(&database.objects().await, newest, "{schema} from {revision}");
            assert_eq!(database.revisions().await, [HEAD]);
            // Doing it again changes nothing.
            let found = look(&database.path, schema).await.unwrap();
            assert!(found.steps.is_none(), "{:?}", found.steps);
            upgrade(&database.path, schema).await.unwrap();
        }
    }
}

#[tokio::test]
async fn rows_keep_their_order_when_a_table_is_made_anew() {
    let database = Database::of_base(Schema::Runs).await;
    database
        // tidy: allow-sql a test looks at rows of its own
        .execute("INSERT INTO kvs (\"key\", value) VALUES ('b', '1'), ('a', '2'), ('c', '3'); DELETE FROM kvs WHERE \"key\" = 'b'")
        .await;
    upgrade(&database.path, Schema::Runs).await.unwrap();
    let rows =
        // tidy: allow-sql a test looks at rows of its own
        database.texts("SELECT id || ' ' || \"key\" || ' ' || value FROM kvs ORDER BY id").await;
    assert_eq!(rows, ["1 a 2", "2 c 3"]);
}

#[tokio::test]
async fn doubled_tags_are_deleted_but_for_the_first() {
    let database = Database::of_base(Schema::Runs).await;
    database
        .execute(
            // tidy: allow-sql a test looks at rows of its own
            "INSERT INTO run_tags (run_id, \"key\", value) VALUES \
             ('r', 'k', 'v'), ('r', 'k', 'v'), ('r', 'k', 'other'), ('r', 'k', 'v'), \
             (NULL, 'k', 'v'), (NULL, 'k', 'v'), ('s', 'k', NULL), ('s', 'k', NULL)",
        )
        .await;
    assert_eq!(look(&database.path, Schema::Runs).await.unwrap().doubled_tags, 1);
    upgrade(&database.path, Schema::Runs).await.unwrap();
    // What has no value is no double, for SQLite as for Postgres.
    // tidy: allow-sql a test looks at rows of its own
    let ids = database.texts("SELECT CAST(id AS TEXT) FROM run_tags ORDER BY id").await;
    assert_eq!(ids, ["1", "3", "5", "6", "7", "8"]);
}

#[tokio::test]
async fn what_is_not_of_the_chain_is_refused_and_left_alone() {
    for (revision, named) in [
        ("ffffffffffff", "newer version of this program"),
        ("567bc23fd1ac", "before 1.0"),
        ("5e139331e376'), ('ec80dd91891a", "5e139331e376, ec80dd91891a"),
    ] {
        let database = Database::of_base(Schema::Runs).await;
        database.stamp(revision).await;
        let before = std::fs::read(&database.path).unwrap();
        for refused in [
            look(&database.path, Schema::Runs).await.unwrap_err(),
            upgrade(&database.path, Schema::Runs).await.unwrap_err(),
        ] {
            let text = refused.to_string();
            assert!(text.contains(named) && text.contains("Nothing was changed"), "{text}");
        }
        assert_eq!(std::fs::read(&database.path).unwrap(), before);
    }
}

#[tokio::test]
async fn a_copy_is_as_the_file_was() {
    let database = Database::of_base(Schema::Runs).await;
    // tidy: allow-sql a test looks at rows of its own
    database.execute("INSERT INTO kvs (\"key\", value) VALUES ('a', '1')").await;
    let before = database.objects().await;
    let directory = tempfile::tempdir().unwrap();
    let to = directory.path().join("deep").join("copy.db");
    back_up(&database.path, Schema::Runs, &to).await.unwrap();
    upgrade(&database.path, Schema::Runs).await.unwrap();
    let copy = Database { _directory: directory, path: to.clone(), schema: Schema::Runs };
    assert_eq!(copy.objects().await, before);
    // tidy: allow-sql a test looks at rows of its own
    assert_eq!(copy.texts("SELECT value FROM kvs").await, ["1"]);
    // A copy is not written over.
    let refused = back_up(&database.path, Schema::Runs, &to).await.unwrap_err();
    assert!(refused.to_string().contains("cannot create"), "{refused}");
}

#[tokio::test]
async fn a_file_of_somebody_else_is_left_alone() {
    for schema in [Schema::Runs, Schema::EventIndex, Schema::EventShard, Schema::Schedules] {
        let database = Database::empty(schema);
        // tidy: allow-sql a table of somebody else
        database.execute("CREATE TABLE theirs (a TEXT)").await;
        let before = database.objects().await;
        assert!(look(&database.path, schema).await.unwrap().steps.is_none());
        upgrade(&database.path, schema).await.unwrap();
        assert_eq!(database.objects().await, before);
    }
}

#[tokio::test]
async fn a_file_without_tables_is_nobodys_business() {
    let database = Database::empty(Schema::Schedules);
    // tidy: allow-sql a test looks at rows of its own
    database.execute("SELECT 1").await;
    let found = look(&database.path, Schema::Schedules).await.unwrap();
    assert!(found.steps.is_none() && found.revision.is_none() && found.unfinished.is_empty());
    upgrade(Path::new(&database.path), Schema::Schedules).await.unwrap();
    assert!(database.objects().await.is_empty());
}
