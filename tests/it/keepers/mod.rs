//! `daemon run` that is killed, stopped and there twice. Whatever happens, every run ends, no worker is started twice, no
//! limit is exceeded, each failed run is retried once, and nothing is left behind.
//!
//! The code server is a stub in this process, as are its workers. `cargo xtask keepers` kills more often than the gate does,
//! or at other moments.

mod checks;
mod code;
mod daemon;
mod grpc;
mod killed;
mod stopped;
mod stub;
mod takeover;
mod two_at_once;
mod worker;
mod world;

use std::time::{Duration, Instant};

use instance_core::daemon::DaemonType;
use instance_core::error::BoxError;
use tokio::task::JoinSet;

use crate::crash::number;
use world::World;

type TestResult = Result<(), BoxError>;

/// The number that everything random follows from.
fn seed() -> u64 {
    number("DAGSTER_INSTANCE_KEEPERS_SEED", 1)
}

/// Waits for all worlds, and tells what went wrong in each.
async fn all(mut worlds: JoinSet<TestResult>) -> TestResult {
    let mut wrong = Vec::new();
    while let Some(ended) = worlds.join_next().await {
        wrong.extend(ended?.err().map(|error| error.to_string()));
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n\n").into()) }
}

/// The process that leads the queue; `None` if the lease was released.
async fn leader(world: &World) -> Result<Option<u32>, BoxError> {
    let leases = world.instance.get_keeper_leases().await?;
    let of_queue = leases
        .iter()
        .find(|lease| lease.daemon_type.as_str() == DaemonType::QUEUED_RUN_COORDINATOR);
    Ok(of_queue.filter(|lease| !lease.is_released).map(|lease| lease.process.pid))
}

/// Waits until something is so.
async fn until<F: Future<Output = Result<bool, BoxError>>>(
    what: &str,
    within: Duration,
    is_so: impl Fn() -> F,
) -> TestResult {
    let since = Instant::now();
    while !is_so().await? {
        if since.elapsed() > within {
            return Err(format!("it was waited in vain until {what}").into());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}
