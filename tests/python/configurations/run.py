"""Asks both sides about each home, and says what differs."""

import time
from fnmatch import fnmatchcase
from pathlib import Path

from common import emit

from configurations import cases_files, cases_homes, cases_schema, cases_sections, cases_storage, known, of_dagster
from configurations.compare import differences
from configurations.mistakes import is_named, named_places, shown_secrets
from configurations.sides import Real, ours

# So many of the errors about a file that was made wrong have to name the place.
NAMED = 0.95
# Fewer would say too little.
AT_LEAST = {"cases": 2000, "accepted by both": 500, "made wrong": 200, "of Dagster's tests": 90, "members": 65}


def all_cases(sdist):
    for module in (cases_files, cases_homes, cases_sections, cases_storage, cases_schema):
        yield from module.cases()
    yield from of_dagster.cases(sdist)


class Report:
    def __init__(self, is_reference):
        # Real Dagster has no differences from itself, and its errors name no places.
        self.is_reference = is_reference
        self.counts = {name: 0 for name in ("cases", "equal", "accepted by both", "made wrong", "named", "of Dagster's tests")}
        self.members = set()
        self.different, self.known, self.unnamed, self.secrets = {}, {}, {}, {}
        self.used = set()

    def add(self, case, theirs, here, directory):
        """`directory` is where the process worked."""
        counts = self.counts
        counts["cases"] += 1
        counts["of Dagster's tests"] += case.name.startswith("dagster/")
        found = dict(differences(theirs, here, directory))
        unknown = {}
        for what, how in found.items():
            lines = [] if self.is_reference else known.lines_for(case.name, what)
            self.used.update(lines)
            if not lines:
                unknown[what] = how
        if unknown:
            self.different[case.name] = sorted(unknown)
            print(f"{case.name}: different", *(f"{what}:\n    {how}" for what, how in unknown.items()), sep="\n  ")
        elif found:
            self.known[case.name] = sorted(found)
        else:
            counts["equal"] += 1
        if theirs["accepted"] and here["accepted"]:
            counts["accepted by both"] += 1
            self.members.update(theirs["members"].keys() & here["members"].keys())
        if not self.is_reference:
            self.look_at_error(case, theirs, here)

    def look_at_error(self, case, theirs, here):
        if secrets := shown_secrets(here):
            self.secrets[case.name] = secrets
            print(f"{case.name}: a secret is shown in {', '.join(secrets)}")
        if case.places and not theirs["accepted"] and not here["accepted"]:
            self.counts["made wrong"] += 1
            if is_named(case, here["error"]):
                self.counts["named"] += 1
            else:
                self.unnamed[case.name] = here["error"]
                places = sorted(named_places(here["error"]))
                print(f"{case.name}: the error names {places}, the mistake is at {sorted(set(case.places))}:\n    {here['error']}")

    def stale(self, names):
        return [] if self.is_reference else [line for line in known.lines_of(names) if line not in self.used]

    def faults(self, names, is_whole):
        """What makes the step fail, each in a sentence."""
        counts = {**self.counts, "members": len(self.members)}
        if self.different:
            yield f"{len(self.different)} configurations are different"
        for line in self.stale(names):
            yield f"docs/differences.md knows a difference that is none any more: {line[0]}, {line[1]}"
        if self.secrets:
            yield f"{len(self.secrets)} answers show a secret"
        if self.counts["named"] < NAMED * self.counts["made wrong"]:
            yield f"{len(self.unnamed)} of {self.counts['made wrong']} errors do not name the place of the mistake"
        if is_whole and not self.is_reference:
            for name, least in AT_LEAST.items():
                if counts[name] < least:
                    yield f"only {counts[name]} {name}"


def run(args):
    """Whether all is equal or known."""
    start = time.monotonic()
    chosen = [case for case in all_cases(args.sdist) if fnmatchcase(case.name, args.only) or args.only in case.name]
    names = [case.name for case in chosen]
    assert len(set(names)) == len(names), "two cases have one name"
    base = Path(args.directory) / "homes"
    real, new = Real(base, Path(args.directory) / "answers.json").answers(chosen)
    asked = time.monotonic()
    here = real if args.ours == "reference" else ours(args.ours, chosen, base, real)
    report = Report(args.ours == "reference")
    for case in chosen:
        report.add(case, real[case.name], here[case.name], case.document(base)["directory"])
    faults = list(report.faults(names, args.only == "*"))
    print(*faults, sep="\n")
    emit(
        {
            **report.counts,
            "members": len(report.members),
            "known": report.known,
            "different": report.different,
            "seconds": {"Dagster": round(asked - start, 1), "ours": round(time.monotonic() - asked, 1)},
            "new answers of Dagster": new,
            "faults": faults,
        }
    )
    return not faults
