"""The jobs and assets that runs of ours execute; its code location is this file."""

import dagster as dg


def is_first(context):
    """Whether the run re-executes no other: what fails, fails once."""
    return context.run.parent_run_id is None


@dg.op
def extract() -> int:
    return 20


@dg.op
def transform(context, number: int) -> int:
    if context.run.tags.get("fail") and is_first(context):
        raise ValueError("as it was told to")
    return number + 1


@dg.op
def load(context, number: int):
    context.log.info(f"loaded {number}")


@dg.job(executor_def=dg.in_process_executor, tags={"team": "data"}, resource_defs={"io_manager": dg.fs_io_manager})
def pipeline():
    load(transform(extract()))


@dg.asset
def raw() -> int:
    return 1


@dg.asset
def cleaned(context, raw: int) -> int:
    if context.run.tags.get("fail") and is_first(context):
        raise ValueError("as it was told to")
    return raw + 1


@dg.asset_check(asset="cleaned")
def is_large(cleaned: int) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=cleaned > 1)


@dg.asset(partitions_def=dg.DailyPartitionsDefinition("2024-01-01", end_date="2024-02-01"))
def daily(context) -> None:
    context.log.info(f"of {context.partition_key}")


definitions = dg.Definitions(
    assets=[raw, cleaned, daily],
    asset_checks=[is_large],
    jobs=[
        pipeline,
        dg.define_asset_job("refresh", ["raw", "cleaned"], executor_def=dg.in_process_executor),
        dg.define_asset_job("daily_job", ["daily"], executor_def=dg.in_process_executor),
    ],
)
