//! Every function of the domain makes one span, which has the function's name and names its run.

use std::collections::BTreeMap;
use std::fmt::{Debug, Write as _};
use std::sync::{Arc, Mutex, PoisonError};

use instance_core::ids::{RunId, SnapshotId};
use instance_core::run::{DagsterRun, RunsFilter};
use instance_core::storage::RunsPage;
use instance_core::testing::instance::TestInstance;
use instance_runs::{
    CreateRun, RegisterManagedRun, add_run, add_run_tags, create_run, delete_run, find_run,
    get_run_by_id, get_runs, has_snapshot, register_managed_run,
};
use tracing::Subscriber;
use tracing::field::{Field, Visit};
use tracing::instrument::WithSubscriber;
use tracing::span::{Attributes, Id, Record};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::Registry;

use crate::support::{FRESH_ID, TestResult};

/// The spans by their ids, each as its level, its name and its fields in the order in which they were recorded.
#[derive(Debug, Clone, Default)]
struct Spans(Arc<Mutex<BTreeMap<u64, String>>>);

struct Recorder<'s>(&'s mut String);

impl Visit for Recorder<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let _ = write!(self.0, " {}={value:?}", field.name());
    }
}

impl<S: Subscriber> Layer<S> for Spans {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, _: Context<'_, S>) {
        let metadata = attributes.metadata();
        if metadata.target().starts_with("instance_runs") {
            let mut span = format!("{} {}", metadata.level(), metadata.name());
            attributes.record(&mut Recorder(&mut span));
            self.lock().insert(id.into_u64(), span);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, _: Context<'_, S>) {
        if let Some(span) = self.lock().get_mut(&id.into_u64()) {
            values.record(&mut Recorder(span));
        }
    }
}

impl Spans {
    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<u64, String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The spans that a call makes, oldest first.
async fn spans_of<T>(call: impl Future<Output = T>) -> Vec<String> {
    let spans = Spans::default();
    call.with_subscriber(Registry::default().with(spans.clone())).await;
    let made = std::mem::take(&mut *spans.lock());
    made.into_values().collect()
}

#[tokio::test]
async fn a_function_makes_one_span_with_the_id_of_its_run() -> TestResult {
    let (fake, id) = (TestInstance::default(), RunId::from("r"));
    let (filter, page) = (RunsFilter::default(), RunsPage::default());
    let secret = BTreeMap::from([("password".to_owned(), "secret".to_owned())]);
    macro_rules! check {
        ($($call:expr => $span:expr),+ $(,)?) => {
            $(assert_eq!(spans_of($call).await, [$span], "{}", stringify!($call));)+
        };
    }
    check! {
        add_run(&fake, DagsterRun::new(id.clone(), "j")) => "DEBUG add_run run_id=r",
        add_run_tags(&fake, &id, &secret) => "DEBUG add_run_tags run_id=r",
        get_run_by_id(&fake, &id) => "DEBUG get_run_by_id run_id=r",
        find_run(&fake, "r") => "DEBUG find_run",
        get_runs(&fake, &filter, &page) => "DEBUG get_runs",
        has_snapshot(&fake, &SnapshotId::from("s")) => "DEBUG has_snapshot",
        delete_run(&fake, &id) => "DEBUG delete_run run_id=r",
    }
    Ok(())
}

#[tokio::test]
async fn the_span_of_a_new_run_gets_its_id() -> TestResult {
    let fake = TestInstance::default();
    let fresh = spans_of(Box::pin(create_run(&fake, CreateRun::new("j")))).await;
    assert_eq!(fresh, [format!("DEBUG create_run job_name=j run_id={FRESH_ID}")]);

    let managed = RegisterManagedRun::new(RunId::from("airflow-1"), "j");
    let given = spans_of(Box::pin(register_managed_run(&fake, managed))).await;
    assert_eq!(given, ["DEBUG register_managed_run run_id=airflow-1 job_name=j"]);
    Ok(())
}
