//! Reports the events of a run, over stores in memory, while another task follows them to the end of the run.
//!
//! `cargo run --package instance-events --example report_and_follow`

use std::sync::Arc;

use instance_events::instance_core::RunId;
use instance_events::instance_core::clock::{Clock, SystemClock};
use instance_events::instance_core::event::{
    DagsterEvent, DagsterEventType, EventBuffer, EventListeners, ReportEvent,
};
use instance_events::instance_core::memory::MemoryStores;
use instance_events::instance_core::ops::{
    ClockAccess, EventOps, ListenersAccess, RunStoreAccess, StoresAccess,
};
use instance_events::instance_core::run::{DagsterRun, DagsterRunStatus};
use instance_events::instance_core::storage::Stores;
use instance_events::{WatchEventLogs, WatchUntil, report_dagster_event, watch_event_logs};

/// What the functions of this crate need of an instance, and no more. Clones are handles to the same instance.
#[derive(Clone)]
struct Instance {
    stores: Stores,
    listeners: Arc<EventListeners>,
    buffer: Arc<EventBuffer>,
}

impl StoresAccess for Instance {
    fn stores(&self) -> &Stores {
        &self.stores
    }
}

impl ListenersAccess for Instance {
    fn event_listeners(&self) -> &EventListeners {
        &self.listeners
    }
}

impl ClockAccess for Instance {
    fn clock(&self) -> &dyn Clock {
        &SystemClock
    }
}

impl EventOps for Instance {
    fn event_buffer(&self) -> &EventBuffer {
        &self.buffer
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let stores = MemoryStores::default().stores();
    let instance = Instance { stores, listeners: Arc::default(), buffer: Arc::default() };
    let run = DagsterRun::new(RunId::from("7a1c"), "hello");
    instance.run_store().add_run(&run, SystemClock.now()).await?;

    let follow = WatchEventLogs::new(run.run_id.clone()).with_until(WatchUntil::RunEnds);
    let mut events = watch_event_logs(&instance, follow).await?;
    let follower = tokio::spawn(async move {
        let mut messages = Vec::new();
        while let Some(record) = events.next().await {
            messages.push(record?.event_log_entry.message().to_owned());
        }
        Ok::<_, instance_events::instance_core::InstanceError>(messages)
    });

    for (event_type, message) in [
        (DagsterEventType::RunStart, "The run begins."),
        (DagsterEventType::StepStart, "Its only step begins."),
        (DagsterEventType::RunSuccess, "The run is done."),
    ] {
        let event = DagsterEvent::new(event_type, &run.job_name).with_message(message);
        report_dagster_event(&instance, ReportEvent::new(event, &run.run_id)).await?;
    }

    let messages = follower.await??;
    println!("{}", messages.join("\n"));
    assert_eq!(messages, ["The run begins.", "Its only step begins.", "The run is done."]);

    // The run has followed its events.
    let record = instance.run_store().get_run_record(&run.run_id).await?.ok_or("no run")?;
    assert_eq!(record.dagster_run.status, DagsterRunStatus::Success);
    Ok(())
}
