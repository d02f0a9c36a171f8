"""The storages that Dagster sees: each method encodes its arguments, asks the backend and decodes the answer.

Their methods are generated from `spec.py`; here is what stays in Python: callbacks, what tests patch, and the direct
access to the database that some tests have.
"""

from __future__ import annotations

import inspect
import itertools
import os

from dagster._config import Field, StringSource
from dagster._core.events import DagsterEventType
from dagster._core.events.log import EventLogEntry
from dagster._core.storage.base_storage import DagsterStorage
from dagster._core.storage.event_log import (
    ConsolidatedSqliteEventLogStorage,
    InMemoryEventLogStorage,
    SqlEventLogStorage,
    SqliteEventLogStorage,
)
from dagster._core.storage.runs import InMemoryRunStorage, SqlRunStorage
from dagster._serdes import ConfigurableClass

from . import client
from .codec import codec_for
from .spec import INTERFACES, METHODS, PRINTING, Method

_watch_ids = itertools.count(1)
_ENTRY = codec_for(EventLogEntry)

# What reads the one setting of the instance that an event log needs.
NEEDS_LIMIT = {
    "get_concurrency_info",
    "get_concurrency_infos",
    "initialize_concurrency_limit_to_default",
}

CONFIG = {
    "backend": Field(str, is_required=False, default_value="inproc"),
    "base_dir": Field(StringSource, is_required=False),
    "impl": Field(str, is_required=False, default_value="sqlite"),
    "postgres_url": Field(StringSource, is_required=False),
}


def _forwarding(method: Method):
    """The method or property that forwards."""
    if method.is_property:
        return property(lambda self: method.result.dec(self._handle.call(method.wire, {})))
    signature = None
    if not method.is_extra:
        signature = inspect.signature(getattr(INTERFACES[method.area], method.name))

    def forward(self, *args, **kwargs):
        if signature is None:
            values = dict(zip(method.arguments, args)) | kwargs
        else:
            bound = signature.bind(self, *args, **kwargs)
            bound.apply_defaults()
            values = dict(bound.arguments)
            del values["self"]
        print_line = values.pop("print_fn", None)
        encoded = {name: method.arguments[name].enc(value) for name, value in values.items()}
        encoded |= _side_arguments(self, method.name, values)
        result = self._handle.call(method.wire, encoded, printing=print_line is not None)
        if method.name in PRINTING:
            for line in result["printed"]:
                print_line(line)
            return None
        return method.result.dec(result)

    forward.__name__ = method.name
    if signature is not None:
        forward.__signature__ = signature
    return forward


def _side_arguments(storage, name, values) -> dict:
    arguments = {}
    # Only a test that has patched it puts it there.
    tags_to_index = vars(storage).get("get_asset_tags_to_index")
    if tags_to_index is not None:
        if name in ("store_event", "store_event_batch"):
            entries = values.get("events") or [values["event"]]
            events = [entry.dagster_event for entry in entries if entry.dagster_event]
            keys = {key for event in events for key in _asset_tags(event)}
            arguments["__index_tags__"] = sorted(tags_to_index(keys))
        elif name == "get_latest_tags_by_partition":
            arguments["__index_tags__"] = sorted(tags_to_index(set(values["tag_keys"])))
    if name in NEEDS_LIMIT and storage.has_instance:
        limit = storage._instance.global_op_concurrency_default_limit
        arguments["__default_op_limit__"] = limit
    return arguments


def _asset_tags(event) -> dict:
    if event.event_type == DagsterEventType.ASSET_MATERIALIZATION:
        return event.step_materialization_data.materialization.tags or {}
    if event.event_type == DagsterEventType.ASSET_OBSERVATION:
        return event.asset_observation_data.asset_observation.tags or {}
    return {}


class _Configurable(ConfigurableClass):
    @property
    def inst_data(self):
        return self._inst_data

    @classmethod
    def config_type(cls):
        return CONFIG

    @classmethod
    def from_config_value(cls, inst_data, config_value):
        given = {name: value for name, value in config_value.items() if value is not None}
        return cls(inst_data=inst_data, **given)


class _Storage(_Configurable):
    """What the three storages have in common: a handle of their own, or one that they share."""

    def __init__(self, handle=None, inst_data=None, backend="inproc", **config):
        self._inst_data = inst_data
        self._handle = handle or client.Handle(backend, config)
        super().__init__()

    def register_instance(self, instance):
        super().register_instance(instance)
        # Settings are no part of it: the instance is only half built by now.
        self._handle.call("register_instance", {})


def _interface(name: str, area: str) -> type:
    members = {
        method.name: _forwarding(method) for method in METHODS.values() if method.area == area
    }
    return type(name, (INTERFACES[area],), members)


class ShimRunStorage(_Storage, _interface("_RunStorage", "run")):
    """Runs, their snapshots, backfills, heartbeats and the daemons' cursors."""


class ShimScheduleStorage(_Storage, _interface("_ScheduleStorage", "schedule")):
    """Schedules, sensors and their ticks."""


class ShimEventLogStorage(_Storage, _interface("_EventLogStorage", "event_log")):
    """Events and assets."""

    def __init__(self, *args, **kwargs):
        self._watches: dict = {}
        super().__init__(*args, **kwargs)

    def watch(self, run_id, cursor, callback):
        watch_id = next(_watch_ids)
        client.WATCHERS[watch_id] = lambda notification: callback(
            _ENTRY.dec(notification["entry"]), notification["cursor"]
        )
        self._watches.setdefault((run_id, callback), []).append(watch_id)
        arguments = {"run_id": run_id, "cursor": cursor, "watch_id": watch_id}
        self._handle.call_watch("event_log.watch", arguments)

    def end_watch(self, run_id, handler):
        for watch_id in self._watches.pop((run_id, handler), []):
            arguments = {"run_id": run_id, "watch_id": watch_id}
            self._handle.call_watch("event_log.end_watch", arguments)
            client.WATCHERS.pop(watch_id, None)

    def dispose(self):
        for run_id, handler in list(self._watches):
            self.end_watch(run_id, handler)
        self._handle.close()

    @property
    def direct(self):
        """Dagster's own storage on the same database: some tests look into the tables through SQLAlchemy, and see in
        ours what they would see in Dagster's."""
        if not hasattr(self, "_direct"):
            self._direct = self._open_direct()
        return self._direct

    def _open_direct(self):
        config = self._handle.config
        if config["impl"] == "sqlite":
            # The path ends with a separator, as the one that Dagster makes.
            return SqliteEventLogStorage(os.path.join(config["base_dir"], "history", "runs", ""))
        if config["impl"] == "sqlite_event_log":
            return SqliteEventLogStorage(config["base_dir"])
        if config["impl"] == "consolidated":
            return ConsolidatedSqliteEventLogStorage(config["base_dir"])
        if config["impl"] == "postgres":
            from dagster_postgres import PostgresEventLogStorage

            return PostgresEventLogStorage(config["postgres_url"], False)
        raise NotImplementedError(f"{config['impl']} has no database")

    def run_connection(self, run_id=None):
        return self.direct.run_connection(run_id)

    def index_connection(self):
        return self.direct.index_connection()

    def index_transaction(self):
        return self.direct.index_transaction()

    def conn_string_for_shard(self, shard_name):
        return self.direct.conn_string_for_shard(shard_name)


class ShimMemoryRunStorage(ShimRunStorage):
    """Runs in memory: tests ask for the class."""


class ShimMemoryEventLogStorage(ShimEventLogStorage):
    """Events in memory: tests ask for the class."""


class ShimDagsterStorage(DagsterStorage, _Configurable):
    """What the `storage` section of a dagster.yaml names: three storages on one handle."""

    def __init__(self, inst_data=None, backend="inproc", **config):
        self._inst_data = inst_data
        # The variable wins: processes that open the same dagster.yaml again go where their parent went.
        handle = client.Handle(os.environ.get("DAGSHIM_BACKEND", backend), config)
        self._runs = ShimRunStorage(handle)
        self._events = ShimEventLogStorage(handle)
        self._schedules = ShimScheduleStorage(handle)
        super().__init__()

    @property
    def run_storage(self):
        return self._runs

    @property
    def event_log_storage(self):
        return self._events

    @property
    def schedule_storage(self):
        return self._schedules

    def register_instance(self, instance):
        super().register_instance(instance)
        for storage in (self._runs, self._events, self._schedules):
            if not storage.has_instance:
                storage.register_instance(instance)

    def dispose(self):
        for storage in (self._events, self._runs, self._schedules):
            storage.dispose()


# Tests that look into the tables skip themselves for other classes, and so do Dagster's data migrations.
SqlEventLogStorage.register(ShimEventLogStorage)
SqlRunStorage.register(ShimRunStorage)
InMemoryEventLogStorage.register(ShimMemoryEventLogStorage)
InMemoryRunStorage.register(ShimMemoryRunStorage)
