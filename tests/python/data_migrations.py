"""What data migrations make of a database that needs all of them.

    python data_migrations.py HOME --prepare    Dagster upgrades the schema; then marks are taken away, and rows are made as
                                                releases left them that had no such columns
    python data_migrations.py HOME --migrate    Dagster's own data migrations: those of `migrate` and those of `reindex`
    python data_migrations.py HOME              only prints

Prints every row of the tables that data migrations change. What is made is the same in each copy of a home.
"""

import argparse
import json
import re
import sqlite3
from contextlib import contextmanager
from pathlib import Path

from common import emit, open_instance

RUNS, BACKFILLS, STATES, TICKS, ASSETS = 1_100, 230, 540, 1_050, 540

TABLES = {
    "runs": ["runs", "run_tags", "bulk_actions", "backfill_tags", "secondary_indexes"],
    "index": ["asset_keys", "secondary_indexes"],
    "schedules": ["jobs", "instigators", "job_ticks", "secondary_indexes"],
}

ORIGIN = {
    "__class__": "ExternalPipelineOrigin",
    "external_repository_origin": {
        "__class__": "ExternalRepositoryOrigin",
        "repository_location_origin": {
            "__class__": "RegisteredRepositoryLocationOrigin",
            "location_name": "shöp",
        },
        "repository_name": "all of it",
    },
    "pipeline_name": "made",
}

ENDED = ["COMPLETED", "FAILED", "CANCELED", "COMPLETED_SUCCESS", "COMPLETED_FAILED"]


class Database:
    """A store's database of either kind, without Dagster: this is called often."""

    def __init__(self, connection, is_postgres):
        self.connection, self.is_postgres = connection, is_postgres

    def run(self, sql, *values):
        cursor = self.connection.cursor()
        cursor.execute(sql.replace("?", "%s") if self.is_postgres else sql, values)
        return cursor

    def rows(self, sql, *values):
        cursor = self.run(sql, *values)
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row)) for row in cursor.fetchall()]

    def insert(self, table, row):
        names = ", ".join(f'"{name}"' for name in row)
        self.run(f"insert into {table} ({names}) values ({', '.join('?' for _ in row)})", *row.values())


def postgres_url(home):
    settings = home / "dagster.yaml"
    found = re.search(r"postgres_url: (\S+)", settings.read_text()) if settings.exists() else None
    return found and found[1]


@contextmanager
def store(home, name):
    url = postgres_url(home)
    if url:
        import psycopg2

        connection = psycopg2.connect(url)
    else:
        places = {"runs": "history/runs.db", "index": "history/runs/index.db", "schedules": "schedules/schedules.db"}
        connection = sqlite3.connect(home / places[name], timeout=30)
    try:
        yield Database(connection, bool(url))
        connection.commit()
    finally:
        connection.close()


def copied(row, **changes):
    return {name: value for name, value in {**row, **changes}.items() if name != "id"}


def make_runs(database):
    (first, *_) = database.rows("select * from runs order by id")
    body = json.loads(first["run_body"])
    # One that its own release made may have these.
    database.run("update runs set partition = null, partition_set = null, backfill_id = null")
    database.run("delete from run_tags where key = '.dagster/repository'")
    for number in range(RUNS):
        run_id, tags = f"{number:08x}-0000-4000-8000-000000000000", {}
        if number % 3 == 0:
            tags |= {"dagster/partition": f"p{number}é", "dagster/partition_set": "set 'of' it"}
        if number % 3 == 1:
            tags["dagster/partition"] = "alone"
        if number % 2 == 0:
            tags["dagster/backfill"] = f"made{number % BACKFILLS:04}"
        origin = ORIGIN if number % 5 else None
        made = {**body, "run_id": run_id, "tags": tags, "external_pipeline_origin": origin}
        made["status"] = {"__enum__": "PipelineRunStatus.NOT_STARTED"}
        database.insert("runs", copied(
            first,
            run_id=run_id,
            run_body=json.dumps(made),
            status="NOT_STARTED",
            start_time=None,
            end_time=1_700_000_000.25 + number if number % 7 else None,
        ))
        for key, value in tags.items():
            database.insert("run_tags", {"run_id": run_id, "key": key, "value": value})


def make_backfills(database):
    (first, *_) = database.rows("select * from bulk_actions order by id")
    body = json.loads(first["body"])
    assets = {"partition_set_origin": None, "partition_names": None, "reexecution_steps": None}
    assets |= {"last_submitted_partition_name": None, "serialized_asset_backfill_data": "{}"}
    for number in range(BACKFILLS):
        status = ENDED[number % 5] if number % 6 else "REQUESTED"
        key = f"made{number:04}"
        made = {**body, "backfill_id": key, "backfill_timestamp": 1_600_000_000 + number / 4}
        made |= assets if number % 4 == 0 else {}
        made["status"] = {"__enum__": f"BulkActionStatus.{status}"}
        # As dictionaries have it that were stored as they were.
        made["tags"] = {"z": "é", "a": f"{number % 3}"} if number % 3 else {}
        made.pop("backfill_end_timestamp", None)
        if number % 11 == 0:
            made["backfill_end_timestamp"] = 1_650_000_000.5
        if number % 11 == 1:
            made["backfill_end_timestamp"] = None
        database.insert("bulk_actions", copied(first, key=key, status=status, body=json.dumps(made)))
    database.run("update bulk_actions set action_type = null, selector_id = null, job_name = null")
    database.run("delete from backfill_tags")


def make_states(database):
    (first, *_) = database.rows("select * from jobs order by id")
    body = json.loads(first["job_body"])
    for number in range(STATES):
        # Pairs have one selector: the same definition, of two places.
        made = json.loads(json.dumps(body))
        made["origin"]["job_name"] = f"made {number // 2}"
        made["status"] = {"__enum__": f"InstigatorStatus.{'RUNNING' if number % 2 else 'STOPPED'}"}
        status = "RUNNING" if number % 2 else "STOPPED"
        database.insert("jobs", copied(
            first, job_origin_id=f"made {number}", status=status, job_body=json.dumps(made)
        ))
    (tick, *_) = database.rows("select * from job_ticks order by id")
    for number in range(TICKS):
        database.insert("job_ticks", copied(tick))
    database.run("delete from instigators")
    database.run("update jobs set selector_id = null")
    database.run("update job_ticks set selector_id = null")


def make_assets(database):
    event = database.rows(
        "select * from event_logs where dagster_event_type = 'ASSET_MATERIALIZATION' order by id limit 1"
    )[0]
    for number in range(ASSETS):
        key = f"made {number}"
        text = event["event"].replace(json.dumps({"path": json.loads(event["asset_key"])})[1:-1], f'"path": ["{key}"]')
        database.insert("event_logs", copied(event, asset_key=json.dumps([key]), event=text))
    database.run("update asset_keys set last_materialization_timestamp = null, wipe_timestamp = null")


def prepare(home):
    for shard in (home / "history/runs").glob("*.db*"):
        # Each would be upgraded for itself, and has nothing that is migrated.
        if not shard.name.startswith("index.db"):
            shard.unlink()
    with open_instance(home) as instance:
        instance.run_storage.upgrade()
        instance.event_log_storage.upgrade()
        instance.schedule_storage.upgrade()
    for name in TABLES:
        with store(home, name) as database:
            if name == "runs":
                make_runs(database)
                make_backfills(database)
            elif name == "index":
                make_assets(database)
            else:
                make_states(database)
            database.run("delete from secondary_indexes")


def migrate(home):
    with open_instance(home) as instance:
        instance.run_storage.migrate(lambda _message: None)
        instance.event_log_storage.reindex_events(lambda _message: None)
        instance.event_log_storage.reindex_assets(lambda _message: None)
        instance.schedule_storage.migrate(lambda _message: None)
        # Not the times of runs: Dagster would create a database for each run that is made here.
        instance.schedule_storage.optimize(lambda _message: None)


def rows(database, table):
    found = database.rows(f"select * from {table}")
    for row in found:
        if table in ("secondary_indexes", "backfill_tags", "run_tags"):
            row.pop("id")
        if table == "secondary_indexes":
            row["create_timestamp"], row["migration_completed"] = None, row["migration_completed"] is not None
        for name in ("create_timestamp", "update_timestamp"):
            # A time as SQLite writes it and one as Python does.
            if isinstance(row.get(name), str):
                row[name] = row[name].removesuffix(".000000")
    texts = [json.dumps(row, sort_keys=True, default=str, ensure_ascii=False) for row in found]
    return [json.loads(text) for text in sorted(texts)]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("home", type=Path)
    parser.add_argument("--prepare", action="store_true")
    parser.add_argument("--migrate", action="store_true")
    args = parser.parse_args()
    if args.prepare:
        prepare(args.home)
    if args.migrate:
        migrate(args.home)
    found = {}
    for name, tables in TABLES.items():
        with store(args.home, name) as database:
            for table in tables:
                found[f"{name}/{table}"] = rows(database, table)
    emit(found)


if __name__ == "__main__":
    main()
