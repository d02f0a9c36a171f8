//! `queue list` and `queue explain`.

use dagster_instance::daemon::{DaemonHeartbeat, DaemonType};
use dagster_instance::event::DagsterEventType;
use dagster_instance::ops::{DaemonStoreAccess as _, PoolStoreAccess as _};
use dagster_instance::run::{DagsterRun, RunOpConcurrency};
use dagster_instance::serdes::{UnknownFields, deserialize_value};
use dagster_instance::{DagsterInstance, RunId};

use crate::home::{Home, NOW, Run};

/// How many seconds it is from the time of the home to one that no test lives to see. What happens then is 0 seconds old.
const FUTURE: f64 = 4_102_444_800.0 - NOW;

const LIMITS: &str = "
concurrency:
  pools: {default_limit: 1}
  runs:
    max_concurrent_runs: 4
    tag_concurrency_limits:
      - {key: team, value: data, limit: 2}
      - {key: region, limit: 1, value: {applyLimitPerUniqueValue: true}}
";

/// A run that says where its code is, with tags and the pools of its first steps.
fn run(id: &str, job: &str, tags: &[(&str, &str)], pools: &[&str]) -> DagsterRun {
    let mut run = DagsterRun::new(RunId::from(id), job);
    run.tags = tags.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect();
    run.remote_job_origin = deserialize_value(
        r#"{"__class__": "ExternalPipelineOrigin", "pipeline_name": "etl", "external_repository_origin":
           {"__class__": "ExternalRepositoryOrigin", "repository_name": "shop", "repository_location_origin":
           {"__class__": "RegisteredRepositoryLocationOrigin", "location_name": "shop"}}}"#,
    )
    .expect("an origin");
    if !pools.is_empty() {
        run.run_op_concurrency = Some(RunOpConcurrency {
            all_pools: Some(pools.iter().map(|pool| (*pool).to_owned()).collect()),
            has_unconstrained_root_nodes: false,
            root_key_counts: pools.iter().map(|pool| ((*pool).to_owned(), 1)).collect(),
            unknown: UnknownFields::default(),
        });
    }
    run
}

const HOLDER: &str = "0aa1c3d2-0000-4000-8000-000000000001";
const STARTING: &str = "0bb1c3d2-0000-4000-8000-000000000002";
const NEXT: &str = "1aa1c3d2-0000-4000-8000-000000000003";
const TAGGED: &str = "1bb1c3d2-0000-4000-8000-000000000004";
const POOLED: &str = "1cc1c3d2-0000-4000-8000-000000000005";
const BEYOND: &str = "1dd1c3d2-0000-4000-8000-000000000006";

async fn queue(instance: &DagsterInstance, run: DagsterRun) {
    let run = Run::add_as(instance, run).await;
    run.of_run(DagsterEventType::RunEnqueued, FUTURE, "").await;
}

/// A home with two runs in progress and four that wait, each for something else.
async fn home() -> Home {
    let home = Home::empty();
    std::fs::write(home.path().join("dagster.yaml"), LIMITS).expect("a file");
    let instance = home.instance().await;
    let held = run(HOLDER, "etl", &[("team", "data"), ("region", "eu")], &["snowflake"]);
    let holder = Run::add_as(&instance, held).await;
    holder.of_run(DagsterEventType::RunStart, FUTURE, "").await;
    let pools = instance.pool_store();
    pools.initialize_concurrency_limit_to_default("snowflake", Some(1)).await.expect("a limit");
    let claimed = pools.claim_concurrency_slot("snowflake", &HOLDER.into(), "load", None).await;
    claimed.expect("a slot");
    let starting = Run::add_as(&instance, run(STARTING, "etl", &[("team", "data")], &[])).await;
    starting.of_run(DagsterEventType::RunStarting, FUTURE, "").await;

    queue(&instance, run(BEYOND, "report", &[], &[])).await;
    queue(&instance, run(POOLED, "etl", &[], &["snowflake", "big\nquery"])).await;
    let tags = [("team", "data"), ("region", "eu"), ("dagster/priority", "3")];
    queue(&instance, run(TAGGED, "etl", &tags, &["snowflake"])).await;
    queue(&instance, run(NEXT, "etl", &[("dagster/priority", "5")], &["bigquery"])).await;
    instance.dispose().await.expect("everything is stored");
    home
}

fn check(home: &Home, name: &str, line: &str) {
    let arguments: Vec<_> = line.split(' ').collect();
    insta::assert_snapshot!(name, home.run(&arguments));
}

#[tokio::test]
async fn the_queue_is_listed_with_what_each_run_waits_for() {
    let home = home().await;
    check(&home, "list", "queue list");
    check(&home, "list_json", "queue list --json");
    check(&home, "list_of_some", "queue list --limit 1");
    let instance = home.instance().await;
    for id in [NEXT, BEYOND, POOLED, TAGGED] {
        instance.delete_run(&id.into()).await.expect("it is deleted");
    }
    instance.dispose().await.expect("everything is stored");
    check(&home, "list_of_none", "queue list");
    assert_eq!(home.run(&["queue", "list", "--json"]).stdout, "");
}

#[tokio::test]
async fn a_run_is_explained_with_all_of_its_limits() {
    let home = home().await;
    check(&home, "explain_tagged", "queue explain 1bb1");
    check(&home, "explain_tagged_json", "queue explain 1bb1 --json");
    check(&home, "explain_pooled", "queue explain 1cc1");
    check(&home, "explain_pooled_json", "queue explain 1cc1 --json");
    check(&home, "explain_next", "queue explain 1aa1");
    check(&home, "explain_next_json", "queue explain 1aa1 --json");
    check(&home, "explain_beyond", "queue explain 1dd1");
    check(&home, "explain_in_progress", "queue explain 0aa1");
    check(&home, "explain_unknown", "queue explain ff");
}

#[tokio::test]
async fn slots_that_a_run_has_left_behind_are_told() {
    let home = home().await;
    let instance = home.instance().await;
    instance.delete_run(&HOLDER.into()).await.expect("it is deleted");
    let pools = instance.pool_store();
    let claimed = pools.claim_concurrency_slot("snowflake", &HOLDER.into(), "load", None).await;
    claimed.expect("a slot");
    instance.dispose().await.expect("everything is stored");
    let told = home.run(&["queue", "explain", "1bb1"]);
    assert!(told.stdout.contains("0aa1c3d2 (not in progress)"), "{told}");
}

#[tokio::test]
async fn who_takes_runs_from_the_queue_is_told() {
    let home = home().await;
    let beat = async |id: &str, at: f64| {
        let instance = home.instance().await;
        let daemon_type = DaemonType::from(DaemonType::QUEUED_RUN_COORDINATOR);
        let heartbeat = DaemonHeartbeat::new(daemon_type, id, at, Vec::new());
        instance.add_daemon_heartbeat(&heartbeat).await.expect("it is stored");
        instance.dispose().await.expect("everything is stored");
    };
    let last_line = |arguments: &[&str]| {
        let told = home.run(arguments);
        told.stdout.lines().last().expect("a line").to_owned()
    };
    beat("dagster", NOW + FUTURE).await;
    insta::assert_snapshot!("keeper_dagster", last_line(&["queue", "list"]));
    beat("dagster\u{1b}", 1_000_000_000.0).await;
    let silent = last_line(&["queue", "explain", "1bb1"]);
    let expect = "Nobody seems to take runs from the queue: the last heartbeat of Dagster's daemon (id \
                  \"dagster\\u{1b}\") is ";
    assert!(silent.starts_with(expect) && silent.ends_with(" days old."), "{silent}");

    let lease = async |at: f64, released: bool| {
        let holder = format!(
            r#"{{"id": "ours", "epoch": 1, "pid": 4711, "host": "a", "birth": "", "released": {released}}}"#
        );
        let pairs = [
            ("dagster_instance/lease/QUEUED_RUN_COORDINATOR".to_owned(), holder),
            ("dagster_instance/lease_sign/QUEUED_RUN_COORDINATOR".to_owned(), format!("1/7/{at}")),
        ];
        let instance = home.instance().await;
        instance.daemon_store().set_cursor_values(&pairs.into()).await.expect("it is stored");
        instance.dispose().await.expect("everything is stored");
    };
    lease(1_000_000_000.0, false).await;
    let killed = last_line(&["queue", "list"]);
    let expect = "Nobody seems to take runs from the queue: the last sign of dagster-instance (pid 4711 on host a) is ";
    assert!(killed.starts_with(expect), "{killed}");
    lease(NOW + FUTURE, true).await;
    beat("ours", NOW + FUTURE).await;
    insta::assert_snapshot!("keeper_none", last_line(&["queue", "list"]));
    lease(NOW + FUTURE, false).await;
    insta::assert_snapshot!("keeper_ours", last_line(&["queue", "list"]));
    check(&home, "keeper_json", "queue explain 1dd1 --json");
}

#[tokio::test]
async fn without_a_queue_there_is_nothing_to_list() {
    let home = Home::empty();
    home.instance().await.dispose().await.expect("an instance");
    let text =
        "run_coordinator: {module: dagster.core.run_coordinator, class: DefaultRunCoordinator}\n";
    std::fs::write(home.path().join("dagster.yaml"), text).expect("a file");
    check(&home, "no_queue", "queue list");
}

#[cfg(feature = "grpc")]
#[tokio::test]
async fn runs_are_taken_only_if_nobody_else_takes_them() {
    let home = home().await;
    let instance = home.instance().await;
    for id in [NEXT, BEYOND, POOLED] {
        instance.delete_run(&id.into()).await.expect("it is deleted");
    }
    instance.dispose().await.expect("everything is stored");
    check(&home, "run_of_none", "queue run");
    check(&home, "run_of_none_json", "queue run --json");

    let instance = home.instance().await;
    let daemon_type = DaemonType::from(DaemonType::QUEUED_RUN_COORDINATOR);
    let heartbeat = DaemonHeartbeat::new(daemon_type, "dagster", NOW + FUTURE, Vec::new());
    instance.add_daemon_heartbeat(&heartbeat).await.expect("it is stored");
    instance.dispose().await.expect("everything is stored");
    let refused = home.run(&["queue", "run", "--refuse-at-once"]);
    assert_eq!((refused.code, refused.stdout.as_str()), (Some(4), ""), "{refused}");
    assert!(refused.stderr.contains("QUEUED_RUN_COORDINATOR"), "{refused}");
}
