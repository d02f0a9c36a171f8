"""What steps about keepers do on a real instance: one look of Dagster's own daemon of a duty.

A run's retry gets the id that ours gives it, which follows from that of the run; see `instance-core/src/run/retries.rs`.
"""

import json
import logging
import uuid
from collections import deque
from types import SimpleNamespace
from unittest import mock

from scenarios import run_ids
from scenarios.workspace import ReplayedWorkspace

from dagster._daemon.auto_run_reexecution.event_log_consumer import EventLogConsumerDaemon
from dagster._daemon.monitoring import execute_concurrency_slots_iteration, execute_run_monitoring_iteration

LOGGER = logging.getLogger("dagster.scenarios.keepers")
RETRIES = uuid.UUID("6f5d9a1c-3b8e-4d27-9c40-51d2e7a8b36f")


def retry_of(run_id):
    """The id of the run by which a keeper retries another one."""
    return str(uuid.uuid5(RETRIES, run_id))


def process_context(instance, workspace=None):
    return SimpleNamespace(instance=instance, create_request_context=lambda: workspace)


def monitor_runs(instance, args):
    """How many errors the daemon would show."""
    looks = (execute_run_monitoring_iteration, execute_concurrency_slots_iteration)
    shown = [error for look in looks for error in look(process_context(instance), LOGGER) if error is not None]
    return json.dumps(len(shown))


def retry_runs(instance, args, workspace=None):
    workspace = workspace or ReplayedWorkspace(args)
    create = instance.create_reexecuted_run

    def create_known(**request):
        with run_ids.given(retry_of(request["parent_run"].run_id)):
            return create(**request)

    with mock.patch.object(instance, "create_reexecuted_run", create_known):
        deque(EventLogConsumerDaemon().run_iteration(process_context(instance, workspace)), maxlen=0)


def restart_keepers(instance, args):
    """Dagster's daemons remember nothing outside of the storage."""


def set_concurrency_slots(instance, args):
    instance.event_log_storage.set_concurrency_slots(args["pool"], args["limit"])


def claim_concurrency_slot(instance, args):
    instance.event_log_storage.claim_concurrency_slot(args["pool"], args["run_id"], args["step_key"])


KEEPERS = {
    operation.__name__: operation
    for operation in (monitor_runs, retry_runs, restart_keepers, set_concurrency_slots, claim_concurrency_slot)
}
