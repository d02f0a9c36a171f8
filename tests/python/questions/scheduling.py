"""Questions about schedules and sensors, their ticks, backfills, and evaluations of automation conditions."""

import datetime

from questions import questions
from questions.contents import NO_ASSET, NOBODY, some

from dagster import AssetCheckKey
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.execution.backfill import BulkActionsFilter, BulkActionStatus
from dagster._core.scheduler.instigation import InstigatorStatus, TickStatus

# Schedules and sensors


@questions(
    *("scheduler_class", "scheduler_debug_info", "supports_batch_tick_queries", "get_tick_termination_check_interval"),
    "supports_auto_materialize_asset_evaluations",
)
def of_scheduling(home):
    yield {}


@questions("all_instigator_state")
def states(home):
    found = home.instance.all_instigator_state()
    repositories = sorted({(state.repository_origin_id, state.repository_selector_id) for state in found})
    yield {}
    for instigator_type in InstigatorType:
        yield {"instigator_type": instigator_type}
        for status in InstigatorStatus:
            yield {"instigator_type": instigator_type, "instigator_statuses": {status}}
    for status in InstigatorStatus:
        yield {"instigator_statuses": {status}}
    yield {"instigator_statuses": {InstigatorStatus.RUNNING, InstigatorStatus.DECLARED_IN_CODE}}
    for origin_id, selector_id in [*repositories, (NOBODY, NOBODY)]:
        yield {"repository_selector_id": selector_id}
        yield {"repository_origin_id": origin_id}
        yield {"repository_origin_id": origin_id, "repository_selector_id": selector_id}
        yield {
            "repository_selector_id": selector_id,
            "instigator_type": InstigatorType.SENSOR,
            "instigator_statuses": {InstigatorStatus.RUNNING},
        }


@questions("get_instigator_state")
def state(home):
    for found in home.instance.all_instigator_state():
        yield {"origin_id": found.instigator_origin_id, "selector_id": found.selector_id}
        yield {"origin_id": NOBODY, "selector_id": found.selector_id}
    yield {"origin_id": NOBODY, "selector_id": NOBODY}


@questions("logs_path_for_schedule")
def logs_paths(home):
    for found in home.instance.all_instigator_state(instigator_type=InstigatorType.SCHEDULE):
        yield {"schedule_origin_id": found.instigator_origin_id}
    yield {"schedule_origin_id": "one"}


# Ticks


@questions("get_tick_retention_settings")
def retention(home):
    for instigator_type in InstigatorType:
        yield {"instigator_type": instigator_type}


def tickers(home):
    for origin_id, selector_id in [*home.tickers, (NOBODY, NOBODY)]:
        yield {"origin_id": origin_id, "selector_id": selector_id}


@questions("get_ticks", "get_tick_summaries")
def ticks(home):
    for ids in tickers(home):
        yield ids
        yield {**ids, "origin_id": NOBODY}
        for status in TickStatus:
            yield {**ids, "statuses": [status]}
        yield {**ids, "statuses": [TickStatus.SUCCESS, TickStatus.FAILURE], "limit": 2}
        yield {**ids, "statuses": []}
        for limit in (1, 3, 0):
            yield {**ids, "limit": limit}
        for tick in some(home.instance.get_ticks(**ids), 3):
            yield {**ids, "before": tick.timestamp}
            yield {**ids, "after": tick.timestamp}
            yield {**ids, "before": tick.timestamp + 30, "after": tick.timestamp - 30, "limit": 2}
            yield {**ids, "after": tick.timestamp - 60, "statuses": [TickStatus.SKIPPED]}


@questions("get_tick")
def tick_at(home):
    for ids in tickers(home):
        for tick in some(home.instance.get_ticks(**ids), 3):
            for seconds in (0, 0.5, -0.9, 1, 7):
                yield {**ids, "timestamp": tick.timestamp + seconds}
        yield {**ids, "timestamp": 0.0}


def selectors(home):
    return list(dict.fromkeys(selector_id for _, selector_id in home.tickers))


@questions("get_batch_ticks")
def batches(home):
    selector_ids = selectors(home)
    for limit in (1, 2, 100):
        yield {"selector_ids": [*selector_ids, NOBODY], "limit": limit}
        yield {"selector_ids": selector_ids[:2], "limit": limit}
    yield {"selector_ids": [NOBODY], "limit": 3}
    yield {"selector_ids": [], "limit": 3}


@questions("get_batch_ticks")
def batches_without_a_limit(home):
    yield {"selector_ids": selectors(home)}


@questions("get_batch_ticks")
def batches_of_statuses(home):
    selector_ids = selectors(home)
    for status in TickStatus:
        yield {"selector_ids": selector_ids, "limit": 2, "statuses": [status]}


@questions("get_ticks_by_ids")
def ticks_by_ids(home):
    ids = [tick.tick_id for each in tickers(home) for tick in home.instance.get_ticks(**each)]
    yield {"tick_ids": some(ids)}
    yield {"tick_ids": [*ids[:2], 1_000_000]}
    yield {"tick_ids": []}


# Backfills


def filters_of_backfills(home):
    found = home.backfills
    yield None
    yield BulkActionsFilter()
    for status in BulkActionStatus:
        yield BulkActionsFilter(statuses=[status])
    yield BulkActionsFilter(statuses=[BulkActionStatus.REQUESTED, BulkActionStatus.FAILED])
    yield BulkActionsFilter(statuses=[])
    for name in [*sorted({each.job_name for each in found if each.job_name}), NOBODY]:
        yield BulkActionsFilter(job_name=name)
    selectors = {each.partition_set_origin.get_selector_id() for each in found if each.partition_set_origin}
    for selector_id in [*sorted(selectors), NOBODY]:
        yield BulkActionsFilter(selector_id=selector_id)
    for key, value in some(home.backfill_tags, 4):
        yield BulkActionsFilter(tags={key: value})
        yield BulkActionsFilter(tags={key: [value, NOBODY]})
        yield BulkActionsFilter(tags={key: NOBODY})
        yield BulkActionsFilter(tags={key: value}, statuses=[BulkActionStatus.COMPLETED_SUCCESS])
    ids = [each.backfill_id for each in found]
    yield BulkActionsFilter(backfill_ids=[*ids[:3], NOBODY])
    yield BulkActionsFilter(backfill_ids=[NOBODY])
    yield BulkActionsFilter(backfill_ids=ids[:4], statuses=[BulkActionStatus.REQUESTED])
    for each in some(found, 2):
        created = datetime.datetime.fromtimestamp(each.backfill_timestamp, datetime.timezone.utc)
        for seconds in (-1, 0, 1):
            bound = created + datetime.timedelta(seconds=seconds)
            yield BulkActionsFilter(created_before=bound)
            yield BulkActionsFilter(created_after=bound)


@questions("get_backfills", "get_backfills_count")
def backfills(home):
    for filters in filters_of_backfills(home):
        yield {"filters": filters}


@questions("get_backfills_count")
def counts_by_tags_of_now(home):
    """By tags that a backfill got after it was added."""
    tags = {pair for each in home.backfills for pair in each.tags.items()}
    for key, value in sorted(tags.difference(home.backfill_tags)):
        yield {"filters": BulkActionsFilter(tags={key: value})}


@questions("get_backfills")
def pages_of_backfills(home):
    for status in BulkActionStatus:
        yield {"status": status}
    for limit in (1, 3, 100):
        yield {"limit": limit}
        for each in [*some(home.backfills, 3)]:
            yield {"limit": limit, "cursor": each.backfill_id}
            statuses = BulkActionsFilter(statuses=[BulkActionStatus.REQUESTED, BulkActionStatus.COMPLETED_FAILED])
            yield {"limit": limit, "cursor": each.backfill_id, "filters": statuses}
    yield {"cursor": NOBODY}


@questions("get_backfill")
def one_backfill(home):
    for backfill_id in [*(each.backfill_id for each in home.backfills), NOBODY]:
        yield {"backfill_id": backfill_id}


# Evaluations of automation conditions


@questions("get_auto_materialize_asset_evaluations")
def evaluations(home):
    storage = home.instance.schedule_storage
    ids = sorted({evaluation_id for _, evaluation_id in home.evaluated})
    for key in [*home.evaluated_keys, NO_ASSET, AssetCheckKey(NO_ASSET, "c")]:
        for limit in (1, 2, 100):
            yield {"key": key, "limit": limit}
        for record in some(storage.get_auto_materialize_asset_evaluations(key, 100), 3):
            yield {"key": key, "limit": 2, "cursor": record.evaluation_id}
        for evaluation_id in ids[:2]:
            yield {"key": key, "limit": 100, "cursor": evaluation_id}


@questions("get_auto_materialize_evaluations_for_evaluation_id")
def evaluations_by_id(home):
    for evaluation_id in [*sorted({evaluation_id for _, evaluation_id in home.evaluated}), -1]:
        yield {"evaluation_id": evaluation_id}
