//! A leader that is stopped in the middle of a launch, and wakes up when another one leads.

use std::pin::pin;
use std::time::{Duration, Instant};

use instance_core::error::BoxError;
use nix::sys::signal::Signal;
use tokio::task::{JoinSet, spawn_blocking};

use super::daemon::Daemon;
use super::stub::Then;
use super::world::{Plan, Store, World};
use super::{TestResult, all, leader, seed, until};
use crate::postgres::Holding;

/// Longer than it takes until a lease is lost.
const FOREVER: Duration = Duration::from_mins(2);

/// A lease is lost when it was not renewed for 10 seconds, and a leader renews it every 3 seconds.
const LEASE: Duration = Duration::from_secs(10);
const RENEWAL: Duration = Duration::from_secs(3);

/// How long a write takes at most that nobody is in the way of.
const WRITE: Duration = Duration::from_secs(5);

/// How long those are held up who write events, until the leader is among them.
const HELD_UP: Duration = Duration::from_secs(3);

/// The turn of our writers of events, which they take before they lock the table.
const TURN: &str = "SELECT pg_advisory_xact_lock(4919131752989214)";

/// So many workers are started while the first leader sleeps.
const LAUNCHES: usize = 20;

/// Stops a leader in the middle of a transaction that writes events: it waits for a lock, and gets it in its sleep.
async fn stop_in_transaction(sleeps: &Daemon, url: String) -> TestResult {
    let locks = [TURN, "LOCK TABLE event_logs IN SHARE ROW EXCLUSIVE MODE"];
    // In a thread of its own: whoever writes meanwhile must not be left alone in a transaction.
    let holding = spawn_blocking(move || Holding::new(&url, &locks)).await?;
    tokio::time::sleep(HELD_UP).await;
    sleeps.signal(Signal::SIGSTOP)?;
    Ok(spawn_blocking(move || drop(holding)).await?)
}

/// Stops a leader where it has no file of SQLite for itself: nobody could write it before the leader wakes up.
async fn stop_between_transactions(world: &World, sleeps: &Daemon) -> TestResult {
    loop {
        sleeps.signal(Signal::SIGSTOP)?;
        // It is not given up: a run is created and submitted, or neither.
        let mut feeding = pin!(world.feed());
        if let Ok(fed) = tokio::time::timeout(WRITE, &mut feeding).await {
            return fed.map(drop);
        }
        sleeps.signal(Signal::SIGCONT)?;
        feeding.await?;
    }
}

async fn stopped(store: Store) -> TestResult {
    let plan = Plan { name: "stopped", store, seed: seed(), start_timeout: 240 };
    let world = World::new(plan).await?;
    let mut both = [world.start(&[])?, world.start(&[])?];
    for daemon in &mut both {
        daemon.begins().await?;
    }
    world.retries_begin().await?;
    let stopping = async {
        let mut trap = world.stub.trap("StartRun", Then::Late);
        if !trap.springs(FOREVER).await {
            return Err("nothing is launched".into());
        }
        let pid = leader(&world).await?.ok_or("nobody leads")?;
        let sleeps =
            both.iter().find(|daemon| daemon.pid() == pid).ok_or("who leads is not ours")?;
        match world.url() {
            Some(url) => stop_in_transaction(sleeps, url).await?,
            None => stop_between_transactions(&world, sleeps).await?,
        }
        let since = Instant::now();
        drop(trap);
        until("another keeper leads", FOREVER, || async {
            Ok(leader(&world).await?.is_some_and(|leader| leader != pid))
        })
        .await?;
        let took = since.elapsed();
        if took + RENEWAL < LEASE {
            return Err(format!("the lease was taken after {took:?} from one who lives").into());
        }
        let before = world.stub.started().len();
        until("the other one launches runs", FOREVER, || async {
            Ok(world.stub.started().len() >= before + LAUNCHES)
        })
        .await?;
        sleeps.signal(Signal::SIGCONT)?;
        until("it finds out", FOREVER, || async {
            Ok(sleeps.said().contains("this keeper does not lead any more"))
        })
        .await?;
        let now = leader(&world).await?;
        if now == Some(pid) { Err("it leads again".into()) } else { Ok::<_, BoxError>(took) }
    };
    let took = world.feed_during(stopping).await?;
    world.rests().await?;
    let counts = world.ends(both).await?;
    println!("{}, taken over after {took:?}: {counts:?}", world.name());
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_leader_that_wakes_up_when_another_one_leads_changes_nothing() -> TestResult {
    let mut worlds = JoinSet::new();
    for store in [Store::Sqlite, Store::Postgres] {
        worlds.spawn(stopped(store));
    }
    all(worlds).await
}
