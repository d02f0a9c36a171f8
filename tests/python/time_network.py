"""Store events one after another with Dagster's own storage, and say how long each took.

Usage: time_network.py URL RUN_ID. It says {"ready": true}; then each line of the input is a task, a JSON object with
"kind" and "seconds", and each line of the output is {"times": [..]}, in seconds.
"""

import json
import sys
import time

from common import emit
from time_storage import event

from dagster_postgres.event_log import PostgresEventLogStorage


def main():
    url, run_id = sys.argv[1:]
    storage = PostgresEventLogStorage(url, should_autocreate_tables=False)
    storage.store_event(event("log_line", run_id, 0))
    emit({"ready": True})
    for line in sys.stdin:
        task = json.loads(line)
        began = time.perf_counter()
        times = []
        while time.perf_counter() - began < task["seconds"]:
            one = event(task["kind"], run_id, len(times))
            at = time.perf_counter()
            storage.store_event(one)
            times.append(time.perf_counter() - at)
        emit({"times": times})


if __name__ == "__main__":
    main()
