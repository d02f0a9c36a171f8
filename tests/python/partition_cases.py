"""What real Dagster makes of definitions of partitions: the cases of a test in Rust, as one JSON document.

Each case has a definition as a code location tells it, the time that is taken for now, and probes: a key or a
range of keys with the subset that a run would be stored with, the subset that its events are about, and the keys
of both. What Dagster refuses is the class of its error.

Texts are shortened, as most of the document would be names of classes and definitions: the definition of a case
stands in it once, and is "<definition>" in the texts of subsets; and whoever reads a text replaces what
"abbreviations" lists, in its order. What is the same of the subset of events as of the stored one is null there.
"""

from datetime import datetime, timezone

from common import emit

from dagster import (
    DailyPartitionsDefinition,
    DynamicPartitionsDefinition,
    HourlyPartitionsDefinition,
    MonthlyPartitionsDefinition,
    MultiPartitionsDefinition,
    PartitionKeyRange,
    StaticPartitionsDefinition,
    TimeWindowPartitionsDefinition,
    WeeklyPartitionsDefinition,
)
from dagster._core.definitions.partitions.context import partition_loading_context
from dagster._core.definitions.partitions.schedule_type import ScheduleType
from dagster._core.definitions.partitions.snap import (
    DynamicPartitionsSnap,
    MultiPartitionsSnap,
    PartitionDimensionSnap,
    PartitionsSnap,
    StaticPartitionsSnap,
    TimeWindowPartitionsSnap,
)
from dagster._core.definitions.partitions.subset import KeyRangesPartitionsSubset
from dagster._core.definitions.partitions.utils.time_window import TimeWindow
from dagster._core.definitions.timestamp import TimestampWithTimezone
from dagster._core.instance import DagsterInstance
from dagster._core.storage.dagster_run import DagsterRun
from dagster._core.storage.tags import (
    ASSET_PARTITION_RANGE_END_TAG,
    ASSET_PARTITION_RANGE_START_TAG,
    PARTITION_NAME_TAG,
)
from dagster._serdes import serialize_value

NOW = "2025-03-31T12:34:56.789"
BERLIN = "Europe/Berlin"
NEW_YORK = "America/New_York"
MINUTES = "%Y-%m-%d-%H:%M"
DAYS = "%Y-%m-%d"
# Spans in UTC around the days on which clocks are set, and of an ordinary few days.
SPRING = {BERLIN: ("2024-03-30T20:00", "2024-03-31T08:00"), NEW_YORK: ("2024-03-10T02:00", "2024-03-10T12:00")}
AUTUMN = {BERLIN: ("2024-10-26T20:00", "2024-10-27T06:00"), NEW_YORK: ("2024-11-03T02:00", "2024-11-03T12:00")}
ABBREVIATIONS = [
    ["<subset>", '{"__class__": "TimeWindowPartitionsSubset", "included_time_windows": ['],
    ["<of>", ', "partitions_def": <definition>}'],
    ["<window>", '{"__class__": "TimeWindow", "end": <time>'],
    ["<since>", ', "start": <time>'],
    ["<time>", '{"__class__": "TimestampWithTimezone", "timestamp": '],
    ["<utc>", ', "timezone": "UTC"}'],
    ["<berlin>", ', "timezone": "Europe/Berlin"}'],
    ["<york>", ', "timezone": "America/New_York"}'],
    ["<n>", '], "num_partitions": '],
    ["<snap>", '{"__class__": "ExternalTimeWindowPartitionsDefinitionData", "cron_schedule": '],
    ["<days>", ', "day_offset": null, "end": null, "end_offset": '],
    ["<hours>", ', "hour_offset": null, "minute_offset": null, "schedule_type": null, "start": '],
    ["<schedule>", '{"__class__": "TimeWindowPartitionsDefinition", "cron_schedule": '],
    ["<fmt>", ', "exclusions": null, "fmt": "%Y-%m-%d'],
    ["<set>", '{"__class__": "DefaultPartitionsSubset", "subset": {"__set__": ['],
]
INSTANCE = DagsterInstance.ephemeral()
DYNAMIC = {"colours": ["red", "green", "blue", "red2"], "none": []}


def shortened(value):
    """The value with all of its texts abbreviated."""
    if isinstance(value, str):
        # What an abbreviation stands for can have others in it, which are to be in place by then.
        for short, long in reversed(ABBREVIATIONS):
            value = value.replace(long, short)
        return value
    if isinstance(value, list):
        return [shortened(item) for item in value]
    if isinstance(value, dict):
        return {key: shortened(item) for key, item in value.items()}
    return value


def utc(text):
    return datetime.fromisoformat(text).replace(tzinfo=timezone.utc)


def attempt(function):
    try:
        return function()
    except Exception as error:
        return {"error": type(error).__name__}


def stored_subset(definition, key_range):
    """What the creation of a run stores, for the kinds of definitions for which it stores a subset."""
    if isinstance(definition, TimeWindowPartitionsDefinition):
        window = TimeWindow(
            definition.time_window_for_partition_key(key_range.start).start,
            definition.time_window_for_partition_key(key_range.end).end,
        )
        return definition.get_partition_subset_in_time_window(window).to_serializable_subset()
    if isinstance(definition, DynamicPartitionsDefinition):
        return KeyRangesPartitionsSubset(key_ranges=[key_range], partitions_snap=PartitionsSnap.from_def(definition))
    return None


def keys_of(subset):
    """Python lists a set in no order of its own; what is stored of it is sorted."""
    keys = subset.get_partition_keys()
    return sorted(keys) if isinstance(keys, (set, frozenset)) else list(keys)


def with_keys(subset, stand_in):
    if subset is None:
        return None
    text = stand_in(serialize_value(subset))
    return {"text": text, "keys": attempt(lambda: keys_of(subset))}


def case(snap, now=NOW, keys=(), ranges=(), spans=()):
    document = {"snap": serialize_value(snap), "now": now, "definition": None, "probes": []}
    definition = attempt(snap.get_partitions_definition)
    if isinstance(definition, dict):
        return document | {"definition": definition}

    def stand_in(text):
        return text.replace(document["definition"], "<definition>") if document["definition"] else text

    if isinstance(definition, TimeWindowPartitionsDefinition):
        document["definition"] = serialize_value(definition)
        for start, end in spans:
            listed = definition.get_partition_keys_in_time_window(TimeWindow(utc(start), utc(end)))
            if listed:
                ranges = [*ranges, (listed[0], listed[-1])]
                keys = [*keys, listed[-1]]
    with partition_loading_context(utc(now), INSTANCE):
        for start, end in [*((key, None) for key in keys), *ranges]:
            key_range = PartitionKeyRange(start, start if end is None else end)
            tags = (
                {PARTITION_NAME_TAG: start}
                if end is None
                else {ASSET_PARTITION_RANGE_START_TAG: start, ASSET_PARTITION_RANGE_END_TAG: end}
            )
            run = DagsterRun(job_name="job", tags=tags)
            stored = attempt(lambda: with_keys(stored_subset(definition, key_range), stand_in))
            resolved = attempt(lambda: with_keys(run.get_resolved_partitions_subset_for_events(definition), stand_in))
            for field in ("keys", "text"):
                if stored and field in stored and resolved.get(field) == stored[field]:
                    resolved[field] = None
            key = [start] if end is None else [start, end]
            document["probes"].append({"key": key, "stored": stored, "resolved": resolved})
    return document


def windows(schedule, start, fmt=MINUTES, zone="UTC", now=NOW, keys=(), ranges=(), spans=(), **options):
    definition = TimeWindowPartitionsDefinition(cron_schedule=schedule, start=start, fmt=fmt, timezone=zone, **options)
    return case(PartitionsSnap.from_def(definition), now, keys, ranges, spans)


def of(definition, **options):
    return case(PartitionsSnap.from_def(definition), **options)


def cases_of_subclasses():
    march = [("2024-03-28T00:00", "2024-04-02T00:00")]
    year = [("2024-01-01T00:00", "2024-08-01T00:00")]
    yield of(DailyPartitionsDefinition("2024-01-01"), spans=march, keys=["2023-12-31", "2024-01-01", "2024-02-30", "x"])
    yield of(DailyPartitionsDefinition("2024-01-01", timezone=BERLIN), spans=march, keys=["2025-03-30", "2025-03-31"])
    yield of(DailyPartitionsDefinition("2024-01-01", minute_offset=30, hour_offset=2, timezone=BERLIN), spans=march)
    yield of(HourlyPartitionsDefinition("2024-01-01-00:00", timezone=BERLIN), spans=[SPRING[BERLIN], AUTUMN[BERLIN]])
    yield of(HourlyPartitionsDefinition("2024-01-01-00:00", minute_offset=15), spans=[SPRING[BERLIN]])
    yield of(WeeklyPartitionsDefinition("2024-01-01"), spans=year, keys=["2024-01-01", "2024-01-07"])
    yield of(WeeklyPartitionsDefinition("2024-01-01", day_offset=3, hour_offset=5, timezone=NEW_YORK), spans=year)
    yield of(MonthlyPartitionsDefinition("2024-01-01"), spans=year, keys=["2024-01-01", "2024-01-15"])
    yield of(MonthlyPartitionsDefinition("2024-01-01", day_offset=10, minute_offset=45, timezone=BERLIN), spans=year)
    yield of(
        DailyPartitionsDefinition(datetime(2024, 1, 1, 5, 6), end_date="2024-02-01"),
        keys=["2024-01-31", "2024-02-01"],
        ranges=[
            ("2024-01-02", "2024-01-31"),
            ("2024-01-02", "2024-02-01"),
            ("2024-01-01", "2024-01-03"),
            ("2024-01-05", "2024-01-03"),
        ],
    )


def cases_of_schedules():
    for zone in (BERLIN, NEW_YORK):
        spans = [SPRING[zone], AUTUMN[zone]]
        for schedule in (
            "0 * * * *",
            "30 * * * *",
            "*/15 * * * *",
            "0,30 * * * *",
            "5,20 * * * *",
            "*/7 * * * *",
            "0 */2 * * *",
            "0 0-23 * * *",
            "0 1-5/2 * * *",
            "15,45 1,2 * * *",
            "30 1 * * *",
            "30 2 * * *",
            "0 2 * * *",
            "30 2 * * 0",
            "30 1 * * 0,6",
            "*/20 * * * 0",
            "0 3 * * *",
        ):
            yield windows(schedule, "2024-01-01-00:00", zone=zone, spans=spans)
    quarter = [("2024-01-15T00:00", "2024-06-20T00:00")]
    years = [("2020-01-15T00:00", "2028-12-30T00:00")]
    for schedule in (
        "0 0 1 * *",
        "0 0 28 * *",
        "0 0 31 * *",
        "0 0 L * *",
        "30 5 1,15 * *",
        "0 0 * * 1",
        "0 0 * * MON-FRI",
        "0 0 13 * 5",
        "0 0 1 */3 *",
        "0 6 1 jan,jul *",
        "0 0 * * 2#3",
        "0 0 * * L5",
        "0 22 * * 5-7",
        "0 0 */10 * *",
        "0 0 1-31 * 1",
        "0 12 * 11-2 6",
        "@weekly",
        "@monthly",
        "0 0 ? * 3",
        "0 0 1 * 0-6",
        "0 0 * 2-12/5 7",
        "10 4 29-L * *",
        "0 0 * * 5-1/2",
        "0 0 25-5/4 * *",
        "0 0 10,15 * fri#2",
        "0 0 25 * mon-wed#4",
        "0 0 1 11-3/2 *",
    ):
        yield windows(schedule, "2020-01-01", DAYS, spans=quarter)
    for schedule in ("0 0 29 2 *", "0 0 1 1 *", "0 0 29 2 1", "15 3 29 FEB *"):
        yield windows(schedule, "2020-01-01", DAYS, spans=years, keys=["2024-02-28", "2024-02-29", "2024-03-01"])
    yield windows(
        "* * * * *",
        "2024-03-10-00:00",
        zone=NEW_YORK,
        spans=[("2024-11-03T05:55", "2024-11-03T06:05"), ("2024-03-10T06:57", "2024-03-10T07:03")],
    )
    for zone, spans in (
        ("Asia/Kolkata", [("2024-05-01T00:00", "2024-05-01T05:00")]),
        ("Europe/London", [("2024-03-30T22:00", "2024-03-31T04:00"), ("2024-10-26T22:00", "2024-10-27T04:00")]),
        ("Europe/Dublin", [("2024-03-30T22:00", "2024-03-31T04:00"), ("2024-10-26T22:00", "2024-10-27T04:00")]),
        ("Pacific/Auckland", [("2024-04-06T10:00", "2024-04-06T18:00"), ("2024-09-28T10:00", "2024-09-28T18:00")]),
        ("America/Sao_Paulo", [("2018-11-03T20:00", "2018-11-05T08:00"), ("2018-02-17T20:00", "2018-02-19T08:00")]),
        ("America/Havana", [("2024-11-02T20:00", "2024-11-04T12:00")]),
    ):
        for schedule in ("0 * * * *", "0 0 * * *", "30 1 * * *", "30 23 * * *", "30 0,12 * * *"):
            yield windows(schedule, "2010-01-01-00:00", zone=zone, spans=spans)
    yield windows(
        "30 * * * *", "2024-01-01-00:00", zone="Asia/Kathmandu", spans=[("2024-05-01T00:00", "2024-05-01T05:00")]
    )


def cases_of_bounds():
    day = "0 0 * * *"
    keys = [f"2025-03-{number}" for number in ("01", "02", "28", "29", "30", "31")] + ["2025-04-01", "2025-04-02"]
    ranges = [("2025-03-01", "2025-04-05"), ("2025-02-27", "2025-03-02"), ("2025-03-30", "2025-03-02")]
    for zone in ("UTC", NEW_YORK):
        for offset in (-3, -1, 0, 1, 2):
            yield windows(day, "2025-03-01", DAYS, zone, keys=keys[1::3], ranges=ranges[:2], end_offset=offset)
            yield windows(
                day, "2025-03-01", DAYS, zone, end="2025-03-31", keys=keys[4:], ranges=ranges, end_offset=offset
            )
    for now in (
        "2025-02-20T00:00",
        "2025-03-01T12:00",
        "2025-03-02T00:00",
        "2025-03-02T00:00:00.000001",
        "2025-03-04T05:00",
    ):
        for offset in (-1, 0, 1, 3):
            yield windows(
                day,
                "2025-03-01",
                DAYS,
                now=now,
                keys=["2025-03-01"],
                ranges=[("2025-03-01", "2025-03-06")],
                end_offset=offset,
            )
    yield windows(day, "2025-03-10", DAYS, end="2025-03-10", keys=["2025-03-10"], ranges=[("2025-03-10", "2025-03-10")])
    yield windows(
        "0 9 * * 1-5",
        datetime(2025, 3, 1, 10, 30),
        DAYS,
        keys=["2025-03-01", "2025-03-03"],
        ranges=[("2025-03-01", "2025-03-11"), ("2025-02-28", "2025-03-03")],
    )
    yield windows(
        "0 */6 * * *",
        "2025-03-01-03:00",
        MINUTES,
        keys=["2025-03-01-00:00", "2025-03-01-03:30"],
        ranges=[("2025-03-01-03:00", "2025-03-02-01:00")],
    )
    yield windows(
        "0 * * * *",
        "2025-03-01-00:30",
        MINUTES,
        keys=["2025-03-01-00:10", "2025-03-01-01:30"],
        ranges=[("2025-03-01-00:30", "2025-03-01-02:30"), ("2025-03-01-00:45", "2025-03-01-00:50")],
    )
    yield windows(
        "0 * * * *",
        "2024-01-01-00:00",
        zone=NEW_YORK,
        keys=[
            "2024-11-03-01:00",
            "2024-11-03-01:00-0500",
            "2024-11-03-01:00-0400",
            "2024-11-03-01:00+0000",
            "2024-03-10-02:00",
            "2024-03-10-02:30",
        ],
        ranges=[("2024-11-03-01:00-0500", "2024-11-03-02:00"), ("2024-03-10-02:00", "2024-03-10-03:00")],
    )


def cases_of_exclusions():
    day = "0 0 * * *"
    ranges = [("2024-01-01", "2024-01-15"), ("2024-01-06", "2024-01-08"), ("2024-01-05", "2024-01-05")]
    keys = ["2024-01-05", "2024-01-06"]
    yield windows(day, "2024-01-01", DAYS, ranges=ranges, keys=keys, exclusions=["0 0 * * 6,0"])
    yield windows(
        day,
        "2024-01-01",
        DAYS,
        BERLIN,
        ranges=ranges,
        keys=keys,
        exclusions=["0 0 * * 6", datetime(2024, 1, 1), datetime(2024, 1, 9), "0 0 10 * *"],
    )
    yield windows(
        day, "2024-01-01", DAYS, ranges=ranges, keys=keys, exclusions=[datetime(2024, 1, 6), datetime(2024, 1, 7, 1)]
    )
    yield windows(
        day,
        "2024-01-01",
        DAYS,
        now="2024-01-08T12:00",
        ranges=ranges,
        keys=keys,
        exclusions=["0 0 * * 6,0"],
        end_offset=1,
    )
    yield windows(
        day,
        "2024-01-01",
        DAYS,
        now="2024-01-08T12:00",
        ranges=ranges,
        keys=keys,
        exclusions=["0 0 * * 6,0"],
        end_offset=-1,
    )
    yield windows(
        "*/15 * * * *",
        "2024-03-01-00:00",
        zone=NEW_YORK,
        spans=[SPRING[NEW_YORK], AUTUMN[NEW_YORK]],
        exclusions=["0 * * * *", "* 3-9 * * *"],
    )
    yield windows(
        "0 * * * *", "2024-03-01-00:00", zone=BERLIN, spans=[SPRING[BERLIN], AUTUMN[BERLIN]], exclusions=["0 2 * * *"]
    )
    yield windows(
        "30 2 * * *",
        "2024-03-01-00:00",
        zone=BERLIN,
        ranges=[("2024-03-29-02:30", "2024-04-02-02:30")],
        exclusions=["0 3 * * *"],
    )
    yield windows(
        day,
        "2024-02-01",
        DAYS,
        ranges=[("2024-02-26", "2024-03-02"), ("2024-02-29", "2024-03-01")],
        exclusions=["0 0 29 2 *"],
    )


def cases_of_formats():
    span = [("2024-02-28T21:30", "2024-03-02T02:30")]
    for fmt in (
        "%Y%m%d%H",
        "%d.%m.%y %H:%M",
        "%Y-%j-%H",
        "%b %d, %Y %I%p",
        "%A %B %d %Y %H",
        "%Y-%m-%dT%H:%M:%S",
        "%Y-%m-%dT%H:%M:%S%z",
        "%Y-%m-%d %H:%M:%S.%f",
        "%c",
        "%x %X",
        "%G-W%V-%u %H",
        "%Y week %W day %w at %H",
        "%a %U %Y %H%%",
        "%H %Z %Y-%m-%d",
        "day\t%d of  %m/%Y %H",
        "Ünïcode %Y–%m–%d %H",
        "%Y-%m-%dt%H",
    ):
        for zone in ("UTC", BERLIN):
            if "%Z" not in fmt or zone == "UTC":
                yield windows("0 */6 * * *", datetime(2024, 1, 1), fmt, zone, spans=span)
    keys = [
        "2024-1-5",
        "2024-01-5",
        " 2024-01-05",
        "2024-01-05 ",
        "2024-01-05+0200",
        "2024-01-05Z",
        "2024-01-05-05:30",
        "2024-01-05+01:00:30",
        "2024-01-05+0100:30",
        "2024-01-05+2500",
        "24-01-05",
        "2024-13-01",
        "2024-00-10",
        "0000-01-01",
        "2024-01- 5",
        "2024-01-32",
    ]
    yield windows("0 0 * * *", "2024-01-01", DAYS, BERLIN, keys=keys)
    yield windows(
        "0 7 * * *",
        "2024-01-01",
        DAYS,
        NEW_YORK,
        keys=["2024-01-05", "2024-01-05+0000", "2024-01-05-1200"],
        ranges=[("2024-01-05", "2024-01-07")],
    )
    yield windows(
        "0 0 * * *", datetime(2024, 1, 1), "%Y%m%d", keys=["20240105", "2024015", "2024115", "202415", "2024-01-05"]
    )
    yield windows(
        "0 0 * * *",
        datetime(2024, 1, 1),
        "%b %d %Y",
        keys=["jan 05 2024", "JAN 5 2024", "Jan  5   2024", "january 5 2024", "Jan5 2024"],
    )
    yield windows(
        "0 0 * * *",
        datetime(2024, 1, 1),
        "%d/%m/%y %I %p",
        keys=["05/01/24 12 AM", "05/01/24 12 pm", "05/01/24 1 p", "05/01/70 11 pm"],
    )
    yield windows(
        "0 * * * *",
        datetime(2024, 1, 1),
        "%Y-%m-%d %H %I %p",
        keys=["2024-01-05 13 01 PM", "2024-01-05 13 02 AM", "2024-01-05 01 12 pm"],
    )
    yield windows("0 * * * *", datetime(2024, 1, 1), "%I %Y-%m-%d %H", keys=["01 2024-01-05 13", "12 2024-01-05 01"])
    yield windows(
        "0 0 * * *",
        datetime(2024, 1, 1),
        "%Y %U %W %a",
        keys=["2024 01 01 Tue", "2024 00 00 sat", "0199 05 06 Wed", "2024 53 52 Mon"],
    )
    yield windows("0 0 * * *", datetime(2024, 1, 1), "%Y %V %u", keys=["2024 01 1"])
    for fmt in ("%F", "%Y-%m-%d %T", "%Y %Q", "%", "%Y %Y", "%-d", "%e %Y"):
        yield windows("0 0 * * *", datetime(2024, 1, 1), fmt, keys=["2024-01-05", "5"])


def cases_of_snaps():
    old = {"timezone": None, "fmt": DAYS, "end_offset": 0}
    start = 1704067200.0
    ranges = [("2024-01-03", "2024-02-08")]
    yield case(TimeWindowPartitionsSnap(start=start, cron_schedule="0 0 * * *", **old), ranges=ranges)
    yield case(
        TimeWindowPartitionsSnap(start=start, end=start + 86400 * 60, cron_schedule="0 0 * * *", **old), ranges=ranges
    )
    yield case(
        TimeWindowPartitionsSnap(start=start + 0.25, end=0.0, cron_schedule="0 1 * * *", exclusions=[], **old),
        ranges=ranges,
    )
    yield case(
        TimeWindowPartitionsSnap(
            start=start,
            cron_schedule="0 0 * * *",
            exclusions=[TimestampWithTimezone(start + 86400 * 3, "UTC"), "0 0 15 * *"],
            **old,
        ),
        ranges=ranges,
    )
    yield case(
        TimeWindowPartitionsSnap(start=start, timezone="", fmt=DAYS, end_offset=0, cron_schedule="0 0 * * *"),
        ranges=ranges,
    )
    for kind in ScheduleType:
        yield case(
            TimeWindowPartitionsSnap(start=start, schedule_type=kind, **old),
            ranges=ranges[: kind != ScheduleType.HOURLY],
            keys=["2024-01-05"],
        )
        yield case(
            TimeWindowPartitionsSnap(
                start=start,
                schedule_type=kind,
                minute_offset=5,
                hour_offset=0 if kind == ScheduleType.HOURLY else 6,
                day_offset=2,
                **old,
            ),
            keys=["2024-01-05"],
        )
    yield case(TimeWindowPartitionsSnap(start=start, **old))
    for schedule in (
        "* * * *",
        "0 0 30 2 *",
        "61 * * * *",
        "0 0 * * 8",
        "x * * * *",
        "0 0 0 * *",
        "0 0 * 0 *",
        "*/0 * * * *",
        "0 0 * * 1,2#3",
        "0 0 1 1 * *",
        "h h * * *",
        "0 0 * * 2#6",
        "-1 * * * *",
        "",
        "1-2-3 * * * *",
    ):
        yield case(TimeWindowPartitionsSnap(start=start, cron_schedule=schedule, **old))
    yield case(TimeWindowPartitionsSnap(start=start, cron_schedule="0 0 * * *", exclusions=["never"], **old))
    yield case(
        TimeWindowPartitionsSnap(
            start=start, cron_schedule="0 0 * * *", timezone="Nowhere/Land", fmt=DAYS, end_offset=0
        )
    )


def cases_of_keys():
    letters = StaticPartitionsSnap(["b", "a", "ü", "c", "a", "d e"])
    probes = {
        "keys": ["a", "nope", "ü"],
        "ranges": [("b", "c"), ("c", "b"), ("a", "a"), ("a", "nope"), ("no", "nope"), ("nope", "nope"), ("ü", "d e")],
    }
    yield case(letters, **probes)
    yield case(StaticPartitionsSnap([]), keys=["a"], ranges=[("a", "b")])
    yield case(StaticPartitionsSnap(["a...b"]), keys=["a"])
    yield case(StaticPartitionsSnap(["a", "tab\t"]), keys=["a"])
    colours = DynamicPartitionsSnap(name="colours")
    yield case(
        colours, keys=["green", "nope"], ranges=[("red", "blue"), ("blue", "red"), ("red", "nope"), ("green", "green")]
    )
    yield case(DynamicPartitionsSnap(name="none"), keys=["green"], ranges=[("red", "blue")])
    days = PartitionsSnap.from_def(DailyPartitionsDefinition("2024-01-01", end_date="2024-02-01"))

    def multi(**dimensions):
        return MultiPartitionsSnap(
            partition_dimensions=[
                PartitionDimensionSnap(name=name, partitions=snap) for name, snap in dimensions.items()
            ]
        )

    yield case(
        multi(day=days, letter=letters),
        keys=["2024-01-05|a", "2024-01-05|nope", "x", "a|b|c"],
        ranges=[
            ("2024-01-05|b", "2024-01-07|ü"),
            ("2024-01-05|c", "2024-01-07|b"),
            ("2024-01-05", "2024-01-07|b"),
            ("2023-01-05|b", "2024-01-07|a"),
            ("2024-01-05|b", "2024-02-01|a"),
            ("2024-01-05|b", "2024-01-07|nope"),
            ("nope|b", "2024-01-07|b"),
            ("a|b|c", "2024-01-05|b"),
        ],
    )
    yield case(
        multi(z=letters, a=colours),
        keys=["red|a", "a|red"],
        ranges=[("red|b", "green|a"), ("b|red", "a|green"), ("red|b", "pink|a")],
    )
    yield case(multi(day=days, other=days), ranges=[("2024-01-05|2024-01-08", "2024-01-06|2024-01-09")])
    yield case(multi(one=colours, two=colours), ranges=[("red|blue", "green|red2")])
    yield case(multi(one=letters), keys=["a"])
    yield case(multi(one=letters, two=days, three=days), keys=["a"])
    yield case(multi(one=StaticPartitionsSnap(["a,b"]), two=days), keys=["a"])
    yield case(multi(one=letters, two=multi(x=letters, y=days)), keys=["a"])


def main():
    for name, keys in DYNAMIC.items():
        if keys:
            INSTANCE.add_dynamic_partitions(name, keys)
    cases = [
        *cases_of_subclasses(),
        *cases_of_schedules(),
        *cases_of_bounds(),
        *cases_of_exclusions(),
        *cases_of_formats(),
        *cases_of_snaps(),
        *cases_of_keys(),
    ]
    emit({"dynamic": DYNAMIC, "abbreviations": ABBREVIATIONS, "cases": shortened(cases)})


if __name__ == "__main__":
    main()
