"""What the cases of the scheduling domain are made of: schedules and sensors, their states and ticks, backfills."""

from scenarios.encoding import ser

from dagster._core.asset_graph_view.serializable_entity_subset import SerializableEntitySubset
from dagster._core.definitions.declarative_automation.serialized_objects import (
    AutomationConditionEvaluation,
    AutomationConditionEvaluationWithRunIds,
    AutomationConditionNodeSnapshot,
    HistoricalAllPartitionsSubsetSentinel,
)
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.execution.backfill import BulkActionStatus, PartitionBackfill
from dagster._core.remote_origin import (
    GrpcServerCodeLocationOrigin,
    RegisteredCodeLocationOrigin,
    RemoteInstigatorOrigin,
    RemotePartitionSetOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.scheduler.instigation import (
    InstigatorState,
    InstigatorStatus,
    ScheduleInstigatorData,
    SensorInstigatorData,
    TickData,
    TickStatus,
)
from dagster._utils.error import SerializableErrorInfo

RUNNING, STOPPED, DECLARED = (
    InstigatorStatus.RUNNING,
    InstigatorStatus.STOPPED,
    InstigatorStatus.DECLARED_IN_CODE,
)
SCHEDULE, SENSOR = InstigatorType.SCHEDULE, InstigatorType.SENSOR
# Long ago, so that no time within a scenario is taken for it.
THEN = 1700000000.25
DAY = 86400.0
ERROR = SerializableErrorInfo("it failed\n", ["a line\n"], "ValueError", None, None)


def origin(name, location="shop", port=None):
    """With a port, the code is served elsewhere, and the selector is the same."""
    if port:
        place = GrpcServerCodeLocationOrigin(host="localhost", port=port, location_name=location)
    else:
        place = RegisteredCodeLocationOrigin(location)
    return RemoteInstigatorOrigin(RemoteRepositoryOrigin(place, "the_repository"), name)


def ids(name, **place):
    of = origin(name, **place)
    return {"origin_id": of.get_id(), "selector_id": of.get_selector().get_id()}


def schedule(name="nightly", cron="0 2 * * *", zone=None, default=None, **place):
    return {
        "origin": ser(origin(name, **place)),
        "cron_schedule": cron,
        "execution_timezone": zone,
        "default_status": default,
    }


def sensor(name="files", min_interval=None, kind=None, default=None, **place):
    return {
        "origin": ser(origin(name, **place)),
        "min_interval": min_interval,
        "sensor_type": kind,
        "default_status": default,
    }


def schedule_state(name="nightly", status=RUNNING, **place):
    data = ScheduleInstigatorData("1 1 * * *", THEN, THEN + 60)
    return InstigatorState(origin(name, **place), SCHEDULE, status, data)


def sensor_state(name="files", status=RUNNING, **place):
    data = SensorInstigatorData(THEN + 60, "a key", 45, "a cursor", THEN + 50, THEN, None, THEN + 60)
    return InstigatorState(origin(name, **place), SENSOR, status, data)


def add(r, state, status=None):
    r.call("add_instigator_state", state=ser(state), status=status)


def update(r, state, status=None):
    r.call("update_instigator_state", state=ser(state), status=status)


def state_of(r, name, **place):
    return r.call("get_instigator_state", **ids(name, **place))


def all_states(r, repository_selector_id=None, type=None, statuses=None):
    r.call(
        "all_instigator_state", repository_selector_id=repository_selector_id, type=type, statuses=statuses
    )


def tick(name="files", status=TickStatus.STARTED, at=THEN, kind=SENSOR, selector=True, **more):
    of = ids(name)
    selector_id = of["selector_id"] if selector else None
    return TickData(of["origin_id"], name, kind, status, at, selector_id=selector_id, **more)


def create(r, tick_data):
    return r.call("create_tick", tick=ser(tick_data))


def ticks(r, name="files", before=None, after=None, limit=None, statuses=None):
    query = {"before": before, "after": after, "limit": limit, "statuses": statuses}
    r.call("get_ticks", **ids(name), **query)
    r.call("get_tick_summaries", **ids(name), **query)


def backfill(backfill_id="a", status=BulkActionStatus.REQUESTED, at=THEN, tags=None, job=None, **more):
    of = job and RemotePartitionSetOrigin(
        repository_origin=origin("").repository_origin, partition_set_name=f"{job}_partition_set"
    )
    return PartitionBackfill(backfill_id, status, False, tags or {}, at, partition_set_origin=of, **more)


def evaluation(key, label="a label", true=True, runs=()):
    subset = SerializableEntitySubset(key, true)
    snapshot = AutomationConditionNodeSnapshot(
        class_name="a", description="told — é", unique_id="u", label=label, name=None, operator_type="identity"
    )
    found = AutomationConditionEvaluation(
        condition_snapshot=snapshot,
        start_timestamp=THEN,
        end_timestamp=THEN + 1,
        true_subset=subset,
        candidate_subset=HistoricalAllPartitionsSubsetSentinel(),
        subsets_with_metadata=[],
        child_evaluations=[],
    )
    return AutomationConditionEvaluationWithRunIds(found, frozenset(runs))
