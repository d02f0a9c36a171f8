//! The events that the worker of a command reports, in the words of Dagster's own worker.

use std::collections::BTreeMap;

use instance_core::command::COMMAND_OP;
use instance_core::error_info::SerializableErrorInfo;
use instance_core::event::{
    AssetMaterialization, ComputeLogsCaptureData, DagsterEvent, DagsterEventType, EngineEventData,
    ErrorSource, JobCanceledData, JobFailureData, NodeHandle, RunFailureReason, StepFailureData,
    StepHandle, StepMaterializationData, StepOutputData, StepOutputHandle, StepSuccessData,
    TypeCheckData,
};
use instance_core::run::DagsterRun;
use instance_core::serdes::UnknownFields;
use instance_core::storage::CapturedLogContext;

use super::command::RunningCommand;
use super::record::command_metadata;

/// Makes the events of one run.
#[derive(Debug)]
pub(super) struct RunEvents<'a> {
    run: &'a DagsterRun,
    pid: u32,
}

impl<'a> RunEvents<'a> {
    /// The events of a run whose worker is this process.
    pub(super) fn new(run: &'a DagsterRun) -> Self {
        Self { run, pid: std::process::id() }
    }

    pub(super) fn run_start(&self) -> DagsterEvent {
        self.of_run(DagsterEventType::RunStart)
            .with_message(format!("Started execution of run for \"{}\".", self.run.job_name))
    }

    pub(super) fn logs_captured(
        &self,
        file_key: &str,
        context: CapturedLogContext,
    ) -> DagsterEvent {
        let captured = ComputeLogsCaptureData {
            external_stdout_url: context.external_stdout_url,
            external_stderr_url: context.external_stderr_url,
            ..ComputeLogsCaptureData::new(file_key, vec![COMMAND_OP.to_owned()])
        };
        self.of_run(DagsterEventType::LogsCaptured)
            .with_message(format!("Capturing logs for process (pid: {}).", self.pid))
            .with_data(captured)
    }

    pub(super) fn step_start(&self) -> DagsterEvent {
        self.of_step(DagsterEventType::StepStart)
            .with_message(format!("Started execution of step \"{COMMAND_OP}\"."))
    }

    pub(super) fn command_started(&self, program: &str, command: &RunningCommand) -> DagsterEvent {
        let process = &command.process;
        self.engine(
            format!("Executing the command in a process (pid: {})", process.pid),
            EngineEventData::new(command_metadata(process, program, command.has_group)),
        )
    }

    pub(super) fn output_is_held(&self) -> DagsterEvent {
        let message = "The command has ended. Processes that it left behind hold its output open.";
        self.engine(message, EngineEventData::default())
    }

    pub(super) fn output_is_given_up(&self) -> DagsterEvent {
        let message =
            "Output of the processes that the command left behind is not captured any more.";
        self.engine(message, EngineEventData::default())
    }

    /// A part of the run is not recorded.
    pub(super) fn not_recorded(&self, error: SerializableErrorInfo) -> DagsterEvent {
        self.engine("A part of the run is not recorded.", EngineEventData::engine_error(error))
    }

    pub(super) fn step_output(&self, name: &str) -> DagsterEvent {
        self.of_step(DagsterEventType::StepOutput)
            .with_message(format!(
                "Yielded output \"{name}\" of type \"Nothing\". (Type check passed)."
            ))
            .with_data(StepOutputData {
                intermediate_materialization: None,
                metadata: Vec::new(),
                step_output_handle: StepOutputHandle {
                    mapping_key: None,
                    output_name: name.to_owned(),
                    step_key: COMMAND_OP.to_owned(),
                    unknown: UnknownFields::default(),
                },
                type_check_data: Some(TypeCheckData {
                    description: None,
                    label: name.to_owned(),
                    metadata: Vec::new(),
                    success: true,
                    unknown: UnknownFields::default(),
                }),
                version: None,
                unknown: UnknownFields::default(),
            })
    }

    pub(super) fn materialization(&self, materialization: AssetMaterialization) -> DagsterEvent {
        let asset_key = materialization.asset_key.path.join(" ");
        self.of_step(DagsterEventType::AssetMaterialization)
            .with_message(format!("Materialized value {asset_key}."))
            .with_data(StepMaterializationData::from(materialization))
    }

    pub(super) fn step_success(&self, duration_ms: f64) -> DagsterEvent {
        self.of_step(DagsterEventType::StepSuccess)
            .with_message(format!(
                "Finished execution of step \"{COMMAND_OP}\" in {}.",
                duration(duration_ms)
            ))
            .with_data(StepSuccessData { duration_ms, unknown: UnknownFields::default() })
    }

    pub(super) fn step_failure(
        &self,
        error: SerializableErrorInfo,
        source: ErrorSource,
    ) -> DagsterEvent {
        self.of_step(DagsterEventType::StepFailure)
            .with_message(format!("Execution of step \"{COMMAND_OP}\" failed."))
            .with_data(StepFailureData {
                error: Some(error),
                error_source: Some(source),
                user_failure_data: None,
                unknown: UnknownFields::default(),
            })
    }

    pub(super) fn run_success(&self) -> DagsterEvent {
        self.of_run(DagsterEventType::RunSuccess)
            .with_message(format!("Finished execution of run for \"{}\".", self.run.job_name))
    }

    pub(super) fn run_failure(
        &self,
        error: SerializableErrorInfo,
        step_failure: DagsterEvent,
    ) -> DagsterEvent {
        let job_name = &self.run.job_name;
        self.of_run(DagsterEventType::RunFailure)
            .with_message(format!(
                "Execution of run for \"{job_name}\" failed. Steps failed: ['{COMMAND_OP}']."
            ))
            .with_data(JobFailureData {
                error: Some(error),
                failure_reason: Some(RunFailureReason::StepFailure),
                first_step_failure_event: Some(Box::new(step_failure)),
                unknown: UnknownFields::default(),
            })
    }

    /// The run failed outside of its command.
    pub(super) fn worker_failure(&self, error: SerializableErrorInfo) -> DagsterEvent {
        let job_name = &self.run.job_name;
        self.of_run(DagsterEventType::RunFailure)
            .with_message(format!(
                "Execution of run for \"{job_name}\" failed outside of its command."
            ))
            .with_data(JobFailureData {
                error: Some(error),
                failure_reason: Some(RunFailureReason::RunException),
                first_step_failure_event: None,
                unknown: UnknownFields::default(),
            })
    }

    pub(super) fn run_canceling(&self) -> DagsterEvent {
        self.of_run(DagsterEventType::RunCanceling).with_message("Sending run termination request.")
    }

    pub(super) fn run_canceled(&self, error: Option<SerializableErrorInfo>) -> DagsterEvent {
        self.of_run(DagsterEventType::RunCanceled)
            .with_message(format!("Execution of run for \"{}\" canceled.", self.run.job_name))
            .with_data(JobCanceledData { error, unknown: UnknownFields::default() })
    }

    fn engine(&self, message: impl Into<String>, data: EngineEventData) -> DagsterEvent {
        self.of_run(DagsterEventType::EngineEvent).with_message(message).with_data(data)
    }

    fn of_run(&self, event_type: DagsterEventType) -> DagsterEvent {
        DagsterEvent::new(event_type, &self.run.job_name).with_pid(self.pid)
    }

    pub(super) fn of_step(&self, event_type: DagsterEventType) -> DagsterEvent {
        let tags = [
            ("job_name", self.run.job_name.as_str()),
            ("op_name", COMMAND_OP),
            // The step has no resource of its own. Python writes that as `None`.
            ("resource_fn_name", "None"),
            ("resource_name", "None"),
            ("run_id", self.run.run_id.as_str()),
            ("step_key", COMMAND_OP),
        ];
        let logging_tags: BTreeMap<_, _> =
            tags.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
        DagsterEvent {
            logging_tags,
            node_handle: Some(NodeHandle::top(COMMAND_OP)),
            step_handle: Some(StepHandle::top(COMMAND_OP).into()),
            step_key: Some(COMMAND_OP.to_owned()),
            step_kind_value: Some("COMPUTE".to_owned()),
            ..self.of_run(event_type)
        }
    }
}

/// A duration in a form for people: 20ms, 1.50s, 2m3s, 1h2m.
fn duration(milliseconds: f64) -> String {
    let seconds = milliseconds / 1_000.0;
    if milliseconds < 1_000.0 {
        format!("{milliseconds:.0}ms")
    } else if seconds < 60.0 {
        format!("{seconds:.2}s")
    } else if seconds < 3_600.0 {
        format!("{:.0}m{:.0}s", (seconds / 60.0).floor(), (seconds % 60.0).floor())
    } else {
        format!("{:.0}h{:.0}m", (seconds / 3_600.0).floor(), (seconds % 3_600.0 / 60.0).floor())
    }
}

#[cfg(test)]
mod tests {
    use super::duration;

    #[test]
    fn durations_are_short() {
        for (milliseconds, text) in [
            (0.4, "0ms"),
            (20.39, "20ms"),
            (1_500.0, "1.50s"),
            (123_400.0, "2m3s"),
            (3_723_000.0, "1h2m"),
        ] {
            assert_eq!(duration(milliseconds), text);
        }
    }
}
