"""Whether our errors lead to the mistake: the line and the column where the file was made wrong. And that no error, and
nothing else that people see, has a secret."""

import re

from configurations.case import SECRET

PLACE = re.compile(r"line (\d+), column (\d+)|:(\d+):(\d+)\b")


def named_places(error):
    """The lines and columns in a text."""
    found = PLACE.findall(error)
    return {(int(line or other_line), int(column or other_column)) for line, column, other_line, other_column in found}


def is_named(case, error):
    return bool(named_places(error) & set(case.places))


def shown_secrets(answer):
    """Where our answer shows a secret: the error, the errors of members, the debug text of the settings."""
    texts = {"error": answer.get("error", ""), "debug text": answer.get("debug", "")}
    texts |= {name: each["error"] for name, each in answer.get("members", {}).items() if "error" in each}
    return [where for where, text in texts.items() if SECRET in text]
