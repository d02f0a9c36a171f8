"""Do what the benchmark of queues asks for with the real Dagster's daemon, and say how long it took.

Each line of the input is a task, a JSON object with "task", "home", "workspace" (the file that names the code locations) and
what the task needs; each line of the output is its answer: {"seconds": .., "count": .., "cpu": .., "rss": ..}.

`serve PORT` is a real code server that starts nothing: it answers at once that it has started the worker of a run.
"""

import functools
import json
import os
import resource
import sys
import time

from common import emit

import dagster as dg
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import WorkspaceFileTarget
from dagster._daemon.run_coordinator.queued_run_coordinator_daemon import QueuedRunCoordinatorDaemon
from dagster._serdes import serialize_value


def serve(port):
    from dagster._cli import main
    from dagster._grpc.__generated__ import dagster_api_pb2 as api
    from dagster._grpc.server import DagsterApiServer
    from dagster._grpc.types import StartRunResult

    started = StartRunResult(success=True, message=None, serializable_error_info=None)
    reply = api.StartRunReply(serialized_start_run_result=serialize_value(started))
    DagsterApiServer.StartRun = lambda self, request, context: reply
    definitions = os.path.join(os.path.dirname(__file__), "time_queue_definitions.py")
    place = ["--host", "127.0.0.1", "--port", port, "--python-file", definitions]
    sys.argv = ["dagster", "api", "grpc", *place]
    main()


@functools.cache
def context_of(home, workspace):
    return WorkspaceProcessContext(dg.DagsterInstance.from_config(home), WorkspaceFileTarget([workspace]))


@functools.cache
def daemon_of(home):
    return QueuedRunCoordinatorDaemon(interval_seconds=5)


def opened(task, context):
    """The code locations are loaded before anything is measured."""
    return len(context.create_request_context().code_location_names)


def dequeue(task, context):
    """A look of the daemon, which launches what may be launched; it says how often it yielded, which is once for each run."""
    return sum(1 for _ in daemon_of(task["home"]).run_iteration(context))


def decide(task, context):
    """A look that launches nothing."""
    instance = context.instance
    config = instance.get_concurrency_config()
    chosen = daemon_of(task["home"])._get_runs_to_dequeue(instance, config, fixed_iteration_time=None)
    return len(chosen)


TASKS = {"open": opened, "dequeue": dequeue, "decide": decide}


def resident():
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * resource.getpagesize()


def main():
    for line in sys.stdin:
        task = json.loads(line)
        context = context_of(task["home"], task["workspace"])
        began, cpu = time.perf_counter(), time.process_time()
        count = TASKS[task["task"]](task, context)
        seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
        emit({"seconds": seconds, "count": count, "cpu": cpu, "rss": resident()})


if __name__ == "__main__":
    if sys.argv[1:2] == ["serve"]:
        serve(sys.argv[2])
    else:
        main()
