"""Real Dagster that fails runs in transactions that commit late, and Dagster's own consumer of failures.

`write` reads {"run_ids", "seed"} from standard input. Many threads at once report that these runs have failed, as Dagster does
it; but the transaction of each event commits up to two seconds after its id was given, and the status of the run is set up to
a second after that. It prints {"late": how many events were committed behind one with a greater id, "greatest": the greatest id
of a failure}.

`consume` is Dagster's daemon that retries failed runs, with its own interval, and with a retry that is only remembered. It
prints a line when it has looked once, and goes on until standard input ends and for two looks more. Then it prints
{"retried": the ids of the runs that it retries}.
"""

import argparse
import json
import random
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from types import SimpleNamespace

from common import emit, open_instance

import sqlalchemy as db
from dagster._daemon.auto_run_reexecution import auto_run_reexecution, event_log_consumer

WRITERS = 32
# At most so many seconds pass before the commit of an event, and between it and the status of its run.
BEFORE_COMMIT = 2.0
BEFORE_STATUS = 1.0
LOOKS_AFTER_THE_END = 2

# What each thread is to wait for, and when it has committed.
of_thread = threading.local()


def commit_late(storage):
    """The first connection of each report commits what it writes after a while. Dagster's commit each statement."""
    connect = storage._connect

    @contextmanager
    def late():
        pause, of_thread.before_commit = getattr(of_thread, "before_commit", None), None
        with connect() as connection:
            if pause is None:
                yield connection
                return
            connection = connection.execution_options(isolation_level="READ COMMITTED")
            with connection.begin():
                yield connection
                time.sleep(pause)
        of_thread.committed = time.monotonic()

    storage._connect = late


def set_status_late(storage):
    handle = storage.handle_run_event

    def late(*arguments):
        time.sleep(of_thread.before_status)
        return handle(*arguments)

    storage.handle_run_event = late


def write(instance, run_ids, seed):
    events, dice = instance.event_log_storage, random.Random(seed)
    runs = [instance.get_run_by_id(run_id) for run_id in run_ids]
    pauses = [(dice.uniform(0, BEFORE_COMMIT), dice.uniform(0, BEFORE_STATUS)) for _ in runs]
    commit_late(events)
    set_status_late(instance.run_storage)

    def fail(run, pause):
        of_thread.before_commit, of_thread.before_status = pause
        instance.report_run_failed(run)
        return of_thread.committed, run.run_id

    with ThreadPoolExecutor(WRITERS) as writers:
        committed = sorted(writers.map(fail, runs, pauses))
    with events.index_connection() as connection:
        query = "SELECT run_id, id FROM event_logs WHERE dagster_event_type = 'PIPELINE_FAILURE'"
        ids = dict(connection.execute(db.text(query)).fetchall())
    late, greatest = 0, 0
    for _, run_id in committed:
        late += ids[run_id] < greatest
        greatest = max(greatest, ids[run_id])
    emit({"late": late, "greatest": greatest})


def consume(instance):
    retried, ended = [], threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
    auto_run_reexecution.retry_run = lambda run, _: retried.append(run.run_id)
    daemon = event_log_consumer.EventLogConsumerDaemon()
    context, left = SimpleNamespace(instance=instance), LOOKS_AFTER_THE_END
    while left:
        left -= ended.is_set()
        for _ in daemon.run_iteration(context):
            pass
        emit({"looked": True})
        ended.wait(daemon.interval_seconds)
        if ended.is_set():
            time.sleep(daemon.interval_seconds)
    emit({"retried": sorted(set(retried))})


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("home")
    parser.add_argument("role", choices=["write", "consume"])
    args = parser.parse_args()
    with open_instance(args.home) as instance:
        if args.role == "write":
            asked = json.load(sys.stdin)
            write(instance, asked["run_ids"], asked["seed"])
        else:
            consume(instance)


if __name__ == "__main__":
    main()
