"""Fill homes with bodies of as many serialised classes as real Dagster stores, and count the classes.

It runs the jobs and assets of corpus_definitions.py, drives the daemons over its code location, and
stores through the instance what only a deployment of Dagster would write. Nothing listens; all runs
are in this process, but for one through the multiprocess executor. The homes:

executed    runs in process, partitions, re-executions, selections, wipes, cached status
daemons     schedules, sensors, automation, freshness, backfills, through the real daemons
queued      runs through the queue, pools with limits
stored      runs, events, backfills, ticks, heartbeats stored by hand in every state
odd         NaN, infinities, integers beyond 64 bits, halves of surrogate pairs

It prints {"homes": [...], "counts": {class: bodies' objects of it}}, enums as "Class.MEMBER" included.

In "stored" some bodies are of kinds that this Dagster can store but does not write by itself: failures
to materialise (the instance drops them; they go straight to the event storage), health and alert
events, wipes of partitions (SQL storage refuses to wipe them), and the cursors of older asset daemons.

Not to be had from open-source Dagster's SQLite tables: records of freshness and health (only their
events are stored), snapshots of repositories, schedules, sensors and assets (sent, never stored),
arguments and replies of code servers, and rules' evaluations of before 1.9 (read, never written).
"""

import argparse
import contextlib
import datetime
import json
import logging
import os
import shutil
import sys
import tempfile
import time
import warnings
from collections import Counter
from pathlib import Path

from common import emit, open_instance
from extract_bodies import bodies_of, is_sqlite
from speed import make_engines_once, read_revisions_once

warnings.simplefilter("ignore")
os.environ.update(CORPUS_URL="http://127.0.0.1/corpus", CORPUS_BOOL="true")

import corpus_definitions as corpus
import dagster as dg
from dagster._core.asset_graph_view.serializable_entity_subset import SerializableEntitySubset
from dagster._core.definitions.asset_health.asset_health import AssetHealthStatus
from dagster._core.definitions.events import (
    AssetLineageInfo,
    AssetMaterializationFailure,
    AssetMaterializationFailureReason,
    AssetMaterializationFailureType,
)
from dagster._core.definitions.observe import observe
from dagster._core.definitions.freshness import (
    FreshnessState,
    FreshnessStateChange,
    FreshnessStateEvaluation,
)
from dagster._core.events import (
    AssetFailedToMaterializeData,
    AssetHealthChangedData,
    AssetWipedData,
    CodeLocationUpdatedData,
    DagsterEvent,
    DagsterEventType,
    EngineEventData,
    JobCanceledData,
    JobFailureData,
    ObjectStoreOperationResultData,
    RunFailureReason,
    StepMaterializationData,
)
from dagster._core.events.log import EventLogEntry
from dagster._core.execution.backfill import BulkActionStatus, PartitionBackfill
from dagster._core.execution.plan.objects import ErrorSource, StepFailureData, UserFailureData
from dagster._core.storage.compute_log_manager import LogRetrievalShellCommand
from dagster._core.storage.dagster_run import DagsterRun, DagsterRunStatus, RunOpConcurrency
from dagster._core.storage.partition_status_cache import get_and_update_asset_status_cache_value
from dagster._core.test_utils import freeze_time
from dagster._daemon.monitoring import RESUME_RUN_LOG_MESSAGE
from dagster._daemon.types import DaemonHeartbeat
from dagster._utils.error import serializable_error_info_from_exc_info

NOW = datetime.datetime(2024, 6, 3, 9, 0, 30, 123456, tzinfo=datetime.timezone.utc)
IN_PROCESS = {"execution": {"config": {"in_process": {}}}}
SYNC_LAUNCHER = {
    "run_launcher": {
        "module": "dagster._core.launcher.sync_in_memory_run_launcher",
        "class": "SyncInMemoryRunLauncher",
    }
}
SYNC_COORDINATOR = {
    "run_coordinator": {
        "module": "dagster._core.run_coordinator.sync_in_memory_run_coordinator",
        "class": "SyncInMemoryRunCoordinator",
    }
}


def step(name, function, *arguments, **options):
    began = time.monotonic()
    result = function(*arguments, **options)
    print(f"{time.monotonic() - began:7.2f} s  {name}", file=sys.stderr)
    return result


def error(depth=2):
    try:
        try:
            raise KeyError("cause ✗ \u2028")
        except KeyError as cause:
            raise ValueError("outer\n\t\x1b[31m'\"\\") from cause
    except ValueError:
        info = serializable_error_info_from_exc_info(sys.exc_info())
    for _ in range(depth):
        info = info._replace(context=info._replace(context=None))
    return info


def recon(name):
    return dg.reconstructable(getattr(corpus, name))


# Home: executed


def execute(instance):
    def run(job, succeeds=True, **options):
        result = job.execute_in_process(instance=instance, raise_on_error=False, **options)
        if result.success != succeeds:
            raise RuntimeError(f"{job.name}: success is {result.success}")
        return result

    job = corpus.defs.resolve_job_def
    run(corpus.dynamic_job, tags={"who": "tester", "odd": corpus.ODD_TAG, "empty": ""})
    run(corpus.nested_job)
    run(corpus.nested_job, op_selection=["nest.branch"])
    run(corpus.failing_job, succeeds=False)
    for number in (4, 50, 0):
        ops = {"typed": {"config": number}, "takes_input": {"inputs": {"value": 5}}}
        run(corpus.typed_job, succeeds=number == 4, run_config={"ops": ops})
    run(corpus.inputs_job)
    run(corpus.conditioned_job())
    run(corpus.resource_job)
    run(corpus.broken_resource_job, succeeds=False)
    run(
        corpus.configured_job,
        run_config={
            "ops": {"configured": {"config": corpus.EVERY_CONFIG}},
            "loggers": {"quiet": {"config": {"name": "q"}}},
        },
    )
    run(corpus.partitioned_job, partition_key="ü/3")
    run(corpus.logging_job)
    run(corpus.pooled_job)
    run(job("flow_job"), succeeds=False)
    run(job("flow_job"), False, asset_selection=[dg.AssetKey("raw"), dg.AssetKey("clean")])
    run(job("everything_job"), succeeds=False)
    run(job("everything_job"), asset_selection=[dg.AssetKey("part_one")])

    for parent, name, options in (
        (None, "reexecuted_job", {}),
        (None, "dynamic_job", {"tags": {"fail_mapped": "1"}}),
    ):
        with dg.execute_job(recon(name), instance, run_config=IN_PROCESS, **options) as failed:
            parent = failed.run_id
        reexecution = dg.ReexecutionOptions.from_failure(parent, instance)
        with dg.execute_job(
            recon(name), instance, run_config=IN_PROCESS, reexecution_options=reexecution, **options
        ) as again:
            if not again.success:
                raise RuntimeError(f"{name} fails again")
        some = dg.ReexecutionOptions(parent_run_id=parent, step_selection=["ones"])
        if name == "reexecuted_job":
            dg.execute_job(recon(name), instance, run_config=IN_PROCESS, reexecution_options=some)
    with dg.execute_job(recon("logging_job"), instance):
        pass  # through the multiprocess executor


def partitions(instance):
    instance.add_dynamic_partitions("names", ["ü1", "two"])
    instance.add_dynamic_partitions("nümbers", [f"{number} ☃" for number in range(12)])
    instance.delete_dynamic_partition("nümbers", "3 ☃")
    instance.add_dynamic_partitions("nümbers", ["3 ☃"])
    keys = {
        "by_letter": ["a", "b/ü"],
        "by_day": ["2024-01-01", "2024-01-02", "2024-01-10"],
        "by_hour": ["2024-01-01-00:30", "2024-03-10-03:30", "2024-11-03-01:30"],
        "by_week": ["2024-01-08"],
        "by_month": ["2024-01-01"],
        "by_cron": ["2024-01-02"],
        "by_name": ["ü1"],
        "by_grid": ["2024-01-01|a", "2024-01-02|b/ü"],
        "by_grid_named": ["2024-01-01|two"],
    }
    assets = {next(iter(asset.keys)).path[-1]: asset for asset in corpus.partitioned}

    def run(asset, **options):
        return dg.materialize([asset], instance=instance, raise_on_error=False, **options)

    for name, partition_keys in keys.items():
        for key in partition_keys:
            run(assets[name], partition_key=key)
    run(assets["by_day"], partition_key="2024-01-20", tags={"fail": "yes"})
    run(assets["by_letter"], partition_key="c", tags={"fail": "yes"})
    both = ("dagster/asset_partition_range_start", "dagster/asset_partition_range_end")
    run(corpus.ranged, tags=dict(zip(both, ("2024-01-03", "2024-01-09"))))
    run(corpus.ranged_letters, tags=dict(zip(both, ("a", "b/ü"))))
    observe([corpus.watched, corpus.upstream], instance=instance)
    dg.materialize([assets["by_letter"], corpus.letter_check], instance=instance, partition_key="a")
    with contextlib.suppress(Exception):
        planned = corpus.defs.resolve_job_def("day_job")
        instance.create_run_for_job(planned, tags={"dagster/partition": "2024-01-25"})


def runless(instance):
    outside = dg.AssetKey(["outside", corpus.ODD_TAG[:40]])
    report = instance.report_runless_asset_event
    report(dg.AssetMaterialization(outside, "d", corpus.every_metadata(), tags={"k": "v"}))
    report(dg.AssetObservation("outside", partition="p", metadata=corpus.every_metadata()))
    for partition in (None, "a"):
        report(
            dg.AssetCheckEvaluation(
                asset_key=dg.AssetKey("outside"),
                check_name="c",
                passed=False,
                severity=dg.AssetCheckSeverity.WARN,
                metadata=dg._core.definitions.metadata.normalize_metadata(corpus.every_metadata()),
                description="from outside",
                blocking=True,
                partition=partition,
            )
        )
    for name, definition in corpus.PARTITIONS.items():
        get_and_update_asset_status_cache_value(instance, dg.AssetKey(name), definition)
    report(dg.AssetMaterialization("wiped"))
    instance.wipe_assets([dg.AssetKey("wiped"), dg.AssetKey("raw")])


# Home: daemons


def definitions_file():
    return str(Path(corpus.__file__).resolve())


def loadable(**options):
    from dagster._core.types.loadable_target_origin import LoadableTargetOrigin

    return LoadableTargetOrigin(executable_path=sys.executable, **options)


@contextlib.contextmanager
def workspace(instance):
    from dagster._core.remote_origin import InProcessCodeLocationOrigin
    from dagster._core.test_utils import (
        InProcessTestWorkspaceLoadTarget,
        create_test_daemon_workspace_context,
    )

    origin = InProcessCodeLocationOrigin(
        loadable(
            python_file=definitions_file(),
            attribute="defs",
            working_directory=os.path.dirname(definitions_file()),
        ),
        location_name="corpus",
        container_image="image:latest",
    )
    target = InProcessTestWorkspaceLoadTarget(origin)
    with create_test_daemon_workspace_context(target, instance) as context:
        yield context


def remote_repository(context):
    location = context.create_request_context().get_code_location("corpus")
    return next(iter(location.get_repositories().values()))


def logger(name):
    return logging.getLogger(f"dagster.daemon.{name}")


def sensors(context):
    from dagster._core.test_utils import SingleThreadPoolExecutor, wait_for_futures
    from dagster._daemon.asset_daemon import AssetDaemon
    from dagster._daemon.sensor import execute_sensor_iteration

    instance = context.instance
    for sensor in remote_repository(context).get_sensors():
        with freeze_time(NOW):
            instance.start_sensor(sensor)
    with SingleThreadPoolExecutor() as pool:
        for tick in range(4):
            with freeze_time(NOW + datetime.timedelta(seconds=60 * (tick + 1))):
                if tick == 1:
                    corpus.logging_job.execute_in_process(instance=instance)
                    report = instance.report_runless_asset_event
                    report(dg.AssetMaterialization("raw", tags={"dagster/data_version": "new"}))
                    report(dg.AssetMaterialization("auto_source", partition="a"))
                    report(dg.AssetMaterialization("outside"))
                futures, asset_futures = {}, {}
                list(
                    execute_sensor_iteration(
                        context,
                        logger("SensorDaemon"),
                        threadpool_executor=pool,
                        submit_threadpool_executor=None,
                        sensor_tick_futures=futures,
                    )
                )
                wait_for_futures(futures)
                AssetDaemon(settings={}, pre_sensor_interval_seconds=0)._run_iteration_impl(
                    context,
                    threadpool_executor=pool,
                    amp_tick_futures=asset_futures,
                    debug_crash_flags={},
                )
                wait_for_futures(asset_futures)
    instance.stop_sensor(
        remote_repository(context).get_sensors()[0].get_remote_origin_id(),
        remote_repository(context).get_sensors()[0].selector_id,
        remote_repository(context).get_sensors()[0],
    )


def schedules(context):
    from dagster._core.test_utils import SingleThreadPoolExecutor, wait_for_futures
    from dagster._scheduler.scheduler import launch_scheduled_runs

    instance = context.instance
    with freeze_time(NOW):
        for schedule in remote_repository(context).get_schedules():
            instance.start_schedule(schedule)
    times = {}
    with SingleThreadPoolExecutor() as pool:
        for minutes in (1, 2, 24 * 60):
            now = NOW + datetime.timedelta(minutes=minutes)
            with freeze_time(now):
                futures = {}
                list(
                    launch_scheduled_runs(
                        context,
                        logger("SchedulerDaemon"),
                        now,
                        iteration_times=times,
                        threadpool_executor=pool,
                        submit_threadpool_executor=None,
                        scheduler_run_futures=futures,
                        max_catchup_runs=1,
                        max_tick_retries=1,
                    )
                )
                times.update(wait_for_futures(futures))


def backfills(context):
    from dagster._daemon.backfill import execute_backfill_iteration

    instance = context.instance
    graph = context.create_request_context().asset_graph
    stamp = NOW.timestamp()
    partition_set = next(
        found
        for found in remote_repository(context).get_partition_sets()
        if found.job_name == "partitioned_job"
    )

    def job_backfill(backfill_id, **options):
        instance.add_backfill(
            PartitionBackfill(
                backfill_id=backfill_id,
                status=BulkActionStatus.REQUESTED,
                from_failure=False,
                tags={"b": "ü"},
                backfill_timestamp=stamp,
                partition_set_origin=partition_set.get_remote_origin(),
                **options,
            )
        )

    job_backfill("job", partition_names=["one", "ü/3"], title="a title", description=corpus.ODD_TAG)
    job_backfill("broken", partition_names=["no such partition"])
    job_backfill("steps", partition_names=["two"], reexecution_steps=["typed"])

    def asset_backfill(backfill_id, keys, names=None, **options):
        from dagster._core.definitions.partitions.context import partition_loading_context

        with partition_loading_context(NOW, instance):
            backfill = PartitionBackfill.from_asset_partitions(
                backfill_id=backfill_id,
                asset_graph=graph,
                partition_names=names,
                asset_selection=[dg.AssetKey(key) for key in keys],
                backfill_timestamp=stamp,
                tags={},
                dynamic_partitions_store=instance,
                all_partitions=names is None,
                title=None,
                description=None,
                run_config=None,
                **options,
            )
        instance.add_backfill(backfill)

    days = [f"2024-01-{day:02}" for day in (1, 2, 3, 9, 20)]
    with freeze_time(NOW):
        asset_backfill("letters", ["by_letter"])
        asset_backfill("mixed", ["unpartitioned_root", "ranged", "ranged_child"], days)
        asset_backfill("grid", ["by_grid"], ["2024-01-01|a", "2024-01-02|c"])
        asset_backfill("canceled", ["by_day"], days)
        asset_backfill("fails", ["by_day"], days[:1])
        instance.update_backfill(instance.get_backfill("fails")._replace(tags={"fail": "yes"}))
        canceled = instance.get_backfill("canceled")
        instance.update_backfill(canceled.with_status(BulkActionStatus.CANCELING))
        asset_backfill("stays", ["by_week"])
        for _ in range(6):
            list(execute_backfill_iteration(context, logger("BackfillDaemon")))
        asset_backfill("begun", ["ranged", "ranged_child"], days)
        begun = instance.get_backfill("begun")
        instance.update_backfill(
            begun._replace(
                asset_backfill_data=None,
                serialized_asset_backfill_data=begun.asset_backfill_data.serialize(
                    dynamic_partitions_store=instance, asset_graph=graph
                ),
            )
        )


def freshness(context):
    from dagster._daemon.freshness import FreshnessDaemon

    report = context.instance.report_runless_asset_event
    for hours in (0, 13, 30):
        with freeze_time(NOW + datetime.timedelta(hours=hours)):
            if not hours:
                report(dg.AssetMaterialization("fresh_by_window"))
                report(dg.AssetMaterialization("fresh_by_cron"))
            list(FreshnessDaemon().run_iteration(context))


def daemon_runs(context):
    """Whole daemons, for the heartbeats and cursors they leave."""
    from dagster._core.execution.plan.resume_retry import ReexecutionStrategy

    request = context.create_request_context()
    location = request.get_code_location("corpus")
    job = remote_repository(context).get_full_job("reexecuted_job")
    with dg.execute_job(recon("reexecuted_job"), context.instance, run_config=IN_PROCESS) as failed:
        parent = context.instance.get_run_by_id(failed.run_id)
    run = context.instance.create_reexecuted_run(
        request_context=request,
        parent_run=parent,
        code_location=location,
        remote_job=job,
        strategy=ReexecutionStrategy.FROM_FAILURE,
        extra_tags={"again": "1"},
        run_config={},
    )
    context.instance.submit_run(run.run_id, request)


# Home: queued


def queue(context):
    from dagster._daemon.run_coordinator.queued_run_coordinator_daemon import (
        QueuedRunCoordinatorDaemon,
    )

    instance = context.instance
    instance.event_log_storage.set_concurrency_slots("slow", 1)
    instance.event_log_storage.set_concurrency_slots("ü pool", 0)
    request = context.create_request_context()
    location = request.get_code_location("corpus")
    repository = remote_repository(context)

    def enqueue(name, **options):
        from dagster._core.definitions.selector import JobSubsetSelector

        selector = JobSubsetSelector(
            location_name="corpus",
            repository_name=repository.name,
            job_name=name,
            op_selection=options.pop("op_selection", None),
            asset_selection=options.pop("asset_selection", None),
        )
        job = location.get_job(selector)
        plan = location.get_execution_plan(job, {}, step_keys_to_execute=None, known_state=None, instance=instance)
        run = instance.create_run(
            job_name=name,
            run_id=None,
            run_config={},
            status=None,
            tags=options.get("tags", {}),
            root_run_id=None,
            parent_run_id=None,
            step_keys_to_execute=None,
            execution_plan_snapshot=plan.execution_plan_snapshot,
            job_snapshot=job.job_snapshot,
            parent_job_snapshot=job.parent_job_snapshot,
            asset_selection=selector.asset_selection and set(selector.asset_selection),
            asset_check_selection=None,
            resolved_op_selection=job.resolved_op_selection,
            op_selection=selector.op_selection,
            remote_job_origin=job.get_remote_origin(),
            job_code_origin=job.get_python_origin(),
            asset_graph=request.asset_graph,
        )
        return instance.submit_run(run.run_id, request)

    enqueue("pooled_job", tags={"dagster/priority": "7"})
    enqueue("quick_job", tags={"dagster/partition": "p"})
    enqueue("dynamic_job", op_selection=["numbers", "double"])
    enqueue("flow_job", asset_selection=[dg.AssetKey("raw"), dg.AssetKey("clean")])
    with QueuedRunCoordinatorDaemon(interval_seconds=1) as daemon:
        for _ in range(2):
            list(daemon.run_iteration(context))
    enqueue("pooled_job", tags={"dagster/priority": "0"})
    canceled = enqueue("quick_job")
    instance.run_coordinator.cancel_run(canceled.run_id)
    instance.event_log_storage.claim_concurrency_slot("ü pool", canceled.run_id, "pooled")


# Home: stored


def origins():
    from dagster._core.code_pointer import (
        AutoloadDefsModuleCodePointer,
        CustomPointer,
        FileCodePointer,
        ModuleCodePointer,
        PackageCodePointer,
    )
    from dagster._core.origin import JobPythonOrigin, RepositoryPythonOrigin
    from dagster._core.remote_origin import (
        GrpcServerCodeLocationOrigin,
        InProcessCodeLocationOrigin,
        ManagedGrpcPythonEnvCodeLocationOrigin,
        RegisteredCodeLocationOrigin,
        RemoteJobOrigin,
        RemoteRepositoryOrigin,
    )

    targets = [
        loadable(python_file="/code/é.py", working_directory="/code", attribute="defs"),
        loadable(module_name="code.defs"),
        loadable(package_name="code"),
        loadable(autoload_defs_module_name="code.all"),
    ]
    locations = [
        *[ManagedGrpcPythonEnvCodeLocationOrigin(target, f"managed {n}") for n, target in enumerate(targets)],
        InProcessCodeLocationOrigin(
            targets[1], "image", ["dagster", "x"], {"k8s": {"env": ["A=ü"], "n": 1.0}}, location_name="here"
        ),
        GrpcServerCodeLocationOrigin(host="localhost", port=4000),
        GrpcServerCodeLocationOrigin(host="h", socket="/s", location_name="s", use_ssl=True, additional_metadata={"a": [1]}),
        RegisteredCodeLocationOrigin("registered"),
    ]  # fmt: skip
    module = ModuleCodePointer("m", "f", None)
    pointers = [
        FileCodePointer("/code/é.py", "defs", "/code"),
        module,
        PackageCodePointer("p", "a", "/code"),
        CustomPointer(module, ["a", [1]], [["k", {"v": None}]]),
        AutoloadDefsModuleCodePointer(module="m", working_directory=None),
    ]
    for index, location in enumerate(locations):
        code = RepositoryPythonOrigin(
            "/usr/bin/python", pointers[index % 5], "image" if index % 2 else None, ["dagster"], {"c": {}}
        )
        remote = RemoteRepositoryOrigin(location, "repo ü")
        yield remote, RemoteJobOrigin(remote, "stored_job"), JobPythonOrigin("stored_job", code)


def stored_runs(instance):
    from dagster._core.definitions.partitions.snap import PartitionsSnap
    from dagster._core.definitions.partitions.subset import KeyRangesPartitionsSubset

    error_info = error()
    run_ids = iter(f"00000000-0000-4000-8000-{n:012}" for n in range(1000))

    def add(**options):
        run = DagsterRun(job_name="stored_job", run_id=next(run_ids), **options)
        return instance.add_run(run)

    _, remote, _ = next(origins())
    for status in DagsterRunStatus:
        add(status=status, tags={"is": status.value}, remote_job_origin=remote)
    for _, remote, code in origins():
        add(
            remote_job_origin=remote,
            job_code_origin=code,
            op_selection=["a*", "b"],
            resolved_op_selection={"b", "a", "ü"},
            asset_selection=frozenset({dg.AssetKey(["x", "y"]), dg.AssetKey("ü/z")}),
            asset_check_selection=frozenset({dg.AssetCheckKey(dg.AssetKey("x"), "check")}),
            step_keys_to_execute=["a", "b[?]"],
            has_repository_load_data=True,
            run_op_concurrency=RunOpConcurrency(
                root_key_counts={"pool": 2},
                has_unconstrained_root_nodes=True,
                all_pools={"pool", "other"},
            ),
            run_config=corpus.EVERY_CONFIG,
            root_run_id="00000000-0000-4000-8000-000000000001",
            parent_run_id="00000000-0000-4000-8000-000000000002",
        )
    for name, definition in corpus.PARTITIONS.items():
        key_range = dg.PartitionKeyRange("a", "b/ü")
        subset = KeyRangesPartitionsSubset(
            key_ranges=[key_range], partitions_snap=PartitionsSnap.from_def(definition)
        )
        add(partitions_subset=subset, tags={"of": name})
    weeks = corpus.PARTITIONS["by_week"].subset_with_partition_keys(["2024-01-08"])
    add(partitions_subset=weeks.to_serializable_subset())
    deep = {"floats": [1e-7, 1e16, 1e22, 0.1 + 0.2, 5e-324, 1.7976931348623157e308, 100.0, 2**53 + 0.0]}
    for depth in range(30):
        deep = {f"level {depth} \u2029 \x00": [deep, depth, None, {}, []]}
    add(run_config=deep, asset_check_selection=frozenset())
    instance.register_managed_run("managed", next(run_ids), {}, None, None, {"m": "1"}, None, None, None, None, None)

    step_failure = DagsterEvent(
        event_type_value="STEP_FAILURE",
        job_name="stored_job",
        step_key="a",
        event_specific_data=StepFailureData(error_info, None),
        message="failed",
    )
    for reason in RunFailureReason:
        first = step_failure if reason == RunFailureReason.STEP_FAILURE else None
        instance.report_run_failed(add(), "failed", JobFailureData(error_info, reason, first))
    for source in ErrorSource:
        failure = StepFailureData(error_info, UserFailureData("l", None, {}), source)
        event = step_failure._replace(event_specific_data=failure)
        instance.report_dagster_event(event, next(run_ids))
    plan = instance.get_execution_plan_snapshot(
        instance.create_run_for_job(
            corpus.quick_job, repository_load_data=repository_load_data()
        ).execution_plan_snapshot_id
    )
    if plan.repository_load_data is None:
        raise RuntimeError("the plan lost its load data")
    canceled = add(status=DagsterRunStatus.STARTED)
    instance.report_run_canceling(canceled)
    instance.report_run_canceled(canceled)
    return add(status=DagsterRunStatus.STARTED)


def repository_load_data():
    from dagster._core.definitions.assets.definition.cacheable_assets_definition import AssetsDefinitionCacheableData
    from dagster._core.definitions.metadata.metadata_value import (
        CodeLocationReconstructionMetadataValue,
    )
    from dagster._core.definitions.repository_definition import RepositoryLoadData

    cacheable = AssetsDefinitionCacheableData(
        keys_by_input_name={"i": dg.AssetKey("a")},
        keys_by_output_name={"o": dg.AssetKey("b")},
        internal_asset_deps={"o": {dg.AssetKey("a")}},
        group_name="g",
        metadata_by_output_name={"o": {"k": dg.MetadataValue.text("v")}},
        backfill_policy=dg.BackfillPolicy.multi_run(3),
    )
    return RepositoryLoadData(
        {"loader": [cacheable]},
        {"k": CodeLocationReconstructionMetadataValue("v")},
        defs_state(),
        "here",
    )


def defs_state():
    from dagster_shared.serdes.objects.models.defs_state_info import DefsKeyStateInfo, DefsStateInfo

    return DefsStateInfo(
        info_mapping={"k": DefsKeyStateInfo(version="v1", create_timestamp=1.5), "none": None}
    )


def stored_events(instance, run):
    from dagster._core.definitions.metadata import normalize_metadata
    from dagster._core.events import AssetMaterializationPlannedData, ComputeLogsCaptureData

    error_info, metadata = error(), normalize_metadata(corpus.every_metadata())
    key = dg.AssetKey(["stored", "ü"])
    types = DagsterEventType
    failures = [
        AssetFailedToMaterializeData(
            AssetMaterializationFailure(key, kind, reason, "why", metadata, "p", {"t": "v"}, True), error_info, location, location
        )
        for kind, reason, location in zip(
            list(AssetMaterializationFailureType) * 2, AssetMaterializationFailureReason, [None, "l"] * 2
        )
    ]  # fmt: skip
    events = [
        (types.ENGINE_EVENT, EngineEventData(metadata, error_info, "begin", "end")),
        (types.OBJECT_STORE_OPERATION, ObjectStoreOperationResultData("SET_OBJECT", "v", metadata, "/a", "1", "m")),
        (types.ASSET_HEALTH_CHANGED, AssetHealthChangedData(asset_key=key, previous_health_state=AssetHealthStatus.HEALTHY, new_health_state=AssetHealthStatus.DEGRADED)),
        (types.ASSET_WIPED, AssetWipedData(asset_key=key, partition_keys=["a"])),
        (types.CODE_LOCATION_UPDATED, CodeLocationUpdatedData(code_location_name="l", new_version_key="k")),
        *[(types.ASSET_FAILED_TO_MATERIALIZE, failure) for failure in failures],
        (types.ASSET_MATERIALIZATION, StepMaterializationData(dg.AssetMaterialization(key), [AssetLineageInfo(key, {"a", "b"})])),
        (types.ASSET_MATERIALIZATION_PLANNED, AssetMaterializationPlannedData(key, partitions_subset=corpus.LETTERS.subset_with_partition_keys(["a"]))),
        (types.LOGS_CAPTURED, ComputeLogsCaptureData("f", ["a"], None, "http://127.0.0.1/o", "http://127.0.0.1/e", LogRetrievalShellCommand(stdout="cat o", stderr="cat e"))),
        (types.LOGS_CAPTURED, ComputeLogsCaptureData("f", ["a"], "http://127.0.0.1/ü")),
        (types.STEP_RESTARTED, None), (types.ALERT_START, None), (types.ALERT_SUCCESS, None), (types.ALERT_FAILURE, None),
        (types.RUN_SUSPENDED, None), (types.RUN_RESUMED, None), (types.HOOK_SKIPPED, None),
        (types.RUN_CANCELED, JobCanceledData(error_info)),
    ]  # fmt: skip
    for event_type, data in events:
        event = DagsterEvent(
            event_type_value=event_type.value,
            job_name=run.job_name,
            message=corpus.ODD_TEXT,
            event_specific_data=data,
            step_key="a" if event_type in (types.STEP_RESTARTED,) else None,
            logging_tags={"a": corpus.ODD_TEXT},
        )
        instance.report_dagster_event(event, run.run_id)
        if event_type == types.ASSET_FAILED_TO_MATERIALIZE:
            # the instance drops these, the storage does not
            stored = EventLogEntry(None, 20, "", run.run_id, 1e9, None, run.job_name, event)
            instance.event_log_storage.store_event(stored)
    entry = EventLogEntry(error_info, 40, "a half: \ud83e and \udc00", run.run_id, 1e9, None, None, None)
    instance.store_event(entry)
    instance.store_event(entry._replace(level=20, timestamp=1700000000.1, error_info=None))
    for _ in range(2):
        instance.report_engine_event(RESUME_RUN_LOG_MESSAGE, run)
    for state in FreshnessState:
        instance.report_runless_asset_event(FreshnessStateEvaluation(key=key, freshness_state=state))
    instance.report_runless_asset_event(
        FreshnessStateChange(key=key, previous_state=FreshnessState.PASS, new_state=FreshnessState.FAIL, state_change_timestamp=1.5)
    )  # fmt: skip


def stored_bulk_actions(instance):
    from dagster._core.definitions.assets.graph.asset_graph_subset import AssetGraphSubset
    from dagster._core.definitions.partitions.context import partition_loading_context
    from dagster._core.definitions.partitions.subset import AllPartitionsSubset
    from dagster._core.execution.asset_backfill import AssetBackfillData
    from dagster._core.remote_origin import RemotePartitionSetOrigin

    repository = next(origins())[0]
    with partition_loading_context(NOW, instance) as loading:
        subsets = {
            dg.AssetKey("by_letter"): corpus.LETTERS.subset_with_partition_keys(["c", "a"]),
            dg.AssetKey("by_day"): corpus.DAYS.subset_with_partition_keys(["2024-01-01", "2024-01-02", "2024-01-09"]),
            dg.AssetKey("by_hour"): corpus.PARTITIONS["by_hour"].subset_with_partition_keys(["2024-03-10-03:30"]),
            dg.AssetKey("by_cron"): corpus.PARTITIONS["by_cron"].empty_subset(),
            dg.AssetKey("by_grid"): corpus.GRID.subset_with_partition_keys(["2024-01-01|a"]),
            dg.AssetKey("all"): AllPartitionsSubset(corpus.DAYS, loading),
        }  # fmt: skip
        target = AssetGraphSubset(subsets, {dg.AssetKey(["un", "partitioned"]), dg.AssetKey("b")})
        data = AssetBackfillData(
            target_subset=target,
            requested_runs_for_target_roots=True,
            latest_storage_id=12,
            materialized_subset=AssetGraphSubset(),
            requested_subset=target,
            failed_and_downstream_subset=AssetGraphSubset({}, {dg.AssetKey("b")}),
            backfill_start_time=dg._core.definitions.timestamp.TimestampWithTimezone(NOW.timestamp(), "UTC"),
        )
        request = dg.RunRequest(
            run_key="k",
            run_config={"a": 1},
            tags={"t": "v"},
            job_name="j",
            asset_selection=[dg.AssetKey("a")],
            partition_key="p",
            asset_check_keys=[dg.AssetCheckKey(dg.AssetKey("a"), "c")],
        )
        for status in BulkActionStatus:
            common = {"status": status, "tags": {"s": status.value}, "backfill_timestamp": NOW.timestamp()}
            instance.add_backfill(
                PartitionBackfill(
                    backfill_id=f"assets-{status.value}",
                    from_failure=False,
                    asset_selection=[*subsets],
                    asset_backfill_data=data,
                    submitting_run_requests=[request, dg.RunRequest(asset_graph_subset=target)],
                    reserved_run_ids=["r1", "r2"],
                    failure_count=2,
                    backfill_end_timestamp=NOW.timestamp() + 1,
                    error=error(),
                    run_config={"a": {"ü": 1e-7}},
                    **common,
                )
            )
            instance.add_backfill(
                PartitionBackfill(
                    backfill_id=f"job-{status.value}",
                    from_failure=True,
                    partition_set_origin=RemotePartitionSetOrigin(repository_origin=repository, partition_set_name="set"),
                    partition_names=["a", "b"],
                    last_submitted_partition_name="a",
                    reexecution_steps=["s"],
                    title="t",
                    description="d",
                    **common,
                )
            )  # fmt: skip


def stored_instigators(instance):
    from dagster._core.definitions.run_request import InstigatorType
    from dagster._core.definitions.sensor_definition import SensorType
    from dagster._core.remote_origin import RemoteInstigatorOrigin
    from dagster._core.scheduler.instigation import (
        DynamicPartitionsRequestResult,
        InstigatorState,
        InstigatorStatus,
        ScheduleInstigatorData,
        SensorInstigatorData,
        TickData,
        TickStatus,
    )

    kinds = [
        (InstigatorType.SCHEDULE, ScheduleInstigatorData("* * * * *", 1.5, 2.0)),
        (InstigatorType.SCHEDULE, ScheduleInstigatorData(["0 0 * * *", "@daily"])),
        *[
            (InstigatorType.SENSOR, SensorInstigatorData(1.0, "key", 30, corpus.ODD_TEXT, 2.0, 3.0, kind, 4.0))
            for kind in SensorType
        ],
        (InstigatorType.SENSOR, None),
        (InstigatorType.AUTO_MATERIALIZE, None),
    ]  # fmt: skip
    statuses = [*InstigatorStatus]
    repositories = [repository for repository, _, _ in origins()]
    for index, (kind, data) in enumerate(kinds):
        origin = RemoteInstigatorOrigin(repositories[index % len(repositories)], f"instigator {index}")
        selector_id = origin.get_selector().get_id()
        if kind != InstigatorType.AUTO_MATERIALIZE:
            state = InstigatorState(origin, kind, statuses[index % len(statuses)], data)
            instance.add_instigator_state(state)
        for number, status in enumerate(TickStatus):
            failed = status == TickStatus.FAILURE
            # Of ticks of the same time, Dagster leaves the order to the database.
            timestamp = 1700000000.5 + index + number / 8
            instance.create_tick(
                TickData(
                    origin.get_id(), origin.instigator_name, kind, status, timestamp,
                    run_ids=["r"], run_keys=["k"], error=error() if failed else None,
                    skip_reason=corpus.ODD_TEXT if status == TickStatus.SKIPPED else None, cursor="c",
                    origin_run_ids=["o"], failure_count=int(failed), selector_id=selector_id,
                    log_key=["a", "b"], end_timestamp=None if status == TickStatus.STARTED else 1700000001.0,
                    dynamic_partitions_request_results=[
                        DynamicPartitionsRequestResult("n", ["a"], None, ["b"]),
                        DynamicPartitionsRequestResult("n", None, ["a"], []),
                    ],
                    run_requests=[dg.RunRequest(run_key="k", asset_selection=[dg.AssetKey("a")])],
                    auto_materialize_evaluation_id=3, reserved_run_ids=["x"], consecutive_failure_count=2,
                    user_interrupted=index == 1,
                )
            )  # fmt: skip


def stored_daemons(instance):
    from dagster._core.definitions.asset_daemon_cursor import (
        AssetDaemonCursor,
        AutomationConditionCursorExtras,
        LegacyAssetDaemonCursorWrapper,
    )
    from dagster._core.definitions.declarative_automation.serialized_objects import (
        AutomationConditionEvaluation,
        AutomationConditionEvaluationState,
        AutomationConditionNodeSnapshot,
        HistoricalAllPartitionsSubsetSentinel,
    )
    from dagster._core.definitions.run_status_sensor_definition import RunStatusSensorCursor
    from dagster._daemon.asset_daemon import (
        _PRE_SENSOR_AUTO_MATERIALIZE_CURSOR_KEY,
        asset_daemon_cursor_to_instigator_serialized_cursor,
        set_auto_materialize_paused,
    )
    from dagster._serdes import serialize_value

    for name, errors in (("SENSOR", []), ("ASSET", [error(), error(0)]), ("ü", None)):
        heartbeat = DaemonHeartbeat(NOW.timestamp(), name, None if errors else "id", errors)
        instance.add_daemon_heartbeat(heartbeat)
    node = AutomationConditionNodeSnapshot("c", "d", "id", "label", "name")
    evaluation = AutomationConditionEvaluation(
        condition_snapshot=node,
        start_timestamp=1.5,
        end_timestamp=None,
        true_subset=SerializableEntitySubset(dg.AssetKey("u"), True),
        candidate_subset=HistoricalAllPartitionsSubsetSentinel(),
        subsets_with_metadata=[],
        child_evaluations=[],
    )
    extras = AutomationConditionCursorExtras(node, {"ü": 1e-7})
    cursor = AssetDaemonCursor(
        evaluation_id=3,
        last_observe_request_timestamp_by_asset_key={dg.AssetKey("u"): 1.5},
        previous_evaluation_state=[
            AutomationConditionEvaluationState(evaluation, 2.5, 7, {"id": None, "other": "s"})
        ],
        previous_condition_cursors=[],
    )
    set_auto_materialize_paused(instance, False)
    instance.daemon_cursor_storage.set_cursor_values(
        {
            _PRE_SENSOR_AUTO_MATERIALIZE_CURSOR_KEY: serialize_value(cursor),
            "compressed": asset_daemon_cursor_to_instigator_serialized_cursor(cursor),
            "__latest_defs_state_info__": serialize_value(defs_state()),
            "extras": serialize_value(extras),
            "legacy": serialize_value(LegacyAssetDaemonCursorWrapper('{"latest_storage_id": 1}')),
            "run status": RunStatusSensorCursor(
                record_id=3, update_timestamp=NOW.isoformat()
            ).to_json(),
        }
    )


# All of it


@contextlib.contextmanager
def home(directory, name, **overrides):
    path = os.path.join(directory, name)
    os.makedirs(path, exist_ok=True)
    with open_instance(path, overrides=overrides or None) as instance:
        yield instance


def write(directory):
    """Written among the temporary files, which may be in memory, and copied when all is there."""
    with tempfile.TemporaryDirectory() as place:
        for name in write_homes(place):
            shutil.copytree(os.path.join(place, name), os.path.join(directory, name))
            yield os.path.join(directory, name)


def write_homes(directory):
    with home(directory, "executed") as instance:
        step("execute", execute, instance)
        step("partitions", partitions, instance)
        step("runless", runless, instance)
    with (
        home(directory, "daemons", **SYNC_LAUNCHER, **SYNC_COORDINATOR) as instance,
        workspace(instance) as context,
    ):
        for part in (sensors, schedules, backfills, freshness, daemon_runs):
            step(part.__name__, part, context)
    with home(directory, "queued", **SYNC_LAUNCHER) as instance, workspace(instance) as context:
        step("queue", queue, context)
    with home(directory, "stored") as instance:
        run = step("stored_runs", stored_runs, instance)
        step("stored_events", stored_events, instance, run)
        for part in (stored_bulk_actions, stored_instigators, stored_daemons):
            step(part.__name__, part, instance)
    with home(directory, "odd") as instance:
        dg.materialize([corpus.odd_numbers], instance=instance)
    return ("executed", "daemons", "queued", "stored", "odd")


def classes_of(value):
    if isinstance(value, dict):
        if "__class__" in value:
            yield value["__class__"]
        if "__enum__" in value:
            yield value["__enum__"]
        yield from (mark for mark in ("__set__", "__frozenset__", "__mapping_items__") if mark in value)
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from classes_of(item)


def count(homes):
    counts = Counter()
    for path in sorted(path for root in homes for path in Path(root).rglob("*") if path.is_file()):
        if is_sqlite(path):
            for _, _, _, _, body in bodies_of(path, Counter()):
                counts.update(classes_of(json.loads(body)))
    return dict(sorted(counts.items()))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("directory", help="the homes are made below it")
    arguments = parser.parse_args()
    read_revisions_once()
    make_engines_once()
    made = list(write(os.path.abspath(arguments.directory)))
    emit({"homes": made, "counts": count(made)})
