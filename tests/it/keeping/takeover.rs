//! Two of our daemons on one Postgres: when the one that leads is killed, the other one goes on with the queue.

use std::time::{Duration, Instant};

use dagster_instance::event::DagsterEventType;
use dagster_instance::run::DagsterRunStatus;

use super::deployment::{Deployment, TestResult};
use crate::code_server::launched::until;
use crate::postgres::TestDatabase;

/// It takes a second, as the process is known to be gone. More is for machines that are busy; without knowing, it would take
/// more than ten seconds.
const SOON: Duration = Duration::from_secs(9);

#[tokio::test(flavor = "multi_thread")]
async fn another_daemon_goes_on_when_the_leader_is_killed() -> TestResult {
    let database = TestDatabase::new("takeover");
    let deployment = Deployment::new(database.home()).await?;
    let mut first = deployment.our_daemon(&["--queue"])?;
    let lease = deployment.leases(1).await?.remove(0);
    assert_eq!((lease.process.pid, lease.epoch), (first.pid(), 1));
    let mut second = deployment.our_daemon(&["--queue"])?;
    second.until_it_says(&format!("(pid {} on ", first.pid())).await?;
    second.until_it_says("leads; this keeper waits").await?;

    let before = deployment.queued("tagged").await?;
    until(&deployment.instance, &before, DagsterRunStatus::Success).await?;
    first.kill()?;
    let killed = Instant::now();
    let after = deployment.queued("tagged").await?;
    let lease = loop {
        let lease = deployment.instance.get_keeper_leases().await?.remove(0);
        if lease.epoch == 2 {
            break lease;
        }
        assert!(killed.elapsed() < SOON, "{}", second.log());
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    assert_eq!(lease.process.pid, second.pid());
    until(&deployment.instance, &after, DagsterRunStatus::Success).await?;
    for run_id in [&before, &after] {
        let starting = deployment.events(run_id, &[DagsterEventType::RunStarting]).await?;
        assert_eq!(starting.len(), 1, "run {run_id} is launched once");
        assert!(deployment.launched_by_us(run_id).await?);
    }
    let heart = deployment.heart_of("QUEUED_RUN_COORDINATOR").await?;
    assert_eq!(heart, Some(lease.daemon_id));
    assert_eq!(second.end().await?, Some(0), "{}", second.log());
    Ok(deployment.instance.dispose().await?)
}
