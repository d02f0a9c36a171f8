"""The configurations in which a difference is known and stays, and why: the table of docs/differences.md."""

from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

DOCUMENT = Path(__file__).parents[3] / "docs" / "differences.md"
HEADING = "## Configurations"


@cache
def differences():
    """(name or pattern of a configuration, name or pattern of what differs, reason) for each line."""
    section = DOCUMENT.read_text().partition(f"\n{HEADING}\n")[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("| `")]
    return [tuple(cell.strip(" `") for cell in line.strip("|").split("|", 2)) for line in lines]


def lines_for(name, what):
    """The lines that know this difference."""
    return [line for line in differences() if fnmatchcase(name, line[0]) and fnmatchcase(what, line[1])]


def lines_of(names):
    """The lines that are about any of these configurations."""
    return [line for line in differences() if any(fnmatchcase(name, line[0]) for name in names)]
