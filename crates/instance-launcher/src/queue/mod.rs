//! The queue of runs: which of the queued runs are launched next, and why each of the others waits.
//!
//! What is decided is pure: no clock, no store, no network. The same input gives the same output. Beside it: reading the
//! queue of an instance, who keeps it, and the loop that takes runs from it and launches them.

mod cache;
pub(crate) mod claim_note;
mod claims;
mod counters;
mod decide;
mod dequeue;
mod duty;
mod explain;
mod keeper;
mod launch;
mod locations;
mod pauses;
mod reading;
mod shared;
mod snapshot;
mod wait;

pub use decide::{QueueDecision, WaitingRun, decide};
pub use dequeue::{DequeueOptions, QueueLook};
pub use duty::QueueDuty;
pub use explain::{Ahead, Check, Explanation, explain};
pub use keeper::{QueueKeeper, QueueKeeperKind, get_queue_keeper};
pub use reading::{RunQueue, UnreadableRun, get_run_queue};
pub use snapshot::{InProgressRun, LocationPause, PoolFill, QueueSnapshot, QueuedRun};
pub use wait::{PoolWait, WaitReason};
