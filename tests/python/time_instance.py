"""Do what a benchmark asks for with the real Dagster's instance, and say how long it took.

Each line of the input is a task, a JSON object with "task", "home" and what the task needs; each line of the output
is its answer: {"seconds": ..}, or what a watcher has seen. An instance stays open from its first task on.
"""

import argparse
import functools
import json
import random
import sys
import time
import uuid

from common import emit

from code_location import job_of, origin

import execution_definitions

import dagster as dg
from dagster._core.events import DagsterEvent, DagsterEventType
from dagster._core.events.log import EventLogEntry
from dagster._core.remote_representation.code_location import InProcessCodeLocation
from dagster._core.storage.dagster_run import DagsterRun, DagsterRunStatus

JOB = "twenty_assets"


@functools.cache
def instance_of(home):
    return dg.DagsterInstance.from_config(home)


@functools.cache
def job_and_plan():
    location = InProcessCodeLocation(origin(), dg.DagsterInstance.ephemeral())
    job = job_of(location, JOB)
    plan = location.get_execution_plan(job, {}, None, None, dg.DagsterInstance.ephemeral())
    return job, plan.execution_plan_snapshot


def repeated(call, count):
    began = time.perf_counter()
    for number in range(count):
        call(number)
    return {"seconds": time.perf_counter() - began}


def create_run(instance, task):
    """With the snapshots at hand, as the daemon has them."""
    job, plan = job_and_plan()
    graph = execution_definitions.definitions.resolve_asset_graph()

    def create(_):
        instance.create_run(
            job_name=JOB,
            run_id=None,
            run_config={},
            status=None,
            tags=job.tags,
            root_run_id=None,
            parent_run_id=None,
            step_keys_to_execute=None,
            execution_plan_snapshot=plan,
            job_snapshot=job.job_snapshot,
            parent_job_snapshot=job.parent_job_snapshot,
            asset_selection=job.asset_selection,
            asset_check_selection=job.asset_check_selection,
            resolved_op_selection=None,
            op_selection=None,
            remote_job_origin=job.get_remote_origin(),
            job_code_origin=job.get_python_origin(),
            asset_graph=graph,
        )

    return repeated(create, task["count"])


def create_run_for_job(instance, task):
    """From the definition of the job: this includes its snapshots."""
    job = execution_definitions.definitions.resolve_job_def(JOB)
    return repeated(lambda _: instance.create_run_for_job(job), task["count"])


def add_run(instance):
    return instance.add_run(DagsterRun(job_name=JOB, run_id=str(uuid.uuid4()), status=DagsterRunStatus.STARTING))


def report_run_events(instance, task):
    """The start and the end of runs, of which each is one."""
    run_ids = [add_run(instance).run_id for _ in range(task["count"] // 2)]
    began = time.perf_counter()
    for run_id in run_ids:
        for event_type in (DagsterEventType.RUN_START, DagsterEventType.RUN_SUCCESS):
            event = DagsterEvent(event_type_value=event_type.value, job_name=JOB, message="as it was")
            instance.report_dagster_event(event, run_id)
    return {"seconds": time.perf_counter() - began}


def report_runless_asset_event(instance, task):
    def report(number):
        made = dg.AssetMaterialization(dg.AssetKey(["warehouse", f"orders_{number % 100}"]), metadata={"rows": number})
        instance.report_runless_asset_event(made)

    return repeated(report, task["count"])


SEEN = []


def see(entry, _):
    SEEN.append((time.time(), entry.user_message))


def watch(instance, task):
    SEEN.clear()
    instance.watch_event_logs(task["run_id"], None, see)
    return {"seconds": 0}


def seen(instance, task):
    """The messages that have come, each with its time, once there are as many as asked for, or the last one."""
    deadline = time.time() + 60

    def is_done():
        if "last" in task:
            return any(message == task["last"] for _, message in SEEN)
        return len(SEEN) >= task["count"]

    while not is_done() and time.time() < deadline:
        time.sleep(0.1)
    instance.end_watch_event_logs(task["run_id"], see)
    return {"seen": SEEN}


def write(instance, task):
    """Numbered lines, each after a pause; the times before and after each was stored."""
    pauses = random.Random(task["seed"])
    written = []
    for number in range(task["count"]):
        time.sleep(pauses.uniform(*task["pause"]))
        began = time.time()
        instance.handle_new_event(
            EventLogEntry(
                error_info=None,
                level=20,
                user_message=str(number),
                run_id=task["run_id"],
                timestamp=began,
                job_name=JOB,
            )
        )
        written.append((began, time.time()))
    return {"written": written}


TASKS = {
    task.__name__: task
    for task in (
        *(create_run, create_run_for_job, report_run_events, report_runless_asset_event),
        *(watch, seen, write),
    )
}


def main():
    for line in sys.stdin:
        task = json.loads(line)
        emit(TASKS[task["task"]](instance_of(task["home"]), task))


if __name__ == "__main__":
    argparse.ArgumentParser(description=__doc__).parse_args()
    main()
