"""What is known of assets: each method that reads it, and the cached status of partitions."""

from scenarios.asset_events import (
    COLOURS,
    DAYS,
    GRID,
    HOURS,
    LETTERS,
    R1,
    R2,
    R3,
    R4,
    WORKDAYS,
    cell,
    check_planned,
    checked,
    everything,
    freshness_changed,
    made,
    planned,
    run_with_status,
    seen,
)
from scenarios.registry import scenario

from dagster import AssetCheckKey, AssetKey, StaticPartitionsDefinition
from dagster._core.storage.partition_status_cache import AssetStatusCacheValue

A, B = AssetKey("a"), AssetKey("b")
CODE = "dagster/code_version"
DATA = "dagster/data_version"
DAY = "dagster/partition/day"

# Which assets are known


@scenario("assets/known_by_each_kind_of_event")
def _(r):
    made(r, ["of", "materialization"])
    seen(r, ["of", "observation"])
    planned(r, ["of", "plan"])
    checked(r, ["of", "check"])
    freshness_changed(r, ["of", "freshness"], "PASS")
    r.all_asset_keys()
    kinds = ("materialization", "observation", "plan", "check", "freshness", "nothing")
    r.ask("has_asset_key", *(["of", kind] for kind in kinds))
    r.get_asset_records()


@scenario("assets/nothing_is_known")
def _(r):
    everything(r, A, partitions=["p"], definition=LETTERS)
    r.get_asset_keys()
    r.check_record(AssetCheckKey(A, "check"))
    r.ask("get_freshness_state_records", A)
    r.ask("get_latest_materialization_code_versions", A)
    r.cached_status(A)


@scenario("assets/keys_by_prefix")
def _(r):
    for key in (["a"], ["a", "b"], ["a", "b", "c"], ["ab"], ["a%"], ["b", "a"]):
        made(r, key)
    for prefix in (None, ["a"], ["a", "b"], ["b"], ["none"]):
        r.get_asset_keys(prefix)


@scenario("assets/keys_by_prefix_with_a_wildcard")
def _(r):
    for key in (["a"], ["a%"], ["ab"]):
        made(r, key)
    r.get_asset_keys(["a%"])


@scenario("assets/keys_by_page")
def _(r):
    for key in ("d", "b", "a", "c"):
        made(r, key)
    r.get_asset_keys(limit=2)
    for cursor in ('["a"]', '["b"]', '["bb"]', '["z"]', ""):
        r.get_asset_keys(limit=2, cursor=cursor)
    r.get_asset_keys(["c"], limit=9, cursor='["a"]')


@scenario("assets/keys_that_are_awkward")
def _(r):
    keys = (["é🦀"], ["a b", "c"], ['"'], ["%_"], ["A"], ["a"], ["a/b"], ["'"])
    for key in keys:
        made(r, key, "p")
    r.all_asset_keys()
    r.ask("has_asset_key", *keys)
    r.ask("get_latest_materialization_events", *keys)
    for key in keys:
        r.get_asset_records(key)
        r.materialized_partitions(key)


@scenario("assets/records")
def _(r):
    made(r, A, "p", R1, tags={DATA: "v"}, metadata={"n": 1})
    planned(r, A, "q", R2)
    seen(r, B, run_id=R1)
    planned(r, "planned", run_id=R3)
    r.get_asset_records()
    r.get_asset_records(B, A, "none")


@scenario("assets/records_of_many_events")
def _(r):
    for number in range(12):
        made(r, A, f"p{number % 3}", R1 if number % 2 else R2)
        seen(r, A, run_id=R3)
    everything(r, A, partitions=["p0", "p1", "none"])


# The last materializations


@scenario("assets/latest_materialization")
def _(r):
    made(r, A, "p", R1)
    made(r, A, None, R2)
    seen(r, A)
    r.ask("get_latest_materialization_event", A)
    r.ask("get_latest_materialization_event", B)


@scenario("assets/latest_materializations")
def _(r):
    made(r, A)
    made(r, "c", "p", R1)
    planned(r, "d")
    seen(r, "e")
    r.ask("get_latest_materialization_events", "none", "d", "c", A, "e")


@scenario("assets/code_versions")
def _(r):
    made(r, A, tags={CODE: "1"})
    made(r, A, tags={CODE: "2", DATA: "x"})
    made(r, B, run_id=R1)
    made(r, "c", tags={CODE: ""})
    r.ask("get_latest_materialization_code_versions", A, B, "c", "none")


@scenario("assets/data_version_records")
def _(r):
    made(r, A, "p", R1)
    made(r, A, "q", R1)
    seen(r, A, "p", R2)
    seen(r, B)
    for is_source in (None, True, False):
        for key in (A, B, "none"):
            r.data_version_record(key, is_source)
        for partition in ("p", "q", "none", ""):
            r.data_version_record(A, is_source, partition)


@scenario("assets/data_version_records_between")
def _(r):
    for partition in ("p", "q", "r"):
        made(r, A, partition)
    for before, after in ((3, None), (None, 1), (3, 1), (1, None), (None, 3), (2, 2)):
        r.data_version_record(A, before=before, after=after)


@scenario("assets/planned")
def _(r):
    planned(r, A, "p", R1)
    planned(r, A, "q", R2)
    planned(r, A, None, R3)
    for partition in (None, "p", "q", "none", ""):
        r.planned_info(A, partition)
    r.planned_info(B)


# Pages of events


@scenario("assets/pages_of_materializations")
def _(r):
    for number in range(7):
        made(r, A, f"p{number % 2}", R1)
    made(r, B)
    for ascending in (False, True):
        r.fetch("materializations", A, 3, ascending=ascending)
        r.fetch("materializations", A, 3, 4, ascending)
        r.fetch("materializations", A, 7, ascending=ascending)
        r.fetch("materializations", A, 3, 99, ascending)


@scenario("assets/filters_of_materializations")
def _(r):
    for number in range(6):
        made(r, A, f"p{number % 3}", R1)
    made(r, A)
    r.fetch("materializations", A, partitions=["p1"])
    r.fetch("materializations", A, partitions=["p1", "p2", "none"])
    r.fetch("materializations", A, after_storage_id=2, before_storage_id=6)
    r.fetch("materializations", A, 2, 5, after_storage_id=1, before_storage_id=6)
    r.fetch("materializations", A, storage_ids=[1, 3, 99])
    r.fetch("materializations", A, after_timestamp=1.5)
    r.fetch("materializations", A, before_timestamp=1.5)
    r.fetch("materializations", A, partitions=["p0"], after_storage_id=1, storage_ids=[1, 4])


@scenario("assets/pages_of_observations")
def _(r):
    for number in range(5):
        seen(r, A, f"p{number % 2}", R1, tags={DATA: str(number)})
        made(r, A, "p0", R1)
    r.fetch("observations", A, 2)
    r.fetch("observations", A, 2, 5)
    r.fetch("observations", A, ascending=True, partitions=["p1"])
    r.fetch("observations", B)


@scenario("assets/pages_of_planned_materializations")
def _(r):
    for number in range(5):
        planned(r, A, f"p{number % 2}", R1 if number < 3 else R2)
    r.fetch("planned_materializations", A, 2)
    r.fetch("planned_materializations", A, 2, 3, True)
    r.fetch("planned_materializations", A, partitions=["p1"])


@scenario("assets/failed_materializations")
def _(r):
    planned(r, A, "p", R1)
    r.fetch("failed_materializations", A)
    r.fetch("failed_materializations", B, 1, 7)


# Partitions


@scenario("assets/materialized_partitions")
def _(r):
    for partition in ("p", "q", None, "p", "r"):
        made(r, A, partition, R1)
    planned(r, A, "planned")
    seen(r, A, "seen")
    for before, after in ((None, None), (4, None), (None, 2), (4, 2), (1, None), (None, 99), (3, 3)):
        r.materialized_partitions(A, before, after)


@scenario("assets/counts_by_partition")
def _(r):
    for partition in ("p", "q", None, "p", "é🦀"):
        made(r, A, partition, R1)
    made(r, B, "p")
    made(r, "whole")
    r.ask("get_materialization_count_by_partition", A, B, "whole", "none")


@scenario("assets/tags_of_events")
def _(r):
    made(r, A, "1", tags={DAY: "1", DATA: "v", "own": "x"})
    made(r, A, "2", tags={DAY: "2"})
    seen(r, A, tags={DATA: "w"})
    made(r, A)
    r.event_tags(A)
    r.event_tags(A, {DAY: "1"})
    r.event_tags(A, {DAY: "1", DATA: "v"})
    r.event_tags(A, {DAY: "1", DATA: "w"})
    r.event_tags(A, {"own": "x"})
    for event_id in (1, 2, 4, 99):
        r.event_tags(A, filter_event_id=event_id)
    r.event_tags(A, {DAY: "2"}, 2)
    r.event_tags(B)


@scenario("assets/freshness")
def _(r):
    freshness_changed(r, A, "PASS")
    freshness_changed(r, B, "FAIL", 1.25)
    freshness_changed(r, A, "WARN", 3.5)
    r.ask("get_freshness_state_records", A, B, "none")


@scenario("assets/health_and_what_is_possible")
def _(r):
    made(r, A)
    made(r, B)
    r.ask("get_asset_health", A, B, "none")
    r.what_assets_can()


# Checks


@scenario("assets/check_planned_and_evaluated")
def _(r):
    check, other = AssetCheckKey(A, "check"), AssetCheckKey(A, "other")
    run_with_status(r, R1, "STARTED")
    check_planned(r, "a")
    r.check_record(check)
    checked(r, "a", passed=False, run_id=R1)
    r.check_record(check)
    r.check_record(other)
    r.check_record(AssetCheckKey(B, "check"))


@scenario("assets/check_of_partitions")
def _(r):
    check = AssetCheckKey(A, "check")
    for partition in ("p", None, "q"):
        checked(r, "a", partition=partition)
        r.check_record(check)


@scenario("assets/check_of_several_runs")
def _(r):
    check = AssetCheckKey(A, "check")
    for run_id, passed in ((R1, True), (R2, False)):
        check_planned(r, "a", run_id=run_id)
        checked(r, "a", passed=passed, run_id=run_id)
    check_planned(r, "a", run_id=R3)
    r.check_record(check)


# The status of partitions


@scenario("assets/status_of_static_partitions")
def _(r):
    for partition in ("a", "c", "none"):
        made(r, A, partition)
    assert r.status(A, LETTERS, ["a", "b", "c", "none"]) == {"a": "MATERIALIZED", "c": "MATERIALIZED"}
    r.get_asset_records(A)


@scenario("assets/status_without_events")
def _(r):
    seen(r, A, "a")
    assert r.status(A, LETTERS, ["a"]) is None
    assert r.status(B, LETTERS, ["a"]) is None
    r.get_asset_records()


@scenario("assets/status_of_runs")
def _(r):
    for run_id, status in ((R1, "FAILURE"), (R2, "STARTED"), (R3, "CANCELED")):
        run_with_status(r, run_id, status)
    made(r, A, "a")
    planned(r, A, "a", R2)
    planned(r, A, "b", R1)
    planned(r, A, "c", R3)
    planned(r, A, "d", R4)
    found = r.status(A, LETTERS, ["a", "b", "c", "d"])
    assert found == {"a": "IN_PROGRESS", "b": "FAILED"}, found
    r.get_asset_records(A)


@scenario("assets/status_follows_runs")
def _(r):
    run_with_status(r, R1, "STARTED")
    run_with_status(r, R2, "STARTED")
    for partition, run_id in (("a", R1), ("b", R1), ("c", R2)):
        planned(r, A, partition, run_id)
    assert set(r.status(A, LETTERS, ["a", "b", "c"]).values()) == {"IN_PROGRESS"}
    made(r, A, "a", R1)
    r.report_run_failed(R1)
    found = r.status(A, LETTERS, ["a", "b", "c"])
    assert found == {"a": "MATERIALIZED", "b": "FAILED", "c": "IN_PROGRESS"}, found
    made(r, A, "b", R3)
    made(r, A, "c", R2)
    assert set(r.status(A, LETTERS, ["a", "b", "c"]).values()) == {"MATERIALIZED"}
    r.get_asset_records(A)


@scenario("assets/status_of_a_deleted_run")
def _(r):
    run_with_status(r, R1, "FAILURE")
    planned(r, A, "a", R1)
    made(r, A, "b", R2)
    r.status(A, LETTERS, ["a", "b"])
    r.delete_run(R1)
    r.status(A, LETTERS, ["a", "b"])
    r.get_asset_records(A)


@scenario("assets/status_when_the_definition_changes")
def _(r):
    for partition in ("a", "e", "d"):
        made(r, A, partition)
    r.status(A, LETTERS, ["a", "d", "e"])
    r.get_asset_records(A)
    r.status(A, StaticPartitionsDefinition(["a", "e"]), ["a", "d", "e"])
    r.status(A, DAYS, ["a", "2024-01-01"])
    r.get_asset_records(A)


@scenario("assets/status_of_dynamic_partitions")
def _(r):
    r.add_dynamic_partitions("colours", ["red", "blué"])
    for partition in ("red", "green"):
        made(r, A, partition)
    assert r.status(A, COLOURS, ["red", "blué", "green"]) == {"red": "MATERIALIZED"}
    r.get_asset_records(A)
    r.add_dynamic_partitions("colours", ["green"])
    r.delete_dynamic_partition("colours", "red")
    assert r.status(A, COLOURS, ["red", "blué", "green"]) == {"green": "MATERIALIZED"}
    r.get_asset_records(A)


@scenario("assets/status_of_days")
def _(r):
    for day in ("2024-01-05", "2024-01-01", "2024-01-02", "2024-02-29", "2024-03-01", "2023-12-31", "no day"):
        made(r, A, day)
    asked = ["2024-01-01", "2024-01-03", "2024-01-05", "2024-02-29", "2024-03-01", "2023-12-31", "no day"]
    r.status(A, DAYS, asked)
    r.get_asset_records(A)
    made(r, A, "2024-01-04")
    made(r, A, "2024-01-03")
    r.status(A, DAYS, asked)
    r.get_asset_records(A)


@scenario("assets/status_of_failed_days")
def _(r):
    run_with_status(r, R1, "FAILURE")
    for day in ("2024-01-01", "2024-01-02", "2024-01-03", "2024-01-06"):
        planned(r, A, day, R1)
    asked = [f"2024-01-0{day}" for day in range(1, 8)]
    r.status(A, DAYS, asked)
    r.get_asset_records(A)
    made(r, A, "2024-01-02")
    r.status(A, DAYS, asked)
    r.get_asset_records(A)
    made(r, A, "2024-01-06")
    r.status(A, DAYS, asked)
    r.get_asset_records(A)


@scenario("assets/status_of_workdays")
def _(r):
    run_with_status(r, R1, "FAILURE")
    # A Friday, a Saturday, a Monday.
    for day in ("2024-01-05", "2024-01-06", "2024-01-08", "2024-01-10"):
        made(r, A, day)
        planned(r, A, day, R1)
    asked = [f"2024-01-{day:02}" for day in range(1, 15)]
    r.status(A, WORKDAYS, asked)
    r.get_asset_records(A)
    made(r, A, "2024-01-08")
    r.status(A, WORKDAYS, asked)
    r.get_asset_records(A)


@scenario("assets/status_of_hours_that_come_twice")
def _(r):
    asked = [f"2023-11-05-0{hour}:00" for hour in range(4)] + ["2023-11-05-01:00-0500", "2023-11-05-01:30"]
    for hour in ("2023-11-05-00:00", "2023-11-05-01:00-0500", "2023-11-05-03:00"):
        made(r, A, hour)
    r.status(A, HOURS, asked)
    r.get_asset_records(A)
    made(r, A, "2023-11-05-01:00")
    r.status(A, HOURS, asked)
    r.get_asset_records(A)


@scenario("assets/status_of_two_dimensions")
def _(r):
    for key in (cell("2024-01-01", "a"), cell("2024-01-02", "b"), cell("2024-01-02", "z")):
        made(r, A, key)
    asked = ["2024-01-01|a", "2024-01-02|b", "2024-01-02|z", "2024-01-01|b", "a|2024-01-01", "2024-01-01"]
    found = r.status(A, GRID, asked)
    assert found == {"2024-01-01|a": "MATERIALIZED", "2024-01-02|b": "MATERIALIZED"}, found
    r.event_tags(A, {DAY: "2024-01-02"})
    r.get_asset_records(A)


@scenario("assets/status_without_partitions")
def _(r):
    made(r, A)
    r.cached_status(A)
    made(r, A)
    r.cached_status(A)
    r.cached_status(B)
    r.get_asset_records(A)


@scenario("assets/status_of_a_definition_as_it_is_cached")
def _(r):
    made(r, A, "a")
    for definition in (LETTERS, DAYS, GRID):
        r.cached_status(A, definition)
    r.get_asset_records(A)


@scenario("assets/cached_status_that_somebody_stored")
def _(r):
    """Only what came later is added, even to what is wrong."""
    made(r, A, "a")
    r.status(A, LETTERS, ["a"])
    value = r.cached_status(A, LETTERS)
    wrong = '{"version": 1, "subset": ["b", "d"]}'
    r.update_asset_cached_status_data(A, value._replace(serialized_materialized_partition_subset=wrong))
    made(r, A, "c")
    r.status(A, LETTERS, ["a", "b", "c", "d"])
    r.get_asset_records(A)


@scenario("assets/cached_status_of_old_forms")
def _(r):
    made(r, A, "2024-01-09")
    made(r, B, "a")
    days, letters = r.cached_status(A, DAYS), r.cached_status(B, LETTERS)
    r.update_asset_cached_status_data(
        A, days._replace(latest_storage_id=0, serialized_materialized_partition_subset="[[1704067200.0, 1704240000.0]]")
    )
    r.update_asset_cached_status_data(
        B, letters._replace(latest_storage_id=0, serialized_materialized_partition_subset='["d", "b"]')
    )
    r.status(A, DAYS, ["2024-01-01", "2024-01-02", "2024-01-03", "2024-01-09"])
    r.status(B, LETTERS, ["a", "b", "c", "d"])
    r.get_asset_records()


@scenario("assets/cached_status_is_deleted")
def _(r):
    for key in (A, B, "c"):
        made(r, key, "a")
        r.status(key, LETTERS, ["a"])
    r.wipe_asset_cached_status(A, "c", "none")
    r.get_asset_records()
    r.status(A, LETTERS, ["a"])


@scenario("assets/cached_status_of_an_unknown_asset")
def _(r):
    r.update_asset_cached_status_data(A, AssetStatusCacheValue(latest_storage_id=7))
    r.wipe_asset_cached_status(A)
    r.wipe_asset_cached_status()
    r.get_asset_records()
