"""What steps about launching do on a real instance. Answers are JSON; runs stand in them as their text."""

import json
from types import SimpleNamespace

from scenarios.encoding import ser


def submit_run(instance, args):
    return ser(instance.submit_run(args["run_id"], None))


def launch_run(instance, args):
    return ser(instance.launch_run(args["run_id"], None))


def resume_run(instance, args):
    return ser(instance.resume_run(args["run_id"], None, args["attempt_number"]))


def cancel_run(instance, args):
    return json.dumps(instance.run_coordinator.cancel_run(args["run_id"]))


def terminate_in_the_ui(instance, run_id, policy):
    """What the UI does. Only the permission is asked of somebody else."""
    from dagster_graphql.implementation.execution import terminate_pipeline_execution
    from dagster_graphql.schema.roots.mutation import GrapheneTerminateRunPolicy

    context = SimpleNamespace(
        instance=instance,
        has_permission=lambda _: True,
        has_permission_for_location=lambda *_: True,
        has_permission_for_selector=lambda *_: True,
        has_code_location_name=lambda _: False,
    )
    policy = getattr(GrapheneTerminateRunPolicy, policy)
    return terminate_pipeline_execution(SimpleNamespace(context=context), run_id, policy)


def terminate_run(instance, args):
    told = terminate_in_the_ui(instance, args["run_id"], "SAFE_TERMINATE")
    return json.dumps(type(told).__name__ == "GrapheneTerminateRunSuccess")


def force_cancel_run(instance, args):
    terminate_in_the_ui(instance, args["run_id"], "MARK_AS_CANCELED_IMMEDIATELY")
    return ser(instance.get_run_by_id(args["run_id"]))


def count_resume_run_attempts(instance, args):
    return json.dumps(instance.count_resume_run_attempts(args["run_id"]))


def run_will_resume(instance, args):
    return json.dumps(instance.run_will_resume(args["run_id"]))


LAUNCHING = {
    operation.__name__: operation
    for operation in (
        *(submit_run, launch_run, resume_run, cancel_run, terminate_run, force_cancel_run),
        *(count_resume_run_attempts, run_will_resume),
    )
}
