"""The protocol over Dagster's own storages, within the process or as a program on a unix socket.

It shows what the suites say about Dagster itself, and, with `DAGSHIM_FAULT`, that they notice a backend that is wrong:
`reverse` returns every list in reverse, `empty` returns every list without its items.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import inspect
import itertools
import json
import os
import socket
import sys
import threading
import traceback

from dagster._core.events.log import EventLogEntry

from .codec import codec_for
from .spec import METHODS, PRINTING

FAULT = os.environ.get("DAGSHIM_FAULT")

_ENTRY = codec_for(EventLogEntry)
_request = threading.local()


def _follow_the_requests_clock():
    """Make Dagster's clock the `now` of the request that a thread answers."""
    import dagster._time as clock

    real_datetime = clock._mockable_get_current_datetime
    real_timestamp = clock._mockable_get_current_timestamp

    def current_datetime():
        now = getattr(_request, "now", None)
        return real_datetime() if now is None else now

    def current_timestamp():
        now = getattr(_request, "now", None)
        return real_timestamp() if now is None else now.timestamp()

    clock._mockable_get_current_datetime = current_datetime
    clock._mockable_get_current_timestamp = current_timestamp


class _Instance:
    """What storages ask of a DagsterInstance; that it is so little is why requests need no answers from Python."""

    def __init__(self, storages):
        self._storages = storages
        self.global_op_concurrency_default_limit = None

    def get_run_records(self, *args, **kwargs):
        return self._storages["run"].get_run_records(*args, **kwargs)


def _open(config: dict) -> dict:
    """The storages of an `impl`, by their area."""
    from dagster._core.storage.event_log import (
        ConsolidatedSqliteEventLogStorage,
        InMemoryEventLogStorage,
        SqliteEventLogStorage,
    )
    from dagster._core.storage.runs import InMemoryRunStorage, SqliteRunStorage
    from dagster._core.storage.schedules import SqliteScheduleStorage
    from dagster._core.storage.sqlite_storage import DagsterSqliteStorage

    impl, base_dir = config["impl"], config.get("base_dir")
    if impl == "sqlite":
        return _areas(DagsterSqliteStorage.from_local(base_dir))
    if impl == "consolidated":
        storages = _areas(DagsterSqliteStorage.from_local(base_dir))
        return storages | {"event_log": ConsolidatedSqliteEventLogStorage(base_dir)}
    if impl == "memory":
        return {"run": InMemoryRunStorage(), "event_log": InMemoryEventLogStorage()}
    if impl == "postgres":
        from dagster_postgres import DagsterPostgresStorage

        return _areas(DagsterPostgresStorage(config["postgres_url"], should_autocreate_tables=True))
    if impl == "sqlite_run":
        return {"run": SqliteRunStorage.from_local(base_dir)}
    if impl == "sqlite_event_log":
        return {"event_log": SqliteEventLogStorage(base_dir)}
    if impl == "sqlite_schedule":
        return {"schedule": SqliteScheduleStorage.from_local(base_dir)}
    raise ValueError(f"there is no impl {impl}")


def _areas(storage) -> dict:
    return {
        "run": storage.run_storage,
        "event_log": storage.event_log_storage,
        "schedule": storage.schedule_storage,
    }


def _encoded(error: BaseException) -> dict:
    encoded = {
        "type": f"{type(error).__module__}.{type(error).__name__}",
        "msg": str(error),
        "trace": traceback.format_exc(),
    }
    data = {
        name: getattr(error, name)
        for name in ("invalid_run_id", "run_id", "serializable_error_info")
        if isinstance(getattr(error, name, None), str)
    }
    return encoded | ({"data": data} if data else {})


class Server:
    """Answers requests; what is pushed goes to the `notify` that came with the request to watch."""

    def __init__(self):
        self._handle_ids = itertools.count(1)
        self._storages: dict[int, dict] = {}
        self._instances: dict[int, _Instance] = {}
        self._watchers: dict = {}

    def handle(self, request: str, notify) -> str:
        request = json.loads(request)
        try:
            _request.now = dt.datetime.fromisoformat(request["now"])
            answer = {"ok": self._answer(request, notify)}
        except BaseException as error:
            answer = {"err": _encoded(error)}
        finally:
            _request.now = None
        return json.dumps({"id": request["id"], **answer})

    def _answer(self, request, notify):
        method, arguments, handle = request["m"], request["a"], request["h"]
        if method == "open":
            handle = next(self._handle_ids)
            self._storages[handle] = _open(arguments)
            return handle
        storages = self._storages[handle]
        if method == "register_instance":
            self._register_instance(handle, storages)
        elif method == "close":
            for storage in storages.values():
                storage.dispose()
        elif method == "event_log.watch":
            self._watch(handle, storages["event_log"], arguments, notify)
        elif method == "event_log.end_watch":
            watcher = self._watchers.pop((handle, arguments["watch_id"]), None)
            if watcher:
                storages["event_log"].end_watch(arguments["run_id"], watcher)
        else:
            return self._forward(METHODS[method], handle, arguments, request["print"])
        return None

    def _register_instance(self, handle, storages):
        if handle not in self._instances:
            self._instances[handle] = _Instance(storages)
            for storage in storages.values():
                if not storage.has_instance:
                    storage.register_instance(self._instances[handle])

    def _watch(self, handle, storage, arguments, notify):
        watch_id = arguments["watch_id"]

        def watcher(entry, cursor):
            push = {"watch": watch_id, "entry": _ENTRY.enc(entry), "cursor": cursor}
            notify(json.dumps(push))

        self._watchers[handle, watch_id] = watcher
        storage.watch(arguments["run_id"], arguments["cursor"], watcher)

    def _forward(self, method, handle, arguments, printing):
        storage = self._storages[handle][method.area]
        if method.is_property:
            return method.result.enc(getattr(storage, method.name))
        index_tags = arguments.pop("__index_tags__", None)
        if "__default_op_limit__" in arguments and handle in self._instances:
            limit = arguments.pop("__default_op_limit__")
            self._instances[handle].global_op_concurrency_default_limit = limit
        values = {
            name: codec.dec(arguments[name])
            for name, codec in method.arguments.items()
            if name in arguments
        }
        if index_tags is not None:
            tags = set(index_tags)
            storage.get_asset_tags_to_index = lambda keys: tags & set(keys)
        try:
            function = getattr(storage, method.name)
            printed = []
            if method.name in PRINTING:
                if "print_fn" in inspect.signature(function).parameters:
                    values["print_fn"] = printed.append if printing else None
                function(**values)
                return {"printed": printed}
            return _faulty(method.result.enc(function(**values)))
        finally:
            if index_tags is not None:
                del storage.get_asset_tags_to_index


def _faulty(result):
    if FAULT == "reverse" and isinstance(result, list):
        return result[::-1]
    if FAULT == "empty" and isinstance(result, list):
        return []
    return result


def _serve(path: str):
    _follow_the_requests_clock()
    server = Server()
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(path)
    listener.listen(64)
    threading.Thread(target=_end_with_the_user, daemon=True).start()
    print("ready", flush=True)
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=_answer_all, args=(server, connection), daemon=True).start()


def _end_with_the_user():
    sys.stdin.buffer.read()
    os._exit(0)


def _answer_all(server: Server, connection: socket.socket):
    stream = connection.makefile("rwb")
    lock = threading.Lock()

    def send(text: str):
        with lock, contextlib.suppress(OSError):
            stream.write(text.encode() + b"\n")
            stream.flush()

    for line in stream:
        send(server.handle(line.decode(), send))


if __name__ == "__main__":
    _serve(sys.argv[1])
