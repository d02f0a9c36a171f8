"""Time `run list` of an existing home as a whole process: ours and Dagster's, in turn.

Prints a table of wall time and resident memory: median, minimum and maximum, and the ratio of medians.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def measure(command, environment):
    """One run of a command: seconds, and the peak of its resident memory in megabytes."""
    started = time.perf_counter()
    process = subprocess.Popen(
        command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    printed = len(process.stdout.read())
    process.stdout.close()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0 or printed == 0:
        raise RuntimeError(f"{command} ended with {process.returncode} and printed {printed} bytes")
    return seconds, usage.ru_maxrss / 1024


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("binary", type=Path)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--runs", type=int, default=100, help="runs in the home")
    args = parser.parse_args()
    rounds = 3 if args.quick else 10
    with tempfile.TemporaryDirectory(prefix="dagster-bench-") as home:
        environment = {**os.environ, "DAGSTER_HOME": home, "DAGSTER_DISABLE_TELEMETRY": "1"}
        Path(home, "dagster.yaml").write_text("telemetry:\n  enabled: false\n")
        for _ in range(args.runs):
            subprocess.run([args.binary, "exec", "--quiet", "--", "true"], env=environment, check=True)
        sides = {
            "ours": [args.binary, "run", "list", "--json"],
            "Dagster": [Path(sys.executable).parent / "dagster", "run", "list"],
        }
        samples = {name: [] for name in sides}
        for name, command in sides.items():
            measure(command, environment)  # the first one warms the caches
        for _ in range(rounds):
            for name, command in sides.items():
                repeats = 5 if name == "ours" else 1
                samples[name].extend(measure(command, environment) for _ in range(repeats))
    print(f"run list of {args.runs} runs, whole process, {rounds} rounds in turn")
    print(f"{'':10} {'ms median':>10} {'min':>8} {'max':>8} {'MB resident':>12}")
    medians = {}
    for name, taken in samples.items():
        times = [1000 * seconds for seconds, _ in taken]
        medians[name] = statistics.median(times)
        memory = max(megabytes for _, megabytes in taken)
        print(f"{name:10} {medians[name]:10.2f} {min(times):8.2f} {max(times):8.2f} {memory:12.1f}")
    print(f"ratio of medians: {medians['Dagster'] / medians['ours']:.0f}")


if __name__ == "__main__":
    main()
