"""Fill a home with what real Dagster writes: runs, events, assets, logs; print it as inspect_home.py does.

It only adds to the home it is given, and never launches anything outside this process.
"""

import argparse
import os
from pathlib import Path

from common import emit, open_instance
from inspect_home import inspect

import dagster as dg

ODD_TEXT = "naïve 日本語 🦀👩‍👩‍👧 tab\t nl\n cr\r bell\x07 esc\x1b[31m del\x7f nul\x00 ls\u2028 bs\\ quote\" bom\ufeff"
# A NUL would cut the text short in some readers of the tags table, so tags go without.
ODD_TAG = ODD_TEXT.replace("\x00", "")


@dg.op(out=dg.DynamicOut(int), tags={"kind": "source"})
def numbers(context):
    context.log.info(ODD_TEXT)
    print("numbers on stdout ✓")
    for number in range(3):
        yield dg.DynamicOutput(number, mapping_key=f"n{number}")


@dg.op
def double(context, number: int) -> int:
    context.log.warning(f"doubling {number}")
    return number * 2


@dg.op
def total(context, numbers: list[int]) -> int:
    context.log_event(dg.ExpectationResult(success=True, label="not_empty"))
    context.log.error("an error message that fails nothing")
    return sum(numbers)


@dg.job(tags={"team": "data"}, description="Three ops and a dynamic output")
def ops_succeed():
    total(numbers().map(double).collect())


@dg.op(retry_policy=dg.RetryPolicy(max_retries=1, delay=0))
def explode():
    try:
        raise KeyError("inner ✗")
    except KeyError as inner:
        raise ValueError("outer") from inner


@dg.op(ins={"after": dg.In(dg.Nothing)})
def skipped():
    pass


@dg.job
def ops_fail():
    skipped(explode())


@dg.observable_source_asset
def upstream():
    return dg.DataVersion("v1")


@dg.asset(deps=[upstream], metadata={"owner": "data"}, group_name="flow")
def raw(context):
    context.add_output_metadata(
        {
            "text": ODD_TEXT,
            "int": 7,
            "float": 0.1,
            "whole_float": 2.0,
            "tiny_float": 1e-300,
            "bool": True,
            "null": dg.MetadataValue.null(),
            "json": {"a": [1, None, {"b": "ü"}]},
            "md": dg.MetadataValue.md("# *hi*"),
            "url": dg.MetadataValue.url("http://127.0.0.1/"),
            "path": dg.MetadataValue.path("/tmp/x"),
            "notebook": dg.MetadataValue.notebook("/tmp/x.ipynb"),
            "python": dg.MetadataValue.python_artifact(dg.AssetKey),
            "run": dg.MetadataValue.dagster_run(context.run_id),
            "asset": dg.MetadataValue.asset(dg.AssetKey(["some", "asset"])),
            "timestamp": dg.MetadataValue.timestamp(1700000000.25),
            "dagster/row_count": 3,
            "table": dg.MetadataValue.table(
                [dg.TableRecord({"id": 1, "name": "é", "ratio": 0.5, "ok": False})]
            ),
            "table_schema": dg.MetadataValue.table_schema(
                dg.TableSchema([dg.TableColumn("id", "int", "the id")])
            ),
        }
    )
    return [1, 2, 3]


@dg.asset(code_version="2", kinds={"python"}, tags={"tier": "gold"})
def clean(raw):
    return [row for row in raw if row > 1]


@dg.asset(key=["reports", "final"], description="Depends on two others")
def final(context, raw, clean):
    print("final on stdout")
    return len(raw) + len(clean)


@dg.asset_check(asset=raw, blocking=True)
def raw_not_empty(raw):
    return dg.AssetCheckResult(passed=bool(raw), metadata={"rows": len(raw)})


@dg.asset_check(asset=clean)
def clean_is_small(clean):
    return dg.AssetCheckResult(
        passed=False, severity=dg.AssetCheckSeverity.WARN, description="too many"
    )


@dg.asset(partitions_def=dg.StaticPartitionsDefinition(["a", "b/ü", "c"]))
def by_letter(context):
    context.log.info(context.partition_key)


@dg.asset(partitions_def=dg.DailyPartitionsDefinition("2024-01-01"))
def by_day(context):
    context.log_event(dg.AssetObservation("by_day", partition=context.partition_key))
    return context.partition_key


definitions = dg.Definitions(
    assets=[upstream, raw, clean, final, by_letter, by_day],
    asset_checks=[raw_not_empty, clean_is_small],
    jobs=[
        ops_succeed,
        ops_fail,
        dg.define_asset_job("flow_job", [raw, clean, final]),
        dg.define_asset_job("letter_job", [by_letter]),
        dg.define_asset_job("day_job", [by_day]),
        dg.define_asset_job("observe_job", [upstream]),
    ],
)


@dg.op
def odd_values(context):
    context.log.info("half a surrogate pair: \ud83e")
    yield dg.AssetMaterialization(
        "odd",
        metadata={"nan": float("nan"), "inf": float("inf"), "minus": float("-inf"), "big": 2**70},
    )
    yield dg.Output(None)


@dg.job
def odd_job():
    odd_values()


def write(home, odd):
    os.makedirs(home, exist_ok=True)
    # Runs take their stored assets from one another, so the files stay in the home.
    io_manager = dg.FilesystemIOManager(base_dir=str(Path(home, "storage").resolve()))
    resources = {"io_manager": io_manager}
    with open_instance(home) as instance:

        def execute(name, succeeds=True, **options):
            job = odd_job if name == "odd_job" else definitions.resolve_job_def(name)
            result = job.execute_in_process(instance=instance, raise_on_error=False, **options)
            if result.success != succeeds:
                raise RuntimeError(f"{name}: success is {result.success}")

        execute("ops_succeed", tags={"who": "tester", "odd": ODD_TAG, "empty": ""})
        execute("ops_fail", succeeds=False, tags={"expected": "failure"})
        execute("flow_job", resources=resources)
        execute("flow_job", asset_selection=[dg.AssetKey("raw")], resources=resources)
        execute("letter_job", partition_key="a", resources=resources)
        execute("letter_job", partition_key="b/ü", resources=resources)
        execute("day_job", partition_key="2024-02-03", resources=resources)
        execute("observe_job", resources=resources)
        instance.report_runless_asset_event(
            dg.AssetMaterialization("outside", metadata={"from": ODD_TEXT}, tags={"k": "v"})
        )
        instance.report_runless_asset_event(dg.AssetObservation("outside", partition="p"))
        instance.create_run_for_job(ops_succeed, tags={"state": "not started"})
        canceled = instance.create_run_for_job(ops_succeed, tags={"state": "canceled"})
        instance.report_run_canceling(canceled)
        instance.report_run_canceled(canceled)
        if odd:
            execute("odd_job")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("home", help="made if missing")
    parser.add_argument(
        "--odd",
        action="store_true",
        help="add what Dagster stores though strict JSON does not allow it: NaN, Infinity, "
        "half a surrogate pair, and an integer beyond 64 bits",
    )
    arguments = parser.parse_args()
    write(arguments.home, arguments.odd)
    emit(inspect(arguments.home))
