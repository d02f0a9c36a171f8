"""Queues drawn at random, and which of their runs Dagster's daemon would launch.

Arguments: how many, and the number of the first. Each case is drawn by its number. Prints {"cases": [{"number", "now",
"max_concurrent_runs", "limits": [{"key", "value"?, "each"?, "limit"}], "granularity", "blocking", "buffer", "allotted",
"pools": {name: {"slots", "pending": [run ids]}}, "paused": {location: until}, "in_progress": [run], "queued": [run],
"dagster": [run ids], "mended": [run ids]}]}. A run is {"id", "tags", "pools"?: {"all", "first", "free"}, "location"?,
"status"?, "start"?}.

The answer "dagster" is that of Dagster. The answer "mended" is that of Dagster with one change: a run that waits for a
pool, or whose code location is paused, takes no place in the limits of its tags and pools.
"""

import contextlib
import os
import random
import sys
from types import SimpleNamespace
from unittest import mock

from common import emit

from dagster._core import op_concurrency_limits_counter as pool_counters
from dagster._core.instance.config import PoolGranularity
from dagster._core.run_coordinator.queued_run_coordinator import QueuedRunCoordinator
from dagster._core.storage.dagster_run import DagsterRunStatus, RunOpConcurrency
from dagster._daemon.run_coordinator import queued_run_coordinator_daemon as daemons

NOW = 1_700_000_000.0
ALLOTTED = "DAGSTER_OP_CONCURRENCY_KEYS_ALLOTTED_FOR_STARTED_RUN_SECONDS"
POOLS = ["p", "q", "r"]
LOCATIONS = ["here", "there"]
PRIORITIES = ["0", "1", "-1", "5", " 2 ", "1_0", "+3", "x", "", "1.0", "99999999999999999999"]


def draw(number):
    """A case without answers."""
    rng = random.Random(number)

    def tags():
        drawn = {key: rng.choice("ab") for key in "xyz" if rng.random() < 0.5}
        if rng.random() < 0.3:
            drawn["dagster/priority"] = rng.choice(PRIORITIES)
        return drawn

    def pools():
        names = [pool for pool in POOLS if rng.random() < 0.6]
        if not names or rng.random() < 0.4:
            return None
        first = {pool: rng.randint(1, 2) for pool in names if rng.random() < 0.7}
        return {"all": names, "first": first, "free": rng.random() < 0.2}

    def limit():
        drawn = {"key": rng.choice("xyz"), "limit": rng.randint(0, 4)}
        kind = rng.random()
        if kind < 0.3:
            drawn["value"] = rng.choice("ab")
        elif kind < 0.6:
            drawn["each"] = True
        return drawn

    def run(name):
        drawn = {"id": name, "tags": tags(), "pools": pools()}
        if rng.random() < 0.7:
            drawn["location"] = rng.choice(LOCATIONS)
        return drawn

    in_progress = [run(f"busy-{n}") for n in range(rng.randint(0, 5))]
    for busy in in_progress:
        busy["status"] = rng.choice(["STARTING", "STARTED", "CANCELING"])
        if busy["status"] != "STARTING":
            busy["start"] = NOW - rng.choice([0.0, 1.0, 4.5, 5.0, 100.0])
    names = [busy["id"] for busy in in_progress] + ["elsewhere"]
    return {
        "number": number,
        "now": NOW,
        "max_concurrent_runs": rng.choice([-1, 0, 1, 3, 8, 10]),
        "limits": [limit() for _ in range(rng.randint(0, 4))],
        "granularity": rng.choice([None, "op", "run"]),
        "blocking": rng.random() < 0.85,
        "buffer": rng.choice([0, 0, 1, 2]),
        "allotted": rng.choice([0, 5]),
        "pools": {
            pool: {
                "slots": rng.randint(0, 4),
                "pending": [rng.choice(names) for _ in range(rng.choice([0, 0, 1, 3]))],
            }
            for pool in POOLS
            if rng.random() < 0.7
        },
        "paused": {place: NOW + rng.choice([-1.0, 0.0, 1.0]) for place in LOCATIONS if rng.random() < 0.25},
        "in_progress": in_progress,
        "queued": [run(f"run-{n}") for n in range(rng.randint(0, 30))],
    }


def as_run(drawn):
    pools = drawn["pools"]
    return SimpleNamespace(
        run_id=drawn["id"],
        tags=drawn["tags"],
        status=DagsterRunStatus(drawn.get("status", "QUEUED")),
        remote_job_origin=SimpleNamespace(location_name=drawn["location"]) if "location" in drawn else None,
        run_op_concurrency=pools
        and RunOpConcurrency(
            all_pools=set(pools["all"]), root_key_counts=pools["first"], has_unconstrained_root_nodes=pools["free"]
        ),
    )


def as_limit(drawn):
    limit = {"key": drawn["key"], "limit": drawn["limit"]}
    if "value" in drawn:
        limit["value"] = drawn["value"]
    if "each" in drawn:
        limit["value"] = {"applyLimitPerUniqueValue": True}
    return limit


def answer(case):
    """The runs that Dagster's daemon takes from the queue, in their order."""
    queued = [as_run(drawn) for drawn in case["queued"]]
    active = [SimpleNamespace(dagster_run=as_run(run), start_time=run.get("start")) for run in case["in_progress"]]
    pools = case["pools"]
    storage = SimpleNamespace(
        get_concurrency_keys=lambda: set(pools),
        get_pool_limits=lambda: [SimpleNamespace(name=pool, limit=1, from_default=False) for pool in pools],
        get_concurrency_infos=lambda names: {
            name: SimpleNamespace(
                slot_count=pools[name]["slots"],
                pending_steps=[SimpleNamespace(run_id=run_id) for run_id in pools[name]["pending"]],
            )
            for name in names
        },
    )
    instance = SimpleNamespace(
        run_coordinator=QueuedRunCoordinator(),
        get_run_records=lambda filters: active,
        get_runs=lambda filters, cursor, limit, ascending: queued,
        event_log_storage=storage,
        global_op_concurrency_default_limit=None,
    )
    config = SimpleNamespace(
        run_queue_config=SimpleNamespace(
            max_concurrent_runs=case["max_concurrent_runs"],
            tag_concurrency_limits=[as_limit(limit) for limit in case["limits"]],
            should_block_op_concurrency_limited_runs=case["blocking"],
            op_concurrency_slot_buffer=case["buffer"],
        ),
        pool_config=SimpleNamespace(pool_granularity=case["granularity"] and PoolGranularity(case["granularity"])),
    )
    daemon = daemons.QueuedRunCoordinatorDaemon(interval_seconds=5, page_size=1_000)
    daemon._location_timeouts = dict(case["paused"])
    os.environ[ALLOTTED] = str(case["allotted"])
    with mock.patch.object(pool_counters, "get_current_timestamp", lambda: case["now"]):
        taken = daemon._get_runs_to_dequeue(instance, config, fixed_iteration_time=case["now"])
    return [run.run_id for run in taken]


@contextlib.contextmanager
def counting_what_is_launched(case):
    """Within it, only a run that is launched takes places."""
    tags_class, pools_class = daemons.TagConcurrencyLimitsCounter, daemons.GlobalOpConcurrencyLimitsCounter

    def is_paused(run):
        origin = getattr(run, "remote_job_origin", None)
        queued = run.status == DagsterRunStatus.QUEUED
        return queued and origin is not None and case["paused"].get(origin.location_name, 0) > case["now"]

    class Tags(tags_class):
        def __init__(self, *args):
            super().__init__(*args)
            Tags.newest = self

        def update_counters_with_launched_item(self, item):
            if not is_paused(item):
                super().update_counters_with_launched_item(item)

        def take_back(self, run):
            for key, value in run.tags.items():
                for counts, name in [
                    (self._key_counts, key),
                    (self._key_value_counts, (key, value)),
                    (self._unique_value_counts, (key, value)),
                ]:
                    if name in counts:
                        counts[name] -= 1

    class Pools(pools_class):
        def is_blocked(self, run):
            blocked = super().is_blocked(run)
            if blocked and not is_paused(run):
                Tags.newest.take_back(run)
            return blocked

        def update_counters_with_launched_item(self, run):
            if not is_paused(run):
                super().update_counters_with_launched_item(run)

    with (
        mock.patch.object(daemons, "TagConcurrencyLimitsCounter", Tags),
        mock.patch.object(daemons, "GlobalOpConcurrencyLimitsCounter", Pools),
    ):
        yield


def main():
    count, first = int(sys.argv[1]), int(sys.argv[2])
    cases = []
    for number in range(first, first + count):
        case = draw(number)
        dagster = answer(case)
        with counting_what_is_launched(case):
            mended = answer(case)
        cases.append({**case, "dagster": dagster, "mended": mended})
    emit({"cases": cases})


if __name__ == "__main__":
    main()
