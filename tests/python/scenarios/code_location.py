"""The code location that re-execution asks: a real one that writes down what it is asked, and one that replays it."""

import os
import sys
from functools import cache
from pathlib import Path

from scenarios.encoding import check_key_json, check_key_of, de, key_json, key_of, ser, set_of, sorted_json

from dagster import DagsterInstance
from dagster._core.definitions.selector import JobSubsetSelector
from dagster._core.remote_origin import InProcessCodeLocationOrigin
from dagster._core.remote_representation.code_location import CodeLocation, InProcessCodeLocation
from dagster._core.remote_representation.external import RemoteExecutionPlan, RemoteJob
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import InProcessWorkspaceLoadTarget

LOCATION = "scenarios"


def origin():
    return InProcessCodeLocationOrigin(
        LoadableTargetOrigin(
            executable_path=sys.executable,
            module_name="scenarios.definitions",
            working_directory=os.fspath(Path(__file__).parent.parent),
            attribute="definitions",
        ),
        location_name=LOCATION,
    )


@cache
def instance():
    """An instance that code locations may have and that no scenario plays on."""
    return DagsterInstance.local_temp()


@cache
def remote_graph():
    """The asset graph of a workspace of this one location."""
    with WorkspaceProcessContext(instance(), InProcessWorkspaceLoadTarget(origin())) as context:
        return context.create_request_context().asset_graph


SELECTIONS = ("asset_selection", "asset_check_selection")


def job_json(job):
    """Its sets are frozen but for those named as plain, which Dagster writes differently."""
    return {
        "tags": dict(job.tags),
        "job_snapshot": ser(job.job_snapshot),
        "parent_job_snapshot": ser(job.parent_job_snapshot),
        "asset_selection": sorted_json(job.asset_selection, key_json),
        "asset_check_selection": sorted_json(job.asset_check_selection, check_key_json),
        "remote_origin": ser(job.get_remote_origin()),
        "python_origin": ser(job.get_python_origin()),
        "plain_sets": [name for name in SELECTIONS if isinstance(getattr(job, name), set)],
    }


class RecordingLocation(InProcessCodeLocation):
    """Keeps each question of the one re-execution that goes on, with its answer."""

    def __init__(self):
        super().__init__(origin(), instance())
        self.calls = []

    def job(self, name, op_selection=None, asset_selection=None, asset_check_selection=None):
        """Not of those that are written down: it is how a caller of `create_reexecuted_run` gets its job."""
        return super().get_job(
            JobSubsetSelector(
                location_name=LOCATION,
                repository_name="__repository__",
                job_name=name,
                op_selection=op_selection,
                asset_selection=asset_selection,
                asset_check_selection=asset_check_selection,
            )
        )

    def get_job(self, selector):
        # A selector makes null of an empty set. The sets that it was made of are never null.
        question = {
            "asset_selection": sorted_json(selector.asset_selection or (), key_json),
            "asset_check_selection": sorted_json(selector.asset_check_selection or (), check_key_json),
        }
        answer = super().get_job(selector)
        self.calls.append({"get_job": question, "answer": job_json(answer)})
        return answer

    def get_execution_plan(self, remote_job, run_config, step_keys_to_execute, known_state, instance=None):
        question = {
            "run_config": run_config,
            "step_keys_to_execute": step_keys_to_execute,
            "known_state": ser(known_state),
        }
        try:
            plan = super().get_execution_plan(remote_job, run_config, step_keys_to_execute, known_state, instance)
        except Exception as error:
            self.calls.append({"get_execution_plan": question, "error": str(error)})
            raise
        self.calls.append({"get_execution_plan": question, "answer": ser(plan.execution_plan_snapshot)})
        return plan


class ReplayedJob(RemoteJob):
    def __init__(self, document):
        self.document = document

    tags = property(lambda self: self.document["tags"])
    job_snapshot = property(lambda self: de(self.document["job_snapshot"]))
    parent_job_snapshot = property(lambda self: de(self.document["parent_job_snapshot"]))
    asset_selection = property(lambda self: self.selection("asset_selection", key_of))
    asset_check_selection = property(lambda self: self.selection("asset_check_selection", check_key_of))

    def selection(self, name, each):
        found = set_of(self.document[name], each)
        return set(found) if name in self.document["plain_sets"] else found

    def get_remote_origin(self):
        return de(self.document["remote_origin"])

    def get_python_origin(self):
        return de(self.document["python_origin"])

    def get_subset_selector(self, asset_selection, asset_check_selection):
        return {
            "asset_selection": sorted_json(asset_selection, key_json),
            "asset_check_selection": sorted_json(asset_check_selection, check_key_json),
        }


def without_order(question):
    steps = question and question.get("step_keys_to_execute")
    return {**question, "step_keys_to_execute": sorted(steps)} if steps else question


class ReplayedLocation(CodeLocation):
    """Answers as it was answered, in that order, and fails on anything else.

    The order of the steps shows in the run that comes of it, so it is not looked at here.
    """

    def __init__(self, calls):
        self.calls = list(calls)

    def answer(self, name, question):
        call = self.calls.pop(0)
        if without_order(call.get(name)) != without_order(question):
            raise AssertionError(f"asked {name} {question} where {call} was recorded")
        if "error" in call:
            raise RuntimeError(call["error"])
        return call["answer"]

    def get_job(self, selector):
        return ReplayedJob(self.answer("get_job", selector))

    def get_execution_plan(self, remote_job, run_config, step_keys_to_execute, known_state, instance=None):
        question = {
            "run_config": run_config,
            "step_keys_to_execute": step_keys_to_execute,
            "known_state": ser(known_state),
        }
        return RemoteExecutionPlan(de(self.answer("get_execution_plan", question)))


ReplayedLocation.__abstractmethods__ = frozenset()
