"""List the public members of Dagster's DagsterInstance: its version, then one a line with its kind, tabs between."""

import inspect
import sys

KINDS = {"function": "method", "staticmethod": "constructor", "classmethod": "constructor"}


def members(of):
    for name in dir(of):
        if not name.startswith("_"):
            member = inspect.getattr_static(of, name)
            yield name, KINDS.get(type(member).__name__, "property")


def main():
    import dagster

    print(dagster.__version__)
    for name, kind in members(dagster.DagsterInstance):
        print(name, kind, sep="\t")


if __name__ == "__main__":
    sys.exit(main())
