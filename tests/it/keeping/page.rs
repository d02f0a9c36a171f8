//! Dagster's web page shows that all duties are done, by our daemon and by the rest of Dagster's, which the script that we
//! print starts; and a run that is launched on the page goes through our queue.

use dagster_instance::RunId;
use dagster_instance::event::DagsterEventType;
use dagster_instance_tests::{Home, dagster};
use serde_json::{Value, json};

use super::deployment::{Deployment, TestResult};

/// The kinds of Dagster's daemons that this configuration requires, and the three among them that we do.
const REQUIRED: [&str; 8] = [
    "ASSET",
    "BACKFILL",
    "EVENT_LOG_CONSUMER",
    "FRESHNESS_DAEMON",
    "MONITORING",
    "QUEUED_RUN_COORDINATOR",
    "SCHEDULER",
    "SENSOR",
];
const OURS: [&str; 3] = ["EVENT_LOG_CONSUMER", "MONITORING", "QUEUED_RUN_COORDINATOR"];

/// What Dagster's log says of the daemons that it starts.
const THEIRS: &str =
    "['AssetDaemon', 'BackfillDaemon', 'FreshnessDaemon', 'SchedulerDaemon', 'SensorDaemon']";

#[tokio::test(flavor = "multi_thread")]
async fn all_duties_are_shown_as_done_and_a_run_of_the_page_goes_through_our_queue() -> TestResult {
    let deployment = Deployment::new(Home::new()).await?;
    let mut ours = deployment.our_daemon(&[])?;
    let leases = deployment.leases(OURS.len()).await?;
    let kept: Vec<_> = leases.iter().map(|lease| lease.daemon_type.as_str()).collect();
    assert_eq!(kept, OURS);
    assert!(leases.iter().all(|lease| lease.process.pid == ours.pid()), "{leases:?}");
    let leader = leases[0].daemon_id.clone();

    let printed = deployment.home.ours(&["daemon", "python-script"]).succeeded().stdout;
    assert_eq!(printed.lines().filter(|line| !line.is_empty()).count(), 6, "{printed}");
    let script = deployment.home.path().join("rest_of_dagster.py");
    std::fs::write(&script, printed)?;
    let mut rest = deployment.dagsters_daemon(Some(&script))?;
    rest.until_it_says(THEIRS).await?;

    let place =
        [deployment.home.path(), &deployment.workspace].map(|path| path.display().to_string());
    let asked = tokio::task::spawn_blocking(move || {
        dagster("webserver_daemons.py", &[&place[0], &place[1], "loc", "tagged"])
    });
    let page = asked.await?;
    assert_eq!(page["errors"], json!([]), "{page}");
    let mut daemons = page["daemons"].as_array().ok_or("no daemons")?.clone();
    daemons.sort_by_key(|daemon| daemon["daemonType"].as_str().map(str::to_owned));
    let expected: Vec<Value> = REQUIRED
        .iter()
        .map(|daemon_type| {
            json!({"daemonType": daemon_type, "required": true, "healthy": true, "lastHeartbeatErrors": []})
        })
        .collect();
    assert_eq!(json!(daemons), json!(expected));

    // The run of the page: launched once, by the daemon that had the lease before, and has it still.
    assert_eq!(page["run"]["status"], "SUCCESS", "{page}\n{}", ours.log());
    let run_id = RunId::from(page["run"]["runId"].as_str().ok_or("no run")?);
    let of_run = [
        DagsterEventType::RunEnqueued,
        DagsterEventType::RunStarting,
        DagsterEventType::RunStart,
        DagsterEventType::RunSuccess,
    ];
    let events = deployment.events(&run_id, &of_run).await?;
    assert_eq!(events.iter().map(|(event_type, _)| *event_type).collect::<Vec<_>>(), of_run);
    assert!(deployment.launched_by_us(&run_id).await?);
    let after = deployment.leases(OURS.len()).await?;
    assert!(after.iter().all(|it| it.daemon_id == leader && it.epoch == 1), "{after:?}");
    for daemon_type in REQUIRED {
        let heart = deployment.heart_of(daemon_type).await?.ok_or("no heartbeat")?;
        assert_eq!(heart == leader, OURS.contains(&daemon_type), "{daemon_type}");
    }
    assert_eq!(deployment.liveness()?, "Daemon live");
    assert_eq!(ours.end().await?, Some(0), "{}", ours.log());
    assert!(deployment.leases(0).await?.iter().all(|lease| lease.is_released));
    rest.end().await?;
    Ok(deployment.instance.dispose().await?)
}
