"""Makes runs that have no job behind them."""

from uuid import uuid4

from dagster import DagsterRun, DagsterRunStatus


def dagster_run(
    job_name="test-job",
    run_id=None,
    run_config=None,
    tags=None,
    status=DagsterRunStatus.NOT_STARTED,
    **fields,
):
    return DagsterRun(
        job_name=job_name,
        run_id=str(run_id) if run_id else str(uuid4()),
        run_config=run_config or {},
        tags=tags or {},
        status=status,
        **fields,
    )
