"""What is in a home, for the generators of questions."""

import sqlalchemy as db

from dagster import AssetCheckKey, AssetKey
from dagster._core.definitions.asset_key import entity_key_from_db_string

# How many runs are asked about one by one.
RUNS = 25
# How many of anything else.
MOST = 12

# Ids and keys that no home has.
NOBODY = "nobody's"
NO_ASSET = AssetKey(["no", "body"])


def some(items, most=MOST):
    """At most so many of them, from the first to the last."""
    items = list(items)
    step = max(1, -(-len(items) // most))
    return items[::step]


class Contents:
    """What is in a home."""

    def __init__(self, instance):
        self.instance = instance
        self.records = instance.get_run_records()
        self.runs = [record.dagster_run for record in self.records]
        self.some_runs = self.runs[:: max(1, len(self.runs) // RUNS)][:RUNS]
        self.run_ids = [run.run_id for run in self.some_runs]
        self.asset_keys = instance.all_asset_keys()
        self.job_names = sorted({run.job_name for run in self.runs})
        self.snapshot_ids = sorted({run.job_snapshot_id for run in self.runs if run.job_snapshot_id})
        self.plan_ids = sorted({run.execution_plan_snapshot_id for run in self.runs if run.execution_plan_snapshot_id})
        self.tags = sorted({pair for run in self.runs for pair in run.tags.items()})
        self.sets = [*self.of_events("select distinct partitions_def_name from dynamic_partitions order by 1"), NOBODY]
        self.check_keys = [
            AssetCheckKey(AssetKey.from_db_string(asset), name)
            for asset, name in self.of_events(
                "select distinct asset_key, check_name from asset_check_executions order by 1, 2", whole=True
            )
        ]
        # Of ticks, too, whose schedule or sensor has no state.
        self.tickers = self.of_schedules("select distinct job_origin_id, selector_id from job_ticks order by 1, 2")
        self.evaluated = self.of_schedules(
            "select distinct asset_key, evaluation_id from asset_daemon_asset_evaluations order by 1, 2"
        )
        self.evaluated_keys = [entity_key_from_db_string(key) for key in dict.fromkeys(key for key, _ in self.evaluated)]
        self.cursor_keys = self.of_runs("select key from kvs order by key")
        self.backfills = instance.get_backfills()
        # Those that a backfill was added with.
        self.backfill_tags = self.of_runs("select distinct key, value from backfill_tags order by 1, 2", whole=True)

    def of_runs(self, query, whole=False):
        return self.column(self.instance.run_storage.connect(), query, whole)

    def of_events(self, query, whole=False):
        return self.column(self.instance.event_log_storage.index_connection(), query, whole)

    def of_schedules(self, query):
        return self.column(self.instance.schedule_storage.connect(), query, whole=True)

    @staticmethod
    def column(connection, query, whole=False):
        """Nothing, if the database is older than the table."""
        with connection as opened:
            table = query.split(" from ")[1].split()[0]
            if not db.inspect(opened).has_table(table):
                return []
            rows = opened.execute(db.text(query)).fetchall()
        return [tuple(row) if whole else row[0] for row in rows]
