"""What each step of the storage domain does, and the question that any step may ask: see `operations.py`."""

import asking
import sqlalchemy as db

from scenarios.encoding import de


def ask(instance, args):
    """The answer of a method, as one text."""
    return asking.answer_text(instance, args["method"], args["args"])


def delete_dynamic_partition(instance, args):
    instance.delete_dynamic_partition(args["name"], args["key"])


def add_daemon_heartbeat(instance, args):
    instance.add_daemon_heartbeat(de(args["heartbeat"]))


def wipe_daemon_heartbeats(instance, args):
    instance.wipe_daemon_heartbeats()


def set_cursor_values(instance, args):
    instance.daemon_cursor_storage.set_cursor_values(args["pairs"])


def add_snapshot(instance, args):
    instance.add_snapshot(de(args["snapshot"]))


def store_instigator_state(instance, args):
    instance.schedule_storage.add_instigator_state(de(args["state"]))


def store_tick(instance, args):
    instance.schedule_storage.create_tick(de(args["tick"]))


def wipe(instance, args):
    instance.wipe()


def reindex(instance, args):
    instance.reindex()


def execute_sql(instance, args):
    """Changes a database as an older release, or a person, would have left it."""
    connect = {
        "runs": lambda: instance.run_storage.connect(),
        "index": lambda: instance.event_log_storage.index_connection(),
        "schedules": lambda: instance.schedule_storage.connect(),
    }[args["store"]]
    with connect() as connection:
        for statement in args["statements"]:
            connection.execute(db.text(statement))
    # Dagster reads a mark once; whoever reindexes does so in another process.
    getattr(instance.event_log_storage, "_secondary_index_cache", {}).clear()


STORAGE = {
    operation.__name__: operation
    for operation in (
        *(ask, delete_dynamic_partition, add_daemon_heartbeat, wipe_daemon_heartbeats, set_cursor_values),
        *(add_snapshot, store_instigator_state, store_tick, wipe, reindex, execute_sql),
    )
}
