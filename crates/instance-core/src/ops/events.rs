//! What the event domain needs of an instance.

use crate::event::EventBuffer;
use crate::ops::{
    ClockAccess, EventStoreAccess, EventWatchAccess, ListenersAccess, OwnedEventOps,
    RunEventStoreAccess, RunStoreAccess,
};
use crate::settings::{EventBatching, RunRetries};

/// What the event domain needs of an instance.
pub trait EventOps:
    RunStoreAccess
    + EventStoreAccess
    + RunEventStoreAccess
    + EventWatchAccess
    + ListenersAccess
    + ClockAccess
    + OwnedEventOps
{
    /// Whether and when failed runs are retried.
    fn run_retries(&self) -> RunRetries {
        RunRetries::default()
    }

    /// Which events wait for others before they are stored.
    fn event_batching(&self) -> EventBatching {
        EventBatching::default()
    }

    /// The events that wait.
    fn event_buffer(&self) -> &EventBuffer;
}
