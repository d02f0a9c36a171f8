"""Replay recorded scenarios on real Dagster, from their JSON alone: what another replay program does, to test the rest.

Reads {"home", "settings", "event_batch_size", "scenarios": [{"name", "steps": [{"op", "args"}]}]}, one a line;
prints for each step {"scenario", "step", "ok"} or {"scenario", "step", "error"}. Each home has its dagster.yaml.
"""

import json
import logging
import os
import sys

from common import emit, open_instance

from scenarios import run_ids
from scenarios.operations import OPERATIONS
from speed import read_revisions_once


def outcome(instance, step):
    try:
        return {"ok": OPERATIONS[step["op"]](instance, step["args"])}
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"}


def replay(document):
    os.environ["DAGSTER_EVENT_BATCH_SIZE"] = str(document["event_batch_size"])
    with open_instance(document["home"]) as instance, run_ids.counted():
        results = [
            {"scenario": scenario["name"], "step": number, **outcome(instance, step)}
            for scenario in document["scenarios"]
            for number, step in enumerate(scenario["steps"])
        ]
    for result in results:
        emit(result)


def main():
    read_revisions_once()
    logging.getLogger("dagster").setLevel(logging.CRITICAL)
    for line in sys.stdin:
        replay(json.loads(line))


if __name__ == "__main__":
    main()
