"""Slots of pools that runs hold which have ended."""

from scenarios.cases_launching import NO_RUN, WAYS, new_run, run_in
from scenarios.cases_monitoring import happens_now, look, monitored, of_long_ago
from scenarios.cases_run_status import START, SUCCESS


def slots(name, seconds=60):
    """The case with slots that are freed after so many seconds."""
    return monitored(f"slots/{name}", monitoring={} if seconds is None else {"free_slots_after_run_end_seconds": seconds})


def claims(r, run_id, *step_keys):
    for step_key in step_keys:
        r.call("claim_concurrency_slot", pool="database", run_id=run_id, step_key=step_key)


def one_ended_and_others_wait(r):
    """A run that has ended has two slots and waits for a third one, and one that goes on waits for one."""
    r.call("set_concurrency_slots", pool="database", limit=2)
    run_id = run_in(r, "success")
    claims(r, run_id, "first", "second", "third")
    claims(r, run_in(r, "started"), "first")
    return run_id


@slots("of_a_run_that_has_ended")
def _(r):
    one_ended_and_others_wait(r)
    look(r)
    look(r)


@slots("in_each_status")
def _(r):
    r.call("set_concurrency_slots", pool="database", limit=len(WAYS))
    for status in WAYS.keys() - {"not_started", "starting", "canceling"}:
        claims(r, run_in(r, status), "first")
    look(r)


@slots("ended_a_moment_ago")
def _(r):
    r.call("set_concurrency_slots", pool="database", limit=2)
    run_id = new_run(r)
    happens_now(r, run_id, START, SUCCESS)
    claims(r, run_id, "first")
    look(r)


@slots("ended_long_ago_and_changed_a_moment_ago")
def _(r):
    """By a tag, for instance."""
    r.add_run_tags(one_ended_and_others_wait(r), {"a": "b"})
    look(r)


@slots("without_an_end")
def _(r):
    r.call("set_concurrency_slots", pool="database", limit=2)
    claims(r, r.create_run(status="FAILURE").run_id, "first")
    of_long_ago(r, "update_timestamp")
    with r.fails("TypeError"):
        look(r)


@slots("of_no_run")
def _(r):
    """It may be created just now."""
    r.call("set_concurrency_slots", pool="database", limit=2)
    claims(r, NO_RUN, "first")
    look(r)


@slots("without_a_step_that_waits")
def _(r):
    one_ended_and_others_wait(r)
    r.call("execute_sql", store="index", statements=["delete from pending_steps"])
    look(r)


@slots("switched_off", seconds=0)
def _(r):
    one_ended_and_others_wait(r)
    look(r)


@slots("by_default", seconds=None)
def _(r):
    one_ended_and_others_wait(r)
    look(r)
