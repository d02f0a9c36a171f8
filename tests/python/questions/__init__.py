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
    """(name of the generator, method, arguments), in the order in which they are to be asked: some answers are stored.

    Some generators ask what to ask next. If that fails, as it may on a database that has to be upgraded, the rest of
    the generator is one question without a method, whose arguments are the error.
    """
    for methods, arguments in QUESTIONS:
        try:
            for args in arguments(home):
                for method in methods:
                    yield arguments.__name__, method, args
        except Exception as error:
            yield arguments.__name__, None, error
