"""What a method of Dagster's instance answers, as JSON: `answers.py` asks it of whole homes, scenarios between their steps.

Arguments and answers are JSON within texts, so that no reader of this document rounds their numbers. Values travel as the
bridge of the storages has them (`tests/conformance/dagshim/codec.py`), told by the annotations of Dagster's class.
"""

import ast
import inspect
import itertools
import json
import os
import sys
from collections import Counter
from pathlib import Path

os.environ["DAGSHIM_STEXT"] = "1"
sys.path.insert(0, str(Path(__file__).parents[1] / "conformance"))

import sqlalchemy as db
from dagshim.codec import NAMES, Mapping, Set, Union, codec_for

from dagster import AssetCheckKey, DagsterEventType, DagsterInstance
from dagster._core.storage.partition_status_cache import (
    AssetPartitionStatus,
    AssetStatusCacheValue,
    get_and_update_asset_status_cache_value,
)

# What the codec does not find among the classes: an alias, and classes of modules that it does not read.
NAMES.setdefault("AssetEventType", DagsterEventType)
NAMES.setdefault("AssetPartitionStatus", AssetPartitionStatus)
NAMES.setdefault("AssetStatusCacheValue", AssetStatusCacheValue)

# More events than any asset of a home has.
MANY = 10_000


# Methods whose answer the annotations do not tell, or that are no methods of the class: the types of the arguments, the
# type of the answer, and the answer.


def historical_job(instance, snapshot_id):
    job = instance.get_historical_job(snapshot_id)
    return job.identifying_job_snapshot_id, job._snapshot, job._parent_snapshot


def built_indexes(instance):
    """By the tables: Dagster remembers what it has once read of a mark."""
    connections = (
        instance.run_storage.connect(),
        instance.event_log_storage.index_connection(),
        instance.schedule_storage.connect(),
    )
    query = db.text("select name from secondary_indexes where migration_completed is not null")
    found = set()
    for connection in connections:
        with connection as open_connection:
            found.update(name for (name,) in open_connection.execute(query))
    return sorted(found.intersection(MARKS))


# Marks of data migrations, in the storages of which Dagster reads them.
MARKS = ("asset_key_table", "asset_key_index_columns", "run_start_end_overwritten", "schedule_ticks_selector_id")


def daemon_statuses(instance, daemon_types):
    found = instance.get_daemon_statuses(daemon_types)
    return {name: (status.required, status.healthy, status.last_heartbeat) for name, status in found.items()}


def latest_materializations(instance, asset_keys):
    """With each key that is asked for: Dagster leaves out some of those without an event, and has others."""
    found = instance.get_latest_materialization_events(asset_keys)
    return {key: found.get(key) for key in asset_keys}


def materialization_counts(instance, asset_keys):
    """No method of this version of Dagster any more: counted from the events."""
    found = {key: instance.fetch_materializations(key, limit=MANY).records for key in asset_keys}
    partitions = {key: [record.partition_key for record in records] for key, records in found.items()}
    return {key: Counter(name for name in names if name is not None) for key, names in partitions.items()}


def check_summaries(instance, asset_key):
    """Of the checks that the table has: Dagster asks a code location which there are."""
    query = db.text("select distinct check_name from asset_check_executions where asset_key = :key order by 1")
    with instance.event_log_storage.index_connection() as connection:
        names = [name for (name,) in connection.execute(query, {"key": asset_key.to_string()})]
    keys = [AssetCheckKey(asset_key, name) for name in names]
    found = instance.event_log_storage.get_asset_check_summary_records(keys)
    return [found[key] for key in keys]


def record_of(instance, asset_key):
    return instance.get_asset_records([asset_key])[0]


def status_by_partition(instance, asset_key, partition_keys, definition):
    return instance.get_status_by_partition(asset_key, partition_keys, definition.get_partitions_definition())


def status_cache_value(instance, asset_key, definition):
    definition = definition and definition.get_partitions_definition()
    return get_and_update_asset_status_cache_value(instance, asset_key, definition)


def status_by_known_partition(instance, asset_key, definition):
    """Of the partitions that events name."""
    events = instance.event_log_storage
    known = set(events.get_materialized_partitions(asset_key))
    known |= events.get_latest_asset_partition_materialization_attempts_without_materializations(asset_key).keys()
    return status_by_partition(instance, asset_key, sorted(known), definition) or {}


def debug_info(instance):
    """Dagster's texts are those of Python's dictionaries."""
    info = instance.scheduler_debug_info()
    said = [ast.literal_eval(text) for text in info.schedule_storage]
    return [info.errors, info.scheduler_config_info, info.scheduler_info, said]


def of_schedules(method, **types):
    """A method of the storage of schedules, with the annotations that it has there."""

    def ask(instance, **args):
        return getattr(instance.schedule_storage, method)(**args)

    return types, result_of_schedules(method), ask


def result_of_schedules(method):
    from dagster._core.storage.schedules.base import ScheduleStorage

    return inspect.signature(getattr(ScheduleStorage, method)).return_annotation


def of_class(method, result):
    """A property."""
    return {}, result, lambda instance: getattr(instance, method)


def health(method):
    """Dagster's open source knows nothing of the health of any asset."""
    return {"asset_keys": KEYS}, "Mapping[AssetKey, Any]", getattr(DagsterInstance, method)


KEYS = "Sequence[AssetKey]"
# Definitions of partitions have several classes, so they travel as whatever Dagster can serialise.
PARTITIONS = {"asset_key": "AssetKey", "definition": "Any"}
STATUSES = "Mapping[str, Optional[AssetPartitionStatus]]"
SPECIAL = {
    "get_historical_job": ({"snapshot_id": str}, "tuple[str, JobSnap, Optional[JobSnap]]", historical_job),
    "get_cursor_values": (
        {"keys": "Sequence[str]"},
        "Mapping[str, str]",
        lambda instance, keys: instance.daemon_cursor_storage.get_cursor_values(set(keys)),
    ),
    "has_execution_plan_snapshot": (
        {"snapshot_id": str},
        bool,
        lambda instance, snapshot_id: instance.run_storage.has_execution_plan_snapshot(snapshot_id),
    ),
    "built_indexes": ({}, "Sequence[str]", built_indexes),
    "get_daemon_statuses": (
        {"daemon_types": "Sequence[str]"},
        "Mapping[str, tuple[bool, Optional[bool], Optional[DaemonHeartbeat]]]",
        daemon_statuses,
    ),
    "daemon_skip_heartbeats_without_errors": of_class("daemon_skip_heartbeats_without_errors", bool),
    "root_directory": of_class("root_directory", str),
    "supports_wipe_on_delete_for_multipartitioned_assets": of_class(
        "supports_wipe_on_delete_for_multipartitioned_assets", bool
    ),
    "get_latest_materialization_events": (
        {"asset_keys": KEYS},
        "Mapping[AssetKey, Optional[EventLogEntry]]",
        latest_materializations,
    ),
    "get_latest_materialization_code_versions": (
        {"asset_keys": KEYS},
        "Mapping[AssetKey, Optional[str]]",
        DagsterInstance.get_latest_materialization_code_versions,
    ),
    "get_materialization_count_by_partition": (
        {"asset_keys": KEYS},
        "Mapping[AssetKey, Mapping[str, int]]",
        materialization_counts,
    ),
    "get_asset_check_summary_records_for_asset": (
        {"asset_key": "AssetKey"},
        "Sequence[AssetCheckSummaryRecord]",
        check_summaries,
    ),
    "can_read_failure_events_for_asset": (
        {"asset_key": "AssetKey"},
        bool,
        lambda instance, asset_key: instance.can_read_failure_events_for_asset(record_of(instance, asset_key)),
    ),
    **{
        method: health(method)
        for method in (
            "get_asset_check_health_state_for_assets",
            "get_asset_freshness_health_state_for_assets",
            "get_asset_materialization_health_state_for_assets",
            "get_minimal_asset_materialization_health_state_for_assets",
        )
    },
    "get_status_by_partition": (
        {**PARTITIONS, "partition_keys": "Sequence[str]"},
        f"Optional[{STATUSES}]",
        status_by_partition,
    ),
    "get_status_by_known_partition": (PARTITIONS, STATUSES, status_by_known_partition),
    "get_and_update_asset_status_cache_value": (PARTITIONS, "Optional[AssetStatusCacheValue]", status_cache_value),
    "scheduler_class": of_class("scheduler_class", "Optional[str]"),
    "supports_batch_tick_queries": of_class("supports_batch_tick_queries", bool),
    "scheduler_debug_info": ({}, "Any", debug_info),
    "supports_auto_materialize_asset_evaluations": (
        {},
        bool,
        lambda instance: instance.schedule_storage.supports_auto_materialize_asset_evaluations,
    ),
    "get_ticks_by_ids": of_schedules("get_ticks_by_ids", tick_ids="Sequence[int]"),
    "get_auto_materialize_asset_evaluations": of_schedules(
        "get_auto_materialize_asset_evaluations",
        key="Union[AssetKey, AssetCheckKey]",
        limit=int,
        cursor="Optional[int]",
    ),
    "get_auto_materialize_evaluations_for_evaluation_id": of_schedules(
        "get_auto_materialize_evaluations_for_evaluation_id", evaluation_id=int
    ),
}


# What Dagster answers


def codecs_of(method):
    if method in SPECIAL:
        arguments, result, _ = SPECIAL[method]
        return {name: (codec_for(type_), None) for name, type_ in arguments.items()}, codec_for(result)
    signature = inspect.signature(getattr(DagsterInstance, method))
    parameters = list(signature.parameters.values())[1:]
    arguments = {each.name: (codec_for(each.annotation), each.default) for each in parameters}
    return arguments, codec_for(signature.return_annotation)


def encoded(codec, value):
    """Sets in order, as nobody can know the order that they have."""
    if value is None:
        return None
    if isinstance(codec, Union):
        codec = next(choice for choice in codec.choices if choice.matches(value))
    found = codec.enc(value)
    return sorted(found, key=json.dumps) if isinstance(codec, Set) else found


def encoded_arguments(method, args):
    """All arguments of the method as one text, those that are not given with their defaults."""
    codecs, _ = codecs_of(method)
    assert args.keys() <= codecs.keys(), (method, args)
    return json.dumps({name: codec.enc(args.get(name, default)) for name, (codec, default) in codecs.items()})


def answer(instance, method, arguments):
    """The answer to a question whose arguments are a text, encoded."""
    codecs, result = codecs_of(method)
    args = {name: codecs[name][0].dec(value) for name, value in json.loads(arguments).items()}
    ask = SPECIAL[method][2] if method in SPECIAL else getattr(DagsterInstance, method)
    found = ask(instance, **args)
    if method == "get_run_records" and args.get("order_by"):
        found = with_ties_in_order(found, args["order_by"], args["ascending"])
    return in_order(encoded(result, found), method, result)


def with_ties_in_order(records, column, ascending):
    """Runs of the same time in the order in which they were written: Dagster leaves it to the database."""
    groups = itertools.groupby(records, key=lambda record: getattr(record, column))
    in_groups = (sorted(group, key=lambda run: run.storage_id, reverse=not ascending) for _, group in groups)
    return [record for group in in_groups for record in group]


# Lists that have no order of their own in Dagster.
UNORDERED = {
    *("get_run_tag_keys", "get_asset_partitions_for_run", "get_asset_records", "get_event_tags_for_asset"),
    *("get_ticks_by_ids", "get_auto_materialize_evaluations_for_evaluation_id"),
}


def in_order(found, method, codec):
    if method == "get_run_tags":
        return [[key, sorted(values)] for key, values in found]
    if method == "get_asset_partitions_for_run":
        found = [[key, sorted(partitions, key=str)] for key, partitions in found]
    if method in UNORDERED or isinstance(codec, Mapping) and isinstance(found, list):
        return sorted(found, key=text_of)
    return found


def text_of(value):
    """A text in which the entries of objects are in order."""
    return json.dumps(value, sort_keys=True)


def answer_text(instance, method, arguments):
    """The answer as one text, in which the entries of objects are in order."""
    return text_of(answer(instance, method, arguments))
