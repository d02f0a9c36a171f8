"""Run ids in a known order: the n-th id that Dagster makes itself is n, on either side."""

from contextlib import contextmanager
from itertools import count

from dagster._core.storage import dagster_run


def nth(number):
    return f"00000000-0000-4000-8000-{number:012}"


@contextmanager
def counted():
    """The first is number 1."""
    numbers, original = count(1), dagster_run.make_new_run_id
    dagster_run.make_new_run_id = lambda: nth(next(numbers))
    try:
        yield
    finally:
        dagster_run.make_new_run_id = original


@contextmanager
def given(run_id):
    """Within, each id that Dagster makes itself is this one."""
    original = dagster_run.make_new_run_id
    dagster_run.make_new_run_id = lambda: run_id
    try:
        yield
    finally:
        dagster_run.make_new_run_id = original
