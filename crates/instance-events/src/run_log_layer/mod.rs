//! What a Rust program logs while it executes a run, as lines of that run's log.
//!
//! [`RunLogLayer`] is a [`Layer`] of `tracing-subscriber`: it takes the events of `tracing` that are
//! emitted within a [`run_span`] or [`step_span`], and stores them as Dagster stores what Python code
//! logs, in the background and many at once. Not here: events of Dagster, which are reported (see
//! [`report_dagster_event`](crate::report_dagster_event)), and what a command prints, which is captured.
//!
//! # Which lines are captured
//!
//! An event belongs to the run or step of the innermost enclosing span that one of the two functions made;
//! spans of other kinds in between make no difference. Not captured are
//!
//! - events outside of such spans,
//! - events below [`RunLogOptions::with_minimum_level`],
//! - events of this project's own crates and of `sqlx`, and everything that is logged while lines are being
//!   stored, for instance by listeners: storing a line never makes another line.
//!
//! # Together with other layers
//!
//! The layer looks only, and filters nothing: put it on a registry beside any others, such as a `fmt` layer,
//! in any order. What the program is to show and what a run is to remember are different questions, so give
//! filters to single layers (`layer.with_filter(..)`) and not to the whole subscriber. A filter that hides
//! a span hides it from this layer, too, and its events are then outside of any run; the spans have the
//! level `ERROR`, so that no filter by level does that, and a filter by target has to let
//! [`RUN_SPAN_TARGET`] pass. All runs are taken to be of the one instance that the layer was made for.
//!
//! Events of the crate `log` arrive through `tracing-log`, as with other layers. A span is entered on one
//! thread: give a thread that works for a run a clone of the run's span, and a future
//! [`Instrument`](tracing::Instrument).

mod line;
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
use self::message::Message;
use self::queue::Queue;
use self::span::SpanOfRun;

/// A layer that turns events within the spans of runs into lines of the logs of these runs.
///
/// Emitting an event never waits for the storage; see the [module](self) for what is captured, and
/// [`RunLogs`] for when it is stored. When the layer is dropped, what it has captured is still stored.
pub struct RunLogLayer {
    ops: Arc<dyn EventOps>,
    queue: Arc<Queue>,
    minimum_level: LogLevel,
}

impl RunLogLayer {
    /// A layer with the default [`RunLogOptions`], and the handle to what it captures.
    ///
    /// # Panics
    ///
    /// As [`RunLogOptions::start`] does outside of a tokio runtime.
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
        // Nobody else adds lines.
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
            // Another layer of this kind may have left the same here.
            span.extensions_mut().replace(of_run);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let metadata = event.metadata();
        let level = level_of(*metadata.level());
        if level < self.minimum_level || own::is_own(metadata.target()) || own::is_storing() {
            return;
        }
        // The extensions are let go before anything is formatted: formatting is foreign code.
        let of_run = context
            .event_scope(event)
            .and_then(|mut spans| spans.find_map(|span| span.extensions().get().cloned()));
        let Some(SpanOfRun(run)) = of_run else { return };
        let timestamp = timestamp_of(self.ops.clock().now());
        let message = Message::read(event);
        if message.log_target().is_some_and(own::is_own) {
            return;
        }
        self.queue.add(Line { run, level, message: message.into_text(), timestamp });
    }
}
