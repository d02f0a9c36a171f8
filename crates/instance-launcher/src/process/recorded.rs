//! Processes as engine events of a run record them, and what is said of the health of one.

use instance_core::event::{
    EngineEventData, EventLogEntry, EventSpecificData, MetadataEntry, MetadataValue,
};
use instance_core::launcher::{CheckRunHealthResult, WorkerStatus};

use super::identity::{Presence, ProcessIdentity};

/// What is recorded of a process. The label says what kind of process it is.
pub(crate) fn process_metadata(process: &ProcessIdentity, label: &str) -> Vec<MetadataEntry> {
    vec![
        MetadataEntry::text("pid", process.pid.to_string()),
        MetadataEntry::text("host", &process.host),
        MetadataEntry::text(label, process.to_text()),
    ]
}

/// The process of this label that an event records.
pub(crate) fn process(data: &EngineEventData, label: &str) -> Option<ProcessIdentity> {
    ProcessIdentity::parse(text(data, "pid")?, text(data, "host")?, text(data, label)?)
}

/// The data of an engine event; `None` for any other event.
pub(crate) fn engine_data(entry: &EventLogEntry) -> Option<&EngineEventData> {
    match entry.dagster_event.as_ref()?.event_specific_data.as_deref()? {
        EventSpecificData::EngineEvent(data) => Some(data),
        _ => None,
    }
}

pub(crate) fn text<'a>(data: &'a EngineEventData, label: &str) -> Option<&'a str> {
    let entry = data.metadata.iter().find(|entry| entry.label == label)?;
    match &entry.entry_data {
        MetadataValue::Text(value) => value.text.as_deref(),
        _ => None,
    }
}

/// The health of a worker, as far as this process can tell. `addition` is the end of the message.
pub(crate) fn health(worker: &ProcessIdentity, addition: &str) -> CheckRunHealthResult {
    let ProcessIdentity { pid, host, .. } = worker;
    let (status, what) = match worker.presence() {
        Presence::Running => (WorkerStatus::Running, "runs".to_owned()),
        Presence::Gone => (WorkerStatus::NotFound, "is gone".to_owned()),
        Presence::Unknown(reason) => (WorkerStatus::Unknown, reason),
    };
    CheckRunHealthResult::new(status)
        .with_msg(format!("the worker (process {pid} of {host}) {what}{addition}"))
        .with_run_worker_id(format!("{host}:{pid}"))
}

/// What is said of a run without a record.
pub(crate) fn no_record() -> CheckRunHealthResult {
    CheckRunHealthResult::new(WorkerStatus::Unknown)
        .with_msg("no event of the run says which process its worker is")
}
