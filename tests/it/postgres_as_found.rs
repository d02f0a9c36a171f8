//! Postgres databases that are not as we would create them: tables in another schema, tables of other programs, some of
//! the stores, no revision, and what was dropped by hand.

use std::error::Error;

use instance_core::run::RunsFilter;
use instance_core::storage::RunsPage;
use instance_core::{RunId, StorageError};
use instance_storage::{PostgresConfig, StorageContext, Storages};
use serde_json::{Value, json};

use crate::postgres::{TestDatabase, run, sql};

type TestResult = Result<(), Box<dyn Error>>;

/// How many tables a schema has.
fn tables(database: &TestDatabase, schema: &str) -> Value {
    let select = format!("SELECT count(*) FROM pg_tables WHERE schemaname = '{schema}'");
    sql(&database.url(), &[&select])[0][0].clone()
}

/// Our storages, whose connections look for tables in these schemas.
fn storages_in(database: &TestDatabase, search_path: &str) -> Result<Storages, StorageError> {
    let url = format!("{}?options=-csearch_path%3D{search_path}", database.url());
    Ok(Storages::open_postgres(&PostgresConfig::from_url(&url)?, StorageContext::default()))
}

async fn add(storages: &Storages, run_id: &str) -> Result<(), StorageError> {
    storages.run_storage().add_run(&run(run_id), chrono::DateTime::UNIX_EPOCH).await
}

async fn ids(storages: &Storages) -> Result<Vec<RunId>, StorageError> {
    let runs = storages.run_storage();
    runs.get_run_ids(&RunsFilter::default(), &RunsPage::default()).await
}

#[tokio::test]
async fn tables_are_found_where_the_search_path_shows_them() -> TestResult {
    let database = TestDatabase::new("search_path");
    sql(&database.url(), &["CREATE SCHEMA first", "CREATE SCHEMA dagster"]);
    let storages = storages_in(&database, "dagster")?;
    add(&storages, "r1").await?;
    storages.dispose().await;
    assert_eq!([tables(&database, "dagster"), tables(&database, "public")], [json!(22), json!(0)]);

    // They are in the second schema of the path; new ones would be made in the first.
    let storages = storages_in(&database, "first,dagster")?;
    add(&storages, "r2").await?;
    assert_eq!(ids(&storages).await?, [RunId::from("r2"), RunId::from("r1")]);
    storages.dispose().await;
    assert_eq!([tables(&database, "first"), tables(&database, "dagster")], [json!(0), json!(22)]);
    Ok(())
}

#[tokio::test]
async fn tables_of_other_programs_are_told_apart_and_left_alone() -> TestResult {
    let database = TestDatabase::new("foreign");
    sql(&database.url(), &["CREATE TABLE jobs (id int)"]);
    let storages = database.storages();
    let error = add(&storages, "r1").await.expect_err("refused").to_string();
    assert!(error.contains("the schema public has a table jobs that is not Dagster's"), "{error}");
    assert!(error.contains("options=-csearch_path"), "{error}");
    storages.dispose().await;
    assert_eq!(tables(&database, "public"), json!(1));

    // In a schema of Dagster's own, neither a table nor a revision of another program is in the way.
    let others = [
        "CREATE TABLE alembic_version (version_num text)",
        "INSERT INTO alembic_version VALUES ('cafecafecafe')",
        "CREATE SCHEMA dagster",
    ];
    sql(&database.url(), &others);
    let storages = storages_in(&database, "dagster,public")?;
    add(&storages, "r1").await?;
    assert_eq!(ids(&storages).await?, [RunId::from("r1")]);
    assert_eq!(storages.stores().run_storage.schema_revision().await?, "29b539ebc72a");
    storages.dispose().await;
    let storages = storages_in(&database, "dagster,public")?;
    assert_eq!(ids(&storages).await?, [RunId::from("r1")]);
    storages.dispose().await;
    assert_eq!([tables(&database, "dagster"), tables(&database, "public")], [json!(22), json!(2)]);
    Ok(())
}

#[tokio::test]
async fn a_revision_from_the_future_is_refused_before_anything_is_created() {
    let database = TestDatabase::new("future");
    let statements = [
        "CREATE TABLE alembic_version (version_num text)",
        "INSERT INTO alembic_version VALUES ('ffffffffffff')",
    ];
    sql(&database.url(), &statements);
    let storages = database.storages();
    let error = add(&storages, "r1").await.expect_err("refused");
    assert!(matches!(error, StorageError::Revision { .. }), "{error:?}");
    storages.dispose().await;
    assert_eq!(tables(&database, "public"), json!(1));
}

/// What Dagster leaves when an upgrade of an empty database fails: a table, and the revision of 1.0.15.
#[tokio::test]
async fn what_is_created_beside_an_older_revision_does_not_make_it_newer() -> TestResult {
    let database = TestDatabase::new("half_made");
    let statements = [
        "CREATE TABLE kvs (key text NOT NULL, value text)",
        "CREATE UNIQUE INDEX idx_kvs_keys_unique ON kvs (key)",
        "CREATE TABLE alembic_version (version_num varchar(32) NOT NULL)",
        "INSERT INTO alembic_version VALUES ('a00dd8d936a1')",
    ];
    sql(&database.url(), &statements);
    let storages = database.storages();
    add(&storages, "r1").await?;
    assert_eq!(ids(&storages).await?, [RunId::from("r1")]);
    let error = storages.event_log_storage().get_dynamic_partitions("p").await;
    let error = error.expect_err("no table");
    assert!(matches!(error, StorageError::NeedsMigration { .. }), "{error:?}");
    storages.dispose().await;
    let revision = sql(&database.url(), &["SELECT version_num FROM alembic_version"]);
    assert_eq!(revision, json!([["a00dd8d936a1"]]));
    Ok(())
}

#[tokio::test]
async fn a_database_without_a_revision_is_served_and_stays_without() -> TestResult {
    let database = TestDatabase::new("unstamped");
    let storages = database.storages();
    add(&storages, "r1").await?;
    storages.dispose().await;
    for statement in ["DELETE FROM alembic_version", "DROP TABLE alembic_version"] {
        sql(&database.url(), &[statement]);
        let storages = database.storages();
        assert_eq!(ids(&storages).await?.len(), 1, "{statement}");
        storages.event_log_storage().add_dynamic_partitions("p", &["k".to_owned()]).await?;
        storages.dispose().await;
    }
    assert_eq!(tables(&database, "public"), json!(21));
    Ok(())
}

#[tokio::test]
async fn some_of_the_stores_are_enough_where_none_may_be_created() -> TestResult {
    let database = TestDatabase::new("only_runs");
    let storages = database.storages();
    add(&storages, "r1").await?;
    storages.dispose().await;
    sql(&database.url(), &["DROP TABLE event_logs CASCADE", "DROP TABLE jobs"]);
    let mut config = PostgresConfig::from_url(&database.url())?;
    config.create_tables = false;
    let storages = Storages::open_postgres(&config, StorageContext::default());
    assert_eq!(ids(&storages).await?, [RunId::from("r1")]);
    add(&storages, "r2").await?;
    storages.dispose().await;
    assert_eq!(tables(&database, "public"), json!(20));
    Ok(())
}

/// What `ON CONFLICT` needs, each with the statement that drops it and what the error says that is lacking.
const NEEDED: [(&str, &str); 5] = [
    ("DROP INDEX idx_kvs_keys_unique", "the unique index idx_kvs_keys_unique on kvs (key)"),
    (
        "DROP INDEX idx_dynamic_partitions",
        "the unique index idx_dynamic_partitions on dynamic_partitions (partitions_def_name, partition)",
    ),
    (
        "ALTER TABLE concurrency_limits DROP CONSTRAINT concurrency_limits_concurrency_key_key",
        "the unique constraint on concurrency_limits (concurrency_key)",
    ),
    ("DROP TABLE dynamic_partitions", ""),
    ("DROP TABLE kvs", "the table kvs"),
];

#[tokio::test]
async fn what_is_lacking_at_the_newest_revision_is_named_with_what_makes_it() -> TestResult {
    let database = TestDatabase::new("lacking");
    let storages = database.storages();
    storages.create().await?;
    for (drop, lacks) in NEEDED {
        sql(&database.url(), &[drop]);
        let (runs, events) = (storages.run_storage(), storages.event_log_storage());
        let outcome = if drop.contains("kvs") {
            let pairs = [("k".to_owned(), "v".to_owned())].into();
            runs.set_cursor_values(&pairs).await
        } else if drop.contains("limits") {
            events.set_concurrency_slots("pool", 1).await
        } else {
            events.add_dynamic_partitions("p", &["k".to_owned()]).await
        };
        match outcome.expect_err(drop) {
            StorageError::SchemaLacks { lacks: found, mend, .. } => {
                if !lacks.is_empty() {
                    assert_eq!(&*found, lacks);
                }
                // Each statement by itself, as indexes are built concurrently.
                sql(&database.url(), &mend.split("; ").collect::<Vec<_>>());
            }
            error => panic!("{drop}: {error:?}"),
        }
    }
    // What the errors said has made the database whole again.
    let pairs = [("k".to_owned(), "v".to_owned())].into();
    storages.run_storage().set_cursor_values(&pairs).await?;
    let events = storages.event_log_storage();
    events.set_concurrency_slots("pool", 1).await?;
    events.add_dynamic_partitions("p", &["k".to_owned()]).await?;
    assert_eq!(events.get_dynamic_partitions("p").await?, ["k"]);
    storages.dispose().await;
    Ok(())
}
