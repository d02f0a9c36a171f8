//! Events that go to Postgres as one message: the same rows as step by step, any text, one trip for each message, and
//! nothing stored of what is refused.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use instance_core::event::{
    AssetMaterialization, AssetMaterializationPlannedData, AssetObservation, AssetObservationData,
    DagsterEvent, DagsterEventType, EventLogEntry, LogLevel, StepMaterializationData,
};
use instance_core::serdes::UnknownFields;
use instance_core::storage::{EventStoreExt, RecordsForRun};
use instance_core::{AssetKey, RunId};
use instance_storage::{PostgresConfig, StorageContext, Storages};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::postgres::{TestDatabase, sql};

/// Random numbers, the same ones each time.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("31 bits") % bound
    }
}

/// A text that is hard to write, with no character of number zero.
fn text(numbers: &mut Numbers) -> String {
    const PIECES: [&str; 18] = [
        "'", "\\", "''", "\\'", "E'", "$1", "$$", "%", "\n", "\r\n", "\t", "\u{1}", "é", "🦀", ";",
        "--", "NULL", "{}",
    ];
    (0..numbers.below(12)).map(|_| PIECES[numbers.below(PIECES.len())]).collect()
}

fn tags(numbers: &mut Numbers) -> BTreeMap<String, String> {
    let keys = ["dagster/data_version", "dagster/input_event_pointer/a", "mine"];
    let mut tags = BTreeMap::new();
    for key in keys {
        if numbers.below(2) == 0 {
            tags.insert(key.to_owned(), text(numbers));
        }
    }
    tags
}

/// An event of one of the kinds from which different things follow.
fn event(numbers: &mut Numbers) -> EventLogEntry {
    let run_id = RunId::from(format!("run {}", numbers.below(3)));
    let at = 1e9 + f64::from(u32::try_from(numbers.below(1_000)).expect("small")) / 7.0;
    let asset_key = AssetKey::new([format!("asset '{}'", numbers.below(4)), text(numbers)]);
    let partition = (numbers.below(2) == 0).then(|| text(numbers));
    let (event_type, event) = match numbers.below(6) {
        0 => return EventLogEntry::of_message(text(numbers), run_id, LogLevel::INFO, at),
        1 => (DagsterEventType::StepStart, None),
        2 => {
            let data = AssetMaterializationPlannedData {
                asset_key,
                partition,
                partitions_subset: None,
                unknown: UnknownFields::default(),
            };
            let planned = DagsterEventType::AssetMaterializationPlanned;
            (planned, Some(DagsterEvent::new(planned, "job").with_data(data)))
        }
        3 => {
            let observation = AssetObservation {
                asset_key,
                description: None,
                metadata: Vec::new(),
                partition,
                tags: Some(tags(numbers)),
                unknown: UnknownFields::default(),
            };
            let observed = DagsterEventType::AssetObservation;
            let data = AssetObservationData::from(observation);
            (observed, Some(DagsterEvent::new(observed, "job").with_data(data)))
        }
        _ => {
            let mut materialization = AssetMaterialization::new(asset_key, partition);
            materialization.tags = Some(tags(numbers));
            let materialized = DagsterEventType::AssetMaterialization;
            let data = StepMaterializationData::from(materialization);
            (materialized, Some(DagsterEvent::new(materialized, "job").with_data(data)))
        }
    };
    let event = event.unwrap_or_else(|| DagsterEvent::new(event_type, "job"));
    let event = event.with_step_key(text(numbers)).with_message(text(numbers));
    EventLogEntry::of_event(event, run_id, LogLevel::INFO, at)
}

/// Makes the server refuse the insertion of events where `condition` holds.
fn refuse(database: &TestDatabase, condition: &str) {
    let function = format!(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS \
         $$ BEGIN IF {condition} THEN RAISE EXCEPTION 'refused'; END IF; RETURN NULL; END $$"
    );
    let trigger = "CREATE TRIGGER refuse BEFORE INSERT ON event_logs EXECUTE FUNCTION refuse()";
    sql(&database.url(), &[&function, trigger]);
}

const IS_MESSAGE: &str = "current_query() LIKE '%dagster_instance.ids%'";

/// All rows that follow from events.
fn rows(database: &TestDatabase) -> Value {
    let tables = [
        "SELECT id, run_id, event, dagster_event_type, timestamp::text, step_key, asset_key, partition FROM event_logs",
        "SELECT id, asset_key, last_materialization, last_run_id, last_materialization_timestamp::text FROM asset_keys",
        "SELECT event_id, asset_key, key, value, event_timestamp::text FROM asset_event_tags",
    ];
    tables
        .iter()
        .map(|table| {
            let rows = format!(
                "SELECT coalesce(json_agg(r ORDER BY r::text), '[]')::text FROM ({table}) AS r"
            );
            sql(&database.url(), &[&rows])
        })
        .collect()
}

#[tokio::test]
async fn one_message_stores_what_step_by_step_stores() {
    let (sent, stepped) = (TestDatabase::new("sent"), TestDatabase::new("stepped"));
    let mut numbers = Numbers(16);
    let batches: Vec<Vec<EventLogEntry>> =
        (0..40).map(|_| (0..=numbers.below(30)).map(|_| event(&mut numbers)).collect()).collect();
    let mut ids = Vec::new();
    for (database, refused) in
        [(&sent, format!("NOT {IS_MESSAGE}")), (&stepped, IS_MESSAGE.to_owned())]
    {
        let storages = database.storages();
        storages.create().await.expect("created");
        refuse(database, &refused);
        let events = storages.event_log_storage();
        let mut given = Vec::new();
        for batch in &batches {
            given.push(events.store_event_batch(batch).await.expect("stored"));
        }
        storages.dispose().await;
        ids.push(given);
    }
    assert_eq!(ids[0], ids[1]);
    let (sent, stepped) = (rows(&sent), rows(&stepped));
    assert_eq!(sent, stepped);
    assert!(sent.to_string().contains("storage_id"), "no asset was materialized");
}

/// Texts are the same when they come back, also where a server reads backslashes in its own way.
#[tokio::test]
async fn any_text_arrives_as_it_is() {
    let database = TestDatabase::new("texts");
    database.storages().create().await.expect("created");
    refuse(&database, &format!("NOT {IS_MESSAGE}"));
    let mut numbers = Numbers(7);
    for options in ["", "?options=-cstandard_conforming_strings%3Doff%20-cbackslash_quote%3Doff"] {
        let config =
            PostgresConfig::from_url(&format!("{}{options}", database.url())).expect("a URL");
        let storages = Storages::open_postgres(&config, StorageContext::default());
        let events = storages.event_log_storage();
        let run_id = RunId::from(format!("run with '{options}'"));
        let lines: Vec<_> = (0..500).map(|_| text(&mut numbers)).collect();
        for lines in lines.chunks(100) {
            let entries: Vec<_> = lines
                .iter()
                .map(|line| EventLogEntry::of_message(line, run_id.clone(), LogLevel::INFO, 1e9))
                .collect();
            events.store_event_batch(&entries).await.expect("stored");
        }
        let read = events.get_records_for_run(&RecordsForRun::new(run_id)).await.expect("read");
        let read: Vec<_> =
            read.records.into_iter().map(|record| record.event_log_entry.user_message).collect();
        assert_eq!(read, lines);
        storages.dispose().await;
    }
}

/// What the server refuses in the middle of a message leaves nothing behind, and the error is that of step by step.
#[tokio::test]
async fn a_refused_message_stores_nothing() {
    let database = TestDatabase::new("refused");
    let storages = database.storages();
    storages.create().await.expect("created");
    let events = storages.event_log_storage();
    sql(
        &database.url(),
        &["ALTER TABLE asset_keys ADD CONSTRAINT refuse CHECK (asset_key <> '[\"b\"]')"],
    );
    let materialized = |asset: &str| {
        let data =
            StepMaterializationData::from(AssetMaterialization::new(AssetKey::new([asset]), None));
        let event =
            DagsterEvent::new(DagsterEventType::AssetMaterialization, "job").with_data(data);
        EventLogEntry::of_event(event, RunId::from("r"), LogLevel::INFO, 1e9)
    };
    let refused = events.store_event_batch(&[materialized("a"), materialized("b")]).await;
    let error = refused.expect_err("the constraint");
    let source = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
    assert!(source.contains("violates check constraint \"refuse\""), "{error}: {source}");
    let counts = "SELECT (SELECT count(*) FROM event_logs), (SELECT count(*) FROM asset_keys)";
    assert_eq!(sql(&database.url(), &[counts]), json!([[0, 0]]));
    let ids = events.store_event_batch(&[materialized("a")]).await.expect("stored");
    assert_eq!(sql(&database.url(), &["SELECT id FROM event_logs"]), json!([[ids[0].0]]));
    storages.dispose().await;
}

/// Counts the messages for which a client waits.
async fn counting(server: &str, counted: Arc<AtomicUsize>) -> u16 {
    let address = server.rsplit_once('@').map_or(server, |(_, rest)| rest);
    let address = address.split('/').next().expect("a host").to_owned();
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
    let port = listener.local_addr().expect("its address").port();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let server = TcpStream::connect(&address).await.expect("the server");
            let (mut from_client, mut to_client) = client.into_split();
            let (mut from_server, mut to_server) = server.into_split();
            tokio::spawn(async move { tokio::io::copy(&mut from_server, &mut to_client).await });
            let counted = Arc::clone(&counted);
            tokio::spawn(async move {
                let mut is_first = true;
                let mut waiting = Vec::new();
                let mut chunk = [0; 8_192];
                while let Ok(length @ 1..) = from_client.read(&mut chunk).await {
                    waiting.extend_from_slice(&chunk[..length]);
                    // A message is its kind, the length with itself, and the rest. The first one has no kind.
                    let head = |is_first: bool| usize::from(!is_first);
                    while let Some(size) = waiting.get(head(is_first)..head(is_first) + 4) {
                        let size = u32::from_be_bytes(size.try_into().expect("four bytes"));
                        let end = head(is_first) + usize::try_from(size).expect("a length");
                        if waiting.len() < end {
                            break;
                        }
                        if !is_first && matches!(waiting[0], b'Q' | b'E') {
                            counted.fetch_add(1, Ordering::SeqCst);
                        }
                        waiting.drain(..end);
                        is_first = false;
                    }
                    if to_server.write_all(&chunk[..length]).await.is_err() {
                        return;
                    }
                }
            });
        }
    });
    port
}

/// However much follows from an event, a caller waits for one trip to the server.
#[tokio::test]
async fn an_event_is_one_trip() {
    let database = TestDatabase::new("trips");
    let counted = Arc::new(AtomicUsize::new(0));
    let url = database.url();
    let port = counting(&url, Arc::clone(&counted)).await;
    let (_, name) = url.rsplit_once('/').expect("a name");
    let user = url.split_once("://").and_then(|(_, rest)| rest.rsplit_once('@'));
    let user = user.map(|(user, _)| format!("{user}@")).unwrap_or_default();
    let through = format!("postgresql://{user}127.0.0.1:{port}/{name}?sslmode=disable");
    let config = PostgresConfig::from_url(&through).expect("a URL");
    let storages = Storages::open_postgres(&config, StorageContext::default());
    storages.create().await.expect("created");
    let events = storages.event_log_storage();
    let mut numbers = Numbers(1);
    let mut store = async || {
        let events_of_all_kinds: Vec<_> = (0..20).map(|_| event(&mut numbers)).collect();
        events.store_event_batch(&events_of_all_kinds).await.expect("stored");
    };
    // The first one looks what the database has.
    store().await;
    counted.store(0, Ordering::SeqCst);
    for _ in 0..10 {
        store().await;
    }
    assert_eq!(counted.load(Ordering::SeqCst), 10);
    storages.dispose().await;
}
