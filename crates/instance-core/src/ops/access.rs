//! What an instance gives access to: one trait for each thing, so that a domain names what it needs.
//!
//! A type that has all stores implements [`StoresAccess`], and by that has the accessor of each store. Whoever uses
//! one domain alone may implement only the accessors that this domain names.

use crate::clock::{Clock, IdSource};
use crate::event::EventListeners;
use crate::settings::InstanceSettings;
use crate::storage::{
    AssetCheckStore, AssetPartitionStore, AssetStore, AutomationStore, BackfillStore,
    ComputeLogManager, DaemonStore, DynamicPartitionStore, EventStore, EventWatch, InstigatorStore,
    PoolStore, RunEventStore, RunQueueStore, RunStore, ScheduleStorage, SettledEventStore,
    SnapshotStore, Stores, TickStore,
};

/// Access to all stores.
pub trait StoresAccess: Send + Sync {
    /// All stores.
    fn stores(&self) -> &Stores;
}

macro_rules! accessors_of_stores {
    ($($(#[$meta:meta])* $access:ident: fn $method:ident() -> $store:ident of $storage:ident;)*) => {
        $(
            $(#[$meta])*
            pub trait $access: Send + Sync {
                $(#[$meta])*
                fn $method(&self) -> &dyn $store;
            }

            impl<T: StoresAccess + ?Sized> $access for T {
                fn $method(&self) -> &dyn $store {
                    &*self.stores().$storage
                }
            }
        )*
    };
}

accessors_of_stores! {
    /// Access to runs and their tags.
    RunStoreAccess: fn run_store() -> RunStore of run_storage;
    /// Access to the runs that wait and those that go on.
    RunQueueStoreAccess: fn run_queue_store() -> RunQueueStore of run_storage;
    /// Access to the snapshots of jobs and plans.
    SnapshotStoreAccess: fn snapshot_store() -> SnapshotStore of run_storage;
    /// Access to backfills.
    BackfillStoreAccess: fn backfill_store() -> BackfillStore of run_storage;
    /// Access to events.
    EventStoreAccess: fn event_store() -> EventStore of event_log_storage;
    /// Access to the signals that wake followers of a run.
    EventWatchAccess: fn event_watch() -> EventWatch of event_log_storage;
    /// Access to assets.
    AssetStoreAccess: fn asset_store() -> AssetStore of event_log_storage;
    /// Access to what events say of the partitions of assets.
    AssetPartitionStoreAccess: fn asset_partition_store() -> AssetPartitionStore of event_log_storage;
    /// Access to the executions of asset checks.
    AssetCheckStoreAccess: fn asset_check_store() -> AssetCheckStore of event_log_storage;
    /// Access to the keys of dynamic partitions.
    DynamicPartitionStoreAccess: fn dynamic_partition_store() -> DynamicPartitionStore of event_log_storage;
    /// Access to pools.
    PoolStoreAccess: fn pool_store() -> PoolStore of event_log_storage;
    /// Access to the failures of runs in the order of their ids, and up to which id none is missing.
    SettledEventStoreAccess: fn settled_event_store() -> SettledEventStore of event_log_storage;
    /// Access to runs together with their events.
    RunEventStoreAccess: fn run_event_store() -> RunEventStore of run_event_store;
    /// Access to the states of schedules and sensors.
    InstigatorStoreAccess: fn instigator_store() -> InstigatorStore of schedule_storage;
    /// Access to the ticks of schedules and sensors.
    TickStoreAccess: fn tick_store() -> TickStore of schedule_storage;
    /// Access to evaluations of automation conditions.
    AutomationStoreAccess: fn automation_store() -> AutomationStore of schedule_storage;
    /// Access to all of the store of schedules and sensors.
    ScheduleStorageAccess: fn schedule_storage() -> ScheduleStorage of schedule_storage;
    /// Access to what daemons remember.
    DaemonStoreAccess: fn daemon_store() -> DaemonStore of run_storage;
}

/// Access to captured logs.
pub trait ComputeLogAccess: Send + Sync {
    /// Where the output of workers is captured.
    fn compute_log_manager(&self) -> &dyn ComputeLogManager;
}

/// Access to the time.
pub trait ClockAccess: Send + Sync {
    /// The clock.
    fn clock(&self) -> &dyn Clock;
}

/// Access to fresh ids.
pub trait IdAccess: Send + Sync {
    /// Where fresh ids come from.
    fn ids(&self) -> &dyn IdSource;
}

/// Access to the settings.
pub trait SettingsAccess: Send + Sync {
    /// The settings.
    fn settings(&self) -> &InstanceSettings;
}

/// Access to the listeners of this process.
pub trait ListenersAccess: Send + Sync {
    /// The listeners.
    fn event_listeners(&self) -> &EventListeners;
}
