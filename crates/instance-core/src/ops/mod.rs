//! What each domain needs of an instance: one trait for each domain.
//!
//! Each trait is a sum of accessors ([`access`](self)), each of which is declared once, and of what the domain
//! alone needs. The facade implements all of the traits. Whoever uses one domain crate alone implements one.

mod access;
mod assets;
mod config;
mod events;
mod keepers;
mod launcher;
mod owned;
mod reexecution;
mod reporting;
mod runs;
mod scheduling;
mod storage;

pub use access::{
    AssetCheckStoreAccess, AssetPartitionStoreAccess, AssetStoreAccess, AutomationStoreAccess,
    BackfillStoreAccess, ClockAccess, ComputeLogAccess, DaemonStoreAccess,
    DynamicPartitionStoreAccess, EventStoreAccess, EventWatchAccess, IdAccess,
    InstigatorStoreAccess, ListenersAccess, PoolStoreAccess, RunEventStoreAccess,
    RunQueueStoreAccess, RunStoreAccess, ScheduleStorageAccess, SettingsAccess,
    SettledEventStoreAccess, SnapshotStoreAccess, StoresAccess, TickStoreAccess,
};
pub use assets::AssetOps;
pub use config::ConfigOps;
pub use events::EventOps;
pub use keepers::KeeperOps;
pub use launcher::{LauncherOps, RunWorkerOps};
pub use owned::{OwnedEventOps, OwnedKeeperOps, OwnedLauncherOps};
pub use reexecution::{CreateReexecutedRun, RunReexecutor};
pub use reporting::{EventReporter, EventReporterExt};
pub use runs::RunOps;
pub use scheduling::SchedulingOps;
pub use storage::StorageOps;
