"""The jobs, assets, schedules and sensors that write_corpus.py runs; its code location is this file."""

import datetime

import dagster as dg
from dagster._core.definitions.auto_materialize_rule_impls import DiscardOnMaxMaterializationsExceededRule
from dagster._core.definitions.data_version import DataVersionsByPartition
from dagster._core.definitions.decorators.hook_decorator import event_list_hook
from dagster._core.definitions.events import HookExecutionResult
from dagster._core.definitions.metadata.metadata_value import ObjectMetadataValue, PoolMetadataValue

ODD_TEXT = "naïve 日本語 🦀👩‍👩‍👧 tab\t nl\n cr\r bell\x07 esc\x1b[31m del\x7f nul\x00 ls\u2028 ps\u2029 bs\\ quote\" bom\ufeff"
ODD_TAG = ODD_TEXT.replace("\x00", "")

# Ops and jobs


@dg.op(out=dg.DynamicOut(int), tags={"kind": "source"})
def numbers(context):
    context.log.info(ODD_TEXT)
    for number in range(3):
        yield dg.DynamicOutput(number, mapping_key=f"n{number}")


@dg.op
def double(context, number: int) -> int:
    if context.has_tag("fail_mapped") and number == 1 and not context.run.parent_run_id:
        raise ValueError("one of the mapped steps")
    return number * 2


@dg.op
def total(context, numbers: list[int]) -> int:
    return sum(numbers)


@dg.job(tags={"team": "data"}, metadata={"owner": "data", "version": 3}, owners=["team:data", "someone@example.com"])
def dynamic_job():
    """Mapped over, and collected"""
    total(numbers().map(double).collect())


@dg.op(out={"taken": dg.Out(int, is_required=False), "left": dg.Out(int, is_required=False)})
def branch():
    yield dg.Output(1, "taken", metadata={"why": "always"})


@dg.op(ins={"after": dg.In(int), "extra": dg.In(dg.Nothing)})
def leaf(after):
    return after


@dg.op
def expects(context):
    yield dg.ExpectationResult(success=True, label="holds", metadata={"n": 1})
    yield dg.ExpectationResult(success=False, label="fails", description="as it should")
    yield dg.AssetMaterialization(["from", "op"], partition="p", metadata={"k": "v"})
    yield dg.AssetObservation(["from", "op"], metadata={"seen": 2.0})
    yield dg.Output(None)


@dg.graph(out={"a": dg.GraphOut(), "b": dg.GraphOut()})
def inner_graph():
    taken, left = branch()
    return {"a": leaf.alias("leaf_taken")(taken), "b": leaf.alias("leaf_left")(left)}


@dg.graph(ins={"begin": dg.GraphIn()}, out=dg.GraphOut())
def piped(begin):
    return total.alias("piped_total")(begin)


@dg.op
def ones() -> int:
    return 1


@dg.input_manager(input_config_schema={"n": dg.Field(int, default_value=1)})
def from_nowhere(context):
    return context.config["n"]


@dg.op(ins={"value": dg.In(int, input_manager_key="nowhere")})
def from_manager(value):
    pass


@dg.graph
def inputs_graph(given):
    total.alias("given_total")(given)
    from_manager()


inputs_job = inputs_graph.to_job("inputs_job", resource_defs={"nowhere": from_nowhere}, input_values={"given": [1, 2]})


@dg.job
def nested_job():
    inner_graph.alias("nest")()
    expects()
    piped([ones.alias("one")(), ones.alias("other")()])


@dg.op(retry_policy=dg.RetryPolicy(max_retries=2, delay=0.001, backoff=dg.Backoff.EXPONENTIAL, jitter=dg.Jitter.FULL))
def explode():
    try:
        try:
            raise KeyError("inner ✗")
        except KeyError as inner:
            inner.add_note("a note")
            raise ValueError("middle") from inner
    except ValueError:
        raise RuntimeError("outer, in the context of the others")


@dg.op
def fails_with_metadata():
    raise dg.Failure(
        description="told so",
        metadata={"path": dg.MetadataValue.path("/x"), "count": 3},
        allow_retries=False,
    )


@dg.op
def asks_for_retry(context):
    if context.retry_number == 0:
        raise dg.RetryRequested(max_retries=1, seconds_to_wait=0.001)


@dg.op(ins={"after": dg.In(dg.Nothing)})
def never_runs():
    pass


@dg.success_hook
def on_success(context):
    context.log.info("it went well")


@dg.failure_hook
def on_failure(context):
    context.log.warning(f"it went badly: {context.op_exception}")


@event_list_hook
def bad_hook(context, event_list):
    raise RuntimeError("a broken hook")


@event_list_hook
def skipped_hook(context, event_list):
    return HookExecutionResult("skipped_hook", is_skipped=True)


@dg.job(hooks={on_success, on_failure, bad_hook, skipped_hook})
def failing_job():
    never_runs(explode())
    fails_with_metadata()
    asks_for_retry()


def small_number(_, value):
    if value == 0:
        raise ValueError("the check itself breaks")
    return dg.TypeCheck(value < 10, "must be small", metadata={"value": value})


SmallNumber = dg.DagsterType(small_number, "SmallNumber", metadata={"most": 9}, description="0 to 9")


@dg.op(config_schema=int, out=dg.Out(SmallNumber, description="one number", metadata={"unit": "m"}))
def typed(context):
    return context.op_config


@dg.op(ins={"value": dg.In(SmallNumber, metadata={"unit": "m"}, default_value=3)})
def takes_typed(value):
    pass


@dg.op
def takes_input(value: int):
    pass


@dg.job
def typed_job():
    takes_typed(typed())
    takes_typed.alias("defaulted")()
    takes_input()


@dg.resource(config_schema={"url": dg.Field(str, default_value="http://127.0.0.1", description="where")})
def connection(context):
    yield context.resource_config["url"]


@dg.resource
def broken_resource():
    raise ConnectionError("nobody there")


@dg.resource
def broken_teardown():
    yield 1
    raise RuntimeError("cannot close")


class Pythonic(dg.ConfigurableResource):
    url: str
    retries: int = 3


class OpConfig(dg.Config):
    name: str = "x"
    limit: int | None = None


@dg.op(required_resource_keys={"connection", "teardown"}, pool="slow")
def uses_resources(context):
    context.log.debug(context.resources.connection)


@dg.op(pool="slow")
def uses_pythonic(context, config: OpConfig, pythonic: Pythonic):
    context.log.debug(f"{config.name} {pythonic.url}")


@dg.job(resource_defs={"connection": connection, "teardown": broken_teardown, "pythonic": Pythonic(url=dg.EnvVar("CORPUS_URL"))})
def resource_job():
    uses_resources()
    uses_pythonic()


@dg.op(required_resource_keys={"broken"})
def needs_broken():
    pass


@dg.job(resource_defs={"broken": broken_resource})
def broken_resource_job():
    needs_broken()


EVERY_SCHEMA = {
    "color": dg.Field(dg.Enum("Color", [dg.EnumValue("RED", description="red"), dg.EnumValue("BLUE")]), default_value="RED"),
    "choice": dg.Selector({"left": int, "right": dg.Field(str, description="a way")}),
    "open": dg.Permissive({"known": int}),
    "map": dg.Map(str, dg.Array(float), key_label_name="name"),
    "maybe": dg.Noneable(int),
    "any": dg.Field(dg.Any, is_required=False),
    "union": dg.Field(dg.ScalarUnion(scalar_type=int, non_scalar_schema={"n": int})),
    "source": dg.Field(dg.StringSource, is_secret=True, description="a secret"),
    "sources": dg.Field({"i": dg.IntSource, "b": dg.BoolSource}),
    "shape": dg.Field(dg.Shape({"deep": {"er": bool}}, field_aliases={"deep": "d"}), is_required=False),
    "list": dg.Field([{"x": float}], default_value=[{"x": 0.5}, {"x": 1e-7}]),
    "ünïcode": dg.Field(str, default_value=ODD_TAG),
}
EVERY_CONFIG = {
    "color": "BLUE",
    "choice": {"right": "🦀"},
    "open": {"known": 1, "unknown": {"a": [1, 2.5, None, 2**70, 1e300, -0.0]}},
    "map": {"a": [1.0, 1e16], "ключ": []},
    "maybe": None,
    "any": [{"b": "\u2028"}],
    "union": {"n": 3},
    "source": "s3cr3t",
    "sources": {"i": 1, "b": {"env": "CORPUS_BOOL"}},
}


@dg.op(config_schema=EVERY_SCHEMA, description="Every kind of configuration")
def configured(context):
    context.log.info(sorted(context.op_config))


@dg.logger(config_schema={"name": str}, description="A logger")
def quiet_logger(context):
    import logging

    return logging.getLogger(context.logger_config["name"])


@dg.job(logger_defs={"quiet": quiet_logger})
def configured_job():
    configured()


@dg.job(config={"ops": {"typed": {"config": 4}}}, partitions_def=dg.StaticPartitionsDefinition(["one", "two", "ü/3"]))
def partitioned_job():
    typed()


@dg.op
def logs(context):
    for level in ("debug", "info", "warning", "error", "critical"):
        getattr(context.log, level)(f"{level}: {ODD_TEXT}")
    try:
        raise ValueError("logged")
    except ValueError:
        context.log.exception("with a traceback")
    dg.get_dagster_logger("mine").info("through my own logger")
    print("on stdout ✓")


@dg.job
def logging_job():
    logs()


@dg.op
def quick(context):
    context.log.info(context.run.tags.get("dagster/run_key", "none"))


@dg.job
def quick_job():
    quick()


@dg.op
def fails_once(context, number: int):
    if not context.run.parent_run_id:
        raise ValueError("the first time")
    return number


@dg.job
def reexecuted_job():
    total.alias("sum")([fails_once(ones())])


@dg.op(pool="slow", tags={"dagster/priority": "3"})
def pooled():
    return 1


@dg.job(tags={"dagster/priority": "-1"})
def pooled_job():
    pooled()
    pooled.alias("again")()
    quick()


# Assets


def every_metadata():
    schema = dg.TableSchema(
        [
            dg.TableColumn("id", "int", "the id", dg.TableColumnConstraints(nullable=False, unique=True, other=["> 0"]), tags={"pii": ""}),
            dg.TableColumn("name"),
        ],
        dg.TableConstraints(["at most 10 rows"]),
    )
    value = dg.MetadataValue
    return {
        "text": ODD_TEXT,
        "int": 7,
        "floats": {"json": [0.1, 1e-7, 1e16, 1e300, -0.0, 5e-324, 123456789012345680.0]},
        "float": 1e-7,
        "whole": 1e16,
        "huge": 1e300,
        "minus_zero": -0.0,
        "bool": True,
        "null": value.null(),
        "json": {"a": [1, None, {"b": "ü"}], "z": {}, "A": True},
        "md": value.md("# *hi*"),
        "url": value.url("http://127.0.0.1/?a=1&b=<>"),
        "path": value.path("/tmp/x"),
        "notebook": value.notebook("/tmp/x.ipynb"),
        "python": value.python_artifact(dg.AssetKey),
        "run": value.dagster_run("b6a3…"),
        "job": value.job("quick_job", "corpus", repository_name="__repository__"),
        "asset": value.asset(dg.AssetKey(["some", "asset"])),
        "timestamp": value.timestamp(1700000000.25),
        "pool": PoolMetadataValue("slow"),
        "dagster/row_count": 3,
        "table": value.table([dg.TableRecord({"id": 1, "name": "é", "ratio": 0.5, "ok": False})]),
        "table_with_schema": value.table([dg.TableRecord({"id": 1, "name": "n"})], schema),
        "dagster/column_schema": value.table_schema(schema),
        "dagster/column_lineage": value.column_lineage(
            dg.TableColumnLineage({"id": [dg.TableColumnDep(dg.AssetKey("up"), "key")], "name": []})
        ),
        "dagster/code_references": dg.CodeReferencesMetadataValue(
            code_references=[
                dg.LocalFileCodeReference(file_path="/a.py", line_number=3, label="here"),
                dg.UrlCodeReference(url="http://127.0.0.1/a.py", label=None),
            ]
        ),
        "object": ObjectMetadataValue("Unserializable"),
    }


@dg.observable_source_asset(automation_condition=dg.AutomationCondition.on_cron("* * * * *"))
def upstream():
    return dg.DataVersion("v1")


@dg.asset(
    deps=[upstream],
    group_name="flow",
    owners=["team:data", "someone@example.com"],
    kinds={"python", "sql"},
    tags={"tier": "gold", "empty": ""},
    code_version="2",
    metadata={"dagster/relation_identifier": "db.s.raw"},
    automation_condition=dg.AutomationCondition.eager(),
)
def raw(context):
    context.add_output_metadata(every_metadata())
    return [1, 2, 3]


@dg.asset(automation_condition=dg.AutomationCondition.on_missing().with_label("labelled ü"))
def clean(raw):
    return [row for row in raw if row > 1]


CUSTOM = (
    (
        dg.AutomationCondition.any_deps_match(
            dg.AutomationCondition.newly_updated() | dg.AutomationCondition.will_be_requested()
        ).ignore(dg.AssetSelection.groups("flow"))
        | dg.AutomationCondition.code_version_changed()
        | dg.AutomationCondition.data_version_changed()
        | dg.AutomationCondition.cron_tick_passed("* * * * *", "Europe/Berlin").since_last_handled()
    )
    & ~dg.AutomationCondition.in_progress()
    & ~dg.AutomationCondition.execution_failed()
    & ~dg.AutomationCondition.any_deps_missing()
    & dg.AutomationCondition.all_deps_match(~dg.AutomationCondition.missing()).allow(dg.AssetSelection.all())
).with_label("custom")


@dg.asset(key=["reports", "final"], automation_condition=CUSTOM)
def final(context, raw, clean):
    return len(raw) + len(clean)


@dg.asset(
    partitions_def=dg.DailyPartitionsDefinition("2024-01-01", end_offset=1, timezone="Europe/Berlin"),
    automation_condition=dg.AutomationCondition.on_missing(),
)
def auto_daily(context):
    pass


@dg.asset(
    partitions_def=dg.StaticPartitionsDefinition(["a", "b/ü", "c"]),
    automation_condition=dg.AutomationCondition.missing() & dg.AutomationCondition.all_deps_updated_since_cron("@daily"),
)
def auto_letter(context, auto_source):
    pass


@dg.asset(partitions_def=dg.StaticPartitionsDefinition(["a", "b/ü", "c"]))
def auto_source(context):
    return {}


@dg.asset(auto_materialize_policy=dg.AutoMaterializePolicy.eager(max_materializations_per_minute=None), deps=[raw, auto_source])
def auto_legacy():
    pass


LETTERS = dg.StaticPartitionsDefinition(["a", "b/ü", "c"])
DAYS = dg.DailyPartitionsDefinition("2024-01-01", end_date="2024-02-01")
NAMES = dg.DynamicPartitionsDefinition(name="names")
GRID = dg.MultiPartitionsDefinition({"day": DAYS, "letter": LETTERS})
PARTITIONS = {
    "by_letter": LETTERS,
    "by_day": DAYS,
    "by_hour": dg.HourlyPartitionsDefinition("2024-01-01-00:00", timezone="America/New_York", minute_offset=30),
    "by_week": dg.WeeklyPartitionsDefinition("2024-01-07", day_offset=1),
    "by_month": dg.MonthlyPartitionsDefinition("2024-01-01", end_offset=1),
    "by_cron": dg.TimeWindowPartitionsDefinition(
        start="2024-01-01", cron_schedule="0 */6 * * 1-5", fmt="%Y-%m-%d", exclusions=["0 0 1 * *", datetime.datetime(2024, 1, 4)]
    ),
    "by_name": NAMES,
    "by_grid": GRID,
    "by_grid_named": dg.MultiPartitionsDefinition({"name": NAMES, "day": DAYS}),
}


def partitioned_asset(name, definition, policy=None, **options):
    @dg.asset(name=name, partitions_def=definition, backfill_policy=policy, **options)
    def compute(context):
        context.log.info(f"{context.partition_keys}")
        if "fail" in context.run.tags:
            raise ValueError("a partition fails")
        context.add_output_metadata({"keys": len(context.partition_keys)})

    return compute


partitioned = [partitioned_asset(name, definition) for name, definition in PARTITIONS.items()]
ranged = partitioned_asset("ranged", DAYS, dg.BackfillPolicy.single_run())
ranged_child = partitioned_asset("ranged_child", DAYS, dg.BackfillPolicy.multi_run(7), deps=["ranged", "unpartitioned_root"])
ranged_letters = partitioned_asset("ranged_letters", LETTERS, dg.BackfillPolicy.single_run())


@dg.asset
def unpartitioned_root():
    return dg.MaterializeResult(metadata={"rows": 5}, data_version=dg.DataVersion("given"), tags={"k": "v"})


@dg.observable_source_asset(partitions_def=LETTERS)
def watched():
    return DataVersionsByPartition({"a": "1", "b/ü": "2"})


@dg.asset(ins={"one": dg.AssetIn("by_day", partition_mapping=dg.TimeWindowPartitionMapping(start_offset=-1))}, partitions_def=DAYS)
def mapped(one):
    pass


@dg.multi_asset(
    specs=[
        dg.AssetSpec("part_one", skippable=True, description="one", kinds={"dbt"}, code_version="1"),
        dg.AssetSpec(["part", "two"], deps=["part_one"], skippable=True, group_name="multi"),
    ],
    check_specs=[dg.AssetCheckSpec("inside", asset="part_one")],
    can_subset=True,
)
def parts(context):
    for key in context.op_execution_context.selected_asset_keys:
        yield dg.MaterializeResult(asset_key=key)
    if context.op_execution_context.selected_asset_check_keys:
        yield dg.AssetCheckResult(passed=True, check_name="inside", asset_key="part_one")


@dg.asset(deps=["unpartitioned_root"])
def fails_to_materialize():
    raise dg.Failure("not today", metadata={"day": "Monday"})


@dg.asset(deps=[fails_to_materialize])
def downstream_of_failure():
    pass


@dg.asset(retry_policy=dg.RetryPolicy(max_retries=1))
def fails_and_retries():
    raise ValueError("again")


@dg.graph_asset
def from_graph():
    return total(numbers().map(double).collect())


@dg.asset_check(asset=raw, blocking=True, description="blocks", metadata={"m": 1})
def raw_not_empty(raw):
    return dg.AssetCheckResult(passed=bool(raw), metadata=every_metadata())


@dg.asset_check(asset=clean, automation_condition=dg.AutomationCondition.eager())
def clean_is_small(clean):
    return dg.AssetCheckResult(passed=False, severity=dg.AssetCheckSeverity.WARN, description="too many 🦀")


@dg.asset_check(asset=clean)
def clean_breaks(clean):
    raise ValueError("the check breaks")


@dg.multi_asset_check(specs=[dg.AssetCheckSpec("first", asset="unpartitioned_root"), dg.AssetCheckSpec("second", asset="unpartitioned_root", blocking=True)])
def several():
    yield dg.AssetCheckResult(passed=True, asset_key="unpartitioned_root", check_name="first")
    yield dg.AssetCheckResult(passed=False, asset_key="unpartitioned_root", check_name="second", severity=dg.AssetCheckSeverity.ERROR)


@dg.asset_check(asset="by_letter", partitions_def=LETTERS)
def letter_check(context):
    return dg.AssetCheckResult(passed=True)


@dg.asset(freshness_policy=dg.FreshnessPolicy.time_window(fail_window=datetime.timedelta(hours=24), warn_window=datetime.timedelta(hours=12)))
def fresh_by_window():
    pass


@dg.asset(freshness_policy=dg.FreshnessPolicy.cron("0 9 * * *", lower_bound_delta=datetime.timedelta(hours=1), timezone="Europe/Berlin"))
def fresh_by_cron():
    pass


@dg.asset
def odd_numbers():
    return dg.MaterializeResult(
        metadata={
            "nan": float("nan"),
            "inf": float("inf"),
            "minus": float("-inf"),
            "big": 2**70,
            "in_json": {"nan": float("nan"), "big": -(2**80)},
            "half": "half a surrogate pair: \ud83e",
        }
    )


def every_selection():
    selection, keys = dg.AssetSelection, dg.AssetSelection.assets("raw", "clean")
    parsed = [
        "key:*ra*", 'tag:"tier"="gold"', "kind:sql", "group:\"f*\"", "column:id",
        'column_tag:"pii"="x"', "table_name:t", "code_location:c", "status:healthy", "changed_in_branch:any",
        "job:j", "sensor:s", "schedule:s", "partitions:p", "automation_type:a", "is:external",
    ]  # fmt: skip
    yield from (
        selection.all(), selection.all_asset_checks(), keys, keys.downstream(2), keys.upstream(include_self=False),
        keys.sinks(), keys.roots(), keys.required_multi_asset_neighbors(), keys.materializable(),
        keys.upstream_source_assets(), selection.groups("flow"), selection.key_prefixes(["a", "b"]),
        selection.key_substring("x"), selection.tag("k", "v"), selection.kind(None), selection.owner("team:data"),
        selection.checks(raw_not_empty), selection.checks_for_assets(raw), keys | selection.groups("g"),
        keys & selection.all(), keys - selection.groups("g"),
    )  # fmt: skip
    for text in parsed:
        yield selection.from_string(text)


def every_condition():
    condition, rule = dg.AutomationCondition, dg.AutoMaterializeRule
    yield from (
        condition.eager(), condition.on_cron("@daily", "Europe/Berlin"), condition.on_missing().with_label("labelled ü"),
        condition.asset_matches("raw", condition.missing()), condition.any_checks_match(condition.check_passed()),
        condition.all_checks_match(condition.check_failed(), blocking_only=True), condition.run_in_progress(),
        condition.backfill_in_progress(), condition.execution_failed(), condition.in_progress(),
        condition.in_latest_time_window(datetime.timedelta(days=1, seconds=2, microseconds=3)),
        condition.executed_with_root_target(), condition.executed_with_tags(tag_keys={"b", "a"}, tag_values={"k": "v"}),
        condition.all_new_updates_have_run_tags(tag_keys={"b", "a"}), condition.any_new_update_has_run_tags(tag_values={"k": "v"}),
        condition.newly_requested(), condition.code_version_changed(), condition.data_version_changed(),
        condition.freshness_passed(), condition.freshness_warned(), condition.freshness_failed(), condition.any_downstream_conditions(),
        condition.missing().since(condition.newly_updated()), condition.initial_evaluation().newly_true(),
    )  # fmt: skip
    for rule_made in (
        rule.materialize_on_required_for_freshness(), rule.materialize_on_cron("@daily", all_partitions=True),
        rule.materialize_on_parent_updated(dg.AutoMaterializeAssetPartitionsFilter({"t": "v"})), rule.materialize_on_missing(),
        rule.skip_on_parent_missing(), rule.skip_on_parent_outdated(), rule.skip_on_not_all_parents_updated(),
        rule.skip_on_not_all_parents_updated_since_cron("@daily"), rule.skip_on_required_but_nonexistent_parents(),
        rule.skip_on_backfill_in_progress(True), rule.skip_on_run_in_progress(),
        DiscardOnMaxMaterializationsExceededRule(3),
    ):  # fmt: skip
        yield rule_made.to_asset_condition()
    for selection in every_selection():
        yield condition.any_deps_match(condition.missing()).allow(selection)
        yield condition.all_deps_match(condition.missing()).ignore(selection)


def conditioned_job():
    """Its snapshot holds every condition and selection; the daemons never evaluate it."""
    first, *others = every_condition()
    for index, other in enumerate(others):
        first = first | other if index % 2 else first & other
    condition = dg.AutomationCondition.any_job_root_assets_match(
        first
    ) & dg.AutomationCondition.all_job_root_assets_match(~dg.AutomationCondition.missing())
    job = dg.define_asset_job("conditioned_job", [unpartitioned_root], automation_condition=condition)
    return dg.Definitions(assets=[unpartitioned_root], jobs=[job]).resolve_job_def("conditioned_job")


# Schedules and sensors


@dg.schedule(job=quick_job, cron_schedule="* * * * *", execution_timezone="Europe/Berlin")
def requests_schedule(context):
    yield dg.RunRequest(run_key="one", tags={"odd": ODD_TAG}, run_config={"loggers": {}})
    yield dg.RunRequest(run_key="two")


@dg.schedule(job=quick_job, cron_schedule=["* * * * *", "0 0 * * 1"])
def skips_schedule(context):
    context.log.info("nothing to do")
    return dg.SkipReason("nothing: " + ODD_TEXT)


@dg.schedule(job=quick_job, cron_schedule="* * * * *")
def fails_schedule(context):
    raise ValueError("schedule ✗") from KeyError("cause")


@dg.schedule(target=[unpartitioned_root], cron_schedule="@daily")
def daily_target(context):
    return dg.RunRequest()


partition_schedule = dg.build_schedule_from_partitioned_job(dg.define_asset_job("day_job", ["by_day"], partitions_def=DAYS))


@dg.sensor(job=quick_job, minimum_interval_seconds=1)
def requests_sensor(context):
    context.update_cursor(f"{int(context.cursor or 0) + 1}")
    context.log.info("asked")
    yield dg.RunRequest(run_key=f"key-{context.cursor}", tags={"s": "t"})


@dg.sensor(job=quick_job, minimum_interval_seconds=1)
def skips_sensor(context):
    return dg.SensorResult(skip_reason="no: " + ODD_TEXT, cursor='{"json": [1, "é"]}')


@dg.sensor(job=quick_job, minimum_interval_seconds=1)
def fails_sensor(context):
    raise dg.Failure("sensor ✗", metadata={"a": 1})


@dg.sensor(asset_selection=["by_name"], minimum_interval_seconds=1)
def partitions_sensor(context):
    return dg.SensorResult(
        run_requests=[dg.RunRequest(partition_key="ü2")],
        dynamic_partitions_requests=[NAMES.build_add_request(["ü1", "ü2", "three"]), NAMES.build_delete_request(["three", "none"])],
    )


@dg.sensor(asset_selection=["outside", "by_letter"], minimum_interval_seconds=1)
def events_sensor(context):
    return dg.SensorResult(
        asset_events=[
            dg.AssetMaterialization("outside", metadata={"n": 1}),
            dg.AssetObservation("outside"),
            dg.AssetCheckEvaluation(asset_key=dg.AssetKey("outside"), check_name="c", passed=True, metadata={}),
        ],
        run_requests=[
            dg.RunRequest(asset_selection=[dg.AssetKey("by_letter")], partition_key="a", asset_check_keys=[letter_check.check_key]),
        ],
    )


@dg.asset_sensor(asset_key=dg.AssetKey("outside"), job=quick_job, minimum_interval_seconds=1)
def one_asset_sensor(context, event):
    return dg.RunRequest(run_key=context.cursor, stale_assets_only=False)


@dg.multi_asset_sensor(monitored_assets=[dg.AssetKey("outside"), dg.AssetKey("by_letter")], job=quick_job, minimum_interval_seconds=1)
def many_asset_sensor(context):
    context.advance_all_cursors()
    return dg.SkipReason("seen")


@dg.run_status_sensor(run_status=dg.DagsterRunStatus.SUCCESS, request_job=quick_job, monitored_jobs=[logging_job], minimum_interval_seconds=1)
def reacts_sensor(context):
    return dg.RunRequest(run_key=context.dagster_run.run_id)


@dg.run_failure_sensor(monitored_jobs=[failing_job], minimum_interval_seconds=1)
def reacts_badly(context):
    raise ValueError("reaction ✗")


@dg.run_status_sensor(run_status=dg.DagsterRunStatus.STARTED, monitored_jobs=[logging_job], minimum_interval_seconds=1)
def reacts_quietly(context):
    context.log.info(context.dagster_run.job_name)


automation = ["upstream", "raw", "clean", "reports/final", "auto_daily", "auto_letter", "auto_source", "auto_legacy"]
automation_selection = dg.AssetSelection.assets(*[key.split("/") for key in automation])
automation_sensor = dg.AutomationConditionSensorDefinition(
    "automation", target=automation_selection | dg.AssetSelection.checks(clean_is_small), minimum_interval_seconds=1
)
user_code_automation = dg.AutomationConditionSensorDefinition(
    "user_code_automation", target=dg.AssetSelection.assets("user_code_auto"), use_user_code_server=True, minimum_interval_seconds=1
)


class MyCondition(dg.AutomationCondition):
    def evaluate(self, context):
        return dg.AutomationResult(context, context.candidate_subset, cursor="mine")


@dg.asset(automation_condition=MyCondition() & dg.AutomationCondition.newly_missing().newly_true())
def user_code_auto():
    pass


SENSORS = [
    requests_sensor, skips_sensor, fails_sensor, partitions_sensor, events_sensor, one_asset_sensor,
    many_asset_sensor, reacts_sensor, reacts_badly, reacts_quietly, automation_sensor, user_code_automation,
]  # fmt: skip
SCHEDULES = [requests_schedule, skips_schedule, fails_schedule, daily_target, partition_schedule]
JOBS = [
    dynamic_job, nested_job, failing_job, typed_job, resource_job, broken_resource_job, configured_job,
    partitioned_job, logging_job, quick_job, reexecuted_job, pooled_job,
]  # fmt: skip

defs = dg.Definitions(
    assets=[
        upstream, raw, clean, final, auto_daily, auto_letter, auto_source, auto_legacy, *partitioned, ranged, ranged_child,
        ranged_letters, unpartitioned_root, watched, mapped, parts, fails_to_materialize, downstream_of_failure,
        fails_and_retries, from_graph, fresh_by_window, fresh_by_cron, odd_numbers, user_code_auto,
    ],
    asset_checks=[raw_not_empty, clean_is_small, clean_breaks, several, letter_check],
    jobs=[
        *JOBS,
        dg.define_asset_job("flow_job", [raw, clean, final]),
        dg.define_asset_job("everything_job", dg.AssetSelection.groups("default", "multi") - dg.AssetSelection.assets(*automation_selection.selected_keys)
            - dg.AssetSelection.assets(*PARTITIONS, "ranged", "ranged_child", "ranged_letters", "mapped", "watched")),
        dg.define_asset_job("range_job", ["ranged"], config={}, tags={"t": "v"}),
    ],
    schedules=SCHEDULES,
    sensors=SENSORS,
    executor=dg.in_process_executor,
)  # fmt: skip
