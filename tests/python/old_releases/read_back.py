"""Store a run in the databases that an old release left, and have that release read it.

    python read_back.py --environment PYTHON --binary PROGRAM --postgres URL DIRECTORY

DIRECTORY is one that unpack.py has made of a release; it stays as it is. The old release is in the environment of PYTHON,
which runs read_run.py. It fails if the release reads anything else than what was stored.
"""

import argparse
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from make import HERE, with_database
from unpack import load

EXPECTED = {
    "status": "SUCCESS",
    "tags": {"team": "naïve", "dagster/partition": "p/ü"},
    "times": [True, True],
    "stats": [1, 0, 1, True],
    "steps": [["command", "SUCCESS"]],
    "has_asset": True,
    "is_listed": True,
    "job": "made",
    "planned": ["command"],
}

# In this order; others may be in between. Dagster says "pipeline" where it means a run.
EVENTS = ["PIPELINE_START", "STEP_START", "ASSET_MATERIALIZATION", "STEP_SUCCESS", "PIPELINE_SUCCESS"]


def stored(binary, home):
    """Run a command of ours; return the id of its run."""

    def ours(*arguments):
        variables = {name: value for name, value in os.environ.items() if not name.startswith("DAGSTER")}
        command = [binary, "--home", home, *arguments]
        return subprocess.run(command, env=variables, check=True, stdout=subprocess.PIPE, text=True).stdout

    command = ["sh", "-c", "echo hello"]
    ours("exec", "--job", "made", "--asset", "made/by_us", "--partition", "p/ü", "--tag", "team=naïve", "--", *command)
    return json.loads(ours("run", "list", "--job", "made", "--json").splitlines()[0])["run_id"]


def check(what, environment, home, run_id):
    script = [environment, str(HERE / "read_run.py"), str(home), run_id]
    variables = {name: value for name, value in os.environ.items() if not name.startswith(("DAGSTER", "PYTHON"))}
    done = subprocess.run(script, env=variables, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode:
        raise SystemExit(f"{what}: the release cannot read our run:\n{done.stderr[-4000:]}")
    found = json.loads(done.stdout)
    expected = {
        **EXPECTED,
        "newest": run_id,
        "by_tag": [run_id],
        "last": [run_id, "ASSET_MATERIALIZATION", "p/ü"],
        "records": [[run_id, ["made", "by_us"]]],
    }
    different = {name: [found[name], value] for name, value in expected.items() if found[name] != value}
    if different:
        raise SystemExit(f"{what}: Dagster {found['release']} reads of our run (and should read): {different}")
    events = iter(found["events"])
    missing = [event for event in EVENTS if event not in events]
    if missing or found["all"] < 2:
        raise SystemExit(f"{what}: Dagster {found['release']} reads {found['all']} runs, and events without {missing}")
    print(f"{what}: Dagster {found['release']} reads our run among {found['all']}")


def read_back(arguments):
    with tempfile.TemporaryDirectory() as place:
        home = Path(place, "home")
        shutil.copytree(arguments.directory / "home", home)
        check("SQLite", arguments.environment, home, stored(arguments.binary, home))
    with tempfile.TemporaryDirectory() as place:

        def on_postgres(url):
            load(url, arguments.directory / "postgres.sql")
            Path(place, "dagster.yaml").write_text(f"storage:\n  postgres:\n    postgres_url: {url}\n")
            check("Postgres", arguments.environment, place, stored(arguments.binary, place))

        with_database(arguments.postgres, f"read_back_{os.getpid()}", on_postgres)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--environment", required=True, metavar="PYTHON")
    parser.add_argument("--binary", required=True, metavar="PROGRAM")
    parser.add_argument("--postgres", required=True, metavar="URL")
    read_back(parser.parse_args())
