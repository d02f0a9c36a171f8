//! The looks of a duty: when the next one begins, and what becomes of one that fails or panics.

use std::sync::Arc;
use std::time::Duration;

use instance_core::error::{BoxError, chain};
use instance_core::error_info::SerializableErrorInfo;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

use super::{Duty, KeeperTimes, Lease, Look};

/// A loop that has not come round for so long, and for so many intervals, is stuck. Its duty leaves no heartbeat.
const STUCK_AFTER: Duration = Duration::from_mins(5);
const STUCK_AFTER_INTERVALS: u32 = 10;

/// The looks of a duty, one at a time.
#[derive(Debug)]
pub(super) struct Looks {
    duty: Arc<dyn Duty>,
    times: KeeperTimes,
    running: Option<Running>,
    next: Instant,
    /// When the last look ended, or the keeper began to lead.
    came_round: Instant,
    /// How many looks have failed since one succeeded.
    failures: u32,
}

#[derive(Debug)]
struct Running {
    begun: Instant,
    look: JoinHandle<Result<Look, BoxError>>,
}

impl Looks {
    pub(super) fn new(duty: Arc<dyn Duty>, times: KeeperTimes) -> Self {
        let now = Instant::now();
        Self { duty, times, running: None, next: now, came_round: now, failures: 0 }
    }

    /// A keeper becomes the leader, and looks at once.
    pub(super) fn begin(&mut self) {
        self.next = Instant::now();
        self.came_round = self.next;
        self.failures = 0;
    }

    /// Goes on with the looks until one has ended, and returns its errors. It may be dropped at any time, and goes on where it
    /// was with the next call.
    pub(super) async fn advance(&mut self, lease: &Lease) -> Vec<SerializableErrorInfo> {
        loop {
            if let Some(running) = &mut self.running {
                let ended = (&mut running.look).await;
                let begun = running.begun;
                self.running = None;
                return self.ended(begun, ended.unwrap_or_else(|error| Err(error.into())));
            }
            sleep_until(self.next).await;
            if lease.may_begin() {
                let (duty, lease) = (Arc::clone(&self.duty), lease.clone());
                let look = async move { duty.look(&lease).await.map_err(BoxError::from) };
                // A task of its own, so that a panic ends this look and nothing else.
                let look = tokio::spawn(look);
                self.running = Some(Running { begun: Instant::now(), look });
            } else {
                // While nothing may begin, the loop comes round all the same.
                self.came_round = Instant::now();
                self.next = self.came_round + self.times.look_every;
            }
        }
    }

    fn ended(
        &mut self,
        begun: Instant,
        ended: Result<Look, BoxError>,
    ) -> Vec<SerializableErrorInfo> {
        self.came_round = Instant::now();
        let daemon_type = self.duty.daemon_type();
        match ended {
            Ok(Look { errors, again_after }) => {
                self.failures = 0;
                let by_interval = begun + self.duty.interval();
                let earlier = again_after.map_or(by_interval, |after| self.came_round + after);
                self.next = by_interval.min(earlier).max(self.came_round);
                errors
            }
            Err(error) => {
                let pause = self.times.pause_after_failure * 2_u32.saturating_pow(self.failures);
                let pause = pause.min(self.times.longest_pause);
                self.failures = self.failures.saturating_add(1).min(16);
                self.next = self.came_round + pause;
                tracing::error!(
                    %daemon_type, error = %chain(&*error), "a look failed; the next one is in {} s", pause.as_secs_f64()
                );
                vec![SerializableErrorInfo::from_error("KeeperError", &*error)]
            }
        }
    }

    /// Whether a look takes so long that nobody should believe that the duty is done.
    pub(super) fn are_stuck(&self) -> bool {
        let intervals = self.duty.interval().saturating_mul(STUCK_AFTER_INTERVALS);
        self.came_round.elapsed() > intervals.max(STUCK_AFTER)
    }

    /// Waits for the look that is running and for what looks have left behind, and gives up after the grace.
    pub(super) async fn finish(&mut self, grace: Duration) {
        let duty = Arc::clone(&self.duty);
        let finishing = async {
            if let Some(running) = &mut self.running {
                // What became of it, nobody asks any more.
                let _ = (&mut running.look).await;
            }
            duty.finish().await;
        };
        if tokio::time::timeout(grace, finishing).await.is_err() {
            let daemon_type = duty.daemon_type();
            tracing::warn!(%daemon_type, "what was in flight has not ended in {} s", grace.as_secs_f64());
        }
        if let Some(running) = self.running.take() {
            running.look.abort();
        }
    }
}

/// With the keeper, its look ends.
impl Drop for Looks {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            running.look.abort();
        }
    }
}
