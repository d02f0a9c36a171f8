"""What all suites here need: useful messages, Dagster's own checks, and the outcomes as one list.

With `DAGSHIM_OUTCOMES` in the environment, a line for each test goes to the file that it names: `passed`, `failed` or
`skipped`, a tab, and the test's id.
"""

import os

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

_outcomes = {}


@pytest.fixture(scope="session", autouse=True)
def enable_defensive_checks():
    """As the suites' own configuration has it."""
    with environ({"DAGSTER_RECORD_DEFENSIVE_CHECKS": "true"}):
        yield


def pytest_runtest_logreport(report):
    # A test that is run again after it failed is reported as "rerun" at first.
    if report.failed or report.skipped or (report.passed and report.when == "call"):
        _outcomes[report.nodeid] = report.outcome


def pytest_sessionfinish():
    path = os.environ.get("DAGSHIM_OUTCOMES")
    if path:
        with open(path, "w", encoding="utf-8") as file:
            file.writelines(f"{outcome}\t{test}\n" for test, outcome in _outcomes.items())
