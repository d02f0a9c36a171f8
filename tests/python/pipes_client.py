"""A program that speaks Dagster Pipes by the package of PyPI: every kind of message, and how it may end.

With `many FILE`, it sends 100,000 lines instead, says so, and stays until the file is there.
"""

import os
import signal
import sys
import time

from dagster_pipes import open_dagster_pipes

MANY = 100_000


def value(kind, raw):
    return {"type": kind, "raw_value": raw}


COLUMN = {
    "name": "c",
    "type": "int",
    "description": "d",
    "constraints": {"nullable": False, "unique": True, "other": ["o"]},
}
METADATA = {
    "inferred text": "t",
    "inferred integer": 12345678901234567890,
    "inferred float": 1.5,
    "inferred bool": True,
    "inferred list": value("__infer__", [1, 2]),
    "inferred mapping": value("__infer__", {"b": 1, "a": ["ä"]}),
    "text": value("text", "x"),
    "url": value("url", "http://x"),
    "path": value("path", "/p"),
    "notebook": value("notebook", "/n"),
    "json": value("json", {"z": 1, "a": 2.0}),
    "md": value("md", "# h"),
    "float": value("float", 2.0),
    "int": value("int", 3),
    "bool": value("bool", False),
    "run": value("dagster_run", "r1"),
    "asset": value("asset", "a/b"),
}
# What came with release 1.10.
LATER = {
    "null": value("null", None),
    "timestamp": value("timestamp", 1700000000.5),
    "table": value("table", {"records": [{"c": 1, "b": "x"}], "schema": [COLUMN, {"name": "b", "type": "text"}]}),
    "schema": value("table_schema", {"columns": [COLUMN]}),
    "lineage": value("table_column_lineage", {"deps_by_column": {"c": [{"asset_key": "up", "column_name": "d"}]}}),
}


def report(pipes, how):
    for level in ("debug", "info", "warning", "error", "critical"):
        getattr(pipes.log, level)(f"at {level}")
    metadata = METADATA if how == "old" else METADATA | LATER
    pipes.report_asset_materialization(asset_key="pa", data_version="v1", metadata=metadata)
    pipes.report_asset_check(asset_key="pa", check_name="c1", passed=True, metadata={"n": 1})
    pipes.report_asset_check(asset_key="pa", check_name="c2", passed=False, severity="WARN")
    pipes.report_custom_message({"extras": pipes.extras, "partition": pipes.partition_key})


def send_many(pipes, done):
    for number in range(MANY):
        pipes.log.info(f"line {number}")
    pipes._message_channel.write_message(  # noqa: SLF001
        {
            "__dagster_pipes_version": "0.1",
            "method": "log_external_stream",
            "params": {"stream": "stdout", "text": "all is read\n", "extras": {}},
        }
    )
    while not os.path.exists(done):
        time.sleep(0.05)


def main(how="well", *arguments):
    with open_dagster_pipes() as pipes:
        if how == "many":
            return send_many(pipes, *arguments)
        report(pipes, how)
        if how == "raises":
            raise ValueError("half-way") from KeyError("k")
        if how == "exits":
            os._exit(3)
        if how == "dies":
            os.kill(os.getpid(), signal.SIGKILL)


main(*sys.argv[1:])
