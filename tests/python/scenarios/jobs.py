"""A job of the definitions as `create_run` takes it: its snapshot, plan, origin and asset graph."""

from functools import cache

from scenarios import definitions
from scenarios.code_location import origin, remote_graph

from dagster._core.code_pointer import ModuleCodePointer
from dagster._core.execution.api import create_execution_plan
from dagster._core.origin import JobPythonOrigin, RepositoryPythonOrigin
from dagster._core.remote_origin import RegisteredCodeLocationOrigin, RemoteJobOrigin, RemoteRepositoryOrigin
from dagster._core.snap import snapshot_from_execution_plan

CODE = RepositoryPythonOrigin(
    executable_path="/usr/bin/python",
    code_pointer=ModuleCodePointer("a_module", "definitions"),
    container_image="image:1",
    entry_point=["dagster"],
    container_context={"k8s": {"namespace": "ns"}},
)


def registered_origin(job_name="a_job", location="a_location"):
    """An origin that tells no paths."""
    repository = RemoteRepositoryOrigin(RegisteredCodeLocationOrigin(location), "a_repository")
    return RemoteJobOrigin(repository, job_name)


def location_origin(job_name):
    """The origin in the code location of which `remote_graph` is the graph."""
    return RemoteJobOrigin(RemoteRepositoryOrigin(origin(), "__repository__"), job_name)


def code_origin(job_name="a_job"):
    return JobPythonOrigin(job_name, CODE)


@cache
def job(name):
    return definitions.definitions.resolve_job_def(name)


def run_of(
    name,
    remote=False,
    step_keys=None,
    run_config=None,
    op_selection=None,
    asset_selection=None,
    asset_check_selection=None,
    **others,
):
    """The arguments of `create_run` for the job, or for the subset of it, as those who launch runs give them."""
    whole = job(name)
    chosen = whole
    if op_selection or asset_selection or asset_check_selection is not None:
        chosen = whole.get_subset(
            op_selection=op_selection,
            asset_selection=asset_selection,
            asset_check_selection=asset_check_selection,
        )
    plan = create_execution_plan(chosen, run_config=run_config, step_keys_to_execute=step_keys)
    return {
        "job_name": name,
        "run_config": run_config,
        "job_snapshot": chosen.get_job_snapshot(),
        "parent_job_snapshot": chosen.get_parent_job_snapshot(),
        "execution_plan_snapshot": snapshot_from_execution_plan(plan, chosen.get_job_snapshot_id()),
        "step_keys_to_execute": step_keys,
        "op_selection": op_selection,
        "asset_selection": asset_selection,
        "asset_check_selection": asset_check_selection,
        "remote_job_origin": location_origin(name) if remote else None,
        "asset_graph": remote_graph() if remote else chosen.asset_layer.asset_graph,
        **others,
    }
