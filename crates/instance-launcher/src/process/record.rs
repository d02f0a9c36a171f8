//! What the events of a run say about its worker and its command. Other processes find both by it.

use instance_core::event::{EventLogEntry, MetadataEntry};
use instance_core::launcher::CheckRunHealthResult;

use super::identity::{Presence, ProcessIdentity};
use super::recorded::{engine_data, health, process, process_metadata, text};

/// The label of the text that identifies the process of a worker.
const WORKER_LABEL: &str = "worker_process";

/// The label of the text that identifies the process of a command.
const COMMAND_LABEL: &str = "command_process";

/// The label of the signal on which the process of a worker stops its run.
const STOPPED_BY_LABEL: &str = "stopped_by";

/// The label of the process group of a command, if it has one of its own.
const GROUP_LABEL: &str = "process_group";

/// The worker of a run as it was recorded when the run was launched.
#[derive(Debug)]
pub(super) struct WorkerRecord {
    /// Its process.
    pub(super) process: ProcessIdentity,
    /// Whether SIGTERM to the process stops this run and nothing else.
    pub(super) passes_signals_on: bool,
    /// The command; `None` if it was not started, or not yet.
    pub(super) command: Option<CommandRecord>,
}

/// The command of a run as it was recorded when it was started.
#[derive(Debug)]
pub(super) struct CommandRecord {
    /// Its process.
    pub(super) process: ProcessIdentity,
    /// Whether it has a process group of its own.
    pub(super) has_group: bool,
}

impl WorkerRecord {
    /// The last worker that the engine events of a run name; `None` if no launcher of this kind has launched the run.
    pub(super) fn of_entries(entries: &[EventLogEntry]) -> Option<Self> {
        let mut command = None;
        for data in entries.iter().rev().filter_map(engine_data) {
            if let Some(process) = process(data, COMMAND_LABEL) {
                let has_group = text(data, GROUP_LABEL).is_some();
                command.get_or_insert(CommandRecord { process, has_group });
            }
            if let Some(process) = process(data, WORKER_LABEL) {
                let passes_signals_on = text(data, STOPPED_BY_LABEL).is_some();
                return Some(Self { process, passes_signals_on, command });
            }
        }
        None
    }

    /// The health of the worker, as far as this process can tell.
    pub(super) fn health(&self) -> CheckRunHealthResult {
        let left = self.command_left_behind().map(|command| {
            format!("; its command (process {}) was left behind", command.process.pid)
        });
        health(&self.process, &left.unwrap_or_default())
    }

    /// The command, if it still runs and the worker is gone.
    pub(super) fn command_left_behind(&self) -> Option<&CommandRecord> {
        let command = self.command.as_ref()?;
        let is_left = self.process.presence() == Presence::Gone
            && command.process.presence() == Presence::Running;
        is_left.then_some(command)
    }
}

/// What is recorded of a worker when a run is launched.
pub(super) fn worker_metadata(
    process: &ProcessIdentity,
    passes_signals_on: bool,
) -> Vec<MetadataEntry> {
    let mut metadata = process_metadata(process, WORKER_LABEL);
    if passes_signals_on {
        metadata.push(MetadataEntry::text(STOPPED_BY_LABEL, "SIGTERM"));
    }
    metadata
}

/// What is recorded of a command when it is started.
pub(super) fn command_metadata(
    process: &ProcessIdentity,
    program: &str,
    has_group: bool,
) -> Vec<MetadataEntry> {
    // Without the arguments: they are in the configuration of the run.
    let mut metadata = process_metadata(process, COMMAND_LABEL);
    metadata.push(MetadataEntry::text("program", program));
    if has_group {
        metadata.push(MetadataEntry::text(GROUP_LABEL, process.pid.to_string()));
    }
    metadata
}
