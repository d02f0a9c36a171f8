"""Print the schema of every SQLite file of a home: what SQLite keeps of it, and a fresh home's rows.

With --create, real Dagster creates the home first. Nothing is changed otherwise.
"""

import argparse
import sqlite3
from pathlib import Path

from common import emit, open_instance

FILES = ["history/runs.db", "history/runs/index.db", "schedules/schedules.db"]


def dump(path):
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    rows = connection.execute("select type, name, tbl_name, sql from sqlite_master")
    objects = sorted([list(row) for row in rows], key=str)
    names = [name for (name,) in connection.execute("select name from secondary_indexes order by id")]
    revision = connection.execute("select version_num from alembic_version").fetchall()
    journal = connection.execute("pragma journal_mode").fetchone()
    page_size = connection.execute("pragma page_size").fetchone()
    has_id = "runs.db" in str(path.name)
    ids = connection.execute("select length(run_storage_id) from instance_info").fetchall() if has_id else []
    return {
        "objects": objects,
        "secondary_indexes": names,
        "revision": revision,
        "journal_mode": journal,
        "page_size": page_size,
        "run_storage_id_lengths": ids,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("home", type=Path)
    parser.add_argument("--create", action="store_true")
    args = parser.parse_args()
    if args.create:
        with open_instance(args.home) as instance:
            instance.run_storage.get_run_storage_id()
    shards = sorted(
        path for path in (args.home / "history" / "runs").glob("*.db") if path.name != "index.db"
    )
    emit(
        {
            "files": {name: dump(args.home / name) for name in FILES},
            "shards": [dump(path) for path in shards],
        }
    )


if __name__ == "__main__":
    main()
