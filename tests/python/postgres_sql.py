"""Run statements on a Postgres as any client may, without Dagster; print the rows of the last one.

With --hold, they are one transaction, which ends when standard input does.
"""

import argparse
import sys

from common import emit

import psycopg2


NAME = "postgres_sql.py"


def rows_of(cursor):
    return [] if cursor.description is None else [list(row) for row in cursor.fetchall()]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("statements", nargs="+")
    parser.add_argument("--hold", action="store_true")
    args = parser.parse_args()
    # By this name the server tells these connections from those that are looked at, also while they end.
    connection = psycopg2.connect(args.url, application_name=NAME)
    connection.autocommit = not args.hold
    cursor = connection.cursor()
    for statement in args.statements:
        cursor.execute(statement)
    emit(rows_of(cursor))
    if args.hold:
        sys.stdin.read()
    connection.close()


if __name__ == "__main__":
    main()
