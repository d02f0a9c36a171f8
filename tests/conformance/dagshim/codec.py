"""Values to JSON and back, told by their declared types.

* What Dagster stores (its whitelisted classes) travels as Dagster writes it: `{"__class__": ..}`, or the very text of
  `serialize_value` in `{"__s__": ".."}`, which a backend can keep byte for byte.
* Records, named tuples and plain classes that Dagster cannot serialize travel as `{"__rec__": name, field: ..}`.
* Enums travel as their value, times in ISO 8601 with microseconds (no offset where they are naive), tuples and sets as
  arrays, mappings as objects, or as arrays of pairs where their keys are no strings.

Not here: which method has which types (`spec.py`).
"""

from __future__ import annotations

import collections.abc as cabc
import datetime as dt
import enum
import importlib
import inspect
import json
import os
import sys
import types
import typing
from typing import Any

import typing_extensions
from dagster_shared.record import get_record_annotations, is_record
from dagster_shared.serdes.serdes import _WHITELIST_MAP as WHITELIST
from dagster_shared.serdes.serdes import (
    deserialize_value,
    pack_value,
    serialize_value,
    unpack_value,
)

# Whose classes the annotations name: most of them only while type checking, so nothing else imports them.
for _module in """
    dagster
    dagster._core.assets
    dagster._core.definitions.asset_key
    dagster._core.definitions.declarative_automation.serialized_objects
    dagster._core.definitions.freshness
    dagster._core.definitions.run_request
    dagster._core.event_api
    dagster._core.events.log
    dagster._core.execution.backfill
    dagster._core.execution.stats
    dagster._core.execution.telemetry
    dagster._core.instance.config
    dagster._core.remote_origin
    dagster._core.scheduler.instigation
    dagster._core.storage.asset_check_execution_record
    dagster._core.storage.asset_check_state
    dagster._core.storage.dagster_run
    dagster._core.storage.event_log.base
    dagster._core.storage.partition_status_cache
    dagster._core.storage.runs.base
    dagster._core.storage.schedules.base
    dagster._core.types.pagination
    dagster._daemon.types
    dagster._utils.concurrency
""".split():
    importlib.import_module(_module)


def _names() -> dict[str, Any]:
    """What an annotation that is text may name."""
    names: dict[str, Any] = {}
    for module in list(sys.modules.values()):
        if getattr(module, "__name__", "").startswith(("dagster._core", "dagster._utils")):
            for name, value in vars(module).items():
                if inspect.isclass(value) and value.__name__ == name:
                    names.setdefault(name, value)
    names.update(
        AbstractSet=cabc.Set,
        Any=Any,
        Iterable=cabc.Iterable,
        Mapping=cabc.Mapping,
        Optional=typing.Optional,
        Sequence=cabc.Sequence,
        Set=cabc.Set,
        Union=typing.Union,
        datetime=dt.datetime,
    )
    return names


NAMES = _names()

# Whitelisted, but not serializable in practice: they hold `DagsterEventType`, which is not.
NOT_SERIALIZABLE = {"EventRecordsFilter", "RunStatusChangeRecordsFilter"}

# Bodies as the text that Dagster stores, so that a backend need not print them again.
AS_TEXT = os.environ.get("DAGSHIM_STEXT") == "1"


class Codec:
    """What one type's values look like. `doc` is its notation; the `matches` choose within a union."""

    doc = "?"

    def enc(self, value):
        raise NotImplementedError

    def dec(self, encoded):
        raise NotImplementedError

    def matches(self, value) -> bool:
        raise NotImplementedError

    def matches_encoded(self, encoded) -> bool:
        raise NotImplementedError


class Scalar(Codec):
    """Text, a number, a truth value or nothing."""

    NOTATION = {str: "str", int: "int", float: "float", bool: "bool", type(None): "null"}

    def __init__(self, type_):
        self.type = type_
        self.doc = self.NOTATION[type_]

    def enc(self, value):
        return value

    def dec(self, encoded):
        return encoded

    def matches(self, value):
        if self.type is int:
            return type(value) is not bool and isinstance(value, int)
        if self.type is float:
            return type(value) is int or isinstance(value, float)
        return isinstance(value, self.type)

    matches_encoded = matches


class AnySerdes(Codec):
    """Anything that Dagster can serialize."""

    doc = "serdes"

    def enc(self, value):
        return pack_value(value)

    def dec(self, encoded):
        return unpack_value(encoded)

    def matches(self, value):
        return True

    matches_encoded = matches


class Serdes(Codec):
    """A class that Dagster stores."""

    def __init__(self, cls):
        self.cls = cls
        self.doc = f"S<{cls.__name__}>"

    def enc(self, value):
        if self.cls.__name__ == "DagsterEvent" and isinstance(value.event_type_value, enum.Enum):
            # Three tests hand `handle_run_event` an event that holds the enum itself, which nobody stores.
            value = value._replace(event_type_value=value.event_type_value.value)
        return {"__s__": serialize_value(value)} if AS_TEXT else pack_value(value)

    def dec(self, encoded):
        if isinstance(encoded, dict) and "__s__" in encoded:
            return deserialize_value(encoded["__s__"])
        return unpack_value(encoded)

    def matches(self, value):
        return isinstance(value, self.cls)

    def matches_encoded(self, encoded):
        if isinstance(encoded, dict) and "__s__" in encoded:
            encoded = json.loads(encoded["__s__"])
        if not (isinstance(encoded, dict) and "__class__" in encoded):
            return False
        return issubclass(WHITELIST.object_deserializers[encoded["__class__"]].klass, self.cls)


class EnumCodec(Codec):
    """A member of an enum, as its value."""

    def __init__(self, cls):
        self.cls = cls
        self.doc = f"E<{cls.__name__}>"

    def enc(self, value):
        return value.value

    def dec(self, encoded):
        return self.cls(encoded)

    def matches(self, value):
        return isinstance(value, self.cls)

    def matches_encoded(self, encoded):
        return isinstance(encoded, str)


class DateTime(Codec):
    """A moment, with or without an offset."""

    doc = "datetime"

    def enc(self, value):
        return value.isoformat(timespec="microseconds")

    def dec(self, encoded):
        return dt.datetime.fromisoformat(encoded)

    def matches(self, value):
        return isinstance(value, dt.datetime)

    def matches_encoded(self, encoded):
        return isinstance(encoded, str)


class Record(Codec):
    """A record, named tuple or plain class that Dagster does not store."""

    def __init__(self, cls):
        self.cls = cls
        self.doc = f"R<{cls.__name__}>"
        self._fields = None

    @property
    def fields(self):
        # Not in the constructor, as classes may refer to themselves.
        if self._fields is None:
            self._fields = {name: codec_for(type_) for name, type_ in _fields(self.cls).items()}
        return self._fields

    def enc(self, value):
        fields = {name: codec.enc(getattr(value, name)) for name, codec in self.fields.items()}
        return {"__rec__": self.cls.__name__, **fields}

    def dec(self, encoded):
        fields = self.fields
        return self.cls(**{k: fields[k].dec(v) for k, v in encoded.items() if k != "__rec__"})

    def matches(self, value):
        return isinstance(value, self.cls)

    def matches_encoded(self, encoded):
        return isinstance(encoded, dict) and encoded.get("__rec__") == self.cls.__name__


def _fields(cls) -> dict[str, Any]:
    if cls.__name__ == "AutoMaterializeAssetEvaluationRecord":
        # Its constructor takes the serialized evaluation, which its fields do not have.
        return {
            "id": int,
            "serialized_evaluation_body": str,
            "evaluation_id": int,
            "timestamp": float,
            "key": _entity_key(),
        }
    if is_record(cls):
        return dict(get_record_annotations(cls))
    if issubclass(cls, tuple):
        for base in cls.__mro__:
            annotations = base.__dict__.get("__annotations__")
            if annotations and set(annotations) >= set(cls._fields):
                return {name: annotations[name] for name in cls._fields}
        raise TypeError(f"no annotations for {cls}")
    parameters = list(inspect.signature(cls.__init__).parameters.items())[1:]
    return {name: parameter.annotation for name, parameter in parameters}


class Sequence(Codec):
    """Several values of one type, in order."""

    def __init__(self, item, make=list):
        self.item = item
        self.make = make
        self.doc = f"[{item.doc}]"

    def enc(self, value):
        return [self.item.enc(item) for item in value]

    def dec(self, encoded):
        return self.make(self.item.dec(item) for item in encoded)

    def matches(self, value):
        if isinstance(value, (str, dict, set, frozenset)) or hasattr(value, "_fields"):
            return False
        return isinstance(value, cabc.Iterable)

    def matches_encoded(self, encoded):
        return isinstance(encoded, list)


class Set(Sequence):
    """Several values of one type, in no order."""

    def __init__(self, item):
        super().__init__(item, set)
        self.doc = f"set[{item.doc}]"

    def matches(self, value):
        return isinstance(value, cabc.Set)


class Tuple(Codec):
    """A fixed number of values, each of a type of its own."""

    def __init__(self, items):
        self.items = items
        self.doc = "(" + ", ".join(item.doc for item in items) + ")"

    def enc(self, value):
        return [codec.enc(item) for codec, item in zip(self.items, value, strict=True)]

    def dec(self, encoded):
        return tuple(codec.dec(item) for codec, item in zip(self.items, encoded, strict=True))

    def matches(self, value):
        return isinstance(value, tuple) and not hasattr(value, "_fields")

    def matches_encoded(self, encoded):
        return isinstance(encoded, list)


class Mapping(Codec):
    """Keys of one type to values of one type; their order is kept."""

    def __init__(self, key, value):
        self.key = key
        self.value = value
        self.is_object = isinstance(key, Scalar) and key.type is str
        self.doc = f"{{str: {value.doc}}}" if self.is_object else f"[[{key.doc}, {value.doc}]]"

    def enc(self, value):
        if self.is_object:
            return {key: self.value.enc(item) for key, item in value.items()}
        return [[self.key.enc(key), self.value.enc(item)] for key, item in value.items()]

    def dec(self, encoded):
        if self.is_object:
            return {key: self.value.dec(item) for key, item in encoded.items()}
        return {self.key.dec(key): self.value.dec(item) for key, item in encoded}

    def matches(self, value):
        return isinstance(value, cabc.Mapping)

    def matches_encoded(self, encoded):
        if not self.is_object:
            return isinstance(encoded, list)
        return isinstance(encoded, dict) and not {"__class__", "__rec__", "__s__"} & set(encoded)


class Union(Codec):
    """One of several types, tried in their order; a set is tagged, as an array may be a list as well."""

    def __init__(self, choices):
        self.choices = choices
        self.doc = " | ".join(choice.doc for choice in choices)

    def enc(self, value):
        for choice in self.choices:
            if choice.matches(value):
                encoded = choice.enc(value)
                return {"__set__": encoded} if isinstance(choice, Set) else encoded
        raise TypeError(f"{value!r} matches none of {self.doc}")

    def dec(self, encoded):
        if isinstance(encoded, dict) and "__set__" in encoded:
            set_ = next(choice for choice in self.choices if isinstance(choice, Set))
            return set_.dec(encoded["__set__"])
        for choice in self.choices:
            if not isinstance(choice, Set) and choice.matches_encoded(encoded):
                return choice.dec(encoded)
        raise TypeError(f"{encoded!r} matches none of {self.doc}")

    def matches(self, value):
        return any(choice.matches(value) for choice in self.choices)

    def matches_encoded(self, encoded):
        return any(choice.matches_encoded(encoded) for choice in self.choices)


_codecs: dict[Any, Codec] = {}


def codec_for(type_) -> Codec:
    """The codec of what an annotation says."""
    try:
        if type_ not in _codecs:
            _codecs[type_] = _build(type_)
        return _codecs[type_]
    except TypeError as error:
        if "unhashable" in str(error):
            return _build(type_)
        raise


def _build(type_) -> Codec:
    if isinstance(type_, str):
        return codec_for(eval(type_, NAMES))
    if isinstance(type_, typing.ForwardRef):
        return codec_for(eval(type_.__forward_arg__, NAMES))
    if type_ is None:
        return Scalar(type(None))
    if type_ is Any:
        return AnySerdes()
    if type_ in tuple(Scalar.NOTATION):
        return Scalar(type_)
    if type_ is dt.datetime:
        return DateTime()
    if isinstance(type_, (typing.TypeVar, typing_extensions.TypeVar)):
        if type_.__name__ == "T_EntityKey":
            return codec_for(_entity_key())
        if type_.__name__ == "T":  # of PaginatedResults, whose one use is of strings
            return Scalar(str)
        raise TypeError(f"no codec for the type variable {type_}")
    origin, arguments = typing.get_origin(type_), typing.get_args(type_)
    if origin is not None:
        return _build_generic(type_, origin, arguments)
    if inspect.isclass(type_):
        if issubclass(type_, enum.Enum):
            return EnumCodec(type_)
        name = type_.__name__
        if name in WHITELIST.object_serializers and name not in NOT_SERIALIZABLE:
            return Serdes(type_)
        return Record(type_)
    raise TypeError(f"no codec for {type_!r}")


def _build_generic(type_, origin, arguments) -> Codec:
    if origin is typing.Annotated:
        return codec_for(arguments[0])
    if origin is typing.Literal:
        return codec_for(type(arguments[0]))
    if origin in (typing.Union, types.UnionType):
        none_first = sorted(arguments, key=lambda argument: argument is not type(None))
        return Union([codec_for(argument) for argument in none_first])
    if origin is tuple:
        if len(arguments) == 2 and arguments[1] is Ellipsis:
            return Sequence(codec_for(arguments[0]), tuple)
        return Tuple([codec_for(argument) for argument in arguments])
    if origin in (list, cabc.Sequence, cabc.Iterable):
        return Sequence(codec_for(arguments[0]))
    if origin in (set, cabc.Set, frozenset):
        return Set(codec_for(arguments[0]))
    if origin in (dict, cabc.Mapping):
        return Mapping(codec_for(arguments[0]), codec_for(arguments[1]))
    if inspect.isclass(origin):
        return codec_for(origin)
    raise TypeError(f"no codec for {type_!r}")


def _entity_key():
    from dagster._core.definitions.asset_key import AssetCheckKey, AssetJobKey, AssetKey

    return typing.Union[AssetKey, AssetCheckKey, AssetJobKey]
