"""`create_reexecuted_run` by each strategy, after runs that ended in each way that matters to it."""

from scenarios.execution import Execution
from scenarios.jobs import run_of
from scenarios.registry import STEP_KEYS, TAG_ROWS, scenario
from scenarios.run_ids import nth

from dagster import AssetCheckKey, AssetKey
from dagster._core.execution.backfill import BulkActionStatus, PartitionBackfill

ALL, FAILURE, ASSETS = "ALL_STEPS", "FROM_FAILURE", "FROM_ASSET_FAILURE"
RAW, CLEAN, FINAL = AssetKey("raw"), AssetKey("clean"), AssetKey(["reports", "final"])
RAW_HOLDS = AssetCheckKey(RAW, "raw_holds")
RAW_IS_SMALL = AssetCheckKey(RAW, "raw_is_small")
CLEAN_HOLDS = AssetCheckKey(CLEAN, "clean_holds")


def launched(r, name, **options):
    """A run of the code location's job, started."""
    return Execution(r, r.create_run(**run_of(name, remote=True, **options))).started()


def again(r, execution, strategy, **options):
    """Of the same job and selection, as the daemon and the web server ask for it."""
    run = execution.run
    selections = (run.op_selection, run.asset_selection, run.asset_check_selection)
    job = r.location.job(run.job_name, *selections)
    return r.create_reexecuted_run(run.run_id, strategy, job, **options)


def continued(r, run):
    return Execution(r, run).started()


# Of ops


@scenario("reexecution/all_steps")
def _(r):
    run = launched(r, "chain_job", tags={"team": "mine", "of": "the parent"})
    run.succeeds("first", "second", "third")
    run.succeeded()
    again(r, run, ALL)
    again(r, run, ALL, use_parent_run_tags=True)


@scenario("reexecution/all_steps_of_a_run_that_did_nothing")
def _(r):
    """A run that has not even started may be re-executed."""
    run = Execution(r, r.create_run(**run_of("chain_job", remote=True)))
    again(r, run, ALL)


@scenario("reexecution/all_steps_of_assets")
def _(r):
    run = launched(r, "flow_job")
    run.failed()
    again(r, run, ALL)


@scenario("reexecution/all_steps_of_a_selection")
def _(r):
    run = launched(r, "flow_job", asset_selection={RAW, CLEAN}, asset_check_selection={RAW_HOLDS})
    run.failed()
    again(r, run, ALL)
    run = launched(r, "chain_job", op_selection=["*second"], resolved_op_selection={"first", "second"})
    run.failed()
    again(r, run, ALL)


@scenario("reexecution/failed_step")
def _(r):
    run = launched(r, "chain_job")
    run.succeeds("first")
    run.fails("second")
    run.failed()
    again(r, run, FAILURE)


@scenario("reexecution/failed_first_step")
def _(r):
    run = launched(r, "chain_job")
    run.fails("first")
    run.failed()
    again(r, run, FAILURE)


@scenario("reexecution/skipped_steps")
def _(r):
    """Of an optional output that was not yielded: what was skipped is not retried."""
    run = launched(r, "branch_job")
    run.succeeds("branch", outputs=("taken",))
    run.succeeds("leaf_taken")
    run.skips("leaf_left", "second")
    run.fails("third")
    run.failed()
    again(r, run, FAILURE)


@scenario("reexecution/skipped_after_failure")
def _(r):
    """What was skipped is never retried, even downstream of what is."""
    run = launched(r, "chain_job")
    run.fails("first")
    run.skips("second", "third")
    run.failed()
    again(r, run, FAILURE)


@scenario("reexecution/interrupted")
def _(r):
    run = launched(r, "chain_job")
    run.succeeds("first")
    run.begins("second")
    run.failed()
    again(r, run, FAILURE)


@scenario("reexecution/canceled")
def _(r):
    run = launched(r, "chain_job")
    run.succeeds("first")
    run.begins("second")
    run.canceled()
    again(r, run, FAILURE)


@scenario("reexecution/failed_before_any_step")
def _(r):
    """All steps, given one by one."""
    run = launched(r, "chain_job")
    run.failed()
    again(r, run, FAILURE)


@scenario("reexecution/failed_without_events")
def _(r):
    """Reading what is not there makes a file for the run's events in SQLite."""
    run = r.create_run(**run_of("chain_job", remote=True, status="FAILURE"))
    again(r, Execution(r, run), FAILURE)


@scenario("reexecution/resource_init_failure")
def _(r):
    """Of a step it counts as the failure of the step, of the run it counts for nothing."""
    run = launched(r, "chain_job")
    run.succeeds("first")
    run.resources_fail("second")
    run.failed()
    again(r, run, FAILURE)
    run = launched(r, "chain_job")
    run.resources_fail()
    run.failed()
    again(r, run, FAILURE)


@scenario("reexecution/failed_and_then_succeeded_step")
def _(r):
    """Both are known of it; that it failed counts, and all downstream is executed again."""
    run = launched(r, "chain_job")
    run.fails("first")
    run.succeeds("first", "second", "third")
    run.failed()
    again(r, run, FAILURE)


@scenario("reexecution/selected_steps")
def _(r):
    """Steps that the parent was not to execute are not retried."""
    run = launched(r, "chain_job", step_keys=["first", "second"])
    run.fails("first")
    run.failed()
    again(r, run, FAILURE)


@scenario("reexecution/of_a_selection_of_ops")
def _(r):
    run = launched(r, "chain_job", op_selection=["*second"], resolved_op_selection={"first", "second"})
    run.succeeds("first")
    run.fails("second")
    run.failed()
    again(r, run, FAILURE)


@scenario("reexecution/pools", unordered=(TAG_ROWS,))
def _(r):
    run = launched(r, "pools_job")
    run.succeeds("pooled_root")
    run.fails("pooled_root_again")
    run.failed()
    again(r, run, FAILURE)


@scenario("reexecution/nothing_to_retry")
def _(r):
    run = launched(r, "chain_job")
    run.succeeds("first", "second", "third")
    run.failed()
    with r.fails("DagsterInvalidSubsetError"):
        again(r, run, FAILURE)


@scenario("reexecution/succeeded")
def _(r):
    run = launched(r, "chain_job")
    run.succeeds("first", "second", "third")
    run.succeeded()
    with r.fails("DagsterInvariantViolationError"):
        again(r, run, FAILURE)


@scenario("reexecution/still_running")
def _(r):
    run = launched(r, "chain_job")
    run.fails("first")
    with r.fails("DagsterInvariantViolationError"):
        again(r, run, FAILURE)


@scenario("reexecution/without_a_plan")
def _(r):
    run = Execution(r, launched(r, "chain_job").run)
    r.create_run("chain_job", status="FAILURE")
    job = r.location.job("chain_job")
    with r.fails("CheckError"):
        r.create_reexecuted_run(nth(2), FAILURE, job)
        r.create_reexecuted_run(nth(2), ASSETS, job)
    again(r, run, ALL)


@scenario("reexecution/of_no_run")
def _(r):
    with r.fails("ParameterCheckError"):
        r.create_reexecuted_run(nth(9), ALL, r.location.job("chain_job"))


@scenario("reexecution/plan_that_cannot_be_made")
def _(r):
    """The code location fails on the run's configuration: nothing is written."""
    config = {"ops": {"configured": {"config": {"count": 3}}}}
    run = launched(r, "config_job", run_config=config)
    run.fails("configured")
    run.failed()
    with r.fails("DagsterInvalidConfigError"):
        again(r, run, ALL, run_config={})


# Dynamic outputs


@scenario("reexecution/dynamic_mapped_step")
def _(r):
    run = launched(r, "dynamic_job")
    run.maps("numbers", "n0", "n1", "n2")
    for key in ("n0", "n2"):
        run.succeeds("double[?]", "leaf[?]", mapping_key=key)
    run.fails("double[?]", "n1")
    run.failed()
    again(r, run, FAILURE)


@scenario("reexecution/dynamic_last_mapped_step")
def _(r):
    run = launched(r, "dynamic_job")
    run.maps("numbers", "n0", "n1")
    for key in ("n0", "n1"):
        run.succeeds("double[?]", mapping_key=key)
    run.succeeds("leaf[?]", mapping_key="n0")
    run.begins("leaf[?]", "n1")
    run.failed()
    again(r, run, FAILURE)


@scenario("reexecution/dynamic_several_mapped_steps", unordered=(STEP_KEYS,))
def _(r):
    run = launched(r, "dynamic_job")
    run.maps("numbers", "n0", "n1", "n2")
    for key in ("n0", "n1", "n2"):
        run.fails("double[?]", key)
    run.failed()
    again(r, run, FAILURE)


@scenario("reexecution/dynamic_step")
def _(r):
    run = launched(r, "dynamic_job")
    run.begins("numbers")
    run.outputs("numbers", mapping_key="n0")
    run.fails("numbers")
    run.failed()
    again(r, run, FAILURE)


@scenario("reexecution/dynamic_collect")
def _(r):
    run = launched(r, "dynamic_job")
    run.maps("numbers", "n1", "n0")
    for key in ("n0", "n1"):
        run.succeeds("double[?]", "leaf[?]", mapping_key=key)
    run.fails("total")
    run.failed()
    again(r, run, FAILURE)


@scenario("reexecution/dynamic_without_outputs")
def _(r):
    run = launched(r, "dynamic_job")
    run.maps("numbers")
    run.fails("total")
    run.failed()
    again(r, run, FAILURE)
    run = launched(r, "maybe_dynamic_job")
    run.maps("maybe_numbers")
    run.skips("double[?]", mapping_key="n0")
    run.fails("total")
    run.failed()
    again(r, run, FAILURE)


@scenario("reexecution/dynamic_mapped_step_missing")
def _(r):
    """The run ended before anything that was mapped began: the first of those steps does not count as missing, the
    second does, for nothing before it began."""
    run = launched(r, "dynamic_job")
    run.maps("numbers", "n0", "n1")
    run.canceled()
    again(r, run, FAILURE)


@scenario("reexecution/dynamic_again")
def _(r):
    """The mappings are those of the grandparent."""
    run = launched(r, "dynamic_job")
    run.maps("numbers", "n0", "n1")
    run.succeeds("double[?]", "leaf[?]", mapping_key="n0")
    run.fails("double[?]", "n1")
    run.failed()
    child = continued(r, again(r, run, FAILURE))
    child.succeeds("double[n1]")
    child.fails("leaf[n1]")
    child.failed()
    again(r, child, FAILURE)


# Of re-executions


@scenario("reexecution/of_a_reexecution")
def _(r):
    run = launched(r, "chain_job")
    run.succeeds("first")
    run.fails("second")
    run.failed()
    child = continued(r, again(r, run, FAILURE))
    child.succeeds("second")
    child.fails("third")
    child.failed()
    grandchild = continued(r, again(r, child, FAILURE, use_parent_run_tags=True))
    grandchild.fails("third")
    grandchild.failed()
    again(r, grandchild, FAILURE)
    again(r, grandchild, ALL)


@scenario("reexecution/missing_grandparent")
def _(r):
    run = launched(r, "chain_job")
    run.fails("first")
    run.failed()
    child = continued(r, again(r, run, FAILURE))
    child.fails("first")
    child.failed()
    r.delete_run(run.run.run_id)
    with r.fails("DagsterRunNotFoundError"):
        again(r, child, FAILURE)
    again(r, child, ALL)


# Tags and configuration


@scenario("reexecution/extra_tags")
def _(r):
    run = launched(r, "chain_job", tags={"team": "of the parent", "only": "parent"})
    run.failed()
    extra = {"team": "extra", "dagster/parent_run_id": "not this", "dagster/retry_number": "1", "json": {"a": 1}}
    again(r, run, ALL, extra_tags=extra)
    again(r, run, ALL, extra_tags=extra, use_parent_run_tags=True)


@scenario("reexecution/parent_tags_that_are_left_out")
def _(r):
    omitted = (
        "dagster/from_automation_condition",
        "dagster/asset_evaluation_id",
        "dagster/max_retries",
        "dagster/retry_number",
        "dagster/retry_strategy",
        "dagster/retry_on_asset_or_op_failure",
        "dagster/will_retry",
        "dagster/auto_retry_run_id",
        "dagster/failure_reason",
        "dagster/is_resume_retry",
        "dagster/is_asset_resume_retry",
        "dagster/root_run_id",
        "dagster/parent_run_id",
        "dagster/run_key",
        "dagster/schedule_name",
        "dagster/sensor_name",
        "dagster/tick",
        "dagster/backfill",
        "dagster/parent_backfill_id",
        "dagster/root_backfill_id",
        ".dagster/run_worker",
        ".dagster/grpc_info",
        ".dagster/scheduled_execution_time",
        "dagster/partition",
        "dagster/priority",
        "user",
        "plain",
    )
    run = launched(r, "chain_job", tags={key: f"of the parent {number}" for number, key in enumerate(omitted)})
    run.failed()
    again(r, run, ALL, use_parent_run_tags=True)
    again(r, run, FAILURE, use_parent_run_tags=True)


def backfill(status):
    return PartitionBackfill(
        backfill_id="backfill",
        status=status,
        from_failure=False,
        tags={"of": "the backfill"},
        backfill_timestamp=1700000000.0,
        asset_selection=[RAW],
    )


BACKFILL_TAGS = {
    "dagster/backfill": "backfill",
    "dagster/root_backfill_id": "backfill",
    "dagster/parent_backfill_id": "backfill",
    "before": "and after",
}


@scenario("reexecution/backfill_that_goes_on")
def _(r):
    r.add_backfill(backfill(BulkActionStatus.REQUESTED))
    run = launched(r, "chain_job", tags=BACKFILL_TAGS)
    run.failed()
    again(r, run, ALL, use_parent_run_tags=True)
    again(r, run, ALL)
    partly = launched(r, "chain_job", tags={"dagster/backfill": "backfill"})
    again(r, partly, ALL, use_parent_run_tags=True)


@scenario("reexecution/backfill_that_is_over")
def _(r):
    r.add_backfill(backfill(BulkActionStatus.COMPLETED_FAILED))
    run = launched(r, "chain_job", tags=BACKFILL_TAGS)
    run.failed()
    again(r, run, FAILURE, use_parent_run_tags=True)


@scenario("reexecution/backfill_that_is_canceling")
def _(r):
    r.add_backfill(backfill(BulkActionStatus.CANCELING))
    run = launched(r, "chain_job", tags=BACKFILL_TAGS)
    run.failed()
    again(r, run, ALL, use_parent_run_tags=True)


@scenario("reexecution/backfill_that_is_missing")
def _(r):
    run = launched(r, "chain_job", tags=BACKFILL_TAGS)
    run.failed()
    again(r, run, ALL, use_parent_run_tags=True)


@scenario("reexecution/run_config")
def _(r):
    def config(n):
        return {"ops": {"configured": {"config": {"count": n}}}}

    run = launched(r, "config_job", run_config=config(3))
    run.fails("configured")
    run.failed()
    again(r, run, FAILURE)
    again(r, run, FAILURE, run_config=config(4))
    again(r, run, ALL, run_config=config(5))


# Of assets


@scenario("reexecution/assets_failed_step")
def _(r):
    run = launched(r, "flow_job")
    run.succeeds("raw")
    run.checks("raw_raw_holds", RAW_HOLDS, blocking=True)
    run.checks("raw_raw_is_small", RAW_IS_SMALL)
    run.fails("clean")
    run.failed()
    again(r, run, FAILURE)
    again(r, run, ASSETS)


@scenario("reexecution/assets_nothing_materialized")
def _(r):
    run = launched(r, "flow_job")
    run.fails("raw")
    run.failed()
    again(r, run, ASSETS)


@scenario("reexecution/assets_failed_blocking_check")
def _(r):
    """The asset is made again, with all its checks."""
    run = launched(r, "flow_job")
    run.succeeds("raw")
    run.checks("raw_raw_is_small", RAW_IS_SMALL)
    run.checks("raw_raw_holds", RAW_HOLDS, passed=False, blocking=True)
    run.failed()
    again(r, run, ASSETS)


@scenario("reexecution/assets_failed_check_that_does_not_block")
def _(r):
    """It was executed, and so it is not again."""
    run = launched(r, "flow_job", asset_selection={RAW}, asset_check_selection={RAW_HOLDS, RAW_IS_SMALL})
    run.succeeds("raw")
    run.checks("raw_raw_is_small", RAW_IS_SMALL, passed=False)
    run.checks("raw_raw_holds", RAW_HOLDS, blocking=True)
    run.failed()
    with r.fails("DagsterInvalidSubsetError"):
        again(r, run, ASSETS)


@scenario("reexecution/assets_check_not_executed")
def _(r):
    run = launched(r, "flow_job")
    run.succeeds("raw", "clean", "reports__final")
    run.checks("clean_clean_holds", CLEAN_HOLDS)
    run.checks("raw_raw_holds", RAW_HOLDS, blocking=True)
    run.failed()
    again(r, run, ASSETS)


@scenario("reexecution/assets_of_a_run_that_succeeded")
def _(r):
    """The status of the parent does not count."""
    run = launched(r, "flow_job", asset_selection={RAW, CLEAN}, asset_check_selection=set())
    run.succeeds("raw")
    run.succeeded()
    again(r, run, ASSETS, use_parent_run_tags=True)


@scenario("reexecution/assets_all_materialized")
def _(r):
    run = launched(r, "halves_job")
    run.succeeds("halves")
    run.failed()
    with r.fails("DagsterInvalidSubsetError"):
        again(r, run, ASSETS)


@scenario("reexecution/assets_half_of_a_multi_asset")
def _(r):
    """What its step requires is made again, even where it is there."""
    run = launched(r, "halves_job")
    run.begins("halves")
    run.materializes("halves", AssetKey("left_half"))
    run.fails("halves")
    run.failed()
    again(r, run, ASSETS)


@scenario("reexecution/assets_part_of_a_multi_asset")
def _(r):
    """That can be subset, with an asset that need not be made, and a check within."""
    run = launched(r, "palette_job")
    run.begins("palette")
    run.materializes("palette", AssetKey("green"))
    run.materializes("palette", AssetKey("red"))
    run.fails("palette")
    run.failed()
    again(r, run, ASSETS)


@scenario("reexecution/assets_of_ops")
def _(r):
    run = launched(r, "chain_job")
    run.fails("first")
    run.failed()
    with r.fails("DagsterInvalidSubsetError"):
        again(r, run, ASSETS)


@scenario("reexecution/assets_of_selected_steps")
def _(r):
    run = launched(r, "flow_job", step_keys=["raw", "clean"])
    run.succeeds("raw")
    run.failed()
    again(r, run, ASSETS)


@scenario("reexecution/assets_partitioned")
def _(r):
    tags = {"dagster/partition": "2024-01-05"}
    run = launched(r, "by_day_job", tags=tags)
    run.begins("by_day")
    run.materializes("by_day", AssetKey("by_day"), "2024-01-05")
    run.fails("by_day_too")
    run.failed()
    again(r, run, ASSETS, use_parent_run_tags=True)
    again(r, run, FAILURE, use_parent_run_tags=True)
    again(r, run, ALL)


@scenario("reexecution/assets_materialized_in_another_run")
def _(r):
    """Only what this run made counts."""
    other = launched(r, "flow_job")
    other.succeeds("raw", "clean", "reports__final")
    other.succeeded()
    run = launched(r, "flow_job", asset_selection={RAW, CLEAN}, asset_check_selection=set())
    run.succeeds("raw")
    run.failed()
    again(r, run, ASSETS)
