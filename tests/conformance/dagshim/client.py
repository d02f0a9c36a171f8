"""How a request gets to its backend: a function call, or JSON lines over a unix socket.

Not here: what the requests are (`storage.py`), nor what their arguments look like (`codec.py`).
"""

from __future__ import annotations

import atexit
import contextlib
import importlib
import itertools
import json
import os
import queue
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import traceback

import dagster._time

_request_ids = itertools.count(1)

# By the id of a watch: what gets its notifications.
WATCHERS: dict[int, object] = {}


class RemoteStorageError(Exception):
    """An error of a type that does not exist here."""


def _rebuild(error: dict) -> BaseException:
    """The exception that the backend raised, without its constructor, which has arguments of its own."""
    module, _, name = error["type"].rpartition(".")
    message = error["msg"]
    try:
        cls = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError):
        cls = RemoteStorageError
    if module.startswith("sqlalchemy"):
        from sqlalchemy.exc import StatementError

        if issubclass(cls, StatementError):
            return cls(message, None, Exception(message))
    rebuilt = cls.__new__(cls, message)
    rebuilt.args = (message,)
    for attribute, value in (error.get("data") or {}).items():
        setattr(rebuilt, attribute, value)
    rebuilt.__remote_trace__ = error.get("trace")
    return rebuilt


def _notify(notification: dict):
    watcher = WATCHERS.get(notification["watch"])
    if watcher is not None:
        watcher(notification)


class InProcess:
    """Dagster's own storages in this process; what crosses is text nevertheless."""

    def __init__(self):
        from .server import Server

        self._server = Server()

    def send(self, request: str) -> str:
        return self._server.handle(request, lambda text: _notify(json.loads(text)))


class Socket:
    """A program that serves a unix socket: started by the first process that needs it, shared by its children."""

    def __init__(self):
        self.path = os.environ.get("DAGSHIM_SOCKET")
        if not self.path:
            self._start()
            os.environ["DAGSHIM_SOCKET"] = self.path
        self._local = threading.local()

    def _start(self):
        directory = tempfile.mkdtemp(prefix="dagshim")
        self.path = os.path.join(directory, "socket")
        program = os.environ.get("DAGSHIM_SERVER")
        command = (
            shlex.split(program) if program else [sys.executable, "-m", f"{__package__}.server"]
        )
        environment = {k: v for k, v in os.environ.items() if k != "DAGSTER_HOME"}
        # Its input is a pipe that nobody writes to: it ends when we end, however that happens.
        self._process = subprocess.Popen(
            [*command, self.path],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
        )
        atexit.register(self._stop, os.getpid(), directory)
        if not self._process.stdout.readline():
            raise ConnectionError(f"{command} ended before it was ready")

    def _stop(self, started_by, directory):
        # Not in a child that was forked.
        if os.getpid() == started_by:
            self._process.kill()
            self._process.wait()
            shutil.rmtree(directory, ignore_errors=True)

    def _stream(self):
        # One for each thread, and another after a fork.
        known = getattr(self._local, "known", None)
        if known is None or known[0] != os.getpid():
            connection = socket.socket(socket.AF_UNIX)
            connection.connect(self.path)
            known = self._local.known = (os.getpid(), connection.makefile("rwb"), connection)
        return known[1]

    def send(self, request: str) -> str:
        stream = self._stream()
        stream.write(request.encode() + b"\n")
        stream.flush()
        answer = stream.readline()
        if not answer:
            raise ConnectionError("the backend has gone")
        return answer.decode()


class WatchConnection:
    """A connection of its own for watches, so that somebody is there to read what is pushed."""

    def __init__(self, path):
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(path)
        self._stream = self._socket.makefile("rwb")
        self._lock = threading.Lock()
        self._answers = queue.SimpleQueue()
        # Watchers are called on a thread of their own: one that raises must not end the reading, and one that ends its
        # watch must not wait for the very thread that reads the answer.
        self._notifications = queue.SimpleQueue()
        threading.Thread(target=self._read, daemon=True).start()
        threading.Thread(target=self._deliver, daemon=True).start()

    def _read(self):
        with contextlib.suppress(OSError, ValueError):
            for line in self._stream:
                message = json.loads(line)
                if "watch" in message:
                    self._notifications.put(message)
                else:
                    self._answers.put(line.decode())
        self._notifications.put(None)

    def _deliver(self):
        while (notification := self._notifications.get()) is not None:
            try:
                _notify(notification)
            except Exception:
                traceback.print_exc()

    def send(self, request: str) -> str:
        with self._lock:
            self._stream.write(request.encode() + b"\n")
            self._stream.flush()
            return self._answers.get(timeout=30)

    def close(self):
        # `shutdown` wakes the reader; `close` alone would leave it waiting.
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


_transports: dict = {}


def _transport(backend: str):
    key = (backend, os.getpid())
    if key not in _transports:
        _transports[key] = {"inproc": InProcess, "socket": Socket}[backend]()
    return _transports[key]


class Handle:
    """A set of storages that a backend has opened."""

    def __init__(self, backend: str, config: dict):
        self.config = config
        self._backend = backend
        self._transport = _transport(backend)
        self._watch_connection = None
        self._closed = False
        self._id = None
        self._id = self.call("open", config)

    def call(self, method: str, arguments: dict, printing=False):
        return self._call(self._transport, method, arguments, printing)

    def call_watch(self, method: str, arguments: dict):
        """A call after which the backend pushes, or does no more."""
        if self._backend != "socket":
            return self.call(method, arguments)
        if self._watch_connection is None:
            self._watch_connection = WatchConnection(self._transport.path)
        return self._call(self._watch_connection, method, arguments, False)

    def _call(self, transport, method, arguments, printing):
        now = dagster._time.get_current_datetime().isoformat(timespec="microseconds")
        request = {
            "id": next(_request_ids),
            "h": self._id,
            "m": method,
            "a": arguments,
            "now": now,
            "print": printing,
        }
        answer = json.loads(transport.send(json.dumps(request)))
        if "err" in answer:
            raise _rebuild(answer["err"])
        return answer["ok"]

    def close(self):
        if not self._closed:
            self._closed = True
            self.call("close", {})
            if self._watch_connection is not None:
                self._watch_connection.close()
