"""Submitting, launching, resuming, cancelling and deleting runs: what each reports when it works, and when it does not."""

import json

from scenarios.cases_run_status import CANCELED, CANCELING, FAILURE, START, STARTING, SUCCESS, happens
from scenarios.jobs import code_origin, registered_origin
from scenarios.launcher_double import ABSENT, FINISHES, REFUSES, THROWS, WORKS
from scenarios.registry import scenario
from scenarios.run_ids import nth

DIRECT = {"module": "dagster._core.run_coordinator", "class": "DefaultRunCoordinator"}
THROWING = {"module": "scenarios.launcher_double", "class": "CoordinatorDouble"}
# By the name that the scenarios have; without a section, Dagster has its queue.
COORDINATORS = {"queued": None, "direct": DIRECT}
JOB = "a_job"
# How a run comes to have each status; it is queued by being submitted.
WAYS = {
    "not_started": (),
    "starting": (STARTING,),
    "started": (STARTING, START),
    "canceling": (START, CANCELING),
    "suspended": (START, "RUN_SUSPENDED"),
    "success": (START, SUCCESS),
    "failure": (START, FAILURE),
    "canceled": (START, CANCELED),
}
IN_PROGRESS = ("starting", "started", "canceling", "suspended")
NO_RUN = "11111111-2222-4333-8444-555555555555"


def settings(coordinator=None, sections=None, **does):
    launcher = {"module": "scenarios.launcher_double", "class": "LauncherDouble", "config": does}
    found = {"run_launcher": launcher, **(sections or {})}
    return {**found, "run_coordinator": coordinator} if coordinator else found


def both(name, sections=None, **does):
    """The case under either coordinator."""

    def register(play):
        for kind, coordinator in COORDINATORS.items():
            options = {"settings": settings(coordinator, sections, **does), "errors_are_marks": True}
            scenario(f"launching/{kind}/{name}", **options)(play)
        return play

    return register


def new_run(r, **others):
    given = {"remote_job_origin": registered_origin(JOB), "job_code_origin": code_origin(JOB), **others}
    return r.create_run(JOB, **given).run_id


def run_in(r, status):
    run_id = new_run(r)
    happens(r, *WAYS[status], run_id=run_id)
    return run_id


@both("submit")
def _(r):
    r.call("submit_run", run_id=new_run(r))


@both("submit/of_a_partition")
def _(r):
    r.call("submit_run", run_id=new_run(r, tags={"dagster/partition": "2024-01-05"}))


@both("submit/again")
def _(r):
    run_id = new_run(r)
    r.call("submit_run", run_id=run_id)
    r.call("submit_run", run_id=run_id)


@both("submit/in_each_status")
def _(r):
    for status in WAYS:
        r.call("submit_run", run_id=run_in(r, status))


@both("submit/no_run")
def _(r):
    with r.fails("DagsterInvariantViolationError"):
        r.call("submit_run", run_id=NO_RUN)


@both("submit/without_remote_origin")
def _(r):
    run_id = new_run(r, remote_job_origin=None)
    with r.fails("CheckError"):
        r.call("submit_run", run_id=run_id)


@both("submit/without_code_origin")
def _(r):
    run_id = new_run(r, job_code_origin=None)
    with r.fails("CheckError"):
        r.call("submit_run", run_id=run_id)


@scenario("launching/direct/submit/throws", settings=settings(DIRECT, launch=THROWS), errors_are_marks=True)
def _(r):
    run_id = new_run(r)
    with r.fails("ValueError"):
        r.call("submit_run", run_id=run_id)


RETRIES = {"run_retries": {"enabled": True, "max_retries": 2}}


@scenario("launching/direct/submit/throws_with_retries", settings=settings(DIRECT, RETRIES, launch=THROWS), errors_are_marks=True)
def _(r):
    """Whether the run is retried is a tag of it."""
    run_id = new_run(r, tags={"dagster/max_retries": "3"})
    with r.fails("ValueError"):
        r.call("submit_run", run_id=run_id)


@scenario("launching/queued/submit/launcher_is_not_asked", settings=settings(launch=THROWS))
def _(r):
    r.call("submit_run", run_id=new_run(r))


@both("submit/finishes", launch=FINISHES)
def _(r):
    r.call("submit_run", run_id=new_run(r))


@scenario("launching/throwing/submit", settings=settings(THROWING), errors_are_marks=True)
def _(r):
    run_id = new_run(r)
    with r.fails("ValueError"):
        r.call("submit_run", run_id=run_id)


@scenario("launching/throwing/force", settings=settings(THROWING), errors_are_marks=True)
def _(r):
    for status in ("started", "starting"):
        r.call("force_cancel_run", run_id=run_in(r, status))


@both("launch")
def _(r):
    run_id = new_run(r)
    r.call("launch_run", run_id=run_id)
    r.call("launch_run", run_id=run_id)


@both("launch/out_of_the_queue")
def _(r):
    run_id = new_run(r)
    r.call("submit_run", run_id=run_id)
    happens(r, "PIPELINE_DEQUEUED", run_id=run_id)
    r.call("launch_run", run_id=run_id)


@both("launch/no_run")
def _(r):
    with r.fails("DagsterInvariantViolationError"):
        r.call("launch_run", run_id=NO_RUN)


@both("launch/throws", launch=THROWS)
def _(r):
    run_id = new_run(r)
    with r.fails("ValueError"):
        r.call("launch_run", run_id=run_id)


@both("launch/finishes", launch=FINISHES)
def _(r):
    r.call("launch_run", run_id=new_run(r))


@both("resume")
def _(r):
    for status in IN_PROGRESS:
        run_id = run_in(r, status)
        r.call("resume_run", run_id=run_id, attempt_number=1)
        r.call("count_resume_run_attempts", run_id=run_id)


@both("resume/in_other_statuses")
def _(r):
    for status in WAYS.keys() - set(IN_PROGRESS):
        run_id = run_in(r, status)
        with r.fails("DagsterInvariantViolationError"):
            r.call("resume_run", run_id=run_id, attempt_number=1)


@both("resume/no_run")
def _(r):
    with r.fails("DagsterInvariantViolationError"):
        r.call("resume_run", run_id=NO_RUN, attempt_number=1)


@both("resume/throws", resume=THROWS)
def _(r):
    run_id = run_in(r, "started")
    with r.fails("ValueError"):
        r.call("resume_run", run_id=run_id, attempt_number=1)


@both("resume/absent", resume=ABSENT)
def _(r):
    run_id = run_in(r, "started")
    with r.fails("NotImplementedError"):
        r.call("resume_run", run_id=run_id, attempt_number=1)


@both("resume/finishes", resume=FINISHES)
def _(r):
    r.call("resume_run", run_id=run_in(r, "starting"), attempt_number=1)


@scenario("launching/queued/cancel_in_the_queue", settings=settings(terminate=THROWS))
def _(r):
    run_id = new_run(r)
    r.call("submit_run", run_id=run_id)
    r.call("cancel_run", run_id=run_id)


for does in (WORKS, REFUSES, FINISHES):

    @both(f"cancel/{does}", terminate=does)
    def _(r):
        for status in WAYS:
            r.call("cancel_run", run_id=run_in(r, status))


@both("cancel/throws", terminate=THROWS)
def _(r):
    run_id = run_in(r, "started")
    with r.fails("ValueError"):
        r.call("cancel_run", run_id=run_id)


for does in (WORKS, REFUSES, FINISHES, THROWS):

    @both(f"force/{does}", terminate=does)
    def _(r):
        for status in WAYS:
            r.call("force_cancel_run", run_id=run_in(r, status))


@scenario("launching/queued/force/in_the_queue", settings=settings(terminate=THROWS))
def _(r):
    run_id = new_run(r)
    r.call("submit_run", run_id=run_id)
    r.call("force_cancel_run", run_id=run_id)


def by_default(name, **options):
    """The case with the launcher that Dagster has by default, and no code server. What needs one is in tests/it/code_server."""

    def register(play):
        for kind, coordinator in COORDINATORS.items():
            sections = {"run_coordinator": coordinator} if coordinator else {}
            scenario(f"launching/{kind}/default_launcher/{name}", settings=sections, **options)(play)
        return play

    return register


# Nobody listens there.
NOWHERE = {".dagster/grpc_info": json.dumps({"host": "localhost", "port": 1})}


@by_default("cancel")
def _(r):
    """Nothing says which server has the run."""
    for status in WAYS:
        r.call("cancel_run", run_id=run_in(r, status))


@by_default("cancel/no_run")
def _(r):
    r.call("cancel_run", run_id=NO_RUN)


@by_default("cancel/unreachable")
def _(r):
    run_id = new_run(r, tags=NOWHERE)
    happens(r, START, run_id=run_id)
    with r.fails("DagsterUserCodeUnreachableError"):
        r.call("cancel_run", run_id=run_id)


@by_default("cancel/unreachable_and_ended")
def _(r):
    run_id = new_run(r, tags=NOWHERE)
    happens(r, START, SUCCESS, run_id=run_id)
    r.call("cancel_run", run_id=run_id)


@by_default("force", errors_are_marks=True)
def _(r):
    for status in WAYS:
        r.call("force_cancel_run", run_id=run_in(r, status))


@by_default("force/unreachable", errors_are_marks=True)
def _(r):
    """A run that has started is asked to stop first, and one that has not is not."""
    for status in ("started", "starting"):
        run_id = new_run(r, tags=NOWHERE)
        happens(r, *WAYS[status], run_id=run_id)
        r.call("force_cancel_run", run_id=run_id)


@by_default("terminate_in_the_ui")
def _(r):
    r.call("terminate_run", run_id=run_in(r, "started"))


@scenario("launching/queued/default_launcher/terminate_in_the_ui/in_the_queue")
def _(r):
    run_id = new_run(r)
    r.call("submit_run", run_id=run_id)
    r.call("terminate_run", run_id=run_id)


@both("delete")
def _(r):
    for status in WAYS:
        r.delete_run(run_in(r, status))
    r.delete_run(NO_RUN)


@both("delete/while_it_works")
def _(r):
    """The worker goes on, and what it reports is stored without a run."""
    run_id = new_run(r)
    r.call("launch_run", run_id=run_id)
    r.delete_run(run_id)
    happens(r, START, SUCCESS, run_id=run_id)


def monitored(attempts, enabled=True):
    return {"run_monitoring": {"enabled": enabled, "max_resume_run_attempts": attempts}}


for name, sections in {
    "unmonitored": monitored(2, enabled=False),
    "never": monitored(0),
    "once": monitored(1),
    "twice": monitored(2),
}.items():

    @both(f"will_resume/{name}", sections)
    def _(r):
        run_id = run_in(r, "started")
        for attempt in (1, 2, 3):
            r.call("run_will_resume", run_id=run_id)
            r.call("resume_run", run_id=run_id, attempt_number=attempt)
            r.call("count_resume_run_attempts", run_id=run_id)
        r.call("run_will_resume", run_id=run_id)
        r.call("run_will_resume", run_id=NO_RUN)
        r.call("count_resume_run_attempts", run_id=NO_RUN)
