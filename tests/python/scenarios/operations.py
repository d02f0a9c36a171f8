"""What each step does: the operations on a real instance, from the step's JSON alone.

A recorder gives the real asset graph or code location besides; a replay has only what the step says of them.
"""

from types import SimpleNamespace

from scenarios.asset_operations import ASSET_OPERATIONS
from scenarios.code_location import ReplayedJob, ReplayedLocation
from scenarios.encoding import check_key_of, de, key_of, ser, set_of
from scenarios.graphs import graph_of
from scenarios.keepers import KEEPERS
from scenarios.launching import LAUNCHING
from scenarios.operations_storage import STORAGE
from scenarios.scheduling import SCHEDULING

from dagster._core.events import DagsterEventBatchMetadata
from dagster._core.execution.plan.resume_retry import ReexecutionStrategy
from dagster._core.storage.dagster_run import DagsterRunStatus
from dagster._time import datetime_from_timestamp


def create_run(instance, args, graph=None):
    run = instance.create_run(
        job_name=args["job_name"],
        run_id=args["run_id"],
        run_config=args["run_config"],
        status=args["status"] and DagsterRunStatus[args["status"]],
        tags=args["tags"],
        root_run_id=args["root_run_id"],
        parent_run_id=args["parent_run_id"],
        step_keys_to_execute=args["step_keys_to_execute"],
        execution_plan_snapshot=de(args["execution_plan_snapshot"]),
        job_snapshot=de(args["job_snapshot"]),
        parent_job_snapshot=de(args["parent_job_snapshot"]),
        asset_selection=set_of(args["asset_selection"], key_of),
        asset_check_selection=set_of(args["asset_check_selection"], check_key_of),
        resolved_op_selection=set_of(args["resolved_op_selection"], str),
        op_selection=args["op_selection"],
        remote_job_origin=de(args["remote_job_origin"]),
        job_code_origin=de(args["job_code_origin"]),
        asset_graph=graph or graph_of(args["asset_graph"]),
    )
    return ser(run)


def register_managed_run(instance, args):
    run = instance.register_managed_run(
        job_name=args["job_name"],
        run_id=args["run_id"],
        run_config=args["run_config"],
        resolved_op_selection=set_of(args["resolved_op_selection"], str),
        step_keys_to_execute=args["step_keys_to_execute"],
        tags=args["tags"],
        root_run_id=args["root_run_id"],
        parent_run_id=args["parent_run_id"],
        job_snapshot=de(args["job_snapshot"]),
        execution_plan_snapshot=de(args["execution_plan_snapshot"]),
        parent_job_snapshot=de(args["parent_job_snapshot"]),
        op_selection=args["op_selection"],
        job_code_origin=de(args["job_code_origin"]),
    )
    return ser(run)


def create_reexecuted_run(instance, args, graph=None, location=None, job=None):
    run = instance.create_reexecuted_run(
        request_context=SimpleNamespace(asset_graph=graph or graph_of(args["asset_graph"])),
        parent_run=instance.get_run_by_id(args["parent_run_id"]),
        code_location=location or ReplayedLocation(args["code_location"]),
        remote_job=job or ReplayedJob(args["remote_job"]),
        strategy=ReexecutionStrategy[args["strategy"]],
        extra_tags=args["extra_tags"],
        run_config=args["run_config"],
        use_parent_run_tags=args["use_parent_run_tags"],
    )
    return ser(run)


def batch_of(args):
    batch = args["batch"]
    return batch and DagsterEventBatchMetadata(batch["id"], batch["is_end"])


def report_dagster_event(instance, args):
    instance.report_dagster_event(
        de(args["event"]),
        args["run_id"],
        log_level=args["level"],
        batch_metadata=batch_of(args),
        timestamp=args["timestamp"],
    )


def handle_new_event(instance, args):
    instance.handle_new_event(de(args["entry"]), batch_metadata=batch_of(args))


def store_event(instance, args):
    instance.store_event(de(args["entry"]))


def report_engine_event(instance, args):
    """With its job's name, the run need not be there; without, the name is that of the run."""
    if args["job_name"] is None:
        of_run = {"dagster_run": instance.get_run_by_id(args["run_id"])}
    else:
        of_run = {"run_id": args["run_id"], "job_name": args["job_name"]}
    instance.report_engine_event(
        args["message"], engine_event_data=de(args["engine_event_data"]), step_key=args["step_key"], **of_run
    )


def report_run_canceling(instance, args):
    instance.report_run_canceling(instance.get_run_by_id(args["run_id"]), args["message"])


def report_run_canceled(instance, args):
    instance.report_run_canceled(instance.get_run_by_id(args["run_id"]), args["message"])


def report_run_failed(instance, args):
    run = instance.get_run_by_id(args["run_id"])
    instance.report_run_failed(run, args["message"], de(args["job_failure_data"]))


def add_run(instance, args):
    return ser(instance.add_run(de(args["run"])))


def add_run_tags(instance, args):
    instance.add_run_tags(args["run_id"], args["tags"])


def delete_run(instance, args):
    instance.delete_run(args["run_id"])


def handle_run_event(instance, args):
    instance.handle_run_event(args["run_id"], de(args["event"]), datetime_from_timestamp(args["timestamp"]))


def add_backfill(instance, args):
    instance.add_backfill(de(args["backfill"]))


def add_dynamic_partitions(instance, args):
    instance.add_dynamic_partitions(args["name"], args["keys"])


def report_runless_asset_event(instance, args):
    instance.report_runless_asset_event(de(args["event"]))


OPERATIONS = ASSET_OPERATIONS | {
    operation.__name__: operation
    for operation in (
        *(create_run, register_managed_run, create_reexecuted_run, add_run, add_run_tags, delete_run),
        *(report_dagster_event, handle_new_event, store_event, handle_run_event, report_engine_event),
        *(report_run_canceling, report_run_canceled, report_run_failed, report_runless_asset_event),
        *(add_backfill, add_dynamic_partitions),
    )
} | STORAGE | SCHEDULING | LAUNCHING | KEEPERS
