"""Say how a Postgres would find the rows of statements: a list of texts on stdin, a list of lines for each of them.

query_plans.py URL < statements
"""

import json
import sys

from common import emit

import psycopg2


def plan(cursor, statement):
    cursor.execute("EXPLAIN (COSTS OFF) " + statement)
    return [line for (line,) in cursor.fetchall()]


def main():
    connection = psycopg2.connect(sys.argv[1])
    cursor = connection.cursor()
    # Workers are divided differently on each machine.
    cursor.execute("SET max_parallel_workers_per_gather = 0")
    plans = [plan(cursor, statement) for statement in json.load(sys.stdin)]
    emit({"version": connection.server_version // 10000, "plans": plans})
    connection.close()


main()
