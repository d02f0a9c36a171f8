//! Which daemons an instance needs, and how they stand.
#![expect(clippy::unwrap_used, reason = "a failed expectation is a failed test")]

use instance_core::daemon::{DaemonHeartbeat, DaemonStatus, DaemonStatusQuery, DaemonType};
use instance_core::error::ErrorKind;
use instance_core::error_info::SerializableErrorInfo;
use instance_core::settings::{
    ClassSettings, InstanceSettings, InstanceType, RunCoordinatorSettings, SchedulerSettings,
};
use instance_core::storage::Only;
use instance_core::testing::instance::TestInstance;
use instance_storage::{
    add_daemon_heartbeat, daemon_skip_heartbeats_without_errors, get_daemon_statuses,
    get_required_daemon_types,
};

use crate::support::TestResult;

fn required(change: impl FnOnce(&mut InstanceSettings)) -> Vec<String> {
    let mut ops = TestInstance::default();
    change(&mut ops.settings);
    let required = get_required_daemon_types(&ops).unwrap();
    required.iter().map(ToString::to_string).collect()
}

#[test]
fn what_is_configured_says_which_daemons_are_needed() {
    let default =
        ["SENSOR", "BACKFILL", "SCHEDULER", "QUEUED_RUN_COORDINATOR", "ASSET", "FRESHNESS_DAEMON"];
    assert_eq!(required(|_| {}), default);
    assert_eq!(required(|settings| settings.instance_type = InstanceType::Ephemeral), [""; 0]);
    let all = required(|settings| {
        settings.run_monitoring.enabled = true;
        settings.run_retries.enabled = true;
        settings.auto_materialize.enabled = false;
    });
    let expected = [
        "SENSOR",
        "BACKFILL",
        "SCHEDULER",
        "QUEUED_RUN_COORDINATOR",
        "MONITORING",
        "EVENT_LOG_CONSUMER",
        "ASSET",
        "FRESHNESS_DAEMON",
    ];
    assert_eq!(all, expected);
    let few = required(|settings| {
        settings.scheduler = SchedulerSettings::Other(ClassSettings::new("mine", "Mine"));
        settings.run_coordinator = RunCoordinatorSettings::Default;
        settings.auto_materialize.enabled = false;
        settings.auto_materialize.use_sensors = false;
        settings.freshness_enabled = false;
    });
    assert_eq!(few, ["SENSOR", "BACKFILL"]);
    assert!(!daemon_skip_heartbeats_without_errors(&TestInstance::default()));
}

#[tokio::test]
async fn only_a_coordinator_that_is_known_says_whether_it_needs_a_daemon() {
    let mut ops = TestInstance::default();
    let class = ClassSettings::new("mine", "Mine");
    ops.settings.run_coordinator = RunCoordinatorSettings::Other(class);
    let error = get_daemon_statuses(&ops, &DaemonStatusQuery::new()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.to_string().contains("mine.Mine"), "{error}");
}

/// The clock of the instance stands at this time.
const NOW: f64 = 1_700_000_000.25;

fn heartbeat(daemon_type: &str, age: f64, errors: &[&str]) -> DaemonHeartbeat {
    let errors = errors.iter().map(|text| SerializableErrorInfo::new("E", *text)).collect();
    DaemonHeartbeat::new(DaemonType::from(daemon_type), "process", NOW - age, errors)
}

async fn statuses(ops: &TestInstance, query: &DaemonStatusQuery) -> Vec<(String, Option<bool>)> {
    let statuses = get_daemon_statuses(ops, query).await.unwrap();
    statuses.iter().map(|status| (status.daemon_type.to_string(), status.healthy)).collect()
}

#[tokio::test]
async fn a_daemon_is_healthy_while_its_last_sign_is_recent() -> TestResult {
    let ops = TestInstance::default();
    let all = statuses(&ops, &DaemonStatusQuery::new()).await;
    assert!(all.len() == 6 && all.iter().all(|(_, healthy)| *healthy == Some(false)), "{all:?}");

    for heartbeat in [
        heartbeat("SENSOR", 1_830.0, &[]),
        heartbeat("BACKFILL", 1_830.5, &[]),
        heartbeat("SCHEDULER", 0.0, &["oh"]),
        heartbeat("MONITORING", 0.0, &[]),
    ] {
        add_daemon_heartbeat(&ops, &heartbeat).await?;
    }
    let of = |names: &[&str]| {
        let names = names.iter().map(|name| DaemonType::from(*name));
        DaemonStatusQuery::new().with_daemon_types(Only::these(names))
    };
    let named = of(&["MONITORING", "SENSOR", "BACKFILL", "SCHEDULER", "ASSET", "UNHEARD_OF"]);
    let expected = [
        ("MONITORING", None),
        ("SENSOR", Some(true)),
        ("BACKFILL", Some(false)),
        ("SCHEDULER", Some(true)),
        ("ASSET", Some(false)),
        ("UNHEARD_OF", None),
    ]
    .map(|(name, healthy)| (name.to_owned(), healthy));
    assert_eq!(statuses(&ops, &named).await, expected);

    let strict = of(&["SCHEDULER"]).with_ignore_errors(false);
    assert_eq!(statuses(&ops, &strict).await[0].1, Some(false));
    let patient = of(&["BACKFILL"]).with_heartbeat_tolerance_seconds(1_801.0);
    assert_eq!(statuses(&ops, &patient).await[0].1, Some(true));
    let often = of(&["SENSOR"]).with_heartbeat_interval_seconds(1.0);
    assert_eq!(statuses(&ops, &often).await[0].1, Some(false));

    // What is not required tells no sign of life, as in Dagster.
    let found = get_daemon_statuses(&ops, &of(&["MONITORING", "SCHEDULER"])).await?;
    assert_eq!(found[0], DaemonStatus::not_required(DaemonType::from("MONITORING")));
    let last = Some(heartbeat("SCHEDULER", 0.0, &["oh"]));
    assert_eq!(found[1], DaemonStatus::required(DaemonType::from("SCHEDULER"), true, last));
    Ok(())
}
