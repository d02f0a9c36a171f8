//! What the event domain needs of an instance.

use std::sync::Arc;

use crate::clock::Clock;
use crate::event::EventLogRecord;
use crate::ids::RunId;
use crate::storage::{EventStore, RunStore};

/// Called with each entry of a run after it was stored.
pub type EventListener = Arc<dyn Fn(&EventLogRecord) + Send + Sync>;

/// What the event domain needs of an instance.
pub trait EventOps: Send + Sync {
    /// Runs, whose status follows from events.
    fn run_store(&self) -> &dyn RunStore;

    /// Events.
    fn event_store(&self) -> &dyn EventStore;

    /// The clock.
    fn clock(&self) -> &dyn Clock;

    /// Adds a listener to the entries of a run that this process stores.
    fn add_listener(&self, run_id: &RunId, listener: EventListener);

    /// The listeners to the entries of a run, in the order in which they were added.
    fn listeners(&self, run_id: &RunId) -> Vec<EventListener>;

    /// Forgets the listeners to the entries of a run.
    fn remove_listeners(&self, run_id: &RunId);
}
