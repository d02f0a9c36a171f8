"""Whether a run that fails will be retried: the tag that it gets, by the settings and by its own tags."""

from scenarios.event_types import of_run
from scenarios.execution import BEGIN
from scenarios.registry import scenario
from scenarios.run_ids import nth

from dagster._core.events import JobFailureData, RunFailureReason


def retries(**settings):
    return {"run_retries": {"enabled": True, **settings}}


def fails(r, run_id, reason=None):
    data = reason and JobFailureData(None, RunFailureReason[reason], None)
    r.report_dagster_event(run_id, of_run("PIPELINE_FAILURE", event_specific_data=data), 40, BEGIN)


def fails_with(r, tags, reason=None):
    run = r.create_run(tags=tags)
    fails(r, run.run_id, reason)


@scenario("retries/disabled", settings={"run_retries": {"enabled": False, "max_retries": 3}})
def _(r):
    fails_with(r, {"dagster/max_retries": "5"})


@scenario("retries/by_default", settings={"run_retries": {"max_retries": 3}})
def _(r):
    fails_with(r, {"dagster/max_retries": "5"})


@scenario("retries/none", settings=retries())
def _(r):
    fails_with(r, {})


@scenario("retries/of_the_setting", settings=retries(max_retries=1))
def _(r):
    fails_with(r, {"a": "b"}, "RUN_EXCEPTION")
    fails_with(r, {})


@scenario("retries/of_the_tag", settings=retries(max_retries=1))
def _(r):
    for value in ("0", "1", "-1", "3", " 2 ", "+1", "1_0", "٣"):
        fails_with(r, {"dagster/max_retries": value})


@scenario("retries/tag_that_is_no_number", settings=retries(max_retries=1))
def _(r):
    for value in ("", "many", "1.0", "0x1", "1e3", "1__0"):
        fails_with(r, {"dagster/max_retries": value})


@scenario("retries/of_the_tag_alone", settings=retries(max_retries=0))
def _(r):
    fails_with(r, {"dagster/max_retries": "2"})


@scenario("retries/step_failure", settings=retries(max_retries=1))
def _(r):
    for value in (None, "false", "False", "true", "0", "no", "none", ""):
        tags = {} if value is None else {"dagster/retry_on_asset_or_op_failure": value}
        fails_with(r, tags, "STEP_FAILURE")


@scenario("retries/no_step_failure", settings=retries(max_retries=1, retry_on_asset_or_op_failure=False))
def _(r):
    for value in (None, "false", "true", "1"):
        tags = {} if value is None else {"dagster/retry_on_asset_or_op_failure": value}
        for reason in ("STEP_FAILURE", "RUN_EXCEPTION", "UNKNOWN", None):
            fails_with(r, tags, reason)


@scenario("retries/of_a_group", settings=retries(max_retries=2))
def _(r):
    """As many as runs have come of the first, by whoever."""
    first = nth(1)
    r.create_run()
    fails(r, first)
    for number in range(2, 5):
        tags = {"dagster/root_run_id": first, "dagster/parent_run_id": nth(number - 1)}
        r.create_run(root_run_id=first, parent_run_id=nth(number - 1), tags=tags)
        fails(r, nth(number))
    fails(r, first)


@scenario("retries/group_is_of_tags", settings=retries(max_retries=1))
def _(r):
    """Runs are of a group by their tag, not by what the run itself says."""
    r.create_run()
    r.create_run(root_run_id=nth(1), parent_run_id=nth(1))
    fails(r, nth(2))
    r.create_run(tags={"dagster/root_run_id": nth(1)})
    fails(r, nth(1))
    fails(r, nth(3))


@scenario("retries/root_is_missing", settings=retries(max_retries=1))
def _(r):
    r.create_run()
    r.create_run(root_run_id=nth(1), parent_run_id=nth(1), tags={"dagster/root_run_id": nth(1)})
    r.delete_run(nth(1))
    fails(r, nth(2))


@scenario("retries/failing_twice", settings=retries(max_retries=1))
def _(r):
    """The tag is written anew, by what is then the reason."""
    r.create_run(tags={"dagster/retry_on_asset_or_op_failure": "false"})
    fails(r, nth(1), "RUN_EXCEPTION")
    fails(r, nth(1), "STEP_FAILURE")
    fails(r, nth(1))


@scenario("retries/reason_of_the_user", settings=retries(max_retries=1))
def _(r):
    """The reason is read from the tag: one that Dagster does not know fails, with everything stored but the tag."""
    r.create_run(tags={"dagster/failure_reason": "mine"})
    with r.fails("ValueError"):
        fails(r, nth(1))
    r.create_run(tags={"dagster/failure_reason": ""})
    fails(r, nth(2))
    r.create_run(tags={"dagster/failure_reason": "STEP_FAILURE", "dagster/retry_on_asset_or_op_failure": "false"})
    fails(r, nth(3))


@scenario("retries/of_no_run", settings=retries(max_retries=1))
def _(r):
    fails(r, "no such run", "RUN_EXCEPTION")


@scenario("retries/other_ends", settings=retries(max_retries=1))
def _(r):
    for event_type in ("PIPELINE_SUCCESS", "PIPELINE_CANCELED"):
        run = r.create_run()
        r.report_dagster_event(run.run_id, of_run(event_type), 20, BEGIN)


@scenario("retries/reported_failure", settings=retries(max_retries=1))
def _(r):
    r.create_run()
    r.report_run_failed(nth(1), "ended", JobFailureData(None, RunFailureReason.UNEXPECTED_TERMINATION, None))


@scenario("retries/failure_within_a_batch", settings=retries(max_retries=1), event_batch_size=2)
def _(r):
    r.create_run()
    batch = {"id": "b", "is_end": False}
    r.report_dagster_event(nth(1), of_run("PIPELINE_FAILURE"), 40, BEGIN, batch)
    r.report_dagster_event(nth(1), of_run("PIPELINE_FAILURE"), 40, BEGIN, batch)
