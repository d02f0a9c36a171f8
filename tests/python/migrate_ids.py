"""Give the ids of a Postgres 64 bits as Dagster does, by `dagster instance migrate --bigint-migration`; it asks on standard input.

    python migrate_ids.py HOME
"""

import os
import sys

os.environ["DAGSTER_HOME"] = os.path.abspath(sys.argv[1])
os.environ["DAGSTER_DISABLE_TELEMETRY"] = "1"

from dagster._cli.instance import instance_cli  # noqa: E402

instance_cli(["migrate", "--bigint-migration"])
