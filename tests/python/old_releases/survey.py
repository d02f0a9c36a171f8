"""What the pinned Dagster makes of the databases of old releases, as they are: not upgraded.

    python survey.py DIRECTORY [--postgres URL]

DIRECTORY is what unpack.py wrote; this works on copies. Every read method is asked as answers.py does, of SQLite and,
with the URL of a server on which databases may be made, of Postgres. It prints for each database: its revisions before
and after it was opened, what of the newest schema it lacks before and after, and the questions that raise.
"""

import argparse
import shutil
import sqlite3
import sys
import tempfile
import warnings
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from common import emit, open_instance

warnings.simplefilter("ignore")

import psycopg2
import sqlalchemy as db
from answers import asked
from dagster._core.storage.event_log.schema import SqlEventLogStorageMetadata
from dagster._core.storage.runs.schema import RunStorageSqlMetadata
from dagster._core.storage.schedules.schema import ScheduleStorageSqlMetadata
from questions import assets, events, runs, scheduling, storage  # noqa: F401
from speed import make_engines_once, read_revisions_once
from unpack import load

METADATA = (RunStorageSqlMetadata, SqlEventLogStorageMetadata, ScheduleStorageSqlMetadata)
FILES = ("history/runs.db", "history/runs/index.db", "schedules/schedules.db")


def schema(url, metadata):
    """The revision, the finished data migrations, and what of the newest schema is not there."""
    engine = db.create_engine(url, poolclass=db.pool.NullPool)
    inspector, lacks = db.inspect(engine), []
    for table in metadata:
        if not inspector.has_table(table.name):
            lacks.append(f"table {table.name}")
            continue
        columns = {column["name"] for column in inspector.get_columns(table.name)}
        lacks += [f"column {table.name}.{column.name}" for column in table.columns if column.name not in columns]
        found = {index["name"] for index in inspector.get_indexes(table.name)}
        lacks += [f"index {index.name}" for index in table.indexes if index.name not in found]
    with engine.connect() as connection:
        revisions = [row[0] for row in connection.execute(db.text("select version_num from alembic_version"))]
        marks = connection.execute(
            db.text("select name from secondary_indexes where migration_completed is not null order by 1")
        )
        return {"revisions": revisions, "migrations": [row[0] for row in marks], "lacks": sorted(set(lacks))}


def schemas_of_home(home):
    found = {
        name: schema(f"sqlite:///{home / name}", metadata.sorted_tables)
        for name, metadata in zip(FILES, METADATA)
        if (home / name).exists()
    }
    shards = sorted(path for path in (home / "history/runs").glob("*.db") if path.name != "index.db")
    found["shards"] = counted(revision_of(path) for path in shards)
    return found


def revision_of(path):
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    rows = connection.execute("select version_num from alembic_version").fetchall()
    connection.close()
    return ", ".join(row[0] for row in rows) or "none"


def schemas_of_postgres(url):
    tables = {table.name: table for metadata in METADATA for table in metadata.sorted_tables}
    return {"postgres": schema(url.replace("postgresql://", "postgresql+psycopg2://"), tables.values())}


def counted(values):
    return dict(sorted(Counter(values).items()))


def first_line(text):
    return text.splitlines()[0][:200]


def answered(home):
    try:
        with open_instance(home) as instance:
            entries = list(asked(instance))
    except Exception as error:
        return {"opening": first_line(f"{type(error).__name__}: {error}")}
    raised = Counter(
        (entry["question"], entry["method"], first_line(entry["error"])) for entry in entries if "error" in entry
    )
    return {
        "questions": len(entries),
        "raised": [[*names, count] for names, count in sorted(raised.items())],
    }


def of_sqlite(source, place):
    home = place / "home"
    shutil.copytree(source / "home", home)
    before = schemas_of_home(home)
    return {"before": before, **answered(home), "after": schemas_of_home(home)}


def of_postgres(source, place, server):
    name = f"survey_{source.name.replace('.', '_')}"
    url = f"{server.rsplit('/', 1)[0]}/{name}"
    connection = psycopg2.connect(server)
    connection.autocommit = True
    cursor = connection.cursor()
    cursor.execute(f'drop database if exists "{name}" with (force)')
    cursor.execute(f'create database "{name}" template template0 encoding \'UTF8\'')
    try:
        load(url, source / "postgres.sql")
        home = place / "postgres"
        home.mkdir()
        opened = url.replace("postgresql://", "postgresql+psycopg2://")
        (home / "dagster.yaml").write_text(f"storage:\n  postgres:\n    postgres_url: {opened}\n")
        before = schemas_of_postgres(url)
        return {"before": before, **answered(home), "after": schemas_of_postgres(url)}
    finally:
        cursor.execute(f'drop database "{name}" with (force)')
        connection.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--postgres", metavar="URL")
    arguments = parser.parse_args()
    read_revisions_once()
    make_engines_once()
    found = {}
    for contents in sorted(arguments.directory.glob("*/contents.json")):
        source = contents.parent
        with tempfile.TemporaryDirectory() as place:
            found[source.name] = {"sqlite": of_sqlite(source, Path(place))}
            if arguments.postgres:
                found[source.name]["postgres"] = of_postgres(source, Path(place), arguments.postgres)
    emit(found)


if __name__ == "__main__":
    main()
