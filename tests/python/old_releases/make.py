"""Make the databases of one old release: a home (SQLite), and a database of Postgres as SQL.

    python make.py --environment PYTHON --postgres URL --pg-dump PROGRAM DIRECTORY

This interpreter needs psycopg2 and Python 3.11; the old release is in the environment of PYTHON, which runs write.py.
In DIRECTORY are then

    home/              what the release left on SQLite
    postgres.sql       what it left on Postgres: statements that any client can send
    home.tar.xz, postgres.sql.xz    both, packed as unpack.py reads them
    contents.json      what was made, and what the databases have: revisions, tables, columns, rows
"""

import argparse
import io
import json
import lzma
import os
import re
import shutil
import sqlite3
import subprocess
import tarfile
import tempfile
import time
import zlib
from pathlib import Path

import psycopg2

HERE = Path(__file__).resolve().parent

# What Dagster leaves in a home and nobody reads.
NOBODYS = {".telemetry", ".nux", "logs", ".logs_queue", ".dagster_telemetry", "storage/.tmp"}

# In the dump: what only psql understands, and settings that older servers do not know.
PSQL_ONLY = re.compile(r"^(\\(un)?restrict .*|SET transaction_timeout = .*|--.*|)\n", re.MULTILINE)

# Dagster stores snapshots compressed by zlib, which is most of what a packed database takes. `unpack.py` compresses
# them again.
SNAPSHOT = re.compile(r"'\\x(789c[0-9a-f]+)'")

PRESET = 9 | lzma.PRESET_EXTREME


def filled(environment, home, postgres=None):
    """Run the old release; return its summary."""
    command = [environment, str(HERE / "write.py"), str(home)]
    variables = {name: value for name, value in os.environ.items() if not name.startswith(("DAGSTER", "PYTHON"))}
    variables["PYTHONDONTWRITEBYTECODE"] = "1"
    log = home.parent / ("postgres.log" if postgres else "sqlite.log")
    with open(log, "wb") as file:
        done = subprocess.run(
            command + (["--postgres", postgres] if postgres else []),
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=file,
        )
    if done.returncode:
        end = log.read_text(errors="replace").splitlines()[-30:]
        raise SystemExit("\n".join([f"the old release failed; its log is {log}:", *end]))
    return json.loads(done.stdout)


def with_database(url, name, use):
    """Call `use` with the URL of a new database, which is dropped afterwards."""
    server = psycopg2.connect(url)
    server.autocommit = True
    cursor = server.cursor()
    cursor.execute(f'drop database if exists "{name}" with (force)')
    cursor.execute(f'create database "{name}" template template0 encoding \'UTF8\'')
    try:
        return use(f"{url.rsplit('/', 1)[0]}/{name}")
    finally:
        cursor.execute(f'drop database "{name}" with (force)')
        server.close()


def dump(program, url):
    options = ["--no-owner", "--no-privileges", "--inserts", "--rows-per-insert=100", "--dbname", url]
    text = subprocess.run([program, *options], check=True, stdout=subprocess.PIPE).stdout.decode()
    # A dump empties `search_path` for its session.
    text = text.replace("SELECT pg_catalog.set_config('search_path', '', false);\n", "")
    return PSQL_ONLY.sub("", text)


def with_plain_snapshots(path):
    connection = sqlite3.connect(path, isolation_level=None)
    connection.create_function("plain", 1, zlib.decompress)
    connection.execute("update snapshots set snapshot_body = plain(snapshot_body)")
    connection.execute("vacuum")
    connection.execute("pragma wal_checkpoint(truncate)")
    connection.close()


def packed_home(home):
    with tempfile.TemporaryDirectory() as place:
        copy = Path(place, "home")
        shutil.copytree(home, copy)
        with_plain_snapshots(copy / "history/runs.db")
        without_nobodys(copy)
        return packed(copy)


def packed_sql(sql):
    def plain(match):
        return f"'\\zlib:{zlib.decompress(bytes.fromhex(match[1])).hex()}'"

    return lzma.compress(SNAPSHOT.sub(plain, sql).encode(), preset=PRESET)


def packed(home):
    """As a tar file in which only the contents can differ."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for path in sorted(home.rglob("*")):
            name = path.relative_to(home).as_posix()
            entry = tarfile.TarInfo(name)
            if path.is_dir():
                entry.type, entry.mode = tarfile.DIRTYPE, 0o755
                tar.addfile(entry)
            else:
                entry.size, entry.mode = path.stat().st_size, 0o644
                with open(path, "rb") as file:
                    tar.addfile(entry, file)
    return lzma.compress(buffer.getvalue(), preset=PRESET)


def without_nobodys(home):
    for name in NOBODYS:
        path = home / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    for path in sorted(home.rglob("*"), reverse=True):
        # Logs that the database of the closed home still had, and directories that are empty now.
        if path.name.endswith(("-wal", "-shm")):
            path.unlink()


def checked(name, data, *paths):
    """No path of this machine is in what is kept."""
    for path in paths:
        if path.encode() in data:
            at = data.index(path.encode())
            raise SystemExit(f"{name} names a path of this machine: {data[max(0, at - 80) : at + 120]!r}")
    return data


def make(arguments):
    directory = arguments.directory.resolve()
    directory.mkdir(parents=True, exist_ok=True)
    home, times = directory / "home", {}
    shutil.rmtree(home, ignore_errors=True)
    start = time.time()
    sqlite = filled(arguments.environment, home)
    without_nobodys(home)
    times["sqlite"], start = time.time() - start, time.time()

    scratch = directory / "postgres-home"
    shutil.rmtree(scratch, ignore_errors=True)

    def on_postgres(url):
        return filled(arguments.environment, scratch, url), dump(arguments.pg_dump, url)

    postgres, sql = with_database(arguments.postgres, f"old_{sqlite['release'].replace('.', '_')}", on_postgres)
    shutil.rmtree(scratch, ignore_errors=True)
    times["postgres"] = time.time() - start

    root, prefix = str(HERE.parents[2]), str(Path(arguments.environment).resolve().parents[1])
    mine = (root, str(directory), str(Path(arguments.environment).parents[1]), prefix, str(Path.home()) + "/")
    for path in home.rglob("*"):
        if path.is_file():
            checked(path.name, path.read_bytes(), *mine)
    checked("the SQL", sql.encode(), *mine)
    (directory / "postgres.sql").write_text(sql, encoding="utf-8")
    (directory / "home.tar.xz").write_bytes(packed_home(home))
    (directory / "postgres.sql.xz").write_bytes(packed_sql(sql))
    contents = {"sqlite": sqlite, "postgres": postgres}
    text = json.dumps(contents, ensure_ascii=False, indent=1, sort_keys=True)
    checked("the summary", text.encode(), *mine)
    (directory / "contents.json").write_text(text + "\n", encoding="utf-8")
    sizes = {path.name: path.stat().st_size for path in directory.iterdir() if path.suffix in (".xz", ".json")}
    took = ", ".join(f"{name} {seconds:.0f} s" for name, seconds in times.items())
    print(f"{sqlite['release']}: {took}; " + ", ".join(f"{name} {size} B" for name, size in sorted(sizes.items())))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--environment", required=True, metavar="PYTHON")
    parser.add_argument("--postgres", required=True, metavar="URL")
    parser.add_argument("--pg-dump", required=True, metavar="PROGRAM")
    make(parser.parse_args())
