//! Dagster's own daemon with all duties beside ours: ours begins nothing while it lives, and pauses when it comes later.

use std::time::{Duration, Instant};

use dagster_instance::run::DagsterRunStatus;
use dagster_instance_tests::Home;

use super::deployment::{Deployment, PATIENCE, TestResult};

const QUEUE: &str = "QUEUED_RUN_COORDINATOR";

#[tokio::test(flavor = "multi_thread")]
async fn ours_pauses_when_dagsters_own_daemon_comes_and_begins_nothing_while_it_lives() -> TestResult
{
    let deployment = Deployment::new(Home::new()).await?;
    let mut ours = deployment.our_daemon(&["--queue"])?;
    let leader = deployment.leases(1).await?.remove(0).daemon_id;

    let mut twin = deployment.dagsters_daemon(None)?;
    let since = Instant::now();
    let twins_id = loop {
        let hearts = (
            deployment.heart_of("MONITORING").await?,
            deployment.heart_of("EVENT_LOG_CONSUMER").await?,
        );
        if let (Some(id), Some(_)) = hearts {
            break id;
        }
        assert!(since.elapsed() < PATIENCE, "{}", twin.log());
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    assert_ne!(twins_id, leader);

    // A recent heartbeat is enough for whoever does not wait; and who waits sees that it changes.
    let mut waiting = deployment.our_daemon(&["--retries"])?;
    let refused = format!("Dagster's own MONITORING daemon (id {twins_id}) is alive");
    let mut at_once = deployment.our_daemon(&["--monitoring", "--refuse-at-once"])?;
    assert_eq!(at_once.ended().await?, Some(4), "{}", at_once.log());
    assert!(at_once.log().contains(&refused), "{}", at_once.log());

    ours.until_it_says("this keeper pauses").await?;
    let paused = ours.log();
    let reason = format!("Dagster's own {QUEUE} daemon (id {twins_id}) is alive");
    assert!(paused.contains(&reason), "{paused}");
    assert_eq!(waiting.ended().await?, Some(4), "{}", waiting.log());
    let told = waiting.log();
    assert!(told.contains("waits for up to 90 s to see whether it is alive"), "{told}");

    // What is queued now is launched by the other one, although the lease of the queue is still ours.
    let run_id = deployment.queued("tagged").await?;
    let since = Instant::now();
    loop {
        let run = deployment.instance.get_run_by_id(&run_id).await?.ok_or("there is no run")?;
        if run.status == DagsterRunStatus::Success {
            break;
        }
        assert!(!run.status.is_finished() && since.elapsed() < PATIENCE, "{}", twin.log());
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert!(!deployment.launched_by_us(&run_id).await?, "Dagster's own daemon launches it");
    let lease = deployment.leases(1).await?.remove(0);
    assert_eq!((lease.daemon_id.as_str(), lease.epoch), (leader.as_str(), 1));
    assert_eq!(deployment.heart_of(QUEUE).await?, Some(twins_id));
    assert_eq!(deployment.liveness()?, "Daemon live");

    assert_eq!(ours.end().await?, Some(0), "{}", ours.log());
    twin.end().await?;
    Ok(deployment.instance.dispose().await?)
}
