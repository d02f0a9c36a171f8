"""Real Dagster on a Postgres whose clock is not UTC's: what it writes, wipes and finds there.

`write NAME` writes something of all that has a time in the database. `wipe ASSET` wipes an asset. `find RUN..` says what
is found of assets, and of these runs by their times. `times` tells each column with times, row by row, as hours from
now in UTC.
"""

import argparse
import tempfile
import time
from datetime import datetime, timedelta, timezone

from common import emit
from postgres_schema import open_at

import psycopg2

from dagster import AssetKey, AssetMaterialization, DagsterEventType, DagsterRun, EventRecordsFilter
from dagster import RunsFilter
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.events import DagsterEvent, StepMaterializationData
from dagster._core.events.log import EventLogEntry
from dagster._core.execution.backfill import BulkActionsFilter, BulkActionStatus, PartitionBackfill
from dagster._core.remote_origin import RegisteredCodeLocationOrigin, RemoteInstigatorOrigin, RemoteRepositoryOrigin
from dagster._core.scheduler.instigation import InstigatorState, InstigatorStatus, TickData, TickStatus
from dagster._daemon.types import DaemonHeartbeat

COLUMNS = """
    select table_name, column_name from information_schema.columns
    where table_schema = current_schema and data_type like 'timestamp%' order by 1, 2"""


def materialization(run_id, asset, partition):
    data = StepMaterializationData(AssetMaterialization(AssetKey([asset]), partition=partition, tags={"dagster/data_version": "1"}))
    return EventLogEntry(
        error_info=None,
        level=20,
        user_message="",
        run_id=run_id,
        timestamp=time.time(),
        job_name="j",
        dagster_event=DagsterEvent(DagsterEventType.ASSET_MATERIALIZATION.value, "j", event_specific_data=data),
    )


def origin(name):
    repository = RemoteRepositoryOrigin(RegisteredCodeLocationOrigin("location"), "repository")
    return RemoteInstigatorOrigin(repository, name)


def write(instance, name):
    runs, schedules = instance.run_storage, instance.schedule_storage
    instance.add_run(DagsterRun(job_name="j", run_id=name))
    instance.add_run_tags(name, {"tag": "value"})
    instance.event_log_storage.store_event(materialization(name, name, "p"))
    instance.add_dynamic_partitions("set", [name])
    runs.add_daemon_heartbeat(DaemonHeartbeat(time.time(), name, None, []))
    runs.add_backfill(
        PartitionBackfill(
            backfill_id=name,
            status=BulkActionStatus.REQUESTED,
            from_failure=False,
            tags={},
            backfill_timestamp=time.time(),
        )
    )
    state = InstigatorState(origin(name), InstigatorType.SENSOR, InstigatorStatus.RUNNING)
    schedules.add_instigator_state(state)
    schedules.update_instigator_state(state)
    schedules.create_tick(
        TickData(
            instigator_origin_id=f"origin-{name}",
            instigator_name=name,
            instigator_type=InstigatorType.SENSOR,
            status=TickStatus.SUCCESS,
            timestamp=time.time(),
            run_ids=[name],
            run_keys=[],
            selector_id=name,
        )
    )
    instance.event_log_storage.set_concurrency_slots(name, 1)
    instance.event_log_storage.claim_concurrency_slot(name, name, "step")


def find(instance, run_ids):
    storage, now = instance.event_log_storage, datetime.now(timezone.utc)
    keys = sorted(key.to_user_string() for key in storage.all_asset_keys())
    found = {"assets": keys, "records": {}, "events": {}, "partitions": {}, "tags": {}}
    for run_id in run_ids:
        key = AssetKey([run_id])
        of_asset = EventRecordsFilter(DagsterEventType.ASSET_MATERIALIZATION, asset_key=key)
        records = storage.get_asset_records([key])
        found["records"][run_id] = [record.asset_entry.last_run_id for record in records]
        found["events"][run_id] = len(storage.get_event_records(of_asset))
        found["partitions"][run_id] = sorted(storage.get_materialized_partitions(key))
        found["tags"][run_id] = len(storage.get_event_tags_for_asset(key))
    for hours in (-10, -8, -1, 1, 8, 10):
        at = now + timedelta(hours=hours)
        for name in ("created_after", "created_before", "updated_after", "updated_before"):
            ids = [run.run_id for run in instance.get_runs(RunsFilter(**{name: at}))]
            found[f"{name} {hours}"] = sorted(ids)
        for name in ("created_after", "created_before"):
            backfills = instance.get_backfills(filters=BulkActionsFilter(**{name: at}))
            found[f"backfills {name} {hours}"] = sorted(backfill.backfill_id for backfill in backfills)
        for name in ("before", "after"):
            ticks = [
                tick.instigator_name
                for run_id in run_ids
                for tick in instance.schedule_storage.get_ticks(
                    f"origin-{run_id}", run_id, **{name: at.timestamp()}
                )
            ]
            found[f"ticks {name} {hours}"] = sorted(ticks)
    return found


def times(url):
    connection = psycopg2.connect(url)
    cursor, found = connection.cursor(), {}
    cursor.execute(COLUMNS)
    for table, column in cursor.fetchall():
        cursor.execute(
            f"select round(extract(epoch from {column} - (now() at time zone 'utc')) / 3600)::int from {table}"
            f" where {column} is not null order by 1"
        )
        found[f"{table}.{column}"] = [hours for (hours,) in cursor.fetchall()]
    connection.close()
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("action", choices=["write", "wipe", "find", "times"])
    parser.add_argument("names", nargs="*")
    args = parser.parse_args()
    if args.action == "times":
        return emit(times(args.url))
    with tempfile.TemporaryDirectory() as home, open_at(home, args.url) as instance:
        if args.action == "find":
            return emit(find(instance, args.names))
        for name in args.names:
            if args.action == "write":
                write(instance, name)
            else:
                instance.wipe_assets([AssetKey([name])])
    emit({})


if __name__ == "__main__":
    main()
