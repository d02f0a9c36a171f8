"""Writes what Dagster says of the subsets that it caches of an asset's partitions: ids, texts and keys.

From the root: python tests/python/cached_subset_cases.py > crates/instance-partitions/tests/it/cached_subset_cases.json
"""

import json
import sys
import warnings
from datetime import datetime, timezone

from dagster import (
    DagsterInstance,
    DailyPartitionsDefinition,
    DynamicPartitionsDefinition,
    HourlyPartitionsDefinition,
    MonthlyPartitionsDefinition,
    MultiPartitionsDefinition,
    StaticPartitionsDefinition,
    TimeWindowPartitionsDefinition,
    WeeklyPartitionsDefinition,
)
from dagster._core.definitions.partitions.context import partition_loading_context
from dagster._core.definitions.partitions.snap import PartitionsSnap
from dagster._serdes import serialize_value

NOW = datetime(2024, 1, 10, 12, 30, tzinfo=timezone.utc)
COLOURS = ["red", "blué"]
DAILY = DailyPartitionsDefinition("2024-01-01")
DAYS = [f"2024-01-{day:02}" for day in range(1, 13)]

CASES = [
    (StaticPartitionsDefinition(["b", "a", "é 🦀"]), ["a", "b", "c", "é 🦀", "", "\U0010ffff"]),
    (StaticPartitionsDefinition([]), ["a"]),
    (DynamicPartitionsDefinition(name="colours"), ["red", "blué", "green"]),
    (DynamicPartitionsDefinition(name="nothing"), ["red"]),
    (DAILY, [*DAYS, "2023-12-31", "2024-1-2", "nonsense", "", "9999-01-01", "0001-01-01"]),
    (
        DailyPartitionsDefinition("2024-01-01", end_date="2024-01-06", timezone="Europe/Berlin", end_offset=1),
        DAYS,
    ),
    (DailyPartitionsDefinition("2024-01-01", end_offset=2), DAYS),
    (DailyPartitionsDefinition("2024-01-01", end_offset=-2), DAYS),
    (DailyPartitionsDefinition("2030-01-01"), ["2030-01-01", "2024-01-01"]),
    (
        HourlyPartitionsDefinition("2023-11-04-20:00", timezone="America/New_York", end_date="2023-11-06-03:00"),
        [
            "2023-11-04-20:00",
            "2023-11-05-00:00",
            "2023-11-05-01:00",
            "2023-11-05-01:00-0500",
            "2023-11-05-01:00-0400",
            "2023-11-05-02:00",
            "2023-11-05-02:30",
            "2023-11-06-02:00",
            "2023-11-06-03:00",
        ],
    ),
    (
        HourlyPartitionsDefinition("2024-01-01-00:00", minute_offset=15),
        ["2024-01-01-00:15", "2024-01-01-01:15", "2024-01-01-01:00", "2024-01-10-11:15", "2024-01-10-12:15"],
    ),
    (
        WeeklyPartitionsDefinition("2023-10-01", minute_offset=15, hour_offset=3, day_offset=2),
        ["2023-10-03", "2023-10-04", "2023-10-10", "2023-10-17", "2024-01-02", "2024-01-09"],
    ),
    (MonthlyPartitionsDefinition("2023-10-01"), ["2023-10-01", "2023-11-01", "2023-12-01", "2024-01-01", "2023-11-02"]),
    (
        TimeWindowPartitionsDefinition(start="2024-01-01", fmt="%Y-%m-%d", cron_schedule="0 7 * * *"),
        [*DAYS, "2023-12-31"],
    ),
    (
        TimeWindowPartitionsDefinition(
            start="2024-01-01",
            fmt="%Y-%m-%d",
            cron_schedule="0 0 * * *",
            exclusions=["0 0 * * 6", datetime(2024, 1, 3)],
        ),
        DAYS,
    ),
    (
        MultiPartitionsDefinition({"z": StaticPartitionsDefinition(["x", "y"]), "d'é": DAILY}),
        [
            "2024-01-01|x",
            "2024-01-02|y",
            "x|2024-01-01",
            "2024-01-10|x",
            "2024-01-02|x",
            "2024-01-02|w",
            "2024-01-02",
            "a|b|c",
            "2024-01-02|",
        ],
    ),
    (
        MultiPartitionsDefinition(
            {"c": DynamicPartitionsDefinition(name="colours"), "b": StaticPartitionsDefinition(["x", "y"])}
        ),
        ["x|red", "x|green", "y|blué", "red|x"],
    ),
]


def case(definition, keys):
    snap = PartitionsSnap.from_def(definition)
    definition = snap.get_partitions_definition()
    valid = sorted(definition.filter_valid_partition_keys(set(keys)))
    steps = []
    subset = definition.empty_subset()
    # Every third key, then every third again, and so on: what is added joins what is there in each way.
    for added in (valid[::3], valid[2::3], valid[1::3], valid[:2]):
        subset = subset.with_partition_keys(added)
        steps.append(
            {
                "added": added,
                "text": subset.serialize(),
                "contained": [key for key in keys if key in subset],
                "read_again": definition.deserialize_subset(subset.serialize()).serialize(),
            }
        )
    differences = []
    for removed in (valid[1:4], valid[:1], valid[-1:], valid, valid[::2]):
        left = subset - definition.empty_subset().with_partition_keys(removed)
        differences.append(
            {"removed": removed, "text": left.serialize(), "contained": [key for key in keys if key in left]}
        )
    return {
        "definition": serialize_value(snap),
        "id": definition.get_serializable_unique_identifier(),
        "keys": keys,
        "valid": valid,
        "steps": steps,
        "differences": differences,
    }


def main():
    warnings.simplefilter("ignore")
    with DagsterInstance.ephemeral() as instance, partition_loading_context(NOW, instance):
        instance.add_dynamic_partitions("colours", COLOURS)
        cases = [case(definition, keys) for definition, keys in CASES]
    document = {
        "now": NOW.isoformat(),
        "dynamic": {"colours": COLOURS, "nothing": []},
        "cases": cases,
    }
    json.dump(document, sys.stdout, indent=1)
    print()


main()
