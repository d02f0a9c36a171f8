"""The scenarios in which a difference is known and stays, and why. One that does not occur any more is an error."""

from fnmatch import fnmatchcase

# Name or pattern of scenarios -> reason.
KNOWN_DIFFERENCES = {}


def reason_for(name):
    return next((reason for pattern, reason in KNOWN_DIFFERENCES.items() if fnmatchcase(name, pattern)), None)
