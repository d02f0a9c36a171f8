"""Starting, stopping and resetting schedules and sensors, and their states: rows and answers."""

from scenarios.encoding import ser
from scenarios.instigators import (
    DECLARED,
    RUNNING,
    SENSOR,
    STOPPED,
    add,
    all_states,
    backfill,
    create,
    evaluation,
    ids,
    origin,
    schedule,
    schedule_state,
    sensor,
    sensor_state,
    state_of,
    tick,
    ticks,
    update,
)
from scenarios.registry import scenario

from dagster import AssetKey
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.scheduler.instigation import InstigatorState

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
