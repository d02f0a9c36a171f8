"""Backfills, evaluations of automation conditions, and what daemons remember: rows and answers."""

import time

from scenarios.encoding import ser
from scenarios.instigators import DAY, ERROR, THEN, backfill, evaluation
from scenarios.registry import scenario

from dagster import AssetCheckKey, AssetKey
from dagster._core.definitions.run_request import RunRequest
from dagster._core.execution.backfill import BulkActionStatus
from dagster._daemon.types import DaemonHeartbeat

A, B = AssetKey("a"), AssetKey(["b", "c"])
CHECK = AssetCheckKey(A, "check")


def several_backfills(r):
    for each in (
        backfill("a", asset_selection=[AssetKey("x")], serialized_asset_backfill_data="{}"),
        backfill("b", BulkActionStatus.COMPLETED_SUCCESS, THEN + 60, {"team": "sales"}, "daily", partition_names=["p"]),
        backfill("c", BulkActionStatus.FAILED, THEN + 120, {"team": "buying", "by": "hand"}, "weekly", error=ERROR),
        backfill("d", BulkActionStatus.CANCELED, THEN + 180, {"team": "buying"}, "daily"),
    ):
        r.call("add_backfill", backfill=ser(each))


def find(r, cursor=None, limit=None, **asked):
    names = ("statuses", "created_before", "created_after", "tags", "job_name", "ids", "selector_id")
    filters = {name: asked.get(name) for name in names}
    r.call("get_backfills", **filters, cursor=cursor, limit=limit)
    if not (cursor or limit):
        r.call("get_backfills_count", **filters)


@scenario("backfills/add_and_get")
def _(r):
    several_backfills(r)
    for backfill_id in ("a", "c", "unknown", ""):
        r.call("get_backfill", id=backfill_id)
    find(r)


@scenario("backfills/with_everything")
def _(r):
    full = backfill(
        "full",
        job="a_job",
        tags={"x": "y — é", "": ""},
        title="A title",
        description="told",
        run_config={"ops": {"a": {"config": [1, 2.5, None]}}},
        partition_names=["p", "q"],
        last_submitted_partition_name="p",
        reexecution_steps=["s"],
        failure_count=2,
        submitting_run_requests=[RunRequest(run_key="k", tags={"x": "y"})],
        reserved_run_ids=["r"],
        backfill_end_timestamp=THEN + 1,
    )
    r.call("add_backfill", backfill=ser(full))
    r.call("get_backfill", id="full")


@scenario("backfills/filters")
def _(r):
    several_backfills(r)
    selector = backfill(job="daily").selector_id
    for asked in (
        {"statuses": ["REQUESTED"]},
        {"statuses": ["FAILED", "CANCELED"]},
        {"created_before": THEN + 60},
        {"created_after": THEN + 60},
        {"created_before": THEN + 150, "created_after": THEN + 30},
        {"job_name": "daily"},
        {"job_name": "unknown"},
        {"ids": ["d", "a", "unknown"]},
        {"selector_id": selector},
        {"selector_id": "unknown"},
        {"job_name": "daily", "statuses": ["CANCELED"], "selector_id": selector},
    ):
        find(r, **asked)


@scenario("backfills/filters_by_tags")
def _(r):
    several_backfills(r)
    for tags in (
        {"team": "sales"},
        {"team": "buying"},
        {"team": ["sales", "buying"]},
        {"team": "buying", "by": "hand"},
        {"team": "other"},
        {"unknown": "x"},
    ):
        find(r, tags=tags)
    find(r, tags={"team": "buying"}, job_name="daily")


@scenario("backfills/pages")
def _(r):
    several_backfills(r)
    for cursor, limit in ((None, 2), ("c", None), ("c", 1), ("a", 5), ("unknown", None)):
        find(r, cursor, limit)
    find(r, "d", 1, job_name="daily")


@scenario("backfills/update")
def _(r):
    """It is found by the job and the time that it was added with."""
    several_backfills(r)
    done = backfill("b", BulkActionStatus.CANCELING, THEN + 900, {"team": "sales"}, "weekly", description="told")
    r.call("update_backfill", backfill=ser(done))
    r.call("get_backfill", id="b")
    find(r, tags={"team": "sales"})
    find(r, job_name="weekly")
    find(r, created_after=THEN + 800)
    find(r, statuses=["CANCELING"])


@scenario("backfills/update_with_other_tags")
def _(r):
    """It is found by the tags that it was added with, and counted by those of now."""
    r.call("add_backfill", backfill=ser(backfill(tags={"team": "sales"})))
    r.call("update_backfill", backfill=ser(backfill(tags={"team": "buying"})))
    find(r, tags={"team": "sales"})
    find(r, tags={"team": "buying"})


@scenario("backfills/twice_and_never")
def _(r):
    several_backfills(r)
    with r.fails("IntegrityError"):
        r.call("add_backfill", backfill=ser(backfill("a", BulkActionStatus.FAILED)))
    with r.fails("DagsterInvariantViolationError"):
        r.call("update_backfill", backfill=ser(backfill("unknown")))
    find(r)


# Automation


def evaluate(r, number, *found):
    r.call("add_evaluations", id=number, evaluations=[ser(each) for each in found])


@scenario("automation/evaluations")
def _(r):
    evaluate(r, 1, evaluation(A), evaluation(B, true=False), evaluation(CHECK, runs=["r"]))
    evaluate(r, 2, evaluation(A, "other"))
    evaluate(r, 3)
    for number in (1, 2, 3):
        r.call("get_evaluations_of", id=number)
    for key in (["a"], ["b", "c"], [["a"], "check"], ["unknown"]):
        r.call("get_evaluations", key=key, limit=10, cursor=None)


@scenario("automation/evaluations_again")
def _(r):
    evaluate(r, 1, evaluation(A), evaluation(B))
    evaluate(r, 1, evaluation(A, "again", False))
    r.call("get_evaluations_of", id=1)


@scenario("automation/pages_of_evaluations")
def _(r):
    for number in (2, 10, 1, 9):
        evaluate(r, number, evaluation(A), evaluation(B))
    for limit, cursor in ((10, None), (2, None), (2, 9), (1, 1), (10, 100)):
        r.call("get_evaluations", key=["a"], limit=limit, cursor=cursor)


@scenario("automation/purge_evaluations")
def _(r):
    evaluate(r, 1, evaluation(A), evaluation(B))
    r.call("purge_evaluations", before=THEN)
    r.call("get_evaluations_of", id=1)
    r.call("purge_evaluations", before=time.time() + DAY)
    r.call("get_evaluations_of", id=1)


# What daemons remember


@scenario("daemons/cursors")
def _(r):
    r.call("get_cursor_values", keys=["a"])
    r.call("set_cursor_values", pairs={"a": "1", "b": ""})
    r.call("set_cursor_values", pairs={"c": "3"})
    r.call("set_cursor_values", pairs={"a": "2 — é", "c": "4"})
    r.call("get_cursor_values", keys=["a", "b", "c", "unknown"])
    r.call("get_cursor_values", keys=[])


@scenario("daemons/cursors_of_which_one_is_new")
def _(r):
    r.call("set_cursor_values", pairs={"a": "1"})
    r.call("set_cursor_values", pairs={"a": "2", "b": "3"})
    r.call("get_cursor_values", keys=["a", "b"])


@scenario("daemons/heartbeats")
def _(r):
    def beat(kind, daemon_id, at, errors=()):
        r.call("add_daemon_heartbeat", heartbeat=ser(DaemonHeartbeat(at, kind, daemon_id, errors=list(errors))))

    r.call("get_daemon_heartbeats")
    beat("SENSOR", "one", THEN)
    beat("SCHEDULER", "one", THEN + 1, [ERROR, ERROR])
    beat("SENSOR", "two", THEN + 60)
    beat("OWN", None, THEN)
    r.call("get_daemon_heartbeats")
    r.call("wipe_daemon_heartbeats")
    r.call("get_daemon_heartbeats")
