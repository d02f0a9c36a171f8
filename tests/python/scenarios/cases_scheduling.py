"""Schedules, sensors and their ticks, backfills, automation, and what daemons remember: rows and answers."""

import time

from scenarios.encoding import ser
from scenarios.registry import scenario

from dagster import AssetCheckKey, AssetKey
from dagster._core.definitions.declarative_automation.serialized_objects import (
    AutomationConditionEvaluation,
    AutomationConditionEvaluationWithRunIds,
    AutomationConditionNodeSnapshot,
    HistoricalAllPartitionsSubsetSentinel,
)
from dagster._core.asset_graph_view.serializable_entity_subset import SerializableEntitySubset
from dagster._core.definitions.run_request import InstigatorType, RunRequest
from dagster._core.execution.backfill import BulkActionStatus, PartitionBackfill
from dagster._core.remote_origin import (
    GrpcServerCodeLocationOrigin,
    RegisteredCodeLocationOrigin,
    RemoteInstigatorOrigin,
    RemotePartitionSetOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.scheduler.instigation import (
    DynamicPartitionsRequestResult,
    InstigatorState,
    InstigatorStatus,
    ScheduleInstigatorData,
    SensorInstigatorData,
    TickData,
    TickStatus,
)
from dagster._daemon.types import DaemonHeartbeat
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


# Starting, stopping and resetting schedules


@scenario("schedules/start")
def _(r):
    r.call("start_schedule", schedule=schedule())
    r.call("start_schedule", schedule=schedule())
    state_of(r, "nightly")


@scenario("schedules/start_several_crons")
def _(r):
    r.call("start_schedule", schedule=schedule(cron=["0 2 * * *", "@weekly", "*/5 * * * 1#1"], zone="Asia/Kathmandu"))


@scenario("schedules/start_what_its_definition_has_running")
def _(r):
    r.call("start_schedule", schedule=schedule(default="RUNNING"))
    state_of(r, "nightly")


@scenario("schedules/start_after_each_status")
def _(r):
    for number, status in enumerate((RUNNING, STOPPED, DECLARED)):
        for default in (None, "STOPPED", "RUNNING"):
            name = f"{default}_{number}"
            add(r, schedule_state(name, status))
            r.call("start_schedule", schedule=schedule(name, default=default))


@scenario("schedules/start_after_the_status_of_an_old_version")
def _(r):
    for default in ("STOPPED", "RUNNING"):
        add(r, schedule_state(default), "AUTOMATICALLY_RUNNING")
        r.call("start_schedule", schedule=schedule(default, default=default))
    all_states(r)


@scenario("schedules/start_stop_start")
def _(r):
    for _ in range(2):
        r.call("start_schedule", schedule=schedule())
        r.call("stop_schedule", **ids("nightly"), schedule=schedule())
    r.call("start_schedule", schedule=schedule(cron="0 5 * * *"))


@scenario("schedules/stop_after_each_status")
def _(r):
    for number, status in enumerate((None, RUNNING, STOPPED, DECLARED)):
        for default in ("STOPPED", "RUNNING"):
            name = f"{default}_{number}"
            if status:
                add(r, schedule_state(name, status))
            r.call("stop_schedule", **ids(name), schedule=schedule(name, default=default))


@scenario("schedules/stop_after_the_status_of_an_old_version")
def _(r):
    for default in ("STOPPED", "RUNNING"):
        add(r, schedule_state(default), "AUTOMATICALLY_RUNNING")
        r.call("stop_schedule", **ids(default), schedule=schedule(default, default=default))


@scenario("schedules/stop_without_definition")
def _(r):
    for status in (RUNNING, STOPPED, DECLARED):
        add(r, schedule_state(status.name, status))
        r.call("stop_schedule", **ids(status.name), schedule=None)


@scenario("schedules/stop_what_is_not_known")
def _(r):
    with r.fails("AssertionError"):
        r.call("stop_schedule", **ids("nightly"), schedule=None)


@scenario("schedules/stop_a_sensor_as_a_schedule")
def _(r):
    add(r, sensor_state("files"))
    with r.fails("AttributeError"):
        r.call("stop_schedule", **ids("files"), schedule=None)


@scenario("schedules/reset_after_each_status")
def _(r):
    for number, status in enumerate((None, RUNNING, STOPPED, DECLARED)):
        for default in ("STOPPED", "RUNNING"):
            name = f"{default}_{number}"
            if status:
                add(r, schedule_state(name, status))
            r.call("reset_schedule", schedule=schedule(name, default=default))


@scenario("schedules/of_code_that_has_moved")
def _(r):
    """The state is found by the selector, and keeps the old origin."""
    r.call("start_schedule", schedule=schedule(port=4000))
    r.call("stop_schedule", **ids("nightly", port=4001), schedule=schedule(port=4001))
    r.call("start_schedule", schedule=schedule(port=4001))
    r.call("reset_schedule", schedule=schedule(port=4002))
    all_states(r)


@scenario("schedules/take_the_place_of_sensors")
def _(r):
    for number, status in enumerate((RUNNING, STOPPED)):
        for default in ("STOPPED", "RUNNING"):
            for operation in ("start", "stop", "reset"):
                name = f"{operation}_{default}_{number}"
                add(r, sensor_state(name, status))
                given = {"schedule": schedule(name, default=default)}
                r.call(f"{operation}_schedule", **given, **(ids(name) if operation == "stop" else {}))


# Starting, stopping and resetting sensors


@scenario("sensors/start")
def _(r):
    r.call("start_sensor", sensor=sensor())
    r.call("start_sensor", sensor=sensor())
    r.call("start_sensor", sensor=sensor("of_runs", 5, "RUN_STATUS"))
    r.call("start_sensor", sensor=sensor("without_pause", 0, "AUTOMATION"))
    r.call("start_sensor", sensor=sensor("running", default="RUNNING"))


@scenario("sensors/start_after_each_status")
def _(r):
    for number, status in enumerate((RUNNING, STOPPED, DECLARED)):
        for default in (None, "STOPPED", "RUNNING"):
            name = f"{default}_{number}"
            add(r, sensor_state(name, status))
            r.call("start_sensor", sensor=sensor(name, default=default))


@scenario("sensors/of_the_status_of_an_old_version")
def _(r):
    for operation in ("start", "stop", "reset"):
        for default in ("STOPPED", "RUNNING"):
            name = f"{operation}_{default}"
            add(r, sensor_state(name), "AUTOMATICALLY_RUNNING")
            given = {"sensor": sensor(name, default=default)}
            r.call(f"{operation}_sensor", **given, **(ids(name) if operation == "stop" else {}))


@scenario("sensors/stop_after_each_status")
def _(r):
    for number, status in enumerate((None, RUNNING, STOPPED, DECLARED)):
        for default in ("STOPPED", "RUNNING"):
            name = f"{default}_{number}"
            if status:
                add(r, sensor_state(name, status))
            r.call("stop_sensor", **ids(name), sensor=sensor(name, default=default))


@scenario("sensors/stop_without_definition")
def _(r):
    for status in (RUNNING, STOPPED, DECLARED):
        add(r, sensor_state(status.name, status))
        r.call("stop_sensor", **ids(status.name), sensor=None)


@scenario("sensors/stop_what_is_not_known")
def _(r):
    with r.fails("CheckError"):
        r.call("stop_sensor", **ids("files"), sensor=None)


@scenario("sensors/stop_a_schedule_as_a_sensor")
def _(r):
    add(r, schedule_state("nightly"))
    r.call("stop_sensor", **ids("nightly"), sensor=None)


@scenario("sensors/reset_after_each_status")
def _(r):
    for number, status in enumerate((None, RUNNING, STOPPED, DECLARED)):
        for default in ("STOPPED", "RUNNING"):
            name = f"{default}_{number}"
            if status:
                add(r, sensor_state(name, status))
            r.call("reset_sensor", sensor=sensor(name, 7, "ASSET", default))


@scenario("sensors/without_data")
def _(r):
    """Dagster fails to start what it has stored so itself."""
    add(r, InstigatorState(origin("stopped"), SENSOR, STOPPED))
    add(r, InstigatorState(origin("running"), SENSOR, RUNNING))
    r.call("stop_sensor", **ids("running"), sensor=sensor("running"))
    r.call("reset_sensor", sensor=sensor("running"))
    with r.fails("AttributeError"):
        r.call("start_sensor", sensor=sensor("stopped"))


@scenario("sensors/of_code_that_has_moved")
def _(r):
    r.call("start_sensor", sensor=sensor(port=4000))
    r.call("stop_sensor", **ids("files", port=4001), sensor=sensor(port=4001))
    r.call("start_sensor", sensor=sensor(port=4001))
    r.call("reset_sensor", sensor=sensor(port=4002))


@scenario("sensors/take_the_place_of_schedules")
def _(r):
    for number, status in enumerate((RUNNING, STOPPED)):
        for default in ("STOPPED", "RUNNING"):
            for operation in ("start", "stop", "reset"):
                name = f"{operation}_{default}_{number}"
                add(r, schedule_state(name, status))
                given = {"sensor": sensor(name, default=default)}
                r.call(f"{operation}_sensor", **given, **(ids(name) if operation == "stop" else {}))


@scenario("sensors/take_the_place_of_a_schedule_that_another_origin_has")
def _(r):
    """What is stored under the selector stays, and is replaced."""
    add(r, schedule_state("nightly", port=4000))
    add(r, schedule_state("nightly", STOPPED, port=4001))
    r.call("reset_sensor", sensor=sensor("nightly", port=4001))
    all_states(r)


# The states of schedules and sensors


@scenario("instigators/add_update_delete")
def _(r):
    add(r, sensor_state())
    add(r, schedule_state())
    state_of(r, "files")
    update(r, sensor_state(status=STOPPED))
    state_of(r, "files")
    r.call("delete_instigator_state", **ids("files"))
    state_of(r, "files")
    state_of(r, "nightly")


@scenario("instigators/twice_and_never")
def _(r):
    add(r, sensor_state())
    with r.fails("DagsterInvariantViolationError"):
        add(r, sensor_state(status=STOPPED))
    with r.fails("DagsterInvariantViolationError"):
        update(r, sensor_state("unknown"))
    with r.fails("DagsterInvariantViolationError"):
        r.call("delete_instigator_state", **ids("unknown"))
    state_of(r, "unknown")
    state_of(r, "files")


@scenario("instigators/two_origins_of_one_selector")
def _(r):
    add(r, sensor_state(port=4000))
    add(r, sensor_state(status=STOPPED, port=4001))
    state_of(r, "files", port=4000)
    update(r, sensor_state(status=DECLARED, port=4000))
    r.call("delete_instigator_state", **ids("files", port=4000))
    state_of(r, "files", port=4000)
    with r.fails("DagsterInvariantViolationError"):
        r.call("delete_instigator_state", **ids("files", port=4001))


@scenario("instigators/an_origin_that_has_no_state_of_its_own")
def _(r):
    """The selector has a state, so that another origin may change and delete it."""
    add(r, sensor_state(port=4000))
    update(r, sensor_state(status=STOPPED, port=4001))
    all_states(r)
    r.call("delete_instigator_state", **ids("files", port=4001))
    all_states(r)


@scenario("instigators/filters")
def _(r):
    add(r, sensor_state("one"))
    add(r, sensor_state("two", STOPPED))
    add(r, schedule_state("three", DECLARED))
    add(r, schedule_state("four", location="elsewhere"))
    repository = origin("one").repository_origin.get_selector_id()
    all_states(r)
    all_states(r, repository)
    all_states(r, "unknown")
    for kind in InstigatorType:
        all_states(r, type=kind.name)
    all_states(r, statuses=["RUNNING"])
    all_states(r, statuses=["STOPPED", "DECLARED_IN_CODE"])
    all_states(r, repository, "SCHEDULE", ["RUNNING", "DECLARED_IN_CODE"])


@scenario("instigators/the_status_of_an_old_version")
def _(r):
    """It is found by its old name, and is another one in what is given back."""
    add(r, sensor_state("one"), "AUTOMATICALLY_RUNNING")
    add(r, schedule_state("two", DECLARED))
    all_states(r)
    all_states(r, statuses=["DECLARED_IN_CODE"])
    all_states(r, statuses=["AUTOMATICALLY_RUNNING"])
    state_of(r, "one")


@scenario("instigators/debug_info")
def _(r):
    r.call("scheduler_debug_info")
    add(r, schedule_state("it's \"quoted\" — é\n"))
    r.call("start_schedule", schedule=schedule("several", cron=["0 2 * * *", "@weekly"]))
    add(r, sensor_state("one"), "AUTOMATICALLY_RUNNING")
    add(r, sensor_state("two", STOPPED))
    r.call("scheduler_debug_info")


@scenario("instigators/logs", settings={})
def _(r):
    for name in ("nightly", "files"):
        r.call("logs_path_for_schedule", origin_id=ids(name)["origin_id"])


@scenario("instigators/wipe")
def _(r):
    r.call("wipe_all_schedules")
    add(r, schedule_state())
    create(r, tick())
    r.call("add_evaluations", id=1, evaluations=[ser(evaluation(AssetKey("a")))])
    r.call("add_backfill", backfill=ser(backfill()))
    r.call("set_cursor_values", pairs={"a": "1"})
    r.call("wipe_all_schedules")
    all_states(r)
    ticks(r)


# Ticks


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


def several_ticks(r):
    create(r, tick())
    create(r, tick(status=TickStatus.SKIPPED, at=THEN + 60, skip_reason="no files"))
    create(r, tick(status=TickStatus.SUCCESS, at=THEN + 120, run_ids=["r"], run_keys=["k"]))
    create(r, tick(status=TickStatus.FAILURE, at=THEN + 180, error=ERROR, failure_count=2))
    create(r, tick("orders", TickStatus.SKIPPED, THEN + 60))
    create(r, tick("nightly", TickStatus.SUCCESS, THEN, SCHEDULE, run_ids=[]))


@scenario("ticks/of_each_status")
def _(r):
    several_ticks(r)
    for name in ("files", "orders", "nightly", "unknown"):
        ticks(r, name)


@scenario("ticks/with_everything")
def _(r):
    create(
        r,
        tick(
            "automation",
            TickStatus.SUCCESS,
            THEN,
            InstigatorType.AUTO_MATERIALIZE,
            run_ids=["r1", "r2"],
            run_keys=["k"],
            cursor="a \"cursor\" — é",
            origin_run_ids=["o"],
            failure_count=1,
            log_key=["a", "b"],
            dynamic_partitions_request_results=[
                DynamicPartitionsRequestResult("set", ["a"], None, ["b"]),
                DynamicPartitionsRequestResult("set", None, ["c"], []),
            ],
            end_timestamp=THEN + 1.5,
            run_requests=[RunRequest(run_key="k", asset_selection=[AssetKey("a")], tags={"x": "y"})],
            auto_materialize_evaluation_id=7,
            reserved_run_ids=["r1"],
            consecutive_failure_count=3,
            user_interrupted=True,
        ),
    )
    ticks(r, "automation")


@scenario("ticks/filters")
def _(r):
    several_ticks(r)
    for query in (
        {"limit": 2},
        {"before": THEN + 120},
        {"after": THEN + 60},
        {"before": THEN + 120.000001, "after": THEN - 1, "limit": 1},
        {"statuses": ["SKIPPED"]},
        {"statuses": ["SKIPPED", "FAILURE"], "limit": 1},
        {"after": THEN + 180},
    ):
        ticks(r, **query)


@scenario("ticks/by_time_and_id")
def _(r):
    several_ticks(r)
    for seconds in (60.0, 60.9, 59.1, 61.0, 59.0, 500.0):
        r.call("get_tick", **ids("files"), timestamp=THEN + seconds)
    r.call("get_tick", **ids("orders"), timestamp=THEN + 60)
    for wanted in ([1, 3], [77], [], [2, 2, 77]):
        r.call("get_ticks_by_ids", ids=wanted)


@scenario("ticks/in_batches")
def _(r):
    several_ticks(r)
    wanted = [ids(name)["selector_id"] for name in ("files", "orders", "unknown")]
    for limit in (1, 2, 10):
        r.call("get_batch_ticks", selector_ids=wanted, limit=limit, statuses=None)
    r.call("get_batch_ticks", selector_ids=[], limit=1, statuses=None)


@scenario("ticks/in_batches_of_a_status")
def _(r):
    """Dagster fails with the SQLAlchemy of today."""
    several_ticks(r)
    with r.fails("AttributeError"):
        r.call("get_batch_ticks", selector_ids=[ids("files")["selector_id"]], limit=1, statuses=["SKIPPED"])


@scenario("ticks/update")
def _(r):
    begun = create(r, tick())
    for status, more in (
        (TickStatus.SKIPPED, {"skip_reason": "no files", "end_timestamp": THEN + 1}),
        (TickStatus.SUCCESS, {"run_ids": ["r"], "cursor": "c"}),
        (TickStatus.FAILURE, {"error": ERROR}),
    ):
        r.call("update_tick", tick=ser(begun._replace(tick_data=tick(status=status, at=THEN + 5, **more))))
        ticks(r)


@scenario("ticks/update_what_is_not_stored")
def _(r):
    begun = create(r, tick())
    r.call("update_tick", tick=ser(begun._replace(tick_id=77)))
    ticks(r)


@scenario("ticks/update_that_of_another_instigator")
def _(r):
    begun = create(r, tick())
    r.call("update_tick", tick=ser(begun._replace(tick_data=tick("orders"))))
    ticks(r)
    ticks(r, "orders")


@scenario("ticks/without_selector")
def _(r):
    """Ticks of old versions are found by their origin, and get a selector when they are changed."""
    old = create(r, tick(selector=False))
    create(r, tick("orders", selector=False))
    create(r, tick(at=THEN + 60))
    ticks(r)
    r.call("get_batch_ticks", selector_ids=[ids("files")["selector_id"]], limit=5, statuses=None)
    r.call("update_tick", tick=ser(old._replace(tick_data=tick(status=TickStatus.SKIPPED))))
    ticks(r)
    r.call("purge_ticks", **ids("orders"), before=THEN + 900, statuses=None)
    ticks(r, "orders")


@scenario("ticks/of_code_that_has_moved")
def _(r):
    of_old, of_new = ids("files", port=4000), ids("files", port=4001)
    for at, of in ((THEN, of_old), (THEN + 60, of_new)):
        create(r, TickData(of["origin_id"], "files", SENSOR, TickStatus.STARTED, at, selector_id=of["selector_id"]))
    r.call("get_ticks", **of_new, before=None, after=None, limit=None, statuses=None)
    r.call("purge_ticks", **of_new, before=THEN + 30, statuses=None)


@scenario("ticks/purge")
def _(r):
    several_ticks(r)
    r.call("purge_ticks", **ids("unknown"), before=THEN + 900, statuses=None)
    r.call("purge_ticks", **ids("files"), before=THEN + 60, statuses=None)
    r.call("purge_ticks", **ids("files"), before=THEN + 900, statuses=["SKIPPED", "STARTED"])
    ticks(r)
    ticks(r, "orders")


def old_ticks(r, name, kind):
    now = time.time()
    for days in (1, 6, 8, 40, 400):
        at = float(int(now - days * DAY))
        create(r, tick(name, TickStatus.STARTED, at, kind))
        create(r, tick(name, TickStatus.SKIPPED, at + 1, kind))
        create(r, tick(name, TickStatus.SUCCESS, at + 2, kind, run_ids=[]))
        create(r, tick(name, TickStatus.FAILURE, at + 3, kind, error=ERROR))


def purge_by_retention(r):
    for kind in InstigatorType:
        r.call("get_tick_retention_settings", type=kind.name)
        old_ticks(r, kind.name, kind)
    for kind in InstigatorType:
        r.call("purge_ticks_by_retention", **ids(kind.name), type=kind.name)


@scenario("ticks/retention")
def _(r):
    purge_by_retention(r)


@scenario("ticks/retention_of_days", settings={"retention": {"schedule": {"purge_after_days": 30}}})
def _(r):
    purge_by_retention(r)


@scenario(
    "ticks/retention_of_statuses",
    settings={
        "retention": {
            "schedule": {"purge_after_days": {"failure": 7, "success": 0}},
            "sensor": {"purge_after_days": {"started": 1, "skipped": -1}},
            "auto_materialize": {"purge_after_days": {}},
        }
    },
)
def _(r):
    purge_by_retention(r)


@scenario("ticks/retention_of_no_days", settings={"retention": {"sensor": {"purge_after_days": 0}}})
def _(r):
    purge_by_retention(r)


# Backfills


def backfill(backfill_id="a", status=BulkActionStatus.REQUESTED, at=THEN, tags=None, job=None, **more):
    of = job and RemotePartitionSetOrigin(
        repository_origin=origin("").repository_origin, partition_set_name=f"{job}_partition_set"
    )
    return PartitionBackfill(backfill_id, status, False, tags or {}, at, partition_set_origin=of, **more)


def several_backfills(r):
    for each in (
        backfill("a", asset_selection=[AssetKey("x")], serialized_asset_backfill_data="{}"),
        backfill("b", BulkActionStatus.COMPLETED_SUCCESS, THEN + 60, {"team": "sales"}, "daily", partition_names=["p"]),
        backfill("c", BulkActionStatus.FAILED, THEN + 120, {"team": "buying", "by": "hand"}, "weekly", error=ERROR),
        backfill("d", BulkActionStatus.CANCELED, THEN + 180, {"team": "buying"}, "daily"),
    ):
        r.call("add_backfill", backfill=ser(each))


def find(r, cursor=None, limit=None, **asked):
    names = ("statuses", "created_before", "created_after", "tags", "job_name", "ids", "selector_id")
    filters = {name: asked.get(name) for name in names}
    r.call("get_backfills", **filters, cursor=cursor, limit=limit)
    if not (cursor or limit):
        r.call("get_backfills_count", **filters)


@scenario("backfills/add_and_get")
def _(r):
    several_backfills(r)
    for backfill_id in ("a", "c", "unknown", ""):
        r.call("get_backfill", id=backfill_id)
    find(r)


@scenario("backfills/with_everything")
def _(r):
    full = backfill(
        "full",
        job="a_job",
        tags={"x": "y — é", "": ""},
        title="A title",
        description="told",
        run_config={"ops": {"a": {"config": [1, 2.5, None]}}},
        partition_names=["p", "q"],
        last_submitted_partition_name="p",
        reexecution_steps=["s"],
        failure_count=2,
        submitting_run_requests=[RunRequest(run_key="k", tags={"x": "y"})],
        reserved_run_ids=["r"],
        backfill_end_timestamp=THEN + 1,
    )
    r.call("add_backfill", backfill=ser(full))
    r.call("get_backfill", id="full")


@scenario("backfills/filters")
def _(r):
    several_backfills(r)
    selector = backfill(job="daily").selector_id
    for asked in (
        {"statuses": ["REQUESTED"]},
        {"statuses": ["FAILED", "CANCELED"]},
        {"created_before": THEN + 60},
        {"created_after": THEN + 60},
        {"created_before": THEN + 150, "created_after": THEN + 30},
        {"job_name": "daily"},
        {"job_name": "unknown"},
        {"ids": ["d", "a", "unknown"]},
        {"selector_id": selector},
        {"selector_id": "unknown"},
        {"job_name": "daily", "statuses": ["CANCELED"], "selector_id": selector},
    ):
        find(r, **asked)


@scenario("backfills/filters_by_tags")
def _(r):
    several_backfills(r)
    for tags in (
        {"team": "sales"},
        {"team": "buying"},
        {"team": ["sales", "buying"]},
        {"team": "buying", "by": "hand"},
        {"team": "other"},
        {"unknown": "x"},
    ):
        find(r, tags=tags)
    find(r, tags={"team": "buying"}, job_name="daily")


@scenario("backfills/pages")
def _(r):
    several_backfills(r)
    for cursor, limit in ((None, 2), ("c", None), ("c", 1), ("a", 5), ("unknown", None)):
        find(r, cursor, limit)
    find(r, "d", 1, job_name="daily")


@scenario("backfills/update")
def _(r):
    """It is found by the job and the time that it was added with."""
    several_backfills(r)
    done = backfill("b", BulkActionStatus.CANCELING, THEN + 900, {"team": "sales"}, "weekly", description="told")
    r.call("update_backfill", backfill=ser(done))
    r.call("get_backfill", id="b")
    find(r, tags={"team": "sales"})
    find(r, job_name="weekly")
    find(r, created_after=THEN + 800)
    find(r, statuses=["CANCELING"])


@scenario("backfills/update_with_other_tags")
def _(r):
    """It is found by the tags that it was added with, and counted by those of now."""
    r.call("add_backfill", backfill=ser(backfill(tags={"team": "sales"})))
    r.call("update_backfill", backfill=ser(backfill(tags={"team": "buying"})))
    find(r, tags={"team": "sales"})
    find(r, tags={"team": "buying"})


@scenario("backfills/twice_and_never")
def _(r):
    several_backfills(r)
    with r.fails("IntegrityError"):
        r.call("add_backfill", backfill=ser(backfill("a", BulkActionStatus.FAILED)))
    with r.fails("DagsterInvariantViolationError"):
        r.call("update_backfill", backfill=ser(backfill("unknown")))
    find(r)


# Automation


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


A, B = AssetKey("a"), AssetKey(["b", "c"])
CHECK = AssetCheckKey(A, "check")


def evaluate(r, number, *found):
    r.call("add_evaluations", id=number, evaluations=[ser(each) for each in found])


@scenario("automation/evaluations")
def _(r):
    evaluate(r, 1, evaluation(A), evaluation(B, true=False), evaluation(CHECK, runs=["r"]))
    evaluate(r, 2, evaluation(A, "other"))
    evaluate(r, 3)
    for number in (1, 2, 3):
        r.call("get_evaluations_of", id=number)
    for key in (["a"], ["b", "c"], [["a"], "check"], ["unknown"]):
        r.call("get_evaluations", key=key, limit=10, cursor=None)


@scenario("automation/evaluations_again")
def _(r):
    evaluate(r, 1, evaluation(A), evaluation(B))
    evaluate(r, 1, evaluation(A, "again", False))
    r.call("get_evaluations_of", id=1)


@scenario("automation/pages_of_evaluations")
def _(r):
    for number in (2, 10, 1, 9):
        evaluate(r, number, evaluation(A), evaluation(B))
    for limit, cursor in ((10, None), (2, None), (2, 9), (1, 1), (10, 100)):
        r.call("get_evaluations", key=["a"], limit=limit, cursor=cursor)


@scenario("automation/purge_evaluations")
def _(r):
    evaluate(r, 1, evaluation(A), evaluation(B))
    r.call("purge_evaluations", before=THEN)
    r.call("get_evaluations_of", id=1)
    r.call("purge_evaluations", before=time.time() + DAY)
    r.call("get_evaluations_of", id=1)


# What daemons remember


@scenario("daemons/cursors")
def _(r):
    r.call("get_cursor_values", keys=["a"])
    r.call("set_cursor_values", pairs={"a": "1", "b": ""})
    r.call("set_cursor_values", pairs={"c": "3"})
    r.call("set_cursor_values", pairs={"a": "2 — é", "c": "4"})
    r.call("get_cursor_values", keys=["a", "b", "c", "unknown"])
    r.call("get_cursor_values", keys=[])


@scenario("daemons/cursors_of_which_one_is_new")
def _(r):
    r.call("set_cursor_values", pairs={"a": "1"})
    r.call("set_cursor_values", pairs={"a": "2", "b": "3"})
    r.call("get_cursor_values", keys=["a", "b"])


@scenario("daemons/heartbeats")
def _(r):
    def beat(kind, daemon_id, at, errors=()):
        r.call("add_daemon_heartbeat", heartbeat=ser(DaemonHeartbeat(at, kind, daemon_id, errors=list(errors))))

    r.call("get_daemon_heartbeats")
    beat("SENSOR", "one", THEN)
    beat("SCHEDULER", "one", THEN + 1, [ERROR, ERROR])
    beat("SENSOR", "two", THEN + 60)
    beat("OWN", None, THEN)
    r.call("get_daemon_heartbeats")
    r.call("wipe_daemon_heartbeats")
    r.call("get_daemon_heartbeats")
