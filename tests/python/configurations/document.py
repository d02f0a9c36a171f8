"""Writes a tree of mappings, lists and scalars as YAML, and says on which line and in which column each part stands."""

import json
import re
from dataclasses import dataclass

PLAIN = re.compile(r"[A-Za-z/~$][\w./~$@:-]*(?<!:)")
# What is plain, but no text in YAML 1.1.
OTHER = re.compile(r"(?i:y|n|yes|no|on|off|true|false|null|~)")


class Verbatim(str):
    """A scalar that is written as it is."""


@dataclass(frozen=True)
class Place:
    """Line and column of a key and of its value, counted from one. An item of a list has no key."""

    key: tuple | None
    value: tuple


def scalar(value):
    if isinstance(value, Verbatim):
        return value
    if isinstance(value, str) and PLAIN.fullmatch(value) and not OTHER.fullmatch(value):
        return value
    if isinstance(value, float):
        return repr(value)
    return json.dumps(value)


class Writer:
    def __init__(self, header=""):
        self.lines = header.splitlines()
        self.places = {}

    def start(self, text=""):
        """Begins a line; returns its number."""
        self.lines.append(text)
        return len(self.lines)

    def mapping(self, tree, path, indent, first=None):
        """`first` is what stands on the first line already."""
        for key, value in tree.items():
            lead = first if first is not None else " " * indent
            first = None
            text = scalar(key)
            line = self.start(f"{lead}{text}:")
            self.value(value, (*path, key), (line, len(lead) + 1), indent + 2)

    def items(self, items, path, indent):
        for number, item in enumerate(items):
            lead = " " * indent + "- "
            place = (*path, number)
            if isinstance(item, dict) and item:
                self.places[place] = Place(None, (len(self.lines) + 1, len(lead) + 1))
                self.mapping(item, place, indent + 2, lead)
            else:
                line = self.start(lead + ("[]" if item == [] else "{}" if item == {} else scalar(item)))
                self.places[place] = Place(None, (line, len(lead) + 1))

    def value(self, value, path, key, indent):
        line = len(self.lines)
        if isinstance(value, dict) and value:
            self.places[path] = Place(key, (line + 1, indent + 1))
            self.mapping(value, path, indent)
        elif isinstance(value, list) and value:
            self.places[path] = Place(key, (line + 1, indent + 1))
            self.items(value, path, indent)
        else:
            text = "[]" if value == [] else "{}" if value == {} else scalar(value)
            self.places[path] = Place(key, (line, len(self.lines[-1]) + 2))
            self.lines[-1] += f" {text}" if text else ""


def write(tree, header=""):
    """The text, and the places by path. The root has the path `()`."""
    writer = Writer(header)
    start = (len(writer.lines) + 1, 1)
    writer.mapping(tree, (), 0)
    return "\n".join(writer.lines) + "\n", {**writer.places, (): Place(None, start)}
