"""Dagster's suite for event logs, on SQLite, on SQLite with one file for all runs, and in memory.

A class for each process: the cases of one parametrized test come from a generator, which the first class exhausts.
"""

import pytest
from common import WIPES_PARTITIONS, memory_instance, shim_instance
from dagshim.storage import ShimEventLogStorage
from dagster_tests.storage_tests import test_event_log
from dagster_tests.storage_tests.utils.event_log_storage import TestEventLogStorage as EventSuite


class Storage(EventSuite):
    """The instance's own event log."""

    @pytest.fixture(name="storage")
    def event_log_storage(self, instance):
        assert isinstance(instance.event_log_storage, ShimEventLogStorage)
        yield instance.event_log_storage

    def can_wipe_asset_partitions(self):
        return WIPES_PARTITIONS


class TestShimSqliteEvent(Storage):
    __test__ = True

    @pytest.fixture(name="instance")
    def instance(self):
        with shim_instance() as instance:
            yield instance

    def is_sqlite(self, storage):
        return True

    def supports_multiple_event_type_queries(self):
        return False


class TestShimConsolidatedEvent(Storage):
    __test__ = True

    @pytest.fixture(name="instance")
    def instance(self):
        with shim_instance("consolidated") as instance:
            yield instance

    def supports_multiple_event_type_queries(self):
        return False


class TestShimMemoryEvent(Storage):
    __test__ = True

    @pytest.fixture(name="instance")
    def instance(self):
        with memory_instance() as instance:
            yield instance


class TestShimSqliteSpecific(test_event_log.TestSqliteEventLogStorage):
    """Those tests of Dagster's own class for SQLite that are about its files."""

    ABOUT_FILES = (
        "test_concurrent_sqlite_event_log_connections",
        "test_filesystem_event_log_storage_run_corrupted",
        "test_filesystem_event_log_storage_run_corrupted_bad_data",
    )

    @pytest.fixture(name="instance")
    def instance(self):
        with shim_instance() as instance:
            yield instance

    @pytest.fixture(name="storage")
    def event_log_storage(self, instance):
        storage = instance.event_log_storage
        storage._base_dir = storage.direct._base_dir
        yield storage


for _name in dir(TestShimSqliteSpecific):
    if _name.startswith("test_") and _name not in TestShimSqliteSpecific.ABOUT_FILES:
        setattr(TestShimSqliteSpecific, _name, None)
