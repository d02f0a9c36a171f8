"""Do what the benchmark of assets asks for with the real Dagster's instance, and say how long it took.

Each line of the input is a task, a JSON object with "task", "home" and what the task needs; each line of the output
is its answer: {"seconds": .., "count": how many things came, "peak": bytes of memory at most}.
"""

import functools
import json
import resource
import sys
import time

import dagster as dg
from dagster._core.definitions.partitions.definition import StaticPartitionsDefinition

from common import emit


@functools.cache
def instance_of(home):
    return dg.DagsterInstance.from_config(home)


def asset_key(number):
    return dg.AssetKey(["warehouse", f"table_{number:05}"])


def opened(instance, task):
    return len(instance.get_runs(limit=1))


def get_asset_records(instance, task):
    return len(instance.get_asset_records())


def get_latest_materialization_events(instance, task):
    keys = [asset_key(number) for number in range(task["assets"])]
    return len(instance.get_latest_materialization_events(keys))


def get_status_by_partition(instance, task):
    keys = [f"part_{number:03}" for number in range(task["partitions"])]
    definition = StaticPartitionsDefinition(keys)
    count = 0
    for number in range(task["assets"]):
        statuses = instance.get_status_by_partition(asset_key(number), keys, definition)
        count += sum(1 for status in statuses.values() if status is not None)
    return count


TASKS = {
    "open": opened,
    "get_asset_records": get_asset_records,
    "get_latest_materialization_events": get_latest_materialization_events,
    "get_status_by_partition": get_status_by_partition,
}


def prepare(instance, task):
    if task.get("is_cached") is False:
        for number in range(task["assets"]):
            instance.wipe_asset_cached_status([asset_key(number)])
    if task.get("is_cached"):
        get_status_by_partition(instance, task)


def main():
    for line in sys.stdin:
        task = json.loads(line)
        instance = instance_of(task["home"])
        prepare(instance, task)
        began = time.perf_counter()
        count = TASKS[task["task"]](instance, task)
        seconds = time.perf_counter() - began
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        emit({"seconds": seconds, "count": count, "peak": peak})


if __name__ == "__main__":
    main()
