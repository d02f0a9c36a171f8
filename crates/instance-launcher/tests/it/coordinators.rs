//! The coordinators: what is launched at once, what is queued, and how each is cancelled.

use instance_core::error::InstanceError;
use instance_core::launcher::{CancelRunContext, RunCoordinator, SubmitRunContext};
use instance_core::ops::OwnedLauncherOps;
use instance_core::run::{DagsterRun, DagsterRunStatus};
use instance_core::testing::instance::at_once;
use instance_core::testing::launching::ToldLauncher;
use instance_launcher::{QueuedRunCoordinator, cancel_run, submit_run};

use crate::support::{TestResult, add_run, launching, new_run};

#[tokio::test]
async fn the_queue_takes_a_run_and_launches_nothing() -> TestResult {
    let launcher = ToldLauncher::default();
    let fake = launching(launcher.clone()).with_run_coordinator(QueuedRunCoordinator);
    let run_id = add_run(&fake, DagsterRunStatus::NotStarted);
    assert_eq!(submit_run(&fake, &run_id).await?.status, DagsterRunStatus::Queued);
    assert_eq!(fake.event_types(&run_id), ["PIPELINE_ENQUEUED"]);
    assert_eq!(launcher.calls(), [""; 0]);
    Ok(())
}

#[tokio::test]
async fn the_queue_refuses_a_run_that_nobody_else_could_launch() {
    let fake = launching(ToldLauncher::default()).with_run_coordinator(QueuedRunCoordinator);
    for (missing, mend) in [
        ("remote_job_origin", (|run| run.remote_job_origin = None) as fn(&mut DagsterRun)),
        ("job_code_origin", |run| run.job_code_origin = None),
    ] {
        let mut run = new_run(&fake, DagsterRunStatus::NotStarted);
        mend(&mut run);
        let run_id = run.run_id.clone();
        at_once(fake.add_run(run));
        let error = submit_run(&fake, &run_id).await.expect_err("nobody could launch it");
        assert!(matches!(error, InstanceError::Invalid { .. }), "{error:?}");
        assert!(error.to_string().contains(missing), "{error}");
        assert_eq!(fake.event_types(&run_id), [""; 0]);
        assert_eq!(fake.run(&run_id).await.status, DagsterRunStatus::NotStarted);
    }
}

#[tokio::test]
async fn a_queued_run_is_cancelled_without_its_launcher() -> TestResult {
    let launcher = ToldLauncher::that_fails();
    let fake = launching(launcher.clone()).with_run_coordinator(QueuedRunCoordinator);
    let run_id = add_run(&fake, DagsterRunStatus::Queued);
    assert!(cancel_run(&fake, &run_id).await?);
    assert_eq!(fake.run(&run_id).await.status, DagsterRunStatus::Canceled);
    assert_eq!(fake.event_types(&run_id), ["PIPELINE_CANCELING", "PIPELINE_CANCELED"]);
    assert_eq!(
        fake.messages(&run_id),
        [
            "Canceling run from the queue.",
            "This run has been marked as canceled from outside the execution context.",
        ]
    );
    assert_eq!(launcher.calls(), [""; 0]);
    Ok(())
}

#[tokio::test]
async fn the_worker_of_a_run_that_left_the_queue_is_asked() -> TestResult {
    let launcher = ToldLauncher::default();
    let fake = launching(launcher.clone()).with_run_coordinator(QueuedRunCoordinator);
    let run_id = add_run(&fake, DagsterRunStatus::Started);
    assert!(cancel_run(&fake, &run_id).await?);
    assert_eq!(launcher.calls(), ["terminate STARTED"]);
    assert_eq!(fake.event_types(&run_id), [""; 0]);
    Ok(())
}

#[tokio::test]
async fn a_run_that_is_submitted_again_is_left_alone() -> TestResult {
    let launcher = ToldLauncher::default();
    let at_once = launching(launcher.clone());
    let queued = launching(launcher.clone()).with_run_coordinator(QueuedRunCoordinator);
    for fake in [at_once, queued] {
        for status in
            [DagsterRunStatus::Started, DagsterRunStatus::Queued, DagsterRunStatus::Success]
        {
            let run_id = add_run(&fake, status);
            assert_eq!(submit_run(&fake, &run_id).await?.status, status);
            assert_eq!(fake.event_types(&run_id), [""; 0]);
        }
    }
    assert_eq!(launcher.calls(), [""; 0]);
    Ok(())
}

#[tokio::test]
async fn of_submissions_at_once_one_is_stored() -> TestResult {
    let fake = launching(ToldLauncher::default()).with_run_coordinator(QueuedRunCoordinator);
    let run_id = add_run(&fake, DagsterRunStatus::NotStarted);
    // All have read the run before one of them has stored anything.
    let run = fake.run(&run_id).await;
    for _ in 0..3 {
        let context = SubmitRunContext::new(run.clone(), fake.owned_launcher_ops());
        let submitted = QueuedRunCoordinator.submit_run(context).await?;
        assert_eq!(submitted.status, DagsterRunStatus::Queued);
    }
    assert_eq!(fake.event_types(&run_id), ["PIPELINE_ENQUEUED"]);
    Ok(())
}

#[tokio::test]
async fn a_run_that_was_launched_meanwhile_is_not_canceled_in_the_queue() -> TestResult {
    for (status, is_asked) in
        [(DagsterRunStatus::Starting, true), (DagsterRunStatus::Success, false)]
    {
        let launcher = ToldLauncher::default();
        let fake = launching(launcher.clone()).with_run_coordinator(QueuedRunCoordinator);
        let run_id = add_run(&fake, status);
        let mut run = fake.run(&run_id).await;
        run.status = DagsterRunStatus::Queued;
        let context = CancelRunContext::new(run, fake.owned_launcher_ops());
        assert_eq!(QueuedRunCoordinator.cancel_run(context).await?, is_asked);
        let expected = format!("terminate {status}");
        assert_eq!(launcher.calls(), if is_asked { vec![expected] } else { Vec::new() });
        assert_eq!(fake.run(&run_id).await.status, status);
        assert_eq!(fake.event_types(&run_id), [""; 0]);
    }
    Ok(())
}
