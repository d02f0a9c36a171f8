//! Events of `tracing` as lines of the logs of runs. Here is what the tests share; which events become
//! lines, and how these are stored, is tested in files of their own.

mod lines;
mod storing;

use std::fmt::Debug;
use std::sync::{Arc, Mutex, PoisonError};

use instance_core::event::EventLogEntry;
use instance_core::ids::RunId;
use instance_core::run::DagsterRun;
use instance_core::testing::instance::TestInstance;
use instance_events::run_log_layer::{RunLogOptions, RunLogs};
use tracing::field::{Field, Visit};
use tracing::subscriber::{DefaultGuard, set_default};
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::{LookupSpan, Registry};

fn run(id: &str) -> DagsterRun {
    DagsterRun::new(RunId::from(id), "demo")
}

/// Captures what this thread logs.
fn capture(fake: &Arc<TestInstance>, options: RunLogOptions) -> (DefaultGuard, RunLogs) {
    let (layer, logs) = options.start(Arc::clone(fake) as Arc<_>);
    (set_default(Registry::default().with(layer)), logs)
}

fn capture_all(fake: &Arc<TestInstance>) -> (DefaultGuard, RunLogs) {
    capture(fake, RunLogOptions::default())
}

/// The stored lines, each as run, step, level and message.
fn stored_lines(fake: &TestInstance) -> Vec<String> {
    let line = |entry: EventLogEntry| {
        let step_key = entry.step_key().unwrap_or("-").to_owned();
        format!("{} {step_key} {} {}", entry.run_id, entry.level.0, entry.message())
    };
    fake.all_entries().into_iter().map(line).collect()
}

/// Notes what is emitted: the spans around it, and all of its fields.
#[derive(Clone, Default)]
pub(super) struct Notes(Arc<Mutex<Vec<String>>>);

impl Notes {
    pub(super) fn all(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl<S: Subscriber + for<'lookup> LookupSpan<'lookup>> Layer<S> for Notes {
    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        struct Text(String);
        impl Visit for Text {
            fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
                self.0 = format!("{} {field}={value:?}", self.0);
            }
        }
        let spans = context.event_scope(event).into_iter().flatten();
        let spans: Vec<_> = spans.map(|span| span.name()).collect();
        let mut text = Text(format!("{spans:?} {}", event.metadata().level()));
        event.record(&mut text);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(text.0);
    }
}
