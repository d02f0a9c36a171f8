"""The jobs and assets of the scenarios: real Dagster loads this module as its code location. Nothing of it runs."""

import dagster as dg

# Ops and jobs


@dg.op
def first() -> int:
    return 1


@dg.op
def second(number: int) -> int:
    return number


@dg.op
def third(number: int) -> int:
    return number


@dg.job(tags={"team": "data"})
def chain_job():
    third(second(first()))


@dg.op(out={"taken": dg.Out(int, is_required=False), "left": dg.Out(int, is_required=False)})
def branch():
    yield dg.Output(1, "taken")


@dg.op
def leaf(number: int) -> int:
    return number


@dg.job
def branch_job():
    taken, left = branch()
    third(leaf.alias("leaf_taken")(taken))
    second(leaf.alias("leaf_left")(left))


@dg.op(out=dg.DynamicOut(int))
def numbers():
    for number in range(3):
        yield dg.DynamicOutput(number, mapping_key=f"n{number}")


@dg.op
def double(number: int) -> int:
    return number * 2


@dg.op
def total(numbers: list[int]) -> int:
    return sum(numbers)


@dg.job
def dynamic_job():
    total(numbers().map(double).map(leaf).collect())


@dg.op(out=dg.DynamicOut(int, is_required=False))
def maybe_numbers():
    yield from ()


@dg.job
def maybe_dynamic_job():
    total(maybe_numbers().map(double).collect())


@dg.op(pool="database")
def pooled_root() -> int:
    return 1


@dg.op(pool="database")
def pooled_root_again() -> int:
    return 1


@dg.op(pool="network")
def pooled_leaf(one: int, other: int) -> int:
    return one + other


@dg.op(tags={"dagster/concurrency_key": "legacy"})
def legacy_pooled() -> int:
    return 1


@dg.job
def pools_job():
    pooled_leaf(pooled_root(), pooled_root_again())


@dg.job
def one_pool_job():
    second(pooled_root())


@dg.job
def legacy_pool_job():
    third(legacy_pooled())
    first()


@dg.job
def leaf_pool_job():
    pooled_leaf(first(), second(first.alias("other_first")()))


@dg.op(config_schema={"count": int})
def configured(context) -> int:
    return context.op_config["count"]


@dg.job
def config_job():
    configured()


@dg.graph
def inner():
    return second(first())


@dg.job
def nested_job():
    third(inner())


# Assets without partitions


@dg.asset
def raw() -> int:
    return 1


@dg.asset(deps=[raw])
def clean() -> int:
    return 1


@dg.asset(deps=[clean], key=["reports", "final"])
def final() -> int:
    return 1


@dg.asset_check(asset=raw, blocking=True)
def raw_holds():
    return dg.AssetCheckResult(passed=True)


@dg.asset_check(asset=raw)
def raw_is_small():
    return dg.AssetCheckResult(passed=True)


@dg.asset_check(asset=clean)
def clean_holds():
    return dg.AssetCheckResult(passed=True)


@dg.multi_asset_check(
    specs=[dg.AssetCheckSpec("both_raw", asset=raw), dg.AssetCheckSpec("both_clean", asset=clean)], can_subset=True
)
def both_hold():
    yield dg.AssetCheckResult(passed=True, asset_key="raw", check_name="both_raw")
    yield dg.AssetCheckResult(passed=True, asset_key="clean", check_name="both_clean")


@dg.observable_source_asset
def observed():
    return dg.DataVersion("v1")


@dg.multi_asset(
    specs=[dg.AssetSpec(name, skippable=name == "red") for name in ("red", "green", "blue")],
    can_subset=True,
    check_specs=[dg.AssetCheckSpec("green_holds", asset="green")],
)
def palette(context):
    for key in context.selected_asset_keys:
        yield dg.MaterializeResult(key)


@dg.multi_asset(specs=[dg.AssetSpec("left_half"), dg.AssetSpec("right_half", deps=["left_half"])])
def halves():
    yield dg.MaterializeResult("left_half")
    yield dg.MaterializeResult("right_half")


@dg.asset(pool="database", check_specs=[dg.AssetCheckSpec("inside", asset="pooled_asset")])
def pooled_asset():
    yield dg.MaterializeResult(check_results=[dg.AssetCheckResult(passed=True)])


# Assets with partitions

static = dg.StaticPartitionsDefinition(["a", "b/ü", "c", "d"])
daily = dg.DailyPartitionsDefinition("2024-01-01", end_date="2024-03-01")
hourly = dg.HourlyPartitionsDefinition("2024-03-09-00:00", end_date="2024-03-12-00:00", timezone="America/New_York")
weekly = dg.WeeklyPartitionsDefinition("2024-01-07", end_date="2024-04-01", day_offset=0)
monthly = dg.MonthlyPartitionsDefinition("2024-01-01", end_date="2025-01-01", timezone="Europe/Berlin", hour_offset=3)
cron = dg.TimeWindowPartitionsDefinition(
    start="2024-01-01", end="2024-02-01", fmt="%Y-%m-%d", cron_schedule="0 0 * * 1-5", exclusions=[]
)
open_daily = dg.DailyPartitionsDefinition("2024-01-01")
colours = dg.DynamicPartitionsDefinition(name="colours")
multi = dg.MultiPartitionsDefinition({"letter": dg.StaticPartitionsDefinition(["a", "b"]), "day": daily})
multi_static = dg.MultiPartitionsDefinition(
    {"letter": dg.StaticPartitionsDefinition(["a", "b"]), "digit": dg.StaticPartitionsDefinition(["1", "2"])}
)


@dg.asset(partitions_def=static)
def by_letter():
    pass


@dg.asset(partitions_def=daily)
def by_day():
    pass


@dg.asset(partitions_def=daily, deps=[by_day])
def by_day_too():
    pass


@dg.asset(partitions_def=hourly)
def by_hour():
    pass


@dg.asset(partitions_def=weekly)
def by_week():
    pass


@dg.asset(partitions_def=monthly)
def by_month():
    pass


@dg.asset(partitions_def=cron)
def by_working_day():
    pass


@dg.asset(partitions_def=open_daily)
def by_open_day():
    pass


@dg.asset(partitions_def=colours)
def by_colour():
    pass


@dg.asset(partitions_def=multi)
def by_letter_and_day():
    pass


@dg.asset(partitions_def=multi_static)
def by_letter_and_digit():
    pass


# A plan has its steps in the order of their keys, and so this one after its partitioned upstream.
@dg.asset(deps=[by_day])
def summary_of_days():
    pass


@dg.asset
def before_day():
    pass


@dg.asset(partitions_def=daily, deps=[before_day])
def day_after():
    pass


@dg.asset_check(asset=by_day, partitions_def=daily)
def day_holds():
    return dg.AssetCheckResult(passed=True)


@dg.asset_check(asset=by_day)
def days_hold():
    return dg.AssetCheckResult(passed=True)


@dg.asset_check(asset=by_letter, partitions_def=static)
def letter_holds():
    return dg.AssetCheckResult(passed=True)


definitions = dg.Definitions(
    assets=[
        *(raw, clean, final, observed, palette, halves, pooled_asset),
        *(by_letter, by_day, by_day_too, by_hour, by_week, by_month, by_working_day, by_open_day, by_colour),
        *(by_letter_and_day, by_letter_and_digit, summary_of_days, before_day, day_after),
    ],
    asset_checks=[raw_holds, raw_is_small, clean_holds, both_hold, day_holds, days_hold, letter_holds],
    jobs=[
        *(chain_job, branch_job, dynamic_job, maybe_dynamic_job, pools_job, one_pool_job, legacy_pool_job),
        *(leaf_pool_job, config_job, nested_job),
        dg.define_asset_job("flow_job", [raw, clean, final], tags={"team": "flow"}),
        dg.define_asset_job("checks_job", dg.AssetSelection.checks(raw_holds, raw_is_small)),
        dg.define_asset_job("many_checks_job", dg.AssetSelection.checks(both_hold)),
        dg.define_asset_job("observe_job", [observed]),
        dg.define_asset_job("palette_job", [palette]),
        dg.define_asset_job("halves_job", [halves]),
        dg.define_asset_job("pooled_asset_job", [pooled_asset]),
        *(
            dg.define_asset_job(f"{asset.key.path[-1]}_job", [asset])
            for asset in (
                *(by_letter, by_hour, by_week, by_month, by_working_day, by_open_day, by_colour),
                *(by_letter_and_day, by_letter_and_digit),
            )
        ),
        dg.define_asset_job("by_day_job", [by_day, by_day_too]),
        dg.define_asset_job("day_first_job", [by_day, summary_of_days]),
        dg.define_asset_job("day_last_job", [before_day, day_after]),
    ],
)
