"""What the methods of Dagster's instance answer, as JSON: every read method, with many arguments each.

    answers.py HOME..    asks all questions of each home; prints a list for each, of {"question", "method", "args",
                         "answer"} or .. "error"}

A question is a method with its arguments by name; which there are, the modules of `questions` say. A method of another
domain is added as a row: a generator there, and an answer of ours in `tests/src/answers/`. How a method is asked is in
`asking.py`.
"""

import sys
import warnings

from common import emit, open_instance

warnings.simplefilter("ignore")

from asking import answer_text, encoded_arguments
from questions import of_home
from questions import runs, events, storage, assets, scheduling  # noqa: F401
from questions.contents import Contents
from speed import make_engines_once, read_revisions_once


def asked(instance):
    for question, method, args in of_home(Contents(instance)):
        if method is None:
            yield {"question": question, "method": "", "args": "{}", "error": error_text(args)}
            continue
        arguments = encoded_arguments(method, args)
        entry = {"question": question, "method": method, "args": arguments}
        try:
            yield {**entry, "answer": answer_text(instance, method, arguments)}
        except Exception as error:
            yield {**entry, "error": error_text(error)}


def error_text(error):
    return f"{type(error).__name__}: {error}"[:300]


def main():
    read_revisions_once()
    make_engines_once()
    found = []
    for home in sys.argv[1:]:
        with open_instance(home) as instance:
            found.append(list(asked(instance)))
    emit(found)


if __name__ == "__main__":
    main()
