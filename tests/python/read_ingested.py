"""Print what real Dagster finds of the runs, events and dynamic partitions that `ingest` wrote to a home.

For each SQLite file it prints what the file's own check of its integrity says.
"""

import argparse
import sqlite3
from pathlib import Path

from common import emit, open_instance


def integrity(home):
    files = sorted(path for path in Path(home).rglob("*.db") if path.is_file())
    found = {}
    for path in files:
        connection = sqlite3.connect(f"file:{path}", uri=True)
        found[str(path.relative_to(home))] = [row[0] for row in connection.execute("pragma integrity_check")]
        connection.close()
    return found


def messages(instance, run_id):
    found, cursor, more = [], None, True
    while more:
        page = instance.get_records_for_run(run_id, cursor=cursor, ascending=True)
        found += [record.event_log_entry.message for record in page.records]
        cursor, more = page.cursor, page.has_more
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("home")
    parser.add_argument("logs", nargs="+", help="the runs that have events")
    args = parser.parse_args()
    # Before Dagster opens them, which may mend or change what it finds.
    files = integrity(args.home)
    with open_instance(args.home) as instance:
        emit(
            {
                "integrity": files,
                "run_ids": [record.dagster_run.run_id for record in instance.get_run_records()],
                "messages": {run_id: messages(instance, run_id) for run_id in args.logs},
                "partitions": instance.get_dynamic_partitions("ingested"),
            }
        )


if __name__ == "__main__":
    main()
