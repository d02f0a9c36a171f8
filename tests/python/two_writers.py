"""Real Dagster on a database that another program writes at the same time, as a writer or as a reader.

`write` stores events, runs and dynamic partitions as fast as it can; `read` follows the events behind its
last id, as a sensor does. Both print a line when they have begun, go on until standard input ends, and print
then what they wrote or saw. A writer prints a line after each round, too.
"""

import argparse
import sys
import threading
import time

from common import emit, open_instance

from dagster import AssetKey, AssetMaterialization, DagsterEventType, DagsterRun, EventRecordsFilter
from dagster._core.events import DagsterEvent, EngineEventData, StepMaterializationData
from dagster._core.events.log import EventLogEntry
from sqlalchemy.exc import IntegrityError

# How many events a reader asks for at once.
PAGE = 1000


def end_of_input():
    """An event that is set when standard input has ended."""
    ended = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
    return ended


def entry(run_id, message, materialize):
    if materialize:
        kind, data = DagsterEventType.ASSET_MATERIALIZATION, AssetMaterialization(AssetKey(["shared"]))
        data = StepMaterializationData(data)
    else:
        kind, data = DagsterEventType.ENGINE_EVENT, EngineEventData({})
    return EventLogEntry(
        error_info=None,
        level=20,
        user_message="",
        run_id=run_id,
        timestamp=time.time(),
        job_name="j",
        dagster_event=DagsterEvent(kind.value, "j", message=message, event_specific_data=data),
    )


def add_partitions(instance, keys):
    """Dagster's own check of what is there races with other writers of the same keys; it tells."""
    while True:
        try:
            return instance.add_dynamic_partitions("set", keys)
        except IntegrityError:
            pass


def write(instance, name, runs):
    ended, messages, run_ids, partitions = end_of_input(), [], [], []
    emit({"begun": True})
    while not ended.is_set():
        number = len(messages)
        for offset in range(8):
            message = f"{name}-{number + offset}"
            run_id = f"shared-{(number + offset) % runs}"
            instance.event_log_storage.store_event(entry(run_id, message, offset % 4 == 0))
            messages.append([run_id, message])
        run_id = f"{name}-run-{len(run_ids)}"
        instance.run_storage.add_run(DagsterRun(job_name="j", run_id=run_id))
        run_ids.append(run_id)
        keys = [f"{name}-{len(partitions)}", f"both-{len(partitions)}"]
        add_partitions(instance, keys)
        partitions += keys
        emit({"events": len(messages)})
    emit({"messages": messages, "run_ids": run_ids, "partitions": partitions})


def behind(storage, cursor, sharded):
    """A page of the events behind an id: all of them, or where runs have ids of their own, materializations."""
    if sharded:
        of_type = EventRecordsFilter(DagsterEventType.ASSET_MATERIALIZATION, after_cursor=cursor)
        records = storage.get_event_records(of_type, limit=PAGE, ascending=True)
        return [(record.storage_id, record.event_log_entry.message) for record in records]
    page = storage.get_logs_for_all_runs_by_log_id(after_cursor=-1 if cursor is None else cursor, limit=PAGE)
    return [(storage_id, found.message) for storage_id, found in sorted(page.items())]


def follow(storage, sharded, ended):
    """Everything that comes behind the last id, until a page is empty that was asked for after the end."""
    seen, cursor = [], None
    while True:
        last = ended.is_set()
        page = behind(storage, cursor, sharded)
        seen += page
        if page:
            cursor = page[-1][0]
        elif last:
            return seen


def every_message(instance, runs):
    found = []
    for run_id in (f"shared-{number}" for number in range(runs)):
        cursor, more = None, True
        while more:
            page = instance.get_records_for_run(run_id, cursor=cursor, ascending=True)
            found += [[run_id, record.event_log_entry.message] for record in page.records]
            cursor, more = page.cursor, page.has_more
    return found


def read(instance, sharded, runs):
    ended = end_of_input()
    emit({"begun": True})
    storage = instance.event_log_storage
    seen = follow(storage, sharded, ended)
    emit(
        {
            "seen": seen,
            "stored": follow(storage, sharded, ended),
            "messages": every_message(instance, runs),
            "run_ids": [record.dagster_run.run_id for record in instance.get_run_records()],
            "partitions": instance.get_dynamic_partitions("set"),
        }
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("home")
    parser.add_argument("role", choices=["write", "read"])
    parser.add_argument("--runs", type=int, required=True, help="how many runs all writers share")
    parser.add_argument("--name", default="theirs", help="what begins everything that is written")
    args = parser.parse_args()
    with open_instance(args.home) as instance:
        if args.role == "write":
            write(instance, args.name, args.runs)
        else:
            read(instance, instance.event_log_storage.is_run_sharded, args.runs)


if __name__ == "__main__":
    main()
