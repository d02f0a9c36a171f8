//! The health of workers, and the end of runs whose worker is gone.

use instance_core::launcher::{
    CheckRunHealthContext, CheckRunHealthResult, RunLauncher, WorkerStatus,
};
use instance_core::ops::OwnedLauncherOps;
use instance_core::run::DagsterRunStatus;
use instance_core::testing::instance::TestInstance;
use instance_core::testing::launching::ToldLauncher;
use instance_launcher::{check_run_worker_health, fail_run_without_worker, find_lost_worker};

use crate::support::{TestResult, add_run, launching};

fn saying(health: CheckRunHealthResult) -> TestInstance {
    launching(ToldLauncher::default().with_health(health))
}

fn gone() -> CheckRunHealthResult {
    CheckRunHealthResult::new(WorkerStatus::NotFound).with_msg("no such pod")
}

#[tokio::test]
async fn nothing_is_known_of_workers_that_are_not_checked() -> TestResult {
    let launcher = ToldLauncher::default();
    let fake = launching(launcher.clone());
    let run_id = add_run(&fake, DagsterRunStatus::Started);
    let health = check_run_worker_health(&fake, &run_id).await?;
    assert_eq!(health.status, WorkerStatus::Unknown);
    assert_eq!(find_lost_worker(&fake, &run_id).await?, None);
    Ok(())
}

#[tokio::test]
async fn a_run_without_its_worker_has_failed_as_dagsters_monitoring_words_it() -> TestResult {
    let fake = saying(gone());
    let run_id = add_run(&fake, DagsterRunStatus::Started);
    assert_eq!(fail_run_without_worker(&fake, &run_id).await?, Some(gone()));
    assert_eq!(fake.run(&run_id).await.status, DagsterRunStatus::Failure);
    let message = format!(
        "Detected run worker status NOT_FOUND: 'no such pod'. Marking run {run_id} as failed."
    );
    assert_eq!(fake.messages(&run_id), [message]);
    Ok(())
}

#[tokio::test]
async fn runs_that_ended_or_whose_worker_may_live_are_left_alone() -> TestResult {
    let cases = [
        (gone(), DagsterRunStatus::Success),
        (CheckRunHealthResult::new(WorkerStatus::Running), DagsterRunStatus::Started),
        (CheckRunHealthResult::new(WorkerStatus::Success), DagsterRunStatus::Started),
        (CheckRunHealthResult::new(WorkerStatus::Unknown), DagsterRunStatus::Started),
    ];
    for (health, status) in cases {
        let fake = saying(health);
        let run_id = add_run(&fake, status);
        assert_eq!(fail_run_without_worker(&fake, &run_id).await?, None);
        assert_eq!(fake.run(&run_id).await.status, status);
    }
    Ok(())
}

#[tokio::test]
async fn a_capability_that_a_launcher_lacks_is_an_error_with_its_name() {
    /// A launcher with the required methods only.
    #[derive(Debug)]
    struct Plain;

    #[async_trait::async_trait]
    impl RunLauncher for Plain {
        async fn launch_run(
            &self,
            _context: instance_core::launcher::LaunchRunContext,
        ) -> Result<(), instance_core::error::BoxError> {
            Ok(())
        }

        async fn terminate(
            &self,
            _context: instance_core::launcher::TerminateRunContext,
        ) -> Result<bool, instance_core::error::BoxError> {
            Ok(false)
        }
    }

    let fake = launching(Plain);
    let run = fake.run(&add_run(&fake, DagsterRunStatus::Started)).await;
    let context = CheckRunHealthContext::new(run, fake.owned_launcher_ops());
    let error = Plain.check_run_worker_health(context).await.expect_err("not supported");
    assert!(error.to_string().contains("Plain does not check the workers of runs"), "{error}");
}
