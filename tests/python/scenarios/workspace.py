"""The workspace that is asked for the jobs of runs which are retried: one that writes down what it is asked, and one that
replays it.
"""

from types import SimpleNamespace

from scenarios.code_location import LOCATION, ReplayedJob, ReplayedLocation, job_json, remote_graph
from scenarios.encoding import check_key_json, key_json, sorted_json
from scenarios.graphs import graph_of

from dagster._core.errors import DagsterCodeLocationNotFoundError, DagsterUserCodeUnreachableError
from dagster._core.remote_representation.code_location import CodeLocation

# Why a location does not answer. The class is Dagster's; ours has a kind of its own for each.
REASONS = {"not served": DagsterCodeLocationNotFoundError, "unreachable": DagsterUserCodeUnreachableError}


def question_of(selector):
    return {
        "repository_name": selector.repository_name,
        "job_name": selector.job_name,
        "op_selection": selector.op_selection and list(selector.op_selection),
        "asset_selection": sorted_json(selector.asset_selection or (), key_json),
        "asset_check_selection": sorted_json(selector.asset_check_selection or (), check_key_json),
    }


class LocationOfRun(CodeLocation):
    """The recording location as whoever retries a run sees it: the first job that it tells is that of the run."""

    def __init__(self, location):
        self.location = location
        self.is_told = False

    name = LOCATION

    def written(self, question, name, answer):
        self.location.calls.append({question: {"name": name}, "answer": answer})
        return answer

    def has_repository(self, name):
        return self.written("has_repository", name, self.location.has_repository(name))

    def get_repository(self, name):
        repository = self.location.get_repository(name)
        return SimpleNamespace(has_job=lambda job: self.written("has_job", job, repository.has_job(job)))

    def get_job(self, selector):
        if self.is_told:
            return self.location.get_job(selector)
        self.is_told = True
        answer = self.location.job(
            selector.job_name, selector.op_selection, selector.asset_selection, selector.asset_check_selection
        )
        self.location.calls.append({"get_job_of_run": question_of(selector), "answer": job_json(answer)})
        return answer

    def get_execution_plan(self, *args, **options):
        return self.location.get_execution_plan(*args, **options)


LocationOfRun.__abstractmethods__ = frozenset()


class RecordingWorkspace:
    """Has the one code location, unless that is away."""

    def __init__(self, location, is_away=False):
        self.location = location
        self.is_away = is_away

    asset_graph = property(lambda self: remote_graph())

    def get_code_location(self, name):
        call = {"get_code_location": {"name": name}, "answer": None}
        self.location.calls.append(call)
        if self.is_away:
            call["reason"] = "unreachable"
        elif name != LOCATION:
            call["reason"] = "not served"
        else:
            return LocationOfRun(self.location)
        call["error"] = f"Location {name} does not answer"
        raise REASONS[call["reason"]](call["error"])


class ReplayedLocationOfRun(ReplayedLocation):
    name = LOCATION

    def has_repository(self, name):
        return self.answer("has_repository", {"name": name})

    def get_repository(self, name):
        return SimpleNamespace(has_job=lambda job: self.answer("has_job", {"name": job}))

    def get_job(self, selector):
        if self.calls and "get_job_of_run" in self.calls[0]:
            return ReplayedJob(self.answer("get_job_of_run", question_of(selector)))
        return super().get_job(selector)


class ReplayedWorkspace:
    def __init__(self, args):
        self.location = ReplayedLocationOfRun(args["code_location"])
        self.asset_graph = graph_of(args["asset_graph"])

    def get_code_location(self, name):
        call = self.location.calls[0]
        if "reason" in call:
            self.location.calls.pop(0)
            raise REASONS[call["reason"]](call["error"])
        self.location.answer("get_code_location", {"name": name})
        return self.location
