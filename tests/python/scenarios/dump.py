"""Every row of a side as comparable text: bodies as they are stored, snapshots unpacked, the current time as <now>."""

import re
import sqlite3
import zlib
from contextlib import closing
from datetime import datetime, timezone

# Written when a storage is created, not by a scenario.
OF_CREATION = {"alembic_version", "secondary_indexes", "instance_info"}

# The files of a home, but for those of single runs.
FILES = {"runs": "history/runs.db", "index": "history/runs/index.db", "schedules": "schedules/schedules.db"}

SECONDS = re.compile(r"(?<![\w.-])\d{10}(?:\.\d+)?(?:e[+-]?\d+)?(?![\w.-])")
INSTANT = re.compile(r"\d{4}-\d\d-\d\d([T ])\d\d:\d\d:\d\d(?:\.\d{1,6})?([+-]\d\d:\d\d)?")


def without_now(text, window):
    """The text with each point in time within the window as <now>; a date keeps how it is written."""
    start, end = window

    def seconds(found):
        return "<now>" if start <= float(found[0]) <= end else found[0]

    def instant(found):
        moment = datetime.fromisoformat(found[0])
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=timezone.utc)
        inside = start <= moment.timestamp() <= end
        return f"<now{found[1]}{found[2] or ''}>" if inside else found[0]

    return INSTANT.sub(instant, SECONDS.sub(seconds, text))


def text_of(value):
    """The value with its type: 1, 1.0 and '1' are different."""
    if isinstance(value, (bytes, memoryview)):
        return "blob " + zlib.decompress(bytes(value)).decode()
    if isinstance(value, datetime):
        return f"datetime {value}"
    return f"{type(value).__name__} {value}"


def rows_of(cursor, query, window):
    cursor.execute(query)
    names = [column[0] for column in cursor.description]
    return [
        {name: without_now(text_of(value), window) for name, value in zip(names, row)} for row in cursor.fetchall()
    ]


def select(table, columns):
    order = "id" if "id" in columns else ", ".join(f'"{column}"' for column in columns)
    return f'select * from "{table}" order by {order}'


def of_sqlite(home, window):
    """By file and table, those with rows: whoever only looks at a run may leave a file without any."""
    history = home / "history"
    shards = sorted(path for path in (history / "runs").glob("*.db") if path.name != "index.db")
    # glob takes no names that begin with a dot: that of events without a run is just ".db"
    shards += [path for path in [history / "runs" / ".db"] if path.exists() and path not in shards]
    found = {}
    for path in [*(home / file for file in FILES.values()), *shards]:
        if not path.exists():
            continue
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as database:
            cursor = database.cursor()
            tables = cursor.execute("select name from sqlite_master where type = 'table'").fetchall()
            for (table,) in tables:
                if table in OF_CREATION or table.startswith("sqlite_"):
                    continue
                columns = [row[1] for row in cursor.execute(f'pragma table_info("{table}")')]
                rows = rows_of(cursor, select(table, columns), window)
                if rows:
                    found[str(path.relative_to(home)), table] = rows
    return found


def of_postgres(connection, window):
    found = {}
    cursor = connection.cursor()
    cursor.execute(
        "select table_name, array_agg(column_name::text) from information_schema.columns "
        "where table_schema = current_schema group by 1 order by 1"
    )
    for table, columns in cursor.fetchall():
        if table not in OF_CREATION:
            rows = rows_of(cursor, select(table, sorted(columns)), window)
            if rows:
                found["postgres", table] = rows
    return found
