"""The storage domain: dynamic partitions, signs of life, cursors, snapshots, the wipe and reindexing.

What a method changes is compared row by row, and what methods answer then is compared, too.
"""

import asking
from scenarios import event_types
from scenarios.event_types import of_run
from scenarios.execution import BEGIN
from scenarios.jobs import registered_origin, run_of
from scenarios.encoding import ser
from scenarios.registry import scenario
from scenarios.run_ids import nth

from dagster import AssetKey, AssetMaterialization, AssetObservation, DagsterEventType
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.execution.backfill import BulkActionStatus, PartitionBackfill
from dagster._core.remote_origin import RemoteInstigatorOrigin
from dagster._core.scheduler.instigation import InstigatorState, InstigatorStatus, TickData, TickStatus
from dagster._daemon.types import DaemonHeartbeat
from dagster._utils.error import SerializableErrorInfo

REGIONS = ["eu", "us", "asia"]
OTHER_SCRIPTS = ["ä", "ß", "日本", "🦀", "e\u0301", "é", " ", "two words", "'", '"', "\\", "%", "_", "*", "|", "a|b", "{}"]


def ask(r, method, **args):
    """The answer is compared with ours."""
    return r.step("ask", {"method": method, "args": asking.encoded_arguments(method, args)})


def add(r, *keys, name="regions"):
    r.add_dynamic_partitions(name, list(keys))


def delete(r, *keys, name="regions"):
    for key in keys:
        r.step("delete_dynamic_partition", {"name": name, "key": key})


def ask_all(r, *names):
    for name in names or ["regions"]:
        ask(r, "get_dynamic_partitions", partitions_def_name=name)
        ask(r, "get_dynamic_partitions_definition_id", partitions_def_name=name)


# Dynamic partitions


@scenario("storage/keys")
def _(r):
    add(r, *REGIONS)
    ask_all(r)


@scenario("storage/keys_again")
def _(r):
    add(r, *REGIONS)
    add(r, "us", "africa", "eu")
    ask_all(r)


@scenario("storage/no_keys")
def _(r):
    add(r)
    ask_all(r)
    add(r, "eu")
    add(r)
    ask_all(r)


@scenario("storage/keys_of_several_sets")
def _(r):
    for name in ("regions", "Regions", "colours", "ä b"):
        add(r, *REGIONS, name=name)
    delete(r, "us", name="colours")
    ask_all(r, "regions", "Regions", "colours", "ä b", "nobody's")


@scenario("storage/keys_of_other_scripts")
def _(r):
    add(r, *OTHER_SCRIPTS)
    ask_all(r)
    for key in OTHER_SCRIPTS:
        ask(r, "has_dynamic_partition", partitions_def_name="regions", partition_key=key)


@scenario("storage/keys_that_differ_in_case")
def _(r):
    add(r, "a", "A", "aa", "Aa", "AA")
    delete(r, "A", "aA")
    ask_all(r)
    ask(r, "get_existing_dynamic_partitions", partitions_def_name="regions", partition_keys=["A", "a", "aA", "AA"])


@scenario("storage/many_keys")
def _(r):
    add(r, *(f"key-{number}" for number in range(2_000)))
    add(r, *(f"key-{number}" for number in range(1_990, 2_010)))
    ask(r, "get_dynamic_partitions_definition_id", partitions_def_name="regions")
    keys = [f"key-{number}" for number in range(1_500, 2_500)]
    ask(r, "get_existing_dynamic_partitions", partitions_def_name="regions", partition_keys=keys)


@scenario("storage/deleted_keys")
def _(r):
    add(r, *REGIONS)
    delete(r, "us")
    ask_all(r)
    ask(r, "has_dynamic_partition", partitions_def_name="regions", partition_key="us")
    ask(r, "has_dynamic_partition", partitions_def_name="regions", partition_key="eu")


@scenario("storage/deleted_keys_that_are_not_there")
def _(r):
    add(r, *REGIONS)
    delete(r, "africa", "", "us", "us", "x" * 5_000)
    delete(r, "eu", name="colours")
    ask_all(r)


@scenario("storage/deleted_and_added_again")
def _(r):
    """It comes last."""
    add(r, *REGIONS)
    delete(r, "eu")
    add(r, "eu")
    ask_all(r)


@scenario("storage/pages_of_keys")
def _(r):
    add(r, *(f"key-{number}" for number in range(7)))
    for limit in (1, 3, 7, 8):
        for ascending in (True, False):
            cursor = None
            for _ in range(3):
                args = {"partitions_def_name": "regions", "limit": limit, "ascending": ascending, "cursor": cursor}
                page = ask(r, "get_paginated_dynamic_partitions", **args)
                cursor = page["cursor"]


@scenario("storage/a_page_behind_a_deleted_key")
def _(r):
    add(r, *REGIONS, "africa")
    page = ask(r, "get_paginated_dynamic_partitions", partitions_def_name="regions", limit=2, ascending=True)
    delete(r, "us", "asia")
    args = {"partitions_def_name": "regions", "limit": 2, "ascending": True, "cursor": page["cursor"]}
    ask(r, "get_paginated_dynamic_partitions", **args)


@scenario("storage/pages_of_nothing")
def _(r):
    for ascending in (True, False):
        ask(r, "get_paginated_dynamic_partitions", partitions_def_name="regions", limit=2, ascending=ascending)
    add(r, "eu")
    page = ask(r, "get_paginated_dynamic_partitions", partitions_def_name="regions", limit=2, ascending=True)
    args = {"partitions_def_name": "regions", "limit": 2, "ascending": True, "cursor": page["cursor"]}
    ask(r, "get_paginated_dynamic_partitions", **args)


@scenario("storage/existing_keys")
def _(r):
    add(r, *REGIONS)
    add(r, "africa", name="colours")
    for keys in ([], ["eu"], ["africa"], ["asia", "eu", "eu", "nobody's", ""]):
        ask(r, "get_existing_dynamic_partitions", partitions_def_name="regions", partition_keys=keys)


@scenario("storage/a_key_given_twice")
def _(r):
    add(r, "eu")
    with r.fails("IntegrityError"):
        add(r, "us", "eu", "us")
    ask_all(r)


@scenario("storage/a_key_that_is_empty")
def _(r):
    add(r, "eu", "")
    ask_all(r)


@scenario("storage/a_key_with_the_text_of_a_range")
def _(r):
    add(r, "eu", "eu...us")
    ask_all(r)


@scenario("storage/a_key_of_two_lines")
def _(r):
    add(r, "eu", "us\nasia")
    ask_all(r)


@scenario("storage/a_key_of_3000_bytes")
def _(r):
    add(r, "eu", "x" * 3_000)
    ask_all(r)


@scenario("storage/a_set_without_a_name")
def _(r):
    add(r, "eu", name="")
    ask_all(r, "")


# The rows of partitions


KEY = AssetKey(["a", "b"])


@scenario("storage/rows_of_partitions")
def _(r):
    for partition in ("x", "y", None, "x", ""):
        r.report_runless_asset_event(AssetMaterialization(KEY, partition=partition))
        r.report_runless_asset_event(AssetObservation(KEY, partition=partition))
    r.report_runless_asset_event(AssetMaterialization(AssetKey("other"), partition="x"))
    for event_type in (DagsterEventType.ASSET_MATERIALIZATION, DagsterEventType.ASSET_OBSERVATION):
        ask(r, "get_latest_storage_id_by_partition", asset_key=KEY, event_type=event_type)
        args = {"asset_key": KEY, "event_type": event_type, "partitions": {"x", "nobody's"}}
        ask(r, "get_latest_storage_id_by_partition", **args)
        ask(r, "get_latest_storage_id_by_partition", asset_key=KEY, event_type=event_type, after_cursor=4)
    args = {"asset_key": AssetKey("nobody's"), "event_type": DagsterEventType.ASSET_MATERIALIZATION}
    ask(r, "get_latest_storage_id_by_partition", **args)


# Signs of life


def heartbeat(r, kind, timestamp, errors=(), daemon_id="a process"):
    r.step("add_daemon_heartbeat", {"heartbeat": ser(DaemonHeartbeat(timestamp, kind, daemon_id, list(errors)))})


@scenario("storage/heartbeats")
def _(r):
    for number, kind in enumerate(("SENSOR", "SCHEDULER", "BACKFILL", "ASSET", "of a deployment")):
        heartbeat(r, kind, BEGIN + number + 0.25)
    ask(r, "get_daemon_heartbeats")


@scenario("storage/heartbeats_again")
def _(r):
    heartbeat(r, "SENSOR", BEGIN)
    heartbeat(r, "SCHEDULER", BEGIN + 1)
    heartbeat(r, "SENSOR", BEGIN + 30.125, daemon_id="another process")
    heartbeat(r, "SCHEDULER", BEGIN - 30)
    ask(r, "get_daemon_heartbeats")


@scenario("storage/heartbeats_with_errors")
def _(r):
    cause = SerializableErrorInfo("the cause", ["line\n"], "ValueError")
    error = SerializableErrorInfo("it fails: ä\n", ["one\n", "two\n"], "RuntimeError", cause)
    heartbeat(r, "SENSOR", BEGIN, [error, cause])
    heartbeat(r, "SCHEDULER", BEGIN, [error] * 5)
    ask(r, "get_daemon_heartbeats")
    heartbeat(r, "SENSOR", BEGIN + 1)
    ask(r, "get_daemon_heartbeats")


@scenario("storage/heartbeats_wiped")
def _(r):
    r.step("wipe_daemon_heartbeats", {})
    heartbeat(r, "SENSOR", BEGIN)
    heartbeat(r, "SCHEDULER", BEGIN)
    r.step("wipe_daemon_heartbeats", {})
    ask(r, "get_daemon_heartbeats")
    heartbeat(r, "SCHEDULER", BEGIN + 1)
    ask(r, "get_daemon_heartbeats")


# Cursors of daemons


def cursors(r, **pairs):
    r.step("set_cursor_values", {"pairs": pairs})


@scenario("storage/cursors", unordered=["kvs"])
def _(r):
    cursors(r, one="1", two="ä\n", three="")
    ask(r, "get_cursor_values", keys=["one", "two", "three", "four"])
    ask(r, "get_cursor_values", keys=[])


@scenario("storage/cursors_again", unordered=["kvs"])
def _(r):
    cursors(r, one="1", two="2")
    cursors(r, two="22", one="11")
    cursors(r, one="111")
    ask(r, "get_cursor_values", keys=["one", "two"])


@scenario("storage/cursors_old_and_new", unordered=["kvs"])
def _(r):
    cursors(r, one="1")
    cursors(r, one="11", two="2")
    ask(r, "get_cursor_values", keys=["one", "two"])


# Snapshots


def snapshots_of(r, *snapshots):
    for snapshot in snapshots:
        r.step("add_snapshot", {"snapshot": ser(snapshot)})


def ask_about(r, snapshot_id):
    for method in ("has_job_snapshot", "has_snapshot", "has_historical_job", "get_job_snapshot"):
        ask(r, method, snapshot_id=snapshot_id)


@scenario("storage/snapshot_of_a_job")
def _(r):
    job = run_of("chain_job")["job_snapshot"]
    ask_about(r, job.snapshot_id)
    snapshots_of(r, job, job)
    ask_about(r, job.snapshot_id)
    ask(r, "get_historical_job", snapshot_id=job.snapshot_id)


@scenario("storage/snapshot_of_a_plan")
def _(r):
    given = run_of("chain_job")
    r.create_run(**given)
    snapshots_of(r, given["execution_plan_snapshot"], run_of("flow_job")["execution_plan_snapshot"])
    plan_id = r.instance.get_run_by_id(nth(1)).execution_plan_snapshot_id
    ask(r, "has_snapshot", snapshot_id=plan_id)
    ask(r, "get_execution_plan_snapshot", snapshot_id=plan_id)


@scenario("storage/snapshot_of_a_part_of_a_job")
def _(r):
    given = run_of("chain_job", op_selection=["first"])
    job, parent = given["job_snapshot"], given["parent_job_snapshot"]
    snapshots_of(r, job)
    ask_about(r, parent.snapshot_id)
    snapshots_of(r, parent)
    ask(r, "get_historical_job", snapshot_id=job.snapshot_id)
    ask(r, "get_historical_job", snapshot_id=parent.snapshot_id)


@scenario("storage/snapshot_of_a_job_that_is_not_there")
def _(r):
    ask_about(r, "nobody's")
    ask_about(r, "")


# The wipe


def everything(r):
    """Something of each kind that is stored."""
    r.create_run(**run_of("flow_job", tags={"a": "b"}))
    for number, event_type in enumerate(("PIPELINE_STARTING", "PIPELINE_START", "PIPELINE_SUCCESS")):
        r.report_dagster_event(nth(1), of_run(event_type, event_specific_data=None), 20, BEGIN + number)
    r.report_runless_asset_event(AssetMaterialization(KEY, partition="x", tags={"dagster/data_version": "d"}))
    r.report_dagster_event(nth(1), event_types.of_step("STEP_START"), 20, BEGIN + 1.5)
    add(r, *REGIONS)
    heartbeat(r, "SENSOR", BEGIN)
    cursors(r, one="1")
    instigator(r, "a_sensor")


def ask_what_is_left(r):
    for method in ("get_runs_count", "get_runs", "get_run_tag_keys", "get_daemon_heartbeats"):
        ask(r, method)
    ask(r, "all_logs", run_id=nth(1))
    ask(r, "get_cursor_values", keys=["one"])
    ask_all(r)


@scenario("storage/wipe")
def _(r):
    everything(r)
    r.step("wipe", {})
    ask_what_is_left(r)


@scenario("storage/wipe_of_nothing")
def _(r):
    r.step("wipe", {})
    ask_what_is_left(r)


@scenario("storage/wipe_twice")
def _(r):
    everything(r)
    r.step("wipe", {})
    r.step("wipe", {})
    ask_what_is_left(r)


@scenario("storage/use_after_a_wipe")
def _(r):
    everything(r)
    r.step("wipe", {})
    add(r, "africa", "eu")
    heartbeat(r, "SCHEDULER", BEGIN)
    r.create_run(**run_of("chain_job"))
    r.report_runless_asset_event(AssetMaterialization(KEY, partition="y"))
    ask_what_is_left(r)


@scenario("storage/wipe_with_backfills")
def _(r):
    backfill = PartitionBackfill(
        "a_backfill", BulkActionStatus.REQUESTED, from_failure=False, tags={"a": "b"}, backfill_timestamp=BEGIN
    )
    r.add_backfill(backfill)
    r.step("wipe", {})
    ask_what_is_left(r)


# Reindexing


def instigator(r, name):
    """A sensor with its state; gives back its origin."""
    origin = RemoteInstigatorOrigin(registered_origin().repository_origin, name)
    state = InstigatorState(origin, InstigatorType.SENSOR, InstigatorStatus.RUNNING, None)
    r.step("store_instigator_state", {"state": ser(state)})
    return origin


def change(r, store, *statements):
    r.step("execute_sql", {"store": store, "statements": statements})


def forget(r, store, index, *statements):
    """As a database is that has not been through a data migration."""
    change(r, store, f"delete from secondary_indexes where name = '{index}'", *statements)
    ask(r, "built_indexes")


def reindex(r):
    r.step("reindex", {})
    ask(r, "built_indexes")


@scenario("storage/reindex_of_what_is_built")
def _(r):
    everything(r)
    reindex(r)


@scenario("storage/reindex_of_nothing")
def _(r):
    ask(r, "built_indexes")
    forget(r, "runs", "run_start_end_overwritten")
    forget(r, "index", "asset_key_table")
    forget(r, "index", "asset_key_index_columns")
    forget(r, "schedules", "schedule_ticks_selector_id")
    reindex(r)


def ended_runs(r):
    for number, end in enumerate(("PIPELINE_SUCCESS", "PIPELINE_FAILURE", "PIPELINE_CANCELED", None), 1):
        r.create_run("chain_job")
        for place, event_type in enumerate(("PIPELINE_STARTING", "PIPELINE_START", end)):
            if event_type:
                r.report_dagster_event(
                    nth(number), of_run(event_type, event_specific_data=None), 20, BEGIN + 10 * number + place + 0.25
                )
    r.create_run("chain_job")


@scenario("storage/reindex_times_of_runs")
def _(r):
    ended_runs(r)
    forget(r, "runs", "run_start_end_overwritten", "update runs set start_time = null, end_time = null")
    reindex(r)
    ask(r, "get_run_records")


@scenario("storage/reindex_wrong_times_of_runs")
def _(r):
    ended_runs(r)
    forget(r, "runs", "run_start_end_overwritten", "update runs set start_time = 1.5, end_time = 2.5")
    reindex(r)


@scenario("storage/reindex_many_runs")
def _(r):
    """More than one part."""
    for number in range(1, 106):
        r.create_run("chain_job")
        for place, event_type in enumerate(("PIPELINE_START", "PIPELINE_SUCCESS")):
            r.report_dagster_event(nth(number), of_run(event_type, event_specific_data=None), 20, BEGIN + number + place)
    forget(r, "runs", "run_start_end_overwritten", "update runs set start_time = null, end_time = null")
    reindex(r)


def some_assets(r):
    for number, name in enumerate(("one", "two", "three")):
        r.report_runless_asset_event(AssetMaterialization(AssetKey(name), partition="x"))
        if number:
            r.report_runless_asset_event(AssetObservation(AssetKey(name)))
    r.report_runless_asset_event(AssetMaterialization(AssetKey(["a", "ä b"])))


@scenario("storage/reindex_assets_of_events")
def _(r):
    """The rows are those of assets of which nothing but the key is known."""
    some_assets(r)
    forget(r, "index", "asset_key_table", "delete from asset_keys where asset_key <> '[\"two\"]'")
    reindex(r)


@scenario("storage/reindex_columns_of_assets")
def _(r):
    """Columns that are lost follow from the last event. Dagster's also stores that event in another form."""
    some_assets(r)
    forget(
        r,
        "index",
        "asset_key_index_columns",
        "update asset_keys set last_materialization_timestamp = null, last_materialization = null",
    )
    reindex(r)


def ticks(r, origin, count, selector_id=None):
    for number in range(count):
        tick = TickData(
            origin.get_id(),
            origin.instigator_name,
            InstigatorType.SENSOR,
            TickStatus.SKIPPED,
            BEGIN + number,
            selector_id=selector_id,
        )
        r.step("store_tick", {"tick": ser(tick)})


@scenario("storage/reindex_ticks")
def _(r):
    one, two = instigator(r, "one"), instigator(r, "two")
    for origin in (one, two, one):
        ticks(r, origin, 3)
    ticks(r, two, 2, two.get_selector().get_id())
    forget(r, "schedules", "schedule_ticks_selector_id")
    reindex(r)


@scenario("storage/reindex_ticks_without_a_state")
def _(r):
    """They keep their origin alone."""
    one = instigator(r, "one")
    gone = RemoteInstigatorOrigin(registered_origin().repository_origin, "gone")
    ticks(r, one, 2)
    ticks(r, gone, 2)
    forget(r, "schedules", "schedule_ticks_selector_id")
    reindex(r)


@scenario("storage/reindex_again")
def _(r):
    ended_runs(r)
    forget(r, "runs", "run_start_end_overwritten", "update runs set start_time = null")
    reindex(r)
    change(r, "runs", "update runs set start_time = 7")
    reindex(r)


# What is said of an instance


@scenario("storage/schema")
def _(r):
    ask(r, "schema_str")
    ask(r, "built_indexes")
