//! Keepers: loops that do the duties of Dagster's daemons.
//!
//! Of all keepers of a duty, in whatever processes, one is the leader and acts. The others wait. The leader has a lease, and
//! what it changes is fenced: a process that has lost its lease changes nothing.
//!
//! Here: who leads, what the leader tells others, when a duty looks, and how all of it ends. Not here: what a duty does; each
//! implements [`Duty`].

mod duty;
mod heartbeat;
mod holder;
mod lease;
mod options;
mod process;
mod run;
mod status;
mod twin;
mod work;

pub use duty::{Duty, Look};
pub use lease::Lease;
pub use options::{KeeperDuty, KeeperOptions, KeeperTimes, TwinCheck};
pub use process::KeeperProcess;
pub use run::{keep, keep_once};
pub use status::{KeeperLease, get_keeper_leases};
