"""Events about assets as the cases of several files report them, and definitions of partitions."""

from scenarios.run_ids import nth

from dagster import (
    AssetCheckEvaluation,
    AssetKey,
    AssetMaterialization,
    AssetObservation,
    DailyPartitionsDefinition,
    DynamicPartitionsDefinition,
    HourlyPartitionsDefinition,
    MultiPartitionKey,
    MultiPartitionsDefinition,
    StaticPartitionsDefinition,
    TimeWindowPartitionsDefinition,
)
from dagster._core.definitions.asset_checks.asset_check_evaluation import AssetCheckEvaluationPlanned
from dagster._core.definitions.freshness import FreshnessState, FreshnessStateChange
from dagster._core.events import (
    AssetMaterializationPlannedData,
    AssetObservationData,
    DagsterEvent,
    StepMaterializationData,
)

R1, R2, R3, R4 = (nth(number) for number in range(101, 105))
LETTERS = StaticPartitionsDefinition(["a", "b", "c", "d"])
COLOURS = DynamicPartitionsDefinition(name="colours")
DAYS = DailyPartitionsDefinition("2024-01-01", end_date="2024-03-01")
HOURS = HourlyPartitionsDefinition("2023-11-04-20:00", timezone="America/New_York", end_date="2023-11-06-03:00")
WORKDAYS = TimeWindowPartitionsDefinition(
    start="2024-01-01", end="2024-03-01", fmt="%Y-%m-%d", cron_schedule="0 0 * * *", exclusions=["0 0 * * 6", "0 0 * * 0"]
)
GRID = MultiPartitionsDefinition({"letter": LETTERS, "day": DAYS})


def as_key(key):
    return key if isinstance(key, AssetKey) else AssetKey(key)


def of_asset(r, event_type, data, run_id):
    r.report_dagster_event(run_id, DagsterEvent(event_type, "a_job", event_specific_data=data, step_key="a_step"))


def made(r, key, partition=None, run_id=None, tags=None, metadata=None):
    """Without a run if none is named."""
    event = AssetMaterialization(key, partition=partition, tags=tags, metadata=metadata)
    if run_id is None:
        r.report_runless_asset_event(event)
    else:
        of_asset(r, "ASSET_MATERIALIZATION", StepMaterializationData(event), run_id)


def seen(r, key, partition=None, run_id=None, tags=None):
    event = AssetObservation(key, partition=partition, tags=tags)
    if run_id is None:
        r.report_runless_asset_event(event)
    else:
        of_asset(r, "ASSET_OBSERVATION", AssetObservationData(event), run_id)


def planned(r, key, partition=None, run_id=R1):
    of_asset(r, "ASSET_MATERIALIZATION_PLANNED", AssetMaterializationPlannedData(as_key(key), partition), run_id)


def checked(r, key, name="check", partition=None, passed=True, run_id=None):
    evaluation = AssetCheckEvaluation(as_key(key), name, passed, partition=partition)
    if run_id is None:
        r.report_runless_asset_event(evaluation)
    else:
        of_asset(r, "ASSET_CHECK_EVALUATION", evaluation, run_id)


def check_planned(r, key, name="check", run_id=R1):
    planned = AssetCheckEvaluationPlanned(asset_key=as_key(key), check_name=name)
    of_asset(r, "ASSET_CHECK_EVALUATION_PLANNED", planned, run_id)


def freshness_changed(r, key, state, at=1700000000.5):
    r.report_runless_asset_event(
        FreshnessStateChange(
            key=as_key(key),
            new_state=FreshnessState[state],
            previous_state=FreshnessState.UNKNOWN,
            state_change_timestamp=at,
        )
    )


def cell(day, letter):
    return MultiPartitionKey({"day": day, "letter": letter})


def run_with_status(r, run_id, status):
    r.create_run(run_id=run_id, status=status)


def everything(r, *keys, partitions=(None,), definition=None):
    """What the page of each asset asks for."""
    r.all_asset_keys()
    r.ask("has_asset_key", *keys)
    r.get_asset_records(*keys)
    r.ask("get_latest_materialization_events", *keys)
    r.ask("get_materialization_count_by_partition", *keys)
    for key in keys:
        r.materialized_partitions(key)
        r.planned_info(key)
        r.event_tags(key)
        r.data_version_record(key)
        for kind in ("materializations", "observations", "planned_materializations"):
            r.fetch(kind, key)
        for partition in partitions:
            r.planned_info(key, partition)
            r.data_version_record(key, partition=partition)
            r.fetch("materializations", key, partitions=partition and [partition])
        if definition:
            r.status(key, definition, [partition for partition in partitions if partition])
