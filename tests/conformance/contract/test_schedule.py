"""Dagster's suite for schedule storages, on SQLite."""

import pytest
from common import standalone
from dagshim.storage import ShimScheduleStorage
from dagster._utils.test.schedule_storage import TestScheduleStorage as ScheduleSuite


class TestShimSqliteSchedule(ScheduleSuite):
    __test__ = True

    @pytest.fixture(name="storage")
    def schedule_storage(self):
        with standalone(ShimScheduleStorage, "sqlite_schedule") as storage:
            yield storage
