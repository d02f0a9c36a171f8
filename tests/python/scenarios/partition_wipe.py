"""What a wipe of partitions has to leave in Dagster's tables, whose open source has none: a model of it.

Nothing that Dagster asks about the asset may find an event, a tag or a check of a wiped partition, and the asset's row
may name none. The logs of runs keep their events, as they do when a whole asset is wiped.
"""

from sqlalchemy import and_, delete, func, select, update

from dagster import AssetKey
from dagster._core.event_api import EventLogRecord
from dagster._core.events import AssetWipedData, DagsterEvent, DagsterEventType
from dagster._core.events.log import EventLogEntry
from dagster._core.instance.utils import RUNLESS_JOB_NAME, RUNLESS_RUN_ID
from dagster._core.storage.event_log.schema import (
    AssetCheckExecutionsTable,
    AssetEventTagsTable,
    AssetKeyTable,
    SqlEventLogStorageTable,
)
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage
from dagster._serdes import deserialize_value, serialize_value

EVENTS, ASSETS, TAGS, CHECKS = SqlEventLogStorageTable.c, AssetKeyTable.c, AssetEventTagsTable.c, AssetCheckExecutionsTable.c
MATERIALIZED, PLANNED = "ASSET_MATERIALIZATION", "ASSET_MATERIALIZATION_PLANNED"


def last_left(connection, asset_key, types):
    """The last event of these types since the asset was last wiped."""
    row = connection.execute(select(ASSETS.wipe_timestamp).where(ASSETS.asset_key == asset_key)).fetchone()
    is_left = and_(EVENTS.asset_key == asset_key, EVENTS.dagster_event_type.in_(types))
    if row and row[0]:
        is_left = and_(is_left, EVENTS.timestamp > row[0])
    found = select(EVENTS.id, EVENTS.event, EVENTS.run_id).where(is_left).order_by(EVENTS.id.desc()).limit(1)
    return connection.execute(found).fetchone()


def wipe(instance, key: AssetKey, partitions):
    """How many events and executions of checks it takes."""
    storage, asset_key = instance.event_log_storage, key.to_string()
    is_wiped = and_(EVENTS.asset_key == asset_key, EVENTS.partition.in_(partitions))
    about_nothing = update(SqlEventLogStorageTable).where(is_wiped).values(asset_key=None, partition=None)
    is_sharded = isinstance(storage, SqliteEventLogStorage)
    with storage.index_connection() as connection:
        ids, runs, of_last_run = [], set(), set()
        found = select(EVENTS.id, EVENTS.run_id, EVENTS.dagster_event_type).where(is_wiped)
        for event_id, run_id, event_type in connection.execute(found).fetchall():
            ids.append(event_id)
            runs.add(run_id)
            if event_type in (MATERIALIZED, PLANNED):
                of_last_run.add(run_id)
        connection.execute(delete(AssetEventTagsTable).where(TAGS.event_id.in_(ids)))
        connection.execute(delete(SqlEventLogStorageTable).where(is_wiped) if is_sharded else about_nothing)
        is_check = and_(CHECKS.asset_key == asset_key, CHECKS.partition.in_(partitions))
        checks = connection.execute(select(func.count()).select_from(AssetCheckExecutionsTable).where(is_check)).scalar()
        connection.execute(delete(AssetCheckExecutionsTable).where(is_check))
        row = connection.execute(
            select(ASSETS.last_materialization, ASSETS.last_run_id).where(ASSETS.asset_key == asset_key)
        ).fetchone()
        if row and (ids or checks):
            changes = {"cached_status_data": None}
            last = row[0] and deserialize_value(row[0], EventLogRecord)
            if last and last.partition_key in partitions:
                left = last_left(connection, asset_key, [MATERIALIZED])
                record = left and EventLogRecord(
                    storage_id=left[0], event_log_entry=deserialize_value(left[1], EventLogEntry)
                )
                changes["last_materialization"] = record and serialize_value(record)
            if row[1] in of_last_run:
                left = last_left(connection, asset_key, [MATERIALIZED, PLANNED])
                changes["last_run_id"] = left and left[2]
            connection.execute(update(AssetKeyTable).where(ASSETS.asset_key == asset_key).values(**changes))
    if is_sharded:
        for run_id in runs:
            with storage.run_connection(run_id) as connection:
                connection.execute(about_nothing)
    if ids or checks:
        instance.report_dagster_event(
            DagsterEvent(
                event_type_value=DagsterEventType.ASSET_WIPED.value,
                event_specific_data=AssetWipedData(asset_key=key, partition_keys=partitions),
                job_name=RUNLESS_JOB_NAME,
            ),
            run_id=RUNLESS_RUN_ID,
        )
    return {"events": len(ids), "check_executions": checks}
