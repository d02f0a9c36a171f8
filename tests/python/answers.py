"""What the methods of Dagster's instance answer, as JSON: every read method, with many arguments each.

    answers.py HOME    asks all questions of the home; prints [{"method", "args", "answer"}] or .. "error"}]

Arguments and answers are JSON within texts, so that no reader of this document rounds their numbers.

A question is a method with its arguments by name. `QUESTIONS` has a generator for each group of methods, which looks
at what is in the home and yields the arguments. A method of another domain is added as a row: a generator here, and an
answer of ours in `tests/src/answers/`. Values travel as the bridge of the storages has them
(`tests/conformance/dagshim/codec.py`), told by the annotations of Dagster's class.
"""

import inspect
import itertools
import json
import os
import sys
import warnings
from pathlib import Path

from common import emit, open_instance

os.environ["DAGSHIM_STEXT"] = "1"
sys.path.insert(0, str(Path(__file__).parents[1] / "conformance"))
warnings.simplefilter("ignore")

import sqlalchemy as db
from dagshim.codec import NAMES, Set, Union, codec_for

from dagster import DagsterEventType, DagsterInstance, RunsFilter
from dagster._core.event_api import EventRecordsFilter, RunStatusChangeRecordsFilter
from dagster._core.storage.dagster_run import DagsterRunStatus

# An alias, which the codec does not find among the classes.
NAMES.setdefault("AssetEventType", DagsterEventType)

# How many runs are asked about one by one.
RUNS = 25


# Methods whose answer the annotations do not tell, or that are no methods of the class: the types of the arguments, the
# type of the answer, and the answer.


def historical_job(instance, snapshot_id):
    job = instance.get_historical_job(snapshot_id)
    return job.identifying_job_snapshot_id, job._snapshot, job._parent_snapshot


def built_indexes(instance):
    """By the tables: Dagster remembers what it has once read of a mark."""
    connections = (
        instance.run_storage.connect(),
        instance.event_log_storage.index_connection(),
        instance.schedule_storage.connect(),
    )
    query = db.text("select name from secondary_indexes where migration_completed is not null")
    found = set()
    for connection in connections:
        with connection as open_connection:
            found.update(name for (name,) in open_connection.execute(query))
    return sorted(found.intersection(MARKS))


# Marks of data migrations, in the storages of which Dagster reads them.
MARKS = ("asset_key_table", "asset_key_index_columns", "run_start_end_overwritten", "schedule_ticks_selector_id")

SPECIAL = {
    "get_historical_job": ({"snapshot_id": str}, "tuple[str, JobSnap, Optional[JobSnap]]", historical_job),
    "get_cursor_values": (
        {"keys": "Sequence[str]"},
        "Mapping[str, str]",
        lambda instance, keys: instance.daemon_cursor_storage.get_cursor_values(set(keys)),
    ),
    "built_indexes": ({}, "Sequence[str]", built_indexes),
    "root_directory": ({}, str, lambda instance: instance.root_directory),
}


# What Dagster answers


def codecs_of(method):
    if method in SPECIAL:
        arguments, result, _ = SPECIAL[method]
        return {name: (codec_for(type_), inspect.Parameter.empty) for name, type_ in arguments.items()}, codec_for(result)
    signature = inspect.signature(getattr(DagsterInstance, method))
    parameters = list(signature.parameters.values())[1:]
    arguments = {each.name: (codec_for(each.annotation), each.default) for each in parameters}
    return arguments, codec_for(signature.return_annotation)


def encoded(codec, value):
    """Sets in order, as nobody can know the order that they have."""
    if value is None:
        return None
    if isinstance(codec, Union):
        codec = next(choice for choice in codec.choices if choice.matches(value))
    found = codec.enc(value)
    return sorted(found, key=json.dumps) if isinstance(codec, Set) else found


def encoded_arguments(method, args):
    """All arguments of the method as one text, those that are not given with their defaults."""
    codecs, _ = codecs_of(method)
    assert args.keys() <= codecs.keys(), (method, args)
    return json.dumps({name: codec.enc(args.get(name, default)) for name, (codec, default) in codecs.items()})


def answer(instance, method, arguments):
    """The answer to a question whose arguments are a text, encoded."""
    codecs, result = codecs_of(method)
    args = {name: codecs[name][0].dec(value) for name, value in json.loads(arguments).items()}
    ask = SPECIAL[method][2] if method in SPECIAL else getattr(DagsterInstance, method)
    found = ask(instance, **args)
    if method == "get_run_records" and args.get("order_by"):
        found = with_ties_in_order(found, args["order_by"], args["ascending"])
    return in_order(encoded(result, found), method)


def with_ties_in_order(records, column, ascending):
    """Runs of the same time in the order in which they were written: Dagster leaves it to the database."""
    groups = itertools.groupby(records, key=lambda record: getattr(record, column))
    in_groups = (sorted(group, key=lambda run: run.storage_id, reverse=not ascending) for _, group in groups)
    return [record for group in in_groups for record in group]


# Lists that have no order of their own in Dagster.
UNORDERED = {"get_run_tag_keys", "get_asset_partitions_for_run"}


def in_order(found, method):
    if method == "get_run_tags":
        return [[key, sorted(values)] for key, values in found]
    if method == "get_asset_partitions_for_run":
        found = [[key, sorted(partitions, key=str)] for key, partitions in found]
    return sorted(found, key=json.dumps) if method in UNORDERED else found


def answer_text(instance, method, arguments):
    """The answer as one text, in which the entries of objects are in order."""
    return json.dumps(answer(instance, method, arguments), sort_keys=True)


# Which questions there are

QUESTIONS = []


def questions(*methods):
    def register(arguments):
        QUESTIONS.append((methods, arguments))
        return arguments

    return register


class Contents:
    """What is in a home, for the generators."""

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
        self.sets = [*self.names_of_sets(), "nobody's"]

    def names_of_sets(self):
        with self.instance.event_log_storage.index_connection() as connection:
            rows = connection.execute(db.text("select distinct partitions_def_name from dynamic_partitions order by 1"))
            return [name for (name,) in rows]


def run_filters(home):
    yield None
    yield RunsFilter()
    for name in [*home.job_names[:4], "nobody's"]:
        yield RunsFilter(job_name=name)
    for status in DagsterRunStatus:
        yield RunsFilter(statuses=[status])
    yield RunsFilter(statuses=[DagsterRunStatus.SUCCESS, DagsterRunStatus.FAILURE])
    for key, value in home.tags[:: max(1, len(home.tags) // 8)][:8]:
        yield RunsFilter(tags={key: value})
        yield RunsFilter(tags={key: [value, "other"]})
    yield RunsFilter(run_ids=home.run_ids[:3])
    yield RunsFilter(run_ids=["nobody's"])
    for snapshot_id in home.snapshot_ids[:2]:
        yield RunsFilter(snapshot_id=snapshot_id)
    yield RunsFilter(exclude_subruns=True)
    for record in home.records[:: max(1, len(home.records) // 3)][:3]:
        for bound in ("created_after", "created_before"):
            yield RunsFilter(**{bound: record.create_timestamp})
        for bound in ("updated_after", "updated_before"):
            yield RunsFilter(**{bound: record.update_timestamp})


@questions("get_run_by_id", "get_run_record_by_id", "has_run", "get_run_stats", "get_run_step_stats")
def of_runs(home):
    for run_id in [*home.run_ids, "nobody's"]:
        yield {"run_id": run_id}


@questions("get_run_group")
def of_groups(home):
    for run_id in home.run_ids:
        yield {"run_id": run_id}


@questions("get_run_step_stats")
def of_steps(home):
    for run in home.some_runs[:5]:
        keys = [step.step_key for step in home.instance.get_run_step_stats(run.run_id)]
        yield {"run_id": run.run_id, "step_keys": keys[:1]}
        yield {"run_id": run.run_id, "step_keys": ["nobody's", *keys[:2]]}


@questions("get_runs_count", "get_run_ids", "get_runs", "get_run_records")
def by_filter(home):
    for filters in run_filters(home):
        yield {"filters": filters}


@questions("get_run_partition_data")
def by_runs_filter(home):
    for filters in run_filters(home):
        if filters is not None:
            yield {"runs_filter": filters}


@questions("get_runs", "get_run_records")
def pages_of_runs(home):
    for limit, ascending in itertools.product((1, 3), (True, False)):
        for cursor in [None, *home.run_ids[:3]]:
            yield {"limit": limit, "cursor": cursor, "ascending": ascending}


@questions("get_run_records")
def runs_by_time(home):
    for order_by in ("create_timestamp", "update_timestamp"):
        for ascending in (True, False):
            yield {"order_by": order_by, "ascending": ascending}


@questions("get_run_ids")
def pages_of_ids(home):
    for cursor in [None, *home.run_ids[:3]]:
        yield {"limit": 2, "cursor": cursor}


@questions("get_run_tag_keys")
def all_tag_keys(home):
    yield {}


@questions("get_run_tags")
def of_tag_keys(home):
    keys = sorted({key for key, _ in home.tags})
    yield {"tag_keys": keys}
    for key in [*keys[:6], "nobody's"]:
        yield {"tag_keys": [key]}
        yield {"tag_keys": [key], "limit": 2}
    for key, value in home.tags[:4]:
        yield {"tag_keys": [key], "value_prefix": value[:3]}


@questions("get_job_snapshot", "has_job_snapshot", "has_snapshot", "has_historical_job")
def of_job_snapshots(home):
    for snapshot_id in [*home.snapshot_ids, "nobody's"]:
        yield {"snapshot_id": snapshot_id}


@questions("get_historical_job")
def of_historical_jobs(home):
    for snapshot_id in home.snapshot_ids:
        yield {"snapshot_id": snapshot_id}


@questions("get_execution_plan_snapshot", "has_snapshot")
def of_plan_snapshots(home):
    for snapshot_id in [*home.plan_ids[:10], "nobody's"]:
        yield {"snapshot_id": snapshot_id}


@questions("all_logs", "logs_after", "get_records_for_run", "get_asset_keys_for_run", "get_asset_partitions_for_run")
def logs(home):
    for run_id in [*home.run_ids, "nobody's"]:
        yield {"run_id": run_id}


@questions("count_resume_run_attempts")
def resumed(home):
    for run_id in home.run_ids[:5]:
        yield {"run_id": run_id}


@questions("all_logs", "get_records_for_run", "get_asset_keys_for_run", "get_asset_partitions_for_run")
def logs_of_types(home):
    both = {DagsterEventType.ASSET_MATERIALIZATION, DagsterEventType.STEP_START}
    for run_id in home.run_ids[:8]:
        yield {"run_id": run_id, "of_type": DagsterEventType.ASSET_MATERIALIZATION_PLANNED}
        yield {"run_id": run_id, "of_type": both}


@questions("logs_after")
def logs_behind(home):
    for run_id in home.run_ids[:6]:
        for cursor, limit in ((None, 3), (2, None), (4, 5), (1_000_000, 5)):
            yield {"run_id": run_id, "cursor": cursor, "limit": limit}
        yield {"run_id": run_id, "cursor": 1, "of_type": DagsterEventType.STEP_SUCCESS, "limit": 2}


@questions("get_records_for_run")
def pages_of_logs(home):
    for run_id in home.run_ids[:6]:
        for ascending in (True, False):
            cursor = None
            for _ in range(3):
                yield {"run_id": run_id, "cursor": cursor, "limit": 4, "ascending": ascending}
                cursor = home.instance.get_records_for_run(run_id, cursor, limit=4, ascending=ascending).cursor


# Types that are found across the runs of SQLite, too.
OF_ASSETS = (
    DagsterEventType.ASSET_MATERIALIZATION,
    DagsterEventType.ASSET_OBSERVATION,
    DagsterEventType.ASSET_MATERIALIZATION_PLANNED,
)
OF_STATUSES = (
    DagsterEventType.RUN_ENQUEUED,
    DagsterEventType.RUN_STARTING,
    DagsterEventType.RUN_START,
    DagsterEventType.RUN_SUCCESS,
    DagsterEventType.RUN_FAILURE,
    DagsterEventType.RUN_CANCELING,
    DagsterEventType.RUN_CANCELED,
)


@questions("get_event_records")
def events_of_assets(home):
    for event_type in OF_ASSETS:
        for ascending in (True, False):
            filters = EventRecordsFilter(event_type)
            yield {"event_records_filter": filters, "limit": 5, "ascending": ascending}
        for key in home.asset_keys[:6]:
            yield {"event_records_filter": EventRecordsFilter(event_type, asset_key=key), "limit": 3}
            some = EventRecordsFilter(event_type, asset_key=key, asset_partitions=["a", "2024-01-01", "2026-11-01"])
            yield {"event_records_filter": some, "limit": 10}
        found = home.instance.get_event_records(EventRecordsFilter(event_type), limit=3)
        for record in found:
            behind = EventRecordsFilter(event_type, after_cursor=record.storage_id)
            yield {"event_records_filter": behind, "limit": 5, "ascending": True}
            before = EventRecordsFilter(event_type, before_cursor=record.storage_id)
            yield {"event_records_filter": before, "limit": 5}
            later = EventRecordsFilter(event_type, after_timestamp=record.timestamp)
            yield {"event_records_filter": later, "limit": 5}
        ids = [record.storage_id for record in found]
        yield {"event_records_filter": EventRecordsFilter(event_type, storage_ids=ids), "limit": 5}


@questions("fetch_run_status_changes")
def changes_of_statuses(home):
    for event_type in OF_STATUSES:
        for ascending in (True, False):
            cursor = None
            for _ in range(2):
                yield {"records_filter": event_type, "limit": 3, "cursor": cursor, "ascending": ascending}
                cursor = home.instance.fetch_run_status_changes(event_type, 3, cursor, ascending).cursor
        filters = RunStatusChangeRecordsFilter(event_type, after_storage_id=2)
        yield {"records_filter": filters, "limit": 4, "ascending": True}


@questions("get_asset_event_summary_records")
def summaries(home):
    for event_type in OF_ASSETS:
        for ascending in (True, False):
            yield {"event_type": event_type, "limit": 7, "ascending": ascending}
        for key in home.asset_keys[:4]:
            yield {"event_type": event_type, "asset_key": key}
        for run_id in home.run_ids[:4]:
            yield {"event_type": event_type, "run_id": run_id}
        yield {"event_type": event_type, "after_storage_id": 3, "before_storage_id": 20}


@questions("get_dynamic_partitions", "get_dynamic_partitions_definition_id")
def dynamic_sets(home):
    for name in home.sets:
        yield {"partitions_def_name": name}


@questions("get_paginated_dynamic_partitions")
def pages_of_keys(home):
    for name, limit, ascending in itertools.product(home.sets, (1, 2, 100), (True, False)):
        cursor = None
        for _ in range(3):
            yield {"partitions_def_name": name, "limit": limit, "ascending": ascending, "cursor": cursor}
            cursor = home.instance.get_paginated_dynamic_partitions(name, limit, ascending, cursor).cursor


@questions("has_dynamic_partition")
def keys_one_by_one(home):
    for name in home.sets:
        for key in [*home.instance.get_dynamic_partitions(name)[:3], "nobody's", ""]:
            yield {"partitions_def_name": name, "partition_key": key}


@questions("get_existing_dynamic_partitions")
def keys_together(home):
    for name in home.sets:
        keys = [*home.instance.get_dynamic_partitions(name), "nobody's"]
        yield {"partitions_def_name": name, "partition_keys": keys}
        yield {"partitions_def_name": name, "partition_keys": []}


@questions("get_latest_storage_id_by_partition")
def rows_of_partitions(home):
    for key in home.asset_keys:
        for event_type in OF_ASSETS[:2]:
            yield {"asset_key": key, "event_type": event_type}
        found = home.instance.get_latest_storage_id_by_partition(key, OF_ASSETS[0])
        if found:
            some = dict.fromkeys([*sorted(found)[:2], "nobody's"])
            yield {"asset_key": key, "event_type": OF_ASSETS[0], "partitions": set(some)}
            yield {"asset_key": key, "event_type": OF_ASSETS[0], "after_cursor": min(found.values())}


@questions(
    "get_daemon_heartbeats", "schema_str", "storage_directory", "schedules_directory", "root_directory", "built_indexes"
)
def of_the_instance(home):
    yield {}


@questions("file_manager_directory")
def directories_of_runs(home):
    for run_id in home.run_ids[:3]:
        yield {"run_id": run_id}


@questions("get_cursor_values")
def cursors(home):
    yield {"keys": []}
    yield {"keys": ["ASSET_DAEMON_CURSOR_NEW", "serialized", "extras", "legacy", "run status", "nobody's"]}


def all_questions(instance):
    home = Contents(instance)
    for methods, arguments in QUESTIONS:
        for args in arguments(home):
            for method in methods:
                yield method, args


def asked(instance):
    for method, args in all_questions(instance):
        arguments = encoded_arguments(method, args)
        question = {"method": method, "args": arguments}
        try:
            yield {**question, "answer": answer_text(instance, method, arguments)}
        except Exception as error:
            yield {**question, "error": f"{type(error).__name__}: {error}"[:300]}


def main():
    with open_instance(sys.argv[1]) as instance:
        emit(list(asked(instance)))


if __name__ == "__main__":
    main()
