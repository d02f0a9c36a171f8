"""Real Dagster's side: loads each home of standard input, one document a line, and says what came of it.

Nothing is connected to. Postgres is asked only for the names of its tables, and only to create those that are missing;
that question has its answer here.
"""

import functools
import json
import os
import shutil
import socket
import sys
import tempfile
import warnings

from common import emit

warnings.simplefilter("ignore")

# What Dagster makes of these variables is read while it is imported, or would go out.
KEPT = ("PYTHONDONTWRITEBYTECODE", "PYTHONHASHSEED")
TABLES = ["runs", "instance_info", "event_logs", "jobs", "schedules"]

# Dagster tells its makers nothing, and boto3 does not ask the machine for credentials.
NO_CONNECTIONS = {"DAGSTER_DISABLE_TELEMETRY": "1", "AWS_EC2_METADATA_DISABLED": "true"}


def connect_nowhere():
    import dagster_postgres.event_log.event_log
    import dagster_postgres.run_storage.run_storage
    import dagster_postgres.schedule_storage.schedule_storage

    for module in (
        dagster_postgres.event_log.event_log,
        dagster_postgres.run_storage.run_storage,
        dagster_postgres.schedule_storage.schedule_storage,
    ):
        module.retry_pg_connection_fn = lambda _: TABLES

    def refuse(*_):
        raise RuntimeError("a home is loaded without any connection")

    socket.socket.connect = refuse


def make_the_schema_once():
    """It takes longer than all the rest, and is always the same."""
    from dagster._core.instance import config

    config.dagster_instance_config_schema = functools.cache(config.dagster_instance_config_schema)


def make_databases_by_copying(template):
    """Dagster makes the databases of the first home; those of the others are copied, as they would be the same."""
    from dagster import DagsterInstance
    from dagster._core.storage.event_log.sqlite import sqlite_event_log
    from dagster._core.storage.runs.sqlite import sqlite_run_storage
    from dagster._core.storage.schedules.sqlite import sqlite_schedule_storage
    from speed import read_revisions_once

    read_revisions_once()
    DagsterInstance.from_config(template).dispose()
    copies = {
        (sqlite_run_storage, "runs"): "history/runs.db",
        (sqlite_event_log, "index"): "history/runs/index.db",
        (sqlite_schedule_storage, "schedules"): "schedules/schedules.db",
    }
    for (module, database), path in copies.items():

        def make(directory, original=module.mkdir_p, database=database, path=path):
            made = original(directory)
            file = os.path.join(directory, f"{database}.db")
            if not os.path.exists(file):
                shutil.copyfile(os.path.join(template, path), file)
            return made

        module.mkdir_p = make


def shown(error):
    """The class and the first line, and what Dagster numbers below it."""
    lines = str(error).splitlines() or [""]
    numbered = [line.strip() for line in lines[1:] if line.strip().startswith("Error ")]
    return "\n".join([f"{type(error).__name__}: {lines[0]}", *numbered])


def opened(document):
    """Under the name of the home, as the programs of Dagster do it, or from there with more that tests say."""
    from dagster import DagsterInstance

    home = document["env"].get("DAGSTER_HOME", "")
    if "overrides" in document:
        return DagsterInstance.local_temp(home, overrides=document["overrides"])
    if "config_filename" in document:
        return DagsterInstance.from_config(home, document["config_filename"])
    return DagsterInstance.get()


def load(document):
    from configurations.members import members

    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    os.environ.clear()
    os.environ.update({**kept, **NO_CONNECTIONS, **document["env"]})
    os.chdir(document["directory"])
    try:
        with opened(document) as instance:
            return {"accepted": True, "members": members(instance)}
    except Exception as error:
        return {"accepted": False, "error": shown(error)}


def main():
    import logging

    connect_nowhere()
    make_the_schema_once()
    logging.getLogger("dagster").setLevel(logging.CRITICAL)
    with tempfile.TemporaryDirectory() as template:
        make_databases_by_copying(template)
        for line in sys.stdin:
            document = json.loads(line)
            emit({"name": document["name"], **load(document)})


if __name__ == "__main__":
    main()
