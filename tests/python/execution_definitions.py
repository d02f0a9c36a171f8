"""The jobs and assets that runs of ours execute; its code location is this file."""

import time
from pathlib import Path

import dagster as dg
from dagster._core.execution.retries import RetryMode
from dagster._core.executor.step_delegating import CheckStepHealthResult, StepDelegatingExecutor, StepHandler


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


class Here(StepHandler):
    """Executes steps in the worker. Unlike the executors without such a handler, it goes on where the events of a run end."""

    name = "Here"

    def launch_step(self, step_handler_context):
        from dagster._cli.api import _execute_step_command_body

        context = step_handler_context
        list(_execute_step_command_body(context.execute_step_args, context.instance, context.dagster_run))
        return iter(())

    def check_step_health(self, step_handler_context):
        return CheckStepHealthResult.unhealthy("its worker is gone")

    def terminate_step(self, step_handler_context):
        return iter(())


@dg.executor(name="here", requirements=dg.multiple_process_executor_requirements())
def by_steps(_):
    return StepDelegatingExecutor(Here(), RetryMode.DISABLED, check_step_health_interval_seconds=3600)


@dg.op
def held(context, number: int) -> int:
    while not Path(context.run.tags["until"]).exists():
        time.sleep(0.05)
    return number + 1


@dg.job(executor_def=by_steps, resource_defs={"io_manager": dg.fs_io_manager})
def held_job():
    load(held(extract()))


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


def one_of_twenty(number):
    """Each asset depends on the one before."""

    @dg.asset(name=f"asset_{number}", deps=[f"asset_{number - 1}"] if number else [])
    def produce() -> None: ...

    return produce


twenty = [one_of_twenty(number) for number in range(20)]


definitions = dg.Definitions(
    assets=[raw, cleaned, daily, *twenty],
    asset_checks=[is_large],
    jobs=[
        pipeline,
        held_job,
        dg.define_asset_job("refresh", ["raw", "cleaned"], executor_def=dg.in_process_executor),
        dg.define_asset_job("daily_job", ["daily"], executor_def=dg.in_process_executor),
        dg.define_asset_job("twenty_assets", twenty, executor_def=dg.in_process_executor),
    ],
)
