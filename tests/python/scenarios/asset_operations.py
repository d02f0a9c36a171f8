"""What steps about assets do on a real instance: changes, and questions whose answers are compared.

An answer is JSON. Dagster's own objects stand in it as their text.
"""

import json
from collections import Counter

from scenarios import partition_wipe
from scenarios.encoding import check_key_of, de, key_json, key_of, ser

from dagster._core.event_api import AssetRecordsFilter, EventLogCursor
from dagster._core.storage.partition_status_cache import get_and_update_asset_status_cache_value

MANY = 10_000


def answer(value):
    return json.dumps(value, sort_keys=True)


def keys_of(args, name="keys"):
    return [key_of(parts) for parts in args[name]]


# Changes


def wipe_assets(instance, args):
    instance.wipe_assets(keys_of(args))


def wipe_asset_partitions(instance, args):
    """Dagster's open source cannot. What it would have to leave is said in `partition_wipe`."""
    wiped = partition_wipe.wipe(instance, key_of(args["key"]), args["partitions"])
    return answer(wiped)


def update_asset_cached_status_data(instance, args):
    instance.update_asset_cached_status_data(key_of(args["key"]), de(args["value"]))


def wipe_asset_cached_status(instance, args):
    instance.wipe_asset_cached_status(keys_of(args))


def delete_dynamic_partition(instance, args):
    instance.delete_dynamic_partition(args["name"], args["key"])


# Questions


def all_asset_keys(instance, args):
    return answer([key_json(key) for key in instance.all_asset_keys()])


def get_asset_keys(instance, args):
    return answer([key_json(key) for key in instance.get_asset_keys(args["prefix"], args["limit"], args["cursor"])])


def has_asset_key(instance, args):
    return answer([instance.has_asset_key(key) for key in keys_of(args)])


def get_asset_records(instance, args):
    keys = args["keys"] and keys_of(args)
    entries = [record.asset_entry for record in instance.get_asset_records(keys)]
    documents = [
        {
            "key": key_json(entry.asset_key),
            "last_materialization": ser(entry.last_materialization_record),
            "last_run_id": entry.last_run_id,
            "details": ser(entry.asset_details),
            "cached_status": ser(entry.cached_status),
        }
        for entry in entries
    ]
    return answer(sorted(documents, key=lambda each: each["key"]))


def get_latest_materialization_event(instance, args):
    return answer(ser(instance.get_latest_materialization_event(key_of(args["key"]))))


def by_key(found, each):
    """By the text of the key, as an object of JSON has texts as names."""
    return answer({key.to_escaped_user_string(): each(value) for key, value in found.items()})


def get_latest_materialization_events(instance, args):
    keys = keys_of(args)
    found = instance.get_latest_materialization_events(keys)
    return by_key({key: found.get(key) for key in keys}, ser)


def get_latest_materialization_code_versions(instance, args):
    return by_key(instance.get_latest_materialization_code_versions(keys_of(args)), lambda version: version)


def get_latest_asset_check_evaluation_record(instance, args):
    record = instance.get_latest_asset_check_evaluation_record(check_key_of(args["key"]))
    return answer(
        record
        and {
            "id": record.id,
            "run_id": record.run_id,
            "status": record.status.value,
            "partition": record.partition,
            "event": ser(record.event),
        }
    )


def get_latest_data_version_record(instance, args):
    record = instance.get_latest_data_version_record(
        key_of(args["key"]), args["is_source"], args["partition"], args["before"], args["after"]
    )
    return answer(ser(record))


def get_latest_planned_materialization_info(instance, args):
    info = instance.get_latest_planned_materialization_info(key_of(args["key"]), args["partition"])
    return answer(info and [info.storage_id, info.run_id])


def get_materialized_partitions(instance, args):
    found = instance.get_materialized_partitions(key_of(args["key"]), args["before"], args["after"])
    return answer(sorted(found))


def get_materialization_count_by_partition(instance, args):
    """No method of this version of Dagster any more: counted from the pages of its events."""

    def counts(key):
        records = instance.fetch_materializations(key, limit=MANY).records
        partitions = [record.partition_key for record in records]
        return dict(Counter(partition for partition in partitions if partition is not None))

    return by_key({key: counts(key) for key in keys_of(args)}, lambda counts: counts)


def status_by_partition(found):
    return answer(found and {key: status and status.value for key, status in found.items()})


def get_status_by_partition(instance, args):
    definition = de(args["definition"]).get_partitions_definition()
    return status_by_partition(instance.get_status_by_partition(key_of(args["key"]), args["partitions"], definition))


def get_asset_status_cache_value(instance, args):
    snap = de(args["definition"])
    definition = snap and snap.get_partitions_definition()
    return answer(ser(get_and_update_asset_status_cache_value(instance, key_of(args["key"]), definition)))


def filter_of(args):
    given = args["filter"]
    return AssetRecordsFilter(
        key_of(args["key"]),
        asset_partitions=given.get("partitions"),
        after_timestamp=given.get("after_timestamp"),
        before_timestamp=given.get("before_timestamp"),
        after_storage_id=given.get("after_storage_id"),
        before_storage_id=given.get("before_storage_id"),
        storage_ids=given.get("storage_ids"),
    )


def page(fetch, args, with_cursor=True):
    cursor = args["cursor"] and EventLogCursor.from_storage_id(args["cursor"]).to_string()
    found = fetch(filter_of(args), args["limit"], cursor, args["ascending"])
    return answer(
        {
            "records": [ser(record) for record in found.records],
            "has_more": found.has_more,
            "cursor": found.cursor if with_cursor else None,
        }
    )


def fetch_materializations(instance, args):
    return page(instance.fetch_materializations, args)


def fetch_observations(instance, args):
    return page(instance.fetch_observations, args)


def fetch_planned_materializations(instance, args):
    return page(instance.fetch_planned_materializations, args)


def fetch_failed_materializations(instance, args):
    """Dagster's cursor of an empty page is an empty text here, and a position elsewhere."""
    return page(instance.fetch_failed_materializations, args, with_cursor=False)


def get_event_tags_for_asset(instance, args):
    """In any order: Dagster asks for none."""
    found = instance.get_event_tags_for_asset(key_of(args["key"]), args["filter_tags"], args["filter_event_id"])
    return answer(sorted(found, key=answer))


def get_freshness_state_records(instance, args):
    found = instance.get_freshness_state_records(keys_of(args))
    return by_key(
        found,
        lambda record: [record.freshness_state.value, record.updated_at.timestamp(), ser(record.record_body)],
    )


def get_asset_health(instance, args):
    keys = keys_of(args)
    found = [
        instance.get_asset_check_health_state_for_assets(keys),
        instance.get_asset_freshness_health_state_for_assets(keys),
        instance.get_asset_materialization_health_state_for_assets(keys),
        instance.get_minimal_asset_materialization_health_state_for_assets(keys),
    ]
    return answer([{key.to_escaped_user_string(): state for key, state in states.items()} for states in found])


STREAMLINES = ("asset-materialization-health", "asset-check-health", "asset-freshness-health")


def what_assets_can(instance, args):
    return answer(
        {
            "status_cache": instance.can_read_asset_status_cache(),
            "failure_events": instance.can_read_asset_failure_events(),
            "failure_events_of": [
                instance.can_read_failure_events_for_asset(record) for record in instance.get_asset_records()
            ],
            "freshness": instance.internal_asset_freshness_enabled(),
            "health_queries": instance.dagster_asset_health_queries_supported(),
            "supported": [instance.streamline_read_asset_health_supported(name) for name in STREAMLINES],
            "required": [instance.streamline_read_asset_health_required(name) for name in STREAMLINES],
            "checks": instance.get_asset_check_support().value,
            "wipe_on_delete": instance.supports_wipe_on_delete_for_multipartitioned_assets,
        }
    )


ASSET_CHANGES = (
    *(wipe_assets, wipe_asset_partitions, update_asset_cached_status_data, wipe_asset_cached_status),
    delete_dynamic_partition,
)
ASSET_QUESTIONS = (
    *(all_asset_keys, get_asset_keys, has_asset_key, get_asset_records, get_latest_materialization_event),
    *(get_latest_materialization_events, get_latest_materialization_code_versions),
    *(get_latest_asset_check_evaluation_record, get_latest_data_version_record),
    *(get_latest_planned_materialization_info, get_materialized_partitions, get_materialization_count_by_partition),
    *(get_status_by_partition, get_asset_status_cache_value, fetch_materializations, fetch_observations),
    *(fetch_planned_materializations, fetch_failed_materializations, get_event_tags_for_asset),
    *(get_freshness_state_records, get_asset_health, what_assets_can),
)
# They store what they find, which later answers show.
STATUS_QUESTIONS = frozenset({"get_status_by_partition", "get_asset_status_cache_value"})
QUESTIONS = frozenset(question.__name__ for question in ASSET_QUESTIONS)
ASSET_OPERATIONS = {operation.__name__: operation for operation in (*ASSET_CHANGES, *ASSET_QUESTIONS)}
