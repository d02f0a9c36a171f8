//! What the tests share, beside the instance in memory.

use std::error::Error;
use std::sync::{Mutex, PoisonError};

use instance_core::event::{DagsterEvent, EventLogEntry, LogLevel};
use instance_core::ids::RunId;
use instance_core::run::DagsterRun;
use instance_core::testing::instance::{TestInstance, at_once};
use instance_core::testing::observed::StoreCall;

/// What every test returns, so that steps of no interest need no words.
pub(crate) type TestResult = Result<(), Box<dyn Error>>;

/// The id that the first run is given for which none is asked.
pub(crate) const FRESH_ID: &str = "00000000-0000-0000-0000-000000000001";

/// The events that were stored, in their order.
pub(crate) fn events(instance: &TestInstance) -> Vec<(DagsterEvent, RunId, LogLevel)> {
    let event = |entry: EventLogEntry| Some((*entry.dagster_event?, entry.run_id, entry.level));
    instance.all_entries().into_iter().filter_map(event).collect()
}

/// Somebody else adds this run, just before the next one is added.
pub(crate) fn overtake(instance: &TestInstance, other: DagsterRun) {
    let (other, same) = (Mutex::new(Some(other)), instance.clone());
    instance.store_calls.refuse(move |call| {
        if matches!(call, StoreCall::AddRun(_))
            && let Some(other) = other.lock().unwrap_or_else(PoisonError::into_inner).take()
        {
            at_once(same.add_run(other));
        }
        Ok(())
    });
}
