//! Which steps a re-execution from failure executes, and what it knows of its parents: what real Dagster says of
//! the same plans and logs.
//!
//! `fixtures/known_state_cases.json` is what `KnownExecutionState.build_resume_retry_reexecution` of Dagster
//! 1.13.27 returns. To write it anew, from the root: `python tests/python/known_state_cases.py >
//! crates/instance-runs/tests/it/fixtures/known_state_cases.json`, with a Python that has Dagster.

use instance_core::error::InstanceError;
use instance_core::event::{
    AnyStepHandle, DagsterEvent, DagsterEventType, EventLogEntry, LogLevel, NodeHandle,
    ResolvedFromDynamicStepHandle, StepHandle, StepOutputData, StepOutputHandle,
    UnresolvedStepHandle,
};
use instance_core::ids::RunId;
use instance_core::run::{DagsterRun, DagsterRunStatus};
use instance_core::serdes::UnknownFields;
use instance_core::snap::{
    ExecutionPlanSnapshot, ExecutionStepInputSnap, ExecutionStepOutputSnap, ExecutionStepSnap,
    KnownExecutionState, StepKind, StepOutputProperties,
};
use instance_core::testing::instance::TestInstance;
use instance_runs::{CreateReexecutedRun, ReexecutionStrategy, create_reexecuted_run};
use serde_json::{Value, json};

use crate::code_location::{Asked, Location, plan, remote_job};
use crate::support::TestResult;

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn texts(value: &Value) -> Vec<String> {
    list(value).iter().map(|value| text(value).to_owned()).collect()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn output_handle(step_key: &str, name: &str, mapping_key: Option<&str>) -> StepOutputHandle {
    StepOutputHandle {
        mapping_key: mapping_key.map(str::to_owned),
        output_name: name.to_owned(),
        step_key: step_key.to_owned(),
        unknown: UnknownFields::default(),
    }
}

fn step(of: &Value) -> ExecutionStepSnap {
    let input = |before: &Value| ExecutionStepInputSnap {
        dagster_type_key: "Any".to_owned(),
        name: "x".to_owned(),
        source: None,
        upstream_output_handles: vec![output_handle(text(before), "result", None)],
        unknown: UnknownFields::default(),
    };
    let output = |of: &Value| ExecutionStepOutputSnap {
        dagster_type_key: "Any".to_owned(),
        name: text(&of["name"]).to_owned(),
        properties: Some(StepOutputProperties {
            is_dynamic: of["dynamic"] == true,
            is_required: of["required"] == true,
            ..StepOutputProperties::plain()
        }),
        node_handle: None,
        unknown: UnknownFields::default(),
    };
    ExecutionStepSnap {
        inputs: list(&of["behind"]).iter().map(input).collect(),
        key: text(&of["key"]).to_owned(),
        kind: match text(&of["kind"]) {
            "UNRESOLVED_MAPPED" => StepKind::UnresolvedMapped,
            "UNRESOLVED_COLLECT" => StepKind::UnresolvedCollect,
            _ => StepKind::Compute,
        },
        metadata_items: Vec::new(),
        outputs: list(&of["outputs"]).iter().map(output).collect(),
        pool: None,
        node_handle_id: text(&of["key"]).to_owned(),
        step_handle: None,
        tags: None,
        unknown: UnknownFields::default(),
    }
}

fn node(path: &str) -> NodeHandle {
    match path.rsplit_once('.') {
        Some((parent, name)) => {
            NodeHandle { parent: Some(Box::new(node(parent))), ..NodeHandle::top(name) }
        }
        None => NodeHandle::top(path),
    }
}

/// The step of a key, as events have it.
fn step_handle(key: &str) -> AnyStepHandle {
    if let Some(path) = key.strip_suffix("[?]") {
        return AnyStepHandle::Unresolved(UnresolvedStepHandle {
            node_handle: node(path),
            unknown: UnknownFields::default(),
        });
    }
    match key.strip_suffix(']').and_then(|inside| inside.split_once('[')) {
        Some((path, mapping_key)) => {
            AnyStepHandle::ResolvedFromDynamic(ResolvedFromDynamicStepHandle {
                key: Some(key.to_owned()),
                mapping_key: mapping_key.to_owned(),
                node_handle: node(path),
                unknown: UnknownFields::default(),
            })
        }
        None => AnyStepHandle::Step(StepHandle {
            key: Some(key.to_owned()),
            node_handle: node(key),
            unknown: UnknownFields::default(),
        }),
    }
}

/// The entry of an event, which is its type and its step, and of an output also its name and key.
fn entry(run_id: &str, event: &Value) -> EventLogEntry {
    let (event_type, key) = (text(&event[0]), text(&event[1]));
    let mut stored = DagsterEvent {
        event_type_value: event_type.to_owned(),
        step_handle: Some(step_handle(key)),
        ..DagsterEvent::new(DagsterEventType::StepStart, "j").with_step_key(key)
    };
    if let Some(name) = event[2].as_str() {
        stored = stored.with_data(StepOutputData {
            intermediate_materialization: None,
            metadata: Vec::new(),
            step_output_handle: output_handle(key, name, event[3].as_str()),
            type_check_data: None,
            version: None,
            unknown: UnknownFields::default(),
        });
    }
    EventLogEntry::of_event(stored, RunId::from(run_id), LogLevel::DEBUG, 1e9)
}

fn plan_of(of: &Value) -> ExecutionPlanSnapshot {
    let steps = list(&of["steps"]).iter().map(step).collect();
    ExecutionPlanSnapshot {
        step_keys_to_execute: texts(&of["step_keys_to_execute"]),
        ..plan(steps)
    }
}

/// Runs of which each re-executes the one before it, all of them failed.
fn chain(runs: &[Value]) -> Vec<(DagsterRun, ExecutionPlanSnapshot)> {
    let mut made: Vec<(DagsterRun, ExecutionPlanSnapshot)> = Vec::new();
    for of in runs {
        let plan = plan_of(&of["plan"]);
        let run = DagsterRun {
            status: DagsterRunStatus::Failure,
            execution_plan_snapshot_id: Some(plan.snapshot_id()),
            parent_run_id: made.last().map(|(run, _)| run.run_id.clone()),
            root_run_id: made.first().map(|(run, _)| run.run_id.clone()),
            step_keys_to_execute: of["step_keys_to_execute"]
                .as_array()
                .map(|_| texts(&of["step_keys_to_execute"])),
            ..DagsterRun::new(RunId::from(text(&of["run_id"])), "j")
        };
        made.push((run, plan));
    }
    made
}

/// What is executed again of the last run of a chain whose log has so many events, and what is known; `None` if
/// there is nothing to execute.
async fn reexecuted(
    runs: &[Value],
    count: usize,
) -> Result<Option<(Vec<String>, KnownExecutionState)>, Box<dyn std::error::Error>> {
    let chain = chain(runs);
    let mut fake = TestInstance::default();
    for (number, ((run, plan), of)) in chain.iter().zip(runs).enumerate() {
        let is_last = number + 1 == runs.len();
        let events = list(&of["events"]);
        let events = if is_last { &events[..count] } else { events };
        let entries: Vec<_> =
            events.iter().map(|event| entry(run.run_id.as_str(), event)).collect();
        fake = fake.with_run(run.clone()).with_plan(plan).with_entries(entries);
    }
    let Some((parent, _)) = chain.last() else { return Err("no run".into()) };
    let request =
        CreateReexecutedRun::new(parent.clone(), remote_job()?, ReexecutionStrategy::FromFailure);
    let location = Location::default();
    match create_reexecuted_run(&fake, &location, request).await {
        Ok(run) => match &location.asked()[..] {
            [Asked::Plan { steps: Some(steps), known_state: Some(known), .. }] => {
                assert_eq!(run.step_keys_to_execute.as_ref(), Some(steps));
                Ok(Some((steps.clone(), (**known).clone())))
            }
            other => Err(format!("{other:?}").into()),
        },
        Err(InstanceError::NothingToReexecute { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The runs that are known of, the last one first, with what each of them made.
fn past(known: &KnownExecutionState) -> Vec<(String, Vec<Value>)> {
    let mut found = Vec::new();
    let mut state = known.parent_state.as_deref();
    while let Some(past) = state {
        let outputs = past.produced_outputs.as_slice().iter();
        let mut outputs: Vec<Value> = outputs
            .map(|output| json!([output.step_key, output.output_name, output.mapping_key]))
            .collect();
        outputs.sort_by_cached_key(Value::to_string);
        found.push((past.run_id.to_string(), outputs));
        state = past.parent_state.as_deref();
    }
    found
}

#[tokio::test]
async fn what_dagster_executes_again_is_executed_again() -> TestResult {
    let cases: Vec<Value> = serde_json::from_str(include_str!("fixtures/known_state_cases.json"))?;
    let (mut checked, mut with_mappings, mut with_nothing) = (0, 0, 0);
    for case in &cases {
        let runs = list(&case["runs"]);
        for expected in list(&case["expected"]) {
            let count = usize::try_from(expected["events"].as_u64().unwrap_or(u64::MAX))?;
            let place = format!("{} failing at {}, {count} events", case["job"], case["fails"]);
            checked += 1;
            let Some((mut steps, known)) = reexecuted(runs, count).await? else {
                assert_eq!(expected["steps"], json!([]), "{place}");
                with_nothing += 1;
                continue;
            };
            steps.sort_unstable();
            assert_eq!(json!(steps), expected["steps"], "{place}");
            let mappings = known.dynamic_mappings.to_json()?;
            with_mappings += u32::from(mappings != json!({}));
            assert_eq!(mappings, expected["dynamic_mappings"], "{place}");
            let past = past(&known);
            let ids: Vec<_> = past.iter().map(|(run_id, _)| run_id).collect();
            assert_eq!(json!(ids), expected["chain"], "{place}");
            let mut produced = list(&expected["produced"]).to_vec();
            produced.sort_by_cached_key(Value::to_string);
            assert_eq!(past[0].1, produced, "{place}");
            // What was made before is known of the run that made it.
            for ((run_id, outputs), run) in past.iter().zip(runs.iter().rev()).skip(1) {
                assert_eq!(run_id, text(&run["run_id"]), "{place}");
                let made = list(&run["events"]).iter().filter(|event| event[0] == "STEP_OUTPUT");
                assert_eq!(outputs.len(), made.count(), "{place}");
            }
            let rest = KnownExecutionState {
                dynamic_mappings: known.dynamic_mappings.clone(),
                parent_state: known.parent_state.clone(),
                ..KnownExecutionState::empty()
            };
            assert_eq!(known, rest, "{place}");
        }
    }
    assert!(checked > 200 && with_mappings > 50, "{checked} cases, {with_mappings} with keys");
    assert_eq!(with_nothing, cases.iter().flat_map(nothing).count());
    Ok(())
}

/// The beginnings of a case's log after which there is nothing to do.
fn nothing(case: &Value) -> impl Iterator<Item = &Value> {
    list(&case["expected"]).iter().filter(|expected| expected["steps"] == json!([]))
}

/// Two steps, one behind the other.
fn two_steps() -> Value {
    let step = |key: &str, behind: &[&str]| {
        let outputs = json!([{"name": "result", "dynamic": false, "required": true}]);
        json!({"key": key, "kind": "COMPUTE", "behind": behind, "outputs": outputs})
    };
    json!({"steps": [step("b", &["a"]), step("a", &[])], "step_keys_to_execute": ["a", "b"]})
}

fn run_of(plan: &Value, selected: &Value, events: &Value) -> Value {
    json!({"run_id": "r", "plan": plan, "step_keys_to_execute": selected, "events": events})
}

async fn steps_of(run: Value) -> Result<Vec<String>, Box<dyn std::error::Error>> {
    let count = list(&run["events"]).len();
    Ok(reexecuted(&[run], count).await?.map(|(steps, _)| steps).unwrap_or_default())
}

/// A step whose resources could not be made has failed.
#[tokio::test]
async fn a_step_without_its_resources_has_failed() -> TestResult {
    let done = json!([["STEP_SUCCESS", "a"], ["STEP_SUCCESS", "b"]]);
    assert_eq!(steps_of(run_of(&two_steps(), &json!(null), &done)).await?, [""; 0]);
    let events = json!([["STEP_SUCCESS", "a"], ["RESOURCE_INIT_FAILURE", "b"]]);
    assert_eq!(steps_of(run_of(&two_steps(), &json!(null), &events)).await?, ["b"]);
    Ok(())
}

/// A step that failed and was tried again is done, and done again all the same: that it failed counts.
#[tokio::test]
async fn a_failure_counts_whatever_came_behind_it() -> TestResult {
    let events = json!([["STEP_FAILURE", "a"], ["STEP_SUCCESS", "a"], ["STEP_SUCCESS", "b"]]);
    assert_eq!(steps_of(run_of(&two_steps(), &json!(null), &events)).await?, ["a", "b"]);
    Ok(())
}

/// Steps that the run was not to execute are not executed now; an empty selection is none.
#[tokio::test]
async fn only_steps_that_were_to_be_executed_are() -> TestResult {
    for (selected, expected) in [
        (json!(["b"]), vec!["b"]),
        (json!(["a"]), vec!["a"]),
        (json!([]), vec!["a", "b"]),
        (json!(null), vec!["a", "b"]),
    ] {
        let steps = steps_of(run_of(&two_steps(), &selected, &json!([]))).await?;
        assert_eq!(steps, expected, "{selected}");
    }
    let mut plan = two_steps();
    for (selected, expected) in [(json!(["b"]), vec!["b"]), (json!([]), vec!["a", "b"])] {
        plan["step_keys_to_execute"] = selected;
        assert_eq!(steps_of(run_of(&plan, &json!(null), &json!([]))).await?, expected);
    }
    Ok(())
}

/// What was skipped stays so, and what is behind it is not waited for.
#[tokio::test]
async fn skipped_steps_are_not_executed_again() -> TestResult {
    let events = json!([["STEP_FAILURE", "a"], ["STEP_SKIPPED", "b"]]);
    assert_eq!(steps_of(run_of(&two_steps(), &json!(null), &events)).await?, ["a"]);
    Ok(())
}

/// A plan that makes no sense is an error, and no endless wait.
#[tokio::test]
async fn a_plan_that_cannot_be_ordered_is_refused() -> TestResult {
    let mut circle = two_steps();
    circle["steps"][1]["behind"] = json!(["b"]);
    let mut stranger = two_steps();
    stranger["step_keys_to_execute"] = json!(["a", "c"]);
    for (plan, step) in [(circle, "a"), (stranger, "c")] {
        let run = run_of(&plan, &json!(null), &json!([]));
        let error = reexecuted(&[run], 0).await.map(drop).unwrap_err().to_string();
        let expected = format!("the step {step} is not among its steps, or waits for itself");
        assert!(error.contains(&expected), "{error}");
    }
    Ok(())
}
