"""What an instance of Dagster's class says about its settings, member by member, as plain values of JSON.

Ours are made by `tests/src/configurations/members.rs`, under the same names.
"""

import math
import os
from enum import Enum

from dagster._core.definitions.run_request import InstigatorType
from dagster._record import as_dict, is_record
from dagster._serdes import serialize_value

# Properties, and methods without arguments.
PLAIN = [
    "auto_materialize_enabled",
    "auto_materialize_max_tick_retries",
    "auto_materialize_minimum_interval_seconds",
    "auto_materialize_respect_materialization_data_versions",
    "auto_materialize_run_tags",
    "auto_materialize_use_sensors",
    "cancellation_thread_poll_interval_seconds",
    "code_server_process_startup_timeout",
    "code_server_reload_timeout",
    "code_server_settings",
    "daemon_skip_heartbeats_without_errors",
    "freshness_enabled",
    "get_auto_materialize_settings",
    "get_backfill_settings",
    "get_concurrency_config",
    "get_default_graphql_run_records_limit",
    "get_python_log_dagster_handler_config",
    "get_required_daemon_types",
    "get_scheduler_settings",
    "get_sensor_settings",
    "global_op_concurrency_default_limit",
    "is_ephemeral",
    "is_persistent",
    "legacy_freshness_policy_killswitch_enabled",
    "managed_python_loggers",
    "nux_enabled",
    "python_log_level",
    "root_directory",
    "run_monitoring_cancel_timeout_seconds",
    "run_monitoring_enabled",
    "run_monitoring_max_resume_run_attempts",
    "run_monitoring_max_runtime_seconds",
    "run_monitoring_poll_interval_seconds",
    "run_monitoring_settings",
    "run_monitoring_start_timeout_seconds",
    "run_retries_enabled",
    "run_retries_max_retries",
    "run_retries_retry_on_asset_or_op_failure",
    "schedules_directory",
    "storage_directory",
    "telemetry_enabled",
    "wait_for_local_code_server_processes_on_shutdown",
]
# Parts of an instance: what each is, and where it keeps what it keeps.
PARTS = [
    "compute_log_manager",
    "defs_state_storage",
    "event_log_storage",
    "run_coordinator",
    "run_launcher",
    "run_storage",
    "schedule_storage",
    "scheduler",
]
SETTINGS = [
    "auto_materialize",
    "backfills",
    "code_servers",
    "concurrency",
    "freshness",
    "nux",
    "python_logs",
    "retention",
    "run_monitoring",
    "run_retries",
    "schedules",
    "sensors",
    "telemetry",
]


def plain(value):
    """The value as JSON has it. What JSON has no number for becomes text."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if is_record(value):
        return plain(as_dict(value))
    if hasattr(value, "_asdict"):
        return plain(value._asdict())
    if isinstance(value, dict):
        return {str(plain(key)): plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(each) for each in value]
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return str(value)


def of_postgres(found):
    """The database, in the parts of which its URL was put together, and how it is asked."""
    url = found._engine.url
    query = {key: [value] if isinstance(value, str) else list(value) for key, value in url.query.items()}
    provider = found._token_provider
    return {
        "host": url.host or None,
        "port": url.port,
        # An empty one is none for libpq.
        "username": url.username or None,
        "password": url.password or None,
        "database": url.database or None,
        "params": [[key, value] for key in sorted(query) for value in query[key]],
        "should_autocreate_tables": found.should_autocreate_tables,
        "auth_provider": provider and type(provider).__name__.removesuffix("TokenProvider"),
    }


def of_s3(found):
    """What it was told, and what boto3 made of it."""
    client = found._s3_session
    return {
        "bucket": found._s3_bucket,
        "prefix": found._s3_prefix,
        "directory": found._local_manager._base_dir,
        "endpoint": client.meta.endpoint_url,
        "verify": client._endpoint.http_session._verify,
        "skip_empty_files": found._skip_empty_files,
        "upload_interval": found.upload_interval,
        "upload_extra_args": found._upload_extra_args or {},
        "show_url_only": found._show_url_only,
        "region": found._region,
    }


def part(found):
    """The class, and what it was told: directories, limits, databases."""
    name = type(found).__name__
    if name.startswith("Postgres"):
        return {"class": name, **of_postgres(found)}
    match name:
        case "NoneType":
            return None
        case "SqliteRunStorage" | "SqliteScheduleStorage":
            return {"class": name, "directory": os.path.dirname(found._conn_string.removeprefix("sqlite:///"))}
        case "SqliteEventLogStorage" | "ConsolidatedSqliteEventLogStorage":
            return {"class": name, "directory": found._base_dir}
        case "LocalArtifactStorage":
            return {"class": name, "directory": found.base_dir}
        case "LocalComputeLogManager":
            return {"class": name, "directory": found._base_dir, "polling_timeout": found.polling_timeout}
        case "S3ComputeLogManager":
            return {"class": name, **of_s3(found)}
        case "DagsterDaemonScheduler":
            names = ("max_catchup_runs", "max_tick_retries")
        case "QueuedRunCoordinator":
            names = ("dequeue_interval_seconds", "dequeue_use_threads", "dequeue_num_workers")
        case "DefaultRunLauncher" | "SyncInMemoryRunLauncher":
            names = ("supports_resume_run",)
        case "PerProjectEnvFileLoader":
            return {"class": name, "location_paths": found._location_paths}
        case "EnvFileLoader":
            return {"class": name, "directory": found._base_dir}
        case "UPathDefsStateStorage":
            path = str(found.base_path)
            return {"class": name, "url" if "://" in path else "directory": path}
        case _:
            names = ()
    return {"class": name, **{each: plain(getattr(found, each)) for each in names}}


def questions(instance):
    """The name of each member, and a function that asks for its value."""

    def ask(name):
        found = getattr(instance, name)
        return found() if callable(found) else found

    for name in PLAIN:
        yield name, lambda name=name: plain(ask(name))
    for name in PARTS:
        of_instance = "_schedule_storage" if name == "schedule_storage" else name
        yield name, lambda name=of_instance: part(getattr(instance, name))
    yield "local_artifact_storage", lambda: part(instance._local_artifact_storage)
    yield "secrets_loader", lambda: part(instance._secrets_loader)
    yield "file_manager_directory", lambda: instance.file_manager_directory("RUN")
    for kind in InstigatorType:
        yield f"get_tick_retention_settings {kind.value}", lambda kind=kind: plain(
            instance.get_tick_retention_settings(kind)
        )
    for name in SETTINGS:
        yield f"get_settings {name}", lambda name=name: plain(instance.get_settings(name))
    yield "get_ref", lambda: serialize_value(instance.get_ref())


def members(instance):
    found = {}
    for name, ask in questions(instance):
        try:
            found[name] = {"ok": ask()}
        except Exception as error:
            found[name] = {"error": f"{type(error).__name__}: {error}".splitlines()[0]}
    return found
