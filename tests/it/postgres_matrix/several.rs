//! Several servers, of which the first that can be reached is taken.

use std::sync::Arc;

use instance_core::settings::PostgresSettings;
use instance_storage::{PostgresConfig, StorageContext, Storages};

use super::server::{Server, free_port};
use super::{storages_of, works};

#[tokio::test]
async fn the_second_server_is_taken_if_the_first_is_down() {
    let server = Server::shared();
    server.database("second", "hunter2");
    let (down, up) = (free_port(), server.port());
    for query in [
        format!("host=127.0.0.1:{down}&host=127.0.0.1:{up}"),
        format!("host=127.0.0.1,127.0.0.1&port={down},{up}"),
        format!("host=/nowhere,127.0.0.1&port={down},{up}&target_session_attrs=read-write"),
        format!("host=127.0.0.1,{}&port={down},{up}", server.socket().display()),
    ] {
        let storages = storages_of(&format!("postgresql://second:hunter2@/second?{query}"));
        works(&storages).await.expect(&query);
    }
}

#[tokio::test]
async fn a_server_that_is_not_what_is_asked_for_is_an_error_that_says_so() {
    let server = Server::shared();
    server.sql("postgres", &["CREATE DATABASE target"]);
    let url = format!("{}?target_session_attrs=standby", server.url("target"));
    let config = PostgresConfig::from_url(&url).expect("a URL");
    let config = config.with_acquire_timeout(std::time::Duration::from_secs(2));
    let storages = Storages::open_postgres(&config, StorageContext::default());
    let error = works(&storages).await.expect_err("no standby");
    assert!(format!("{error:?}").contains("target_session_attrs"), "{error:?}");
    works(&storages_of(&format!("{}?target_session_attrs=prefer-standby", server.url("target"))))
        .await
        .expect("a primary in the place of a standby");
}

/// A server that goes away is replaced by the next one, for reads and writes that come later.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_goes_away_is_replaced_by_the_next_one() {
    let (first, second) = (Server::start(), Server::shared());
    first.sql("postgres", &["CREATE DATABASE pair"]);
    second.sql("postgres", &["CREATE DATABASE pair"]);
    let ports = (first.port(), second.port());
    let url =
        format!("postgresql://admin@/pair?host=127.0.0.1:{}&host=127.0.0.1:{}", ports.0, ports.1);
    let created = storages_of(&second.url("pair"));
    created.create().await.expect("the second");
    created.dispose().await;
    let settings = PostgresSettings::from_url(&url).expect("a URL");
    let storages = Arc::new(super::storages(&settings));
    let add = async |name: &str| {
        let at = chrono::DateTime::UNIX_EPOCH;
        storages.run_storage().add_run(&crate::postgres::run(name), at).await
    };
    add("on_first").await.expect("the first");
    assert_eq!(first.sql("pair", &["SELECT run_id FROM runs"]), serde_json::json!([["on_first"]]));
    drop(first);
    // A write whose connection is lost in the middle is not repeated, so one may fail.
    let mut stored = add("on_second").await;
    if stored.is_err() {
        stored = add("on_second").await;
    }
    stored.expect("the second");
    assert_eq!(
        second.sql("pair", &["SELECT run_id FROM runs"]),
        serde_json::json!([["on_second"]])
    );
    storages.dispose().await;
}

/// A server that was a standby is written to when it is no more, although the connections to it have stayed.
#[tokio::test]
async fn a_server_that_takes_writes_again_is_written_to() {
    let server = Server::shared();
    server.sql("postgres", &["CREATE DATABASE turned"]);
    let url = server.url("turned");
    storages_of(&url).create().await.expect("created");
    let read_only = |word: &str| {
        let turn = format!("ALTER DATABASE turned SET default_transaction_read_only = {word}");
        server.sql("postgres", &[&turn]);
    };
    read_only("on");
    let storages = storages_of(&url);
    let add = async |name: &str| {
        let at = chrono::DateTime::UNIX_EPOCH;
        storages.run_storage().add_run(&crate::postgres::run(name), at).await
    };
    let error = add("refused").await.expect_err("no writes");
    assert!(error.is_temporary() && format!("{error:?}").contains("read-only"), "{error:?}");
    read_only("off");
    let begun = std::time::Instant::now();
    while let Err(error) = add("stored").await {
        assert!(begun.elapsed() < super::SOON, "{error:?}");
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
    storages.dispose().await;
}

/// Somebody changes the type of a column, and what connections had prepared is refused from then on.
#[tokio::test]
async fn what_was_prepared_before_a_change_of_types_is_prepared_again() {
    let server = Server::shared();
    server.sql("postgres", &["CREATE DATABASE types"]);
    let storages = storages_of(&server.url("types"));
    storages.create().await.expect("created");
    let run_id = instance_core::RunId::from("r");
    let store = async || {
        use instance_core::event::{DagsterEvent, DagsterEventType, EventLogEntry, LogLevel};
        let event = DagsterEvent::new(DagsterEventType::StepStart, "j");
        let entry = EventLogEntry::of_event(event, run_id.clone(), LogLevel::INFO, 1e9);
        let events = storages.event_log_storage();
        instance_core::storage::EventStoreExt::store_event(&*events, &entry).await
    };
    let events = storages.event_log_storage();
    for (round, of_type) in ["integer", "bigint", "integer"].into_iter().enumerate() {
        server.sql("types", &[&format!("ALTER TABLE event_logs ALTER COLUMN id TYPE {of_type}")]);
        let stored = events.get_stats_for_run(&run_id).await.map(drop);
        stored.unwrap_or_else(|error| panic!("{of_type}, {round}: {error:?}"));
        if let Err(error) = store().await {
            assert!(error.is_temporary(), "{of_type}, {round}: {error:?}");
            store().await.unwrap_or_else(|error| panic!("{of_type}, {round}: {error:?}"));
        }
    }
    storages.dispose().await;
}
