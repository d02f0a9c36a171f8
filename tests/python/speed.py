"""What makes many homes and calls bearable: Dagster reads the files of all its schema revisions anew for each database, and
makes an engine of SQLAlchemy, which has to learn each statement, for each connection to a file of SQLite. To Postgres it
opens a connection for each call, unless it serves a website; here it keeps them, as it does then.

What Dagster writes and answers stays as it is.
"""

from collections import OrderedDict
from threading import Lock

from alembic.script import ScriptDirectory
from dagster._core.storage.event_log.sqlite import sqlite_event_log
from dagster._core.storage.runs.sqlite import sqlite_run_storage
from dagster._core.storage.schedules.sqlite import sqlite_schedule_storage
from dagster_postgres.event_log import event_log
from dagster_postgres.run_storage import run_storage
from dagster_postgres.schedule_storage import schedule_storage

# So many databases are used at once: the files of a home, on both sides.
ENGINES = 64


def read_revisions_once():
    original = ScriptDirectory.from_config.__func__
    known = {}

    def from_config(cls, config):
        place = config.get_main_option("script_location")
        if place not in known:
            known[place] = original(cls, config)
        return known[place]

    ScriptDirectory.from_config = classmethod(from_config)


def make_engines_once():
    """One engine for each database. Those of SQLite open a connection for each call, as Dagster's do."""
    for module in (sqlite_event_log, sqlite_run_storage, sqlite_schedule_storage):
        module.create_engine = kept(module.create_engine)
    for module in (event_log, run_storage, schedule_storage):
        module.create_pg_engine = kept(with_a_pool(module.create_pg_engine))


def with_a_pool(create):
    def create_engine(url, token_provider=None, poolclass=None, **options):
        return create(url, token_provider, pool_size=1, **options)

    return create_engine


def kept(create):
    """The last engines of so many databases. Of one database, all have the same options."""
    known, lock = OrderedDict(), Lock()

    def create_engine(url, *args, **options):
        with lock:
            if url not in known:
                known[url] = create(url, *args, **options)
            known.move_to_end(url)
            if len(known) > ENGINES:
                known.popitem(last=False)
            return known[url]

    return create_engine
