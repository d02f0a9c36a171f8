"""Derive the history of Dagster's schema from the real thing: old wheels, and the scripts of the installed alembic.

    python derive.py --wheels DIR --postgres URL --out DIR

`--wheels` keeps the wheels of old releases, which pip downloads if they are missing. `--postgres` names a server on which
a database may be made and dropped. `--out` gets what is committed:

    sqlite_{runs,index,schedules}.sql, postgres_{runs,events,schedules}.sql
        each statement of each fresh schema, with the revisions in which it is there
    sqlite/TABLE.sql, postgres/TABLE.sql
        how alembic creates a table that came later
    dumps/{runs,index,schedules}.txt
        what each revision changes in `sqlite_master`, as alembic leaves it
    revisions.txt
        the chain, and the revisions of before

Nothing is translated: what is written is what SQLAlchemy and alembic send to the database.
"""

import argparse
import subprocess
import sys
from pathlib import Path

import sqlalchemy as db
from releases import BASE, RELEASES, STORES, before_base, chain, alembic_config, clean, fresh_statements
from sqlalchemy import event
from sqlalchemy.pool import NullPool

from dagster._core.storage import sql as storage_sql

FILE_NAMES = {
    "sqlite": {"runs": "sqlite_runs", "events": "sqlite_index", "schedules": "sqlite_schedules"},
    "postgres": {"runs": "postgres_runs", "events": "postgres_events", "schedules": "postgres_schedules"},
}


def download(wheels):
    wheels.mkdir(parents=True, exist_ok=True)
    for release in RELEASES:
        if not list(wheels.glob(f"dagster-{release.last}-*.whl")):
            pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(wheels)]
            subprocess.run([*pip, f"dagster=={release.last}"], check=True)


def ranges(wheels, store, url):
    """Each statement, in the order of the releases, with the spans of revisions in which it is there."""
    found = {}
    for position, release in enumerate(RELEASES):
        before = []
        for statement in fresh_statements(wheels, release.last, store, url):
            # A statement that is new stands behind those that it comes behind in its release.
            if statement not in found:
                at = max((list(found).index(other) for other in before), default=-1) + 1
                items = list(found.items())
                found = dict([*items[:at], (statement, []), *items[at:]])
            found[statement].append(position)
            before.append(statement)
    return found


def spans(positions):
    """Without the newest revision, if a statement is there until now."""
    first, last = positions[0], positions[-1]
    assert positions == list(range(first, last + 1)), "a statement that went and came again"
    words = []
    if first > 0:
        words.append(f"from {RELEASES[first].revision}")
    if last < len(RELEASES) - 1:
        words.append(f"until {RELEASES[last].revision}")
    return " ".join(words)


def write_fresh(wheels, out):
    for dialect, url in (("sqlite", "sqlite://"), ("postgres", "postgresql://")):
        for store in STORES:
            text = ""
            for statement, positions in ranges(wheels, store, url).items():
                span = spans(positions)
                text += f"-- {span}\n" if span else ""
                text += statement + ";\n"
            path = out / f"{FILE_NAMES[dialect][store]}.sql"
            path.write_text(text, encoding="utf-8")


def base(wheels, store, connection, url):
    for statement in fresh_statements(wheels, RELEASES[0].last, store, url):
        connection.exec_driver_sql(statement)
    connection.exec_driver_sql(f"INSERT INTO alembic_version (version_num) VALUES ('{BASE}')")
    storage_sql.safe_commit(connection)


def dump(connection):
    rows = connection.exec_driver_sql("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL")
    return {row[0] for row in rows}


def write_dumps(wheels, out):
    """Runs alembic over a file of each store, and writes what each revision changes. Returns how tables are created."""
    (out / "dumps").mkdir(exist_ok=True)
    tables = {}
    for store in STORES:
        engine = db.create_engine("sqlite://", poolclass=db.pool.StaticPool)
        event.listen(engine, "before_cursor_execute", noting(tables))
        with engine.connect() as connection:
            base(wheels, store, connection, "sqlite://")
            known = dump(connection)
            text = ""
            for revision in chain():
                if revision != BASE:
                    storage_sql.run_alembic_upgrade(alembic_config(), connection, rev=revision)
                    storage_sql.safe_commit(connection)
                now = dump(connection)
                text += f"== {revision}\n"
                if revision != BASE:
                    text += "".join(f"-- gone\n{sql};\n" for sql in sorted(known - now))
                    text += "".join(f"-- new\n{sql};\n" for sql in sorted(now - known))
                else:
                    text += "".join(f"-- new\n{sql};\n" for sql in sorted(now))
                known = now
        name = FILE_NAMES["sqlite"][store].removeprefix("sqlite_")
        (out / "dumps" / f"{name}.txt").write_text(text, encoding="utf-8")
    return tables


def noting(tables):
    def note(_connection, _cursor, statement, _parameters, _context, _many):
        statement = clean(statement)
        if statement.startswith("CREATE TABLE "):
            name = statement.split()[2]
            if not name.startswith("_alembic_tmp_"):
                tables[name] = statement

    return note


def postgres_tables(wheels, server):
    admin = db.create_engine(server, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.exec_driver_sql("DROP DATABASE IF EXISTS schema_history")
        connection.exec_driver_sql("CREATE DATABASE schema_history")
    tables = {}
    url = db.engine.make_url(server).set(database="schema_history")
    try:
        engine = db.create_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            made = set()
            for store in STORES:
                for statement in fresh_statements(wheels, RELEASES[0].last, store, "postgresql://"):
                    # Some tables belong to several stores.
                    if statement not in made:
                        connection.exec_driver_sql(statement)
                    made.add(statement)
            connection.exec_driver_sql(f"INSERT INTO alembic_version (version_num) VALUES ('{BASE}')")
            event.listen(engine, "before_cursor_execute", noting(tables))
            storage_sql.run_alembic_upgrade(alembic_config(), connection)
    finally:
        with admin.connect() as connection:
            connection.exec_driver_sql("DROP DATABASE schema_history WITH (FORCE)")
    return tables


def write_tables(tables, directory):
    directory.mkdir(exist_ok=True)
    for name, statement in tables.items():
        (directory / f"{name}.sql").write_text(statement + ";\n", encoding="utf-8")


def of_base(wheels):
    names = set()
    for store in STORES:
        statements = fresh_statements(wheels, RELEASES[0].last, store, "sqlite://")
        names |= {statement.split()[2] for statement in statements if statement.startswith("CREATE TABLE ")}
    return names


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--wheels", type=Path, required=True)
    parser.add_argument("--postgres", required=True)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    download(arguments.wheels)
    arguments.out.mkdir(parents=True, exist_ok=True)
    write_fresh(arguments.wheels, arguments.out)
    old = of_base(arguments.wheels)
    sqlite = write_dumps(arguments.wheels, arguments.out)
    postgres = postgres_tables(arguments.wheels, arguments.postgres)
    for directory, tables in (("sqlite", sqlite), ("postgres", postgres)):
        later = {name: statement for name, statement in tables.items() if name not in old}
        write_tables(later, arguments.out / directory)
    text = "".join(f"before {revision}\n" for revision in before_base())
    text += "".join(f"since {revision}\n" for revision in chain())
    (arguments.out / "revisions.txt").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
