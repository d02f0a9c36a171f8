//! The pools that the steps of a run claim. They are stored in the run, so that a queue can read them.

use std::collections::{BTreeMap, BTreeSet};

use instance_core::run::RunOpConcurrency;
use instance_core::serdes::{FrozenSet, UnknownFields};
use instance_core::snap::{
    ExecutionPlanSnapshot, ExecutionStepInputSnap, ExecutionStepSnap, StepInputSource,
};
use instance_core::tags;

/// The pools that the steps of a plan claim; `None` if no executed step claims one.
pub(crate) fn run_op_concurrency(plan: &ExecutionPlanSnapshot) -> Option<RunOpConcurrency> {
    let executed: BTreeSet<&str> = plan.step_keys_to_execute.iter().map(String::as_str).collect();
    let mut all_pools = BTreeSet::new();
    let mut root_key_counts: BTreeMap<String, i64> = BTreeMap::new();
    let mut has_unconstrained_root_nodes = false;
    for step in plan.steps.iter().filter(|step| executed.contains(step.key.as_str())) {
        let is_root =
            !step.inputs.iter().flat_map(upstream_step_keys).any(|key| executed.contains(key));
        match pool_of(step) {
            None => has_unconstrained_root_nodes |= is_root,
            Some(pool) => {
                all_pools.insert(pool.clone());
                if is_root {
                    *root_key_counts.entry(pool.clone()).or_default() += 1;
                }
            }
        }
    }
    (!all_pools.is_empty()).then(|| RunOpConcurrency {
        all_pools: Some(FrozenSet::mutable(all_pools)),
        has_unconstrained_root_nodes,
        root_key_counts,
        unknown: UnknownFields::default(),
    })
}

/// The pool that a step claims. Old versions of Dagster wrote it as a tag.
fn pool_of(step: &ExecutionStepSnap) -> Option<&String> {
    step.pool.as_ref().or_else(|| step.tags.as_ref()?.get(tags::GLOBAL_CONCURRENCY))
}

/// The keys of the steps that an input depends on.
fn upstream_step_keys(input: &ExecutionStepInputSnap) -> impl Iterator<Item = &str> {
    let ordering = match &input.source {
        Some(StepInputSource::LoadableAsset(asset)) => asset.ordering_step_keys.as_slice(),
        _ => &[],
    };
    let outputs = input.upstream_output_handles.iter().map(|output| output.step_key.as_str());
    outputs.chain(ordering.iter().map(String::as_str))
}
