"""Questions about dynamic partitions, daemons and the instance itself."""

import itertools

from questions import questions
from questions.contents import NOBODY
from questions.events import OF_ASSETS


@questions("get_dynamic_partitions", "get_dynamic_partitions_definition_id")
def dynamic_sets(home):
    for name in home.sets:
        yield {"partitions_def_name": name}


@questions("get_paginated_dynamic_partitions")
def pages_of_keys(home):
    for name, limit, ascending in itertools.product(home.sets, (1, 2, 100), (True, False)):
        cursor = None
        for _ in range(3):
            yield {"partitions_def_name": name, "limit": limit, "ascending": ascending, "cursor": cursor}
            cursor = home.instance.get_paginated_dynamic_partitions(name, limit, ascending, cursor).cursor


@questions("has_dynamic_partition")
def keys_one_by_one(home):
    for name in home.sets:
        for key in [*home.instance.get_dynamic_partitions(name)[:3], NOBODY, ""]:
            yield {"partitions_def_name": name, "partition_key": key}


@questions("get_existing_dynamic_partitions")
def keys_together(home):
    for name in home.sets:
        keys = [*home.instance.get_dynamic_partitions(name), NOBODY]
        yield {"partitions_def_name": name, "partition_keys": keys}
        yield {"partitions_def_name": name, "partition_keys": []}


@questions("get_latest_storage_id_by_partition")
def rows_of_partitions(home):
    for key in home.asset_keys:
        for event_type in OF_ASSETS[:2]:
            yield {"asset_key": key, "event_type": event_type}
        found = home.instance.get_latest_storage_id_by_partition(key, OF_ASSETS[0])
        if found:
            some = dict.fromkeys([*sorted(found)[:2], NOBODY])
            yield {"asset_key": key, "event_type": OF_ASSETS[0], "partitions": set(some)}
            yield {"asset_key": key, "event_type": OF_ASSETS[0], "after_cursor": min(found.values())}


@questions(
    "get_daemon_heartbeats",
    "get_required_daemon_types",
    "daemon_skip_heartbeats_without_errors",
    "schema_str",
    "storage_directory",
    "schedules_directory",
    "root_directory",
    "built_indexes",
)
def of_the_instance(home):
    yield {}


@questions("get_daemon_statuses")
def daemons(home):
    required = home.instance.get_required_daemon_types()
    for daemon_types in ([], required, required[:1], [*required[-1:], "MONITORING", NOBODY]):
        yield {"daemon_types": daemon_types}


@questions("file_manager_directory")
def directories_of_runs(home):
    for run_id in home.run_ids[:3]:
        yield {"run_id": run_id}


@questions("get_cursor_values")
def cursors(home):
    yield {"keys": []}
    yield {"keys": [*home.cursor_keys, NOBODY]}
    for key in [*home.cursor_keys, NOBODY]:
        yield {"keys": [key]}
