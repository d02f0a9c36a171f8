"""Schedules, a sensor, and assets with and without partitions; the pages of the web server show them."""

import dagster as dg

colours = dg.StaticPartitionsDefinition(["red", "green", "blue", "black"])
customers = dg.DynamicPartitionsDefinition(name="customers")


@dg.asset(partitions_def=colours)
def paint() -> None: ...


@dg.asset(partitions_def=customers)
def invoices() -> None: ...


@dg.asset
def stock() -> None: ...


@dg.asset_check(asset=stock)
def is_counted() -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=True)


paint_job = dg.define_asset_job("paint_job", [paint])
stock_job = dg.define_asset_job("stock_job", [stock])

nightly = dg.ScheduleDefinition(
    name="nightly", job=stock_job, cron_schedule="30 2 * * *", execution_timezone="Europe/Berlin"
)

# It runs until somebody stops it.
hourly = dg.ScheduleDefinition(
    name="hourly",
    job=stock_job,
    cron_schedule=["0 * * * *", "@daily"],
    default_status=dg.DefaultScheduleStatus.RUNNING,
)


@dg.sensor(job=stock_job, minimum_interval_seconds=60)
def deliveries():
    return dg.SkipReason("nothing was delivered")


definitions = dg.Definitions(
    assets=[paint, invoices, stock],
    asset_checks=[is_counted],
    jobs=[paint_job, stock_job],
    schedules=[nightly, hourly],
    sensors=[deliveries],
)
