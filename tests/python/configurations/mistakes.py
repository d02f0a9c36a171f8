"""Whether our errors lead to the mistake: the line and the column where the file was made wrong. And that no error, and
nothing else that people see, has a secret."""

import re

from configurations.case import SECRET

# Behind the name of the file, or at the beginning of a line.
PLACE = re.compile(r"(?:dagster\.yaml:|^ *)(\d+):(\d+): ", re.MULTILINE)


def named_places(error):
    """The lines and columns in a text."""
    return {(int(line), int(column)) for line, column in PLACE.findall(error)}


def is_named(case, error):
    return bool(named_places(error) & set(case.places))


def shown_secrets(answer):
    """Where our answer shows a secret: the error, the errors of members, the debug text of the settings."""
    texts = {"error": answer.get("error", ""), "debug text": answer.get("debug", "")}
    texts |= {name: each["error"] for name, each in answer.get("members", {}).items() if "error" in each}
    return [where for where, text in texts.items() if SECRET in text]
