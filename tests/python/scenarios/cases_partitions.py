"""`create_run` with partitions: each kind of them, single keys and ranges, and what runs and events then say."""

from scenarios.jobs import run_of
from scenarios.registry import CHECK_ROWS, EVENT_ROWS, scenario

from dagster import AssetKey

PARTITION = "dagster/partition"
START = "dagster/asset_partition_range_start"
END = "dagster/asset_partition_range_end"


def single(key):
    return {PARTITION: key}


def between(start, end):
    return {START: start, END: end}


def both_ways(r, job, tags):
    """As a job in this process, and through a code location."""
    r.create_run(**run_of(job, tags=tags))
    r.create_run(**run_of(job, remote=True, tags=tags))


# Time windows


@scenario("create_run/partitioned_daily")
def _(r):
    both_ways(r, "by_day_job", single("2024-01-05"))


@scenario("create_run/partitioned_daily_range")
def _(r):
    both_ways(r, "by_day_job", between("2024-01-30", "2024-02-02"))


@scenario("create_run/partitioned_daily_range_of_one")
def _(r):
    r.create_run(**run_of("by_day_job", tags=between("2024-01-05", "2024-01-05")))


@scenario("create_run/partitioned_daily_whole_range")
def _(r):
    r.create_run(**run_of("by_day_job", tags=between("2024-01-01", "2024-02-29")))


@scenario("create_run/partitioned_daily_without_end")
def _(r):
    both_ways(r, "by_open_day_job", single("2024-01-05"))
    r.create_run(**run_of("by_open_day_job", tags=between("2024-01-05", "2024-01-07")))


@scenario("create_run/partitioned_hourly")
def _(r):
    both_ways(r, "by_hour_job", single("2024-03-09-23:00"))


@scenario("create_run/partitioned_hourly_where_clocks_change")
def _(r):
    """An hour is missing in the zone on that day."""
    both_ways(r, "by_hour_job", between("2024-03-10-01:00", "2024-03-10-03:00"))
    r.create_run(**run_of("by_hour_job", tags=between("2024-03-09-22:00", "2024-03-10-23:00")))
    r.create_run(**run_of("by_hour_job", tags=single("2024-03-10-03:00")))


@scenario("create_run/partitioned_weekly")
def _(r):
    both_ways(r, "by_week_job", single("2024-01-14"))
    r.create_run(**run_of("by_week_job", tags=between("2024-01-14", "2024-02-04")))


@scenario("create_run/partitioned_monthly")
def _(r):
    """The hour is not midnight, and the zone changes its offset within the range."""
    both_ways(r, "by_month_job", single("2024-03-01"))
    r.create_run(**run_of("by_month_job", tags=between("2024-03-01", "2024-11-01")))


@scenario("create_run/partitioned_on_working_days")
def _(r):
    both_ways(r, "by_working_day_job", single("2024-01-05"))
    r.create_run(**run_of("by_working_day_job", tags=between("2024-01-04", "2024-01-09")))


@scenario("create_run/partitioned_with_keys_between_windows")
def _(r):
    """A day on which no week begins is of the week that begins next."""
    for tags in (single("2024-01-15"), between("2024-01-15", "2024-01-21"), between("2024-01-10", "2024-01-30")):
        r.create_run(**run_of("by_week_job", tags=tags))


@scenario("create_run/partition_that_is_no_time")
def _(r):
    with r.fails("ValueError"):
        r.create_run(**run_of("by_day_job", tags=single("not-a-day")))
        r.create_run(**run_of("by_day_job", tags=between("2024-01-05", "never")))
    r.create_run()


@scenario("create_run/partition_that_does_not_exist")
def _(r):
    """Times before the first partition and after the last are taken as if they were partitions."""
    r.create_run(**run_of("by_day_job", tags=single("2023-01-05")))
    r.create_run(**run_of("by_day_job", tags=single("2025-01-05")))
    r.create_run(**run_of("by_day_job", tags=between("2024-02-27", "2024-03-05")))
    r.create_run(**run_of("by_day_job", tags=between("2023-12-27", "2024-01-03")))


@scenario("create_run/partition_range_backwards")
def _(r):
    """An empty subset: no assets are planned, but their checks are."""
    r.create_run(**run_of("by_day_job", tags=between("2024-01-05", "2024-01-02")))


# Other kinds


@scenario("create_run/partitioned_static")
def _(r):
    both_ways(r, "by_letter_job", single("b/ü"))


@scenario("create_run/partitioned_static_range", unordered=(EVENT_ROWS, CHECK_ROWS))
def _(r):
    both_ways(r, "by_letter_job", between("b/ü", "d"))


@scenario("create_run/partitioned_static_that_does_not_exist")
def _(r):
    r.create_run(**run_of("by_letter_job", tags=single("z")))
    with r.fails("DagsterInvalidInvocationError"):
        r.create_run(**run_of("by_letter_job", tags=between("a", "z")))


@scenario("create_run/partitioned_static_range_backwards")
def _(r):
    r.create_run(**run_of("by_letter_job", tags=between("d", "a")))


@scenario("create_run/partitioned_dynamic")
def _(r):
    r.add_dynamic_partitions("colours", ["red", "green", "blue"])
    both_ways(r, "by_colour_job", single("green"))
    r.create_run(**run_of("by_colour_job", tags=single("no such colour")))


@scenario("create_run/partitioned_dynamic_range", unordered=(EVENT_ROWS,))
def _(r):
    r.add_dynamic_partitions("colours", ["red", "green", "blue", "a"])
    both_ways(r, "by_colour_job", between("green", "a"))


@scenario("create_run/partitioned_dynamic_range_that_does_not_exist")
def _(r):
    r.add_dynamic_partitions("colours", ["red", "green"])
    with r.fails("DagsterInvalidInvocationError"):
        r.create_run(**run_of("by_colour_job", tags=between("red", "no such colour")))


@scenario("create_run/partitioned_dynamic_without_keys")
def _(r):
    r.create_run(**run_of("by_colour_job", tags=single("red")))
    with r.fails("DagsterInvalidInvocationError"):
        r.create_run(**run_of("by_colour_job", tags=between("red", "red")))


@scenario("create_run/partitioned_multi")
def _(r):
    dimensions = {"dagster/partition/letter": "a", "dagster/partition/day": "2024-01-05"}
    both_ways(r, "by_letter_and_day_job", {**single("2024-01-05|a"), **dimensions})
    r.create_run(**run_of("by_letter_and_digit_job", tags=single("1|b")))


@scenario("create_run/partitioned_multi_range", unordered=(EVENT_ROWS,))
def _(r):
    """All pairs between the two, in each dimension."""
    both_ways(r, "by_letter_and_day_job", between("2024-01-05|a", "2024-01-07|b"))
    both_ways(r, "by_letter_and_digit_job", between("1|a", "2|a"))


@scenario("create_run/partitioned_multi_that_does_not_exist")
def _(r):
    r.create_run(**run_of("by_letter_and_digit_job", tags=single("1|z")))
    r.create_run(**run_of("by_letter_and_digit_job", tags=single("b|1")))


# Tags that do not fit


@scenario("create_run/partition_range_with_one_end")
def _(r):
    """The run stays, without events."""
    with r.fails("DagsterInvariantViolationError"):
        for job in ("by_day_job", "by_letter_job", "flow_job", "by_letter_and_digit_job"):
            r.create_run(**run_of(job, tags={START: "2024-01-05"}))
            r.create_run(**run_of(job, tags={END: "a"}))
    r.create_run(**run_of("chain_job", tags={START: "a"}))


@scenario("create_run/partition_and_range_with_one_end")
def _(r):
    """Of time windows, the key makes a subset, which the events take."""
    r.create_run(**run_of("by_day_job", tags={PARTITION: "2024-01-05", START: "2024-01-05"}))
    with r.fails("DagsterInvariantViolationError"):
        r.create_run(**run_of("by_letter_job", tags={PARTITION: "a", START: "a"}))


@scenario("create_run/partition_and_range")
def _(r):
    """No run."""
    with r.fails("DagsterInvariantViolationError"):
        for job, key in (("by_day_job", "2024-01-05"), ("by_letter_job", "a"), ("by_colour_job", "red")):
            r.create_run(**run_of(job, tags={**single(key), **between(key, key)}))
    r.create_run()


@scenario("create_run/partition_and_range_without_partitions")
def _(r):
    r.create_run(**run_of("flow_job", tags={**single("a"), **between("a", "b")}))


@scenario("create_run/partition_of_unpartitioned_assets")
def _(r):
    both_ways(r, "flow_job", single("a"))
    r.create_run(**run_of("flow_job", tags=between("a", "b")))


@scenario("create_run/empty_partition")
def _(r):
    """Of time windows it is a key that cannot be read; of others, none."""
    with r.fails("ValueError"):
        r.create_run(**run_of("by_day_job", tags=single("")))
    r.create_run(**run_of("by_letter_job", tags=single("")))
    r.create_run(**run_of("by_letter_job", tags=between("", "")))
    with r.fails("DagsterInvariantViolationError"):
        r.create_run(**run_of("by_letter_job", tags=between("", "a")))


@scenario("create_run/no_partition_of_partitioned_assets")
def _(r):
    for job in ("by_day_job", "by_letter_job", "by_colour_job", "by_letter_and_day_job"):
        r.create_run(**run_of(job))


# Several definitions in one run: the last asset of the plan, whose steps are in the order of their keys, decides.


@scenario("create_run/unpartitioned_asset_after_partitioned")
def _(r):
    """The run has no subset, for the last asset has no partitions."""
    both_ways(r, "day_first_job", single("2024-01-05"))
    both_ways(r, "day_first_job", between("2024-01-05", "2024-01-07"))


@scenario("create_run/unpartitioned_asset_before_partitioned")
def _(r):
    """The run has a subset, which the events of the asset without partitions take as well."""
    both_ways(r, "day_last_job", single("2024-01-05"))
    both_ways(r, "day_last_job", between("2024-01-05", "2024-01-07"))


@scenario("create_run/two_kinds_of_partitions", unordered=(EVENT_ROWS, CHECK_ROWS))
def _(r):
    for keys in (("by_day", "by_week"), ("by_day", "by_letter"), ("by_colour", "by_day")):
        selection = {AssetKey(key) for key in keys}
        for tags in (single("2024-01-07"), {"dagster/partition_set": "s"}):
            r.create_run(**run_of("__ASSET_JOB", remote=True, asset_selection=selection, tags=tags))


@scenario("create_run/partitioned_selection_without_checks")
def _(r):
    selection = {AssetKey("by_day")}
    for checks in (None, set()):
        args = run_of("by_day_job", asset_selection=selection, asset_check_selection=checks, tags=single("2024-01-05"))
        r.create_run(**args)


@scenario("create_run/partitioned_steps")
def _(r):
    r.create_run(**run_of("by_day_job", step_keys=["by_day_too"], tags=between("2024-01-05", "2024-01-07")))


@scenario("create_run/partitioned_in_batches", event_batch_size=4)
def _(r):
    r.create_run(**run_of("by_day_job", tags=between("2024-01-05", "2024-01-09")))


@scenario("create_run/partitioned_with_events_of_the_user")
def _(r):
    tags = {**between("2024-01-05", "2024-01-09"), "dagster/defer_asset_events": "true"}
    r.create_run(**run_of("by_day_job", tags=tags))
    r.create_run(**run_of("by_letter_job", tags={START: "a", "dagster/defer_asset_events": "true"}))
