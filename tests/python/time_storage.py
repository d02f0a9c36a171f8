"""Do what a benchmark asks for with real Dagster's storages, and say how long it took.

Each line of the input is a task, a JSON object with "task", "home" and what the task needs; each line of
the output is {"seconds": .., "count": ..}. Homes are prepared by whoever asks: a directory for SQLite with
its dagster.yaml. An instance stays open from its first task on, as a daemon's would.
"""

import argparse
import json
import sys
import threading
import time

from common import emit

import dagster as dg
from dagster._core.definitions.metadata import normalize_metadata
from dagster._core.events import DagsterEvent, DagsterEventType, StepMaterializationData
from dagster._core.events.log import EventLogEntry
from dagster._core.execution.plan.handle import StepHandle
from dagster._core.definitions.dependency import NodeHandle
from dagster._core.storage.dagster_run import RunsFilter

INSTANCES = {}


def instance_of(home):
    if home not in INSTANCES:
        INSTANCES[home] = dg.DagsterInstance.from_config(home)
    return INSTANCES[home]


def entry(run_id, message, event=None):
    return EventLogEntry(
        error_info=None,
        level=10,
        user_message=message,
        run_id=run_id,
        timestamp=time.time(),
        step_key="orders",
        job_name="daily_orders",
        dagster_event=event,
    )


def step_event(event_type, message, run_id, data=None):
    handle = NodeHandle("orders", None)
    return DagsterEvent(
        event_type_value=event_type.value,
        job_name="daily_orders",
        step_handle=StepHandle(handle),
        node_handle=handle,
        step_kind_value="COMPUTE",
        logging_tags={"job_name": "daily_orders", "op_name": "orders", "run_id": run_id, "step_key": "orders"},
        event_specific_data=data,
        message=message,
        pid=12345,
    )


def event(kind, run_id, number):
    if kind == "log_line":
        return entry(run_id, "an ordinary line of a log")
    if kind == "step_start":
        started = step_event(DagsterEventType.STEP_START, 'Started execution of step "orders".', run_id)
        return entry(run_id, "", started)
    materialization = dg.AssetMaterialization(
        dg.AssetKey(["warehouse", f"orders_{number % 100}"]),
        description="Orders of one day",
        partition=f"part_{number}",
        tags={"dagster/code_version": "3", "dagster/data_version": "0f3c"},
        metadata=normalize_metadata(
            {
                "dagster/row_count": 1024,
                "ratio": 0.25,
                "path": dg.MetadataValue.path("/data/orders/2024-11-22.parquet"),
                "note": "nothing unusual",
            }
        ),
    )
    data = StepMaterializationData(materialization, [])
    made = step_event(DagsterEventType.ASSET_MATERIALIZATION, "Materialized value.", run_id, data)
    return entry(run_id, "", made)


def store_one_by_one(storage, task):
    events = [event(task["kind"], task["run_id"], n) for n in range(task["count"])]
    began = time.perf_counter()
    for one in events:
        storage.store_event(one)
    return time.perf_counter() - began


def store_concurrently(storage, task):
    events = [event(task["kind"], task["run_id"], n) for n in range(task["count"])]
    shares = [events[n :: task["callers"]] for n in range(task["callers"])]

    def store(share):
        for one in share:
            storage.store_event(one)

    threads = [threading.Thread(target=store, args=(share,)) for share in shares]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.perf_counter() - began


def store_batch(storage, task):
    events = [event(task["kind"], task["run_id"], n) for n in range(task["count"])]
    began = time.perf_counter()
    storage.store_event_batch(events)
    return time.perf_counter() - began


def read(call):
    def timed(storage, task):
        began = time.perf_counter()
        found = call(storage, task)
        elapsed = time.perf_counter() - began
        if found != task["count"]:
            raise RuntimeError(f"{task['task']} found {found}, not {task['count']}")
        return elapsed

    return timed


def asset_keys(count):
    return [dg.AssetKey(["warehouse", f"orders_{n}"]) for n in range(count)]


def latest_by_partition(storage, task):
    return storage.get_latest_storage_id_by_partition(
        dg.AssetKey(["warehouse", "partitioned"]), DagsterEventType.ASSET_MATERIALIZATION
    )


def add_partitions(storage, task):
    keys = [f"key_{n}" for n in range(task["count"])]
    began = time.perf_counter()
    storage.add_dynamic_partitions(task["name"], keys)
    return time.perf_counter() - began


def wipe_assets(storage, task):
    began = time.perf_counter()
    for key in asset_keys(task["count"]):
        storage.wipe_asset(key)
    return time.perf_counter() - began


TASKS = {
    "store_one_by_one": store_one_by_one,
    "store_concurrently": store_concurrently,
    "store_batch": store_batch,
    "get_records_for_run": read(
        lambda storage, task: len(storage.get_records_for_run(task["run_id"]).records)
    ),
    "get_latest_materialization_events": read(
        lambda storage, task: len(storage.get_latest_materialization_events(asset_keys(task["count"])))
    ),
    "get_asset_records": read(
        lambda storage, task: len(storage.get_asset_records(asset_keys(task["count"])))
    ),
    "get_latest_storage_id_by_partition": read(
        lambda storage, task: len(latest_by_partition(storage, task))
    ),
    "get_dynamic_partitions": read(
        lambda storage, task: len(storage.get_dynamic_partitions(task["name"]))
    ),
    "add_dynamic_partitions": add_partitions,
    "wipe_assets": wipe_assets,
}


def get_run_records(instance, task):
    began = time.perf_counter()
    found = len(instance.run_storage.get_run_records(RunsFilter(), limit=task["count"]))
    if found != task["count"]:
        raise RuntimeError(f"get_run_records found {found}, not {task['count']}")
    return time.perf_counter() - began


def delete_run(instance, task):
    began = time.perf_counter()
    instance.run_storage.delete_run(task["run_id"])
    instance.event_log_storage.delete_events(task["run_id"])
    return time.perf_counter() - began


TASKS_OF_SEVERAL_STORAGES = {"get_run_records": get_run_records, "delete_run": delete_run}


def main():
    for line in sys.stdin:
        task = json.loads(line)
        instance = instance_of(task["home"])
        if task["task"] in TASKS_OF_SEVERAL_STORAGES:
            seconds = TASKS_OF_SEVERAL_STORAGES[task["task"]](instance, task)
        else:
            seconds = TASKS[task["task"]](instance.event_log_storage, task)
        emit({"seconds": seconds})


if __name__ == "__main__":
    argparse.ArgumentParser(description=__doc__).parse_args()
    main()
