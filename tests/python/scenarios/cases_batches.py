"""Events in batches: when they are written, and what a batch does that its events alone would not."""

from scenarios import event_types
from scenarios.event_types import of_run, of_step
from scenarios.execution import BEGIN
from scenarios.jobs import registered_origin, run_of
from scenarios.registry import scenario
from scenarios.run_ids import nth

from dagster import AssetKey, AssetMaterialization, AssetObservation
from dagster._core.events import AssetObservationData, DagsterEvent, StepMaterializationData
from dagster._core.events.log import EventLogEntry


def materialization(key, number=0):
    data = StepMaterializationData(AssetMaterialization(AssetKey(key), tags={"dagster/data_version": f"v{number}"}))
    return DagsterEvent("ASSET_MATERIALIZATION", "j", event_specific_data=data)


def observation(key):
    data = AssetObservationData(AssetObservation(AssetKey(key), tags={"own": "x"}))
    return DagsterEvent("ASSET_OBSERVATION", "j", event_specific_data=data)


def batch(name, is_end=False):
    return {"id": name, "is_end": is_end}


def report(r, number, event, of=None, run_id=nth(1)):
    r.report_dagster_event(run_id, event, 10, BEGIN + number, of)


def five(r, end):
    """Five events of one batch, the last of which is the one that ends it, if any is."""
    r.create_run()
    for number in range(5):
        report(r, number, materialization("a", number), batch("b", number == end))


for size in (0, 1, 2, 3, 10):
    for end in range(5):
        scenario(f"batches/of_{size}_with_end_at_{end}", event_batch_size=size)(lambda r, end=end: five(r, end))


@scenario("batches/without_end", event_batch_size=3)
def _(r):
    """What is left of a batch that no one ends is lost."""
    five(r, None)


@scenario("batches/interleaved", event_batch_size=3)
def _(r):
    r.create_run()
    for number, name in enumerate("xyxyyxyx"):
        report(r, number, materialization(name, number), batch(name))
    report(r, 8, materialization("x", 8), batch("x", True))
    report(r, 9, materialization("y", 9), batch("y", True))


@scenario("batches/of_two_runs", event_batch_size=4)
def _(r):
    r.create_run()
    r.create_run()
    for number in range(4):
        report(r, number, materialization("a", number), batch("b"), nth(1 + number % 2))


@scenario("batches/event_between", event_batch_size=3)
def _(r):
    """One without a batch is written at once, before those that came earlier."""
    r.create_run()
    report(r, 0, materialization("a"), batch("b"))
    report(r, 1, of_step("STEP_START"))
    report(r, 2, materialization("a", 2), batch("b"))
    report(r, 3, materialization("a", 3))
    report(r, 4, materialization("a", 4), batch("b"))


@scenario("batches/the_same_id_again", event_batch_size=2)
def _(r):
    r.create_run()
    for number in range(5):
        report(r, number, materialization("a", number), batch("b", number == 4))


@scenario("batches/materializations_of_several_assets", event_batch_size=3)
def _(r):
    """In Postgres, a batch of nothing else tells the table of assets only of its last."""
    r.create_run()
    for number, key in enumerate("aba"):
        report(r, number, materialization(key, number), batch("b"))


@scenario("batches/observations_of_several_assets", event_batch_size=3)
def _(r):
    r.create_run()
    for number, key in enumerate("abc"):
        report(r, number, observation(key), batch("b"))


@scenario("batches/materializations_and_observations", event_batch_size=4)
def _(r):
    r.create_run()
    events = (materialization("a"), observation("a"), observation("b"), materialization("c"))
    for number, event in enumerate(events):
        report(r, number, event, batch("b"))


@scenario("batches/of_other_types", event_batch_size=4)
def _(r):
    """Those that no batch may have: it is given up, and its events are stored one by one."""
    r.create_run()
    events = (materialization("a"), of_step("STEP_START"), materialization("b"), of_run("PIPELINE_START"))
    for number, event in enumerate(events):
        report(r, number, event, batch("b"))


@scenario("batches/of_planned_events", event_batch_size=3)
def _(r):
    r.create_run()
    types = ("ASSET_MATERIALIZATION_PLANNED", "ASSET_CHECK_EVALUATION_PLANNED", "ASSET_CHECK_EVALUATION")
    for number, event_type in enumerate(types):
        report(r, number, of_step(event_type), batch("b"))


@scenario("batches/of_lines", event_batch_size=2)
def _(r):
    """A line of a log is no event."""
    r.create_run()
    for number in range(2):
        entry = EventLogEntry(None, 20, f"line {number}", nth(1), BEGIN + number)
        r.handle_new_event(entry, batch("b"))


@scenario("batches/of_failures_to_materialize", event_batch_size=3)
def _(r):
    """They are dropped before they count, even one that ends the batch."""
    r.create_run()
    for number in range(3):
        report(r, number, materialization("a", number), batch("b"))
        report(r, number, of_step("ASSET_FAILED_TO_MATERIALIZE"), batch("b"))
    report(r, 4, materialization("a", 4), batch("b"))
    report(r, 5, of_step("ASSET_FAILED_TO_MATERIALIZE"), batch("b", True))


@scenario("batches/of_each_type", event_batch_size=100)
def _(r):
    r.create_run("chain_job", remote_job_origin=registered_origin("chain_job"))
    types = list(event_types.EVERY)
    for number, event_type in enumerate(types):
        report(r, number, of_step(event_type), batch("b", number == len(types) - 1))


@scenario("batches/of_status_changes", event_batch_size=2)
def _(r):
    """The run changes when the batch is written."""
    r.create_run()
    report(r, 0, of_run("PIPELINE_START"), batch("b"))
    report(r, 1, of_run("PIPELINE_SUCCESS"))
    report(r, 2, of_run("PIPELINE_FAILURE"), batch("b", True))


@scenario("batches/planned_events_of_one", event_batch_size=1)
def _(r):
    r.create_run(**run_of("halves_job"))


@scenario("batches/planned_events_of_two", event_batch_size=2)
def _(r):
    r.create_run(**run_of("flow_job", remote=True))


@scenario("batches/planned_events_of_many", event_batch_size=50)
def _(r):
    r.create_run(**run_of("flow_job", remote=True))
    days = {
        "dagster/asset_partition_range_start": "2024-01-05",
        "dagster/asset_partition_range_end": "2024-01-08",
    }
    r.create_run(**run_of("by_day_job", tags=days))
