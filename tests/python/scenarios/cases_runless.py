"""Events of assets without a run."""

from scenarios.event_types import KEY, METADATA
from scenarios.registry import scenario

from dagster import AssetCheckEvaluation, AssetCheckSeverity, AssetKey, AssetMaterialization, AssetObservation
from dagster._core.definitions.asset_checks.asset_check_evaluation import AssetCheckEvaluationTargetMaterializationData
from dagster._core.definitions.freshness import FreshnessState, FreshnessStateChange, FreshnessStateEvaluation

TAGS = {"dagster/data_version": "d1", "dagster/code_version": "c", "own": "x", "dagster/partition/day": "2024-01-05"}


@scenario("runless/materialization")
def _(r):
    r.report_runless_asset_event(AssetMaterialization(KEY))
    r.report_runless_asset_event(AssetMaterialization(KEY, "described", METADATA, partition="p", tags=TAGS))
    r.report_runless_asset_event(AssetMaterialization(AssetKey("other"), partition="", tags={}))


@scenario("runless/observation")
def _(r):
    r.report_runless_asset_event(AssetObservation(KEY))
    r.report_runless_asset_event(AssetObservation(KEY, "seen", partition="p", metadata=METADATA, tags=TAGS))


@scenario("runless/materialization_after_observation")
def _(r):
    """The last materialization stays while others are seen."""
    for event in (AssetObservation(KEY), AssetMaterialization(KEY, tags=TAGS), AssetObservation(KEY, tags=TAGS)):
        r.report_runless_asset_event(event)


@scenario("runless/check_evaluation")
def _(r):
    """Each is a row of its own."""
    for passed in (True, False):
        r.report_runless_asset_event(AssetCheckEvaluation(KEY, "check", passed))
    r.report_runless_asset_event(
        AssetCheckEvaluation(
            KEY,
            "check",
            False,
            METADATA,
            severity=AssetCheckSeverity.WARN,
            description="told",
            blocking=True,
            partition="p",
        )
    )


@scenario("runless/check_evaluation_of_a_materialization")
def _(r):
    r.report_runless_asset_event(AssetMaterialization(KEY))
    target = AssetCheckEvaluationTargetMaterializationData(storage_id=1, run_id="", timestamp=1700000000.25)
    r.report_runless_asset_event(AssetCheckEvaluation(KEY, "check", True, {}, target))


@scenario("runless/check_evaluation_again")
def _(r):
    """The same partition twice is not unique: the event is stored, its evaluation is not."""
    evaluation = AssetCheckEvaluation(KEY, "check", True, partition="p")
    r.report_runless_asset_event(evaluation)
    with r.fails("IntegrityError"):
        r.report_runless_asset_event(evaluation)
    r.report_runless_asset_event(AssetCheckEvaluation(KEY, "check", False, partition="q"))


@scenario("runless/freshness")
def _(r):
    r.report_runless_asset_event(FreshnessStateEvaluation(key=KEY, freshness_state=FreshnessState.PASS))
    r.report_runless_asset_event(
        FreshnessStateChange(
            key=KEY,
            new_state=FreshnessState.WARN,
            previous_state=FreshnessState.PASS,
            state_change_timestamp=1700000000.5,
        )
    )
