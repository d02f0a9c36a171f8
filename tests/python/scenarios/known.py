"""The scenarios in which a difference is known and stays, and why: the table of docs/differences.md."""

from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

DOCUMENT = Path(__file__).parents[3] / "docs" / "differences.md"


@cache
def differences():
    """(name or pattern, kind of storage or 'both', reason) for each line."""
    lines = [line for line in DOCUMENT.read_text().splitlines() if line.startswith("| `")]
    return [tuple(cell.strip(" `") for cell in line.strip("|").split("|", 2)) for line in lines]


def reason_for(name, storage):
    """None if it is to be equal."""
    found = (each for each in differences() if fnmatchcase(name, each[0]) and each[1] in ("both", storage))
    return next((reason for _, _, reason in found), None)
