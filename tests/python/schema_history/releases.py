"""The chain of revisions since Dagster 1.0, and the schema that a release gives a new database."""

import types
import zipfile
from typing import NamedTuple

import sqlalchemy as db

from dagster._core.storage import sql as storage_sql

BASE = "5e139331e376"


class Release(NamedTuple):
    """A revision that was the newest one of some releases: the first and the last of them."""

    revision: str
    first: str
    last: str


# The fresh schema of a revision is the one of the last release that had it. Later releases of a revision have mended
# what earlier ones got wrong, such as `concurrency_limits.using_default_limit` without a default in 1.9.12.
RELEASES = [
    Release(BASE, "1.0.0", "1.0.14"),
    Release("a00dd8d936a1", "1.0.15", "1.0.16"),
    Release("958a9495162d", "1.0.17", "1.0.17"),
    Release("6df03f4b1efb", "1.1.0", "1.1.17"),
    Release("e62c379ac8f4", "1.1.18", "1.1.21"),
    Release("d9092588866f", "1.2.0", "1.3.3"),
    Release("701913684cb4", "1.3.4", "1.3.4"),
    Release("d3a4c9e87af3", "1.3.5", "1.3.7"),
    Release("5771160a95ad", "1.3.8", "1.4.10"),
    Release("ec80dd91891a", "1.4.11", "1.5.14"),
    Release("46b412388816", "1.6.0", "1.7.16"),
    Release("284a732df317", "1.8.0", "1.8.13"),
    Release("16e3655b4d9b", "1.9.0", "1.9.2"),
    Release("6b7fb194ff9c", "1.9.3", "1.9.11"),
    Release("7e2f3204cf8e", "1.9.12", "1.12.8"),
    Release("29b539ebc72a", "1.12.9", "1.12.9"),
]

STORES = {
    "runs": ("runs", "RunStorageSqlMetadata"),
    "events": ("event_log", "SqlEventLogStorageMetadata"),
    "schedules": ("schedules", "ScheduleStorageSqlMetadata"),
}

ALEMBIC_VERSION = """CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
)"""


def chain():
    """The revisions from the base to the newest, with that of before."""
    from alembic.script import ScriptDirectory

    script = ScriptDirectory.from_config(alembic_config())
    revisions = [BASE]
    revisions += [r.revision for r in reversed(list(script.iterate_revisions("head", BASE)))]
    return revisions


def before_base():
    """All revisions of before the base, oldest first."""
    from alembic.script import ScriptDirectory

    script = ScriptDirectory.from_config(alembic_config())
    older = [r.revision for r in script.iterate_revisions(BASE, "base")]
    return [revision for revision in reversed(older) if revision != BASE]


def alembic_config():
    from dagster._core.storage.runs.sqlite import sqlite_run_storage

    return storage_sql.get_alembic_config(sqlite_run_storage.__file__)


def metadata(wheels, release, store):
    """The tables of a store in a release: its schema's source, with the types and functions of the installed Dagster."""
    module_name, name = STORES[store]
    (wheel,) = wheels.glob(f"dagster-{release}-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        source = archive.read(f"dagster/_core/storage/{module_name}/schema.py").decode()
    kept = [
        line for line in source.splitlines() if not line.startswith(("from ..sql import", "from dagster._core.storage.sql"))
    ]
    module = types.ModuleType(f"schema_of_{release.replace('.', '_')}")
    module.MySQLCompatabilityTypes = storage_sql.MySQLCompatabilityTypes
    module.get_current_timestamp = storage_sql.get_sql_current_timestamp
    module.get_sql_current_timestamp = storage_sql.get_sql_current_timestamp
    exec(compile("\n".join(kept), f"{wheel}:{module_name}/schema.py", "exec"), module.__dict__)
    return getattr(module, name)


def fresh_statements(wheels, release, store, url):
    """The statements that create the tables of a store, as SQLAlchemy says them to a database of this kind."""
    statements = []

    def execute(statement, *_args, **_kwargs):
        statements.append(clean(str(statement.compile(dialect=engine.dialect))))

    engine = db.create_mock_engine(url, execute)
    metadata(wheels, release, store).create_all(engine, checkfirst=False)
    return [*ordered(statements), ALEMBIC_VERSION]


def ordered(statements):
    """With the indexes of each table by their names: SQLAlchemy has them in a set."""
    found, indexes = [], []
    for statement in statements:
        if statement.startswith("CREATE TABLE "):
            found += [*sorted(indexes), statement]
            indexes = []
        else:
            indexes.append(statement)
    return found + sorted(indexes)


def clean(statement):
    """Without what stands around a statement. SQLite keeps the rest as it is."""
    return statement.strip("\n ")
