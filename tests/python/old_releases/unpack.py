"""Unpack the committed databases of old releases, and load one into Postgres.

    python unpack.py FIXTURES DIRECTORY      a directory for each release: home/, postgres.sql, contents.json
    python unpack.py --load URL SQL          sends a postgres.sql to an empty database (needs psycopg2)
"""

import argparse
import io
import lzma
import re
import shutil
import sqlite3
import tarfile
import zlib
from pathlib import Path

# How `make.py` packs a snapshot.
PLAIN_SNAPSHOT = re.compile(r"'\\zlib:([0-9a-f]+)'")


def with_compressed_snapshots(path):
    """As Dagster has them."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.create_function("compressed", 1, zlib.compress)
    connection.execute("update snapshots set snapshot_body = compressed(snapshot_body)")
    connection.execute("vacuum")
    connection.execute("pragma wal_checkpoint(truncate)")
    connection.close()


def unpacked_sql(data):
    def compressed(match):
        return f"'\\x{zlib.compress(bytes.fromhex(match[1])).hex()}'"

    return PLAIN_SNAPSHOT.sub(compressed, lzma.decompress(data).decode())


def unpack(fixtures, directory):
    for source in sorted(path.parent for path in fixtures.glob("*/contents.json")):
        target = directory / source.name
        (target / "home").mkdir(parents=True)
        with tarfile.open(fileobj=io.BytesIO(lzma.decompress((source / "home.tar.xz").read_bytes()))) as tar:
            tar.extractall(target / "home", filter="data")
        with_compressed_snapshots(target / "home/history/runs.db")
        sql = unpacked_sql((source / "postgres.sql.xz").read_bytes())
        (target / "postgres.sql").write_text(sql, encoding="utf-8")
        shutil.copyfile(source / "contents.json", target / "contents.json")


def load(url, sql):
    import psycopg2

    connection = psycopg2.connect(url)
    with connection, connection.cursor() as cursor:
        cursor.execute(sql.read_text(encoding="utf-8"))
    connection.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("paths", nargs="+")
    parser.add_argument("--load", action="store_true")
    arguments = parser.parse_args()
    first, second = arguments.paths
    if arguments.load:
        load(first, Path(second))
    else:
        unpack(Path(first), Path(second))
