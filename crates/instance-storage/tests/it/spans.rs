//! Every call of a store passes one span, which says what is done, where, about which run, and what became of it.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::{Arc, Mutex, PoisonError};

use instance_core::asset_key::AssetKey;
use instance_core::event::DagsterEventType;
use instance_core::run::RunsFilter;
use instance_core::storage::EventStoreExt;
use instance_core::storage::{
    ComputeLogKey, ComputeLogManager, EventRecordsFilter, NewRun, Only, Order, RecordsForRun,
    RunsPage,
};
use instance_core::{RunId, StorageError};
use instance_storage::LocalComputeLogManager;
use tracing::Subscriber;
use tracing::field::{Field, Visit};
use tracing::instrument::WithSubscriber;
use tracing::span::{Attributes, Id, Record};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::Registry;

use crate::support::{Home, TestResult, event, later, line, run};

type Fields = BTreeMap<&'static str, String>;

/// The fields of all spans that a store has made, by their ids.
#[derive(Debug, Clone, Default)]
struct Spans(Arc<Mutex<BTreeMap<u64, Fields>>>);

struct Recorder<'f>(&'f mut Fields);

impl Visit for Recorder<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.insert(field.name(), format!("{value:?}").trim_matches('"').to_owned());
    }
}

impl<S: Subscriber> Layer<S> for Spans {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, _: Context<'_, S>) {
        if attributes.metadata().name() == "storage" {
            let mut fields = Fields::new();
            attributes.record(&mut Recorder(&mut fields));
            fields.insert("level", attributes.metadata().level().to_string());
            self.lock().insert(id.into_u64(), fields);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, _: Context<'_, S>) {
        if let Some(fields) = self.lock().get_mut(&id.into_u64()) {
            values.record(&mut Recorder(fields));
        }
    }
}

impl Spans {
    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<u64, Fields>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The spans since the last call, oldest first.
    fn take(&self) -> Vec<Fields> {
        std::mem::take(&mut *self.lock()).into_values().collect()
    }

    /// What a call returns, with the spans that it made.
    async fn of<T>(&self, call: impl Future<Output = T>) -> (T, Vec<Fields>) {
        self.take();
        let subscriber = Registry::default().with(self.clone());
        let returned = call.with_subscriber(subscriber).await;
        (returned, self.take())
    }
}

#[tokio::test]
async fn each_call_of_a_store_makes_a_span() -> TestResult {
    let home = Home::new().await?;
    let (runs, events, schedules) = (home.runs(), home.events(), home.schedules());
    let together = home.storages.run_event_store();
    let spans = Spans::default();
    let (run_id, key) = (RunId::from("r1"), AssetKey::new(["a"]));
    let new = || {
        let mut new = NewRun::new(run("r2", "j", &[]), later(0));
        new.events = vec![line("r2", "x", 0)];
        new
    };
    let filter = RunsFilter::default();
    let page = RunsPage::default();
    let of_type = EventRecordsFilter::new(DagsterEventType::RunStart);
    let of_asset =
        EventRecordsFilter::new(DagsterEventType::AssetMaterialization).with_asset_key(key.clone());
    let start = event("r1", DagsterEventType::RunStart, 0);
    let started = start.dagster_event.as_deref().ok_or("no event")?;
    let tags = BTreeMap::from([("k".to_owned(), "v".to_owned())]);
    let query = RecordsForRun::new(run_id.clone());
    macro_rules! each {
        ($($call:expr),+ $(,)?) => {$({
            let (returned, made) = spans.of($call).await;
            returned?;
            let call = stringify!($call);
            assert!(!made.is_empty(), "{call} makes no span");
            for span in made {
                assert_eq!(span["level"], "DEBUG", "{call}");
                assert!(!span["operation"].is_empty(), "{call}");
                assert!(span["database"].contains(home.directory.path().to_str().ok_or("no text")?), "{call}: {span:?}");
                assert_eq!(span.get("error"), None, "{call}");
            }
        })+};
    }
    each! {
        // Runs.
        runs.add_run(&run("r1", "j", &[]), later(0)),
        runs.handle_run_event(&run_id, started, later(1)),
        runs.get_run_records(&filter, &page),
        runs.get_run_ids(&filter, &page),
        runs.get_runs_count(&filter),
        runs.has_run(&run_id),
        runs.get_run_group(&run_id),
        runs.get_run_partition_data(&filter),
        runs.get_run_tag_keys(),
        runs.add_run_tags(&run_id, &tags, later(2)),
        runs.get_daemon_heartbeats(),
        runs.get_run_storage_id(),
        runs.schema_revision(),
        // Events.
        events.store_event(&line("r1", "x", 0)),
        events.store_event_batch(&[line("r1", "y", 0), start.clone()]),
        events.get_records_for_run(&query),
        events.get_stats_for_run(&run_id),
        events.get_step_stats_for_run(&run_id, &Only::Any),
        events.get_event_records(&of_type, None, Order::Ascending),
        events.fetch_asset_events(&of_asset, instance_core::storage::RecordsPage::default()),
        events.get_maximum_record_id(),
        events.get_all_run_ids(),
        events.get_asset_records(&Only::Any),
        events.has_asset_key(&key),
        events.get_dynamic_partitions("set"),
        events.add_dynamic_partitions("set", &["p".to_owned()]),
        events.get_concurrency_run_ids(),
        events.get_slot_run_ids(),
        events.settled_position(),
        events.get_failure_ids(instance_core::ids::StorageId(0), 1),
        events.free_concurrency_slots(&run_id, None),
        events.schema_revision(),
        // Schedules.
        schedules.all_instigator_state(&instance_core::storage::InstigatorFilter::default()),
        schedules.schema_revision(),
        // Both.
        together.add_run_with_events(new()),
        together.store_run_events(&[event("r2", DagsterEventType::RunStart, 1)]),
        together.delete_run_with_events(&RunId::from("r2")),
        runs.delete_run(&run_id),
        events.delete_events(&run_id),
        events.wipe(),
        runs.wipe(),
    }
    Ok(())
}

#[tokio::test]
async fn a_span_says_which_run_how_many_rows_and_which_error() -> TestResult {
    let home = Home::new().await?;
    let (runs, spans, r1) = (home.runs(), Spans::default(), run("r1", "j", &[]));
    let (added, made) = spans.of(runs.add_run(&r1, later(0))).await;
    added?;
    assert_eq!((&*made[0]["operation"], &*made[0]["run_id"]), ("adding a run", "r1"));
    assert_eq!(made[0]["database"], home.runs_db().display().to_string());
    let (filter, page) = (RunsFilter::default(), RunsPage::default());
    let (read, made) = spans.of(runs.get_run_records(&filter, &page)).await;
    assert_eq!((read?.len(), &*made[0]["rows"], made.len()), (1, "1", 1));
    let (refused, made) = spans.of(runs.add_run(&r1, later(0))).await;
    let error = refused.err().ok_or("a second run of the same id")?;
    assert!(matches!(error, StorageError::RunAlreadyExists { .. }));
    assert_eq!(made[0]["error"], error.to_string());
    Ok(())
}

#[tokio::test]
async fn captured_logs_make_spans() -> TestResult {
    let directory = tempfile::TempDir::new()?;
    let (logs, spans) = (LocalComputeLogManager::new(directory.path()), Spans::default());
    let key = ComputeLogKey::for_run(&RunId::from("r1"), "step");
    let (read, made) = spans.of(logs.get_log_metadata(&key)).await;
    read?;
    assert_eq!((made.len(), &*made[0]["operation"]), (1, "looking for captured logs"));
    let (complete, made) = spans.of(logs.is_capture_complete(&key)).await;
    complete?;
    assert_eq!(made.len(), 1);
    Ok(())
}
