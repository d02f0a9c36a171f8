"""What Dagster does in a home whose stores share a directory.

    one_directory.py HOME run           executes a job and prints the run's id
    one_directory.py HOME read          prints the runs, the events of each, and the runs that have a log
    one_directory.py HOME wipe_events   wipes the store of events
"""

import logging
import sys
import warnings

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


def read(instance):
    ids = sorted(run.run_id for run in instance.get_runs())
    return {
        "runs": ids,
        "events": {run_id: len(instance.all_logs(run_id)) for run_id in ids},
        "logs": sorted(instance.event_log_storage.get_all_run_ids()),
    }


def main():
    home, action = sys.argv[1:]
    with open_instance(home) as instance:
        if action == "run":
            emit({"run": nothings.execute_in_process(instance=instance).run_id})
        elif action == "read":
            emit(read(instance))
        else:
            instance.event_log_storage.wipe()
            emit({})


if __name__ == "__main__":
    main()
