"""What Dagster reads of a run that somebody else stored.

    read_run.py HOME RUN_ID      prints its status, its tags, how many events it has, and whether it counts for a backfill
"""

import sys
import warnings

from common import emit, open_instance

warnings.simplefilter("ignore")

from dagster import RunsFilter


def main():
    home, run_id = sys.argv[1:]
    with open_instance(home) as instance:
        run = instance.get_run_by_id(run_id)
        alone = instance.get_runs(RunsFilter(run_ids=[run_id], exclude_subruns=True))
        emit(
            {
                "status": run.status.value,
                "tags": dict(run.tags),
                "events": len(instance.all_logs(run_id)),
                "of_backfill": not alone,
            }
        )


if __name__ == "__main__":
    main()
