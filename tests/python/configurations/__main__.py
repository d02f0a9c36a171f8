"""Load homes with real Dagster and with another program, and compare what both make of each.

Run it in tests/python: python -m configurations --ours PROGRAM --sdist DIRECTORY --directory DIRECTORY. It prints what
differs, and a JSON summary. `--ours reference` is real Dagster again, to test this harness itself.
"""

import argparse
import os
import sys
import warnings


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, prog="python -m configurations")
    parser.add_argument("--ours", required=True, help="the program, or 'reference'")
    parser.add_argument("--sdist", required=True, help="Dagster's source distribution, unpacked")
    parser.add_argument("--directory", required=True, help="where homes are made, and Dagster's answers are kept")
    parser.add_argument("--only", default="*", metavar="PATTERN", help="a part of the name, or with wildcards")
    return parser.parse_args()


def main():
    args = arguments()
    os.makedirs(args.directory, exist_ok=True)
    args.directory = os.path.abspath(args.directory)
    warnings.simplefilter("ignore")
    # Imports Dagster.
    from configurations.run import run

    return 0 if run(args) else 1


if __name__ == "__main__":
    sys.exit(main())
