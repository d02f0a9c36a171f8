//! Whether a failed run is retried now, by which run, and which part of it: a pure decision.
//!
//! Not here: which runs are looked at (`consume.rs`), and retrying them (`retry.rs`).

use instance_core::ids::RunId;
use instance_core::run::{
    DagsterRun, DagsterRunStatus, ReexecutionStrategy, is_refused_after_step_failure, should_retry,
};
use instance_core::scheduling::BulkActionStatus;
use instance_core::settings::RunRetries;
use instance_core::tags;

/// What is known about a failed run beside the run itself.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct RetryFacts {
    /// The runs of its group, the first one first; `None` if that one, or the run itself, was deleted.
    pub group: Option<Vec<DagsterRun>>,
    /// The run that the tag `dagster/auto_retry_run_id` names; `None` if there is no tag, or no such run.
    pub retry: Option<DagsterRun>,
    /// How the backfill stands that the run belongs to; `None` if it belongs to none, or to one that was deleted.
    pub backfill: Option<BulkActionStatus>,
}

instance_core::setters! {
    impl RetryFacts {
        /// The runs of its group, the first one first.
        with_group(group: impl Into<Option<Vec<DagsterRun>>>);
        /// The run that the tag `dagster/auto_retry_run_id` names.
        with_retry(retry: impl Into<Option<DagsterRun>>);
        /// How its backfill stands.
        with_backfill(backfill: impl Into<Option<BulkActionStatus>>);
    }
}

impl RetryFacts {
    /// Nothing is known.
    pub fn new() -> Self {
        Self::default()
    }
}

/// What becomes of a run that has an event of a failure.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RetryVerdict {
    /// The run has not ended yet: its status is stored after its event.
    NotYet,
    /// It is not retried.
    No {
        /// What people are told of that; `None` for nothing.
        event: Option<String>,
    },
    /// It has been retried.
    Again {
        /// By this run.
        existing: RunId,
        /// Whether that run is still to be submitted.
        submit: bool,
        /// Whether the failed run is still to get the tag that names it.
        set_tag: bool,
    },
    /// It is retried now.
    New {
        /// Which part of it.
        strategy: ReexecutionStrategy,
        /// Which retry of its group this is; the first is 1.
        retry_number: usize,
        /// What people are told of a strategy that there is not; `None` if there is nothing to tell.
        warning: Option<String>,
    },
}

/// Whether a run is to get the tag by which others know whether it is retried, and with what value. `None`: it has the
/// tag, or has not failed.
pub fn missing_will_retry(
    run: &DagsterRun,
    facts: &RetryFacts,
    settings: &RunRetries,
) -> Option<bool> {
    let is_missing =
        run.status == DagsterRunStatus::Failure && !run.tags.contains_key(tags::WILL_RETRY);
    is_missing.then(|| should_retry(run, facts.group.as_ref().map(Vec::len), settings))
}

/// What becomes of a run that has an event of a failure.
pub fn verdict(run: &DagsterRun, facts: &RetryFacts, settings: &RunRetries) -> RetryVerdict {
    if !run.status.is_finished() {
        return RetryVerdict::NotYet;
    }
    if run.status != DagsterRunStatus::Failure {
        return RetryVerdict::No { event: None };
    }
    let will_retry = match run.tags.get(tags::WILL_RETRY) {
        Some(value) => tags::boolean_value(value),
        None => should_retry(run, facts.group.as_ref().map(Vec::len), settings),
    };
    if !will_retry {
        let event = is_refused_after_step_failure(run, settings).then(|| {
            "Not retrying run since it failed due to an asset or op failure and run retries are configured with \
             retry_on_asset_or_op_failure set to false."
                .to_owned()
        });
        return RetryVerdict::No { event };
    }
    if let Some(event) = refusal_of_backfill(run, facts) {
        return RetryVerdict::No { event: Some(event) };
    }
    if let Some(existing) = existing(run, facts) {
        return existing;
    }
    if run.remote_job_origin.is_none() {
        let event = "Run does not have an external job origin, unable to retry the run.";
        return RetryVerdict::No { event: Some(event.to_owned()) };
    }
    let Some(group) = &facts.group else {
        let event = format!(
            "Could not find run group for {}. This is most likely because the root run was deleted",
            run.run_id
        );
        return RetryVerdict::No { event: Some(event) };
    };
    let (strategy, warning) = strategy(run);
    RetryVerdict::New { strategy, retry_number: group.len(), warning }
}

/// What people are told of a run that is not retried because of its backfill.
fn refusal_of_backfill(run: &DagsterRun, facts: &RetryFacts) -> Option<String> {
    run.tags.get(tags::BACKFILL_ID)?;
    match facts.backfill {
        None => Some(
            "Not retrying run since it is part of a backfill that no longer exists.".to_owned(),
        ),
        Some(status) if status.has_ended() => Some(format!(
            "Not retrying run since it is part of a backfill that is in a terminal state ({}).",
            status.as_str()
        )),
        Some(_) => None,
    }
}

/// The retry that there is: the run that a tag names, or a child of the run that was created by itself. A person who
/// executes a run again gives the child no number.
fn existing(run: &DagsterRun, facts: &RetryFacts) -> Option<RetryVerdict> {
    let is_new = |retry: &DagsterRun| retry.status == DagsterRunStatus::NotStarted;
    if let Some(named) = run.tags.get(tags::AUTO_RETRY_RUN_ID) {
        let existing = RunId::from(named.as_str());
        // Whoever has deleted it meant it.
        let submit = facts.retry.as_ref().is_some_and(is_new);
        return Some(RetryVerdict::Again { existing, submit, set_tag: false });
    }
    let child = facts.group.iter().flatten().find(|other| {
        other.parent_run_id.as_ref() == Some(&run.run_id)
            && other.tags.contains_key(tags::RETRY_NUMBER)
    })?;
    let (existing, submit) = (child.run_id.clone(), is_new(child));
    Some(RetryVerdict::Again { existing, submit, set_tag: true })
}

/// Which part of a run is executed again, and what people are told of it.
fn strategy(run: &DagsterRun) -> (ReexecutionStrategy, Option<String>) {
    let default = ReexecutionStrategy::FromFailure;
    let Some(text) = run.tags.get(tags::RETRY_STRATEGY) else {
        return (default, None);
    };
    if let Some(strategy) = ReexecutionStrategy::from_name(text) {
        (strategy, None)
    } else {
        let tag = tags::RETRY_STRATEGY;
        (default, Some(format!("Error parsing retry strategy from tag '{tag}: {text}'")))
    }
}
