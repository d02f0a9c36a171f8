"""Events of each type and other lines of a log: reported, handled, and stored as they are."""

from scenarios import event_types
from scenarios.event_types import of_run, of_step
from scenarios.execution import BEGIN, ERROR
from scenarios.jobs import registered_origin, run_of
from scenarios.registry import TAG_ROWS, scenario
from scenarios.run_ids import nth

from dagster import AssetKey, AssetMaterialization, MetadataValue
from dagster._core.events import DagsterEvent, EngineEventData, StepMaterializationData
from dagster._core.events.log import EventLogEntry

ODD_TEXT = "naïve 日本語 🦀👩‍👩‍👧 tab\t nl\n cr\r bell\x07 esc\x1b[31m del\x7f nul\x00 ls\u2028 bs\\ quote\" bom\ufeff"


def line(message="", run_id=nth(1), event=None, **others):
    return EventLogEntry(
        **{
            "error_info": None,
            "level": 20,
            "user_message": message,
            "run_id": run_id,
            "timestamp": BEGIN + 0.5,
            "dagster_event": event,
            **others,
        }
    )


def each_of(r, group, make):
    r.create_run("chain_job", remote_job_origin=registered_origin("chain_job"))
    for number, event_type in enumerate(group):
        r.report_dagster_event(nth(1), make(event_type), 10, BEGIN + number)


@scenario("events/of_steps")
def _(r):
    each_of(r, event_types.STEPS, of_step)


@scenario("events/of_workers")
def _(r):
    each_of(r, event_types.WORKERS, of_step)
    each_of(r, event_types.WORKERS, of_run)


@scenario("events/of_assets")
def _(r):
    each_of(r, event_types.ASSETS, of_step)


@scenario("events/of_assets_twice")
def _(r):
    """A check's second evaluation overwrites the first."""
    each_of(r, event_types.ASSETS, of_step)
    for number, event_type in enumerate(event_types.ASSETS):
        if event_type != "ASSET_CHECK_EVALUATION_PLANNED":
            r.report_dagster_event(nth(1), of_run(event_type), 10, BEGIN + 100 + number)


@scenario("events/of_hooks_and_alerts")
def _(r):
    each_of(r, event_types.HOOKS_AND_ALERTS, of_step)


@scenario("events/of_runs")
def _(r):
    each_of(r, event_types.RUNS, of_run)


@scenario("events/of_each_type_on_no_run")
def _(r):
    for number, event_type in enumerate(event_types.EVERY):
        r.report_dagster_event("no such run", of_run(event_type), 20, BEGIN + number)


@scenario("events/minimal")
def _(r):
    """Of those that have no data to give; the job's name need not be the run's."""
    r.create_run("chain_job")
    for event_type, data in event_types.EVERY.items():
        if data is None:
            r.report_dagster_event(nth(1), DagsterEvent(event_type, "other_job"))


@scenario("events/now")
def _(r):
    """A timestamp of zero is none."""
    r.create_run("chain_job")
    for timestamp in (None, 0.0):
        r.report_dagster_event(nth(1), of_step("STEP_START"), 10, timestamp)
        r.report_dagster_event(nth(1), of_step("ASSET_MATERIALIZATION"), 10, timestamp)
        r.report_dagster_event(nth(1), of_run("PIPELINE_START"), 10, timestamp)


@scenario("events/odd_timestamps")
def _(r):
    r.create_run("chain_job")
    for timestamp in (1.0, 0.1, 1700000000.0, 1700000000.000001, 1700000000.1234567, 4102444800.999999, 1e9):
        r.report_dagster_event(nth(1), of_run("PIPELINE_START"), 10, timestamp)
        r.report_dagster_event(nth(1), of_step("ASSET_MATERIALIZATION"), 10, timestamp)
        r.report_dagster_event(nth(1), of_run("PIPELINE_SUCCESS"), 10, timestamp)


@scenario("events/step_key_of_the_event")
def _(r):
    """The row has the event's; only a line without an event has its own."""
    r.handle_new_event(line(event=DagsterEvent("STEP_START", "j", step_key="of the event"), step_key="of the entry"))
    of_no_step = DagsterEvent("ENGINE_EVENT", "j", event_specific_data=EngineEventData({}))
    r.handle_new_event(line(event=of_no_step, step_key="of the entry"))
    r.handle_new_event(line("a line", step_key="of the entry"))


@scenario("events/lines")
def _(r):
    for level in (0, 10, 20, 30, 40, 50, 5):
        r.handle_new_event(line(f"at {level}", level=level))
    r.handle_new_event(line("with a job and an error", job_name="chain_job", step_key="first", error_info=ERROR))
    r.handle_new_event(line("with an event", event=of_step("STEP_START"), job_name="chain_job"))


@scenario("events/odd_text")
def _(r):
    for text in ("", ODD_TEXT, "'; drop table event_logs; --", "%s {} $1 ?", "x" * 5000):
        r.handle_new_event(line(text))
        data = EngineEventData({"text": MetadataValue.text(text), "json": MetadataValue.json({"t": [text, None, 1.0]})})
        r.report_dagster_event(nth(1), DagsterEvent("ENGINE_EVENT", "j", event_specific_data=data, message=text))


@scenario("events/odd_asset_keys")
def _(r):
    """With a tag that is kept in a table of its own for none but materializations and observations."""
    for path in (["é", "a b"], ['quote"', "slash/"], ["", "x"], ["日本語🦀"], ["a"], ["A"]):
        tags = {"k": "v", "dagster/data_version": "d"}
        materialization = AssetMaterialization(AssetKey(path), partition="p/ü", tags=tags)
        event = DagsterEvent("ASSET_MATERIALIZATION", "j", event_specific_data=StepMaterializationData(materialization))
        r.report_dagster_event("", event, 20, BEGIN)


@scenario("events/of_several_runs")
def _(r):
    """Each run has its file in SQLite, and those events that others look for are in the index as well."""
    for number in range(3):
        for run_id in (nth(1), "another run", ""):
            r.report_dagster_event(run_id, of_step("STEP_START"), 10, BEGIN + number)
            r.report_dagster_event(run_id, of_step("ASSET_MATERIALIZATION"), 10, BEGIN + number)


@scenario("events/stored_only")
def _(r):
    """Stored without a thought of the run."""
    r.create_run("chain_job")
    for number, event_type in enumerate(event_types.EVERY):
        r.store_event(line(event=of_step(event_type), timestamp=BEGIN + number))
    r.store_event(line("a line"))


@scenario("events/failed_to_materialize")
def _(r):
    """Open source Dagster stores none, by whichever way."""
    r.create_run("chain_job")
    event = of_step("ASSET_FAILED_TO_MATERIALIZE")
    r.report_dagster_event(nth(1), event)
    r.report_dagster_event(nth(1), event, batch={"id": "b", "is_end": True})
    r.handle_new_event(line(event=event))
    r.store_event(line(event=event))


@scenario("events/engine")
def _(r):
    r.create_run("chain_job")
    r.report_engine_event("of a run", nth(1))
    r.report_engine_event("of its name", nth(1), "other_job")
    r.report_engine_event("of no run", "no such run", "a_job")
    r.report_engine_event("of a step", nth(1), step_key="first")
    r.report_engine_event("with an error", nth(1), engine_event_data=EngineEventData({}, ERROR))
    r.report_engine_event(
        "with all",
        nth(1),
        engine_event_data=EngineEventData({"pid": MetadataValue.text("1")}, None, marker_start="a", marker_end="b"),
    )
    r.report_engine_event(ODD_TEXT, nth(1))


@scenario("events/engine_of_no_run_and_no_job")
def _(r):
    with r.fails("CheckError"):
        r.report_engine_event("of nothing", "no such run")
        r.report_engine_event("of nothing", "no such run", "")


@scenario("events/check_planned_twice")
def _(r):
    """Its evaluation updates both rows, and complains only then."""
    r.create_run("chain_job")
    for _again in range(2):
        r.report_dagster_event(nth(1), of_step("ASSET_CHECK_EVALUATION_PLANNED"), 10, BEGIN)
    with r.fails("DagsterInvariantViolationError"):
        r.report_dagster_event(nth(1), of_step("ASSET_CHECK_EVALUATION"), 10, BEGIN)


@scenario("events/check_of_a_partition")
def _(r):
    """Planned for one and for none; evaluated for each of those and for another."""
    from dagster import AssetCheckEvaluation

    r.create_run(**run_of("by_day_job", tags={"dagster/partition": "2024-01-05"}))
    for name in ("day_holds", "days_hold"):
        for partition in ("2024-01-05", None, "2024-01-06"):
            evaluation = AssetCheckEvaluation(AssetKey("by_day"), name, partition is None, partition=partition)
            event = DagsterEvent("ASSET_CHECK_EVALUATION", "by_day_job", event_specific_data=evaluation)
            r.report_dagster_event(nth(1), event, 10, BEGIN)


# Runs and their tags, besides what events do to them


@scenario("runs/add_tags")
def _(r):
    r.create_run(tags={"kept": "k", "changed": "before"})
    r.add_run_tags(nth(1), {"new": "n"})
    r.add_run_tags(nth(1), {"changed": "after"})
    r.add_run_tags(nth(1), {"changed": "again", "newer": ""})
    r.add_run_tags(nth(1), {})


@scenario("runs/add_several_tags", unordered=(TAG_ROWS,))
def _(r):
    r.create_run(tags={"a": "1"})
    r.add_run_tags(nth(1), {key: ODD_TEXT.replace("\x00", "") for key in "zyxabc"})


@scenario("runs/add_tags_that_are_columns")
def _(r):
    """The partition and its set are, the backfill is not any more."""
    r.create_run(tags={"dagster/backfill": "first"})
    for key in ("dagster/partition", "dagster/partition_set", "dagster/backfill"):
        r.add_run_tags(nth(1), {key: "new"})
    r.add_run_tags(nth(1), {"other": "tag"})


@scenario("runs/add_tags_that_are_not_in_the_run")
def _(r):
    """The label of the repository is a row, but none of the run's own tags: a second row."""
    r.create_run(**run_of("one_pool_job", remote=True))
    r.add_run_tags(nth(1), {".dagster/repository": "mine"})
    r.add_run_tags(nth(1), {".dagster/repository": "mine again"})


@scenario("runs/add_tags_to_no_run")
def _(r):
    with r.fails("DagsterRunNotFoundError"):
        r.add_run_tags("no such run", {"a": "b"})


@scenario("runs/add")
def _(r):
    """As it is, with nothing checked but its snapshot and that its id is new."""
    run = r.create_run(**run_of("flow_job", remote=True, status="QUEUED", tags={"dagster/partition": "p"}))
    copy = run._replace(run_id="not a uuid", tags={"dagster/backfill": "b"})
    r.add_run(copy)
    with r.fails("DagsterRunAlreadyExists"):
        r.add_run(copy)
    with r.fails("DagsterSnapshotDoesNotExist"):
        r.add_run(run._replace(run_id="another", job_snapshot_id="no such snapshot"))
    r.add_run(run._replace(run_id="another", execution_plan_snapshot_id="no such snapshot"))


@scenario("runs/delete")
def _(r):
    """Its tags and events go; the snapshots and what others know of its assets stay."""
    for _again in range(2):
        run = r.create_run(**run_of("flow_job", tags={"a": "b"}))
        r.report_dagster_event(run.run_id, of_step("ASSET_MATERIALIZATION"), 10, BEGIN)
        r.report_dagster_event(run.run_id, of_step("STEP_START"), 10, BEGIN)
    r.delete_run(nth(1))
    r.delete_run("no such run")
    r.report_dagster_event(nth(1), of_step("STEP_START"), 10, BEGIN)


@scenario("runs/delete_and_create_again")
def _(r):
    given = "11111111-2222-4333-8444-555555555555"
    for _again in range(2):
        r.create_run(**run_of("chain_job", tags={"a": "b"}), run_id=given)
        r.report_dagster_event(given, of_run("PIPELINE_START"), 10, BEGIN)
        r.delete_run(given)
