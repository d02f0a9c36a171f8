"""Plays each scenario on both sides, and says what differs."""

import json
import os
import shutil
import sys
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from common import emit, open_instance

from scenarios import cases_assets, cases_asset_wipes  # noqa: F401
from scenarios import cases_batches, cases_create_run, cases_events, cases_managed, cases_partitions  # noqa: F401
from scenarios import cases_automatic_retries, cases_launching, cases_monitoring, cases_slots  # noqa: F401
from scenarios import cases_backfills, cases_reexecution, cases_retries, cases_run_status, cases_runless  # noqa: F401
from scenarios import cases_scheduling, cases_storage, cases_ticks  # noqa: F401
from scenarios import known, run_ids
from scenarios.asset_operations import ASSET_OPERATIONS, QUESTIONS, STATUS_QUESTIONS
from scenarios.code_location import RecordingLocation
from scenarios.compare import outcome_differences, row_differences, without_cursors, without_errors, without_notes
from scenarios.homes import PostgresSide, SqliteSide
from scenarios.record import Recorder
from scenarios.registry import SCENARIOS, Scenario
from scenarios.replay import Replay
from speed import make_engines_once, read_revisions_once

from dagster import DagsterInstance
from dagster._core.instance.ref import InstanceRef

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


def sides(base, args):
    """Real Dagster's, and that of what is replayed."""
    if args.storage == "postgres":
        return [PostgresSide(base / side, args.postgres_url) for side in ("dagster", "here")]
    return [SqliteSide(base / "dagster", True), SqliteSide(base / "here", args.replay == "reference")]


@dataclass
class Played:
    """What a scenario was on the side of real Dagster."""

    scenario: Scenario
    home: Path
    steps: list
    times: list
    rows: dict
    failure: str | None


def read_by_dagster(home, played, windows):
    """What differs where real Dagster reads what we have left: the questions behind the last change of the scenario."""
    last = [number for number, step in enumerate(played.steps) if step["op"] not in QUESTIONS]
    questions = list(enumerate(played.steps))[last[-1] + 1 if last else 0 :]
    if any(step["op"] in STATUS_QUESTIONS for _, step in questions):
        # These were asked before, so that records would show their cached answers. The rows are compared.
        questions = [(number, step) for number, step in questions if step["op"] != "get_asset_records"]
    if not questions:
        return []
    results = {}
    with DagsterInstance.from_ref(InstanceRef.from_dir(os.fspath(home))) as instance:
        for number, step in questions:
            try:
                results[number] = {"ok": ASSET_OPERATIONS[step["op"]](instance, step["args"])}
            except Exception as error:
                results[number] = {"error": f"{type(error).__name__}: {error}"}
    steps = [{**step, "op": f"{step['op']} of Dagster on our home"} for _, step in questions]
    results = {place: results[number] for place, (number, _) in enumerate(questions)}
    return outcome_differences(steps, results, windows)


class Stage:
    """The two sides and what all scenarios share."""

    def __init__(self, base, args):
        self.replay = Replay(args.replay)
        self.location = RecordingLocation()
        self.documents = base / "documents" if args.keep else None
        if self.documents:
            self.documents.mkdir()
        self.theirs, self.ours = sides(base, args)

    def play(self, scenario):
        home, failure = self.theirs.fresh(scenario.name, scenario.settings), None
        batches = batches_of(scenario.event_batch_size)
        with window() as times, batches, run_ids.counted(), open_instance(home) as instance:
            recorder = Recorder(instance, self.location)
            try:
                scenario.play(recorder)
            except Exception:
                # Still replayed as far as it came: what it left should be equal.
                failure = f"the case itself fails: {traceback.format_exc(limit=-2)}"
        return Played(scenario, home, recorder.steps, times, self.theirs.dump(home, times), failure)

    def differences(self, played):
        """Replays it. This is done while the next scenario is played on the other side."""
        scenario = played.scenario
        home = self.ours.fresh(scenario.name, scenario.settings)
        document = {
            "home": os.fspath(home),
            "settings": scenario.settings,
            "event_batch_size": scenario.event_batch_size,
        }
        if self.documents:
            whole = {**document, "scenarios": [{"name": scenario.name, "steps": played.steps}]}
            (self.documents / f"{home.name}.json").write_text(json.dumps(whole, indent=1))
        with window() as times:
            results = self.results(document, home, played)
        rows = without_notes(self.ours.dump(home, times))
        if scenario.errors_are_marks:
            played.rows, rows = without_errors(played.rows), without_errors(rows)
        if scenario.cursors_are_marks:
            played.rows, rows = without_cursors(played.rows), without_cursors(rows)
        differences = [
            *([played.failure] if played.failure else []),
            *outcome_differences(played.steps, results, [played.times, times], scenario.unordered),
            *row_differences(played.rows, rows, scenario.unordered),
            *read_by_dagster(home, played, [played.times, times]),
        ]
        if not self.documents:
            # They may be in memory.
            for done in (played.home, home):
                shutil.rmtree(done)
        return differences

    def results(self, document, home, played):
        """The results by number of step. What changes a database from outside is done here, between documents."""
        results, steps = {}, []

        def play():
            start = len(results)
            if steps:
                part = {**document, "scenarios": [{"name": played.scenario.name, "steps": list(steps)}]}
                found = self.replay.play(part)
                results.update({start + number: result for number, result in found.items()})
            steps.clear()

        for number, step in enumerate(played.steps):
            if step["op"] != "execute_sql":
                steps.append(step)
                continue
            play()
            if len(results) < number:
                return results
            self.ours.execute_sql(home, step["args"]["store"], step["args"]["statements"])
            results[number] = {"ok": None}
        play()
        return results

    def close(self):
        self.replay.close()
        for side in (self.theirs, self.ours):
            side.close()


class Report:
    def __init__(self, storage, reason_for):
        self.storage = storage
        self.reason_for = reason_for
        self.found = {"scenarios": 0, "equal": 0, "known": {}, "different": {}, "known_but_equal": {}}

    def add(self, name, differences):
        self.found["scenarios"] += 1
        reason = self.reason_for(name)
        if differences and reason:
            self.found["known"][name] = reason
            said = f"known difference: {reason}"
        elif differences:
            self.found["different"][name] = differences
            said = "\n  ".join(["different", *differences])
        elif reason:
            self.found["known_but_equal"][name] = reason
            said = f"equal, but known as different: {reason}"
        else:
            self.found["equal"] += 1
            said = "equal"
        # In one piece, as the other kind of database may be played on at the same time.
        print(f"{self.storage} {name}: {said}\n", end="")
        sys.stdout.flush()

    def is_good(self):
        return not self.found["different"] and not self.found["known_but_equal"]


def selected(pattern):
    return [scenario for name, scenario in SCENARIOS.items() if fnmatchcase(name, pattern) or pattern in name]


def run(base, args):
    """Whether all is equal or known."""
    read_revisions_once()
    make_engines_once()
    # Real Dagster has no differences from itself.
    is_reference = args.replay == "reference"
    report, waiting = Report(args.storage, lambda name: None if is_reference else known.reason_for(name, args.storage)), []
    with closing(Stage(Path(base), args)) as stage, ThreadPoolExecutor(1) as other_side:
        for scenario in [*selected(args.only), None]:
            if scenario:
                waiting.append((scenario.name, other_side.submit(stage.differences, stage.play(scenario))))
            if waiting and (len(waiting) > 1 or scenario is None):
                name, differences = waiting.pop(0)
                report.add(name, differences.result())
    emit(report.found)
    return report.is_good()
