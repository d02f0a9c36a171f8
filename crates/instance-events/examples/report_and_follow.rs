//! Reports the events of a run, over stores in memory, while another task follows them to the end of the run.
//!
//! `cargo run --package instance-events --example report_and_follow`

use instance_events::instance_core::RunId;
use instance_events::instance_core::event::{DagsterEvent, DagsterEventType, ReportEvent};
use instance_events::instance_core::memory::MemoryInstance;
use instance_events::instance_core::ops::{ClockAccess, RunStoreAccess};
use instance_events::instance_core::run::{DagsterRun, DagsterRunStatus};
use instance_events::{WatchEventLogs, WatchUntil, report_dagster_event, watch_event_logs};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let instance = MemoryInstance::default();
    let run = DagsterRun::new(RunId::from("7a1c"), "hello");
    instance.run_store().add_run(&run, instance.clock().now()).await?;

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
