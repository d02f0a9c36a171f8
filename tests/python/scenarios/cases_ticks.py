"""Ticks of schedules and sensors, and how long they are kept: rows and answers."""

import time

from scenarios.encoding import ser
from scenarios.instigators import DAY, ERROR, SCHEDULE, SENSOR, THEN, create, ids, tick, ticks
from scenarios.registry import scenario

from dagster import AssetKey
from dagster._core.definitions.run_request import InstigatorType, RunRequest
from dagster._core.scheduler.instigation import DynamicPartitionsRequestResult, TickData, TickStatus


def several_ticks(r):
    create(r, tick())
    create(r, tick(status=TickStatus.SKIPPED, at=THEN + 60, skip_reason="no files"))
    create(r, tick(status=TickStatus.SUCCESS, at=THEN + 120, run_ids=["r"], run_keys=["k"]))
    create(r, tick(status=TickStatus.FAILURE, at=THEN + 180, error=ERROR, failure_count=2))
    create(r, tick("orders", TickStatus.SKIPPED, THEN + 60))
    create(r, tick("nightly", TickStatus.SUCCESS, THEN, SCHEDULE, run_ids=[]))


@scenario("ticks/of_each_status")
def _(r):
    several_ticks(r)
    for name in ("files", "orders", "nightly", "unknown"):
        ticks(r, name)


@scenario("ticks/with_everything")
def _(r):
    create(
        r,
        tick(
            "automation",
            TickStatus.SUCCESS,
            THEN,
            InstigatorType.AUTO_MATERIALIZE,
            run_ids=["r1", "r2"],
            run_keys=["k"],
            cursor="a \"cursor\" — é",
            origin_run_ids=["o"],
            failure_count=1,
            log_key=["a", "b"],
            dynamic_partitions_request_results=[
                DynamicPartitionsRequestResult("set", ["a"], None, ["b"]),
                DynamicPartitionsRequestResult("set", None, ["c"], []),
            ],
            end_timestamp=THEN + 1.5,
            run_requests=[RunRequest(run_key="k", asset_selection=[AssetKey("a")], tags={"x": "y"})],
            auto_materialize_evaluation_id=7,
            reserved_run_ids=["r1"],
            consecutive_failure_count=3,
            user_interrupted=True,
        ),
    )
    ticks(r, "automation")


@scenario("ticks/filters")
def _(r):
    several_ticks(r)
    for query in (
        {"limit": 2},
        {"before": THEN + 120},
        {"after": THEN + 60},
        {"before": THEN + 120.000001, "after": THEN - 1, "limit": 1},
        {"statuses": ["SKIPPED"]},
        {"statuses": ["SKIPPED", "FAILURE"], "limit": 1},
        {"after": THEN + 180},
    ):
        ticks(r, **query)


@scenario("ticks/by_time_and_id")
def _(r):
    several_ticks(r)
    for seconds in (60.0, 60.9, 59.1, 61.0, 59.0, 500.0):
        r.call("get_tick", **ids("files"), timestamp=THEN + seconds)
    r.call("get_tick", **ids("orders"), timestamp=THEN + 60)
    for wanted in ([1, 3], [77], [], [2, 2, 77]):
        r.call("get_ticks_by_ids", ids=wanted)


@scenario("ticks/in_batches")
def _(r):
    several_ticks(r)
    wanted = [ids(name)["selector_id"] for name in ("files", "orders", "unknown")]
    for limit in (1, 2, 10):
        r.call("get_batch_ticks", selector_ids=wanted, limit=limit, statuses=None)
    r.call("get_batch_ticks", selector_ids=[], limit=1, statuses=None)


@scenario("ticks/in_batches_of_a_status")
def _(r):
    """Dagster fails with the SQLAlchemy of today."""
    several_ticks(r)
    with r.fails("AttributeError"):
        r.call("get_batch_ticks", selector_ids=[ids("files")["selector_id"]], limit=1, statuses=["SKIPPED"])


@scenario("ticks/update")
def _(r):
    begun = create(r, tick())
    for status, more in (
        (TickStatus.SKIPPED, {"skip_reason": "no files", "end_timestamp": THEN + 1}),
        (TickStatus.SUCCESS, {"run_ids": ["r"], "cursor": "c"}),
        (TickStatus.FAILURE, {"error": ERROR}),
    ):
        r.call("update_tick", tick=ser(begun._replace(tick_data=tick(status=status, at=THEN + 5, **more))))
        ticks(r)


@scenario("ticks/update_what_is_not_stored")
def _(r):
    begun = create(r, tick())
    r.call("update_tick", tick=ser(begun._replace(tick_id=77)))
    ticks(r)


@scenario("ticks/update_that_of_another_instigator")
def _(r):
    begun = create(r, tick())
    r.call("update_tick", tick=ser(begun._replace(tick_data=tick("orders"))))
    ticks(r)
    ticks(r, "orders")


@scenario("ticks/without_selector")
def _(r):
    """Ticks of old versions are found by their origin, and get a selector when they are changed."""
    old = create(r, tick(selector=False))
    create(r, tick("orders", selector=False))
    create(r, tick(at=THEN + 60))
    ticks(r)
    r.call("get_batch_ticks", selector_ids=[ids("files")["selector_id"]], limit=5, statuses=None)
    r.call("update_tick", tick=ser(old._replace(tick_data=tick(status=TickStatus.SKIPPED))))
    ticks(r)
    r.call("purge_ticks", **ids("orders"), before=THEN + 900, statuses=None)
    ticks(r, "orders")


@scenario("ticks/of_code_that_has_moved")
def _(r):
    of_old, of_new = ids("files", port=4000), ids("files", port=4001)
    for at, of in ((THEN, of_old), (THEN + 60, of_new)):
        create(r, TickData(of["origin_id"], "files", SENSOR, TickStatus.STARTED, at, selector_id=of["selector_id"]))
    r.call("get_ticks", **of_new, before=None, after=None, limit=None, statuses=None)
    r.call("purge_ticks", **of_new, before=THEN + 30, statuses=None)


@scenario("ticks/purge")
def _(r):
    several_ticks(r)
    r.call("purge_ticks", **ids("unknown"), before=THEN + 900, statuses=None)
    r.call("purge_ticks", **ids("files"), before=THEN + 60, statuses=None)
    r.call("purge_ticks", **ids("files"), before=THEN + 900, statuses=["SKIPPED", "STARTED"])
    ticks(r)
    ticks(r, "orders")


def old_ticks(r, name, kind):
    now = time.time()
    for days in (1, 6, 8, 40, 400):
        at = float(int(now - days * DAY))
        create(r, tick(name, TickStatus.STARTED, at, kind))
        create(r, tick(name, TickStatus.SKIPPED, at + 1, kind))
        create(r, tick(name, TickStatus.SUCCESS, at + 2, kind, run_ids=[]))
        create(r, tick(name, TickStatus.FAILURE, at + 3, kind, error=ERROR))


def purge_by_retention(r):
    for kind in InstigatorType:
        r.call("get_tick_retention_settings", type=kind.name)
        old_ticks(r, kind.name, kind)
    for kind in InstigatorType:
        r.call("purge_ticks_by_retention", **ids(kind.name), type=kind.name)


@scenario("ticks/retention")
def _(r):
    purge_by_retention(r)


@scenario("ticks/retention_of_days", settings={"retention": {"schedule": {"purge_after_days": 30}}})
def _(r):
    purge_by_retention(r)


@scenario(
    "ticks/retention_of_statuses",
    settings={
        "retention": {
            "schedule": {"purge_after_days": {"failure": 7, "success": 0}},
            "sensor": {"purge_after_days": {"started": 1, "skipped": -1}},
            "auto_materialize": {"purge_after_days": {}},
        }
    },
)
def _(r):
    purge_by_retention(r)


@scenario("ticks/retention_of_no_days", settings={"retention": {"sensor": {"purge_after_days": 0}}})
def _(r):
    purge_by_retention(r)
