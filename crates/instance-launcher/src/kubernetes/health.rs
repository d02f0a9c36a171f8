//! How the worker of a run is, by what its Job says.

use instance_core::launcher::{CheckRunHealthResult, WorkerStatus};
use instance_core::run::DagsterRunStatus;
use serde_json::Value;

/// The health of the worker of a run. `job` is the `status` of its Job; `None` if there is no such Job.
///
/// A Job that is not there is not known: Kubernetes removes Jobs that have ended, also those that went well.
pub(super) fn health(
    run_status: DagsterRunStatus,
    job_name: &str,
    job: Option<&Value>,
) -> CheckRunHealthResult {
    let Some(job) = job else {
        return CheckRunHealthResult::new(WorkerStatus::Unknown)
            .with_msg(format!("Job {job_name} could not be found"));
    };
    let has = |key: &str| job[key].as_i64().unwrap_or(0) != 0;
    let has_ended = !has("active") && (has("failed") || has("succeeded"));
    let failed = |msg| CheckRunHealthResult::new(WorkerStatus::Failed).with_msg(msg);
    if has_ended && matches!(run_status, DagsterRunStatus::Started | DagsterRunStatus::Canceling) {
        return failed("Run has not completed but K8s job has no active pods");
    }
    if has("succeeded") {
        CheckRunHealthResult::new(WorkerStatus::Success)
    } else if has_ended {
        failed("K8s job failed")
    } else {
        CheckRunHealthResult::new(WorkerStatus::Running)
    }
}

#[cfg(test)]
mod tests {
    use instance_core::run::DagsterRunStatus::{self, Canceling, Started, Starting, Success};
    use serde_json::{Value, json};

    use super::health;

    fn check(run: DagsterRunStatus, job: Option<&Value>, expect: &str) {
        let found = health(run, "j", job).to_string();
        assert_eq!(found, expect, "{run:?} {job:?}");
    }

    #[test]
    fn a_job_says_how_the_worker_is() {
        let no_pods = "FAILED: 'Run has not completed but K8s job has no active pods'";
        let running = "RUNNING: 'None'";
        check(Started, None, "UNKNOWN: 'Job j could not be found'");
        for run in [Starting, Started, Canceling, Success] {
            check(run, Some(&Value::Null), running);
            check(run, Some(&json!({})), running);
            check(run, Some(&json!({"active": 1})), running);
            check(run, Some(&json!({"active": 1, "failed": 1})), running);
        }
        for run in [Started, Canceling] {
            check(run, Some(&json!({"failed": 1})), no_pods);
            check(run, Some(&json!({"active": 0, "succeeded": 1})), no_pods);
        }
        for run in [Starting, Success] {
            check(run, Some(&json!({"failed": 1, "active": null})), "FAILED: 'K8s job failed'");
            check(run, Some(&json!({"succeeded": 1})), "SUCCESS: 'None'");
        }
        check(Started, Some(&json!({"active": 1, "succeeded": 1})), "SUCCESS: 'None'");
    }
}
