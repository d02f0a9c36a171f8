//! Deleting runs together with their workers.

use async_trait::async_trait;
use instance_core::error::{BoxError, InstanceError};
use instance_core::event::{DagsterEvent, DagsterEventType, ReportEvent};
use instance_core::ids::RunId;
use instance_core::launcher::{
    CheckRunHealthResult, LaunchRunContext, RunLauncher, TerminateRunContext, WorkerStatus,
};
use instance_core::ops::{EventReporterExt, RunStoreAccess};
use instance_core::run::DagsterRunStatus;
use instance_core::testing::instance::TestInstance;
use instance_core::testing::launching::ToldLauncher;
use instance_launcher::{QueuedRunCoordinator, RunDeletion, delete_run_and_worker};

use crate::support::{TestResult, add_run, launching};

async fn is_there(fake: &TestInstance, run_id: &RunId) -> bool {
    fake.run_store().get_run_record(run_id).await.expect("a store").is_some()
}

fn saying(status: WorkerStatus) -> ToldLauncher {
    ToldLauncher::default().with_health(CheckRunHealthResult::new(status).with_msg("a pod"))
}

#[tokio::test]
async fn a_run_without_a_worker_is_deleted_at_once() -> TestResult {
    let launcher = saying(WorkerStatus::Running);
    let fake = launching(launcher.clone());
    for status in [
        DagsterRunStatus::NotStarted,
        DagsterRunStatus::Success,
        DagsterRunStatus::Failure,
        DagsterRunStatus::Canceled,
    ] {
        let run_id = add_run(&fake, status);
        let deletion = delete_run_and_worker(&fake, &run_id, false).await?;
        assert_eq!(deletion, RunDeletion::WithoutWorker);
        assert!(!is_there(&fake, &run_id).await);
    }
    assert_eq!(launcher.calls(), [""; 0]);
    Ok(())
}

#[tokio::test]
async fn a_queued_run_leaves_the_queue_before_it_is_deleted() -> TestResult {
    for is_queued in [true, false] {
        let mut fake = launching(saying(WorkerStatus::Running));
        if is_queued {
            fake = fake.with_run_coordinator(QueuedRunCoordinator);
        }
        let run_id = add_run(&fake, DagsterRunStatus::Queued);
        delete_run_and_worker(&fake, &run_id, false).await?;
        assert!(!is_there(&fake, &run_id).await);
    }
    Ok(())
}

#[tokio::test]
async fn a_run_whose_worker_may_be_at_work_is_refused() {
    for (status, expect) in [
        (WorkerStatus::Running, "its worker runs (a pod); cancel it first, or use force"),
        (WorkerStatus::Unknown, "whether its worker runs is not known (a pod); cancel it first"),
    ] {
        let launcher = saying(status);
        let fake = launching(launcher.clone());
        for status in [DagsterRunStatus::Starting, DagsterRunStatus::Started] {
            let run_id = add_run(&fake, status);
            let error = delete_run_and_worker(&fake, &run_id, false).await.expect_err("it works");
            assert!(matches!(error, InstanceError::Invalid { .. }), "{error:?}");
            assert!(error.to_string().contains(expect), "{error}");
            assert!(is_there(&fake, &run_id).await);
            assert_eq!(fake.event_types(&run_id), [""; 0]);
        }
        assert_eq!(launcher.calls(), [""; 0]);
    }
}

#[tokio::test]
async fn a_run_whose_worker_is_gone_is_deleted() -> TestResult {
    for status in [WorkerStatus::NotFound, WorkerStatus::Failed, WorkerStatus::Success] {
        let fake = launching(saying(status));
        let run_id = add_run(&fake, DagsterRunStatus::Started);
        let deletion = delete_run_and_worker(&fake, &run_id, false).await?;
        assert_eq!(deletion, RunDeletion::WithoutWorker);
        assert!(!is_there(&fake, &run_id).await);
    }
    Ok(())
}

/// A launcher whose workers stop when they are asked.
#[derive(Debug)]
struct Stopping;

#[async_trait]
impl RunLauncher for Stopping {
    async fn launch_run(&self, _context: LaunchRunContext) -> Result<(), BoxError> {
        Ok(())
    }

    async fn terminate(&self, context: TerminateRunContext) -> Result<bool, BoxError> {
        let TerminateRunContext { dagster_run: run, instance, .. } = context;
        instance.report_run_canceling(&run, None).await?;
        tokio::spawn(async move {
            tokio::time::sleep(std::time::Duration::from_secs(2)).await;
            let event = DagsterEvent::new(DagsterEventType::RunCanceled, &run.job_name);
            let _ = instance.report_dagster_event(ReportEvent::new(event, &run.run_id)).await;
        });
        Ok(true)
    }
}

#[tokio::test(start_paused = true)]
async fn force_stops_the_worker_and_waits_for_the_end() -> TestResult {
    let fake = launching(Stopping);
    let run_id = add_run(&fake, DagsterRunStatus::Started);
    let begin = tokio::time::Instant::now();
    let deletion = delete_run_and_worker(&fake, &run_id, true).await?;
    assert_eq!(deletion, RunDeletion::WorkerStopped);
    assert_eq!(begin.elapsed().as_secs(), 2);
    assert!(!is_there(&fake, &run_id).await);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn force_deletes_a_run_whose_worker_does_not_stop() -> TestResult {
    let deaf = ToldLauncher::default();
    let unreachable = ToldLauncher::that_fails();
    for (launcher, seconds) in [(deaf, 30), (unreachable, 0)] {
        let fake = launching(launcher.clone());
        let run_id = add_run(&fake, DagsterRunStatus::Started);
        let begin = tokio::time::Instant::now();
        let deletion = delete_run_and_worker(&fake, &run_id, true).await?;
        assert_eq!(deletion, RunDeletion::WorkerMayGoOn);
        assert_eq!(begin.elapsed().as_secs(), seconds);
        assert!(!is_there(&fake, &run_id).await);
        assert_eq!(launcher.calls(), ["terminate STARTED"]);
    }
    Ok(())
}

#[tokio::test]
async fn a_run_that_is_not_there_is_named() {
    let fake = launching(ToldLauncher::default());
    let error = delete_run_and_worker(&fake, &RunId::from("nobody"), true).await;
    assert!(matches!(error, Err(InstanceError::RunNotFound { .. })), "{error:?}");
}
