"""Monitoring: runs that do not start or stop, whose worker is gone, or that run for too long.

Runs are of long ago by the times of their events. Where a row itself has the time, it is changed as by hand.
"""

from scenarios.cases_launching import WAYS, new_run, run_in, settings
from scenarios.cases_run_status import CANCELING, START, STARTING, happens
from scenarios.event_types import of_run
from scenarios.launcher_double import ABSENT, FINISHES, REFUSES, TELLS, TELLS_NOTHING, THROWS, WORKS
from scenarios.registry import scenario

LONG_AGO = "2023-11-14 22:13:20.000000"
MINUTE = {"max_runtime_seconds": 60}


def monitored(name, sections=None, monitoring=None, **does):
    """The case with a launcher that does so, and runs that are monitored by these settings."""

    def register(play):
        run_monitoring = {"run_monitoring": {"enabled": True, **(monitoring or {})}}
        options = {"settings": settings(None, {**run_monitoring, **(sections or {})}, **does), "errors_are_marks": True}
        return scenario(f"keepers/monitoring/{name}", **options)(play)

    return register


def look(r):
    return r.call("monitor_runs")


def happens_now(r, run_id, *types):
    for event_type in types:
        r.report_dagster_event(run_id, of_run(event_type, event_specific_data=None), 20)


def of_long_ago(r, *columns):
    """All runs that there are."""
    changes = ", ".join(f"{column} = '{LONG_AGO}'" for column in columns)
    r.call("execute_sql", store="runs", statements=[f"update runs set {changes}"])


@monitored("nothing_to_do")
def _(r):
    for status in ("started", "suspended", "success", "failure", "canceled"):
        run_in(r, status)
    r.call("submit_run", run_id=new_run(r))
    new_run(r)
    happens_now(r, new_run(r), STARTING)
    happens_now(r, new_run(r), START, CANCELING)
    look(r)
    look(r)


@monitored("no_runs")
def _(r):
    look(r)


@monitored("one_run_fails_to_be_monitored", health=THROWS)
def _(r):
    """The others are looked at all the same."""
    for status in ("starting", "started", "canceling"):
        run_in(r, status)
    look(r)


# Runs that do not start


@monitored("start/not_started")
def _(r):
    for _ in range(3):
        new_run(r)
    of_long_ago(r, "create_timestamp")
    look(r)
    look(r)


@monitored("start/starting")
def _(r):
    run_in(r, "starting")
    look(r)
    look(r)


@monitored("start/another_time_to_start", monitoring={"start_timeout_seconds": 1_000_000})
def _(r):
    run_in(r, "starting")
    happens_now(r, new_run(r), STARTING)
    look(r)


@monitored("start/given_to_the_launcher_again")
def _(r):
    """The newest time counts, whatever was reported last."""
    happens_now(r, run_in(r, "starting"), STARTING)
    run_id = new_run(r)
    happens_now(r, run_id, STARTING)
    happens(r, STARTING, run_id=run_id)
    look(r)


for does in (TELLS, TELLS_NOTHING, THROWS):

    @monitored(f"start/what_is_known_of_the_worker/{does.replace(' ', '_')}", debug=does)
    def _(r):
        run_in(r, "starting")
        look(r)


@monitored("start/is_retried", {"run_retries": {"enabled": True, "max_retries": 2}})
def _(r):
    """The tag says it, as with every failure."""
    run_in(r, "starting")
    look(r)


@monitored("start/no_time_to_start", monitoring={"start_timeout_seconds": 0})
def _(r):
    run_in(r, "starting")
    new_run(r)
    look(r)


@monitored("start/without_the_event")
def _(r):
    r.create_run(status="STARTING")
    look(r)


@monitored("start/long_without_the_event")
def _(r):
    r.create_run(status="STARTING")
    of_long_ago(r, "update_timestamp")
    look(r)


@monitored("start/ends_meanwhile", debug=FINISHES)
def _(r):
    run_in(r, "starting")
    look(r)


# Runs that do not stop


@monitored("cancel/canceling")
def _(r):
    run_in(r, "canceling")
    look(r)
    look(r)


@monitored("cancel/another_time_to_stop", monitoring={"cancel_timeout_seconds": 1_000_000})
def _(r):
    run_in(r, "canceling")
    happens_now(r, new_run(r), START, CANCELING)
    look(r)


@monitored("cancel/asked_again")
def _(r):
    """The event that was reported last counts."""
    happens_now(r, run_in(r, "canceling"), CANCELING)
    run_id = new_run(r)
    happens_now(r, run_id, CANCELING)
    happens(r, CANCELING, run_id=run_id)
    look(r)


for does in (TELLS, TELLS_NOTHING, THROWS):

    @monitored(f"cancel/what_is_known_of_the_worker/{does.replace(' ', '_')}", debug=does)
    def _(r):
        run_in(r, "canceling")
        look(r)


@monitored("cancel/no_time_to_stop", monitoring={"cancel_timeout_seconds": 0})
def _(r):
    run_in(r, "canceling")
    look(r)


@monitored("cancel/without_the_event")
def _(r):
    r.create_run(status="CANCELING")
    look(r)


@monitored("cancel/long_without_the_event")
def _(r):
    r.create_run(status="CANCELING")
    of_long_ago(r, "update_timestamp")
    look(r)


@monitored("cancel/ends_meanwhile", debug=FINISHES)
def _(r):
    run_in(r, "canceling")
    look(r)


# Runs whose worker is gone

for health in (WORKS, "SUCCESS", "FAILED", "NOT_FOUND", "UNKNOWN", THROWS, FINISHES, ABSENT):

    @monitored(f"worker/{health.lower()}", health=health)
    def _(r):
        """A run that waits has no worker."""
        for status in ("started", "suspended"):
            run_in(r, status)
        look(r)
        look(r)


for does in (TELLS, TELLS_NOTHING, THROWS, FINISHES):
    for health in ("FAILED", "NOT_FOUND"):

        @monitored(f"worker/what_is_known/{does.replace(' ', '_')}/{health.lower()}", health=health, debug=does)
        def _(r):
            run_in(r, "started")
            look(r)


TWICE = {"max_resume_run_attempts": 2}

for does in (WORKS, THROWS, FINISHES):

    @monitored(f"resume/{does}", monitoring=TWICE, health="FAILED", resume=does)
    def _(r):
        run_in(r, "started")
        for _ in range(4):
            look(r)


@monitored("resume/never", health="NOT_FOUND")
def _(r):
    run_in(r, "started")
    look(r)


@monitored("resume/by_no_launcher", health="NOT_FOUND", resume=ABSENT)
def _(r):
    run_in(r, "started")
    look(r)


@monitored("resume/as_often_as_by_hand", monitoring=TWICE, health="NOT_FOUND")
def _(r):
    run_id = run_in(r, "started")
    for attempt in (1, 2):
        r.call("resume_run", run_id=run_id, attempt_number=attempt)
    look(r)


@monitored("resume/several_runs", monitoring=TWICE, health="FAILED")
def _(r):
    for _ in range(3):
        run_in(r, "started")
    look(r)
    look(r)


# Runs that run for too long

for does in (WORKS, REFUSES, THROWS, FINISHES):

    @monitored(f"runtime/{does}", monitoring=MINUTE, terminate=does)
    def _(r):
        for status in WAYS.keys() - {"canceling", "starting"}:
            run_in(r, status)
        look(r)
        look(r)


@monitored("runtime/young", monitoring=MINUTE)
def _(r):
    happens_now(r, new_run(r), START)
    look(r)


@monitored("runtime/without_a_start", monitoring=MINUTE)
def _(r):
    r.create_run(status="STARTED")
    look(r)


@monitored("runtime/worker_is_gone", monitoring=MINUTE, health="FAILED")
def _(r):
    """That comes first."""
    run_in(r, "started")
    look(r)


def started_with(r, **tags):
    run_id = new_run(r, tags={f"dagster/{name}": value for name, value in tags.items()})
    happens(r, START, run_id=run_id)


NUMBERS = ("60", " 60 ", "1_0", "0.9", "90.7", "6e1", "-0.5", "-1", "-7.9", "0", "-0.0", "1e400", "inf", "nan")
NO_NUMBERS = ("", "many", "0x10")

for name, monitoring in {"with_a_setting": MINUTE, "without_a_setting": None}.items():

    @monitored(f"runtime/of_a_tag/{name}", monitoring=monitoring)
    def _(r):
        for value in (*NUMBERS, *NO_NUMBERS):
            started_with(r, max_runtime=value)
        look(r)


@monitored("runtime/of_the_other_tag", monitoring=MINUTE)
def _(r):
    for value in ("90", "1e400", "", "many"):
        started_with(r, max_runtime_seconds=value)
    for first, other in (("1e400", "90"), ("90", "1e400"), ("", "90"), ("many", "90")):
        started_with(r, max_runtime=first, max_runtime_seconds=other)
    look(r)


@scenario("keepers/monitoring/runtime/default_launcher", settings={"run_monitoring": {"enabled": True, **MINUTE}})
def _(r):
    """Nothing says which server has the run."""
    for status in ("started", "suspended"):
        run_in(r, status)
    look(r)
