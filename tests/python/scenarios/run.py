"""Plays each scenario on both sides, one after the other, and says what differs."""

import json
import os
import time
import traceback
from contextlib import contextmanager
from fnmatch import fnmatchcase
from pathlib import Path

from common import emit, open_instance

from scenarios import cases_batches, cases_create_run, cases_events, cases_managed, cases_partitions  # noqa: F401
from scenarios import cases_reexecution, cases_retries, cases_run_status, cases_runless  # noqa: F401
from scenarios import dump, run_ids
from scenarios.code_location import RecordingLocation
from scenarios.compare import outcome_differences, row_differences
from scenarios.homes import PostgresSide, SqliteSide
from scenarios.known import reason_for
from scenarios.record import Recorder
from scenarios.registry import SCENARIOS
from scenarios.replay import Replay
from scenarios.speed import read_revisions_once

# Clocks of a database and of this process need not agree to the millisecond.
TOLERANCE = 2


@contextmanager
def batches_of(size):
    os.environ["DAGSTER_EVENT_BATCH_SIZE"] = str(size)
    try:
        yield
    finally:
        del os.environ["DAGSTER_EVENT_BATCH_SIZE"]


@contextmanager
def window():
    """Filled in when it ends."""
    times = [time.time() - TOLERANCE]
    yield times
    times.append(time.time() + TOLERANCE)


class Stage:
    """The two sides and what all scenarios share."""

    def __init__(self, base, args):
        self.replay = Replay(args.replay)
        self.ours_is_reference = args.replay == "reference"
        if args.storage == "postgres":
            self.sides = [
                PostgresSide(base / side, args.postgres_url, f"scenarios_{side}_{os.getpid()}")
                for side in ("dagster", "here")
            ]
        else:
            self.sides = [SqliteSide(base / "dagster", True), SqliteSide(base / "here", self.ours_is_reference)]
        self.location = RecordingLocation()
        self.documents = base / "documents" if args.keep else None
        if self.documents:
            self.documents.mkdir()

    def dump(self, side, home, times):
        return dump.of_postgres(side.url, times) if isinstance(side, PostgresSide) else dump.of_sqlite(home, times)

    def differences(self, scenario):
        dagster_side, here = self.sides
        home, other_home = (side.fresh(scenario.name, scenario.settings) for side in self.sides)
        with window() as times, batches_of(scenario.event_batch_size), run_ids.counted(), open_instance(home) as instance:
            recorder = Recorder(instance, self.location)
            try:
                scenario.play(recorder)
            except Exception:
                # Still replayed as far as it came: what it left should be equal.
                yield f"the case itself fails: {traceback.format_exc(limit=-2)}"
        document = {
            "home": os.fspath(other_home),
            "settings": scenario.settings,
            "event_batch_size": scenario.event_batch_size,
            "scenarios": [{"name": scenario.name, "steps": recorder.steps}],
        }
        if self.documents:
            (self.documents / f"{other_home.name}.json").write_text(json.dumps(document, indent=1))
        with window() as other_times:
            results = self.replay.play(document)
        yield from outcome_differences(recorder.steps, results, [times, other_times], scenario.unordered)
        yield from row_differences(
            self.dump(dagster_side, home, times), self.dump(here, other_home, other_times), scenario.unordered
        )

    def close(self):
        self.replay.close()
        for side in self.sides:
            if isinstance(side, PostgresSide):
                side.drop()


def selected(pattern):
    return [scenario for name, scenario in SCENARIOS.items() if fnmatchcase(name, pattern) or pattern in name]


def run(base, args):
    """Whether all is equal or known."""
    read_revisions_once()
    report = {"scenarios": 0, "equal": 0, "known": {}, "different": {}, "known_but_equal": {}}
    stage = Stage(Path(base), args)
    try:
        for scenario in selected(args.only):
            report["scenarios"] += 1
            found, reason = list(stage.differences(scenario)), reason_for(scenario.name)
            if found:
                report["known" if reason else "different"][scenario.name] = reason or found
            elif reason:
                report["known_but_equal"][scenario.name] = reason
            else:
                report["equal"] += 1
            verdict = f"known difference: {reason}" if found and reason else "different" if found else "equal"
            print(f"{scenario.name}: {verdict}", *([] if reason else found), sep="\n  ", flush=True)
    finally:
        stage.close()
    emit(report)
    return not report["different"] and not report["known_but_equal"]
