//! What the event domain needs of an instance.

use std::sync::Arc;

use crate::clock::Clock;
use crate::event::{EventBuffer, EventLogRecord};
use crate::ids::RunId;
use crate::settings::{EventBatching, RunRetries};
use crate::storage::{EventStore, EventWatch, RunEventStore, RunStore};

/// Called with each entry of a run after it was stored.
pub type EventListener = Arc<dyn Fn(&EventLogRecord) + Send + Sync>;

/// What the event domain needs of an instance.
pub trait EventOps: Send + Sync {
    /// Runs, whose status follows from events.
    fn run_store(&self) -> &dyn RunStore;

    /// Events.
    fn event_store(&self) -> &dyn EventStore;

    /// Events together with the runs that they change.
    fn run_event_store(&self) -> &dyn RunEventStore;

    /// Wakes those who follow events.
    fn event_watch(&self) -> &dyn EventWatch;

    /// The clock.
    fn clock(&self) -> &dyn Clock;

    /// Whether and when failed runs are retried.
    fn run_retries(&self) -> RunRetries;

    /// Which events wait for others before they are stored.
    fn event_batching(&self) -> EventBatching;

    /// The events that wait.
    fn event_buffer(&self) -> &EventBuffer;

    /// Adds a listener to the entries of a run that this process stores.
    fn add_listener(&self, run_id: &RunId, listener: EventListener);

    /// The listeners to the entries of a run, in the order in which they were added.
    fn listeners(&self, run_id: &RunId) -> Vec<EventListener>;

    /// Forgets the listeners to the entries of a run.
    fn remove_listeners(&self, run_id: &RunId);

    /// The same instance for a task that outlives the call.
    fn for_task(&self) -> Arc<dyn EventOps>;
}
