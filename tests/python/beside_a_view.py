"""Dagster writes into a home, and after each write our binary reads the home through a read-only view.

    beside_a_view.py HOME prepare              executes one run
    beside_a_view.py HOME write BINARY VIEW    prints for each further run what both find
"""

import json
import logging
import sqlite3
import subprocess
import sys
import warnings
from pathlib import Path

from common import emit, open_instance

warnings.simplefilter("ignore")
logging.disable()

from dagster import job, op


@op
def nothing():
    pass


@job
def nothings():
    nothing()


def lines(binary, view, *arguments):
    command = [binary, "--home", view, *arguments, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{arguments}: {done.stderr}")
    return [json.loads(line) for line in done.stdout.splitlines()]


def write(instance, home, binary, view):
    found = []
    for number in range(12):
        held = []
        if number % 2:
            # Somebody else has the files open, so that what is written stays in their logs.
            history = Path(home, "history")
            for path in [history / "runs.db", history / "runs" / "index.db"]:
                held.append(sqlite3.connect(path))
                held[-1].execute("select count(*) from sqlite_master").fetchall()
        run_id = nothings.execute_in_process(instance=instance).run_id
        found.append(
            {
                "runs": len(lines(binary, view, "run", "list")),
                "ours": len(lines(binary, view, "run", "events", run_id)),
                "theirs": len(instance.all_logs(run_id)),
            }
        )
        for connection in held:
            connection.close()
    return found


def main():
    home, action, *rest = sys.argv[1:]
    with open_instance(home) as instance:
        if action == "prepare":
            nothings.execute_in_process(instance=instance)
            emit({})
        else:
            emit(write(instance, home, *rest))


if __name__ == "__main__":
    main()
