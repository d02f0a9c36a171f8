//! The spans that say which run and step a line belongs to.
//!
//! Here: making such a span, and recognising it. Not here: what happens to its lines.

use std::fmt::Debug;
use std::sync::Arc;

use instance_core::ids::RunId;
use instance_core::run::DagsterRun;
use tracing::Span;
use tracing::field::{Field, Visit};
use tracing::span::Attributes;

/// The target of the spans of runs and steps. A filter by target has to let it pass.
pub const RUN_SPAN_TARGET: &str = "dagster_run";

const RUN_ID: &str = "run_id";
const JOB_NAME: &str = "job_name";
const STEP_KEY: &str = "step_key";

/// Makes a span whose events are stored as lines of the log of a run.
///
/// Its parent is the current span. Within a span of another run, its events still belong to `run`.
pub fn run_span(run: &DagsterRun) -> Span {
    // The highest level: a filter by level would otherwise hide the span, and its events would belong to no run.
    tracing::error_span!(
        target: RUN_SPAN_TARGET,
        "run",
        run_id = run.run_id.as_str(),
        job_name = run.job_name.as_str(),
    )
}

/// Makes a span whose events are stored as lines of the log of a run, as lines of one of its steps. It need not be
/// within a span of the run.
pub fn step_span(run: &DagsterRun, step_key: &str) -> Span {
    tracing::error_span!(
        target: RUN_SPAN_TARGET,
        "step",
        run_id = run.run_id.as_str(),
        job_name = run.job_name.as_str(),
        step_key,
    )
}

/// What the lines of a span have in common.
#[derive(Debug)]
pub(super) struct RunContext {
    pub(super) run_id: RunId,
    pub(super) job_name: String,
    pub(super) step_key: Option<String>,
}

/// The mark on a span of a run or step. It has a type of its own, because all layers share the extensions of a span.
#[derive(Debug, Clone)]
pub(super) struct SpanOfRun(pub(super) Arc<RunContext>);

impl SpanOfRun {
    /// The mark for a new span; `None` if the span is not one of a run or step.
    pub(super) fn read(attributes: &Attributes<'_>) -> Option<Self> {
        if attributes.metadata().target() != RUN_SPAN_TARGET {
            return None;
        }
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        Some(Self(Arc::new(RunContext {
            run_id: RunId::from(fields.run_id?),
            job_name: fields.job_name?,
            step_key: fields.step_key,
        })))
    }
}

#[derive(Default)]
struct Fields {
    run_id: Option<String>,
    job_name: Option<String>,
    step_key: Option<String>,
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        let place = match field.name() {
            RUN_ID => &mut self.run_id,
            JOB_NAME => &mut self.job_name,
            STEP_KEY => &mut self.step_key,
            _ => return,
        };
        *place = Some(value.to_owned());
    }

    fn record_debug(&mut self, _: &Field, _: &dyn Debug) {
        // Our spans have string fields only, so fields of other types are not ours.
    }
}
