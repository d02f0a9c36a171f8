//! The keeper of one duty is killed again and again, at random moments and while it waits for an answer of the code server.
//! Another process does the other duties, and lives.

use std::time::Duration;

use instance_core::error::BoxError;
use tokio::task::JoinSet;

use super::stub::Then;
use super::world::{Plan, Store, TEAM_LIMIT, World};
use super::{TestResult, all, seed};
use crate::crash::number;

/// How many times a keeper is killed, unless `DAGSTER_INSTANCE_KEEPERS_TIMES` says.
const TIMES: u64 = 5;

/// After so many kills it lives until everything is found that was taken from the queue. Otherwise so much would be left
/// at last that nothing else could be taken.
const RECOVERS_EVERY: u64 = 10;

/// A keeper is killed within this time.
const WORK: u64 = 2_000;

/// How long a call is waited for. If none comes, the keeper is killed all the same.
const CALL: Duration = Duration::from_secs(10);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Duty {
    Queue,
    Monitoring,
    Retries,
}

impl Duty {
    const ALL: [Self; 3] = [Self::Queue, Self::Monitoring, Self::Retries];

    const fn name(self) -> &'static str {
        match self {
            Self::Queue => "queue",
            Self::Monitoring => "monitoring",
            Self::Retries => "retries",
        }
    }

    const fn option(self) -> &'static str {
        match self {
            Self::Queue => "--queue",
            Self::Monitoring => "--monitoring",
            Self::Retries => "--retries",
        }
    }

    /// The calls of the code server that belong to the duty. Whoever lives makes some of them rarely, or never.
    const fn calls(self) -> [&'static str; 2] {
        match self {
            Self::Queue => ["StartRun", "StartRun"],
            Self::Monitoring => ["GetCurrentRuns", "CancelExecution"],
            Self::Retries => ["ExternalJob", "ExecutionPlanSnapshot"],
        }
    }

    /// The options of the keeper that is killed. A queue with few workers is nearly always in the middle of a launch.
    fn options(self, drawn: u64) -> Vec<&'static str> {
        let parallel = if drawn.is_multiple_of(2) { "2" } else { "8" };
        match self {
            Self::Queue => vec![self.option(), "--parallel", parallel],
            _ => vec![self.option()],
        }
    }

    fn others(self) -> Vec<&'static str> {
        Self::ALL.into_iter().filter(|duty| *duty != self).map(Self::option).collect()
    }
}

/// Where a keeper is killed.
#[derive(Debug, Clone, Copy)]
enum Place {
    Moment(Duration),
    Call(&'static str, Then),
}

impl Place {
    fn of(world: &World, duty: Duty, time: u64) -> Self {
        let drawn = world.drawn(u64::MAX - time);
        let call = duty.calls()[usize::from(drawn.is_multiple_of(2))];
        match time % 5 {
            1 => Self::Call(call, Then::Lost),
            3 => Self::Call(call, Then::Late),
            4 => Self::Call(call, Then::Unanswered),
            _ => Self::Moment(Duration::from_millis(drawn % WORK)),
        }
    }
}

async fn killed(duty: Duty, store: Store, times: u64) -> TestResult {
    // What nobody knows of is queued again, where nobody takes it for a run that has not started.
    let start_timeout = if duty == Duty::Queue { 240 } else { 5 };
    let plan = Plan { name: duty.name(), store, seed: seed(), start_timeout };
    let world = World::new(plan).await?;
    let options = |time: u64| duty.options(world.drawn(u64::MAX / 2 - time));
    let mut others = world.start(&duty.others())?;
    let mut daemon = world.start(&options(0))?;
    others.begins().await?;
    daemon.begins().await?;
    world.retries_begin().await?;
    let killing = async {
        let (mut gone, mut lost) = (Vec::new(), 0);
        for time in 0..times {
            let trap = match Place::of(&world, duty, time) {
                Place::Moment(moment) => {
                    tokio::time::sleep(moment).await;
                    None
                }
                Place::Call(call, then) => {
                    let mut trap = world.stub.trap(call, then);
                    let has_come = trap.springs(CALL).await;
                    lost += usize::from(has_come && call == "StartRun" && then == Then::Lost);
                    Some(trap)
                }
            };
            gone.push(daemon.pid());
            daemon.kill()?;
            drop(trap);
            daemon = world.start(&options(time + 1))?;
            daemon.begins().await?;
            if (time + 1) % RECOVERS_EVERY == 0 {
                world.claims_are_found(&gone).await?;
            }
        }
        Ok::<_, BoxError>((daemon, lost))
    };
    let (daemon, lost) = world.feed_during(killing).await?;
    world.rests().await?;
    let counts = world.ends([others, daemon]).await?;
    println!("{}, {times} times, {lost} launches lost: {counts:?}", world.name());
    assert!(counts.retries > 0 && counts.runs > counts.retries, "nothing has happened: {counts:?}");
    assert!(counts.most > TEAM_LIMIT, "the limits have not mattered: {counts:?}");
    assert!(counts.recovered >= lost, "{lost} launches were lost: {counts:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_keeper_that_is_killed_loses_nothing_and_does_nothing_twice() -> TestResult {
    let times = number("DAGSTER_INSTANCE_KEEPERS_TIMES", TIMES);
    let mut worlds = JoinSet::new();
    for duty in Duty::ALL {
        for store in [Store::Sqlite, Store::Postgres] {
            worlds.spawn(killed(duty, store, times));
        }
    }
    all(worlds).await
}
