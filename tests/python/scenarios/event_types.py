"""One plausible event of each type that Dagster knows, by group."""

from scenarios.execution import ERROR

from dagster import (
    AssetCheckEvaluation,
    AssetKey,
    AssetMaterialization,
    AssetObservation,
    DagsterEventType,
    ExpectationResult,
    MetadataValue,
)
from dagster._core.definitions.asset_checks.asset_check_evaluation import (
    AssetCheckEvaluationPlanned,
    AssetCheckEvaluationTargetMaterializationData,
)
from dagster._core.definitions.asset_health.asset_health import AssetHealthStatus
from dagster._core.definitions.events import (
    AssetMaterializationFailure,
    AssetMaterializationFailureReason,
    AssetMaterializationFailureType,
)
from dagster._core.definitions.freshness import FreshnessState, FreshnessStateChange, FreshnessStateEvaluation
from dagster._core.events import (
    AssetFailedToMaterializeData,
    AssetHealthChangedData,
    AssetMaterializationPlannedData,
    AssetObservationData,
    AssetWipedData,
    CodeLocationUpdatedData,
    ComputeLogsCaptureData,
    DagsterEvent,
    EngineEventData,
    HandledOutputData,
    HookErroredData,
    JobCanceledData,
    JobFailureData,
    LoadedInputData,
    ObjectStoreOperationResultData,
    RunEnqueuedData,
    RunFailureReason,
    StepExpectationResultData,
    StepMaterializationData,
)
from dagster._core.execution.plan.handle import NodeHandle, StepHandle
from dagster._core.execution.plan.inputs import StepInputData
from dagster._core.execution.plan.objects import (
    ErrorSource,
    StepFailureData,
    StepRetryData,
    StepSuccessData,
    TypeCheckData,
    UserFailureData,
)
from dagster._core.execution.plan.outputs import StepOutputData, StepOutputHandle

KEY = AssetKey(["an", "asset"])
METADATA = {"n": MetadataValue.int(3), "share": MetadataValue.float(0.1), "é": MetadataValue.md("*ü*")}
MARKER = EngineEventData(METADATA, None, marker_start="start")
FAILURE = AssetMaterializationFailure(
    KEY,
    partition="p",
    failure_type=AssetMaterializationFailureType.FAILED,
    reason=AssetMaterializationFailureReason.FAILED_TO_MATERIALIZE,
)

STEPS = {
    "STEP_START": None,
    "STEP_INPUT": StepInputData(input_name="number", type_check_data=TypeCheckData(True, "int", "fits", METADATA)),
    "LOADED_INPUT": LoadedInputData("number", "io_manager", "result", "first", METADATA),
    "STEP_OUTPUT": StepOutputData(
        StepOutputHandle("second", "result"), TypeCheckData(True, "result"), "v1", METADATA
    ),
    "HANDLED_OUTPUT": HandledOutputData("result", "io_manager", METADATA),
    "STEP_EXPECTATION_RESULT": StepExpectationResultData(ExpectationResult(True, "label", "holds", METADATA)),
    "STEP_UP_FOR_RETRY": StepRetryData(ERROR, 0.5),
    "STEP_RESTARTED": None,
    "STEP_FAILURE": StepFailureData(ERROR, UserFailureData("label", None, METADATA), ErrorSource.USER_CODE_ERROR),
    "STEP_SUCCESS": StepSuccessData(1.5),
    "STEP_SKIPPED": None,
    "OBJECT_STORE_OPERATION": ObjectStoreOperationResultData("SET_OBJECT", "result", METADATA, "/there", "v1"),
}

WORKERS = {
    "STEP_WORKER_STARTING": MARKER,
    "STEP_WORKER_STARTED": EngineEventData({}, marker_end="start"),
    "RESOURCE_INIT_STARTED": MARKER,
    "RESOURCE_INIT_SUCCESS": EngineEventData({}, marker_end="start"),
    "RESOURCE_INIT_FAILURE": EngineEventData({}, ERROR, marker_end="start"),
    "ENGINE_EVENT": EngineEventData(METADATA, ERROR, "start", "end"),
    "LOGS_CAPTURED": ComputeLogsCaptureData("key", ["second"], "http://there", "/out", "/err"),
}

ASSETS = {
    "ASSET_MATERIALIZATION_PLANNED": AssetMaterializationPlannedData(KEY, "p"),
    "ASSET_MATERIALIZATION": StepMaterializationData(
        AssetMaterialization(
            KEY,
            "made",
            METADATA,
            partition="p",
            tags={"dagster/data_version": "d1", "dagster/code_version": "c1", "dagster/input_data_version/raw": "i1"},
        )
    ),
    "ASSET_OBSERVATION": AssetObservationData(
        AssetObservation(KEY, "seen", partition="p", metadata=METADATA, tags={"dagster/data_version": "d2", "own": "x"})
    ),
    "ASSET_CHECK_EVALUATION_PLANNED": AssetCheckEvaluationPlanned(asset_key=KEY, check_name="check"),
    "ASSET_CHECK_EVALUATION": AssetCheckEvaluation(
        KEY,
        "check",
        True,
        METADATA,
        AssetCheckEvaluationTargetMaterializationData(storage_id=3, run_id="another run", timestamp=1700000000.5),
    ),
    "ASSET_FAILED_TO_MATERIALIZE": AssetFailedToMaterializeData(FAILURE, ERROR),
    "ASSET_HEALTH_CHANGED": AssetHealthChangedData(
        asset_key=KEY, previous_health_state=AssetHealthStatus.HEALTHY, new_health_state=AssetHealthStatus.DEGRADED
    ),
    "ASSET_WIPED": AssetWipedData(asset_key=KEY, partition_keys=["p"]),
    "FRESHNESS_STATE_EVALUATION": FreshnessStateEvaluation(key=KEY, freshness_state=FreshnessState.WARN),
    "FRESHNESS_STATE_CHANGE": FreshnessStateChange(
        key=KEY,
        new_state=FreshnessState.FAIL,
        previous_state=FreshnessState.PASS,
        state_change_timestamp=1700000000.5,
    ),
}

HOOKS_AND_ALERTS = {
    "HOOK_COMPLETED": None,
    "HOOK_ERRORED": HookErroredData(ERROR),
    "HOOK_SKIPPED": None,
    "ALERT_START": None,
    "ALERT_SUCCESS": None,
    "ALERT_FAILURE": None,
    "CODE_LOCATION_UPDATED": CodeLocationUpdatedData(code_location_name="a_location", new_version_key="v2"),
}

# In the order of a run that goes through all of them; only some of the types have data.
RUNS = {
    "PIPELINE_ENQUEUED": RunEnqueuedData("a_location", "a_repository", "p"),
    "PIPELINE_DEQUEUED": None,
    "PIPELINE_STARTING": None,
    "PIPELINE_START": None,
    "RUN_SUSPENDED": None,
    "RUN_RESUMED": None,
    "PIPELINE_CANCELING": None,
    "PIPELINE_CANCELED": JobCanceledData(ERROR),
    "PIPELINE_FAILURE": JobFailureData(ERROR, RunFailureReason.RUN_EXCEPTION, None),
    "PIPELINE_SUCCESS": None,
}

GROUPS = (STEPS, WORKERS, ASSETS, HOOKS_AND_ALERTS, RUNS)
# Dagster reads one of this type as one of another, which older versions wrote, and only with data that is gone.
LEGACY = {"ASSET_STORE_OPERATION"}
EVERY = {event_type: data for group in GROUPS for event_type, data in group.items()}
assert EVERY.keys() | LEGACY == {each.value for each in DagsterEventType}

STEP = StepHandle(NodeHandle("second", NodeHandle("inner", None)))


def of_step(event_type, **others):
    """With everything that an event may say of its step."""
    return DagsterEvent(
        event_type,
        "chain_job",
        step_handle=STEP,
        node_handle=STEP.node_handle,
        step_kind_value="COMPUTE",
        logging_tags={"job_name": "chain_job", "step_key": "inner.second"},
        event_specific_data=EVERY[event_type],
        message=f"A message of {event_type}",
        pid=42,
        step_key="inner.second",
        **others,
    )


def of_run(event_type, **others):
    return DagsterEvent(event_type, "chain_job", **{"event_specific_data": EVERY[event_type], **others})
