"""Where a side of a scenario keeps its data: a fresh home each time, or one database that is emptied between them."""

import json
import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from common import open_instance

from scenarios import dump


class SqliteSide:
    """The schema of real Dagster's home is made once and copied; the other side makes its own."""

    def __init__(self, base, template=False):
        self.base = Path(base)
        self.template = self.base / "template" if template else None
        if template:
            self.template.mkdir(parents=True)
            (self.template / "dagster.yaml").write_text("")
            open_instance(self.template).dispose()

    def fresh(self, name, settings):
        home = self.base / name.replace("/", "-")
        if self.template:
            shutil.copytree(self.template, home)
        else:
            home.mkdir(parents=True)
        (home / "dagster.yaml").write_text(json.dumps(settings))
        return home

    def execute_sql(self, home, store, statements):
        with closing(sqlite3.connect(home / dump.FILES[store])) as database:
            for statement in statements:
                database.execute(statement)
            database.commit()

    def dump(self, home, window):
        return dump.of_sqlite(home, window)

    def close(self):
        pass


def connected(url):
    import psycopg2

    connection = psycopg2.connect(url)
    connection.autocommit = True
    # A replay that left a transaction open is told apart from a slow one.
    connection.cursor().execute("set lock_timeout = '10s'; set time zone 'UTC'")
    return connection


class PostgresSide:
    """A database of its own, made by real Dagster on either side."""

    def __init__(self, base, server):
        self.base = Path(base)
        self.base.mkdir(parents=True)
        self.server = server
        self.database = f"scenarios_{self.base.name}_{os.getpid()}"
        self.url = f"{server.rsplit('/', 1)[0]}/{self.database}"
        self.on_server(f'create database "{self.database}"')
        # Nothing here needs to outlive the server.
        self.on_server(f'alter database "{self.database}" set synchronous_commit = off')
        self.connection = connected(self.url)
        try:
            home = self.base / "template"
            home.mkdir()
            (home / "dagster.yaml").write_text(json.dumps(self.storage()))
            with open_instance(home) as instance:
                (instance.run_storage, instance.event_log_storage, instance.schedule_storage)
        except BaseException:
            self.close()
            raise

    def storage(self):
        return {"storage": {"postgres": {"postgres_url": self.url}}}

    def on_server(self, statement):
        with closing(connected(self.server)) as connection:
            connection.cursor().execute(statement)

    def execute(self, statement):
        cursor = self.connection.cursor()
        cursor.execute(statement)
        return cursor.fetchall() if cursor.description else []

    def empty(self):
        """Only the tables that have rows, for each is new files; but all ids begin anew."""
        tables = self.execute("select tablename from pg_tables where schemaname = current_schema")
        tables = [table for (table,) in tables if table not in dump.OF_CREATION]
        filled = [f"select '{table}' where exists (select from \"{table}\")" for table in tables]
        filled = ", ".join(f'"{table}"' for (table,) in self.execute(" union all ".join(filled)))
        if filled:
            self.execute(f"truncate {filled} cascade")
        of_tables = "relkind = 'S' and relname not like 'secondary_indexes%'"
        self.execute(f"select setval(oid::regclass, 1, false) from pg_class where {of_tables}")

    def close(self):
        self.connection.close()
        self.on_server(f'drop database if exists "{self.database}" with (force)')

    def fresh(self, name, settings):
        self.empty()
        home = self.base / name.replace("/", "-")
        home.mkdir()
        (home / "dagster.yaml").write_text(json.dumps({**self.storage(), **settings}))
        return home

    def execute_sql(self, home, store, statements):
        for statement in statements:
            self.execute(statement)

    def dump(self, home, window):
        return dump.of_postgres(self.connection, window)
