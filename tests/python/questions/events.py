"""Questions about events: of one run, and across all."""

from questions import questions
from questions.contents import NOBODY

from dagster import DagsterEventType
from dagster._core.event_api import EventRecordsFilter, RunStatusChangeRecordsFilter

# Types that are found across the runs of SQLite, too.
OF_ASSETS = (
    DagsterEventType.ASSET_MATERIALIZATION,
    DagsterEventType.ASSET_OBSERVATION,
    DagsterEventType.ASSET_MATERIALIZATION_PLANNED,
)
OF_STATUSES = (
    DagsterEventType.RUN_ENQUEUED,
    DagsterEventType.RUN_STARTING,
    DagsterEventType.RUN_START,
    DagsterEventType.RUN_SUCCESS,
    DagsterEventType.RUN_FAILURE,
    DagsterEventType.RUN_CANCELING,
    DagsterEventType.RUN_CANCELED,
)


@questions("all_logs", "logs_after", "get_records_for_run", "get_asset_keys_for_run", "get_asset_partitions_for_run")
def logs(home):
    for run_id in [*home.run_ids, NOBODY]:
        yield {"run_id": run_id}


@questions("all_logs", "get_records_for_run", "get_asset_keys_for_run", "get_asset_partitions_for_run")
def logs_of_types(home):
    both = {DagsterEventType.ASSET_MATERIALIZATION, DagsterEventType.STEP_START}
    for run_id in home.run_ids[:8]:
        yield {"run_id": run_id, "of_type": DagsterEventType.ASSET_MATERIALIZATION_PLANNED}
        yield {"run_id": run_id, "of_type": both}


@questions("logs_after")
def logs_behind(home):
    for run_id in home.run_ids[:6]:
        for cursor, limit in ((None, 3), (2, None), (4, 5), (1_000_000, 5)):
            yield {"run_id": run_id, "cursor": cursor, "limit": limit}
        yield {"run_id": run_id, "cursor": 1, "of_type": DagsterEventType.STEP_SUCCESS, "limit": 2}


@questions("get_records_for_run")
def pages_of_logs(home):
    for run_id in home.run_ids[:6]:
        for ascending in (True, False):
            cursor = None
            for _ in range(3):
                yield {"run_id": run_id, "cursor": cursor, "limit": 4, "ascending": ascending}
                cursor = home.instance.get_records_for_run(run_id, cursor, limit=4, ascending=ascending).cursor


@questions("should_store_event")
def kept(home):
    for run_id in home.run_ids[:8]:
        entries = home.instance.all_logs(run_id)
        for entry in {entry.dagster_event and entry.dagster_event.event_type_value: entry for entry in entries}.values():
            yield {"event": entry}


@questions("get_event_records")
def events_of_assets(home):
    for event_type in OF_ASSETS:
        for ascending in (True, False):
            filters = EventRecordsFilter(event_type)
            yield {"event_records_filter": filters, "limit": 5, "ascending": ascending}
        for key in home.asset_keys[:6]:
            yield {"event_records_filter": EventRecordsFilter(event_type, asset_key=key), "limit": 3}
            some = EventRecordsFilter(event_type, asset_key=key, asset_partitions=["a", "2024-01-01", "2026-11-01"])
            yield {"event_records_filter": some, "limit": 10}
        found = home.instance.get_event_records(EventRecordsFilter(event_type), limit=3)
        for record in found:
            behind = EventRecordsFilter(event_type, after_cursor=record.storage_id)
            yield {"event_records_filter": behind, "limit": 5, "ascending": True}
            before = EventRecordsFilter(event_type, before_cursor=record.storage_id)
            yield {"event_records_filter": before, "limit": 5}
            later = EventRecordsFilter(event_type, after_timestamp=record.timestamp)
            yield {"event_records_filter": later, "limit": 5}
        ids = [record.storage_id for record in found]
        yield {"event_records_filter": EventRecordsFilter(event_type, storage_ids=ids), "limit": 5}


@questions("fetch_run_status_changes")
def changes_of_statuses(home):
    for event_type in OF_STATUSES:
        for ascending in (True, False):
            cursor = None
            for _ in range(2):
                yield {"records_filter": event_type, "limit": 3, "cursor": cursor, "ascending": ascending}
                cursor = home.instance.fetch_run_status_changes(event_type, 3, cursor, ascending).cursor
        filters = RunStatusChangeRecordsFilter(event_type, after_storage_id=2)
        yield {"records_filter": filters, "limit": 4, "ascending": True}


@questions("get_asset_event_summary_records")
def summaries(home):
    for event_type in OF_ASSETS:
        for ascending in (True, False):
            yield {"event_type": event_type, "limit": 7, "ascending": ascending}
        for key in home.asset_keys[:4]:
            yield {"event_type": event_type, "asset_key": key}
        for run_id in home.run_ids[:4]:
            yield {"event_type": event_type, "run_id": run_id}
        yield {"event_type": event_type, "after_storage_id": 3, "before_storage_id": 20}
