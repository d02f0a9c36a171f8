"""Dagster's suites on the Postgres database of `DAGSHIM_POSTGRES_URL`, which each test wipes."""

import os

import pytest
from common import WIPES_PARTITIONS, shim_instance, standalone
from dagshim.storage import ShimRunStorage, ShimScheduleStorage
from dagster._utils.test.schedule_storage import TestScheduleStorage as ScheduleSuite
from dagster_postgres.event_log import PostgresEventLogStorage
from dagster_postgres.run_storage import PostgresRunStorage
from dagster_postgres.schedule_storage import PostgresScheduleStorage
from dagster_tests.storage_tests.utils.daemon_cursor_storage import (
    TestDaemonCursorStorage as CursorSuite,
)
from dagster_tests.storage_tests.utils.event_log_storage import TestEventLogStorage as EventSuite
from dagster_tests.storage_tests.utils.run_storage import TestRunStorage as RunSuite

URL = os.environ["DAGSHIM_POSTGRES_URL"]


class TestShimPgRun(RunSuite):
    __test__ = True

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

    @pytest.fixture(name="instance")
    def instance(self):
        PostgresRunStorage.create_clean_storage(URL)
        with shim_instance("postgres", postgres_url=URL) as instance:
            yield instance

    @pytest.fixture(name="storage")
    def run_storage(self, instance):
        yield instance.run_storage


class TestShimPgEvent(EventSuite):
    __test__ = True

    @pytest.fixture(name="instance")
    def instance(self):
        PostgresEventLogStorage.create_clean_storage(URL)
        with shim_instance("postgres", postgres_url=URL) as instance:
            yield instance

    @pytest.fixture(name="storage")
    def event_log_storage(self, instance):
        yield instance.event_log_storage

    def can_wipe_asset_partitions(self):
        return WIPES_PARTITIONS


class TestShimPgSchedule(ScheduleSuite):
    __test__ = True

    @pytest.fixture(name="storage")
    def schedule_storage(self):
        PostgresScheduleStorage.create_clean_storage(URL)
        with standalone(ShimScheduleStorage, "postgres", postgres_url=URL) as storage:
            yield storage


class TestShimPgCursor(CursorSuite):
    __test__ = True

    @pytest.fixture(name="storage")
    def cursor_storage(self):
        PostgresRunStorage.create_clean_storage(URL)
        with standalone(ShimRunStorage, "postgres", postgres_url=URL) as storage:
            yield storage
