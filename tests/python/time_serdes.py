"""Time real Dagster's deserialize_value and serialize_value on three bodies of ordinary sizes.

It prints, by name, the microseconds per call ("read_us", "write_us") and the body itself. The bodies
are timed in turn, several rounds over; a round's figure is the median of its batches, and the best
round counts. Python's garbage collector is off meanwhile.
"""

import argparse
import gc
import statistics
import time

from common import emit

import dagster as dg
from dagster._core.definitions.dependency import NodeHandle
from dagster._core.definitions.metadata import normalize_metadata
from dagster._core.events import DagsterEvent, DagsterEventType, StepMaterializationData
from dagster._core.events.log import EventLogEntry
from dagster._core.execution.plan.handle import StepHandle
from dagster._serdes import deserialize_value, serialize_value

RUN_ID = "0dfe2b5c-77a5-4a5e-9c1b-4f2f5d7a3c11"
ROUNDS, BATCHES, CALLS = 7, 25, 40


def entry(message, event=None, level=10):
    return EventLogEntry(
        error_info=None,
        level=level,
        user_message=message,
        run_id=RUN_ID,
        timestamp=1732233600.123456,
        step_key="orders",
        job_name="daily_orders",
        dagster_event=event,
    )


def step_event(event_type, message, data=None):
    handle = NodeHandle("orders", None)
    return DagsterEvent(
        event_type_value=event_type.value,
        job_name="daily_orders",
        step_handle=StepHandle(handle),
        node_handle=handle,
        step_kind_value="COMPUTE",
        logging_tags={
            "job_name": "daily_orders",
            "op_name": "orders",
            "resource_fn_name": "None",
            "resource_name": "None",
            "run_id": RUN_ID,
            "step_key": "orders",
        },
        event_specific_data=data,
        message=message,
        pid=12345,
    )


def bodies():
    materialization = dg.AssetMaterialization(
        dg.AssetKey(["warehouse", "orders"]),
        description="Orders of one day",
        partition="2024-11-22",
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
    return {
        "log_line": serialize_value(entry("an ordinary line of a log", level=20)),
        "step_start": serialize_value(
            entry("", step_event(DagsterEventType.STEP_START, 'Started execution of step "orders".'))
        ),
        "asset_materialization": serialize_value(
            entry(
                "",
                step_event(
                    DagsterEventType.ASSET_MATERIALIZATION,
                    "Materialized value warehouse orders.",
                    StepMaterializationData(materialization, []),
                ),
            )
        ),
    }


def batch_us(call, argument):
    began = time.perf_counter_ns()
    for _ in range(CALLS):
        call(argument)
    return (time.perf_counter_ns() - began) / CALLS / 1000


def measure():
    found = bodies()
    tasks = {}
    for name, body in found.items():
        value = deserialize_value(body)
        if serialize_value(value) != body:
            raise RuntimeError(f"{name} does not round-trip")
        tasks[name, "read_us"] = (deserialize_value, body)
        tasks[name, "write_us"] = (serialize_value, value)
    best = dict.fromkeys(tasks, float("inf"))
    gc.disable()
    try:
        for _ in range(ROUNDS):
            for task, (call, argument) in tasks.items():
                median = statistics.median(batch_us(call, argument) for _ in range(BATCHES))
                best[task] = min(best[task], median)
    finally:
        gc.enable()
    return {
        name: {
            "read_us": round(best[name, "read_us"], 3),
            "write_us": round(best[name, "write_us"], 3),
            "body": body,
        }
        for name, body in found.items()
    }


if __name__ == "__main__":
    argparse.ArgumentParser(description=__doc__).parse_args()
    emit(measure())
