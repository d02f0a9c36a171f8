"""Fill a home, or a database of Postgres, with what an old release of Dagster writes; print what was made as JSON.

    python write.py HOME [--postgres URL]

The interpreter is that of an environment with the old release (requirements-*.txt, Python 3.11). Everything happens
in this process: jobs and assets are executed, the daemons' own functions work on the code location of definitions.py,
and runs that they request stay in the queue. What a release does not have is left out: the summary's "made" says
what there was, "not made" why something was not.

No path of the machine stays in the databases: the text of the environment, of these scripts and of the home is
replaced by paths below /opt/dagster.
"""

import argparse
import contextlib
import inspect
import json
import logging
import os
import signal
import sqlite3
import sys
import tempfile
import time
import traceback
import warnings
import zlib
from collections import Counter
from datetime import datetime, timedelta, timezone
from pathlib import Path

_document = os.fdopen(os.dup(1), "w", encoding="utf-8")
os.dup2(2, 1)
os.environ["DAGSTER_DISABLE_TELEMETRY"] = "1"
signal.signal(signal.SIGINT, signal.default_int_handler)
warnings.simplefilter("ignore")
HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

import dagster as dg
import definitions
from dagster import DagsterInstance
from dagster._core.instance.ref import InstanceRef

from speed import read_revisions_once

logging.disable(logging.CRITICAL)
read_revisions_once()
RELEASE = dg.__version__
REPOSITORY = definitions.old
STARTED = time.time()

# What was made, and what was not and why.
made, not_made = Counter(), {}


@contextlib.contextmanager
def optional(name):
    """What a release may not have."""
    try:
        yield
        made[name] += 1
    except (AttributeError, ImportError, NotImplementedError) as error:
        not_made[name] = f"{type(error).__name__}: {error}"[:200]


def first(owner, *names):
    """The attribute by the first of these names, as they changed from release to release."""
    for name in names:
        if hasattr(owner, name):
            return getattr(owner, name)
    raise AttributeError(f"{type(owner).__name__} has none of {', '.join(names)}")


def call(function, *positional, **named):
    """With those named arguments that this release's function takes."""
    parameters = inspect.signature(function).parameters
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values()):
        return function(*positional, **named)
    return function(*positional, **{name: value for name, value in named.items() if name in parameters})


def open_instance(home, postgres):
    overrides = {
        "run_coordinator": {"module": "dagster._core.run_coordinator", "class": "QueuedRunCoordinator"},
    }
    if postgres:
        overrides["storage"] = {"postgres": {"postgres_url": postgres}}
    os.environ["DAGSTER_HOME"] = str(home)
    return DagsterInstance.from_ref(InstanceRef.from_dir(str(home), overrides=overrides))


def execute(instance, name, succeeds=True, **options):
    result = REPOSITORY.get_job(name).execute_in_process(instance=instance, raise_on_error=False, **options)
    if result.success is not succeeds:
        raise RuntimeError(f"{name}: success is {result.success}")
    made["runs executed"] += 1
    return result


def executed(instance):
    execute(instance, "succeeds", tags={"who": "tester", "odd": definitions.ODD_TEXT, "empty": ""})
    execute(instance, "fails", succeeds=False, tags={"expected": "failure"})
    execute(instance, "partitioned", partition_key="b/ü")
    execute(instance, "flow_job")
    execute(instance, "flow_job")
    execute(instance, "broken_job", succeeds=False)
    execute(instance, "wiped_job")
    instance.wipe_assets([dg.AssetKey("wiped")])
    for letter in ("a", "b/ü"):
        execute(instance, "letter_job", partition_key=letter)
    execute(instance, "letter_job", succeeds=False, partition_key="c", tags={"fail": "yes"})
    execute(instance, "day_job", partition_key="2024-02-03")
    in_grid = definitions.MultiPartitionKey({"day": "2024-02-03", "letter": "a"})
    dg.materialize_to_memory([definitions.by_grid], instance=instance, partition_key=in_grid)
    if definitions.HAS_NAMED_DYNAMIC_PARTITIONS:
        instance.add_dynamic_partitions("colours", ["red", "green", "blü"])
        instance.delete_dynamic_partition("colours", "green")
        execute(instance, "colour_job", partition_key="red")
        made["dynamic partitions"] += 2
    else:
        not_made["dynamic partitions"] = "this release stores none"
    if definitions.HAS_CHECKS:
        made["asset checks"] += 2
    else:
        not_made["asset checks"] = "this release has none"
    deleted = execute(instance, "succeeds")
    instance.delete_run(deleted.run_id)
    with optional("runless events"):
        instance.report_runless_asset_event(dg.AssetMaterialization("outside", metadata={"from": "nowhere"}))
        instance.report_runless_asset_event(dg.AssetObservation("outside", partition="p"))
    with optional("status cache"):
        from dagster._core.storage.partition_status_cache import get_and_update_asset_status_cache_value

        for asset in (definitions.by_letter, definitions.by_day):
            get_and_update_asset_status_cache_value(instance, asset.key, asset.partitions_def)


def by_hand(instance):
    """Runs that nobody executes."""
    create = first(instance, "create_run_for_job", "create_run_for_pipeline")
    create(definitions.succeeds, tags={"state": "not started"})
    canceled = create(definitions.succeeds, tags={"state": "canceled"})
    instance.report_run_canceling(canceled)
    instance.report_run_canceled(canceled)
    failed = create(definitions.succeeds, tags={"state": "failed"})
    instance.report_run_failed(failed, "it was not started")
    instance.add_run_tags(failed.run_id, {"added": "later"})
    made["runs by hand"] += 3


# The code location, and the daemons on it


@contextlib.contextmanager
def workspace(instance):
    """A server of its own loads definitions.py, as in a deployment."""
    from dagster._core.test_utils import create_test_daemon_workspace_context
    from dagster._core.workspace.load_target import PythonFileTarget

    target = PythonFileTarget(
        python_file=str(HERE / "definitions.py"),
        attribute="old",
        working_directory=str(HERE),
        location_name="old_location",
    )
    with create_test_daemon_workspace_context(target, instance) as context:
        yield context


def location_of(context):
    request_context = context.create_request_context()
    return first(request_context, "get_code_location", "get_repository_location")("old_location")


def repository_of(context):
    return next(iter(location_of(context).get_repositories().values()))


def moment(**later):
    now = datetime.now(timezone.utc) + timedelta(**later)
    try:
        import pendulum
    except ImportError:
        return now
    return pendulum.instance(now)


LOGGER = logging.getLogger("old_releases")


def wait(futures):
    for future in futures.values():
        future.result()


def schedules(context):
    from dagster._scheduler.scheduler import launch_scheduled_runs

    repository = repository_of(context)
    for schedule in first(repository, "get_schedules", "get_external_schedules")():
        if schedule.name != "never_started":
            context.instance.start_schedule(schedule)
            made["schedules started"] += 1
    # Each of these has a full hour within it.
    for hours in (1, 2):
        options = {"iteration_times": {}, "max_catchup_runs": 5, "max_tick_retries": 0}
        list(call(launch_scheduled_runs, context, LOGGER, moment(hours=hours), **options))


def sensors(context):
    from dagster._daemon.sensor import execute_sensor_iteration

    repository = repository_of(context)
    found = first(repository, "get_sensors", "get_external_sensors")()
    for sensor in found:
        context.instance.start_sensor(sensor)
        made["sensors started"] += 1
    for _ in range(4):
        list(call(execute_sensor_iteration, context, LOGGER, threadpool_executor=None, submit_threadpool_executor=None))
        time.sleep(1.1)
        if made["runs after sensors"] < 1:
            execute(context.instance, "flow_job")
            with optional("re-execution"):
                reexecuted(context)
            made["runs after sensors"] += 1
    stopped = next(sensor for sensor in found if sensor.name == "sensor_fails")
    call(
        context.instance.stop_sensor,
        instigator_origin_id=first(stopped, "get_remote_origin_id", "get_external_origin_id")(),
        selector_id=stopped.selector_id,
        external_sensor=stopped,
        remote_sensor=stopped,
    )


def automation(context):
    """What evaluates the conditions of assets, since 1.3."""
    from concurrent.futures import ThreadPoolExecutor

    from dagster._daemon import asset_daemon

    if not definitions.EAGER:
        raise ImportError("this release has no conditions of assets")
    with contextlib.suppress(AttributeError):
        asset_daemon.set_auto_materialize_paused(context.instance, False)
    # Nothing here is older than the sensors of conditions. The search for it takes the states of all sensors for such.
    for mark in ("set_has_migrated_to_sensors", "set_has_migrated_sensor_names"):
        with contextlib.suppress(AttributeError):
            getattr(asset_daemon, mark)(context.instance)
    daemon = call(asset_daemon.AssetDaemon, interval_seconds=0, settings={}, pre_sensor_interval_seconds=0)
    for iteration in range(2):
        if iteration:
            execute(context.instance, "raw_job")
        with ThreadPoolExecutor(1) as pool:
            futures = {}
            if hasattr(daemon, "_run_iteration_impl"):
                steps = call(
                    daemon._run_iteration_impl,
                    context,
                    debug_crash_flags={},
                    threadpool_executor=pool,
                    submit_threadpool_executor=None,
                    amp_tick_futures=futures,
                )
            else:
                steps = daemon.run_iteration(context)
            if steps is not None:
                list(steps)
            wait(futures)
        time.sleep(1.1)


def backfills(context):
    from dagster._core.execution.backfill import BulkActionStatus, PartitionBackfill
    from dagster._daemon.backfill import execute_backfill_iteration

    instance, repository = context.instance, repository_of(context)
    sets = first(repository, "get_partition_sets", "get_external_partition_sets")()
    partition_set = next(each for each in sets if first(each, "job_name", "pipeline_name") == "partitioned")
    origin = first(partition_set, "get_remote_origin", "get_external_origin")()

    def of_job(name, status=BulkActionStatus.REQUESTED, **options):
        backfill = PartitionBackfill(
            backfill_id=name,
            status=status,
            from_failure=False,
            tags={"backfill": "ü"},
            backfill_timestamp=time.time(),
            partition_set_origin=origin,
            **{"reexecution_steps": None, **options},
        )
        instance.add_backfill(backfill)
        made["backfills"] += 1
        return backfill

    of_job("job", partition_names=["a", "b/ü"])
    of_job("nothing", partition_names=["no such partition"])
    of_job("steps", partition_names=["c"], reexecution_steps=["spell"])
    with optional("backfills of assets"):
        make = first(PartitionBackfill, "from_asset_partitions")
        named = {
            "asset_graph": asset_graph(context),
            "asset_selection": [dg.AssetKey("by_letter")],
            "partition_names": ["a", "c"],
            "backfill_timestamp": time.time(),
            "tags": {"backfill": "asset"},
            "dynamic_partitions_store": instance,
            "all_partitions": False,
            "title": "a title",
            "description": "a description",
            "run_config": None,
        }
        instance.add_backfill(call(make, backfill_id="letters", **named))
        made["backfills"] += 1
    for _ in range(3):
        list(call(execute_backfill_iteration, context, LOGGER))
    canceled = of_job("canceled", partition_names=["a"])
    with_status = first(canceled, "with_status")
    instance.update_backfill(with_status(first(BulkActionStatus, "CANCELED")))
    of_job("waits", partition_names=["a", "b/ü", "c"])


def asset_graph(context):
    request_context = context.create_request_context()
    if hasattr(request_context, "asset_graph"):
        return request_context.asset_graph
    try:
        from dagster._core.definitions.external_asset_graph import ExternalAssetGraph
    except ImportError:
        from dagster._core.host_representation.external_data import ExternalAssetGraph
    return ExternalAssetGraph.from_workspace(request_context)


def reexecuted(context):
    """A run that repeats one that failed, in a process of its own, from the queue to its end."""
    try:
        from dagster._core.execution.plan.resume_retry import ReexecutionStrategy
    except ImportError:
        from dagster import ReexecutionStrategy
    instance, location, repository = context.instance, location_of(context), repository_of(context)
    parent = instance.get_runs(first(dg, "RunsFilter")(job_name="fails"), limit=1)[0]
    job = first(repository, "get_full_job", "get_full_external_job", "get_full_external_pipeline")("fails")
    run = call(
        instance.create_reexecuted_run,
        request_context=context.create_request_context(),
        parent_run=parent,
        code_location=location,
        repo_location=location,
        external_job=job,
        remote_job=job,
        external_pipeline=job,
        strategy=ReexecutionStrategy.ALL_STEPS,
        use_parent_run_tags=True,
    )
    instance.submit_run(run.run_id, context.create_request_context())
    instance.launch_run(run.run_id, context.create_request_context())
    deadline = time.time() + 120
    while not instance.get_run_by_id(run.run_id).is_finished:
        if time.time() > deadline:
            raise RuntimeError("the run that repeats another did not end")
        time.sleep(0.2)


def canceled_in_queue(context):
    instance = context.instance
    status = first(dg, "DagsterRunStatus").QUEUED
    queued = instance.get_runs(first(dg, "RunsFilter")(statuses=[status]), limit=1)
    for run in queued:
        instance.report_run_canceling(run)
        instance.report_run_canceled(run)


# What stands beside runs


def pools(instance):
    events = instance.event_log_storage
    if not getattr(events, "supports_global_concurrency_limits", False):
        not_made["pools"] = "this release has none"
        return
    run_id = instance.get_runs(limit=1)[0].run_id
    events.set_concurrency_slots("pool", 2)
    for step in ("one", "twice", "waits"):
        events.claim_concurrency_slot("pool", run_id, step)
    events.set_concurrency_slots("empty", 1)
    made["pools"] += 2


def daemons(instance):
    from dagster._daemon.types import DaemonHeartbeat
    from dagster._utils.error import SerializableErrorInfo

    for kind in ("SCHEDULER", "SENSOR", "BACKFILL", "QUEUED_RUN_COORDINATOR"):
        error = SerializableErrorInfo("the daemon is broken", ["a frame\n"], "ValueError")
        errors = [error] if kind == "SENSOR" else []
        instance.add_daemon_heartbeat(DaemonHeartbeat(time.time(), kind, f"id of {kind}", errors))
        made["heartbeats"] += 1
    with optional("cursors"):
        storage = getattr(instance, "daemon_cursor_storage", instance.run_storage)
        first(storage, "set_cursor_values", "kvs_set")({"a cursor": "its value ü"})


def fill(home, postgres):
    with open_instance(home, postgres) as instance:
        if postgres:
            # As its web server does, it keeps connections then, instead of opening one for each call.
            optimize = first(instance, "optimize_for_webserver", "optimize_for_dagit")
            call(optimize, statement_timeout=60_000, pool_recycle=3600, max_overflow=10)
        executed(instance)
        by_hand(instance)
        with workspace(instance) as context:
            schedules(context)
            sensors(context)
            with optional("automation"):
                automation(context)
            backfills(context)
            canceled_in_queue(context)
        pools(instance)
        daemons(instance)
        return {
            "runs": counted(run.status.value for run in instance.get_runs()),
            "backfills": counted(each.status.value for each in instance.get_backfills()),
            "ticks": ticks_of(instance),
        }


def counted(values):
    return dict(sorted(Counter(values).items()))


def ticks_of(instance):
    found = Counter()
    states = first(instance, "all_instigator_state")()
    for state in states:
        for tick in instance.get_ticks(state.instigator_origin_id, state.selector_id):
            found[f"{state.name} {tick.status.value}"] += 1
    return dict(sorted(found.items()))


# No path of the machine


def replacements(home):
    found = {
        str(home): "/opt/dagster/home",
        sys.prefix: "/opt/dagster/environment",
        sys.base_prefix: "/opt/python",
        str(HERE): "/opt/dagster/project",
        tempfile.gettempdir(): "/tmp",
    }
    found = {**found, **{os.path.realpath(path): new for path, new in found.items()}}
    return sorted(found.items(), key=lambda item: -len(item[0]))


def without(replaced, text):
    for path, new in replaced:
        text = text.replace(path, new)
    return text


class Sqlite:
    """The files of a home."""

    mark = "?"

    def __init__(self, path):
        self.name = path.name
        self.connection = sqlite3.connect(path, isolation_level=None)

    def execute(self, *args):
        return self.connection.execute(*args)

    def tables(self):
        query = "select name from sqlite_master where type = 'table' and name not like 'sqlite_%' order by name"
        return [name for (name,) in self.execute(query).fetchall()]

    def columns(self, table):
        return [row[1] for row in self.execute(f'pragma table_info("{table}")').fetchall()]

    def text_columns(self, table):
        types = {row[1]: row[2].upper() for row in self.execute(f'pragma table_info("{table}")').fetchall()}
        return [name for name, type_ in types.items() if "CHAR" in type_ or "TEXT" in type_]

    def close(self):
        # What was replaced would else stay on the free pages.
        self.execute("vacuum")
        self.execute("pragma wal_checkpoint(truncate)")
        self.connection.close()


class Postgres:
    mark = "%s"

    def __init__(self, url):
        import psycopg2

        self.name = "postgres"
        self.connection = psycopg2.connect(url)
        self.connection.autocommit = True

    def execute(self, *args):
        cursor = self.connection.cursor()
        cursor.execute(*args)
        return cursor

    def tables(self):
        query = "select tablename from pg_tables where schemaname = 'public' order by 1"
        return [name for (name,) in self.execute(query).fetchall()]

    def columns(self, table):
        query = "select column_name from information_schema.columns where table_name = %s order by ordinal_position"
        return [name for (name,) in self.execute(query, [table]).fetchall()]

    def text_columns(self, table):
        query = (
            "select column_name from information_schema.columns where table_name = %s "
            "and data_type in ('text', 'character varying') order by ordinal_position"
        )
        return [name for (name,) in self.execute(query, [table]).fetchall()]

    def close(self):
        self.connection.close()


def without_paths(database, replaced):
    for table in database.tables():
        for column in database.text_columns(table):
            for path, new in replaced:
                database.execute(
                    f'update "{table}" set "{column}" = replace("{column}", {database.mark}, {database.mark}) '
                    f'where "{column}" like {database.mark}',
                    [path, new, f"%{path}%"],
                )
    if "snapshots" in database.tables():
        for (body,) in database.execute("select snapshot_body from snapshots").fetchall():
            text = zlib.decompress(bytes(body)).decode()
            if any(path in text for path, _ in replaced):
                raise RuntimeError("a snapshot names a path of this machine")


def files_without_paths(home, replaced):
    for path in sorted((home / "storage").rglob("*")) if (home / "storage").is_dir() else ():
        if path.is_file():
            text = path.read_bytes()
            for old, new in replaced:
                text = text.replace(old.encode(), new.encode())
            path.write_bytes(text)


def described(database):
    tables = [table for table in database.tables() if table != "alembic_version"]
    revisions = [name for (name,) in database.execute("select version_num from alembic_version").fetchall()]
    rows = {table: database.execute(f'select count(*) from "{table}"').fetchone()[0] for table in tables}
    columns = {table: sorted(database.columns(table)) for table in tables}
    indexes = []
    if "secondary_indexes" in tables:
        query = "select name from secondary_indexes where migration_completed is not null order by 1"
        indexes = [name for (name,) in database.execute(query).fetchall()]
    return {"revisions": revisions, "migrations": indexes, "rows": rows, "columns": columns}


def databases(home, postgres):
    if postgres:
        return [Postgres(postgres)]
    history = home / "history"
    paths = [history / "runs.db", *sorted((history / "runs").iterdir()), home / "schedules" / "schedules.db"]
    return [Sqlite(path) for path in paths if path.name.endswith(".db")]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("home", type=Path)
    parser.add_argument("--postgres", metavar="URL")
    arguments = parser.parse_args()
    home = arguments.home.resolve()
    home.mkdir(parents=True, exist_ok=True)
    contents = fill(home, arguments.postgres)
    replaced = replacements(home)
    files_without_paths(home, replaced)
    found, shards = {}, Counter()
    for database in databases(home, arguments.postgres):
        without_paths(database, replaced)
        if database.name in ("runs.db", "index.db", "schedules.db", "postgres"):
            found[database.name] = described(database)
        else:
            shards["files"] += 1
            shards["events"] += described(database)["rows"]["event_logs"]
        database.close()
    summary = {
        "release": RELEASE,
        "made": dict(sorted(made.items())),
        "not made": {name: without(replaced, reason) for name, reason in sorted(not_made.items())},
        **contents,
        "shards": dict(shards),
        "databases": found,
    }
    json.dump(summary, _document, ensure_ascii=False, indent=1)
    _document.write("\n")
    _document.flush()
    print(f"{RELEASE}: {time.time() - STARTED:.1f} s", file=sys.stderr)


if __name__ == "__main__":
    try:
        main()
    except Exception:
        traceback.print_exc()
        sys.exit(1)
