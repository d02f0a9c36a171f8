"""Upgrade a Postgres database as Dagster does, or print what it has: its catalog, and every row of every table.

    python upgrade_postgres.py HOME --migrate    all of `dagster instance migrate`
    python upgrade_postgres.py HOME --write      write events and runs until standard input ends; tell the longest pause
    python upgrade_postgres.py HOME --materialize   stores a materialisation with a tag, and tells the ids of the last ones
    python upgrade_postgres.py HOME              only prints

The home's `dagster.yaml` names the database by a URL.
"""

import argparse
import hashlib
import sys
import threading
import time
from pathlib import Path

import psycopg2
import yaml
from common import emit, open_instance
from postgres_schema import CATALOG, use

KINDS = ["columns", "constraints", "sequences", "alembic_version"]

INDEXES = """
    select c.relname, pg_get_indexdef(i.indexrelid), i.indisunique, i.indisvalid
    from pg_index i join pg_class c on c.oid = i.indexrelid
    where c.relnamespace = (select oid from pg_namespace where nspname = current_schema) order by 1"""

TABLES = """
    select relname from pg_class where relkind = 'r'
    and relnamespace = (select oid from pg_namespace where nspname = current_schema) order by 1"""


def value(cell):
    if isinstance(cell, memoryview):
        return hashlib.sha256(bytes(cell)).hexdigest()
    return cell if isinstance(cell, (bool, int, float, str, type(None))) else str(cell)


def rows(cursor, table):
    """The rows by their columns' names, in the order in which they were stored."""
    cursor.execute(f'select * from "{table}" order by ctid')
    names = [column[0] for column in cursor.description]
    found = [{name: value(cell) for name, cell in zip(names, row)} for row in cursor.fetchall()]
    return sorted(found, key=lambda row: sorted((name, str(cell)) for name, cell in row.items()))


def dump(url):
    connection = psycopg2.connect(url)
    connection.autocommit = True
    cursor, catalog = connection.cursor(), {}
    for kind, query in [*((kind, CATALOG[kind]) for kind in KINDS), ("indexes", INDEXES)]:
        cursor.execute(query)
        catalog[kind] = [[value(cell) for cell in row] for row in cursor.fetchall()]
    cursor.execute(TABLES)
    tables = [name for (name,) in cursor.fetchall()]
    found = {"catalog": catalog, "rows": {table: rows(cursor, table) for table in tables}}
    connection.close()
    return found


def write(home):
    """Writes as a worker of Dagster does, one call after the other."""
    from dagster import DagsterRun
    from dagster._core.events import DagsterEvent, DagsterEventType, EngineEventData
    from dagster._core.events.log import EventLogEntry

    ended = threading.Event()

    def wait():
        sys.stdin.read()
        ended.set()

    threading.Thread(target=wait, daemon=True).start()
    longest, writes = {"event": 0.0, "run": 0.0}, 0
    with open_instance(home) as instance:
        instance.optimize_for_webserver(statement_timeout=60_000, pool_recycle=3600, max_overflow=5)
        while not ended.is_set():
            run_id = f"writer-{writes}"
            event = DagsterEvent(
                DagsterEventType.ENGINE_EVENT.value, "j", message="", event_specific_data=EngineEventData({})
            )
            entry = EventLogEntry(
                error_info=None,
                level=20,
                user_message="",
                run_id=run_id,
                timestamp=time.time(),
                job_name="j",
                dagster_event=event,
            )
            for kind, call in [
                ("run", lambda: instance.add_run(DagsterRun(job_name="j", run_id=run_id, tags={"a": "b"}))),
                ("event", lambda: instance.event_log_storage.store_event(entry)),
            ]:
                start = time.monotonic()
                call()
                longest[kind] = max(longest[kind], time.monotonic() - start)
            if writes == 0:
                print("writing", file=sys.stderr, flush=True)
            writes += 1
    return {"writes": writes, "longest": longest}


def materialize(instance):
    from dagster import AssetKey, AssetMaterialization

    made = AssetMaterialization("wide_theirs", tags={"dagster/data_version": "red"})
    if instance.get_latest_materialization_event(made.asset_key) is None:
        instance.report_runless_asset_event(made)
    keys = [AssetKey(name) for name in ["wide_ours", "wide_theirs"]]
    records = instance.get_asset_records(keys)
    return {
        record.asset_entry.asset_key.path[0]: record.asset_entry.last_materialization_record.storage_id for record in records
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("home", type=Path)
    for option in ["--migrate", "--write", "--use", "--materialize"]:
        parser.add_argument(option, action="store_true")
    args = parser.parse_args()
    if args.write:
        emit(write(args.home))
        return
    if args.migrate:
        with open_instance(args.home) as instance:
            instance.upgrade(lambda _message: None)
    settings = yaml.safe_load((args.home / "dagster.yaml").read_text())
    found = dump(settings["storage"]["postgres"]["postgres_url"])
    if args.use:
        with open_instance(args.home) as instance:
            found["used"] = use(instance)
    if args.materialize:
        with open_instance(args.home) as instance:
            found["materialized"] = materialize(instance)
    emit(found)


if __name__ == "__main__":
    main()
