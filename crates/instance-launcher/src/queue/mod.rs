//! The queue of runs: which of the queued runs are launched next, and why each of the others waits.
//!
//! All of it is pure: no clock, no store, no network. The same input gives the same output.

mod counters;
mod decide;
mod explain;
mod snapshot;
mod wait;

pub use decide::{QueueDecision, WaitingRun, decide};
pub use explain::{Ahead, Check, Explanation, explain};
pub use snapshot::{InProgressRun, LocationPause, PoolFill, QueueSnapshot, QueuedRun};
pub use wait::{PoolWait, WaitReason};
