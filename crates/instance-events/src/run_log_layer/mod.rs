//! Lines that a Rust program logs while it executes a run, stored in the log of that run.
//!
//! [`RunLogLayer`] is a [`Layer`] of `tracing-subscriber`. It takes the events of `tracing` that are emitted
//! within a [`run_span`] or a [`step_span`], and stores them in the background, many at once. They are stored as
//! Dagster stores what Python code logs. Not here: events of Dagster, which are reported (see
//! [`report_dagster_event`](crate::report_dagster_event)); and what a command prints, which is captured.
//!
//! # Which lines are captured
//!
//! An event belongs to the run or step of the innermost span around it that [`run_span`] or [`step_span`] made.
//! Spans of other kinds in between make no difference. These events are not captured:
//!
//! - events outside of such spans,
//! - events below [`RunLogOptions::with_minimum_level`],
//! - events of loggers that `python_logs` leaves out,
//! - events of this project's own crates and of `sqlx`,
//! - everything that is logged while lines are being stored, for instance by listeners. Otherwise storing a line
//!   would make further lines.
//!
//! # What `python_logs` of `dagster.yaml` means here
//!
//! In Dagster it says which loggers of Python's `logging` are captured. [`RunLogOptions::with_python_logs`] applies it
//! to `tracing`:
//!
//! - A name in `managed_python_loggers` is a target, with the targets below it: `etl.load` is `etl::load` and
//!   `etl::load::rows`. Python separates the parts of a name by dots and Rust by two colons; both may be written.
//!   `root` is every target. The target `dagster` and those below it are always captured, as Dagster's own logger is.
//! - Without names, everything within the spans of runs is captured. In Dagster it is what a program logs by
//!   `context.log`; here it is what a program logs within a span that it has made for the run.
//! - `python_log_level` is the lowest level that is captured. `CRITICAL` and `FATAL` are above all levels of `tracing`,
//!   so that nothing is captured; `ERROR`, `WARNING` or `WARN`, `INFO` and `DEBUG` are the levels of these names.
//! - `dagster_handler_config` has handlers of Python's `logging` and no meaning here.
//!
//! # Together with other layers
//!
//! The layer filters nothing. Put it on a registry beside other layers, such as a `fmt` layer, in any order.
//!
//! What the program shows and what a run remembers are two questions. So give filters to single layers
//! (`layer.with_filter(..)`) and not to the whole subscriber: a filter of the subscriber that hides a run's span
//! hides it from this layer, too, and its events then belong to no run. The spans have the level `ERROR`, so that
//! no filter by level hides them. A filter by target has to let [`RUN_SPAN_TARGET`] pass.
//!
//! The layer takes all runs to be of the one instance that it was made for. Events of the crate `log` arrive
//! through `tracing-log`, as with other layers. A span is entered on one thread: a thread that works for a run
//! needs a clone of the run's span, and a future needs [`Instrument`](tracing::Instrument).

mod line;
mod loggers;
mod logs;
mod message;
mod options;
mod own;
mod own_crates;
mod queue;
mod span;
mod store;

use std::sync::Arc;

use instance_core::clock::timestamp_of;
use instance_core::event::LogLevel;
use instance_core::ops::EventOps;
use tracing::span::{Attributes, Id};
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::LookupSpan;

pub use self::logs::RunLogs;
pub use self::options::RunLogOptions;
pub use self::span::{RUN_SPAN_TARGET, run_span, step_span};

use self::line::{Line, level_of};
use self::loggers::Loggers;
use self::message::Message;
use self::queue::Queue;
use self::span::SpanOfRun;

/// A layer that stores the events within the spans of runs as lines of the logs of these runs.
///
/// Emitting an event never waits for the storage. The [module](self) says what is captured, and [`RunLogs`] says when
/// it is stored. When the layer is dropped, the lines that it has captured are still stored.
pub struct RunLogLayer {
    ops: Arc<dyn EventOps>,
    queue: Arc<Queue>,
    loggers: Loggers,
    minimum_level: LogLevel,
}

impl RunLogLayer {
    /// Makes a layer with the default [`RunLogOptions`], and the handle to the lines that it captures.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime, as [`RunLogOptions::start`] does.
    pub fn new(ops: Arc<dyn EventOps>) -> (Self, RunLogs) {
        RunLogOptions::default().start(ops)
    }
}

impl std::fmt::Debug for RunLogLayer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RunLogLayer")
            .field("minimum_level", &self.minimum_level)
            .finish_non_exhaustive()
    }
}

impl Drop for RunLogLayer {
    fn drop(&mut self) {
        // Only this layer adds lines.
        self.queue.close();
    }
}

impl<S> Layer<S> for RunLogLayer
where
    S: Subscriber + for<'lookup> LookupSpan<'lookup>,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(of_run) = SpanOfRun::read(attributes) else { return };
        if let Some(span) = context.span(id) {
            // Another layer of this kind may have put the same mark here.
            span.extensions_mut().replace(of_run);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let metadata = event.metadata();
        let level = level_of(*metadata.level());
        if level < self.minimum_level || own::is_own(metadata.target()) || own::is_storing() {
            return;
        }
        // The lock on the extensions is released before anything is formatted, since formatting calls foreign code.
        let of_run = context
            .event_scope(event)
            .and_then(|mut spans| spans.find_map(|span| span.extensions().get().cloned()));
        let Some(SpanOfRun(run)) = of_run else { return };
        let timestamp = timestamp_of(self.ops.clock().now());
        let message = Message::read(event);
        let target = message.log_target().unwrap_or_else(|| metadata.target());
        if own::is_own(target) || !self.loggers.take(target) {
            return;
        }
        self.queue.add(Line { run, level, message: message.into_text(), timestamp });
    }
}
