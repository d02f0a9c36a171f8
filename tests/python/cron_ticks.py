"""When schedules tick, as Dagster's daemon finds it: for each case the count and a hash of its ticks, or all of them.

Reads {"full": bool, "cases": [{"schedule": [..], "zone", "now", "stretches": [{"start", "end", "limit"}]}],
"is_valid": [[..]]}. A stretch begins at its start and ends before its end, which is an earlier time if it descends.
Prints {"cases": [[..]], "is_valid": [bool]}: for each stretch [count, hash], or the ticks, or the class of an error.
"""

import json
import sys
from datetime import datetime

from common import emit

from dagster._utils import schedules

MODULUS = 2**61 - 1


def use_offset_at(now):
    """Dagster asks whether clocks are off by part of an hour at present; here the present is part of the case."""

    def has_nonzero_minute_offset(zone):
        offset = datetime.fromtimestamp(now, schedules.get_timezone(zone)).utcoffset()
        return offset.total_seconds() % 3600 != 0

    schedules.has_nonzero_minute_offset = has_nonzero_minute_offset


def ticks(case, stretch):
    start, end = stretch["start"], stretch["end"]
    ascending = start <= end
    cron = case["schedule"]
    # One cron schedule and a list of one take other ways.
    cron = cron[0] if len(cron) == 1 else cron
    found = schedules.schedule_execution_time_iterator(start, cron, case["zone"], ascending=ascending)
    for _ in range(stretch["limit"]):
        tick = int(next(found).timestamp())
        if tick >= end if ascending else tick <= end:
            return
        yield tick


def hashed(numbers):
    count, value = 0, 0
    for number in numbers:
        count += 1
        value = (value * 1_000_003 + number) % MODULUS
    return [count, value]


def answer(case, stretch, full):
    try:
        return (list if full else hashed)(ticks(case, stretch))
    except Exception as error:
        return type(error).__name__


def main():
    document = json.load(sys.stdin)
    answers = []
    for case in document["cases"]:
        use_offset_at(case["now"])
        answers.append([answer(case, stretch, document["full"]) for stretch in case["stretches"]])
    emit({"cases": answers, "is_valid": [schedules.is_valid_cron_schedule(each) for each in document["is_valid"]]})


if __name__ == "__main__":
    main()
