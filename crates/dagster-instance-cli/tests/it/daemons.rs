//! `daemon status`, `daemon liveness-check` and `daemon wipe`.

use dagster_instance::daemon::{DaemonHeartbeat, DaemonType};
use dagster_instance::error_info::SerializableErrorInfo;

use crate::home::Home;

/// A time that no test lives to see: 2100-01-01.
const FUTURE: f64 = 4_102_444_800.0;

async fn beat(home: &Home, daemon_types: &[&str], timestamp: f64, errors: &[&str]) {
    let instance = home.instance().await;
    for daemon_type in daemon_types {
        let errors = errors.iter().map(|text| SerializableErrorInfo::new("E", *text)).collect();
        let daemon_type = DaemonType::from(*daemon_type);
        let heartbeat = DaemonHeartbeat::new(daemon_type, "process", timestamp, errors);
        instance.add_daemon_heartbeat(&heartbeat).await.expect("it is stored");
    }
    instance.dispose().await.expect("everything is stored");
}

#[tokio::test]
async fn daemons_are_told_by_their_heartbeats() {
    let home = Home::empty();
    beat(&home, &["SENSOR"], FUTURE, &[]).await;
    beat(&home, &["BACKFILL"], 1_000_000_000.5, &[]).await;
    beat(&home, &["SCHEDULER"], FUTURE, &["first:\n  line\n", "second\n"]).await;
    let check = |name: &str, line: &str| {
        let arguments: Vec<_> = line.split(' ').collect();
        insta::assert_snapshot!(name, home.run(&arguments));
    };
    check("status", "daemon status");
    check("status_json", "daemon status --json");
    check("status_of_some", "daemon status SCHEDULER MONITORING");
    check("not_live", "daemon liveness-check");
    check("wipe_refused", "daemon wipe");
    check("wipe_dry_run", "daemon wipe --dry-run");
    check("wipe", "daemon wipe --yes");
    check("wipe_again_json", "daemon wipe --yes --json");
    check("status_at_last", "daemon status SENSOR --json");
    let all =
        ["SENSOR", "BACKFILL", "SCHEDULER", "QUEUED_RUN_COORDINATOR", "ASSET", "FRESHNESS_DAEMON"];
    beat(&home, &all, FUTURE, &[]).await;
    check("live", "daemon liveness-check");
}

#[tokio::test]
async fn which_daemons_are_needed_the_configuration_says() {
    let home = Home::empty();
    home.instance().await.dispose().await.expect("an instance");
    let configure = |text: &str| {
        std::fs::write(home.path().join("dagster.yaml"), text).expect("a file");
    };
    configure(
        "run_coordinator: {module: dagster.core.run_coordinator, class: DefaultRunCoordinator}\n\
         run_monitoring: {enabled: true}\nfreshness: {enabled: false}\n",
    );
    let names = |ended: &str| {
        let names = ended.lines().skip(1).filter_map(|line| line.split_whitespace().next());
        names.map(str::to_owned).collect::<Vec<_>>()
    };
    let ended = home.run(&["daemon", "status"]);
    let expected = ["SENSOR", "BACKFILL", "SCHEDULER", "MONITORING", "ASSET"];
    assert_eq!(names(&ended.stdout), expected, "{ended}");
    configure("run_coordinator: {module: mine, class: Mine}\n");
    let ended = home.run(&["daemon", "status"]);
    assert_eq!(ended.code, Some(1));
    assert!(ended.stderr.contains("mine.Mine"), "{ended}");
    // Runs are read nevertheless.
    assert_eq!(home.run(&["run", "list"]).code, Some(0));
}
