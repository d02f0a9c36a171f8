"""Starting, stopping and resetting schedules and sensors, and their states: rows and answers."""

from dataclasses import dataclass
from functools import partial
from typing import Callable

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

# Starting, stopping and resetting, in the same way for both


@dataclass(frozen=True)
class Kind:
    """Schedules or sensors: what the cases of one differ in from those of the other."""

    # What the arguments and the names of methods call one.
    word: str
    # One of them.
    name: str
    define: Callable
    state: Callable
    # A definition that says something else than the state.
    other: dict
    # What Dagster raises about one that it does not know.
    unknown: str

    def start(self, r, definition):
        return r.call(f"start_{self.word}", **{self.word: definition})

    def stop(self, r, definition, name, **place):
        return r.call(f"stop_{self.word}", **ids(name, **place), **{self.word: definition})

    def reset(self, r, definition):
        return r.call(f"reset_{self.word}", **{self.word: definition})

    def each_operation(self, r, prepare, names):
        """Each operation after each preparation, by definitions that say that it runs and that it does not."""
        for operation in ("start", "stop", "reset"):
            for suffix in names:
                for default in ("STOPPED", "RUNNING"):
                    name = f"{operation}_{default}{suffix}"
                    prepare(name, suffix)
                    definition = self.define(name, default=default)
                    more = (name,) if operation == "stop" else ()
                    getattr(self, operation)(r, definition, *more)


SCHEDULES = Kind("schedule", "nightly", schedule, schedule_state, {"cron": "0 5 * * *"}, "AssertionError")
SENSORS = Kind("sensor", "files", sensor, sensor_state, {"min_interval": 7, "kind": "ASSET"}, "CheckError")


def scenario_of_both(name):
    """A scenario of schedules, and the same of sensors."""

    def register(play):
        for kind in (SCHEDULES, SENSORS):
            scenario(f"{kind.word}s/{name}")(partial(play, kind=kind))
        return play

    return register


@scenario_of_both("start_after_each_status")
def _(r, kind):
    for number, status in enumerate((RUNNING, STOPPED, DECLARED)):
        for default in (None, "STOPPED", "RUNNING"):
            name = f"{default}_{number}"
            add(r, kind.state(name, status))
            kind.start(r, kind.define(name, default=default))


@scenario_of_both("start_stop_start")
def _(r, kind):
    for _ in range(2):
        kind.start(r, kind.define())
        kind.stop(r, kind.define(), kind.name)
    kind.start(r, kind.define(**kind.other))


@scenario_of_both("of_the_status_of_an_old_version")
def _(r, kind):
    kind.each_operation(r, lambda name, _: add(r, kind.state(name), "AUTOMATICALLY_RUNNING"), [""])
    all_states(r)


@scenario_of_both("stop_after_each_status")
def _(r, kind):
    for number, status in enumerate((None, RUNNING, STOPPED, DECLARED)):
        for default in ("STOPPED", "RUNNING"):
            name = f"{default}_{number}"
            if status:
                add(r, kind.state(name, status))
            kind.stop(r, kind.define(name, default=default), name)


@scenario_of_both("stop_without_definition")
def _(r, kind):
    for status in (RUNNING, STOPPED, DECLARED):
        add(r, kind.state(status.name, status))
        kind.stop(r, None, status.name)


@scenario_of_both("stop_what_is_not_known")
def _(r, kind):
    with r.fails(kind.unknown):
        kind.stop(r, None, kind.name)


@scenario_of_both("reset_after_each_status")
def _(r, kind):
    for number, status in enumerate((None, RUNNING, STOPPED, DECLARED)):
        for default in ("STOPPED", "RUNNING"):
            name = f"{default}_{number}"
            if status:
                add(r, kind.state(name, status))
            kind.reset(r, kind.define(name, default=default, **kind.other))


@scenario_of_both("of_code_that_has_moved")
def _(r, kind):
    """The state is found by the selector, and keeps the old origin."""
    kind.start(r, kind.define(port=4000))
    kind.stop(r, kind.define(port=4001), kind.name, port=4001)
    kind.start(r, kind.define(port=4001))
    kind.reset(r, kind.define(port=4002))
    all_states(r)


@scenario_of_both("take_the_place_of_the_others")
def _(r, kind):
    other = SENSORS if kind is SCHEDULES else SCHEDULES
    statuses = {"_0": RUNNING, "_1": STOPPED}
    kind.each_operation(r, lambda name, suffix: add(r, other.state(name, statuses[suffix])), statuses)


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


@scenario("schedules/stop_a_sensor_as_a_schedule")
def _(r):
    add(r, sensor_state("files"))
    with r.fails("AttributeError"):
        r.call("stop_schedule", **ids("files"), schedule=None)


# Starting, stopping and resetting sensors


@scenario("sensors/start")
def _(r):
    r.call("start_sensor", sensor=sensor())
    r.call("start_sensor", sensor=sensor())
    r.call("start_sensor", sensor=sensor("of_runs", 5, "RUN_STATUS"))
    r.call("start_sensor", sensor=sensor("without_pause", 0, "AUTOMATION"))
    r.call("start_sensor", sensor=sensor("running", default="RUNNING"))


@scenario("sensors/stop_a_schedule_as_a_sensor")
def _(r):
    add(r, schedule_state("nightly"))
    r.call("stop_sensor", **ids("nightly"), sensor=None)


@scenario("sensors/without_data")
def _(r):
    """Dagster fails to start what it has stored so itself."""
    add(r, InstigatorState(origin("stopped"), SENSOR, STOPPED))
    add(r, InstigatorState(origin("running"), SENSOR, RUNNING))
    r.call("stop_sensor", **ids("running"), sensor=sensor("running"))
    r.call("reset_sensor", sensor=sensor("running"))
    with r.fails("AttributeError"):
        r.call("start_sensor", sensor=sensor("stopped"))


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
