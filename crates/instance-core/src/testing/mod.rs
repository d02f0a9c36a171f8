//! The conformance suite: what every storage does, whatever keeps its rows.
//!
//! Who writes a backend runs all of it with one line. The macro takes the name of an async function
//! that makes a storage, and expands to a `#[tokio::test]` for each case; each case gets a storage of its
//! own, fresh and empty, and drops it when it is done.
//!
//! ```
//! # use std::sync::Arc;
//! # use instance_core::storage::RunStorage;
//! # fn open_my_storage() -> Arc<dyn RunStorage> { std::process::abort() }
//! // Of a backend that has a store of runs and no other.
//! async fn my_storage() -> Arc<dyn RunStorage> {
//!     open_my_storage()
//! }
//!
//! instance_core::run_storage_tests!(my_storage);
//! # fn main() {}
//! ```
//!
//! [`run_storage_tests!`](crate::run_storage_tests), [`event_log_storage_tests!`](crate::event_log_storage_tests)
//! and [`schedule_storage_tests!`](crate::schedule_storage_tests) are about one store each,
//! [`run_event_store_tests!`](crate::run_event_store_tests) is about runs together with their events,
//! [`compute_log_manager_tests!`](crate::compute_log_manager_tests) is about what processes print, and
//! [`storage_tests!`](crate::storage_tests) is about all of it, and what the stores do together. What the function
//! returns is asked for a store by [`AsRef`]: an `Arc` or `Box` of a store is enough, and a type of its own
//! can hold what has to be there as long as the store, such as a directory:
//!
//! ```
//! # use std::sync::Arc;
//! # use instance_core::storage::{EventLogStorage, RunEventStore, RunStorage, ScheduleStorage};
//! # struct Directory;
//! # fn open_mine() -> Mine { std::process::abort() }
//! struct Mine {
//!     runs: Arc<dyn RunStorage>,
//!     events: Arc<dyn EventLogStorage>,
//!     schedules: Arc<dyn ScheduleStorage>,
//!     run_events: Arc<dyn RunEventStore>,
//!     _directory: Directory,
//! }
//!
//! impl AsRef<dyn RunStorage> for Mine {
//!     fn as_ref(&self) -> &dyn RunStorage {
//!         &*self.runs
//!     }
//! }
//! # impl AsRef<dyn EventLogStorage> for Mine { fn as_ref(&self) -> &dyn EventLogStorage { &*self.events } }
//! # impl AsRef<dyn ScheduleStorage> for Mine { fn as_ref(&self) -> &dyn ScheduleStorage { &*self.schedules } }
//! # impl AsRef<dyn RunEventStore> for Mine { fn as_ref(&self) -> &dyn RunEventStore { &*self.run_events } }
//! // .. and for the other three.
//!
//! async fn mine() -> Mine {
//!     open_mine()
//! }
//!
//! instance_core::storage_tests!(mine);
//! # fn main() {}
//! ```
//!
//! Where runs and events are in different places, [`SeparateStores`](crate::storage::SeparateStores) are both
//! together.
//!
//! A case is a function that panics where the contract is broken. It takes the smallest trait that it is
//! about, so that whoever has written a part of a store can call the cases of that part.
//!
//! Beside the sentences of the traits' documentation, cases are about what databases disagree on: times as
//! text, times before 1970 and beyond microseconds; case, wildcards and collation; where nothing is sorted;
//! lists longer than a statement may bind; numbers beyond 32 bits; empty text and no text; and text that a
//! database does not take, which is then refused as a whole.
//!
//! Not here: how a backend keeps its rows, what other programs find in them, and what happens when the
//! machine or the network fails. Those are tests of the backend.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "a case fails by panicking"
)]

use futures_util::future::BoxFuture;

pub mod clock;
pub mod compute_logs;
pub mod doubles;
pub mod event_log;
pub mod guarded;
pub mod instance;
pub mod launching;
pub mod observed;
pub mod run_events;
pub mod runs;
mod samples;
pub mod schedules;
pub mod schema;
pub mod together;

/// Runs every case about all three stores, about runs together with their events, and about what else the
/// stores do together, on the storages that an async function makes; what it returns gives each of the four by
/// [`AsRef`]. See [`testing`](crate::testing).
#[macro_export]
macro_rules! storage_tests {
    ($make:expr) => {
        mod run_storage {
            #[allow(unused_imports, reason = "the function may be named by its whole path")]
            use super::*;
            $crate::run_storage_tests!($make);
        }
        mod event_log_storage {
            #[allow(unused_imports, reason = "the function may be named by its whole path")]
            use super::*;
            $crate::event_log_storage_tests!($make);
        }
        mod schedule_storage {
            #[allow(unused_imports, reason = "the function may be named by its whole path")]
            use super::*;
            $crate::schedule_storage_tests!($make);
        }
        $crate::run_event_store_tests!($make);
        $crate::__together_tests!($make);
    };
}

/// One test for each case about one store.
#[doc(hidden)]
#[macro_export]
macro_rules! __storage_tests {
    ($make:expr, $storage:ident, $area:ident: $($group:ident { $($case:ident)* })*) => {
        $(
            mod $group {
                #[allow(unused_imports, reason = "the function may be named by its whole path")]
                use super::*;
                $(
                    #[::tokio::test]
                    async fn $case() {
                        let made = $make().await;
                        let storage: &dyn $crate::storage::$storage =
                            ::core::convert::AsRef::as_ref(&made);
                        $crate::testing::$area::$group::$case(storage).await;
                    }
                )*
            }
        )*
        mod schema {
            #[allow(unused_imports, reason = "the function may be named by its whole path")]
            use super::*;
            $crate::__storage_tests! { @schema $make, $storage:
                a_fresh_store_has_a_revision
                a_fresh_store_has_been_through_all_migrations
                a_fresh_store_has_no_data_to_migrate
                a_mark_of_a_migration_stays
                a_closed_store_may_be_used_again
            }
        }
    };
    (@schema $make:expr, $storage:ident: $($case:ident)*) => {
        $(
            #[::tokio::test]
            async fn $case() {
                let made = $make().await;
                let storage: &dyn $crate::storage::$storage = ::core::convert::AsRef::as_ref(&made);
                $crate::testing::schema::$case(storage).await;
            }
        )*
    };
}

/// A case by its name, as something that can be run on a store that is made for it.
pub type Case = (&'static str, Box<dyn Fn() -> BoxFuture<'static, ()> + Send + Sync>);

/// The cases about one store as a list, for who has to say of each what becomes of it.
#[doc(hidden)]
#[macro_export]
macro_rules! __storage_cases {
    ($make:expr, $storage:ident, $area:ident: $($group:ident { $($case:ident)* })*) => {
        ::std::vec![$($(
            {
                let make = ::core::clone::Clone::clone(&$make);
                let case: $crate::testing::Case = (
                    concat!(stringify!($group), "::", stringify!($case)),
                    ::std::boxed::Box::new(move || {
                        let make = ::core::clone::Clone::clone(&make);
                        ::std::boxed::Box::pin(async move {
                            let made = make().await;
                            let storage: &dyn $crate::storage::$storage =
                                ::core::convert::AsRef::as_ref(&made);
                            $crate::testing::$area::$group::$case(storage).await;
                        })
                    }),
                );
                case
            }
        ),*),*]
    };
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    /// Files of cases, each with the file that lists them.
    const FILES: &[(&str, &str)] = &[
        (include_str!("runs/runs.rs"), include_str!("runs/mod.rs")),
        (include_str!("runs/run_filters.rs"), include_str!("runs/mod.rs")),
        (include_str!("runs/run_changes.rs"), include_str!("runs/mod.rs")),
        (include_str!("runs/run_tags.rs"), include_str!("runs/mod.rs")),
        (include_str!("runs/snapshots.rs"), include_str!("runs/mod.rs")),
        (include_str!("runs/backfills.rs"), include_str!("runs/mod.rs")),
        (include_str!("runs/daemons.rs"), include_str!("runs/mod.rs")),
        (include_str!("runs/store.rs"), include_str!("runs/mod.rs")),
        (include_str!("event_log/events.rs"), include_str!("event_log/mod.rs")),
        (include_str!("event_log/event_records.rs"), include_str!("event_log/mod.rs")),
        (include_str!("event_log/stats.rs"), include_str!("event_log/mod.rs")),
        (include_str!("event_log/assets.rs"), include_str!("event_log/mod.rs")),
        (include_str!("event_log/asset_partitions.rs"), include_str!("event_log/mod.rs")),
        (include_str!("event_log/asset_checks.rs"), include_str!("event_log/mod.rs")),
        (include_str!("event_log/dynamic_partitions.rs"), include_str!("event_log/mod.rs")),
        (include_str!("event_log/pools.rs"), include_str!("event_log/mod.rs")),
        (include_str!("event_log/store.rs"), include_str!("event_log/mod.rs")),
        (include_str!("event_log/watch.rs"), include_str!("event_log/watch.rs")),
        (include_str!("run_events.rs"), include_str!("run_events.rs")),
        (include_str!("guarded.rs"), include_str!("run_events.rs")),
        (include_str!("schedules/instigators.rs"), include_str!("schedules/mod.rs")),
        (include_str!("schedules/ticks.rs"), include_str!("schedules/mod.rs")),
        (include_str!("schedules/automation.rs"), include_str!("schedules/mod.rs")),
        (include_str!("schedules/store.rs"), include_str!("schedules/mod.rs")),
        (include_str!("compute_logs.rs"), include_str!("compute_logs.rs")),
        (include_str!("schema.rs"), include_str!("mod.rs")),
        (include_str!("together.rs"), include_str!("together.rs")),
    ];

    /// A case that no macro names would never run, and nobody would notice.
    #[test]
    fn every_case_is_listed() {
        let mut cases = BTreeSet::new();
        for (file, list) in FILES {
            let listed: BTreeSet<&str> = list.lines().map(str::trim).collect();
            for line in file.lines() {
                let Some(rest) = line.strip_prefix("pub async fn ") else { continue };
                let name = rest.split(['(', '<']).next().unwrap_or_default();
                assert!(listed.contains(name), "the case {name} is in no list");
                assert!(cases.insert(name), "two cases are called {name}");
            }
        }
        assert!(cases.len() > 100, "only {} cases were found", cases.len());
    }
}
