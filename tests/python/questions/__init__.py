"""The questions that both sides are asked: methods with their arguments, in a file for each domain.

A generator yields the arguments of the methods that it is registered with, from what is in a home. Its name is that of
the questions in `docs/differences.md`. Not here: who answers (`answers.py` asks Dagster).
"""

QUESTIONS = []


def questions(*methods):
    """Registers a generator of arguments with these methods."""

    def register(arguments):
        QUESTIONS.append((methods, arguments))
        return arguments

    return register


def of_home(home):
    """(name of the generator, method, arguments), in the order in which they are to be asked: some answers are stored."""
    for methods, arguments in QUESTIONS:
        for args in arguments(home):
            for method in methods:
                yield arguments.__name__, method, args
