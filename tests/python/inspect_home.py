"""Print everything real Dagster reads from a home. It executes nothing and changes no run or event.

Dagster may still create what it always creates on opening a home, such as a missing schedules.db.
"""

import argparse
import json
import os
import sqlite3
import zlib
from pathlib import Path

from common import emit, open_instance

from dagster import DagsterEventType
from dagster._core.snap import create_execution_plan_snapshot_id
from dagster._serdes import create_snapshot_id, deserialize_value, serialize_value


def body_mismatches(home):
    """Rows whose stored text is not what Dagster's serdes writes for the value it reads from it."""
    history = Path(home, "history")
    queries = {
        "event_logs": "select id, event from event_logs",
        "asset_keys": "select id, last_materialization from asset_keys",
        "asset_check_executions": "select id, evaluation_event from asset_check_executions",
        "runs": "select id, run_body from runs",
        "snapshots": "select id, snapshot_body from snapshots",
    }
    shards = (history / "runs").iterdir() if (history / "runs").is_dir() else []
    found = []
    # not glob("*.db"): the shard of events without a run is named just ".db"
    for path in [history / "runs.db", *sorted(p for p in shards if p.name.endswith(".db"))]:
        if not path.exists():
            continue
        database = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)
        tables = {name for (name,) in database.execute("select name from sqlite_master")}
        for table in [table for table in queries if table in tables]:
            for row_id, stored in database.execute(queries[table]):
                if stored is None:
                    continue
                if table == "snapshots":
                    stored = zlib.decompress(stored).decode("utf-8")
                row = {"file": path.name, "table": table, "id": row_id, "stored": stored}
                try:
                    again = serialize_value(deserialize_value(stored))
                except Exception as error:
                    found.append({**row, "again": None, "error": repr(error)})
                    continue
                if again != stored:
                    found.append({**row, "again": again})
        database.close()
    return found


def error_info(error):
    return error and {
        "message": error.message,
        "cls_name": error.cls_name,
        "cause": error_info(error.cause),
    }


def as_json(value):
    """Dagster's JSON text as plain data; NaN and Infinity, which are not JSON, as strings."""
    return json.loads(serialize_value(value), parse_constant=str)


def every_materialization(instance):
    """All of them by run, as the index database knows them."""
    by_run = {}
    for key in instance.all_asset_keys():
        cursor = None
        while True:
            page = instance.fetch_materializations(key, 1000, cursor=cursor, ascending=True)
            for record in page.records:
                by_run.setdefault(record.run_id, []).append(
                    {
                        "asset_key": key.to_user_string(),
                        "partition": record.partition_key,
                        "run_id": record.run_id,
                        "storage_id": record.storage_id,
                        "timestamp": record.timestamp,
                    }
                )
            if not page.has_more:
                break
            cursor = page.cursor
    for records in by_run.values():
        records.sort(key=lambda record: record["storage_id"])
    return by_run


def every_record(instance, run_id):
    records, cursor, more = [], None, True
    while more:
        page = instance.get_records_for_run(run_id, cursor=cursor, ascending=True)
        records += page.records
        cursor, more = page.cursor, page.has_more
    return records


def events_of(records):
    return [
        {
            "storage_id": record.storage_id,
            "event_type": entry.dagster_event and entry.dagster_event.event_type_value,
            "step_key": entry.step_key,
            "timestamp": entry.timestamp,
            "message": entry.message,
            "level": entry.level,
            "entry": as_json(entry),
        }
        for record in records
        for entry in [record.event_log_entry]
    ]


def failure_of(events):
    run, steps = None, []
    for event in events:
        if event.event_type == DagsterEventType.RUN_FAILURE:
            data = event.event_specific_data
            reason = data and data.failure_reason
            run = {
                **(error_info(data and data.error) or dict.fromkeys(["message", "cls_name", "cause"])),
                "event_message": event.message,
                "failure_reason": reason and reason.value,
            }
        elif event.event_type == DagsterEventType.STEP_FAILURE:
            data = event.step_failure_data
            steps.append(
                {
                    "step_key": event.step_key,
                    **(error_info(data.error) or {}),
                    "error_source": data.error_source and data.error_source.value,
                }
            )
    return {"run": run, "steps": steps} if run or steps else None


def captured_logs(instance, run_id, events):
    manager, found = instance.compute_log_manager, []
    for event in events:
        if event.event_type == DagsterEventType.LOGS_CAPTURED:
            data = event.logs_captured_data
            key = manager.build_log_key_for_run(run_id, data.file_key)
            logs = manager.get_log_data(key)
            found.append(
                {
                    "file_key": data.file_key,
                    "step_keys": data.step_keys,
                    "stdout": None if logs.stdout is None else logs.stdout.decode("utf-8", "replace"),
                    "stderr": None if logs.stderr is None else logs.stderr.decode("utf-8", "replace"),
                    "complete": manager.is_capture_complete(key),
                }
            )
    return found


def snapshot_of(stored_id, load, new_id):
    loaded = load(stored_id) if stored_id else None
    return {
        "loads": loaded is not None,
        "stored_id": stored_id,
        "recomputed_id": loaded and new_id(loaded),
    }


def describe_run(instance, record, materializations):
    run = record.dagster_run
    records = every_record(instance, run.run_id)
    dagster_events = [
        record.event_log_entry.dagster_event
        for record in records
        if record.event_log_entry.is_dagster_event
    ]
    stats = instance.get_run_stats(run.run_id)
    return {
        "run_id": run.run_id,
        "job_name": run.job_name,
        "status": run.status.value,
        "tags": dict(run.tags),
        "run_config": run.run_config,
        "start_time": record.start_time,
        "end_time": record.end_time,
        "create_timestamp": record.create_timestamp.timestamp(),
        "update_timestamp": record.update_timestamp.timestamp(),
        "asset_selection": None
        if run.asset_selection is None
        else sorted(key.to_user_string() for key in run.asset_selection),
        "step_stats": [
            {
                "step_key": step.step_key,
                "status": step.status and step.status.value,
                "start_time": step.start_time,
                "end_time": step.end_time,
                "attempts": step.attempts,
                "materializations": [
                    event.asset_key.to_user_string()
                    for entry in step.materialization_events
                    for event in [entry.dagster_event]
                ],
            }
            for step in instance.get_run_step_stats(run.run_id)
        ],
        "run_stats": {
            name: getattr(stats, name)
            for name in (
                "steps_succeeded",
                "steps_failed",
                "materializations",
                "expectations",
                "enqueued_time",
                "launch_time",
                "start_time",
                "end_time",
            )
        },
        "materializations": materializations,
        "planned": [
            {"asset_key": data.asset_key.to_user_string(), "partition": data.partition}
            for event in dagster_events
            if event.event_type == DagsterEventType.ASSET_MATERIALIZATION_PLANNED
            for data in [event.asset_materialization_planned_data]
        ],
        "events": events_of(records),
        "failure": failure_of(dagster_events),
        "compute_logs": captured_logs(instance, run.run_id, dagster_events),
        "job_snapshot": snapshot_of(
            run.job_snapshot_id, instance.get_job_snapshot, create_snapshot_id
        ),
        "execution_plan_snapshot": snapshot_of(
            run.execution_plan_snapshot_id,
            instance.get_execution_plan_snapshot,
            create_execution_plan_snapshot_id,
        ),
    }


def inspect(home, run_id=None):
    mismatches = body_mismatches(home)
    runless_shard = os.path.exists(os.path.join(home, "history", "runs", ".db"))
    with open_instance(home) as instance:
        by_run = every_materialization(instance)
        keys = sorted(instance.all_asset_keys(), key=lambda key: key.path)
        return {
            "runs": [
                describe_run(instance, record, by_run.get(record.dagster_run.run_id, []))
                for record in instance.get_run_records()
                if run_id in (None, record.dagster_run.run_id)
            ],
            "assets": [
                {
                    "asset_key": entry.asset_key.to_user_string(),
                    "last_materialization_storage_id": entry.last_materialization_storage_id,
                    "last_run_id": entry.last_run_id,
                    "last_materialization_timestamp": last and last.timestamp,
                }
                for record in (instance.get_asset_records(keys) if keys else [])
                for entry in [record.asset_entry]
                for last in [entry.last_materialization]
            ],
            "runless_events": events_of(every_record(instance, "")) if runless_shard else [],
            "body_mismatches": mismatches,
        }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("home")
    parser.add_argument("--run-id", help="only this run")
    arguments = parser.parse_args()
    emit(inspect(arguments.home, arguments.run_id))
