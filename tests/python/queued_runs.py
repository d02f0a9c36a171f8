"""Puts runs into the queue as Dagster does, beside one that has started and has a slot of a pool, and says which of them
Dagster's daemon would take.

Argument: the home, whose dagster.yaml has the limits. Prints {"runs": {name: run id}, "taken": [run ids]}.
"""

import sys

from common import emit, open_instance

import dagster as dg
from dagster._core.events import DagsterEvent, DagsterEventType
from dagster._core.remote_origin import (
    GrpcServerCodeLocationOrigin,
    RemoteJobOrigin,
    RemoteRepositoryOrigin,
)
from dagster._daemon.run_coordinator.queued_run_coordinator_daemon import QueuedRunCoordinatorDaemon

# No server is there. Nothing is launched here.
ORIGIN = GrpcServerCodeLocationOrigin(host="localhost", port=1, location_name="here")


@dg.op(pool="snowflake")
def load():
    pass


@dg.op
def free():
    pass


@dg.job
def etl():
    load()


@dg.job
def report():
    free()


def create(instance, job, tags):
    origin = RemoteJobOrigin(RemoteRepositoryOrigin(ORIGIN, "__repository__"), job.name)
    return instance.create_run_for_job(job, tags=tags, remote_job_origin=origin)


def queue(instance, job, tags):
    run = create(instance, job, tags)
    instance.report_dagster_event(DagsterEvent.job_enqueue(run), run_id=run.run_id)
    return run.run_id


def start(instance, job, tags):
    run = create(instance, job, tags)
    for event_type in (DagsterEventType.PIPELINE_STARTING, DagsterEventType.PIPELINE_START):
        event = DagsterEvent(event_type_value=event_type.value, job_name=run.job_name)
        instance.report_dagster_event(event, run_id=run.run_id)
    return run.run_id


def main(home):
    with open_instance(home) as instance:
        holder = start(instance, etl, {"team": "data"})
        instance.event_log_storage.initialize_concurrency_limit_to_default("snowflake")
        claim = instance.event_log_storage.claim_concurrency_slot("snowflake", holder, "load")
        assert claim.is_claimed, claim
        runs = {
            "holder": holder,
            "pooled": queue(instance, etl, {}),
            "tagged": queue(instance, report, {"team": "data"}),
            "first": queue(instance, report, {"dagster/priority": " 1_0 "}),
            "last": queue(instance, report, {"dagster/priority": "-1"}),
        }
        daemon = QueuedRunCoordinatorDaemon(interval_seconds=5)
        config = instance.get_concurrency_config()
        taken = daemon._get_runs_to_dequeue(instance, config, fixed_iteration_time=None)
        emit({"runs": runs, "taken": [run.run_id for run in taken]})


if __name__ == "__main__":
    main(sys.argv[1])
