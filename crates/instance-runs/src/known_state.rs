//! The state from which a re-execution from failure starts: which steps have to be executed again, and which outputs
//! exist already.

use std::collections::{BTreeMap, BTreeSet};

use instance_core::error::InstanceError;
use instance_core::event::{
    AnyStepHandle, DagsterEventType, EventLogEntry, EventSpecificData, NodeHandle, StepOutputHandle,
};
use instance_core::ops::RunOps;
use instance_core::run::{DagsterRun, DagsterRunStatus};
use instance_core::serdes::{FrozenSet, Opaque, UnknownFields};
use instance_core::snap::{
    ExecutionPlanSnapshot, ExecutionStepSnap, KnownExecutionState, PastExecutionState,
};
use instance_core::storage::{Only, RecordsForRun};
use serde_json::{Map, Value};

use crate::read::stored_run;

/// The keys of dynamic outputs, by step and output. `None` means that the step did not make the output.
type DynamicMappings = BTreeMap<String, BTreeMap<String, Option<Vec<String>>>>;

/// The steps of a run that have to be executed again, and the state that whoever executes them starts from.
///
/// # Errors
///
/// [`InstanceError::Invalid`] if the run has neither failed nor been canceled, or if a plan is not stored;
/// [`InstanceError::RunNotFound`] if an ancestor is not stored.
pub(crate) async fn resume_retry_state(
    ops: &dyn RunOps,
    parent: &DagsterRun,
) -> Result<(Vec<String>, KnownExecutionState), InstanceError> {
    if !matches!(parent.status, DagsterRunStatus::Failure | DagsterRunStatus::Canceled) {
        return Err(InstanceError::Invalid {
            what: "run to re-execute from failure",
            value: parent.run_id.to_string(),
            reason: format!(
                "it is {}; only a run that is FAILURE or CANCELED can be re-executed from failure",
                parent.status
            ),
        });
    }
    let mut past = Vec::new();
    let mut next = Some(parent.clone());
    while let Some(run) = next {
        next = match &run.parent_run_id {
            Some(id) => {
                let ancestor = stored_run(ops, id).await?;
                Some(ancestor.ok_or_else(|| InstanceError::run_not_found(id))?)
            }
            None => None,
        };
        let state = PastRun::read(ops, &run).await?;
        past.push((run.run_id, state));
    }
    let steps = past.first().map(|(_, state)| state.steps_to_retry.clone()).unwrap_or_default();
    let (mut parent_state, mut mappings) = (None, DynamicMappings::new());
    // The first ancestor comes first, so that a later run overrides what an earlier one says.
    for (run_id, state) in past.into_iter().rev() {
        mappings.extend(state.dynamic_outputs);
        parent_state = Some(Box::new(PastExecutionState {
            parent_state,
            produced_outputs: FrozenSet::mutable(state.outputs),
            run_id,
            unknown: UnknownFields::default(),
        }));
    }
    mappings.retain(|step, _| !steps.contains(step));
    let known = KnownExecutionState {
        dynamic_mappings: text_of(&mappings),
        parent_state,
        ..KnownExecutionState::empty()
    };
    Ok((steps, known))
}

fn text_of(mappings: &DynamicMappings) -> Opaque {
    let of_step = |outputs: &BTreeMap<String, Option<Vec<String>>>| {
        let outputs = outputs.iter().map(|(name, keys)| (name.clone(), Value::from(keys.clone())));
        Value::Object(outputs.collect())
    };
    let steps: Map<_, _> =
        mappings.iter().map(|(step, outputs)| (step.clone(), of_step(outputs))).collect();
    Opaque::from(&Value::Object(steps))
}

/// What one run of the chain contributes to the state.
struct PastRun {
    steps_to_retry: Vec<String>,
    dynamic_outputs: DynamicMappings,
    outputs: Vec<StepOutputHandle>,
}

/// The types of events that say what became of steps.
const STEP_EVENTS: [DagsterEventType; 6] = [
    DagsterEventType::StepStart,
    DagsterEventType::StepFailure,
    DagsterEventType::StepSuccess,
    DagsterEventType::StepOutput,
    DagsterEventType::StepSkipped,
    DagsterEventType::ResourceInitFailure,
];

impl PastRun {
    async fn read(ops: &dyn RunOps, run: &DagsterRun) -> Result<Self, InstanceError> {
        let plan = match &run.execution_plan_snapshot_id {
            Some(id) => ops.snapshot_store().get_execution_plan_snapshot(id).await?,
            None => None,
        };
        let Some(plan) = plan else {
            return Err(InstanceError::Invalid {
                what: "run to re-execute from failure",
                value: run.run_id.to_string(),
                reason: "its execution plan is not stored; re-execute all of its steps".to_owned(),
            });
        };
        let query =
            RecordsForRun::new(run.run_id.clone()).with_of_types(Only::These(STEP_EVENTS.to_vec()));
        let log = ops.event_store().get_records_for_run(&query).await?;
        let mut events = Events::default();
        log.records.iter().for_each(|record| events.take(&record.event_log_entry));
        let steps = in_order(&plan).map_err(|step| InstanceError::Invalid {
            what: "execution plan of run",
            value: run.run_id.to_string(),
            reason: format!("the step {step} is not among its steps, or waits for itself"),
        })?;
        Ok(events.evaluate(run, &steps))
    }
}

/// The steps of a plan that are executed, each after the steps that it depends on, together with the keys of these.
/// The error is the key of a step that cannot be ordered.
fn in_order(
    plan: &ExecutionPlanSnapshot,
) -> Result<Vec<(&ExecutionStepSnap, BTreeSet<&str>)>, String> {
    let by_key: BTreeMap<&str, &ExecutionStepSnap> =
        plan.steps.iter().map(|step| (step.key.as_str(), step)).collect();
    let keys: BTreeSet<&str> = if plan.step_keys_to_execute.is_empty() {
        by_key.keys().copied().collect()
    } else {
        plan.step_keys_to_execute.iter().map(String::as_str).collect()
    };
    let mut left = BTreeMap::new();
    for key in &keys {
        let step = *by_key.get(key).ok_or_else(|| (*key).to_owned())?;
        let handles = step.inputs.iter().flat_map(|input| &input.upstream_output_handles);
        let waits_for: BTreeSet<&str> = handles
            .map(|handle| handle.step_key.as_str())
            .filter(|key| keys.contains(key))
            .collect();
        left.insert(*key, (step, waits_for));
    }
    let (mut ordered, mut done) = (Vec::new(), BTreeSet::new());
    while let Some((first, _)) = left.first_key_value() {
        let stuck = (*first).to_owned();
        let ready: Vec<&str> = left
            .iter()
            .filter(|(_, (_, waits_for))| waits_for.is_subset(&done))
            .map(|(key, _)| *key)
            .collect();
        if ready.is_empty() {
            return Err(stuck);
        }
        for key in ready {
            ordered.extend(left.remove(key));
            done.insert(key);
        }
    }
    Ok(ordered)
}

/// A step as its events name it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Handle {
    /// The key of the step.
    key: String,
    /// The name that the steps for all keys of one dynamic output share; for any other step, its own key.
    group: String,
    /// The key of the dynamic output that the step is for; `None` for any other step.
    mapping_key: Option<String>,
    /// Whether it stands for all keys of a dynamic output, since they are not known yet.
    is_unresolved: bool,
}

impl Handle {
    fn plain(key: String) -> Self {
        Self { group: key.clone(), key, mapping_key: None, is_unresolved: false }
    }

    fn unresolved(node: &str) -> Self {
        let key = format!("{node}[?]");
        Self { group: key.clone(), key, mapping_key: None, is_unresolved: true }
    }

    fn resolved(node: &str, mapping_key: &str, key: Option<String>) -> Self {
        Self {
            key: key.unwrap_or_else(|| format!("{node}[{mapping_key}]")),
            group: format!("{node}[?]"),
            mapping_key: Some(mapping_key.to_owned()),
            is_unresolved: false,
        }
    }

    fn of(handle: &AnyStepHandle) -> Option<Self> {
        match handle {
            AnyStepHandle::Step(step) => {
                Some(Self::plain(step.key.clone().unwrap_or_else(|| path(&step.node_handle))))
            }
            AnyStepHandle::ResolvedFromDynamic(step) => {
                let node = path(&step.node_handle);
                Some(Self::resolved(&node, &step.mapping_key, step.key.clone()))
            }
            AnyStepHandle::Unresolved(step) => Some(Self::unresolved(&path(&step.node_handle))),
            _ => None,
        }
    }

    /// The step of a key as plans write it.
    fn of_key(key: &str) -> Self {
        if let Some((node, _)) = key.rsplit_once("[?]") {
            return Self::unresolved(node);
        }
        let resolved = key.rsplit_once(']').and_then(|(inside, _)| inside.rsplit_once('['));
        match resolved {
            Some((node, mapping_key)) => Self::resolved(node, mapping_key, None),
            None => Self::plain(key.to_owned()),
        }
    }

    /// The step for one key of a dynamic output, from the step that stands for all keys.
    fn resolve(&self, mapping_key: &str) -> Self {
        let node = self.key.strip_suffix("[?]").unwrap_or(&self.key);
        Self::resolved(node, mapping_key, None)
    }
}

fn path(node: &NodeHandle) -> String {
    match &node.parent {
        Some(parent) => format!("{}.{}", path(parent), node.name),
        None => node.name.clone(),
    }
}

/// Steps in the order in which they were added; the steps for one dynamic output stand together.
#[derive(Debug, Default)]
struct Steps(Vec<(String, Vec<Handle>)>);

impl Steps {
    fn group(&self, name: &str) -> Option<&[Handle]> {
        self.0.iter().find(|(group, _)| group == name).map(|(_, handles)| handles.as_slice())
    }

    fn add(&mut self, handle: &Handle) {
        let place = self.0.iter().position(|(group, _)| *group == handle.group);
        let place = place.unwrap_or_else(|| {
            self.0.push((handle.group.clone(), Vec::new()));
            self.0.len() - 1
        });
        if let Some((_, handles)) = self.0.get_mut(place)
            && !handles.contains(handle)
        {
            handles.push(handle.clone());
        }
    }

    /// Whether a step is among these. A step that stands for all keys of a dynamic output is among them if the step
    /// of one key is.
    fn has(&self, handle: &Handle) -> bool {
        let group = self.group(&handle.group);
        group.is_some_and(|handles| handle.mapping_key.is_none() || handles.contains(handle))
    }

    fn handles(&self) -> impl Iterator<Item = &Handle> {
        self.0.iter().flat_map(|(_, handles)| handles)
    }
}

/// What the events of a run say of its steps.
#[derive(Debug, Default)]
struct Events {
    all: Steps,
    failed: Steps,
    successful: Steps,
    skipped: Steps,
    dynamic_outputs: DynamicMappings,
    outputs: Vec<StepOutputHandle>,
}

impl Events {
    fn take(&mut self, entry: &EventLogEntry) {
        let event = entry.dagster_event.as_deref();
        let handle = event.and_then(|event| event.step_handle.as_ref()).and_then(Handle::of);
        let (Some(event), Some(handle)) = (event, handle) else {
            return;
        };
        self.all.add(&handle);
        match entry.event_type() {
            Some(DagsterEventType::StepFailure | DagsterEventType::ResourceInitFailure) => {
                self.failed.add(&handle);
            }
            Some(DagsterEventType::StepSuccess) => self.successful.add(&handle),
            Some(DagsterEventType::StepSkipped) => self.skipped.add(&handle),
            Some(DagsterEventType::StepOutput) => {
                if let Some(EventSpecificData::StepOutput(data)) =
                    event.event_specific_data.as_deref()
                {
                    self.take_output(entry.step_key(), &data.step_output_handle);
                }
            }
            _ => {}
        }
    }

    fn take_output(&mut self, step_key: Option<&str>, output: &StepOutputHandle) {
        if let (Some(step), Some(mapping_key)) = (step_key, &output.mapping_key)
            && !mapping_key.is_empty()
        {
            let outputs = self.dynamic_outputs.entry(step.to_owned()).or_default();
            let keys = outputs.entry(output.output_name.clone()).or_default();
            keys.get_or_insert_default().push(mapping_key.clone());
        }
        if !self.outputs.contains(output) {
            self.outputs.push(output.clone());
        }
    }

    /// Decides which steps have to be executed again: those that failed, were interrupted or did not begin, and all
    /// steps that depend on them.
    fn evaluate(
        mut self,
        run: &DagsterRun,
        steps: &[(&ExecutionStepSnap, BTreeSet<&str>)],
    ) -> PastRun {
        let mut interrupted = Steps::default();
        for handle in self.all.handles() {
            let has_ended = [&self.failed, &self.successful, &self.skipped];
            if !has_ended.iter().any(|steps| steps.has(handle)) {
                interrupted.add(handle);
            }
        }
        let selected = run.step_keys_to_execute.as_ref().filter(|keys| !keys.is_empty());
        let mut to_retry = Steps::default();
        for (step, waits_for) in steps {
            let handle = Handle::of_key(&step.key);
            let is_selected = selected.is_none_or(|keys| keys.contains(&step.key));
            // A step that was skipped is not executed again.
            if !is_selected || self.skipped.has(&handle) {
                continue;
            }
            self.complete_dynamic_outputs(step);
            for ended_badly in [&self.failed, &interrupted] {
                if ended_badly.has(&handle)
                    && let Some(handles) = ended_badly.group(&handle.group)
                {
                    for handle in handles {
                        to_retry.add(handle);
                    }
                }
            }
            let is_settled = |key: &&str| {
                self.skipped.group(key).is_some() || self.successful.group(key).is_some()
            };
            // Once a dynamic output has keys, the steps for these keys stand in the log by themselves.
            let is_known_by_its_keys = handle.is_unresolved && waits_for.iter().any(is_settled);
            if !self.all.has(&handle) && !is_known_by_its_keys {
                to_retry.add(&handle);
            }
            let retried: Vec<Vec<Handle>> = waits_for
                .iter()
                .filter_map(|key| to_retry.group(key))
                .map(<[Handle]>::to_vec)
                .collect();
            for before in retried {
                let mapping_keys: Option<Vec<_>> =
                    before.iter().map(|handle| handle.mapping_key.as_deref()).collect();
                match mapping_keys.filter(|_| handle.is_unresolved) {
                    Some(keys) => {
                        for key in keys {
                            to_retry.add(&handle.resolve(key));
                        }
                    }
                    None => to_retry.add(&handle),
                }
            }
        }
        PastRun {
            steps_to_retry: to_retry.handles().map(|handle| handle.key.clone()).collect(),
            dynamic_outputs: self.dynamic_outputs,
            outputs: self.outputs,
        }
    }

    /// Notes the dynamic outputs for which a step that succeeded made no key.
    fn complete_dynamic_outputs(&mut self, step: &ExecutionStepSnap) {
        let succeeded = self.successful.group(&step.key).is_some();
        if !succeeded {
            return;
        }
        for output in &step.outputs {
            let properties = output.properties.as_ref().filter(|properties| properties.is_dynamic);
            if let Some(properties) = properties {
                let outputs = self.dynamic_outputs.entry(step.key.clone()).or_default();
                outputs
                    .entry(output.name.clone())
                    .or_insert_with(|| properties.is_required.then(Vec::new));
            }
        }
    }
}
