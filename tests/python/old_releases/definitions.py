"""The user code that every old release runs, from Dagster 1.0 on. What a release does not have is left out."""

import inspect

import dagster as dg

try:
    from dagster import MultiPartitionKey, MultiPartitionsDefinition
except ImportError:
    from dagster._core.definitions.multi_dimensional_partitions import MultiPartitionKey, MultiPartitionsDefinition

ODD_TEXT = "naïve 日本語 🦀 tab\t quote\" bs\\"


def has_parameter(function, name):
    return name in inspect.signature(function).parameters


HAS_CHECKS = hasattr(dg, "asset_check")
HAS_NAMED_DYNAMIC_PARTITIONS = has_parameter(dg.DynamicPartitionsDefinition.__new__, "name")

if hasattr(dg, "AutomationCondition"):
    EAGER = {"automation_condition": dg.AutomationCondition.eager()}
elif hasattr(dg, "AutoMaterializePolicy"):
    EAGER = {"auto_materialize_policy": dg.AutoMaterializePolicy.eager()}
else:
    EAGER = {}


@dg.op(tags={"kind": "source"})
def one(context):
    context.log.info(ODD_TEXT)
    print("one on stdout")
    return 1


@dg.op
def twice(context, number: int) -> int:
    context.log.warning("twice")
    context.log_event(dg.ExpectationResult(success=True, label="small", description="it is small"))
    context.log_event(dg.AssetMaterialization("from_op", metadata={"rows": 3, "text": ODD_TEXT}))
    return number * 2


@dg.job(tags={"team": "data"}, description="Two ops")
def succeeds():
    twice(one())


@dg.op(retry_policy=dg.RetryPolicy(max_retries=1, delay=0))
def explode():
    try:
        raise KeyError("inner")
    except KeyError as inner:
        raise ValueError("outer") from inner


@dg.op(ins={"after": dg.In(dg.Nothing)})
def skipped():
    pass


@dg.job(executor_def=dg.in_process_executor)
def fails():
    skipped(explode())


@dg.op(config_schema={"letter": str})
def spell(context):
    context.log.info(context.op_config["letter"])


@dg.static_partitioned_config(["a", "b/ü", "c"])
def letters(partition_key):
    return {"ops": {"spell": {"config": {"letter": partition_key}}}}


@dg.job(config=letters)
def partitioned():
    spell()


@dg.asset(metadata={"owner": "data"}, group_name="flow")
def raw(context):
    context.log_event(dg.AssetObservation("raw", metadata={"seen": 1.5}))
    context.add_output_metadata({"rows": 3, "url": dg.MetadataValue.url("http://127.0.0.1/")})
    return [1, 2, 3]


@dg.asset(group_name="flow", **EAGER)
def clean(raw):
    return raw[1:]


@dg.asset
def broken(raw):
    raise ValueError("the asset is broken")


@dg.asset
def wiped():
    return 1


by_letter_partitions = dg.StaticPartitionsDefinition(["a", "b/ü", "c"])
by_day_partitions = dg.DailyPartitionsDefinition("2024-01-01")


@dg.asset(partitions_def=by_letter_partitions)
def by_letter(context):
    if context.run.tags.get("fail"):
        raise ValueError("the partition is broken")
    context.log.info("a letter")
    return 1


@dg.asset(partitions_def=by_day_partitions)
def by_day(context):
    return 1


grid_partitions = MultiPartitionsDefinition({"day": by_day_partitions, "letter": by_letter_partitions})


@dg.asset(partitions_def=grid_partitions)
def by_grid(context):
    return 1


# 1.0 has no assets of several dimensions in a code location, so this one is in none.
assets = [raw, clean, broken, wiped, by_letter, by_day]
asset_jobs = [
    dg.define_asset_job("raw_job", selection=["raw"]),
    dg.define_asset_job("flow_job", selection=["raw", "clean"]),
    dg.define_asset_job("broken_job", selection=["raw", "broken"]),
    dg.define_asset_job("wiped_job", selection=["wiped"]),
    dg.define_asset_job("letter_job", selection=["by_letter"], partitions_def=by_letter_partitions),
    dg.define_asset_job("day_job", selection=["by_day"], partitions_def=by_day_partitions),
]

if HAS_NAMED_DYNAMIC_PARTITIONS:
    colours = dg.DynamicPartitionsDefinition(name="colours")

    @dg.asset(partitions_def=colours)
    def by_colour(context):
        return 1

    assets.append(by_colour)
    asset_jobs.append(dg.define_asset_job("colour_job", selection=["by_colour"], partitions_def=colours))

checks = []
if HAS_CHECKS:

    @dg.asset_check(asset=raw)
    def raw_not_empty():
        # 1.5 has `success`, later releases `passed`
        name = "passed" if has_parameter(dg.AssetCheckResult.__new__, "passed") else "success"
        return dg.AssetCheckResult(**{name: True}, metadata={"rows": 3})

    @dg.asset_check(asset=clean)
    def clean_is_small():
        name = "passed" if has_parameter(dg.AssetCheckResult.__new__, "passed") else "success"
        return dg.AssetCheckResult(**{name: False}, severity=dg.AssetCheckSeverity.WARN)

    checks += [raw_not_empty, clean_is_small]


@dg.schedule(cron_schedule="0 * * * *", job=succeeds)
def hourly(context):
    moment = context.scheduled_execution_time.strftime("%H:%M")
    return dg.RunRequest(run_key=moment, tags={"by": "schedule"})


@dg.schedule(cron_schedule="0 * * * *", job=succeeds)
def hourly_skips(context):
    return dg.SkipReason("nothing to do")


@dg.schedule(cron_schedule="0 * * * *", job=succeeds, execution_timezone="Europe/Berlin")
def hourly_fails(context):
    raise ValueError("the schedule is broken")


@dg.schedule(cron_schedule="0 0 * * *", job=succeeds)
def never_started(context):
    return dg.RunRequest()


@dg.sensor(job=succeeds, minimum_interval_seconds=1)
def requests(context):
    seen = int(context.cursor or 0)
    context.update_cursor(str(seen + 1))
    if seen > 1:
        return dg.SkipReason("seen everything")
    return dg.RunRequest(run_key=f"key {seen}", tags={"by": "sensor"})


@dg.sensor(job=succeeds, minimum_interval_seconds=1)
def sensor_fails(context):
    raise ValueError("the sensor is broken")


@dg.run_failure_sensor(minimum_interval_seconds=1)
def on_failure(context):
    pass


@dg.asset_sensor(asset_key=dg.AssetKey("raw"), job=succeeds, minimum_interval_seconds=1)
def on_raw(context, event):
    return dg.RunRequest(run_key=f"raw {context.cursor}")


extra_sensors = []
if hasattr(dg, "AutomationConditionSensorDefinition"):
    # The sensor that there is by itself waits half a minute between its ticks.
    of_assets = "target" if has_parameter(dg.AutomationConditionSensorDefinition.__init__, "target") else "asset_selection"
    extra_sensors.append(
        dg.AutomationConditionSensorDefinition(
            "conditions", **{of_assets: dg.AssetSelection.all()}, minimum_interval_seconds=1
        )
    )

schedules = [hourly, hourly_skips, hourly_fails, never_started]
sensors = [requests, sensor_fails, on_failure, on_raw, *extra_sensors]


@dg.repository
def old():
    return [succeeds, fails, partitioned, *assets, *asset_jobs, *checks, *schedules, *sensors]
