"""What the events of a run do to it: in order, out of order, repeated, and with each reason for a failure."""

from scenarios import event_types
from scenarios.event_types import of_run, of_step
from scenarios.execution import BEGIN, ERROR
from scenarios.jobs import registered_origin
from scenarios.registry import scenario
from scenarios.run_ids import nth

from dagster._core.events import JobFailureData, RunFailureReason

ENQUEUED, STARTING, START = "PIPELINE_ENQUEUED", "PIPELINE_STARTING", "PIPELINE_START"
SUCCESS, FAILURE = "PIPELINE_SUCCESS", "PIPELINE_FAILURE"
CANCELING, CANCELED = "PIPELINE_CANCELING", "PIPELINE_CANCELED"


def happens(r, *types, run_id=nth(1)):
    for number, event_type in enumerate(types):
        r.report_dagster_event(run_id, of_run(event_type, event_specific_data=None), 20, BEGIN + number + 0.25)


def failure(reason):
    return JobFailureData(ERROR, reason, of_step("STEP_FAILURE") if reason == RunFailureReason.STEP_FAILURE else None)


@scenario("status/success")
def _(r):
    r.create_run("chain_job", remote_job_origin=registered_origin("chain_job"))
    happens(r, ENQUEUED, "PIPELINE_DEQUEUED", STARTING, START, SUCCESS)


@scenario("status/failure")
def _(r):
    r.create_run("chain_job", tags={"a": "b"})
    happens(r, STARTING, START, FAILURE)


@scenario("status/canceled")
def _(r):
    r.create_run("chain_job")
    happens(r, START, CANCELING, CANCELED)


@scenario("status/suspended")
def _(r):
    """Resuming is no second start."""
    r.create_run("chain_job")
    happens(r, START, "RUN_SUSPENDED", "RUN_RESUMED", "RUN_SUSPENDED", "RUN_RESUMED", SUCCESS)


@scenario("status/enqueued_without_origin")
def _(r):
    """The event is stored, and only then does the run refuse."""
    r.create_run("chain_job")
    with r.fails("CheckError"):
        happens(r, ENQUEUED)
    happens(r, START)


@scenario("status/out_of_order")
def _(r):
    """Whatever comes last is the status; start and end are those of the last of each."""
    r.create_run("chain_job")
    happens(r, SUCCESS, START, FAILURE, CANCELED, STARTING, CANCELING)


@scenario("status/repeated")
def _(r):
    r.create_run("chain_job")
    happens(r, START, START, SUCCESS, SUCCESS, START)


@scenario("status/of_no_run")
def _(r):
    for event_type in event_types.RUNS:
        happens(r, event_type, run_id="no such run")
    happens(r, START, run_id="")


@scenario("status/two_runs")
def _(r):
    r.create_run("chain_job")
    r.create_run("chain_job")
    for run_id in (nth(2), nth(1), nth(2)):
        happens(r, START, SUCCESS, run_id=run_id)


@scenario("status/handled_by_the_storage_alone")
def _(r):
    """No event is stored; what is no change of status does nothing."""
    r.create_run("chain_job")
    for number, event_type in enumerate((STARTING, START, "PIPELINE_DEQUEUED", "STEP_START", FAILURE, SUCCESS)):
        r.handle_run_event(nth(1), of_run(event_type), BEGIN + number)
    r.handle_run_event("no such run", of_run(START), BEGIN)
    with r.fails("CheckError"):
        r.handle_run_event(nth(1), of_run(ENQUEUED), BEGIN)


@scenario("status/failure_reasons")
def _(r):
    """The reason is a tag of the run, unless it is unknown."""
    for number, reason in enumerate([*RunFailureReason, None], 1):
        r.create_run("chain_job", tags={"a": "b"})
        r.report_dagster_event(nth(number), of_run(FAILURE, event_specific_data=failure(reason)), 40, BEGIN)


@scenario("status/failure_reasons_in_turn")
def _(r):
    r.create_run("chain_job")
    for number, reason in enumerate([*RunFailureReason, None]):
        r.report_dagster_event(nth(1), of_run(FAILURE, event_specific_data=failure(reason)), 40, BEGIN + number)


@scenario("status/failure_reason_of_the_user")
def _(r):
    r.create_run("chain_job", tags={"dagster/failure_reason": "mine", "a": "b"})
    r.report_dagster_event(
        nth(1), of_run(FAILURE, event_specific_data=failure(RunFailureReason.RUN_EXCEPTION)), 40, BEGIN
    )


@scenario("status/reported_failure")
def _(r):
    for reason in (None, RunFailureReason.START_TIMEOUT):
        run = r.create_run("chain_job")
        r.report_run_failed(run.run_id, job_failure_data=reason and failure(reason))
        r.report_run_failed(run.run_id, "with a message")
        r.report_run_failed(run.run_id, "")


@scenario("status/reported_cancellation")
def _(r):
    r.create_run("chain_job")
    r.report_run_canceling(nth(1))
    r.report_run_canceled(nth(1))
    r.report_run_canceling(nth(1), "with a message")
    r.report_run_canceled(nth(1), "with a message")


@scenario("status/reported_on_no_run")
def _(r):
    with r.fails("ParameterCheckError"):
        r.report_run_canceling("no such run")
        r.report_run_canceled("no such run")
        r.report_run_failed("no such run")
