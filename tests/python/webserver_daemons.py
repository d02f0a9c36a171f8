"""Ask a real dagster-webserver how the daemons stand, and have it launch a run, as its pages do.

It serves a home with a workspace, waits until the page of daemons shows all of them as healthy, launches a job, and
waits for the end of the run. Who does the duties is the caller's affair.
"""

import argparse
import signal
import sys
import time

from common import emit
from webserver import ERROR, ask, photograph, serving

HEALTHY_SECONDS, RUN_SECONDS = 90, 180

DAEMONS = """query Daemons { instance { daemonHealth { allDaemonStatuses {
  daemonType required healthy lastHeartbeatErrors { message } } } } }"""

LAUNCH = (
    """mutation Launch($params: ExecutionParams!) { launchRun(executionParams: $params) {
  ... on LaunchRunSuccess { run { runId status } }
  ... on RunConfigValidationInvalid { errors { message } } %s } }"""
    % ERROR
)

RUN = """query Run($runId: ID!) { runOrError(runId: $runId) { ... on Run { runId status } %s } }""" % ERROR

ENDS = ("SUCCESS", "FAILURE", "CANCELED")


def until(answer, is_wanted, seconds):
    """The first answer that is wanted, or the last one before the time is over."""
    deadline = time.monotonic() + seconds
    while True:
        found = answer()
        if is_wanted(found) or time.monotonic() > deadline:
            return found
        time.sleep(0.5)


def daemons(url, errors):
    return ask(url, errors, DAEMONS)["daemonHealth"]["allDaemonStatuses"]


def launched(url, errors, location, job):
    selector = {"repositoryLocationName": location, "repositoryName": "__repository__", "pipelineName": job}
    params = {"selector": selector, "runConfigData": {}, "mode": "default"}
    run = (ask(url, errors, LAUNCH, params=params) or {}).get("run")
    if run is None:
        return None
    return until(
        lambda: ask(url, errors, RUN, runId=run["runId"]), lambda found: found["status"] in ENDS, RUN_SECONDS
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("home")
    parser.add_argument("workspace", help="a workspace.yaml")
    parser.add_argument("location", help="the name of a code location")
    parser.add_argument("job", help="the name of one of its jobs, which needs no configuration")
    parser.add_argument("--photograph", metavar="FILE", help="write a PNG of the page of daemons here")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that it cleans up
    errors = []
    with serving(arguments.home, ["-w", arguments.workspace]) as address:
        # Before all of them have begun, some have no heartbeat.
        shown = until(
            lambda: daemons(address, errors), lambda found: all(each["healthy"] for each in found), HEALTHY_SECONDS
        )
        run = launched(address, errors, arguments.location, arguments.job)
        if arguments.photograph:
            # Dismisses the dialog that welcomes newcomers, as its button does (.nux in the home).
            ask(address, errors, "mutation Welcome { setNuxSeen }")
            photograph(f"{address}/deployment/daemons", arguments.photograph)
    emit({"daemons": shown, "run": run, "errors": errors})
