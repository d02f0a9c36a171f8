//! Two processes do all duties for one database, and are killed in turn.

use std::time::{Duration, Instant};

use instance_core::error::BoxError;
use tokio::task::JoinSet;

use super::world::{Plan, Store, World};
use super::{TestResult, all, seed};
use crate::crash::number;

/// For how many seconds they are killed, unless `DAGSTER_INSTANCE_KEEPERS_SECONDS` says.
const SECONDS: u64 = 20;

/// How long it takes from one kill to the next, in milliseconds: at least so long, and at most three times so long. In a long
/// test everything that was left by a kill is found before the next one.
const SHORT_PAUSE: u64 = 2_000;
const LONG_PAUSE: u64 = 15_000;

async fn killed_in_turn(store: Store, time: Duration) -> TestResult {
    let plan = Plan { name: "two", store, seed: seed(), start_timeout: 240 };
    let world = World::new(plan).await?;
    let mut both = [world.start(&[])?, world.start(&[])?];
    for daemon in &mut both {
        daemon.begins().await?;
    }
    world.retries_begin().await?;
    let pause = if time > Duration::from_mins(2) { LONG_PAUSE } else { SHORT_PAUSE };
    let killing = async {
        let (since, mut times) = (Instant::now(), 0);
        while since.elapsed() < time {
            let drawn = world.drawn(u64::MAX - times);
            tokio::time::sleep(Duration::from_millis(pause + drawn % (2 * pause))).await;
            let [one, other] = both;
            let (killed, lives) =
                if (drawn >> 32).is_multiple_of(2) { (one, other) } else { (other, one) };
            killed.kill()?;
            let mut next = world.start(&[])?;
            next.begins().await?;
            both = [lives, next];
            times += 1;
        }
        Ok::<_, BoxError>((both, times))
    };
    let (both, times) = world.feed_during(killing).await?;
    world.rests().await?;
    let counts = world.ends(both).await?;
    println!("{}, {times} times: {counts:?}", world.name());
    assert!(times > 2 && counts.retries > 0, "nothing has happened: {counts:?}");
    Ok(())
}

/// A session of a pooler is not one of the server. So nothing here may depend on a session.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_keepers_one_acts_also_if_they_are_killed_in_turn() -> TestResult {
    let time = Duration::from_secs(number("DAGSTER_INSTANCE_KEEPERS_SECONDS", SECONDS));
    let mut worlds = JoinSet::new();
    for store in [Store::Postgres, Store::Pooled] {
        worlds.spawn(killed_in_turn(store, time));
    }
    all(worlds).await
}
