//! What is done for each message: the events of the run that it becomes, in the order in which messages come.

use instance_core::asset_key::AssetKey;
use instance_core::assets::AssetCheckEvaluationTargetMaterializationData;
use instance_core::clock::timestamp_of;
use instance_core::command::COMMAND_OP;
use instance_core::error::{ErrorKind, InstanceError};
use instance_core::error_info::SerializableErrorInfo;
use instance_core::event::{DagsterEvent, EventLogEntry, LogLevel};
use instance_core::serdes::UnknownFields;
use instance_core::storage::{ComputeIoType, ComputeLogCapture};

use super::messages::{CheckReport, Message, read_line};
use super::{BATCH, Told};
use crate::process::events::RunEvents;
use crate::process::output::OutputSink;
use crate::process::worker::Worker;

/// How many lines may be broken until no more are read.
const BROKEN_LINES: u32 = 1_000;

/// How many characters of a broken line its event shows.
const SHOWN: usize = 200;

/// Handles the messages of one command.
pub(super) struct Handler<'a> {
    worker: &'a Worker,
    log: &'a dyn ComputeLogCapture,
    output: Option<&'a OutputSink>,
    /// What is yet to be stored.
    entries: Vec<EventLogEntry>,
    told: Told,
    line: u64,
    broken: u32,
    is_opened: bool,
    is_closed: bool,
    is_version_noted: bool,
}

impl<'a> Handler<'a> {
    pub(super) fn new(
        worker: &'a Worker,
        log: &'a dyn ComputeLogCapture,
        output: Option<&'a OutputSink>,
    ) -> Self {
        Self {
            worker,
            log,
            output,
            entries: Vec::new(),
            told: Told::default(),
            line: 0,
            broken: 0,
            is_opened: false,
            is_closed: false,
            is_version_noted: false,
        }
    }

    /// Handles a line. `false` if no more lines are wanted.
    pub(super) async fn handle(&mut self, line: &[u8]) -> bool {
        self.line += 1;
        let text = String::from_utf8_lossy(line);
        let text = text.trim_end();
        if text.is_empty() {
            return true;
        }
        if self.is_closed {
            self.say(
                LogLevel::WARNING,
                format!("[pipes] unexpected message received after closed: `{text}`"),
            );
        }
        match read_line(text) {
            Ok(line) => {
                if let Some(version) = line.unknown_version
                    && !std::mem::replace(&mut self.is_version_noted, true)
                {
                    let warning = format!(
                        "[pipes] the external process speaks version {version} of the protocol; it is read as \
                         version 0.1, as far as it is understood"
                    );
                    self.say(LogLevel::WARNING, warning);
                }
                self.obey(line.message).await;
            }
            Err(reason) => {
                self.broken += 1;
                if self.broken > BROKEN_LINES {
                    self.give_up(&format!("more than {BROKEN_LINES} lines are broken"));
                    return false;
                }
                let shown: String = text.chars().take(SHOWN).collect();
                self.not_understood(&format!("line {}: {reason}: {shown}", self.line));
            }
        }
        if self.entries.len() >= BATCH {
            self.flush().await;
        }
        true
    }

    async fn obey(&mut self, message: Message) {
        match message {
            Message::Opened => {
                if !std::mem::replace(&mut self.is_opened, true) {
                    let text = "[pipes] external process successfully opened dagster pipes.";
                    self.say(LogLevel::INFO, text.to_owned());
                }
            }
            Message::Closed(exception) => {
                self.is_closed = true;
                if let Some(exception) = exception {
                    self.report(self.events().pipes_closed_with((*exception).clone()));
                    self.told.exception = Some(exception);
                }
            }
            Message::Log { message, level } => self.say(level, message),
            Message::Materialization(report) => {
                self.told.materialized.insert(report.asset_key.clone());
                let partition = self.partition();
                self.report(self.events().pipes_materialization(report, partition));
            }
            Message::Observation(report) => {
                let partition = self.partition();
                self.report(self.events().pipes_observation(report, partition));
            }
            Message::Check(check) => self.check(*check).await,
            Message::Custom(payload) => {
                let text = format!("[pipes] custom message: {}", payload.as_str());
                self.say(LogLevel::INFO, text);
                let sink = self.worker.options.pipes.as_ref();
                if let Some(sink) = sink.and_then(|pipes| pipes.custom_messages.as_ref()) {
                    (sink.0)(&self.worker.run.run_id, &payload);
                }
            }
            Message::ExternalStream { io_type, text } => self.print(io_type, &text).await,
        }
    }

    /// Reports a check, with the newest materialisation of its asset, which may be one of these messages.
    async fn check(&mut self, check: CheckReport) {
        if self.told.materialized.contains(&check.key.asset_key) {
            self.flush().await;
        }
        let target = match self.newest_materialization(&check.key.asset_key).await {
            Ok(target) => target,
            Err(error) => {
                self.told.failure.keep(Err(error));
                None
            }
        };
        self.report(self.events().pipes_check(check, target));
    }

    async fn newest_materialization(
        &self,
        asset_key: &AssetKey,
    ) -> Result<Option<AssetCheckEvaluationTargetMaterializationData>, InstanceError> {
        let keys = std::slice::from_ref(asset_key);
        let found = self.worker.instance.asset_store().get_latest_materialization_records(keys);
        Ok(found.await?.pop().map(|(_, record)| AssetCheckEvaluationTargetMaterializationData {
            run_id: record.event_log_entry.run_id,
            storage_id: record.storage_id,
            timestamp: record.event_log_entry.timestamp,
            unknown: UnknownFields::default(),
        }))
    }

    /// Puts a text into the captured output, as if the command had printed it.
    async fn print(&mut self, io_type: ComputeIoType, text: &str) {
        if let Some(sink) = self.output {
            sink.send(io_type, text.as_bytes());
        }
        let written = self.log.write(io_type, text.as_bytes()).await;
        self.told.failure.keep(written.map_err(InstanceError::from));
    }

    /// Says that no more lines are read.
    pub(super) fn give_up(&mut self, reason: &str) {
        let line = self.line;
        self.not_understood(&format!("no more messages are read behind line {line}: {reason}"));
    }

    fn not_understood(&mut self, reason: &str) {
        let info = SerializableErrorInfo::new("PipesMessageError", format!("{reason}\n"));
        self.report(self.events().pipes_framework_exception(info));
    }

    /// Says what is missing, and stores what is left.
    pub(super) async fn end(mut self) -> Told {
        if self.is_opened && !self.is_closed {
            let text = "[pipes] did not receive closed message from external process. Buffered messages may have \
                        been discarded without being delivered. Use `open_dagster_pipes` as a context manager (a with \
                        block) to ensure that cleanup is successfully completed. If that is not possible, manually \
                        call `PipesContext.close()` before process exit.";
            self.say(LogLevel::WARNING, text.to_owned());
        }
        self.flush().await;
        self.told
    }

    fn events(&self) -> RunEvents<'a> {
        RunEvents::new(&self.worker.run)
    }

    fn partition(&self) -> Option<String> {
        self.worker.run.tags.get(instance_core::tags::PARTITION).cloned()
    }

    fn report(&mut self, event: DagsterEvent) {
        self.entries.push(self.worker.entry(event));
    }

    /// A line of the log of the step.
    fn say(&mut self, level: LogLevel, text: String) {
        let run = &self.worker.run;
        let timestamp = timestamp_of(self.worker.instance.clock().now());
        self.entries.push(EventLogEntry {
            job_name: Some(run.job_name.clone()),
            step_key: Some(COMMAND_OP.to_owned()),
            ..EventLogEntry::of_message(text, run.run_id.clone(), level, timestamp)
        });
    }

    /// Stores what waits. If the store refuses one of the entries, the others are stored all the same.
    pub(super) async fn flush(&mut self) {
        let entries = std::mem::take(&mut self.entries);
        if entries.is_empty() {
            return;
        }
        let one_by_one = (entries.len() > 1).then(|| entries.clone());
        match (self.worker.instance.handle_new_events(entries).await, one_by_one) {
            (Err(error), Some(entries)) if error.kind() == ErrorKind::Invalid => {
                for entry in entries {
                    let stored = self.worker.instance.handle_new_events(vec![entry]).await;
                    self.told.failure.keep(stored);
                }
            }
            (stored, _) => self.told.failure.keep(stored),
        }
    }
}
