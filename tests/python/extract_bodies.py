"""Print every serialised body in the SQLite files below the given directories, as JSON lines.

A line is {"file", "table", "column", "row", "kind", "body"}: the file relative to what the given
directories have in common, the row by its primary key or else its rowid, the body as plain text. `kind`
says how it is stored: "json", "zlib" (compressed), "b64zlib" (base64 of that; daemons' cursors). A body
held as text inside another has its own line, its column named "outer.path.of.inner". With --again there
is also "again": what Dagster writes for the value that it reads from the body, or null and "error".

The files are only read, through private copies. The counts per table go to stderr, with every value
that was passed over though its column is one of those that hold bodies.
"""

import argparse
import base64
import binascii
import json
import os
import re
import shutil
import sqlite3
import sys
import tempfile
import zlib
from collections import Counter
from pathlib import Path

from common import emit

MARKS = ("__class__", "__enum__", "__set__", "__frozenset__", "__mapping_items__")

# Whatever stands in these is a body; any other text is one if it holds a mark.
BODY_COLUMNS = {
    ("event_logs", "event"),
    ("asset_keys", "last_materialization"),
    ("asset_keys", "asset_details"),
    ("asset_keys", "cached_status_data"),
    ("asset_keys", "tags"),
    ("asset_check_executions", "evaluation_event"),
    ("runs", "run_body"),
    ("snapshots", "snapshot_body"),
    ("bulk_actions", "body"),
    ("daemon_heartbeats", "body"),
    ("instigators", "instigator_body"),
    ("jobs", "job_body"),
    ("job_ticks", "tick_body"),
    ("schedules", "schedule_body"),
    ("schedule_ticks", "tick_body"),
    ("asset_daemon_asset_evaluations", "asset_evaluation_body"),
}

# The version of an asset daemon's cursor, then zlib as base64.
CURSOR = re.compile(r"[01]?(eJ[0-9A-Za-z+/]+=*)")


def is_sqlite(path):
    with open(path, "rb") as file:
        return file.read(16) == b"SQLite format 3\0"


def parsed(text):
    """The JSON object or array of the text, which may hold NaN and Infinity; else None."""
    if text[:1] not in ("{", "["):
        return None
    try:
        return json.loads(text, strict=False)
    except ValueError:
        return None


def decoded(value):
    """How a stored value holds text, and that text; (None, None) if it holds none."""
    try:
        if isinstance(value, bytes):
            return "zlib", zlib.decompress(value).decode("utf-8")
        cursor = CURSOR.match(value)
        if cursor:
            packed = base64.b64decode(cursor.group(1), validate=True)
            return "b64zlib", zlib.decompress(packed).decode("utf-8")
    except (zlib.error, binascii.Error, UnicodeDecodeError):
        return (None, None) if isinstance(value, bytes) else ("json", value)
    return "json", value


def has_mark(text):
    return any(f'"{mark}"' in text for mark in MARKS)


def inner_bodies(value, path):
    """Bodies held as text, at any depth of a parsed body: by their marks, or by their fields' names."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from inner_bodies(item, f"{path}.{key}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from inner_bodies(item, f"{path}.{index}")
    elif isinstance(value, str) and len(value) > 2:
        kind, text = decoded(value)
        document = parsed(text) if text else None
        if document is not None and (has_mark(text) or ".serialized_" in path):
            yield path, kind, text
            yield from inner_bodies(document, path)


def tables_of(database):
    """(name, expression that names a row, columns)"""
    names = database.execute("select name from sqlite_master where type = 'table' order by name")
    for (name,) in names.fetchall():
        if name.startswith("sqlite_"):
            continue
        columns = database.execute(f'pragma table_info("{name}")').fetchall()
        keys = [column[1] for column in columns if column[5]]
        if name == "snapshots":  # their id is the hash of their body, and worth comparing
            keys = ["snapshot_id"]
        yield name, f'"{keys[0]}"' if len(keys) == 1 else "rowid", [column[1] for column in columns]


def bodies_of(path, passed_over):
    with tempfile.TemporaryDirectory() as private:
        copy = os.path.join(private, "copy.db")
        shutil.copyfile(path, copy)
        for suffix in ("-wal", "-journal"):
            if os.path.exists(f"{path}{suffix}"):
                shutil.copyfile(f"{path}{suffix}", copy + suffix)
        database = sqlite3.connect(copy)
        database.text_factory = lambda stored: stored.decode("utf-8", "surrogateescape")
        for table, row_name, columns in tables_of(database):
            for column in columns:
                rows = database.execute(
                    f'select {row_name}, "{column}" from "{table}" where "{column}" is not null '
                    f"and typeof(\"{column}\") in ('text', 'blob') order by {row_name}"
                )
                for row, value in rows:
                    kind, text = decoded(value)
                    document = parsed(text) if text else None
                    known = (table, column) in BODY_COLUMNS
                    if document is None or not (known or has_mark(text)):
                        if known:
                            passed_over[f"{table}.{column}: {value[:60]!r}"] += 1
                        continue
                    if isinstance(row, bytes):
                        row = row.decode("utf-8", "replace")
                    yield table, column, row, kind, text
                    for name, inner_kind, inner in inner_bodies(document, column):
                        yield table, name, row, inner_kind, inner
        database.close()


def load_whitelist():
    """Make Dagster know all its classes, as a webserver or daemon does."""
    import dagster._core.remote_representation
    import dagster._core.workspace.context
    import dagster._daemon.controller  # noqa: F401


def again(body):
    from dagster._serdes import deserialize_value, serialize_value

    try:
        return {"again": serialize_value(deserialize_value(body))}
    except Exception as error:
        return {"again": None, "error": f"{type(error).__name__}: {error}"}


def extract(directories, rewrite):
    roots = [Path(directory).resolve() for directory in directories]
    common_root = Path(os.path.commonpath(roots))
    counts, passed_over = Counter(), Counter()
    for root in roots:
        # by content, not by name: the shard of events without a run is named just ".db"
        for path in sorted(path for path in root.rglob("*") if path.is_file()):
            if not is_sqlite(path):
                if path.name.endswith(".db"):
                    passed_over[f"not SQLite: {path}"] += 1
                continue
            for table, column, row, kind, body in bodies_of(path, passed_over):
                counts[f"{table}.{column.split('.')[0]}{' (inner)' if '.' in column else ''}"] += 1
                emit(
                    {
                        "file": str(path.relative_to(common_root)),
                        "table": table,
                        "column": column,
                        "row": row,
                        "kind": kind,
                        "body": body,
                        **(again(body) if rewrite else {}),
                    }
                )
    for name, count in sorted(counts.items()):
        print(f"{count:8} {name}", file=sys.stderr)
    for name, count in sorted(passed_over.items()):
        print(f"{count:8} passed over: {name}", file=sys.stderr)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("directories", nargs="+", metavar="home")
    parser.add_argument("--again", action="store_true", help="also what Dagster makes of each")
    arguments = parser.parse_args()
    if arguments.again:
        load_whitelist()
    extract(arguments.directories, arguments.again)
