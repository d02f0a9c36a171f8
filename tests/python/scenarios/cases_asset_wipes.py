"""Wiping assets and partitions of them: what is left, and what Dagster makes of it."""

from scenarios.asset_events import (
    COLOURS,
    DAYS,
    GRID,
    LETTERS,
    R1,
    R2,
    R3,
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

from dagster import AssetCheckKey, AssetKey

A, B = AssetKey("a"), AssetKey("b")
CHECK = AssetCheckKey(A, "check")
DATA = "dagster/data_version"
MATERIALIZED, FAILED, IN_PROGRESS = "MATERIALIZED", "FAILED", "IN_PROGRESS"
ALL = ["a", "b", "c", "d"]


def look(r, *keys, partitions=ALL, definition=LETTERS):
    everything(r, *keys, partitions=partitions, definition=definition)


# Whole assets


@scenario("wipe/an_asset")
def _(r):
    made(r, A, "a", R1)
    made(r, B, "a", R1)
    r.wipe_assets(A)
    look(r, A, B)


@scenario("wipe/several_assets")
def _(r):
    for key in ("a", "b", "c", ["d", "e"]):
        made(r, key, "a", R1)
    r.wipe_assets("c", A, ["d", "e"])
    look(r, A, B, "c", ["d", "e"])


@scenario("wipe/an_asset_twice_in_one_call")
def _(r):
    made(r, A)
    r.wipe_assets(A, A)
    look(r, A)


@scenario("wipe/an_unknown_asset")
def _(r):
    made(r, A)
    r.wipe_assets("none")
    look(r, A, "none")


@scenario("wipe/no_asset")
def _(r):
    made(r, A, "a")
    r.wipe_assets()
    look(r, A)


@scenario("wipe/and_begin_again")
def _(r):
    made(r, A, "a", R1)
    made(r, A, "b", R1)
    r.status(A, LETTERS, ALL)
    r.wipe_assets(A)
    assert r.status(A, LETTERS, ALL) is None
    made(r, A, "b", R2)
    assert r.status(A, LETTERS, ALL) == {"b": MATERIALIZED}
    look(r, A)


@scenario("wipe/and_plan_again")
def _(r):
    run_with_status(r, R2, "STARTED")
    made(r, A, "a", R1, tags={DATA: "v"})
    r.wipe_assets(A)
    planned(r, A, "b", R2)
    assert r.status(A, LETTERS, ALL) == {"b": IN_PROGRESS}
    look(r, A)


@scenario("wipe/and_observe_again")
def _(r):
    made(r, A, "a", R1)
    r.wipe_assets(A)
    seen(r, A, "a", R2)
    look(r, A)


@scenario("wipe/twice")
def _(r):
    made(r, A, "a")
    r.wipe_assets(A)
    made(r, A, "b")
    r.wipe_assets(A)
    made(r, A, "c")
    look(r, A)


@scenario("wipe/checks")
def _(r):
    made(r, A)
    check_planned(r, "a", run_id=R1)
    checked(r, "a", run_id=R1)
    checked(r, "a", "other", partition="a")
    checked(r, "b")
    r.wipe_assets(A)
    r.check_record(CHECK)
    r.check_record(AssetCheckKey(A, "other"))
    r.check_record(AssetCheckKey(B, "check"))


@scenario("wipe/an_asset_with_checks_alone")
def _(r):
    checked(r, "a")
    r.wipe_assets(A)
    r.check_record(CHECK)
    r.get_asset_records()


@scenario("wipe/freshness")
def _(r):
    freshness_changed(r, A, "FAIL")
    made(r, A)
    r.wipe_assets(A)
    r.ask("get_freshness_state_records", A)
    r.get_asset_records()


@scenario("wipe/cached_status")
def _(r):
    for key in (A, B):
        made(r, key, "a")
        r.status(key, LETTERS, ALL)
    r.wipe_assets(A)
    r.get_asset_records()
    r.status(A, LETTERS, ALL)
    r.status(B, LETTERS, ALL)


@scenario("wipe/assets_of_failed_runs")
def _(r):
    run_with_status(r, R1, "FAILURE")
    planned(r, A, "a", R1)
    r.status(A, LETTERS, ALL)
    r.wipe_assets(A)
    assert r.status(A, LETTERS, ALL) is None
    made(r, A, "b", R2)
    assert r.status(A, LETTERS, ALL) == {"b": MATERIALIZED}
    look(r, A)


# Partitions


@scenario("wipe_partitions/one")
def _(r):
    for partition in ("a", "b"):
        made(r, A, partition, R1)
    made(r, B, "a", R1)
    assert r.wipe_asset_partitions(A, ["a"]) == {"events": 1, "check_executions": 0}
    assert r.status(A, LETTERS, ALL) == {"b": MATERIALIZED}
    assert r.status(B, LETTERS, ALL) == {"a": MATERIALIZED}
    look(r, A, B)


@scenario("wipe_partitions/the_last")
def _(r):
    for partition, run_id in (("a", R1), ("b", R2), ("c", R3)):
        made(r, A, partition, run_id)
    r.status(A, LETTERS, ALL)
    r.wipe_asset_partitions(A, ["c"])
    assert r.status(A, LETTERS, ALL) == {"a": MATERIALIZED, "b": MATERIALIZED}
    look(r, A)


@scenario("wipe_partitions/not_the_last")
def _(r):
    for partition, run_id in (("a", R1), ("b", R2)):
        made(r, A, partition, run_id)
    r.status(A, LETTERS, ALL)
    r.wipe_asset_partitions(A, ["a"])
    look(r, A)


@scenario("wipe_partitions/all")
def _(r):
    for partition in ("a", "b"):
        made(r, A, partition, R1)
        planned(r, A, partition, R2)
    r.status(A, LETTERS, ALL)
    r.wipe_asset_partitions(A, ALL)
    assert r.status(A, LETTERS, ALL) is None
    look(r, A)


@scenario("wipe_partitions/and_the_whole_asset_stays")
def _(r):
    made(r, A, None, R1)
    made(r, A, "a", R2)
    r.wipe_asset_partitions(A, ["a"])
    look(r, A)


@scenario("wipe_partitions/several_times_materialized")
def _(r):
    for run_id in (R1, R2, R3):
        for partition in ("a", "b"):
            made(r, A, partition, run_id)
    assert r.wipe_asset_partitions(A, ["b"])["events"] == 3
    assert r.status(A, LETTERS, ALL) == {"a": MATERIALIZED}
    look(r, A)


@scenario("wipe_partitions/failed")
def _(r):
    run_with_status(r, R1, "FAILURE")
    for partition in ("a", "b"):
        planned(r, A, partition, R1)
    made(r, A, "c", R2)
    r.status(A, LETTERS, ALL)
    r.wipe_asset_partitions(A, ["a"])
    assert r.status(A, LETTERS, ALL) == {"b": FAILED, "c": MATERIALIZED}
    look(r, A)


@scenario("wipe_partitions/in_progress")
def _(r):
    run_with_status(r, R1, "STARTED")
    for partition in ("a", "b"):
        planned(r, A, partition, R1)
    r.status(A, LETTERS, ALL)
    r.wipe_asset_partitions(A, ["b"])
    assert r.status(A, LETTERS, ALL) == {"a": IN_PROGRESS}
    made(r, A, "b", R1)
    assert r.status(A, LETTERS, ALL) == {"a": IN_PROGRESS, "b": MATERIALIZED}
    look(r, A)


@scenario("wipe_partitions/tags")
def _(r):
    for partition in ("a", "b"):
        made(r, A, partition, R1, tags={DATA: f"v{partition}"})
        seen(r, A, partition, R1, tags={DATA: f"w{partition}"})
    r.wipe_asset_partitions(A, ["a"])
    look(r, A)


@scenario("wipe_partitions/observations")
def _(r):
    for partition in ("a", "b"):
        seen(r, A, partition, R1)
    made(r, A, "b", R2)
    assert r.wipe_asset_partitions(A, ["a"])["events"] == 1
    look(r, A)


@scenario("wipe_partitions/checks")
def _(r):
    made(r, A, "a")
    for partition in (None, "a", "b"):
        checked(r, "a", partition=partition)
        checked(r, "b", partition=partition)
    assert r.wipe_asset_partitions(A, ["a"]) == {"events": 1, "check_executions": 1}
    r.check_record(CHECK)
    assert r.wipe_asset_partitions(A, ["b"]) == {"events": 0, "check_executions": 1}
    r.check_record(CHECK)
    r.check_record(AssetCheckKey(B, "check"))
    look(r, A)


@scenario("wipe_partitions/without_a_run")
def _(r):
    for partition in ("a", "b", "a"):
        made(r, A, partition)
    assert r.wipe_asset_partitions(A, ["a"])["events"] == 2
    look(r, A)


@scenario("wipe_partitions/of_several_runs")
def _(r):
    """The logs of runs keep what they have."""
    for run_id in (R1, R2, R3):
        r.create_run(run_id=run_id)
        planned(r, A, "a", run_id)
        made(r, A, "a", run_id)
        made(r, A, "b", run_id)
    r.wipe_asset_partitions(A, ["a"])
    look(r, A)


@scenario("wipe_partitions/and_materialize_again")
def _(r):
    for partition in ("a", "b"):
        made(r, A, partition, R1)
    r.wipe_asset_partitions(A, ["a", "b"])
    made(r, A, "b", R2)
    assert r.status(A, LETTERS, ALL) == {"b": MATERIALIZED}
    look(r, A)


@scenario("wipe_partitions/of_which_nothing_is_known")
def _(r):
    made(r, A, "a", R1)
    r.status(A, LETTERS, ALL)
    for key, partitions in ((A, ["b"]), (A, []), ("none", ["a"]), (A, ["", "A", "%", "x" * (2 << 20)])):
        assert r.wipe_asset_partitions(key, partitions) == {"events": 0, "check_executions": 0}
    look(r, A, "none")


@scenario("wipe_partitions/after_the_asset")
def _(r):
    for partition in ("a", "b"):
        made(r, A, partition, R1)
    r.wipe_assets(A)
    for partition in ("b", "c"):
        made(r, A, partition, R2)
    r.wipe_asset_partitions(A, ["c"])
    assert r.status(A, LETTERS, ALL) == {"b": MATERIALIZED}
    look(r, A)


@scenario("wipe_partitions/and_then_the_asset")
def _(r):
    for partition in ("a", "b"):
        made(r, A, partition, R1)
    r.wipe_asset_partitions(A, ["a"])
    r.wipe_assets(A)
    made(r, A, "c", R2)
    assert r.status(A, LETTERS, ALL) == {"c": MATERIALIZED}
    look(r, A)


@scenario("wipe_partitions/of_a_deleted_run")
def _(r):
    """What the row says of a run that is gone is left as it is."""
    for partition, run_id in (("a", R1), ("b", R2), ("c", R3)):
        r.create_run(run_id=run_id)
        made(r, A, partition, run_id)
    r.delete_run(R3)
    r.wipe_asset_partitions(A, ["a"])
    r.wipe_asset_partitions(A, ["c"])
    look(r, A)


@scenario("wipe_partitions/days")
def _(r):
    days = [f"2024-01-0{day}" for day in range(1, 8)]
    for day in days:
        made(r, A, day, R1)
    r.status(A, DAYS, days)
    r.wipe_asset_partitions(A, ["2024-01-03", "2024-01-04", "2024-01-07"])
    assert set(r.status(A, DAYS, days)) == {"2024-01-01", "2024-01-02", "2024-01-05", "2024-01-06"}
    look(r, A, partitions=days, definition=DAYS)


@scenario("wipe_partitions/two_dimensions")
def _(r):
    cells = [(day, letter) for day in ("2024-01-01", "2024-01-02") for letter in ("a", "b")]
    for day, letter in cells:
        made(r, A, cell(day, letter), R1)
    names = [f"{day}|{letter}" for day, letter in cells]
    r.status(A, GRID, names)
    r.wipe_asset_partitions(A, names[1:3])
    assert set(r.status(A, GRID, names)) == {names[0], names[3]}
    look(r, A, partitions=names, definition=GRID)


@scenario("wipe_partitions/dynamic")
def _(r):
    r.add_dynamic_partitions("colours", ["red", "blué"])
    for colour in ("red", "blué"):
        made(r, A, colour, R1)
    r.status(A, COLOURS, ["red", "blué"])
    r.wipe_asset_partitions(A, ["blué"])
    r.delete_dynamic_partition("colours", "blué")
    r.add_dynamic_partitions("colours", ["blué"])
    assert r.status(A, COLOURS, ["red", "blué"]) == {"red": MATERIALIZED}
    look(r, A, partitions=["red", "blué"], definition=COLOURS)


@scenario("wipe_partitions/awkward_names")
def _(r):
    names = ["é🦀", "a b", '"', "'", "%", "_", "\\", "a|b", "[1]"]
    for name in names:
        made(r, A, name, R1)
        checked(r, "a", name, partition=name)
    r.wipe_asset_partitions(A, names[::2])
    look(r, A, partitions=names, definition=None)
    for name in names:
        r.check_record(AssetCheckKey(A, name))
