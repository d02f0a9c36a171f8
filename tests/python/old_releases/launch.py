"""Launch runs of real code of an old release by our program: its code server serves, its worker executes, its databases
keep them.

    python launch.py --environment PYTHON --binary PROGRAM DIRECTORY

DIRECTORY is one that unpack.py has made of the release; it stays as it is. The release is in the environment of PYTHON. It fails
if a run does not end as it should.
"""

import argparse
import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from make import HERE

PATIENCE = 120
# What is launched, and the exit code.
LAUNCHES = [
    (["--job", "succeeds"], 0),
    (["--job", "partitioned", "--partition", "b/ü"], 0),
    (["--asset", "raw", "--asset", "clean"], 0),
    (["--job", "letter_job", "--partition", "a"], 0),
    (["--job", "fails"], 1),
]
REFUSED = 125


def without(*prefixes):
    return {name: value for name, value in os.environ.items() if not name.startswith(prefixes)}


def served(environment, home, port):
    command = [environment, "-m", "dagster", "api", "grpc", "--python-file", str(HERE / "definitions.py")]
    command += ["--host", "127.0.0.1", "--port", str(port)]
    log = Path(home, "server.log").open("w")
    variables = {**without("DAGSTER", "PYTHON"), "DAGSTER_HOME": str(home), "DAGSTER_DISABLE_TELEMETRY": "1"}
    return subprocess.Popen(command, env=variables, cwd=home, stdout=log, stderr=log)


def launch(environment, binary, home):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = served(environment, home, port)
    at = ["--server", f"localhost:{port}"]

    def ours(*arguments):
        command = [binary, "--home", str(home), *arguments]
        return subprocess.run(command, env=without("DAGSTER"), capture_output=True, text=True)

    def check(code, *arguments):
        done = ours(*arguments)
        if done.returncode != code:
            raise SystemExit(f"{arguments}: {done.returncode} and not {code}\n{done.stdout}\n{done.stderr}")
        return done

    try:
        since = time.monotonic()
        while ours("code", "ping", *at).returncode:
            if server.poll() is not None or time.monotonic() - since > PATIENCE:
                raise SystemExit(f"the release does not serve:\n{Path(home, 'server.log').read_text()}")
            time.sleep(0.2)
        told = json.loads(check(0, "code", "list", "--json", *at).stdout)
        for what, code in LAUNCHES:
            check(code, "launch", *at, "--now", "--follow", *what)
        failed = json.loads(check(0, "run", "list", "--json", "--limit", "1").stdout)["run_id"]
        # It fails again.
        check(1, "run", "retry", failed, "--from-failure", "--now", "--follow")
        check(REFUSED, "launch", *at, "--now", "--job", "partitioned", "--partition", "z")
        print(f"runs of Dagster {told['dagster_version'] or 'of an unknown version'} are launched")
    finally:
        server.kill()
        server.wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--environment", required=True, metavar="PYTHON")
    parser.add_argument("--binary", required=True, metavar="PROGRAM")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        home = Path(place, "home")
        shutil.copytree(arguments.directory / "home", home)
        launch(arguments.environment, arguments.binary, home)
