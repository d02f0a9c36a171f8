"""What the code server of the tests serves: jobs and assets of every kind that a launch treats in its own way."""

import os
import threading
import time

from dagster import (
    AssetCheckResult,
    AssetCheckSpec,
    AssetSpec,
    Config,
    DailyPartitionsDefinition,
    Definitions,
    DynamicPartitionsDefinition,
    Failure,
    HourlyPartitionsDefinition,
    MaterializeResult,
    MultiPartitionsDefinition,
    StaticPartitionsDefinition,
    asset,
    asset_check,
    daily_partitioned_config,
    define_asset_job,
    in_process_executor,
    job,
    multi_asset,
    observable_source_asset,
    op,
    static_partitioned_config,
)


@op
def one():
    return 1


@op
def two(one):
    return one + 1


@op
def three(two):
    return two + 1


@job
def plain():
    three(two(one()))


class Times(Config):
    n: int = 1
    word: str = "a"


@op
def said(config: Times):
    return config.word * config.n


@job
def configured():
    said()


@job(config={"ops": {"said": {"config": {"n": 3}}}})
def constant():
    said()


class Required(Config):
    n: int


@op
def demanding(config: Required):
    return config.n


@job
def needs_config():
    demanding()


@job(tags={"team": "blue", "kept": "yes"})
def tagged():
    one()


@static_partitioned_config(partition_keys=["a", "b"], tags_for_partition_fn=lambda key: {"p": key})
def by_letter(partition_key):
    return {"ops": {"said": {"config": {"word": partition_key}}}}


@job(config=by_letter)
def part_job():
    said()


@daily_partitioned_config(start_date="2026-11-01")
def by_day(start, _end):
    return {"ops": {"said": {"config": {"word": start.strftime("%d")}}}}


@job(config=by_day)
def daily_job():
    said()


@job(partitions_def=DynamicPartitionsDefinition(name="tenants"))
def tenant_job():
    one()


@op
def broken():
    raise Failure("this step always fails")


@job
def failing():
    broken()


@op
def crashed():
    os._exit(7)


@job
def crashing():
    crashed()


@op
def waited(context):
    for second in range(120):
        context.log.info(f"second {second}")
        time.sleep(1)


@job
def long():
    waited()


@op
def lingered():
    # The process cannot end: it waits for this thread.
    threading.Thread(target=time.sleep, args=(600,)).start()
    time.sleep(600)


@job
def lingering():
    lingered()


def fails(context):
    """Whether this run is one that fails: the first one always, and one with the tag each time."""
    return context.run.parent_run_id is None or context.run.tags.get("stubborn")


@op
def unsteady(context, one):
    if fails(context):
        raise Failure("this step fails the first time")
    return one + 1


@job(executor_def=in_process_executor, tags={"team": "blue"})
def flaky():
    three(unsteady(one()))


@asset(check_specs=[AssetCheckSpec("positive", asset="a1")])
def a1():
    yield MaterializeResult(check_results=[AssetCheckResult(passed=True, check_name="positive")])


@asset(deps=[a1])
def a2():
    return 2


@asset_check(asset="a2")
def beside():
    return AssetCheckResult(passed=True)


@asset(check_specs=[AssetCheckSpec("strict", asset="a3", blocking=True)])
def a3():
    yield MaterializeResult(check_results=[AssetCheckResult(passed=True, check_name="strict")])


@multi_asset(specs=[AssetSpec("m1", skippable=True), AssetSpec("m2", skippable=True)], can_subset=True)
def many(context):
    for key in context.selected_asset_keys:
        yield MaterializeResult(asset_key=key)


@asset(partitions_def=StaticPartitionsDefinition(["x", "y"]))
def by_name():
    return 1


@asset(partitions_def=DailyPartitionsDefinition("2026-11-01"), key_prefix=["some", "where"])
def daily():
    return 1


@asset(partitions_def=HourlyPartitionsDefinition("2026-10-24-00:00", timezone="Europe/Berlin"))
def hourly():
    return 1


@asset(partitions_def=DynamicPartitionsDefinition(name="tenants"))
def dynamic():
    return 1


@asset(
    partitions_def=MultiPartitionsDefinition(
        {"day": DailyPartitionsDefinition("2026-11-01"), "size": StaticPartitionsDefinition(["s", "l"])}
    )
)
def grid():
    return 1


@asset(pool="narrow")
def pooled():
    return 1


@observable_source_asset
def watched():
    from dagster import DataVersion

    return DataVersion("1")


@asset
def steady():
    return 1


@asset(deps=[steady], check_specs=[AssetCheckSpec("sound", asset="shaky")])
def shaky(context):
    if fails(context):
        raise Failure("this step fails the first time")
    yield MaterializeResult(check_results=[AssetCheckResult(passed=True, check_name="sound")])


@asset(check_specs=[AssetCheckSpec("gate", asset="gated", blocking=True)])
def gated(context):
    passed = not fails(context)
    yield MaterializeResult(check_results=[AssetCheckResult(passed=passed, check_name="gate")])


@asset(deps=[gated])
def behind():
    return 1


defs = Definitions(
    executor=in_process_executor,
    assets=[
        *(a1, a2, a3, many, by_name, daily, hourly, dynamic, grid, pooled, watched),
        *(steady, shaky, gated, behind),
    ],
    asset_checks=[beside],
    jobs=[
        *(plain, configured, constant, needs_config, tagged, part_job, daily_job, tenant_job),
        *(failing, crashing, long, lingering, flaky),
        define_asset_job("assets_job", selection=["a1", "a2", "a3"]),
        define_asset_job("flaky_assets", selection=["steady", "shaky"]),
        define_asset_job("parts_job", selection=["by_name"], partitions_def=StaticPartitionsDefinition(["x", "y"])),
    ],
)
