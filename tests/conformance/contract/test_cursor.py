"""Dagster's suite for the cursors of daemons, on SQLite and in memory."""

import pytest
from common import standalone
from dagshim.storage import ShimRunStorage
from dagster_tests.storage_tests.utils.daemon_cursor_storage import (
    TestDaemonCursorStorage as CursorSuite,
)


class TestShimCursor(CursorSuite):
    __test__ = True

    @pytest.fixture(name="storage", params=["sqlite_run", "memory"])
    def cursor_storage(self, request):
        with standalone(ShimRunStorage, request.param) as storage:
            yield storage
