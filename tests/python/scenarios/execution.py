"""Reports what the execution of a run would report, at fixed times, without executing anything."""

from itertools import count

from dagster import AssetCheckEvaluation, AssetCheckSeverity, AssetMaterialization
from dagster._core.definitions.metadata import MetadataValue
from dagster._core.events import DagsterEvent, EngineEventData, JobFailureData, StepMaterializationData
from dagster._core.execution.plan.handle import UnresolvedStepHandle
from dagster._core.execution.plan.objects import ErrorSource, StepFailureData, StepSuccessData
from dagster._core.execution.plan.outputs import StepOutputData, StepOutputHandle
from dagster._utils.error import SerializableErrorInfo

BEGIN = 1_700_000_000.0

ERROR = SerializableErrorInfo(
    message="ValueError: outer é\n",
    stack=['  File "/code.py", line 1, in a\n', "    raise\n"],
    cls_name="ValueError",
    cause=SerializableErrorInfo("KeyError: 'inner'\n", [], "KeyError"),
    context=None,
)


class Execution:
    def __init__(self, recorder, run):
        self.recorder = recorder
        self.run = run
        plan = recorder.instance.get_execution_plan_snapshot(run.execution_plan_snapshot_id)
        self.steps = {step.key: step for step in plan.steps}
        number = len(recorder.steps) * 100
        self.times = (BEGIN + number + each / 4 for each in count())

    def report(self, event_type, data=None, message=None, level=10, **of_step):
        event = DagsterEvent(
            event_type, self.run.job_name, event_specific_data=data, message=message, pid=42, **of_step
        )
        self.recorder.report_dagster_event(self.run.run_id, event, level, next(self.times))

    def of_step(self, key, event_type, data=None, mapping_key=None, message=None):
        step = self.steps[key]
        handle = step.step_handle
        if mapping_key and isinstance(handle, UnresolvedStepHandle):
            handle = handle.resolve(mapping_key)
        key = handle.to_key()
        self.report(
            event_type,
            data,
            message or f"{event_type} of {key}",
            step_handle=handle,
            step_key=key,
            step_kind_value=step.kind.value,
            logging_tags={"step_key": key, "run_id": self.run.run_id, "job_name": self.run.job_name},
        )
        return key

    # The run

    def started(self):
        self.report("PIPELINE_START", message="Started execution")
        return self

    def succeeded(self):
        self.report("PIPELINE_SUCCESS")

    def failed(self, reason=None):
        self.report("PIPELINE_FAILURE", reason and JobFailureData(ERROR, reason, None), level=40)

    def canceled(self):
        self.report("PIPELINE_CANCELING")
        self.report("PIPELINE_CANCELED", level=40)

    # Its steps

    def begins(self, key, mapping_key=None):
        self.of_step(key, "STEP_START", mapping_key=mapping_key)

    def outputs(self, key, name="result", mapping_key=None, of_mapped=None):
        """With a mapping key, one of a dynamic output."""
        step_key = key
        if of_mapped:
            step_key = self.steps[key].step_handle.resolve(of_mapped).to_key()
        handle = StepOutputHandle(step_key, name, mapping_key)
        self.of_step(key, "STEP_OUTPUT", StepOutputData(handle), of_mapped)

    def succeeds(self, *keys, mapping_key=None, outputs=("result",)):
        """From its start to its end, with everything that its assets and checks say of themselves."""
        for key in keys:
            self.begins(key, mapping_key)
            for name in outputs if outputs is not None else []:
                if any(output.name == name for output in self.steps[key].outputs):
                    self.outputs(key, name, of_mapped=mapping_key)
            for output in self.steps[key].outputs:
                properties = output.properties
                if properties.asset_key:
                    self.materializes(key, properties.asset_key)
            self.of_step(key, "STEP_SUCCESS", StepSuccessData(12.5), mapping_key)

    def maps(self, key, *mapping_keys):
        self.begins(key)
        for mapping_key in mapping_keys:
            self.outputs(key, mapping_key=mapping_key)
        self.of_step(key, "STEP_SUCCESS", StepSuccessData(12.5))

    def fails(self, key, mapping_key=None):
        self.begins(key, mapping_key)
        data = StepFailureData(ERROR, None, ErrorSource.USER_CODE_ERROR)
        self.of_step(key, "STEP_FAILURE", data, mapping_key)

    def skips(self, *keys, mapping_key=None):
        for key in keys:
            self.of_step(key, "STEP_SKIPPED", mapping_key=mapping_key)

    def resources_fail(self, key=None):
        data = EngineEventData({"resource": MetadataValue.text("io_manager")}, error=ERROR, marker_end="resources")
        if key:
            self.of_step(key, "RESOURCE_INIT_FAILURE", data)
        else:
            self.report("RESOURCE_INIT_FAILURE", data, "Initialization of resources failed.", 40)

    def materializes(self, key, asset_key, partition=None):
        self.of_step(
            key,
            "ASSET_MATERIALIZATION",
            StepMaterializationData(AssetMaterialization(asset_key, partition=partition, metadata={"n": 1})),
        )

    def checks(self, key, check_key, passed=True, blocking=False):
        evaluation = AssetCheckEvaluation(
            asset_key=check_key.asset_key,
            check_name=check_key.name,
            passed=passed,
            metadata={"rows": MetadataValue.int(3)},
            severity=AssetCheckSeverity.ERROR if blocking else AssetCheckSeverity.WARN,
            description="counted",
            blocking=blocking,
        )
        self.begins(key)
        self.of_step(key, "ASSET_CHECK_EVALUATION", evaluation)
        self.of_step(key, "STEP_SUCCESS", StepSuccessData(1.0))
