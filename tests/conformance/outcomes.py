"""A plugin of pytest that writes what became of the tests as one list.

With `DAGSHIM_OUTCOMES` in the environment, a line for each test goes to the file that it names: `passed`, `failed` or
`skipped`, a tab, and the test's id.
"""

import os

_outcomes = {}

def pytest_runtest_logreport(report):
    # A test that is run again after it failed is reported as "rerun" at first.
    if report.failed or report.skipped or (report.passed and report.when == "call"):
        _outcomes[report.nodeid] = report.outcome


def pytest_sessionfinish():
    path = os.environ.get("DAGSHIM_OUTCOMES")
    if path:
        with open(path, "w", encoding="utf-8") as file:
            file.writelines(f"{outcome}\t{test}\n" for test, outcome in _outcomes.items())
