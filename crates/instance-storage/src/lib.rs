//! The storages: the stores of runs, events and schedules in databases, captured logs on disk, and
//! the functions of the storage domain.
//!
//! The only crate that knows SQL. The other domains are not known here.
//!
#![doc = include_str!("../README.md")]

mod compute_logs;
#[cfg(feature = "sqlite")]
mod db;
mod info;
#[cfg(feature = "sqlite")]
mod layouts;
#[cfg(feature = "sqlite")]
mod sql;
#[cfg(feature = "sqlite")]
mod stores;
#[cfg(feature = "sqlite")]
mod watch;

pub use compute_logs::LocalComputeLogManager;
#[cfg(feature = "postgres")]
pub use db::PostgresConfig;
pub use info::{StorageInfo, storage_info};
#[cfg(feature = "sqlite")]
pub use layouts::{OpenMode, StorageContext, Storages, is_indexed_tag};
