//! The storages: the stores of runs, events and schedules in databases, captured logs on disk, and
//! the functions of the storage domain.
//!
//! The only crate that knows SQL. The other domains are not known here.

mod compute_logs;
mod info;
#[cfg(feature = "sqlite")]
mod sql;
#[cfg(feature = "sqlite")]
mod sqlite;

pub use compute_logs::LocalComputeLogManager;
pub use info::{StorageInfo, storage_info};
#[cfg(feature = "sqlite")]
pub use sqlite::{OpenMode, SqliteStorages};
