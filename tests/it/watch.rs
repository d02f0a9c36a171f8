//! Those who follow runs are woken by what others store in the same Postgres, also after the connection that
//! listens was lost.

use std::time::Duration;

use instance_core::event::{DagsterEvent, DagsterEventType, EventLogEntry, LogLevel};
use instance_core::storage::EventStoreExt;
use instance_core::storage::{EventLogStorage, EventSignal, RecordsForRun};
use instance_core::{RunId, StorageError};
use instance_storage::{PostgresConfig, StorageContext, Storages};
use sqlx::{Connection, PgConnection};
use tokio::time::{Instant, sleep, timeout};

use crate::conformance::Kind;

static KIND: Kind = Kind::new("watch", "TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C'");

/// Longer than anything here may take; whoever waits so long waits forever.
const FOREVER: Duration = Duration::from_mins(1);

/// How soon a notice is to be there, on a machine that has other things to do. Without notices it would be a
/// second.
const SOON: Duration = Duration::from_millis(300);

/// The connections to the database that listen, if there are any.
const LISTENING: &str = "SELECT pid FROM pg_stat_activity \
     WHERE datname = current_database() AND pid <> pg_backend_pid() AND query LIKE 'LISTEN %'";

fn another(url: &str) -> Storages {
    let config = PostgresConfig::from_url(url).expect("a URL");
    Storages::open_postgres(&config, StorageContext::default())
}

fn line(run_id: &RunId) -> EventLogEntry {
    let event = DagsterEvent::new(DagsterEventType::EngineEvent, "j");
    EventLogEntry::of_event(event, run_id.clone(), LogLevel::INFO, 1e9)
}

async fn count(events: &dyn EventLogStorage, run_id: &RunId) -> Result<usize, StorageError> {
    Ok(events.get_records_for_run(&RecordsForRun::new(run_id.clone())).await?.records.len())
}

/// Waits until a run has so many events, as those who follow it do.
async fn follow(
    events: &dyn EventLogStorage,
    signal: &mut dyn EventSignal,
    run_id: &RunId,
    expected: usize,
) {
    let followed = async {
        while count(events, run_id).await? < expected {
            signal.changed(false).await;
        }
        Ok::<_, StorageError>(())
    };
    timeout(FOREVER, followed).await.expect("all are found").expect("read");
}

/// The connections that listen, as soon as there is one that is not this one.
async fn listening(url: &str, but_not: &[i32]) -> Vec<i32> {
    let mut connection = PgConnection::connect(url).await.expect("a connection");
    let asked = async {
        loop {
            let pids: Vec<i32> =
                sqlx::query_scalar(LISTENING).fetch_all(&mut connection).await.expect("read");
            if pids.iter().any(|pid| !but_not.contains(pid)) {
                return pids;
            }
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(FOREVER, asked).await.expect("somebody listens")
}

/// How long it takes, twenty times, until one who begins to follow a run, and has read what there is, finds what
/// another one stores. Each of these would be found after a second if there were no notices, as none of the
/// watchers has had reason to look more often.
async fn delays(reader: &dyn EventLogStorage, writer: &dyn EventLogStorage) -> Vec<Duration> {
    let run_id = RunId::from("measured");
    let before = count(reader, &run_id).await.expect("read");
    let mut delays = Vec::new();
    for expected in before + 1..=before + 20 {
        let mut signal = reader.watch_run(&run_id).await.expect("a watch");
        let seen = async {
            follow(reader, &mut *signal, &run_id, expected).await;
            Instant::now()
        };
        let stored = async {
            writer.store_event(&line(&run_id)).await.expect("stored");
            Instant::now()
        };
        let (seen, stored) = tokio::join!(seen, stored);
        delays.push(seen.saturating_duration_since(stored));
    }
    delays.sort_unstable();
    delays
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_others_store_in_postgres_is_noticed() {
    let made = KIND.storages().await;
    let writing = another(&made.url);
    let writer = writing.event_log_storage();
    // Somebody follows some run all the time, so that listening begins only once.
    let _kept = made.events.watch_run(&RunId::from("other")).await.expect("a watch");
    listening(&made.url, &[]).await;
    let delays = delays(&*made.events, &*writer).await;
    assert!(delays[10] < SOON, "{delays:?}");
    writing.dispose().await;
}

/// Nothing that is stored before, while or after the connection is lost is missed, and then there are notices
/// again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_listener_that_is_lost_is_replaced() {
    let made = KIND.storages().await;
    let writing = another(&made.url);
    let writer = writing.event_log_storage();
    let run_id = RunId::from("r1");
    let mut signal = made.events.watch_run(&run_id).await.expect("a watch");
    let mut expected = 0;
    let mut lost = Vec::new();
    for _ in 0..2 {
        let pids = listening(&made.url, &lost).await;
        let mut connection = PgConnection::connect(&made.url).await.expect("a connection");
        for pid in pids {
            writer.store_event(&line(&run_id)).await.expect("stored");
            sqlx::query_scalar::<_, bool>("SELECT pg_terminate_backend($1)")
                .bind(pid)
                .fetch_one(&mut connection)
                .await
                .expect("terminated");
            writer.store_event(&line(&run_id)).await.expect("stored");
            expected += 2;
            lost.push(pid);
        }
        follow(&*made.events, &mut *signal, &run_id, expected).await;
        writer.store_event(&line(&run_id)).await.expect("stored");
        expected += 1;
        follow(&*made.events, &mut *signal, &run_id, expected).await;
    }
    listening(&made.url, &lost).await;
    let delays = delays(&*made.events, &*writer).await;
    assert!(delays[10] < SOON, "{delays:?}");
    writing.dispose().await;
}

/// Nobody listens when nobody follows a run any more.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_watcher_takes_the_listener_with_it() {
    let made = KIND.storages().await;
    for _ in 0..2 {
        let first = made.events.watch_run(&RunId::from("r1")).await.expect("a watch");
        let second = made.events.watch_run(&RunId::from("r2")).await.expect("a watch");
        let pids = listening(&made.url, &[]).await;
        assert_eq!(pids.len(), 1, "one listens for all");
        drop(first);
        assert_eq!(listening(&made.url, &[]).await, pids);
        drop(second);
        let mut connection = PgConnection::connect(&made.url).await.expect("a connection");
        let gone = async {
            while !sqlx::query_scalar::<_, i32>(LISTENING)
                .fetch_all(&mut connection)
                .await
                .expect("read")
                .is_empty()
            {
                sleep(Duration::from_millis(10)).await;
            }
        };
        timeout(FOREVER, gone).await.expect("nobody listens");
    }
}
