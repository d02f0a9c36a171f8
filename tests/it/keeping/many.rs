//! Many queued runs with a limit for their tag: our daemon launches all of them, and never more at once than the limit has.
//!
//! `DAGSTER_INSTANCE_QUEUED_RUNS` says how many runs there are, if not the few of the gate.

use std::time::{Duration, Instant};

use dagster_instance::event::DagsterEventType;
use dagster_instance::run::{DagsterRunStatus, RunsFilter};
use dagster_instance::storage::Only;
use dagster_instance_tests::Home;

use super::deployment::{Deployment, PATIENCE, TestResult};

/// Each run is a process that imports Dagster.
const RUNS: usize = 12;

/// That of the configuration, for the team of the job.
const LIMIT: usize = 3;

#[expect(clippy::disallowed_methods, reason = "the number is named in the environment")]
fn runs() -> usize {
    match std::env::var("DAGSTER_INSTANCE_QUEUED_RUNS") {
        Ok(number) => number.parse().expect("a number"),
        Err(_) => RUNS,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_runs_than_the_limit_of_their_tag_are_in_progress_and_all_succeed() -> TestResult {
    let deployment = Deployment::new(Home::new()).await?;
    let mut runs_in_order = Vec::new();
    for _ in 0..runs() {
        runs_in_order.push(deployment.queued("tagged").await?);
    }
    let mut ours = deployment.our_daemon(&["--queue"])?;
    let ends = [DagsterRunStatus::Success, DagsterRunStatus::Failure, DagsterRunStatus::Canceled];
    let finished = RunsFilter::new().with_statuses(Only::these(ends));
    let (mut done, mut since) = (0, Instant::now());
    while done < runs_in_order.len() {
        let now = usize::try_from(deployment.instance.get_runs_count(&finished).await?)?;
        if now > done {
            (done, since) = (now, Instant::now());
        }
        assert!(since.elapsed() < PATIENCE, "{done} runs have ended, and no more:\n{}", ours.log());
        tokio::time::sleep(Duration::from_millis(200)).await;
    }

    // Each run is in progress from its claim to its end. What happens at the same time ends first.
    let of_run = [DagsterEventType::RunStarting, DagsterEventType::RunSuccess];
    let mut changes = Vec::new();
    for run_id in &runs_in_order {
        let events = deployment.events(run_id, &of_run).await?;
        assert_eq!(events.iter().map(|(event_type, _)| *event_type).collect::<Vec<_>>(), of_run);
        changes.extend([(events[0].1, 1), (events[1].1, -1)]);
        assert!(deployment.launched_by_us(run_id).await?);
    }
    changes.sort_by(|one, other| one.0.total_cmp(&other.0).then(one.1.cmp(&other.1)));
    let (mut in_progress, mut most) = (0_i32, 0);
    for (_, change) in changes {
        in_progress += change;
        most = most.max(in_progress);
    }
    assert_eq!((in_progress, usize::try_from(most)?), (0, LIMIT), "the limit is used and kept");

    // The oldest come first: each starts before the one that was queued a limit's worth later.
    let mut starts = Vec::new();
    for run_id in &runs_in_order {
        starts.push(deployment.events(run_id, &of_run[..1]).await?[0].1);
    }
    for (earlier, later) in starts.iter().zip(starts.iter().skip(LIMIT)) {
        assert!(earlier < later, "{starts:?}");
    }
    assert_eq!(ours.end().await?, Some(0), "{}", ours.log());
    Ok(deployment.instance.dispose().await?)
}
