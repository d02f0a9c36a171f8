"""Play scenarios of runs and events on real Dagster and on another program, and compare what both leave.

Run it in tests/python: python -m scenarios --replay PROGRAM. It prints a line for each scenario, with the
differences, and a JSON summary. `--replay reference` is real Dagster again, to test this harness itself.
"""

import argparse
import logging
import os
import sys
import tempfile
import warnings


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, prog="python -m scenarios")
    parser.add_argument("--replay", help="the program, or 'reference'")
    parser.add_argument("--only", default="*", metavar="PATTERN", help="a part of the name, or with wildcards")
    parser.add_argument("--storage", choices=["sqlite", "postgres"], default="sqlite")
    parser.add_argument("--postgres-url", default="postgresql://postgres@127.0.0.1:5432/postgres")
    parser.add_argument("--keep", metavar="DIRECTORY", help="a directory to make, in which homes and documents stay")
    parser.add_argument("--list", action="store_true", help="only print the names")
    args = parser.parse_args()
    if not args.list and not args.replay:
        parser.error("--replay is needed")
    return args


def main():
    args = arguments()
    if os.environ.get("PYTHONHASHSEED") != "0":
        # The order of sets shows in what Dagster writes.
        command = [sys.executable, "-m", "scenarios", *sys.argv[1:]]
        os.execve(sys.executable, command, {**os.environ, "PYTHONHASHSEED": "0"})
    warnings.simplefilter("ignore")
    from common import emit
    from scenarios.run import SCENARIOS, run

    logging.getLogger("dagster").setLevel(logging.CRITICAL)
    if args.list:
        return emit(list(SCENARIOS))
    if args.keep:
        os.makedirs(args.keep)
        return 0 if run(args.keep, args) else 1
    with tempfile.TemporaryDirectory() as base:
        return 0 if run(base, args) else 1


if __name__ == "__main__":
    sys.exit(main())
