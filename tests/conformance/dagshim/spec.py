"""The methods of the protocol, read from the annotations of Dagster's three storage interfaces.

Here: what the annotations do not say. Not here: how a value of a type travels (`codec.py`).
"""

from __future__ import annotations

import inspect
from typing import Any, NamedTuple

from dagster._core.storage.event_log.base import EventLogStorage
from dagster._core.storage.runs.base import RunStorage
from dagster._core.storage.schedules.base import ScheduleStorage

from .codec import Codec, codec_for

INTERFACES = {"run": RunStorage, "event_log": EventLogStorage, "schedule": ScheduleStorage}

# What stays in Python: it takes callbacks or objects of user code, or is about Python's side alone.
LOCAL = {
    "dispose",
    "end_watch",
    "get_asset_check_state",
    "get_asset_keys_for_run",
    "get_asset_status_cache_values",
    "get_asset_tags_to_index",
    "get_pool_config",
    "has_instance",
    "register_instance",
    "watch",
}

# What prints by a callback: the lines travel in the result, {"printed": [..]}.
PRINTING = {"migrate", "optimize", "reindex_assets", "reindex_events"}

# What the interfaces lack and Dagster or its tests call nevertheless: its arguments and its result.
EXTRA: dict[str, tuple[dict[str, Any], Any]] = {
    "event_log.enable_secondary_index": ({"name": str}, None),
    "event_log.get_all_run_ids": ({}, list[str]),
    "event_log.has_asset_key_index_cols": ({}, bool),
    "event_log.has_secondary_index": ({"name": str}, bool),
    "run.get_run_storage_id": ({}, str),
    "run.has_built_index": ({"migration_name": str}, bool),
    "run.mark_index_built": ({"migration_name": str}, None),
    "run.upgrade": ({}, None),
    "schedule.has_built_index": ({"migration_name": str}, bool),
    "schedule.mark_index_built": ({"migration_name": str}, None),
}

# Where an annotation is missing or wrong.
ARGUMENTS: dict[tuple[str, str], Any] = {
    ("event_log.get_asset_records", "asset_keys"): "Sequence[AssetKey] | None",
}
ALEMBIC_VERSION = "tuple[str | None, str | Sequence[str] | None] | None"
RESULTS: dict[str, Any] = {
    "event_log.alembic_version": ALEMBIC_VERSION,
    "event_log.supports_asset_checks": bool,
    "run.add_backfill": None,
    "run.alembic_version": ALEMBIC_VERSION,
    "run.has_snapshot": bool,
    "run.update_backfill": None,
    "schedule.alembic_version": ALEMBIC_VERSION,
}


class Method(NamedTuple):
    """A method or a property, with the codecs of its arguments and of its result."""

    area: str
    name: str
    arguments: dict[str, Codec]
    result: Codec
    is_property: bool = False
    is_extra: bool = False

    @property
    def wire(self) -> str:
        return f"{self.area}.{self.name}"


def _methods() -> dict[str, Method]:
    methods = {}
    for area, interface in INTERFACES.items():
        for name in sorted(dir(interface)):
            if name.startswith("_") or name in LOCAL:
                continue
            wire = f"{area}.{name}"
            member = inspect.getattr_static(interface, name)
            if isinstance(member, property):
                result = codec_for(RESULTS.get(wire, bool))
                methods[wire] = Method(area, name, {}, result, is_property=True)
            elif inspect.isfunction(member):
                methods[wire] = _method(area, name, inspect.signature(member))
    for wire, (arguments, result) in EXTRA.items():
        area, name = wire.split(".")
        codecs = {argument: codec_for(type_) for argument, type_ in arguments.items()}
        methods[wire] = Method(area, name, codecs, codec_for(result), is_extra=True)
    return methods


def _method(area: str, name: str, signature: inspect.Signature) -> Method:
    wire = f"{area}.{name}"
    result = RESULTS.get(wire, signature.return_annotation)
    if result is inspect.Signature.empty:
        raise TypeError(f"{wire} says nothing about its result")
    arguments = {
        parameter.name: codec_for(ARGUMENTS.get((wire, parameter.name), parameter.annotation))
        for parameter in list(signature.parameters.values())[1:]
        if parameter.name != "print_fn"
    }
    return Method(area, name, arguments, codec_for(result))


METHODS = _methods()
