"""Automatic retries: which failed runs are executed again, by which run, and what is told where they are not."""

from scenarios.cases_launching import DIRECT, new_run, settings
from scenarios.cases_reexecution import ALL, CLEAN, RAW, RAW_HOLDS, again, launched
from scenarios.cases_run_status import happens
from scenarios.event_types import of_run
from scenarios.execution import BEGIN, Execution
from scenarios.instigators import backfill
from scenarios.jobs import code_origin, location_origin, registered_origin, run_of
from scenarios.keepers import retry_of
from scenarios.launcher_double import THROWS
from scenarios.registry import scenario

from dagster._core.events import JobFailureData, RunFailureReason
from dagster._core.events.log import EventLogEntry
from dagster._core.execution.backfill import BulkActionStatus

CURSOR = "EVENT_LOG_CONSUMER_CURSOR-PIPELINE_{}"
ALL_AGAIN = {"dagster/retry_strategy": "ALL_STEPS"}
NO_RUN = "11111111-2222-4333-8444-555555555555"


def retried(name, coordinator=None, retries=None, cursors_are_marks=True, **does):
    """The case with two retries for each run. What ours remembers of events is not what Dagster does, so it is a mark."""

    def register(play):
        run_retries = {"enabled": True, "max_retries": 2, **(retries or {})}
        options = {"errors_are_marks": True, "cursors_are_marks": cursors_are_marks}
        options["settings"] = settings(coordinator, {"run_retries": run_retries}, **does)
        return scenario(f"keepers/retries/{name}", **options)(play)

    return register


def failed(r, name="chain_job", tags=None, reason=None, **options):
    """A run whose second step has failed."""
    execution = launched(r, name, tags=tags, **options)
    fails(execution, reason)
    return execution.run.run_id


def fails(execution, reason=None):
    if execution.run.job_name == "chain_job":
        execution.succeeds("first")
        execution.fails("second")
    execution.failed(reason and RunFailureReason[reason])


# Which runs are looked at


@retried("first_look", cursors_are_marks=False)
def _(r):
    """What failed before is left alone."""
    failed(r)
    r.retry_runs()
    r.retry_runs()


@retried("first_look/restarted")
def _(r):
    failed(r)
    r.retry_runs()
    r.call("restart_keepers")
    r.retry_runs()


@retried("first_look/without_events", cursors_are_marks=False)
def _(r):
    r.retry_runs()


@retried("look")
def _(r):
    r.retry_runs()
    failed(r, tags={"a": "b"})
    r.retry_runs()
    r.retry_runs()


@retried("look/restarted")
def _(r):
    r.retry_runs()
    failed(r)
    r.call("restart_keepers")
    r.retry_runs()
    r.call("restart_keepers")
    r.retry_runs()


@retried("look/other_ends")
def _(r):
    r.retry_runs()
    launched(r, "chain_job").succeeded()
    launched(r, "chain_job").canceled()
    r.retry_runs()


@retried("look/several_runs")
def _(r):
    """Dagster goes by the runs and we by the failures, so the newest run fails first."""
    r.retry_runs()
    executions = [launched(r, "chain_job") for _ in range(3)]
    for execution in reversed(executions):
        fails(execution)
    r.retry_runs()


@retried("look/failed_twice")
def _(r):
    r.retry_runs()
    run_id = failed(r)
    happens(r, "PIPELINE_FAILURE", run_id=run_id)
    r.retry_runs()


@retried("look/failed_again_later")
def _(r):
    r.retry_runs()
    run_id = failed(r)
    r.retry_runs()
    happens(r, "PIPELINE_FAILURE", run_id=run_id)
    r.retry_runs()


@retried("look/of_no_run")
def _(r):
    r.retry_runs()
    happens(r, "PIPELINE_FAILURE", run_id=NO_RUN)
    r.retry_runs()


@retried("look/succeeded_with_the_tag")
def _(r):
    r.retry_runs()
    run = launched(r, "chain_job", tags={"dagster/will_retry": "true", **ALL_AGAIN})
    run.succeeds("first", "second", "third")
    run.succeeded()
    r.retry_runs()


@retried("look/succeeded_after_all")
def _(r):
    """The failure is looked at when the run is no failure any more, but has the tag of one."""
    r.retry_runs()
    run = launched(r, "chain_job", tags=ALL_AGAIN)
    fails(run)
    run.succeeded()
    r.retry_runs()


def stored_failure(r, run_id):
    """The event alone: the status of the run is another step."""
    event = of_run("PIPELINE_FAILURE", event_specific_data=JobFailureData(None, RunFailureReason.RUN_EXCEPTION, None))
    entry = EventLogEntry(
        error_info=None,
        level=40,
        user_message="",
        run_id=run_id,
        timestamp=BEGIN,
        job_name="chain_job",
        dagster_event=event,
    )
    r.store_event(entry)
    return event


@retried("look/status_comes_later")
def _(r):
    r.retry_runs()
    run_id = launched(r, "chain_job").run.run_id
    event = stored_failure(r, run_id)
    r.retry_runs()
    r.handle_run_event(run_id, event, BEGIN)
    r.retry_runs()


# Cursors


@retried("cursor/no_number", cursors_are_marks=False)
def _(r):
    r.call("set_cursor_values", pairs={CURSOR.format("FAILURE"): "many"})
    failed(r)
    with r.fails("ValueError"):
        r.retry_runs()


@retried("cursor/of_successes_is_no_number", cursors_are_marks=False)
def _(r):
    r.call("set_cursor_values", pairs={CURSOR.format("FAILURE"): "0", CURSOR.format("SUCCESS"): ""})
    failed(r)
    with r.fails("ValueError"):
        r.retry_runs()


@retried("cursor/as_it_is", cursors_are_marks=False)
def _(r):
    """Nothing is new, so nothing changes."""
    r.retry_runs()
    r.retry_runs()
    r.retry_runs()


@retried("cursor/after_a_failure", cursors_are_marks=False)
def _(r):
    r.retry_runs()
    failed(r)
    r.retry_runs()


@retried("cursor/before_all_events")
def _(r):
    r.call("set_cursor_values", pairs={CURSOR.format("FAILURE"): " 0 ", CURSOR.format("SUCCESS"): "0"})
    failed(r)
    r.retry_runs()


@retried("cursor/behind_a_failure")
def _(r):
    """As if Dagster's daemon had not seen it when it was there."""
    failed(r)
    r.call("set_cursor_values", pairs={CURSOR.format("FAILURE"): "1000", CURSOR.format("SUCCESS"): "1000"})
    r.retry_runs()


# Whether a run is retried


def failed_and_then(r, tags, **options):
    """The tags that a person, or an old release, has given it since."""
    run_id = failed(r, **options)
    r.add_run_tags(run_id, tags)
    return run_id


@retried("verdict/of_the_tag")
def _(r):
    r.retry_runs()
    for value in ("true", "True", "1", "yes", "", "maybe", "false", "False", "0", "no", "none"):
        failed_and_then(r, {"dagster/will_retry": value})
        r.retry_runs()


@retried("verdict/of_the_tag_against_the_setting", retries={"max_retries": 0})
def _(r):
    r.retry_runs()
    failed_and_then(r, {"dagster/will_retry": "true"})
    r.retry_runs()


def failed_without_the_tag(r, tags=None, **options):
    run_id = launched(r, "chain_job", tags=tags, **options).run.run_id
    r.handle_run_event(run_id, stored_failure(r, run_id), BEGIN)
    return run_id


@retried("verdict/without_the_tag")
def _(r):
    r.retry_runs()
    for value in ("2", "1", "0", "many"):
        failed_without_the_tag(r, {"dagster/max_retries": value})
        r.retry_runs()
    failed_without_the_tag(r)
    r.retry_runs()


@retried("verdict/without_the_tag_and_retries", retries={"max_retries": 0})
def _(r):
    r.retry_runs()
    failed_without_the_tag(r)
    r.retry_runs()


@retried("verdict/max_retries")
def _(r):
    r.retry_runs()
    run_id = failed(r)
    for _ in range(2):
        r.retry_runs()
        execution = Execution(r, r.instance.get_run_by_id(retry_of(run_id))).started()
        fails(execution)
        run_id = execution.run.run_id
    r.retry_runs()


@retried("verdict/retries_by_hand_count")
def _(r):
    r.retry_runs()
    execution = launched(r, "chain_job")
    fails(Execution(r, again(r, execution, ALL)).started())
    fails(execution)
    r.retry_runs()


NO_STEPS = {"retry_on_asset_or_op_failure": False}


@retried("verdict/step_failure", retries=NO_STEPS)
def _(r):
    r.retry_runs()
    for value in (None, "false", "true"):
        for reason in ("STEP_FAILURE", "RUN_EXCEPTION", "UNKNOWN"):
            failed(r, tags=value and {"dagster/retry_on_asset_or_op_failure": value}, reason=reason)
            r.retry_runs()


@retried("verdict/step_failure_by_the_tag")
def _(r):
    r.retry_runs()
    failed(r, tags={"dagster/retry_on_asset_or_op_failure": "false"}, reason="STEP_FAILURE")
    r.retry_runs()


@retried("verdict/told_again", retries=NO_STEPS)
def _(r):
    r.retry_runs()
    run_id = failed(r, reason="STEP_FAILURE")
    r.retry_runs()
    happens(r, "PIPELINE_FAILURE", run_id=run_id)
    r.retry_runs()


@retried("verdict/backfill_is_gone")
def _(r):
    r.retry_runs()
    failed(r, tags={"dagster/backfill": "gone"})
    r.retry_runs()


@retried("verdict/backfill")
def _(r):
    r.retry_runs()
    for status in BulkActionStatus:
        r.add_backfill(backfill(status.value, status))
        failed(r, tags={"dagster/backfill": status.value, "dagster/parent_backfill_id": "p"})
        r.retry_runs()


# The retry that there is already


def retried_before(r, parent, number="1", status=None):
    """A run that executes another one again; of a person, it has no number."""
    of_parent = {"dagster/root_run_id": parent, "dagster/parent_run_id": parent}
    tags = {**of_parent, **({"dagster/retry_number": number} if number else {})}
    run = run_of("chain_job", remote=True, tags=tags, parent_run_id=parent, root_run_id=parent, status=status)
    return r.create_run(**run, job_code_origin=code_origin("chain_job")).run_id


@retried("existing/named")
def _(r):
    r.retry_runs()
    for status in (None, "QUEUED", "STARTED", "SUCCESS"):
        run_id = failed(r)
        r.add_run_tags(run_id, {"dagster/auto_retry_run_id": retried_before(r, run_id, status=status)})
        r.retry_runs()


@retried("existing/not_named")
def _(r):
    r.retry_runs()
    for status in (None, "QUEUED", "STARTED", "SUCCESS"):
        run_id = failed(r)
        retried_before(r, run_id, status=status)
        r.retry_runs()


@retried("existing/by_hand")
def _(r):
    r.retry_runs()
    retried_before(r, failed(r), number=None)
    r.retry_runs()


@retried("existing/by_hand_and_then_by_itself")
def _(r):
    r.retry_runs()
    run_id = failed(r)
    retried_before(r, run_id, number=None)
    retried_before(r, run_id)
    r.retry_runs()


@retried("existing/deleted")
def _(r):
    r.retry_runs()
    run_id = failed(r)
    r.retry_runs()
    r.delete_run(retry_of(run_id))
    happens(r, "PIPELINE_FAILURE", run_id=run_id)
    r.retry_runs()


@retried("existing/cannot_be_submitted", coordinator=DIRECT, launch=THROWS)
def _(r):
    r.retry_runs()
    retried_before(r, failed(r))
    r.retry_runs()


# The new run


for strategy in ("FROM_FAILURE", "FROM_ASSET_FAILURE", "ALL_STEPS", "all_steps", ""):

    @retried(f"new/strategy/{strategy or 'empty'}")
    def _(r):
        r.retry_runs()
        run = launched(r, "flow_job", tags={"dagster/retry_strategy": strategy})
        run.succeeds("raw")
        run.fails("clean")
        run.failed()
        r.retry_runs()


@retried("new/of_a_selection")
def _(r):
    r.retry_runs()
    failed(r, op_selection=["*second"], resolved_op_selection={"first", "second"})
    r.retry_runs()
    run = launched(r, "flow_job", asset_selection={RAW, CLEAN}, asset_check_selection={RAW_HOLDS})
    run.fails("clean")
    run.failed()
    r.retry_runs()


@retried("new/of_a_partition")
def _(r):
    r.retry_runs()
    run = launched(r, "by_day_job", tags={"dagster/partition": "2024-01-05"})
    run.fails("by_day")
    run.failed()
    r.retry_runs()


@retried("new/is_launched_at_once", coordinator=DIRECT)
def _(r):
    r.retry_runs()
    failed(r)
    r.retry_runs()


@retried("new/cannot_be_launched", coordinator=DIRECT, launch=THROWS)
def _(r):
    """The retry has failed, and is retried, too."""
    r.retry_runs()
    failed(r)
    for _ in range(3):
        r.retry_runs()


@retried("new/has_no_steps")
def _(r):
    r.retry_runs()
    run = launched(r, "chain_job")
    run.succeeds("first", "second", "third")
    run.failed()
    r.retry_runs()


@retried("new/has_no_assets")
def _(r):
    r.retry_runs()
    failed(r, tags={"dagster/retry_strategy": "FROM_ASSET_FAILURE"})
    r.retry_runs()


@retried("new/has_no_plan")
def _(r):
    """The code does not take its configuration any more."""
    r.retry_runs()
    run = run_of("config_job", remote=True, run_config={"ops": {"configured": {"config": {"count": 1}}}})
    execution = Execution(r, r.create_run(**{**run, "run_config": {"ops": {}}})).started()
    execution.failed()
    r.retry_runs()


# Refusals


def failed_with(r, **others):
    run_id = new_run(r, **others)
    happens(r, "PIPELINE_FAILURE", run_id=run_id)


@retried("refused/without_an_origin")
def _(r):
    r.retry_runs()
    failed_with(r, remote_job_origin=None)
    r.retry_runs()


@retried("refused/no_repository")
def _(r):
    r.retry_runs()
    failed_with(r, remote_job_origin=registered_origin("chain_job", "scenarios"))
    r.retry_runs()


@retried("refused/no_job")
def _(r):
    r.retry_runs()
    failed_with(r, remote_job_origin=location_origin("no_such_job"))
    r.retry_runs()


@retried("refused/no_location")
def _(r):
    r.retry_runs()
    failed_with(r)
    r.retry_runs()


@retried("refused/location_is_away")
def _(r):
    r.retry_runs()
    failed(r)
    r.retry_runs(is_away=True)
    r.retry_runs()


@retried("refused/no_first_run")
def _(r):
    r.retry_runs()
    first = launched(r, "chain_job")
    second = Execution(r, again(r, first, ALL)).started()
    r.delete_run(first.run.run_id)
    fails(second)
    r.add_run_tags(second.run.run_id, {"dagster/will_retry": "true"})
    r.retry_runs()
