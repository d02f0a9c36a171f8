"""Print the snapshots real Dagster makes of the one-step jobs that `dagster-instance exec` mirrors.

Reads {"cases": [{"name", "job_name", "assets", "checks", "partitioned", "tags"}]} from stdin. It executes nothing.
"""

import argparse
import json
import sys

from common import emit

import dagster as dg
from dagster._core.definitions.job_base import InMemoryJob
from dagster._core.execution.api import create_execution_plan
from dagster._core.snap import (
    JobSnap,
    create_execution_plan_snapshot_id,
    snapshot_from_execution_plan,
)
from dagster._serdes import create_snapshot_id, serialize_value

CONFIG_SCHEMA = {"argv": [str]}
RUN_CONFIG = {"ops": {"command": {"config": {"argv": ["x"]}}}}


def job_of(case):
    """The job as job.execute_in_process() turns it: its executor and an in-memory IO manager."""
    name, assets, tags = case["job_name"], case.get("assets"), case.get("tags") or None
    if assets:
        keys = [dg.AssetKey(key) for key in assets]
        partitions = dg.StaticPartitionsDefinition(["p"]) if case.get("partitioned") else None

        @dg.multi_asset(
            name="command",
            specs=[dg.AssetSpec(key, partitions_def=partitions) for key in keys],
            check_specs=[dg.AssetCheckSpec(name, asset=dg.AssetKey(key)) for key, name in case.get("checks", ())],
            config_schema=CONFIG_SCHEMA,
        )
        def command():
            pass

        job = dg.Definitions(
            assets=[command], jobs=[dg.define_asset_job(name, keys, tags=tags)]
        ).resolve_job_def(name)
    else:

        @dg.op(name="command", config_schema=CONFIG_SCHEMA, out=dg.Out(dg.Nothing))
        def command():
            pass

        @dg.job(name=name, tags=tags)
        def job():
            command()

    return job.as_ephemeral_job(resource_defs={"io_manager": dg.mem_io_manager}, input_values={})


def snapshots_of(case):
    job = job_of(case)
    job_snapshot = JobSnap.from_job_def(job)
    job_snapshot_id = create_snapshot_id(job_snapshot)
    plan_snapshot = snapshot_from_execution_plan(
        create_execution_plan(InMemoryJob(job_def=job), run_config=RUN_CONFIG), job_snapshot_id
    )
    return {
        "name": case["name"],
        "job_snapshot": serialize_value(job_snapshot),
        "job_snapshot_id": job_snapshot_id,
        "execution_plan_snapshot": serialize_value(plan_snapshot),
        "execution_plan_snapshot_id": create_execution_plan_snapshot_id(plan_snapshot),
    }


if __name__ == "__main__":
    argparse.ArgumentParser(description=__doc__).parse_args()
    emit([snapshots_of(case) for case in json.load(sys.stdin)["cases"]])
