//! How connections to Postgres are used in a program that serves people: statements that end in time, connections that
//! are replaced, and no more of them than it may have.

use std::error::Error;
use std::time::Duration;

use dagster_instance::ops::StoresAccess;
use dagster_instance::run::RunsFilter;
use dagster_instance::storage::WebserverConnections;
use dagster_instance::{DagsterInstance, InstanceError};
use dagster_instance_tests::Home;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::postgres::{FOREVER, Holding, TestDatabase, run, sql};

/// An instance in the database whose connections are used as asked for.
async fn open(
    database: &TestDatabase,
    connections: &WebserverConnections,
) -> (Home, DagsterInstance) {
    let home = database.home();
    let instance = DagsterInstance::builder().home(home.path()).open().await.expect("an instance");
    instance.create_storages().await.expect("created");
    instance.optimize_for_webserver(connections).await.expect("optimized");
    (home, instance)
}

async fn count(instance: &DagsterInstance) -> Result<u64, InstanceError> {
    let all = RunsFilter::default();
    timeout(FOREVER, instance.get_runs_count(&all)).await.expect("an answer")
}

/// Those who are connected to the database, but for whoever asks or has asked: a connection is there a little longer than
/// its program.
fn connected(database: &TestDatabase) -> Value {
    let others = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name <> 'postgres_sql.py' ORDER BY pid";
    sql(&database.url(), &[others])
}

fn is_held(database: &TestDatabase) -> Holding {
    Holding::new(&database.url(), &["LOCK TABLE runs IN ACCESS EXCLUSIVE MODE", "SELECT 1"])
}

#[tokio::test]
async fn a_statement_that_takes_too_long_fails_and_the_next_one_is_answered() {
    let database = TestDatabase::new("statement_timeout");
    let connections =
        WebserverConnections::default().with_statement_timeout(Duration::from_millis(200));
    let (_home, instance) = open(&database, &connections).await;
    assert_eq!(count(&instance).await.expect("counted"), 0);
    let holding = is_held(&database);
    let read = count(&instance).await.map(drop);
    let (new, at) = (run("r"), chrono::DateTime::UNIX_EPOCH);
    let adding = instance.stores().run_storage.add_run(&new, at);
    let written = timeout(FOREVER, adding).await.expect("an answer").map_err(InstanceError::from);
    for outcome in [read, written] {
        let error = outcome.expect_err("too late");
        let source = error.source().expect("what the server says").to_string();
        assert!(source.contains("statement timeout"), "{source}");
        assert!(error.is_temporary(), "{error:?}");
    }
    drop(holding);
    assert_eq!(count(&instance).await.expect("counted"), 0);
    instance.dispose().await.expect("closed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn there_are_no_more_connections_than_may_overflow_beside_the_first() {
    let waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    for overflow in [0_u32, 2] {
        let database = TestDatabase::new(&format!("overflow_{overflow}"));
        let connections = WebserverConnections::default()
            .with_statement_timeout(None)
            .with_max_overflow(overflow);
        let (_home, instance) = open(&database, &connections).await;
        let holding = is_held(&database);
        let readers: Vec<_> = (0..6)
            .map(|_| {
                let instance = instance.clone();
                tokio::spawn(async move { count(&instance).await })
            })
            .collect();
        let expected = json!([[overflow + 1]]);
        let mut looks = (0..100).map(|_| sql(&database.url(), &[waiting]));
        assert!(looks.any(|waiting| waiting == expected), "not {expected} wait for the lock");
        drop(holding);
        for reader in readers {
            assert_eq!(reader.await.expect("a task").expect("counted"), 0);
        }
        let connected = connected(&database);
        let connected = connected.as_array().map_or(0, Vec::len);
        assert!(connected <= overflow as usize + 1, "{connected} with an overflow of {overflow}");
        instance.dispose().await.expect("closed");
    }
}

#[tokio::test]
async fn a_connection_that_has_become_old_is_replaced() {
    for (recycle, is_kept) in [(None, true), (Some(Duration::from_millis(1)), false)] {
        let database = TestDatabase::new(&format!("recycle_{is_kept}"));
        let connections = WebserverConnections::default().with_pool_recycle(recycle);
        let (_home, instance) = open(&database, &connections).await;
        let mut seen = Vec::new();
        for _ in 0..2 {
            count(&instance).await.expect("counted");
            seen.push(connected(&database));
        }
        let [first, second] = seen.try_into().expect("two looks");
        // A second connection is opened where the first has not come back when the next call begins.
        let both = second
            .as_array()
            .into_iter()
            .flatten()
            .filter(|pid| first.as_array().is_some_and(|first| first.contains(pid)));
        assert_eq!(both.count(), usize::from(is_kept), "{first} {second}");
        instance.dispose().await.expect("closed");
    }
}

/// What was asked for holds after the storages were closed and are used again.
#[tokio::test]
async fn closed_storages_in_postgres_are_used_again_in_the_same_way() {
    let database = TestDatabase::new("closed");
    let connections =
        WebserverConnections::default().with_statement_timeout(Duration::from_millis(200));
    let (_home, instance) = open(&database, &connections).await;
    let at = chrono::DateTime::UNIX_EPOCH;
    for number in 1..=2 {
        let id = format!("r{number}");
        instance.stores().run_storage.add_run(&run(&id), at).await.expect("added");
        instance.dispose().await.expect("closed");
        assert_eq!(connected(&database), json!([]));
        assert_eq!(count(&instance).await.expect("counted"), number);
    }
    let holding = is_held(&database);
    let error = count(&instance).await.expect_err("too late");
    assert!(error.is_temporary(), "{error:?}");
    drop(holding);
    instance.dispose().await.expect("closed");
}
