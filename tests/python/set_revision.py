"""Write another schema revision into runs.db, as a Dagster of another version would have left it."""

import argparse
import sqlite3
from pathlib import Path

from common import emit


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("home", type=Path)
    parser.add_argument("--revision", required=True)
    args = parser.parse_args()
    connection = sqlite3.connect(args.home / "history" / "runs.db")
    with connection:
        connection.execute("update alembic_version set version_num = ?", [args.revision])
    connection.execute("pragma wal_checkpoint(truncate)")
    connection.close()
    emit({"revision": args.revision})


if __name__ == "__main__":
    main()
