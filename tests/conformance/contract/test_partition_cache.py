"""Dagster's suite for the status of partitions, which it keeps in an asset's row, on SQLite."""

import pytest
from common import shim_instance
from dagster_tests.storage_tests.utils.partition_status_cache import (
    TestPartitionStatusCache as PartitionCacheSuite,
)


class TestShimPartitionStatusCache(PartitionCacheSuite):
    @pytest.fixture
    def instance(self):
        with shim_instance() as instance:
            yield instance
