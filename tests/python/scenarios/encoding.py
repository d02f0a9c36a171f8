"""How the values of a step are written as JSON and read again: keys as lists, Dagster's own objects as their text."""

from dagster import AssetCheckKey, AssetKey
from dagster._serdes import deserialize_value, serialize_value


def ser(value):
    return None if value is None else serialize_value(value)


def de(text):
    return None if text is None else deserialize_value(text)


def key_json(key):
    return list(key.path)


def key_of(parts):
    return AssetKey(parts)


def check_key_json(key):
    return {"asset_key": key_json(key.asset_key), "name": key.name}


def check_key_of(document):
    return AssetCheckKey(key_of(document["asset_key"]), document["name"])


def sorted_json(values, each):
    """A set as a list; null stays null, for no selection is not the empty one."""
    return None if values is None else sorted(map(each, values), key=str)


def set_of(values, each):
    """Frozen, as the sets of a code location are; Dagster writes the other kind differently."""
    return None if values is None else frozenset(each(value) for value in values)
