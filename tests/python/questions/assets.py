"""Questions about assets: what is known of them, their events, their partitions and their checks.

The status of partitions comes last, as whoever asks for it has it stored.
"""

import corpus_definitions as corpus
from questions import questions
from questions.contents import MOST, NO_ASSET, NOBODY, some
from questions.events import OF_ASSETS

import dagster as dg
from dagster._core.definitions.partitions.snap import PartitionsSnap
from dagster._core.event_api import AssetRecordsFilter

# How many events of an asset give cursors and bounds.
EVENTS = 4
HEALTH = ("asset-materialization-health", "asset-check-health", "asset-freshness-health")

# The definitions of the corpus, by asset.
PARTITIONED = {
    asset.key: asset.partitions_def
    for asset in (
        *(*corpus.partitioned, corpus.ranged, corpus.ranged_child, corpus.ranged_letters, corpus.mapped),
        *(corpus.auto_daily, corpus.auto_letter, corpus.auto_source, corpus.watched),
    )
}


def with_nobody(home):
    """All assets, one that was never there and one that was wiped."""
    return [*home.asset_keys, NO_ASSET, dg.AssetKey("wiped")]


def partitions_of(home, key):
    return sorted(home.instance.get_materialized_partitions(key))


def events_of(home, key):
    """The last events of each type about an asset."""
    for event_type in OF_ASSETS:
        filters = dg.EventRecordsFilter(event_type, asset_key=key)
        yield from home.instance.get_event_records(filters, limit=EVENTS)


@questions(
    *("all_asset_keys", "can_read_asset_failure_events", "can_read_asset_status_cache"),
    *("dagster_asset_health_queries_supported", "get_asset_check_support", "internal_asset_freshness_enabled"),
    "supports_wipe_on_delete_for_multipartitioned_assets",
)
def of_all_assets(home):
    yield {}


@questions("streamline_read_asset_health_supported", "streamline_read_asset_health_required")
def of_health(home):
    for name in HEALTH:
        yield {"streamline_name": name}


@questions(
    *("has_asset_key", "get_latest_materialization_event", "get_materialized_partitions"),
    *("get_latest_planned_materialization_info", "get_event_tags_for_asset"),
    "get_asset_check_summary_records_for_asset",
)
def of_each_asset(home):
    for key in with_nobody(home):
        yield {"asset_key": key}


@questions("can_read_failure_events_for_asset")
def of_each_record(home):
    for key in home.asset_keys:
        yield {"asset_key": key}


@questions(
    *("get_latest_materialization_events", "get_latest_materialization_code_versions"),
    *("get_materialization_count_by_partition", "get_asset_check_health_state_for_assets"),
    *("get_asset_freshness_health_state_for_assets", "get_asset_materialization_health_state_for_assets"),
    "get_minimal_asset_materialization_health_state_for_assets",
)
def of_several_assets(home):
    yield {"asset_keys": with_nobody(home)}
    yield {"asset_keys": home.asset_keys[:3]}
    yield {"asset_keys": [NO_ASSET]}
    yield {"asset_keys": []}


@questions("get_freshness_state_records")
def freshness(home):
    yield {"keys": with_nobody(home)}
    yield {"keys": []}
    for key in [*some(home.asset_keys), NO_ASSET]:
        yield {"keys": [key]}


@questions("get_asset_records")
def records(home):
    yield {}
    yield {"asset_keys": with_nobody(home)}
    for key in with_nobody(home):
        yield {"asset_keys": [key]}


@questions("get_asset_records")
def records_of_no_asset(home):
    yield {"asset_keys": []}


@questions("get_asset_keys")
def pages_of_assets(home):
    yield {}
    for limit in (1, 3, 100):
        yield {"limit": limit}
        for key in some(home.asset_keys, 6):
            yield {"limit": limit, "cursor": key.to_string()}
    for prefix in [["reports"], ["part"], ["stored"], ["outside"], ["from", "op"], ["no"], ["by"], []]:
        yield {"prefix": prefix}
        yield {"prefix": prefix, "limit": 1}
    for key in some(home.asset_keys, 4):
        yield {"prefix": key.path}
        yield {"prefix": [], "cursor": key.to_string()}


@questions("get_latest_asset_check_evaluation_record")
def checks(home):
    for check_key in [*home.check_keys, dg.AssetCheckKey(NO_ASSET, "c")]:
        yield {"asset_check_key": check_key}


@questions("get_latest_data_version_record")
def data_versions(home):
    for key in with_nobody(home):
        for is_source in (None, True, False):
            yield {"key": key, "is_source": is_source}
        for partition in [*partitions_of(home, key)[:2], NOBODY, ""]:
            yield {"key": key, "partition_key": partition}
        for record in some(events_of(home, key), 3):
            yield {"key": key, "before_cursor": record.storage_id}
            yield {"key": key, "after_cursor": record.storage_id, "is_source": False}


@questions("get_latest_planned_materialization_info")
def planned(home):
    for key in home.asset_keys:
        filters = dg.EventRecordsFilter(dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED, asset_key=key)
        found = {record.partition_key for record in home.instance.get_event_records(filters)}
        for partition in [*some(sorted(found - {None}), 3), NOBODY]:
            yield {"asset_key": key, "partition": partition}


@questions("get_materialized_partitions")
def materialized(home):
    for key in home.asset_keys:
        for record in some(events_of(home, key), 3):
            yield {"asset_key": key, "before_cursor": record.storage_id}
            yield {"asset_key": key, "after_cursor": record.storage_id}
            yield {"asset_key": key, "before_cursor": record.storage_id, "after_cursor": record.storage_id - 5}


@questions("get_event_tags_for_asset")
def event_tags(home):
    for key in home.asset_keys:
        tags = [pair for found in home.instance.get_event_tags_for_asset(key) for pair in sorted(found.items())]
        for name, value in some(tags, 3):
            yield {"asset_key": key, "filter_tags": {name: value}}
            yield {"asset_key": key, "filter_tags": {name: NOBODY}}
        yield {"asset_key": key, "filter_tags": dict(tags[:2])}
        for record in some(events_of(home, key), 3):
            yield {"asset_key": key, "filter_event_id": record.storage_id}
            yield {"asset_key": key, "filter_tags": dict(tags[:1]), "filter_event_id": record.storage_id}


# Pages of events


@questions("fetch_materializations", "fetch_observations", "fetch_planned_materializations")
def pages_of_events(home):
    for key in with_nobody(home):
        for ascending in (True, False):
            yield {"records_filter": key, "limit": 3, "ascending": ascending}
            yield {"records_filter": AssetRecordsFilter(key), "limit": 100, "ascending": ascending}


@questions("fetch_materializations", "fetch_observations", "fetch_planned_materializations")
def pages_behind(home):
    """The cursors of pages of each method, for all of them."""
    for key in some(home.asset_keys):
        filters = AssetRecordsFilter(key)
        for ascending in (True, False):
            for fetch in (home.instance.fetch_materializations, home.instance.fetch_planned_materializations):
                cursor = None
                for _ in range(2):
                    cursor = fetch(filters, 2, cursor, ascending).cursor
                    yield {"records_filter": filters, "limit": 2, "cursor": cursor, "ascending": ascending}


@questions("fetch_materializations", "fetch_observations")
def pages_behind_of_keys(home):
    for key in some(home.asset_keys):
        cursor = home.instance.fetch_materializations(key, 1).cursor
        yield {"records_filter": key, "limit": 2, "cursor": cursor}


@questions("fetch_planned_materializations")
def planned_pages_behind_of_keys(home):
    for key in some(home.asset_keys):
        cursor = home.instance.fetch_planned_materializations(key, 1).cursor
        yield {"records_filter": key, "limit": 2, "cursor": cursor}


@questions("fetch_materializations", "fetch_observations", "fetch_planned_materializations")
def filtered_events(home):
    for key in some(home.asset_keys):
        partitions = partitions_of(home, key)
        filters = [{"asset_partitions": [*partitions[:2], NOBODY]}, {"asset_partitions": [NOBODY]}]
        found = list(events_of(home, key))
        filters += [{"storage_ids": [record.storage_id for record in found]}]
        for record in some(found, 3):
            filters += [{"after_storage_id": record.storage_id}, {"before_storage_id": record.storage_id}]
            filters += [{"after_timestamp": record.timestamp}, {"before_timestamp": record.timestamp}]
            filters += [{"after_timestamp": record.timestamp - 1, "asset_partitions": partitions[:1] or [NOBODY]}]
        for each in filters:
            yield {"records_filter": AssetRecordsFilter(key, **each), "limit": 10}


@questions("fetch_failed_materializations")
def failed_pages(home):
    for key in home.asset_keys:
        yield {"records_filter": key, "limit": 5}


# The status of partitions


def in_home(home):
    for key, definition in PARTITIONED.items():
        if key in home.asset_keys:
            yield key, definition, PartitionsSnap.from_def(definition)


def keys_with_nobody(home, definition):
    with dg.partition_loading_context(dynamic_partitions_store=home.instance):
        keys = definition.get_partition_keys()
    return [*some(keys, MOST), NOBODY]


@questions("get_and_update_asset_status_cache_value")
def without_a_definition(home):
    for key in with_nobody(home):
        if key not in PARTITIONED:
            yield {"asset_key": key, "definition": None}


@questions("get_status_by_partition")
def statuses(home):
    for key, definition, snap in in_home(home):
        known = set(partitions_of(home, key))
        filters = dg.EventRecordsFilter(dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED, asset_key=key)
        known |= {record.partition_key for record in home.instance.get_event_records(filters)} - {None}
        yield {"asset_key": key, "partition_keys": sorted(known), "definition": snap}
        yield {"asset_key": key, "partition_keys": keys_with_nobody(home, definition), "definition": snap}
        yield {"asset_key": key, "partition_keys": [], "definition": snap}
    letters = PartitionsSnap.from_def(corpus.LETTERS)
    yield {"asset_key": NO_ASSET, "partition_keys": ["a"], "definition": letters}


@questions("get_and_update_asset_status_cache_value", "get_status_by_known_partition")
def stored_statuses(home):
    for key, _, snap in in_home(home):
        yield {"asset_key": key, "definition": snap}


@questions("get_asset_records")
def records_with_statuses(home):
    yield {}
