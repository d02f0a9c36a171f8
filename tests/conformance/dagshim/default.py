"""Puts our storages in the place of those that Dagster takes by default: SQLite for an instance with a directory, memory
for one without.

`tests/conformance/default/sitecustomize.py` calls `install` in every process of a suite, so that code servers, run workers
and whatever else a test starts go there, too. Tests that make a storage of a class of Dagster's by hand still get that class.
"""

import importlib.abc
import importlib.machinery
import sys

SQLITE = "dagster._core.storage.sqlite_storage"
FACTORY = "dagster._core.instance.factory"


def install():
    """Has the modules changed as soon as somebody imports them."""
    sys.meta_path.insert(0, _Finder({SQLITE: _change_sqlite, FACTORY: _change_factory}))


class _Finder(importlib.abc.MetaPathFinder):
    """Finds the modules as usual, and changes them when they are loaded."""

    def __init__(self, changes):
        self._changes = changes

    def find_spec(self, name, path, target=None):
        change = self._changes.get(name)
        if change is None:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec is not None:
            execute = spec.loader.exec_module

            def exec_module(module):
                execute(module)
                change(module)

            spec.loader.exec_module = exec_module
        return spec


def _change_sqlite(module):
    stock = module.DagsterSqliteStorage

    class DagsterSqliteStorage(stock):
        """Dagster's configuration, our storages."""

        def __init__(self, base_dir, inst_data=None):
            # Not before: what it imports imports this module's package.
            from dagshim.storage import ShimDagsterStorage

            self._shim = ShimDagsterStorage(backend=_backend(), impl="sqlite", base_dir=base_dir)
            self.base_dir = base_dir
            self._inst_data = inst_data
            self._run_storage = self._shim.run_storage
            self._event_log_storage = self._shim.event_log_storage
            self._schedule_storage = self._shim.schedule_storage
            # Where Dagster's own are, for tests that ask these.
            self._run_storage._conn_string = module._runs_directory(base_dir)
            self._event_log_storage._base_dir = module._event_logs_directory(base_dir).rstrip("/")
            self._schedule_storage._conn_string = module._schedule_directory(base_dir)

        @classmethod
        def from_config_value(cls, inst_data, config_value):
            return cls.from_local(inst_data=inst_data, **config_value)

        def dispose(self):
            self._shim.dispose()

    module.DagsterSqliteStorage = DagsterSqliteStorage


def _change_factory(module):
    stock = module.create_ephemeral_instance

    def create_ephemeral_instance(tempdir=None, preload=None, settings=None):
        from dagshim.client import Handle
        from dagshim.storage import ShimMemoryEventLogStorage, ShimMemoryRunStorage

        if preload:
            # Runs of a file that somebody debugs; nothing is stored.
            return stock(tempdir, preload, settings)
        handle = Handle(_backend(), {"impl": "memory"})
        instance = stock(tempdir, None, settings)
        instance._run_storage.dispose()
        instance._event_storage.dispose()
        instance._run_storage = ShimMemoryRunStorage(handle)
        instance._event_storage = ShimMemoryEventLogStorage(handle)
        instance._run_storage.register_instance(instance)
        instance._event_storage.register_instance(instance)
        return instance

    module.create_ephemeral_instance = create_ephemeral_instance


def _backend():
    from os import environ

    return environ.get("DAGSHIM_BACKEND", "inproc")
