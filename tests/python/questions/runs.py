"""Questions about runs, their snapshots and their tags."""

import itertools

from questions import questions
from questions.contents import NOBODY

from dagster import RunsFilter
from dagster._core.storage.dagster_run import DagsterRunStatus


def run_filters(home):
    yield None
    yield RunsFilter()
    for name in [*home.job_names[:4], NOBODY]:
        yield RunsFilter(job_name=name)
    for status in DagsterRunStatus:
        yield RunsFilter(statuses=[status])
    yield RunsFilter(statuses=[DagsterRunStatus.SUCCESS, DagsterRunStatus.FAILURE])
    for key, value in home.tags[:: max(1, len(home.tags) // 8)][:8]:
        yield RunsFilter(tags={key: value})
        yield RunsFilter(tags={key: [value, "other"]})
    yield RunsFilter(run_ids=home.run_ids[:3])
    yield RunsFilter(run_ids=[NOBODY])
    for snapshot_id in home.snapshot_ids[:2]:
        yield RunsFilter(snapshot_id=snapshot_id)
    yield RunsFilter(exclude_subruns=True)
    for record in home.records[:: max(1, len(home.records) // 3)][:3]:
        for bound in ("created_after", "created_before"):
            yield RunsFilter(**{bound: record.create_timestamp})
        for bound in ("updated_after", "updated_before"):
            yield RunsFilter(**{bound: record.update_timestamp})


@questions("get_run_by_id", "get_run_record_by_id", "has_run", "get_run_stats", "get_run_step_stats")
def of_runs(home):
    for run_id in [*home.run_ids, NOBODY]:
        yield {"run_id": run_id}


@questions("get_run_group")
def of_groups(home):
    for run_id in home.run_ids:
        yield {"run_id": run_id}


@questions("get_run_step_stats")
def of_steps(home):
    for run in home.some_runs[:5]:
        keys = [step.step_key for step in home.instance.get_run_step_stats(run.run_id)]
        yield {"run_id": run.run_id, "step_keys": keys[:1]}
        yield {"run_id": run.run_id, "step_keys": [NOBODY, *keys[:2]]}


@questions("get_runs_count", "get_run_ids", "get_runs", "get_run_records")
def by_filter(home):
    for filters in run_filters(home):
        yield {"filters": filters}


@questions("get_run_partition_data")
def by_runs_filter(home):
    for filters in run_filters(home):
        if filters is not None:
            yield {"runs_filter": filters}


@questions("get_runs", "get_run_records")
def pages_of_runs(home):
    for limit, ascending in itertools.product((1, 3), (True, False)):
        for cursor in [None, *home.run_ids[:3]]:
            yield {"limit": limit, "cursor": cursor, "ascending": ascending}


@questions("get_run_records")
def runs_by_time(home):
    for order_by in ("create_timestamp", "update_timestamp"):
        for ascending in (True, False):
            yield {"order_by": order_by, "ascending": ascending}


@questions("get_run_ids")
def pages_of_ids(home):
    for cursor in [None, *home.run_ids[:3]]:
        yield {"limit": 2, "cursor": cursor}


@questions("get_run_tag_keys")
def all_tag_keys(home):
    yield {}


@questions("get_run_tags")
def of_tag_keys(home):
    keys = sorted({key for key, _ in home.tags})
    yield {"tag_keys": keys}
    for key in [*keys[:6], NOBODY]:
        yield {"tag_keys": [key]}
        yield {"tag_keys": [key], "limit": 2}
    for key, value in home.tags[:4]:
        yield {"tag_keys": [key], "value_prefix": value[:3]}


@questions("get_job_snapshot", "has_job_snapshot", "has_snapshot", "has_historical_job")
def of_job_snapshots(home):
    for snapshot_id in [*home.snapshot_ids, NOBODY]:
        yield {"snapshot_id": snapshot_id}


@questions("get_historical_job")
def of_historical_jobs(home):
    for snapshot_id in home.snapshot_ids:
        yield {"snapshot_id": snapshot_id}


@questions("get_execution_plan_snapshot", "has_execution_plan_snapshot", "has_snapshot")
def of_plan_snapshots(home):
    for snapshot_id in [*home.plan_ids[:10], NOBODY]:
        yield {"snapshot_id": snapshot_id}


@questions("count_resume_run_attempts")
def resumed(home):
    for run in home.runs:
        yield {"run_id": run.run_id}


@questions("get_run_size_limit_bytes")
def limits(home):
    yield {}
