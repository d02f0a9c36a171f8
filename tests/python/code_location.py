"""A real code location: what it tells of its jobs and their plans, and the execution of runs that were created.

Reads questions on standard input, one a line, and prints for each a line, {"answer"} or {"error"}: {"job": NAME},
{"get_job": {..}} for the part of a job, {"get_execution_plan": {..}}, or {"execute": {"home" or "reference", "run_id"}}.
"""

import json
import os
import subprocess
import sys
import traceback
from pathlib import Path

from common import emit, open_instance

from scenarios.code_location import SELECTIONS, job_json
from scenarios.encoding import check_key_of, de, key_of, ser, set_of
from scenarios.graphs import graph_json

from dagster import DagsterInstance
from dagster._core.definitions.selector import JobSubsetSelector
from dagster._core.remote_origin import InProcessCodeLocationOrigin
from dagster._core.remote_representation.code_location import InProcessCodeLocation
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import InProcessWorkspaceLoadTarget
from dagster._grpc.types import ExecuteRunArgs

LOCATION = "execution"


def origin():
    return InProcessCodeLocationOrigin(
        LoadableTargetOrigin(
            executable_path=sys.executable,
            module_name="execution_definitions",
            working_directory=os.fspath(Path(__file__).parent),
            attribute="definitions",
        ),
        location_name=LOCATION,
    )


def job_of(location, name, selections=None):
    keys = {"asset_selection": key_of, "asset_check_selection": check_key_of}
    selected = {each: set_of((selections or {}).get(each), keys[each]) for each in SELECTIONS}
    selector = JobSubsetSelector(LOCATION, "__repository__", name, op_selection=None, **selected)
    return location.get_job(selector)


def execute(run_id, home=None, reference=None):
    """As the worker of a run does it, in a process of its own. The instance is in a home, or a reference names it."""

    def opened():
        return open_instance(home) if home else DagsterInstance.from_ref(de(reference))

    with opened() as instance:
        run = instance.get_run_by_id(run_id)
        args = json.loads(ser(ExecuteRunArgs(run.job_code_origin, run_id, instance.get_ref())))
    if reference:
        # The very text, and nothing else that names a home.
        args["instance_ref"] = json.loads(reference)
        os.environ.pop("DAGSTER_HOME", None)
    subprocess.run(
        [sys.executable, "-m", "dagster", "api", "execute_run", json.dumps(args)],
        check=True,
        stdout=2,
        env={**os.environ, "PYTHONPATH": os.fspath(Path(__file__).parent)},
    )
    with opened() as instance:
        events = [entry.dagster_event for entry in instance.all_logs(run_id) if entry.dagster_event]
        return {
            "status": instance.get_run_by_id(run_id).status.value,
            "steps": [event.step_key for event in events if event.event_type_value == "STEP_START"],
            "events": [event.event_type_value for event in events],
        }


def answer(question):
    if "execute" in question:
        return execute(**question["execute"])
    with DagsterInstance.local_temp() as instance:
        location = InProcessCodeLocation(origin(), instance)
        if "job" in question:
            with WorkspaceProcessContext(instance, InProcessWorkspaceLoadTarget(origin())) as context:
                graph = graph_json(context.create_request_context().asset_graph)
            return {**job_json(job_of(location, question["job"])), "asset_graph": graph}
        if "get_job" in question:
            asked = question["get_job"]
            return job_json(job_of(location, asked["name"], asked))
        asked = question["get_execution_plan"]
        plan = location.get_execution_plan(
            job_of(location, asked["name"], asked),
            asked["run_config"],
            asked["step_keys_to_execute"],
            de(asked["known_state"]),
            instance,
        )
        return ser(plan.execution_plan_snapshot)


def main():
    for line in sys.stdin:
        try:
            emit({"answer": answer(json.loads(line))})
        except Exception:
            emit({"error": traceback.format_exc()})


if __name__ == "__main__":
    main()
