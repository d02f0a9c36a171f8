//! The Postgres database that we create, against the one that Dagster creates; and a server that is not
//! there, has no connection to spare, or holds what we do not know.

use std::error::Error;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::time::Duration;

use dagster_instance_tests::{Home, dagster, dagster_script};
use instance_core::event::{DagsterEvent, DagsterEventType, EventLogEntry, LogLevel};
use instance_core::run::{DagsterRun, RunsFilter};
use instance_core::storage::EventStoreExt;
use instance_core::{RunId, StorageError};
use instance_storage::{PostgresConfig, StorageContext, Storages};
use serde_json::{Value, json};
use tokio::time::timeout;

/// Names the server that tests may create databases in.
const VARIABLE: &str = "DAGSTER_INSTANCE_TEST_POSTGRES_URL";

/// Longer than anything here may take; whoever waits so long waits forever.
pub(crate) const FOREVER: Duration = Duration::from_mins(1);

/// The URL of the server that tests use.
#[expect(clippy::disallowed_methods, reason = "the server is named in the environment")]
pub(crate) fn server() -> String {
    match std::env::var(VARIABLE) {
        Ok(url) if !url.is_empty() => url,
        _ => panic!(
            "{VARIABLE} is not set: `cargo xtask compat` sets it; by hand, `cargo xtask postgres` \
             brings up a server and prints its URL"
        ),
    }
}

/// Runs statements in the database of a URL; returns the rows of the last one.
pub(crate) fn sql(url: &str, statements: &[&str]) -> Value {
    dagster("postgres_sql.py", &[&[url], statements].concat())
}

/// A database of its own in the server, empty at first; it goes away with the test.
pub(crate) struct TestDatabase {
    server: String,
    name: String,
}

impl TestDatabase {
    /// Creates it in the server that tests use.
    pub(crate) fn new(name: &str) -> Self {
        Self::on(server(), name)
    }

    /// Creates it in a server.
    pub(crate) fn on(server: String, name: &str) -> Self {
        let name = format!("it_{name}_{}", std::process::id());
        sql(&server, &[&format!("CREATE DATABASE {name}")]);
        Self { server, name }
    }

    /// Makes it a copy of another one, which nobody uses.
    pub(crate) fn replace_by_copy_of(&self, other: &Self) {
        let drop = format!("DROP DATABASE {} WITH (FORCE)", self.name);
        let create = format!("CREATE DATABASE {} TEMPLATE {}", self.name, other.name);
        sql(&self.server, &[&drop, &create]);
    }

    /// A copy of it, to which nobody is connected now.
    pub(crate) fn copy(&self, name: &str) -> Self {
        let name = format!("it_{name}_{}", std::process::id());
        sql(&self.server, &[&format!("CREATE DATABASE {name} TEMPLATE {}", self.name)]);
        Self { server: self.server.clone(), name }
    }

    /// Its URL.
    pub(crate) fn url(&self) -> String {
        self.url_as(None)
    }

    /// The same for another user, with a password.
    pub(crate) fn url_as(&self, user: Option<&str>) -> String {
        let (before, _) = self.server.rsplit_once('/').expect("a URL with a database");
        let (scheme, place) = before.split_once("://").expect("a URL with a scheme");
        match (user, place.rsplit_once('@')) {
            (Some(user), Some((_, host))) => format!("{scheme}://{user}@{host}/{}", self.name),
            _ => format!("{before}/{}", self.name),
        }
    }

    /// A home whose settings name it.
    pub(crate) fn home(&self) -> Home {
        let home = Home::new();
        let settings = format!("storage:\n  postgres:\n    postgres_url: {}\n", self.url());
        std::fs::write(home.path().join("dagster.yaml"), settings).expect("dagster.yaml");
        home
    }

    /// Our storages in it.
    pub(crate) fn storages(&self) -> Storages {
        let config = PostgresConfig::from_url(&self.url()).expect("a URL");
        Storages::open_postgres(&config, StorageContext::default())
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let drop = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        // A test that has failed is not to be aborted by a second failure.
        let _ = std::panic::catch_unwind(|| sql(&self.server, &[&drop]));
    }
}

/// Another client, in a transaction, for as long as it is not dropped.
pub(crate) struct Holding(Child);

impl Holding {
    pub(crate) fn new(url: &str, statements: &[&str]) -> Self {
        let mut script = dagster_script("postgres_sql.py");
        script.arg("--hold").arg(url).args(statements);
        let mut child =
            script.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("a process");
        let mut line = String::new();
        let stdout = child.stdout.as_mut().expect("its output");
        BufReader::new(stdout).read_line(&mut line).expect("a line");
        assert!(!line.is_empty(), "{statements:?} failed");
        Self(child)
    }
}

impl Drop for Holding {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

/// The error with the errors behind it, as an operator sees it.
fn whole(error: &StorageError) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let _ = write!(text, ": {error}");
        source = error.source();
    }
    text
}

pub(crate) fn run(run_id: &str) -> DagsterRun {
    DagsterRun::new(RunId::from(run_id), "j")
}

fn storages_of(url: &str, change: impl FnOnce(&mut PostgresConfig)) -> Storages {
    let mut config = PostgresConfig::from_url(url).expect("a URL");
    change(&mut config);
    Storages::open_postgres(&config, StorageContext::default())
}

async fn add(storages: &Storages, run_id: &str) -> Result<(), StorageError> {
    let at = chrono::DateTime::UNIX_EPOCH;
    timeout(FOREVER, storages.run_storage().add_run(&run(run_id), at)).await.expect("an answer")
}

async fn count(storages: &Storages) -> Result<u64, StorageError> {
    let all = RunsFilter::default();
    timeout(FOREVER, storages.run_storage().get_runs_count(&all)).await.expect("an answer")
}

#[tokio::test]
async fn a_fresh_database_is_the_one_that_dagster_creates() {
    let (ours, theirs) = (TestDatabase::new("schema_ours"), TestDatabase::new("schema_theirs"));
    let storages = ours.storages();
    storages.create().await.expect("created");
    storages.dispose().await;

    let written = dagster("postgres_schema.py", &[&ours.url()]);
    let expected = dagster("postgres_schema.py", &[&theirs.url(), "--create"]);
    let kinds = expected["schema"].as_object().expect("a schema");
    for kind in ["relations", "columns", "constraints", "indexes", "sequences"] {
        assert!(kinds[kind].as_array().is_some_and(|found| found.len() > 10), "no {kind}");
    }
    for (kind, expected) in kinds {
        assert_eq!(&written["schema"][kind], expected, "{kind}");
    }

    // Dagster finds nothing to do there, changes nothing, and works.
    let opened = dagster("postgres_schema.py", &[&ours.url(), "--open"]);
    assert_eq!(opened["schema"], written["schema"]);
    let head = &written["schema"]["alembic_version"][0][0];
    assert!(head.is_string(), "{head}");
    assert_eq!(
        opened["used"],
        json!({"alembic": [[head, head], [head, head], [head, head]], "status": "STARTED", "messages": ["an event"]})
    );
}

/// Creating is one transaction under a lock: whoever comes second finds everything.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn eight_instances_may_create_one_database_at_once() {
    let database = TestDatabase::new("creation");
    let created: Vec<_> = (0..8)
        .map(|number| {
            let storages = database.storages();
            tokio::spawn(async move {
                storages.create().await?;
                add(&storages, &format!("r{number}")).await?;
                let id = storages.run_storage().get_run_storage_id().await;
                storages.dispose().await;
                id
            })
        })
        .collect();
    let mut ids = std::collections::BTreeSet::new();
    for created in created {
        ids.insert(created.await.expect("a task").expect("created"));
    }
    assert_eq!(ids.len(), 1, "one store, one id");
    let rows = sql(&database.url(), &["SELECT count(*) FROM alembic_version"]);
    assert_eq!(rows, json!([[1]]));
}

#[tokio::test]
async fn a_revision_from_the_future_is_refused_and_left_alone() {
    let database = TestDatabase::new("revision");
    let storages = database.storages();
    storages.create().await.expect("created");
    storages.dispose().await;
    sql(&database.url(), &["UPDATE alembic_version SET version_num = 'ffffffffffff'"]);
    let before = dagster("postgres_schema.py", &[&database.url()]);

    let storages = database.storages();
    for error in [
        add(&storages, "r1").await.expect_err("refused"),
        count(&storages).await.map(drop).expect_err("refused"),
    ] {
        let StorageError::Revision { found, expected, .. } = &error else {
            panic!("{error:?}");
        };
        assert_eq!((found.as_str(), *expected), ("ffffffffffff", "29b539ebc72a"));
        assert!(whole(&error).contains("newer"), "{error}");
    }
    storages.dispose().await;
    assert_eq!(dagster("postgres_schema.py", &[&database.url()]), before);
    assert_eq!(sql(&database.url(), &["SELECT count(*) FROM runs"]), json!([[0]]));
}

#[tokio::test]
async fn a_database_without_tables_is_left_alone_if_nothing_may_be_created() {
    let database = TestDatabase::new("autocreate");
    let storages = storages_of(&database.url(), |config| config.create_tables = false);
    let error = add(&storages, "r1").await.expect_err("refused");
    assert!(matches!(error, StorageError::Unsupported { .. }), "{error:?}");
    storages.dispose().await;
    let tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'";
    assert_eq!(sql(&database.url(), &[tables]), json!([[0]]));
}

/// Whoever looks creates nothing, and is told what is not there.
#[tokio::test]
async fn looking_at_a_database_without_an_instance_creates_nothing() {
    let database = TestDatabase::new("looking");
    let home = database.home();
    let tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'";
    for command in [&["run", "list"][..], &["asset", "list"], &["info"]] {
        let told = home.ours(command);
        assert_ne!(told.code, Some(0), "{command:?}");
        assert!(told.stderr.contains("no Dagster instance in postgresql://"), "{}", told.stderr);
        assert!(
            told.stderr.contains("name another database, or create a run first"),
            "{}",
            told.stderr
        );
        assert_eq!(sql(&database.url(), &[tables]), json!([[0]]), "{command:?}");
    }
    // With an instance there, it is found.
    let storages = database.storages();
    storages.create().await.expect("created");
    storages.dispose().await;
    assert_eq!(home.ours(&["run", "list"]).code, Some(0));
}

/// A server that is not there is waited for, as one that starts up, and no longer than was said.
#[tokio::test]
async fn a_closed_port_is_an_error_after_a_bounded_wait() {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let port = listener.local_addr().expect("its address").port();
    drop(listener);
    let url = format!("postgresql://test:hunter2@127.0.0.1:{port}/test");
    let storages = storages_of(&url, |config| config.acquire_timeout = Duration::from_millis(500));
    for error in [
        add(&storages, "r1").await.expect_err("no server"),
        count(&storages).await.map(drop).expect_err("no server"),
    ] {
        let text = whole(&error);
        assert!(error.is_temporary(), "{text}");
        assert!(text.contains(&format!("127.0.0.1:{port}/test")), "{text}");
        assert!(text.contains("refused"), "{text}");
        assert!(!text.contains("hunter2"), "{text}");
    }
    storages.dispose().await;
}

/// What stays until somebody mends it is not tried again and again, as a lost connection is.
#[tokio::test]
async fn a_missing_database_and_a_missing_table_are_no_passing_faults() {
    let database = TestDatabase::new("mended");
    let url = format!("{}_gone", database.url());
    let missing = storages_of(&url, |config| config.acquire_timeout = Duration::from_millis(500));
    let no_database = add(&missing, "r1").await.expect_err("no database");
    assert!(whole(&no_database).contains("does not exist"), "{no_database:?}");
    missing.dispose().await;
    let storages = database.storages();
    storages.create().await.expect("created");
    sql(&database.url(), &["DROP TABLE event_logs CASCADE", "SELECT 1"]);
    let run_id = RunId::from("r1");
    let events = storages.event_log_storage();
    let no_table = events.get_stats_for_run(&run_id).await.expect_err("no table");
    assert!(whole(&no_table).contains("event_logs"), "{no_table:?}");
    for error in [no_database, no_table] {
        assert!(!error.is_temporary(), "{error:?}");
    }
    storages.dispose().await;
}

/// Who has to wait for a connection is told so in time, and who has one goes on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pool_that_is_held_makes_others_wait_and_loses_nothing() {
    let database = TestDatabase::new("held");
    let storages = storages_of(&database.url(), |config| {
        config.max_connections = 1;
        config.acquire_timeout = Duration::from_millis(500);
    });
    storages.create().await.expect("created");
    let holding =
        Holding::new(&database.url(), &["LOCK TABLE runs IN ACCESS EXCLUSIVE MODE", "SELECT 1"]);
    let first = tokio::spawn({
        let storages = storages.clone();
        async move { add(&storages, "first").await }
    });
    // The only connection waits for the lock from now on.
    let waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let looks = (0..100).map(|_| sql(&database.url(), &[waiting]));
    assert!(looks.into_iter().any(|waiting| waiting == json!([[1]])), "nobody waits for the lock");
    for other in 0..4 {
        let error = add(&storages, &format!("other{other}")).await.expect_err("no connection");
        assert!(whole(&error).contains("timed out"), "{error:?}");
    }
    assert!(!first.is_finished(), "the lock is not held");
    drop(holding);
    timeout(FOREVER, first).await.expect("an end").expect("a task").expect("stored");
    add(&storages, "last").await.expect("stored");
    assert_eq!(count(&storages).await.expect("counted"), 2);
    storages.dispose().await;
}

/// Events wait for other writers so that their ids become visible in order; but never for long, and what was
/// there first goes on undisturbed.
#[tokio::test]
async fn events_wait_a_bounded_time_for_whoever_holds_their_table() {
    let database = TestDatabase::new("id_order");
    let storages = database.storages();
    storages.create().await.expect("created");
    let store = async || {
        let event = DagsterEvent::new(DagsterEventType::StepStart, "j");
        let entry = EventLogEntry::of_event(event, RunId::from("r"), LogLevel::INFO, 1e9);
        storages.event_log_storage().store_event(&entry).await
    };
    let first = store().await.expect("stored");
    // A transaction that deletes or inserts for long, and a vacuum.
    for mode in ["ROW EXCLUSIVE", "SHARE UPDATE EXCLUSIVE"] {
        let lock = format!("LOCK TABLE event_logs IN {mode} MODE");
        let holding = Holding::new(&database.url(), &[&lock, "SELECT 1"]);
        for _ in 0..3 {
            timeout(Duration::from_secs(5), store())
                .await
                .expect("not stored in time")
                .expect(mode);
        }
        let held = "SELECT count(*) FROM pg_locks WHERE relation = 'event_logs'::regclass";
        assert_eq!(sql(&database.url(), &[held]), json!([[1]]), "{mode} is no longer held");
        drop(holding);
    }
    assert_eq!(store().await.expect("stored").0, first.0 + 7);
    storages.dispose().await;
}

/// Who may insert events and not lock their table still stores them.
#[tokio::test]
async fn a_role_that_may_not_lock_the_table_of_events_stores_them() {
    let database = TestDatabase::new("no_lock");
    database.storages().create().await.expect("created");
    let user = format!("unprivileged_{}", std::process::id());
    sql(
        &database.url(),
        &[
            &format!("CREATE ROLE {user} LOGIN PASSWORD 'hunter2'"),
            &format!("GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA public TO {user}"),
            &format!("GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO {user}"),
        ],
    );
    let storages = storages_of(&database.url_as(Some(&format!("{user}:hunter2"))), |_| {});
    let event = DagsterEvent::new(DagsterEventType::StepStart, "j");
    let entry = EventLogEntry::of_event(event, RunId::from("r"), LogLevel::INFO, 1e9);
    storages.event_log_storage().store_event(&entry).await.expect("stored");
    storages.dispose().await;
    sql(&database.url(), &[&format!("DROP OWNED BY {user}"), &format!("DROP ROLE {user}")]);
}

/// A server whose connections are all taken refuses ours; when one is free, everything goes on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_without_a_free_connection_is_an_error_until_it_has_one() {
    let database = TestDatabase::new("exhausted");
    let storages = database.storages();
    storages.create().await.expect("created");
    storages.dispose().await;
    let user = format!("limited_{}", std::process::id());
    sql(
        &database.url(),
        &[
            &format!("CREATE ROLE {user} LOGIN PASSWORD 'hunter2' CONNECTION LIMIT 1"),
            &format!("GRANT ALL ON ALL TABLES IN SCHEMA public TO {user}"),
            &format!("GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO {user}"),
        ],
    );
    let url = database.url_as(Some(&format!("{user}:hunter2")));
    let holding = Holding::new(&url, &["SELECT 1"]);
    let opened = |wait| {
        storages_of(&url, |config| {
            config.max_connections = 1;
            config.acquire_timeout = wait;
        })
    };
    let storages = opened(Duration::from_millis(500));
    let error = add(&storages, "refused").await.expect_err("no connection");
    assert!(whole(&error).contains(&database.name), "{error:?}");
    assert!(whole(&error).contains("too many connections"), "{error:?}");
    assert!(!whole(&error).contains("hunter2"), "{error:?}");
    storages.dispose().await;
    // Whoever waits for the server is served when the other one has gone.
    let storages = opened(FOREVER);
    let waiting = tokio::spawn({
        let storages = storages.clone();
        async move { add(&storages, "stored").await }
    });
    drop(holding);
    waiting.await.expect("a task").expect("stored");
    assert_eq!(count(&storages).await.expect("counted"), 1);
    storages.dispose().await;
    sql(&database.url(), &[&format!("DROP OWNED BY {user}"), &format!("DROP ROLE {user}")]);
}
