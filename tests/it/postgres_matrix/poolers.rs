//! pgbouncer in front of the server. Nothing says that it is there.

use std::time::Duration;

use futures_util::future::try_join_all;
use instance_core::RunId;
use instance_core::event::{DagsterEvent, DagsterEventType, EventLogEntry, LogLevel};
use instance_core::storage::EventStoreExt;
use serde_json::json;
use tokio::time::timeout;

use super::server::{Mode, Pooler, Server};
use super::{storages_of, works};
use crate::postgres::FOREVER;

/// Stores a lot at once by two instances, so that connections of the server change hands, and reads it back.
async fn share(url: &str) {
    let instances = [storages_of(url), storages_of(url)];
    timeout(FOREVER, works(&instances[0])).await.expect("an answer").expect("created");
    let store = async |number: usize| {
        let storages = &instances[number % 2];
        let run_id = RunId::from(format!("run{number}"));
        let at = chrono::DateTime::UNIX_EPOCH;
        storages.run_storage().add_run(&crate::postgres::run(run_id.as_str()), at).await?;
        for _ in 0..3 {
            let event = DagsterEvent::new(DagsterEventType::StepStart, "j");
            let entry = EventLogEntry::of_event(event, run_id.clone(), LogLevel::INFO, 1e9);
            storages.event_log_storage().store_event(&entry).await?;
        }
        let stored = storages.event_log_storage().get_stats_for_run(&run_id).await?;
        assert!(storages.run_storage().has_run(&run_id).await?);
        Ok::<_, instance_core::StorageError>(stored)
    };
    let stored = timeout(FOREVER, try_join_all((0..40).map(store))).await.expect("answers");
    stored.expect("stored and read");
    for storages in instances {
        timeout(FOREVER, storages.dispose()).await.expect("an end");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_share_few_connections_in_transaction_mode() {
    let server = Server::shared();
    server.sql("postgres", &["CREATE DATABASE transactions"]);
    server.sql("postgres", &["ALTER DATABASE transactions SET timezone = 'Asia/Seoul'"]);
    for size in [1, 3] {
        let pooler = Pooler::start(&server, Mode::Transaction, size, "");
        share(&pooler.url("transactions")).await;
        server.sql("transactions", &["TRUNCATE runs, event_logs CASCADE"]);
    }
    // Nobody has kept a statement prepared, or a setting.
    let pooler = Pooler::start(&server, Mode::Transaction, 1, "");
    let url = pooler.url("transactions");
    let left = "SELECT (SELECT count(*) FROM pg_prepared_statements), current_setting('TimeZone')";
    let storages = storages_of(&url);
    assert!(!storages.run_storage().has_run(&RunId::from("none")).await.expect("read"));
    assert_eq!(crate::postgres::sql(&url, &[left]), json!([[0, "Asia/Seoul"]]));
    storages.dispose().await;
}

/// Its round robin hides that two connections share the server's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pooler_that_takes_turns_is_found_out() {
    let server = Server::shared();
    server.sql("postgres", &["CREATE DATABASE turns"]);
    let pooler = Pooler::start(&server, Mode::Transaction, 3, "server_round_robin = 1");
    share(&pooler.url("turns")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn session_mode_is_as_no_pooler() {
    let server = Server::shared();
    server.sql("postgres", &["CREATE DATABASE sessions"]);
    let pooler = Pooler::start(&server, Mode::Session, 30, "");
    share(&pooler.url("sessions")).await;
}

/// Somebody changes the mode while programs go on. Reads do not notice. A write may fail, and then says that it can be made
/// again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pooler_that_comes_back_in_transaction_mode_is_found_out() {
    let server = Server::shared();
    server.sql("postgres", &["CREATE DATABASE changed"]);
    let mut pooler = Pooler::start(&server, Mode::Session, 30, "");
    let url = pooler.url("changed");
    let instances = [storages_of(&url), storages_of(&url)];
    timeout(FOREVER, works(&storages_of(&url))).await.expect("an answer").expect("created");
    let known = RunId::from("works");
    let use_all = async |round: &str| {
        let used = async |number: usize| {
            let storages = &instances[number % 2];
            assert!(storages.run_storage().has_run(&known).await?);
            let run = crate::postgres::run(&format!("{round}{number}"));
            let at = chrono::DateTime::UNIX_EPOCH;
            let mut added = storages.run_storage().add_run(&run, at).await;
            for _ in 0..2 {
                let Err(error) = &added else { break };
                assert!(error.is_temporary(), "{error:?}");
                added = storages.run_storage().add_run(&run, at).await;
            }
            added?;
            assert!(storages.run_storage().has_run(&run.run_id).await?);
            Ok::<_, instance_core::StorageError>(())
        };
        let used = timeout(FOREVER, try_join_all((0..40).map(used))).await.expect("answers");
        used.expect(round);
    };
    use_all("session").await;
    pooler = pooler.replaced(&server, Mode::Transaction, 2);
    use_all("mixed").await;
    use_all("transaction").await;
    let left = "SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%tags%'";
    assert_eq!(crate::postgres::sql(&pooler.url("changed"), &[left]), json!([[0]]));
    for storages in instances {
        timeout(FOREVER, storages.dispose()).await.expect("an end");
    }
}

/// A pooler refuses `options`, or is told to ignore them; Dagster then works in the default schema.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_search_path_reaches_the_server_if_the_pooler_refuses_it() {
    let server = Server::shared();
    server.sql("postgres", &["CREATE DATABASE paths"]);
    let count = |schema: &str| {
        let tables = format!("SELECT count(*) FROM pg_tables WHERE schemaname = '{schema}'");
        server.sql("paths", &[&tables])[0][0].as_i64().expect("a number")
    };
    for mode in [Mode::Session, Mode::Transaction] {
        let schema = format!("of_{mode:?}").to_lowercase();
        server.sql("paths", &[&format!("CREATE SCHEMA {schema}")]);
        let pooler = Pooler::start(&server, mode, 20, "");
        let url = format!("{}?options=-csearch_path%3D{schema}", pooler.url("paths"));
        works(&storages_of(&url)).await.expect(&schema);
        assert!(count(&schema) > 20, "{schema}");
        assert_eq!(count("public"), 0, "{schema}");
    }
    let ignoring = "ignore_startup_parameters = extra_float_digits,options";
    let pooler = Pooler::start(&server, Mode::Transaction, 20, ignoring);
    let url = format!("{}?options=-csearch_path%3Dof_session", pooler.url("paths"));
    works(&storages_of(&url)).await.expect("the default schema");
    assert!(count("public") > 20);
}

/// Where nobody can listen, followers look.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_follower_behind_a_pooler_sees_what_others_store() {
    let server = Server::shared();
    server.sql("postgres", &["CREATE DATABASE followed"]);
    for mode in [Mode::Session, Mode::Transaction] {
        let pooler = Pooler::start(&server, mode, 20, "");
        let (reader, writer) =
            (storages_of(&pooler.url("followed")), storages_of(&server.url("followed")));
        timeout(FOREVER, writer.create()).await.expect("an answer").expect("created");
        let run_id = RunId::from(format!("{mode:?}"));
        let events = reader.event_log_storage();
        let mut signal = timeout(FOREVER, events.watch_run(&run_id))
            .await
            .expect("an answer")
            .expect("a signal");
        timeout(FOREVER, signal.changed(false)).await.expect("the first look");
        let event = DagsterEvent::new(DagsterEventType::StepStart, "j");
        let entry = EventLogEntry::of_event(event, run_id.clone(), LogLevel::INFO, 1e9);
        let events = writer.event_log_storage();
        timeout(FOREVER, events.store_event(&entry)).await.expect("an answer").expect("stored");
        let woken = timeout(Duration::from_secs(5), signal.changed(false)).await;
        assert!(woken.is_ok(), "nobody looked");
        for storages in [reader, writer] {
            timeout(FOREVER, storages.dispose()).await.expect("an end");
        }
    }
}
