"""Where a side of a scenario keeps its data: a fresh home each time, or one database that is emptied between them."""

import json
import shutil
from contextlib import closing
from pathlib import Path

from common import open_instance

# Written when a storage is created, not by a scenario.
OF_CREATION = {"alembic_version", "secondary_indexes", "instance_info"}


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


class PostgresSide:
    """A database of its own, made by real Dagster on either side."""

    def __init__(self, base, url, database):
        self.base = Path(base)
        self.base.mkdir(parents=True)
        self.server = url
        self.database = database
        self.url = f"{url.rsplit('/', 1)[0]}/{database}"
        self.drop()
        self.on_server(f'create database "{database}"')
        home = self.base / "template"
        home.mkdir()
        (home / "dagster.yaml").write_text(json.dumps(self.storage()))
        with open_instance(home) as instance:
            (instance.run_storage, instance.event_log_storage, instance.schedule_storage)

    def storage(self):
        return {"storage": {"postgres": {"postgres_url": self.url}}}

    def on_server(self, statement):
        self.execute(self.server, statement)

    @staticmethod
    def execute(url, statement):
        import psycopg2

        with closing(psycopg2.connect(url)) as connection:
            connection.autocommit = True
            cursor = connection.cursor()
            # A replay that left a transaction open is told apart from a slow one.
            cursor.execute("set lock_timeout = '10s'")
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def drop(self):
        self.on_server(f'drop database if exists "{self.database}" with (force)')

    def fresh(self, name, settings):
        tables = self.execute(self.url, "select tablename from pg_tables where schemaname = current_schema")
        emptied = ", ".join(f'"{table}"' for (table,) in tables if table not in OF_CREATION)
        self.execute(self.url, f"truncate {emptied} restart identity")
        home = self.base / name.replace("/", "-")
        home.mkdir()
        (home / "dagster.yaml").write_text(json.dumps({**self.storage(), **settings}))
        return home
