"""The program that replays: one document a line to its standard input, one result a line from its standard output."""

import json
import os
import selectors
import subprocess
import sys
from pathlib import Path

REFERENCE = [sys.executable, "-W", "ignore", "-m", "scenarios.replay_reference"]
PATIENCE = 60


class Replay:
    """Each document is waited for, so that the window of its time is narrow and its database can be emptied after.

    The program must flush each line. If it ends early or stays silent, it is started again for the next document.
    """

    def __init__(self, path):
        self.command = REFERENCE if path == "reference" else [path]
        self.process = None

    def start(self):
        # A scenario may be played in this process meanwhile: its home and settings are not of the other's business.
        environment = {name: value for name, value in os.environ.items() if not name.startswith("DAGSTER_")}
        self.process = subprocess.Popen(
            self.command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=Path(__file__).parent.parent,
            env=environment,
            bufsize=0,
        )
        self.pending = b""

    def lines(self, count):
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            while count:
                line, found, rest = self.pending.partition(b"\n")
                if found:
                    self.pending = rest
                    count -= 1
                    yield line
                    continue
                more = selector.select(PATIENCE) and self.process.stdout.read(1 << 16)
                if not more:
                    return
                self.pending += more

    def play(self, document):
        """The results by number of step."""
        if self.process is None:
            self.start()
        count = sum(len(each["steps"]) for each in document["scenarios"])
        try:
            self.process.stdin.write(json.dumps(document).encode() + b"\n")
            results = [json.loads(line) for line in self.lines(count)]
        except BrokenPipeError:
            results = []
        if len(results) < count:
            self.close()
        return {result["step"]: result for result in results}

    def close(self):
        if self.process:
            self.process.stdin.close()
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            self.process.stdout.close()
            self.process = None
