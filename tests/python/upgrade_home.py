"""Upgrade a home on SQLite as Dagster does, or print what the files of a home have.

    python upgrade_home.py HOME --migrate    all of `dagster instance migrate`
    python upgrade_home.py HOME              only prints

For each database there are the texts that SQLite keeps of its objects, and every row of every table, by the columns' names.
"""

import argparse
import hashlib
import sqlite3
from pathlib import Path

from common import emit, open_instance


def rows(connection, table):
    """The rows by their columns' names: an upgraded table has its columns in another order than a new one."""
    cursor = connection.execute(f'select * from "{table}" order by rowid')
    names = [column[0] for column in cursor.description]
    return [{name: value(cell) for name, cell in zip(names, row)} for row in cursor]


def value(cell):
    # Snapshots are bytes; their digest says as much.
    return hashlib.sha256(cell).hexdigest() if isinstance(cell, bytes) else cell


def dump(path):
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        objects = connection.execute("select sql from sqlite_master where sql is not null").fetchall()
        tables = [name for (name,) in connection.execute("select name from sqlite_master where type = 'table'")]
        return {
            "objects": sorted(text for (text,) in objects),
            "rows": {table: rows(connection, table) for table in sorted(tables)},
        }
    finally:
        connection.close()


def files(home):
    found = [*home.glob("history/*.db"), *home.glob("history/runs/*.db"), *home.glob("schedules/*.db")]
    return sorted(found)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("home", type=Path)
    parser.add_argument("--migrate", action="store_true")
    args = parser.parse_args()
    if args.migrate:
        with open_instance(args.home) as instance:
            instance.upgrade(lambda _message: None)
    emit({str(path.relative_to(args.home)): dump(path) for path in files(args.home)})


if __name__ == "__main__":
    main()
