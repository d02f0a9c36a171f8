//! When the next keeper leads: at once where it can be seen that the leader is gone, and never while it may live.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use instance_core::RunId;
use instance_core::daemon::DaemonType;
use instance_core::ops::DaemonStoreAccess as _;
use tokio::task::JoinSet;

use super::world::{Plan, Store, World};
use super::{TestResult, all, leader, seed, until};

/// Longer than any of it may take.
const FOREVER: Duration = Duration::from_mins(2);

/// How long a lease is not taken whose holder may live.
const LEASE: Duration = Duration::from_secs(10);

/// Waits until the worker of a run is started, and returns when that was.
async fn started(world: &World, run_id: &RunId) -> Result<Instant, instance_core::error::BoxError> {
    let find = || world.stub.started().into_iter().find(|(started, _)| started == run_id);
    until("the run is launched", FOREVER, || async { Ok(find().is_some()) }).await?;
    Ok(find().ok_or("it was there")?.1)
}

async fn leader_is_killed(store: Store) -> TestResult {
    let world =
        World::new(Plan { name: "takeover", store, seed: seed(), start_timeout: 240 }).await?;
    let mut daemons = vec![world.start(&[])?, world.start(&[])?];
    for daemon in &mut daemons {
        daemon.begins().await?;
    }
    until("somebody leads", FOREVER, || async { Ok(leader(&world).await?.is_some()) }).await?;
    let pid = leader(&world).await?;
    let place = daemons.iter().position(|daemon| Some(daemon.pid()) == pid).ok_or("not ours")?;
    daemons.remove(place).kill()?;
    let since = Instant::now();
    let run_id = world.feed().await?;
    let took = started(&world, &run_id).await? - since;
    println!("{}: launched {took:?} after the leader was killed", world.name());
    assert!(took < LEASE, "nobody has seen that the leader is gone: {took:?}");
    world.rests().await?;
    world.ends(daemons).await?;
    Ok(())
}

/// Whether a process of another host is gone, nobody can see. It leads as long as it gives signs.
async fn leader_is_elsewhere(store: Store) -> TestResult {
    let world =
        World::new(Plan { name: "elsewhere", store, seed: seed(), start_timeout: 240 }).await?;
    let daemon_type = DaemonType::QUEUED_RUN_COORDINATOR;
    let key = |kind: &str| format!("dagster_instance/{kind}/{daemon_type}");
    let holder =
        r#"{"birth":"","epoch":7,"host":"elsewhere","id":"theirs","pid":1,"released":false}"#;
    let holder = BTreeMap::from([(key("lease"), holder.to_owned())]);
    let sign = async |count: u32| {
        let sign = BTreeMap::from([(key("lease_sign"), format!("7/{count}/0.000"))]);
        world.instance.daemon_store().set_cursor_values(&sign).await
    };
    world.instance.daemon_store().set_cursor_values(&holder).await?;
    sign(0).await?;
    let mut daemon = world.start(&[])?;
    daemon.begins().await?;
    let run_id = world.feed().await?;
    for count in 1..=3 {
        tokio::time::sleep(Duration::from_secs(1)).await;
        sign(count).await?;
    }
    let since = Instant::now();
    let took = started(&world, &run_id).await? - since;
    println!("{}: launched {took:?} after the last sign of the leader", world.name());
    assert!(took >= LEASE, "the lease was taken from one who may live: {took:?}");
    world.rests().await?;
    world.ends([daemon]).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_leader_that_is_gone_is_replaced_and_one_that_may_live_is_not() -> TestResult {
    let mut worlds = JoinSet::new();
    for store in [Store::Sqlite, Store::Postgres] {
        worlds.spawn(leader_is_killed(store));
        worlds.spawn(leader_is_elsewhere(store));
    }
    all(worlds).await
}
