//! Whether a failed run is retried by itself, which part of it, and which id its retry has.
//!
//! Not here: who retries it, and when.

use crate::event::RunFailureReason;
use crate::ids::RunId;
use crate::run::{DagsterRun, DagsterRunStatus};
use crate::settings::RunRetries;
use crate::{python, tags};

/// Which part of a run is executed again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReexecutionStrategy {
    /// All steps.
    AllSteps,
    /// The steps that failed, were interrupted or did not begin, and all steps that depend on them.
    FromFailure,
    /// The assets that were not materialised, the assets whose blocking checks did not pass, and the checks that were
    /// not evaluated.
    FromAssetFailure,
}

impl ReexecutionStrategy {
    /// The strategy of this name, which is Dagster's, such as `FROM_FAILURE`; `None` if there is no such strategy.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "ALL_STEPS" => Some(Self::AllSteps),
            "FROM_FAILURE" => Some(Self::FromFailure),
            "FROM_ASSET_FAILURE" => Some(Self::FromAssetFailure),
            _ => None,
        }
    }
}

/// How many retries the group of a run may have for this run to be retried; at least 1. `None`: it is not retried,
/// however few there were.
///
/// A run is retried that has failed, and for a reason that allows it. Its tags say how often, or else the settings. A
/// tag that is no number means never.
pub fn allowed_retries(run: &DagsterRun, settings: &RunRetries) -> Option<i64> {
    if run.status != DagsterRunStatus::Failure || is_refused_after_step_failure(run, settings) {
        return None;
    }
    let allowed = match run.tags.get(tags::MAX_RETRIES) {
        None => Some(settings.max_retries),
        Some(text) => {
            let number = python::integer(text);
            if number.is_none() {
                tracing::warn!(run_id = %run.run_id, tag = tags::MAX_RETRIES, value = %text, "no number; the run will not be retried");
            }
            number
        }
    };
    allowed.filter(|allowed| *allowed > 0)
}

/// Whether a run is retried whose group has so many runs; the first of a group is no retry. `None`: this run, or the
/// first of its group, is not there any more; then it is not retried.
pub fn should_retry(run: &DagsterRun, group: Option<usize>, settings: &RunRetries) -> bool {
    let Some((allowed, runs)) = allowed_retries(run, settings).zip(group) else {
        return false;
    };
    i64::try_from(runs).is_ok_and(|runs| runs <= allowed)
}

/// Whether a run is not retried because a step of it has failed: a tag of the run says so, or else the settings.
pub fn is_refused_after_step_failure(run: &DagsterRun, settings: &RunRetries) -> bool {
    let reason = run.tags.get(tags::RUN_FAILURE_REASON).map(String::as_str);
    let is_retried = run
        .tags
        .get(tags::RETRY_ON_ASSET_OR_OP_FAILURE)
        .map_or(settings.retry_on_asset_or_op_failure, |value| tags::boolean_value(value));
    reason == Some(RunFailureReason::StepFailure.as_str()) && !is_retried
}

/// The namespace of the ids of retries.
const NAMESPACE: uuid::Uuid = uuid::Uuid::from_u128(0x6f5d_9a1c_3b8e_4d27_9c40_51d2_e7a8_b36f);

/// The id of the retry that a keeper creates for a run: always the same, so that however many try, there is one. It is a
/// UUID of version 5 of the run's id.
pub fn retry_run_id(parent: &RunId) -> RunId {
    use sha1::Digest as _;

    let mut hash = sha1::Sha1::new();
    hash.update(NAMESPACE.as_bytes());
    hash.update(parent.as_str().as_bytes());
    let mut bytes = [0; 16];
    for (byte, of_hash) in bytes.iter_mut().zip(hash.finalize()) {
        *byte = of_hash;
    }
    RunId::from(uuid::Builder::from_sha1_bytes(bytes).into_uuid().to_string())
}

#[cfg(test)]
mod tests {
    use super::retry_run_id;
    use crate::ids::RunId;

    #[test]
    fn the_id_of_a_retry_is_a_uuid_of_version_5_and_always_the_same() {
        let parent = RunId::from("11ba45cd-0ff4-4c97-9043-022db056be22");
        let id = retry_run_id(&parent);
        assert_eq!(id, retry_run_id(&parent));
        assert_ne!(id, retry_run_id(&id));
        let uuid = uuid::Uuid::parse_str(id.as_str()).unwrap();
        assert_eq!(uuid.get_version_num(), 5);
        // What Python's `uuid.uuid5` makes of the two.
        assert_eq!(id.as_str(), "f2980781-f724-5f73-a00f-a1ba3957d856");
    }
}
