//! What each domain needs of an instance: one small trait for each domain.
//!
//! The facade implements all of them. Whoever uses one domain crate alone implements one.

mod assets;
mod config;
mod events;
mod launcher;
mod runs;
mod scheduling;
mod storage;

pub use assets::AssetOps;
pub use config::ConfigOps;
pub use events::{EventListener, EventOps};
pub use launcher::{LauncherOps, RunWorkerOps};
pub use runs::RunOps;
pub use scheduling::SchedulingOps;
pub use storage::StorageOps;
