"""Print the schema of a Postgres database, as its catalog has it, and the rows of a fresh instance.

With --create, real Dagster creates the database first. With --open, it opens the database that is there,
asks its migrations whether there is anything to do, and stores a run and an event.
"""

import argparse
import tempfile
import time
from pathlib import Path

from common import emit, open_instance

import psycopg2

NAMESPACE = "select oid from pg_namespace where nspname = current_schema"

CATALOG = {
    "relations": f"""
        select relname, relkind::text, relpersistence::text, relreplident::text, relhastriggers, relrowsecurity
        from pg_class where relnamespace = ({NAMESPACE}) order by 1""",
    "columns": f"""
        select c.relname, a.attnum, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
               a.attidentity::text, a.attgenerated::text, a.attcollation::int, pg_get_expr(d.adbin, d.adrelid)
        from pg_class c join pg_attribute a on a.attrelid = c.oid
        left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
        where c.relnamespace = ({NAMESPACE}) and c.relkind = 'r' and a.attnum > 0 order by 1, 2""",
    "constraints": f"""
        select conrelid::regclass::text, conname, contype::text, condeferrable, condeferred, convalidated,
               pg_get_constraintdef(oid)
        from pg_constraint where connamespace = ({NAMESPACE}) order by 1, 2""",
    "indexes": """
        select tablename, indexname, indexdef from pg_indexes where schemaname = current_schema order by 1, 2""",
    "sequences": f"""
        select s.seqrelid::regclass::text, s.seqtypid::regtype::text, s.seqstart, s.seqincrement, s.seqmin,
               s.seqmax, s.seqcache, s.seqcycle, d.deptype::text, d.refobjid::regclass::text, d.refobjsubid
        from pg_sequence s join pg_class c on c.oid = s.seqrelid
        left join pg_depend d on d.objid = s.seqrelid and d.classid = 'pg_class'::regclass and d.refobjsubid > 0
        where c.relnamespace = ({NAMESPACE}) order by 1""",
    "triggers": "select tgname from pg_trigger where not tgisinternal order by 1",
    "functions": f"select proname from pg_proc where pronamespace = ({NAMESPACE}) order by 1",
    "types": f"""
        select typname, typtype::text from pg_type
        where typnamespace = ({NAMESPACE}) and typtype not in ('c') and typcategory <> 'A' order by 1""",
    "information_schema": """
        select table_name, column_name, data_type, udt_name, is_nullable, column_default, character_maximum_length,
               numeric_precision, datetime_precision
        from information_schema.columns where table_schema = current_schema order by 1, 2""",
    "alembic_version": "select version_num from alembic_version",
    "secondary_indexes": """
        select id, name, migration_completed is not null, create_timestamp is not null
        from secondary_indexes order by id""",
    "run_storage_id_lengths": "select length(run_storage_id) from instance_info",
}


def dump(url):
    connection = psycopg2.connect(url)
    connection.autocommit = True
    cursor, found = connection.cursor(), {}
    for name, query in CATALOG.items():
        cursor.execute(query)
        found[name] = [list(row) for row in cursor.fetchall()]
    connection.close()
    return found


def open_at(home, url):
    Path(home, "dagster.yaml").write_text(f"storage:\n  postgres:\n    postgres_url: {url}\n")
    return open_instance(home)


def storages(instance):
    return [instance.run_storage, instance.event_log_storage, instance.schedule_storage]


def use(instance):
    from dagster import DagsterRun, DagsterRunStatus
    from dagster._core.events import DagsterEvent, DagsterEventType, EngineEventData
    from dagster._core.events.log import EventLogEntry

    versions = [list(storage.alembic_version()) for storage in storages(instance)]
    instance.add_run(DagsterRun(job_name="j", run_id="stored", status=DagsterRunStatus.STARTED))
    event = DagsterEvent(
        DagsterEventType.ENGINE_EVENT.value, "j", message="an event", event_specific_data=EngineEventData({})
    )
    entry = EventLogEntry(
        error_info=None,
        level=20,
        user_message="",
        run_id="stored",
        timestamp=time.time(),
        job_name="j",
        dagster_event=event,
    )
    instance.event_log_storage.store_event(entry)
    return {
        "alembic": versions,
        "status": instance.get_run_by_id("stored").status.value,
        "messages": [record.event_log_entry.message for record in instance.get_records_for_run("stored").records],
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("--create", action="store_true")
    parser.add_argument("--open", action="store_true")
    args = parser.parse_args()
    used = None
    if args.create or args.open:
        with tempfile.TemporaryDirectory() as home, open_at(home, args.url) as instance:
            storages(instance)
            # It is given on first use.
            instance.run_storage.get_run_storage_id()
            used = use(instance) if args.open else None
    emit({"schema": dump(args.url), "used": used})


if __name__ == "__main__":
    main()
