"""What all suites here need: useful messages, and Dagster's own checks."""

import pytest
from dagster._utils.env import environ

for _module in (
    "dagster._utils.test.schedule_storage",
    "dagster_tests.storage_tests.utils.daemon_cursor_storage",
    "dagster_tests.storage_tests.utils.event_log_storage",
    "dagster_tests.storage_tests.utils.partition_status_cache",
    "dagster_tests.storage_tests.utils.run_storage",
):
    pytest.register_assert_rewrite(_module)


@pytest.fixture(scope="session", autouse=True)
def enable_defensive_checks():
    """As the suites' own configuration has it."""
    with environ({"DAGSTER_RECORD_DEFENSIVE_CHECKS": "true"}):
        yield
