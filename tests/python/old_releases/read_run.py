"""Read a run that we stored with the release that made the database; print what was read as JSON.

    python read_run.py HOME RUN_ID

The interpreter is that of an environment with the old release. The run is a command of ours with an asset in a partition.
"""

import json
import logging
import os
import subprocess
import sys
import warnings

_document = os.fdopen(os.dup(1), "w", encoding="utf-8")
os.dup2(2, 1)
os.environ["DAGSTER_DISABLE_TELEMETRY"] = "1"
warnings.simplefilter("ignore")

import dagster as dg
from dagster import AssetKey, DagsterEventType, DagsterInstance, EventRecordsFilter, RunsFilter
from dagster._core.instance.ref import InstanceRef

logging.disable(logging.CRITICAL)

KEY = AssetKey(["made", "by_us"])


def snapshots(instance, run):
    """The names of the members changed after 1.0."""
    job_id = getattr(run, "job_snapshot_id", None) or run.pipeline_snapshot_id
    get_job = getattr(instance, "get_job_snapshot", None) or instance.get_pipeline_snapshot
    job = get_job(job_id)
    plan = instance.get_execution_plan_snapshot(run.execution_plan_snapshot_id)
    return {"job": job.name, "planned": [step.key for step in plan.steps]}


def listed(home):
    """What the command of the release says."""
    command = [sys.executable, "-m", "dagster", "run", "list", "--limit", "5"]
    environment = {**os.environ, "DAGSTER_HOME": home}
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode:
        raise SystemExit(f"`dagster run list` failed: {done.stderr[-2000:]}")
    return done.stdout


def read(instance, home, run_id):
    run = instance.get_run_by_id(run_id)
    (record,) = instance.get_run_records(RunsFilter(run_ids=[run_id]))
    stats = instance.get_run_stats(run_id)
    logs = instance.all_logs(run_id)
    (asset,) = instance.get_asset_records([KEY])
    last = asset.asset_entry.last_materialization
    event_type = DagsterEventType.ASSET_MATERIALIZATION
    records = instance.get_event_records(EventRecordsFilter(event_type, asset_key=KEY), limit=5)
    return {
        "release": dg.__version__,
        "status": run.status.value,
        "tags": dict(run.tags),
        "newest": instance.get_runs(limit=1)[0].run_id,
        "all": len(instance.get_runs()),
        "by_tag": [found.run_id for found in instance.get_runs(RunsFilter(tags={"team": "naïve"}))],
        "times": [record.start_time is not None, record.end_time is not None],
        "stats": [stats.steps_succeeded, stats.steps_failed, stats.materializations, stats.start_time is not None],
        "steps": [[step.step_key, step.status.value] for step in instance.get_run_step_stats(run_id)],
        "events": [log.dagster_event.event_type_value for log in logs if log.is_dagster_event],
        "has_asset": instance.has_asset_key(KEY),
        "last": [last.run_id, last.dagster_event.event_type_value, last.dagster_event.partition],
        "records": [[found.run_id, found.asset_key.path] for found in records],
        "is_listed": run_id in listed(home),
        **snapshots(instance, run),
    }


if __name__ == "__main__":
    place, wanted = sys.argv[1:]
    with DagsterInstance.from_ref(InstanceRef.from_dir(place)) as opened:
        json.dump(read(opened, place, wanted), _document)
