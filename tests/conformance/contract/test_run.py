"""Dagster's suite for run storages, on SQLite and in memory."""

import pytest
from common import memory_instance, shim_instance
from dagshim.storage import ShimRunStorage
from dagster_tests.storage_tests.utils.run_storage import TestRunStorage as RunSuite


class Capabilities(RunSuite):
    """What the storage can do, so that no test skips itself."""

    def supports_backfill_tags_filtering_queries(self):
        return True

    def supports_backfill_job_name_filtering_queries(self):
        return True

    def supports_backfill_id_filtering_queries(self):
        return True

    def supports_backfills_count(self):
        return True

    def supports_add_historical_run(self):
        return True

    @pytest.fixture(name="storage")
    def run_storage(self, instance):
        assert isinstance(instance.run_storage, ShimRunStorage)
        yield instance.run_storage


class TestShimSqliteRun(Capabilities):
    __test__ = True

    @pytest.fixture(name="instance")
    def instance(self):
        with shim_instance() as instance:
            yield instance


class TestShimMemoryRun(Capabilities):
    __test__ = True

    @pytest.fixture(name="instance")
    def instance(self):
        with memory_instance() as instance:
            yield instance

    def test_storage_telemetry(self, storage):
        """An instance in memory has no telemetry id; Dagster's own class for it does the same."""
