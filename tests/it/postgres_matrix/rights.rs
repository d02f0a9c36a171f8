//! Roles that may not do everything, and the settings that people give a session.

use std::time::{Duration, Instant};

use instance_storage::{PostgresConfig, StorageContext, Storages};
use serde_json::json;

use super::server::Server;
use super::{settings, storages, works};
use crate::postgres::Holding;

/// From Postgres 15 on, nobody but the owner may create tables in `public`. The error says so at once.
#[tokio::test]
async fn a_role_that_may_not_create_tables_is_told_so_at_once() {
    let server = Server::shared();
    server.database("owner", "hunter2");
    server.sql("postgres", &["CREATE ROLE guest LOGIN PASSWORD 'hunter2'"]);
    server.sql("owner", &["REVOKE CREATE ON SCHEMA public FROM PUBLIC"]);
    let begun = Instant::now();
    let guest = settings(&server, "owner", "guest", "hunter2");
    let error = works(&storages(&guest)).await.expect_err("no right").to_string();
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
    assert!(error.contains("permission denied for schema public"), "{error}");
    assert!(error.contains("GRANT CREATE ON SCHEMA"), "{error}");
    assert!(!error.contains("hunter2"), "{error}");
    let tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'";
    assert_eq!(server.sql("owner", &[tables]), json!([[0]]));

    // In a schema of its own, it may.
    server.sql("owner", &["CREATE SCHEMA its_own AUTHORIZATION guest"]);
    for text in ["-csearch_path=its_own", "-c search_path=its_own"] {
        let params = vec![("options".to_owned(), text.into())];
        let storages = storages(&guest.clone().with_params(params));
        // The second one finds what the first one has created.
        works(&storages).await.expect(text);
    }
    let tables = "SELECT count(*) > 20 FROM pg_tables WHERE schemaname = 'its_own'";
    assert_eq!(server.sql("owner", &[tables]), json!([[true]]));
}

/// Whoever waits for a lock, or for a statement, waits no longer than was said.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn waiting_for_a_lock_and_for_a_statement_has_its_limits() {
    let server = Server::shared();
    server.sql("postgres", &["CREATE DATABASE limits"]);
    let url = server.url("limits");
    let config = || PostgresConfig::from_url(&url).expect("a URL");
    let open = |config: &PostgresConfig| Storages::open_postgres(config, StorageContext::default());
    let created = open(&config());
    works(&created).await.expect("a database");
    let holding = Holding::new(&url, &["LOCK TABLE runs IN ACCESS EXCLUSIVE MODE", "SELECT 1"]);
    let by_options = format!("{url}?options=-clock_timeout%3D100ms");
    let by_options = PostgresConfig::from_url(&by_options).expect("a URL");
    for (config, expected) in [
        (config().with_lock_timeout(Duration::from_millis(100)), "lock timeout"),
        (config().with_statement_timeout(Duration::from_millis(100)), "statement timeout"),
        (by_options, "lock timeout"),
    ] {
        let storages = open(&config);
        let run = crate::postgres::run("other");
        let at = chrono::DateTime::UNIX_EPOCH;
        let error = storages.run_storage().add_run(&run, at).await.expect_err("a lock");
        assert!(error.is_temporary(), "{error:?}");
        assert!(format!("{error:?}").contains(expected), "{error:?}");
        storages.dispose().await;
    }
    drop(holding);
}
