//! Folding the events of steps into their statistics, for storages that keep events only.

use crate::event::{DagsterEventType, EventLogEntry, EventSpecificData};
use crate::ids::RunId;
use crate::run::{RunStepKeyStatsSnapshot, RunStepMarker, StepEventStatus};

/// The types of events that say something about a step.
pub const STEP_STATS_EVENT_TYPES: &[DagsterEventType] = &[
    DagsterEventType::StepStart,
    DagsterEventType::StepFailure,
    DagsterEventType::StepRestarted,
    DagsterEventType::StepSuccess,
    DagsterEventType::StepSkipped,
    DagsterEventType::StepUpForRetry,
    DagsterEventType::AssetMaterialization,
    DagsterEventType::StepExpectationResult,
    DagsterEventType::EngineEvent,
    DagsterEventType::StepWorkerStarting,
    DagsterEventType::StepWorkerStarted,
    DagsterEventType::ResourceInitStarted,
    DagsterEventType::ResourceInitSuccess,
    DagsterEventType::ResourceInitFailure,
];

/// The statistics of the steps that the entries are about, in the order of the steps' first entries.
pub fn build_run_step_stats_from_events(
    run_id: &RunId,
    entries: impl IntoIterator<Item = EventLogEntry>,
) -> Vec<RunStepKeyStatsSnapshot> {
    let mut steps: Vec<Step> = Vec::new();
    for entry in entries {
        let Some(event_type) =
            entry.event_type().filter(|kind| STEP_STATS_EVENT_TYPES.contains(kind))
        else {
            continue;
        };
        let Some(step_key) = entry.step_key().map(str::to_owned) else {
            continue;
        };
        let known = steps.iter().position(|step| step.stats.step_key == step_key);
        let place = known.unwrap_or_else(|| {
            steps.push(Step::new(run_id, step_key));
            steps.len() - 1
        });
        steps[place].take(event_type, entry);
    }
    // A step that only had spans reported has not begun.
    steps.into_iter().filter(|step| step.has_begun).map(|step| step.stats).collect()
}

struct Step {
    stats: RunStepKeyStatsSnapshot,
    has_begun: bool,
}

impl Step {
    fn new(run_id: &RunId, step_key: String) -> Self {
        Self {
            stats: RunStepKeyStatsSnapshot {
                run_id: run_id.clone(),
                step_key,
                status: None,
                start_time: None,
                end_time: None,
                materialization_events: Vec::new(),
                expectation_results: Vec::new(),
                attempts: 0,
                partial_attempt_start: None,
                attempts_list: Vec::new(),
                markers: Vec::new(),
            },
            has_begun: false,
        }
    }

    fn take(&mut self, event_type: DagsterEventType, entry: EventLogEntry) {
        let at = entry.timestamp;
        match event_type {
            DagsterEventType::StepStart => {
                self.stats.status = Some(StepEventStatus::InProgress);
                self.stats.start_time = Some(at);
                self.open_attempt(at);
            }
            DagsterEventType::StepRestarted => self.open_attempt(at),
            DagsterEventType::StepUpForRetry => self.close_attempt(at),
            DagsterEventType::StepFailure => self.end(StepEventStatus::Failure, at),
            DagsterEventType::StepSuccess => self.end(StepEventStatus::Success, at),
            DagsterEventType::StepSkipped => self.end(StepEventStatus::Skipped, at),
            DagsterEventType::AssetMaterialization => {
                self.has_begun = true;
                self.stats.materialization_events.push(entry);
            }
            DagsterEventType::StepExpectationResult => {
                self.has_begun = true;
                let data = entry.dagster_event.and_then(|event| event.event_specific_data);
                if let Some(EventSpecificData::StepExpectationResult(data)) = data.map(|data| *data)
                {
                    self.stats.expectation_results.push(data.expectation_result);
                }
            }
            _ => self.mark(&entry),
        }
    }

    fn open_attempt(&mut self, at: f64) {
        self.has_begun = true;
        self.stats.attempts += 1;
        self.stats.partial_attempt_start = Some(at);
    }

    fn close_attempt(&mut self, at: f64) {
        self.has_begun = true;
        let start = self.stats.partial_attempt_start.take().unwrap_or_else(|| {
            self.stats.attempts += 1;
            at
        });
        let attempt = RunStepMarker { start_time: Some(start), end_time: Some(at), key: None };
        self.stats.attempts_list.push(attempt);
    }

    fn end(&mut self, status: StepEventStatus, at: f64) {
        self.stats.status = Some(status);
        self.stats.end_time = Some(at);
        self.close_attempt(at);
    }

    fn mark(&mut self, entry: &EventLogEntry) {
        let data =
            entry.dagster_event.as_ref().and_then(|event| event.event_specific_data.as_deref());
        let Some(EventSpecificData::EngineEvent(data)) = data else {
            return;
        };
        if let Some(key) = &data.marker_start {
            self.marker(key).start_time = Some(entry.timestamp);
        }
        if let Some(key) = &data.marker_end {
            self.marker(key).end_time = Some(entry.timestamp);
        }
    }

    fn marker(&mut self, key: &str) -> &mut RunStepMarker {
        let markers = &mut self.stats.markers;
        let place = markers
            .iter()
            .position(|marker| marker.key.as_deref() == Some(key))
            .unwrap_or_else(|| {
                markers.push(RunStepMarker {
                    start_time: None,
                    end_time: None,
                    key: Some(key.to_owned()),
                });
                markers.len() - 1
            });
        &mut markers[place]
    }
}
