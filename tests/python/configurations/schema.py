"""What Dagster's own schemas say about `dagster.yaml`: each place in it, what may stand there, and a value that may.

The classes that sections name have schemas of their own, for what stands under `config`.
"""

import importlib
from dataclasses import dataclass
from functools import cache

from dagster._config import resolve_to_config_type
from dagster._config.config_type import ConfigType, ConfigTypeKind
from dagster._core.instance.config import dagster_instance_config_schema

from configurations.case import BASE

# Classes whose configuration Dagster reads when it needs them, section by section.
SECTIONS = {
    ("local_artifact_storage",): [("dagster._core.storage.root", "LocalArtifactStorage")],
    ("compute_logs",): [
        ("dagster._core.storage.local_compute_log_manager", "LocalComputeLogManager"),
        ("dagster._core.storage.noop_compute_log_manager", "NoOpComputeLogManager"),
    ],
    ("run_storage",): [
        ("dagster._core.storage.runs", "SqliteRunStorage"),
        ("dagster_postgres.run_storage", "PostgresRunStorage"),
    ],
    ("event_log_storage",): [
        ("dagster._core.storage.event_log", "SqliteEventLogStorage"),
        ("dagster._core.storage.event_log", "ConsolidatedSqliteEventLogStorage"),
        ("dagster_postgres.event_log", "PostgresEventLogStorage"),
    ],
    ("schedule_storage",): [
        ("dagster._core.storage.schedules", "SqliteScheduleStorage"),
        ("dagster_postgres.schedule_storage", "PostgresScheduleStorage"),
    ],
    ("scheduler",): [("dagster._core.scheduler", "DagsterDaemonScheduler")],
    ("run_coordinator",): [
        ("dagster._core.run_coordinator", "QueuedRunCoordinator"),
        ("dagster._core.run_coordinator", "DefaultRunCoordinator"),
    ],
    ("run_launcher",): [("dagster._core.launcher", "DefaultRunLauncher")],
    ("defs_state_storage",): [("dagster._core.storage.defs_state", "UPathDefsStateStorage")],
    ("storage", "custom"): [
        ("dagster._core.storage.sqlite_storage", "DagsterSqliteStorage"),
        ("dagster_postgres", "DagsterPostgresStorage"),
    ],
    ("secrets", "custom"): [
        ("dagster._core.secrets.env_file", "PerProjectEnvFileLoader"),
        ("dagster._core.secrets.env_file", "EnvFileLoader"),
    ],
}
POSTGRES_DB = {"username": "me", "password": "s3cr3t-of-password", "hostname": "db.example", "db_name": "dagster"}
# Values of keys for which not every value of their type makes sense.
SAMPLES = {
    "auth_provider": {"gcp_wif": {}},
    "base_dir": BASE + "/data",
    "base_path": BASE + "/data",
    "granularity": "op",
    "hostname": "db.example",
    "mysql_url": "mysql://me:s3cr3t-of-mysql@db.example/dagster",
    "password": "s3cr3t-of-password",
    "postgres": {"postgres_db": POSTGRES_DB},
    "postgres_url": "postgresql://me:s3cr3t-of-url@db.example/dagster",
    "python_log_level": "INFO",
    "scheme": "postgresql",
}


@dataclass(frozen=True)
class Spot:
    """A place in the file. A number in its path is that of an item."""

    path: tuple
    type: ConfigType
    is_required: bool
    # The module and the class whose configuration it is in.
    of_class: tuple | None = None


@cache
def config_of(module, name):
    return resolve_to_config_type(getattr(importlib.import_module(module), name).config_type())


def fields(config_type):
    return config_type.fields if ConfigTypeKind.has_fields(config_type.kind) else {}


def spots_below(config_type, path, of_class=None):
    kind = config_type.kind
    for name, each in fields(config_type).items():
        place = (*path, name)
        is_required = each.is_required and ConfigTypeKind.is_shape(kind)
        yield Spot(place, each.config_type, is_required, of_class)
        if place != ("instance_class",):
            yield from spots_below(each.config_type, place, of_class)
    if kind in (ConfigTypeKind.NONEABLE, ConfigTypeKind.ARRAY):
        path = (*path, 0) if kind == ConfigTypeKind.ARRAY else path
        yield from spots_below(config_type.inner_type, path, of_class)
    elif kind == ConfigTypeKind.SCALAR_UNION and not is_source(config_type):
        yield from spots_below(config_type.non_scalar_type, path, of_class)


def is_source(config_type):
    """Whether it may be the name of an environment variable."""
    return config_type.kind == ConfigTypeKind.SCALAR_UNION and "env" in fields(config_type.non_scalar_type)


@cache
def root():
    return resolve_to_config_type(dagster_instance_config_schema())


def spots():
    """Each place of the file, then each place in the configuration of the classes that it may name."""
    yield from spots_below(root(), ())
    for path, classes in SECTIONS.items():
        for module, name in classes:
            config = config_of(module, name)
            yield Spot((*path, "config"), config, False, (module, name))
            yield from spots_below(config, (*path, "config"), (module, name))


def sample(config_type, path=()):
    """A value that may stand there, with nothing that need not be."""
    if path and path[-1] in SAMPLES:
        return SAMPLES[path[-1]]
    if path in SECTIONS:
        module, name = SECTIONS[path][0]
        return {"module": module, "class": name, "config": sample(config_of(module, name), (*path, "config"))}
    match config_type.kind:
        case ConfigTypeKind.SCALAR:
            return {"INT": 5, "STRING": "text", "BOOL": True, "FLOAT": 2.5}[config_type.scalar_kind.value]
        case ConfigTypeKind.SCALAR_UNION:
            return sample(config_type.scalar_type, path)
        case ConfigTypeKind.NONEABLE:
            return sample(config_type.inner_type, path)
        case ConfigTypeKind.ARRAY:
            return [sample(config_type.inner_type, path)]
        case ConfigTypeKind.MAP:
            return {"key": sample(config_type.inner_type, path)}
        case ConfigTypeKind.SELECTOR:
            name, first = next(iter(config_type.fields.items()))
            return {name: sample(first.config_type, (*path, name))}
        case _:
            required = {name: each for name, each in fields(config_type).items() if each.is_required}
            return {name: sample(each.config_type, (*path, name)) for name, each in required.items()}


def with_value(config_type, path, value, done=()):
    """A value of the type that has `value` at the path, and around it only what has to be there."""
    if not path:
        return value
    step, rest = path[0], path[1:]
    match config_type.kind:
        case ConfigTypeKind.NONEABLE:
            return with_value(config_type.inner_type, path, value, done)
        case ConfigTypeKind.SCALAR_UNION:
            return with_value(config_type.non_scalar_type, path, value, done)
        case ConfigTypeKind.ARRAY:
            return [with_value(config_type.inner_type, rest, value, (*done, step))]
        case ConfigTypeKind.SELECTOR:
            return {step: with_value(config_type.fields[step].config_type, rest, value, (*done, step))}
        case _:
            known = fields(config_type).get(step)
            inner = with_value(known.config_type, rest, value, (*done, step)) if known else value
            around = sample(config_type, done) or {}
            if step == "auth_provider":
                around = {**around, "postgres_db": POSTGRES_DB}
            elif step == "postgres_url":
                around = {name: each for name, each in around.items() if name != "postgres_db"}
            return {**around, step: inner}


def document_with(spot, value):
    """A whole document that has `value` in this place."""
    if spot.of_class is None:
        return with_value(root(), spot.path, value)
    at = spot.path.index("config")
    section, inner = spot.path[:at], spot.path[at + 1 :]
    config = with_value(config_of(*spot.of_class), inner, value)
    module, name = spot.of_class
    return with_value(root(), section, {"module": module, "class": name, "config": config})
