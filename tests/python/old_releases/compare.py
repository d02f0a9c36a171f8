"""Compare two contents.json of make.py: what was made, and the schemas. Numbers of rows follow from the time of day."""

import json
import sys

STABLE = ("release", "made", "not made")
OF_DATABASES = ("revisions", "migrations", "columns")


def stable(path):
    with open(path, encoding="utf-8") as file:
        document = json.load(file)
    found = {}
    for backend, contents in document.items():
        for name in STABLE:
            found[f"{backend}: {name}"] = contents[name]
        for database, described in contents["databases"].items():
            for name in OF_DATABASES:
                found[f"{backend}: {name} of {database}"] = described[name]
    return found


before, after = map(stable, sys.argv[1:])
different = [name for name in sorted(before.keys() | after.keys()) if before.get(name) != after.get(name)]
for name in different:
    print(f"{name}:\n  {before.get(name)}\n  {after.get(name)}")
sys.exit(bool(different))
