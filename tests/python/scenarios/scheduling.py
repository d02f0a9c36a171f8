"""The operations of the scheduling domain on a real instance, from a step's JSON alone; see `operations.py`.

What an operation gives back is text that both sides can write: Dagster's own objects as they are stored, and JSON
with sorted keys. Lists whose order Dagster leaves to the database are sorted.
"""

import ast
import json
import os
from datetime import datetime, timedelta, timezone

from scenarios.encoding import de, ser

from dagster._core.definitions.asset_key import AssetCheckKey, AssetKey
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.definitions.schedule_definition import DefaultScheduleStatus
from dagster._core.definitions.sensor_definition import DefaultSensorStatus, SensorType
from dagster._core.execution.backfill import BulkActionsFilter, BulkActionStatus
from dagster._core.remote_representation.external import RemoteSchedule, RemoteSensor
from dagster._core.remote_representation.external_data import ScheduleSnap, SensorSnap
from dagster._core.remote_representation.handle import RepositoryHandle
from dagster._core.scheduler.instigation import InstigatorStatus, TickStatus
from dagster._serdes import serialize_value
from dagster._time import datetime_from_timestamp


def text(document):
    return json.dumps(document, sort_keys=True)


def texts(values):
    """A list of Dagster's own objects."""
    return serialize_value(list(values))


def handle_of(origin):
    repository = origin.repository_origin
    return RepositoryHandle(
        repository_name=repository.repository_name,
        code_location_origin=repository.code_location_origin,
        repository_python_origin=None,
        display_metadata={},
    )


def schedule_of(document):
    if document is None:
        return None
    origin = de(document["origin"])
    default = document["default_status"]
    snap = ScheduleSnap(
        name=origin.instigator_name,
        cron_schedule=document["cron_schedule"],
        job_name="a_job",
        op_selection=None,
        mode=None,
        environment_vars=None,
        partition_set_name=None,
        execution_timezone=document["execution_timezone"],
        default_status=default and DefaultScheduleStatus[default],
    )
    return RemoteSchedule(snap, handle_of(origin))


def sensor_of(document):
    if document is None:
        return None
    origin = de(document["origin"])
    default, kind = document["default_status"], document["sensor_type"]
    snap = SensorSnap(
        name=origin.instigator_name,
        job_name="a_job",
        min_interval=document["min_interval"],
        default_status=default and DefaultSensorStatus[default],
        sensor_type=kind and SensorType[kind],
    )
    return RemoteSensor(snap, handle_of(origin))


# Schedules and sensors


def start_schedule(instance, args):
    return ser(instance.start_schedule(schedule_of(args["schedule"])))


def stop_schedule(instance, args):
    return ser(instance.stop_schedule(args["origin_id"], args["selector_id"], schedule_of(args["schedule"])))


def reset_schedule(instance, args):
    return ser(instance.reset_schedule(schedule_of(args["schedule"])))


def start_sensor(instance, args):
    return ser(instance.start_sensor(sensor_of(args["sensor"])))


def stop_sensor(instance, args):
    return ser(instance.stop_sensor(args["origin_id"], args["selector_id"], sensor_of(args["sensor"])))


def reset_sensor(instance, args):
    return ser(instance.reset_sensor(sensor_of(args["sensor"])))


def scheduler_debug_info(instance, args):
    info = instance.scheduler_debug_info()
    said = [ast.literal_eval(entry) for entry in info.schedule_storage]
    said.sort(key=lambda entry: next(iter(entry)))
    return text([info.errors, info.scheduler_config_info, info.scheduler_info, said])


def wipe_all_schedules(instance, args):
    instance.wipe_all_schedules()


def logs_path_for_schedule(instance, args):
    path = instance.logs_path_for_schedule(args["origin_id"])
    return text([os.path.relpath(path, instance.root_directory), os.path.isdir(os.path.dirname(path))])


# The states of schedules and sensors


def state_of(args):
    """Reading a state changes the status of an old version, so that it is given apart."""
    state = de(args["state"])
    return state.with_status(InstigatorStatus[args["status"]]) if args["status"] else state


def add_instigator_state(instance, args):
    instance.add_instigator_state(state_of(args))


def update_instigator_state(instance, args):
    instance.update_instigator_state(state_of(args))


def delete_instigator_state(instance, args):
    instance.delete_instigator_state(args["origin_id"], args["selector_id"])


def get_instigator_state(instance, args):
    return serialize_value(instance.get_instigator_state(args["origin_id"], args["selector_id"]))


def all_instigator_state(instance, args):
    states = instance.all_instigator_state(
        repository_selector_id=args["repository_selector_id"],
        instigator_type=args["type"] and InstigatorType[args["type"]],
        instigator_statuses={InstigatorStatus[status] for status in args["statuses"] or []},
    )
    return texts(sorted(states, key=lambda state: state.selector_id))


# Ticks


def create_tick(instance, args):
    return ser(instance.create_tick(de(args["tick"])))


def update_tick(instance, args):
    instance.update_tick(de(args["tick"]))


def get_tick(instance, args):
    return serialize_value(instance.get_tick(args["origin_id"], args["selector_id"], args["timestamp"]))


def get_ticks_by_ids(instance, args):
    ticks = instance.schedule_storage.get_ticks_by_ids(args["ids"])
    return texts(sorted(ticks, key=lambda tick: tick.tick_id))


def tick_statuses(args):
    return args["statuses"] and [TickStatus[status] for status in args["statuses"]]


def query_of(args):
    return {
        "origin_id": args["origin_id"],
        "selector_id": args["selector_id"],
        "before": args["before"],
        "after": args["after"],
        "limit": args["limit"],
        "statuses": tick_statuses(args),
    }


def get_ticks(instance, args):
    return texts(instance.get_ticks(**query_of(args)))


def get_tick_summaries(instance, args):
    return text(
        [
            {
                "id": each.tick_id,
                "origin_id": each.instigator_origin_id,
                "type": each.instigator_type.value,
                "status": each.status.value,
                "microseconds": round(each.timestamp * 1e6),
            }
            for each in instance.get_tick_summaries(**query_of(args))
        ]
    )


def get_batch_ticks(instance, args):
    found = instance.get_batch_ticks(args["selector_ids"], args["limit"], tick_statuses(args))
    return serialize_value([[selector_id, list(ticks)] for selector_id, ticks in sorted(found.items())])


def purge_ticks(instance, args):
    instance.purge_ticks(args["origin_id"], args["selector_id"], args["before"], tick_statuses(args))


def get_tick_retention_settings(instance, args):
    settings = instance.get_tick_retention_settings(InstigatorType[args["type"]])
    return text({status.value: days for status, days in settings.items()})


def purge_ticks_by_retention(instance, args):
    """What Dagster's daemon does after a tick."""
    now = datetime.now(timezone.utc)
    for status, days in instance.get_tick_retention_settings(InstigatorType[args["type"]]).items():
        if days > 0:
            before = (now - timedelta(days=days)).timestamp()
            instance.purge_ticks(args["origin_id"], args["selector_id"], before, [status])


# Backfills


def update_backfill(instance, args):
    instance.update_backfill(de(args["backfill"]))


def get_backfill(instance, args):
    return serialize_value(instance.get_backfill(args["id"]))


def filter_of(args):
    def moment(name):
        return args[name] and datetime_from_timestamp(args[name])

    return BulkActionsFilter(
        statuses=args["statuses"] and [BulkActionStatus[status] for status in args["statuses"]],
        created_before=moment("created_before"),
        created_after=moment("created_after"),
        tags=args["tags"],
        job_name=args["job_name"],
        backfill_ids=args["ids"],
        selector_id=args["selector_id"],
    )


def get_backfills(instance, args):
    return texts(instance.get_backfills(filter_of(args), args["cursor"], args["limit"]))


def get_backfills_count(instance, args):
    return text(instance.get_backfills_count(filter_of(args)))


# Automation


def add_evaluations(instance, args):
    found = [de(evaluation) for evaluation in args["evaluations"]]
    instance.schedule_storage.add_auto_materialize_asset_evaluations(args["id"], found)


def records(found):
    return text(
        sorted(
            [each.id, each.evaluation_id, each.key.to_db_string(), each.serialized_evaluation_body, each.timestamp]
            for each in found
        )
    )


def entity_key(parts):
    return AssetCheckKey(AssetKey(parts[0]), parts[1]) if isinstance(parts[0], list) else AssetKey(parts)


def get_evaluations(instance, args):
    key, storage = entity_key(args["key"]), instance.schedule_storage
    found = storage.get_auto_materialize_asset_evaluations(key, args["limit"], args["cursor"])
    return text([[each.evaluation_id, each.id] for each in found] + [records(found)])


def get_evaluations_of(instance, args):
    return records(instance.schedule_storage.get_auto_materialize_evaluations_for_evaluation_id(args["id"]))


def purge_evaluations(instance, args):
    instance.schedule_storage.purge_asset_evaluations(args["before"])


# What daemons remember


def get_cursor_values(instance, args):
    return text(dict(instance.daemon_cursor_storage.get_cursor_values(set(args["keys"]))))


def set_cursor_values(instance, args):
    instance.daemon_cursor_storage.set_cursor_values(args["pairs"])


def add_daemon_heartbeat(instance, args):
    instance.add_daemon_heartbeat(de(args["heartbeat"]))


def get_daemon_heartbeats(instance, args):
    return texts(heartbeat for _, heartbeat in sorted(instance.get_daemon_heartbeats().items()))


def wipe_daemon_heartbeats(instance, args):
    instance.wipe_daemon_heartbeats()


SCHEDULING = {
    operation.__name__: operation
    for operation in (
        *(start_schedule, stop_schedule, reset_schedule, start_sensor, stop_sensor, reset_sensor),
        *(scheduler_debug_info, wipe_all_schedules, logs_path_for_schedule),
        *(add_instigator_state, update_instigator_state, delete_instigator_state),
        *(get_instigator_state, all_instigator_state),
        *(create_tick, update_tick, get_tick, get_ticks_by_ids, get_ticks, get_tick_summaries, get_batch_ticks),
        *(purge_ticks, get_tick_retention_settings, purge_ticks_by_retention),
        *(update_backfill, get_backfill, get_backfills, get_backfills_count),
        *(add_evaluations, get_evaluations, get_evaluations_of, purge_evaluations),
        *(get_cursor_values, set_cursor_values),
        *(add_daemon_heartbeat, get_daemon_heartbeats, wipe_daemon_heartbeats),
    )
}
