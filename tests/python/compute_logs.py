"""Does with Dagster's local compute logs what it is told, and says what came of it.

compute_logs.py DIRECTORY < operations: a list of them in JSON; one answer for each. Bytes are text in Latin-1.
compute_logs.py DIRECTORY --capture LINES: captures so many lines under the key `python`, and meanwhile what is in
`rust` until that is complete.
"""

import argparse
import json
import os
import sys
import time

import common
from dagster._core.storage.compute_log_manager import ComputeIOType
from dagster._core.storage.local_compute_log_manager import LocalComputeLogManager


def text(data):
    return None if data is None else data.decode("latin-1")


def write(descriptor, data):
    while data:
        data = data[os.write(descriptor, data) :]


class Operations:
    def __init__(self, logs):
        self.logs = logs

    def capture(self, key, stdout, stderr):
        with self.logs.capture_logs(key):
            write(1, stdout.encode("latin-1"))
            write(2, stderr.encode("latin-1"))

    def read(self, key, cursor, max_bytes):
        data = self.logs.get_log_data(key, cursor, max_bytes)
        return {"stdout": text(data.stdout), "stderr": text(data.stderr), "cursor": data.cursor}

    def is_complete(self, key):
        return self.logs.is_capture_complete(key)

    def metadata(self, key):
        return self.logs.get_log_metadata(key)._asdict()

    def list(self, prefix, io_type):
        # A directory that is not there is an error for it, and the order is the file system's.
        if not os.path.isdir(os.path.join(self.logs._base_dir, *prefix)):
            return []
        return sorted(self.logs.get_log_keys_for_log_key_prefix(prefix, ComputeIOType(io_type)))

    def delete_key(self, key):
        self.logs.delete_logs(log_key=key)

    def delete_prefix(self, prefix):
        self.logs.delete_logs(prefix=prefix)

    def answer(self, operation, **arguments):
        try:
            return getattr(self, operation)(**arguments)
        except ValueError as error:
            if str(error) != "Invalid path":
                raise
            return "refused"


def follow(logs, key):
    """All of a capture, in small parts."""
    collected, cursor = b"", None
    while True:
        complete = logs.is_capture_complete(key)
        data = logs.get_log_data(key, cursor, max_bytes=100)
        collected += data.stdout or b""
        if complete and data.cursor == cursor:
            return collected
        cursor = data.cursor
        if not data.stdout:
            time.sleep(0.005)


def capture_and_follow(logs, lines):
    with logs.capture_logs(["python"]):
        for number in range(lines):
            write(1, f"line {number} of pythön\n".encode())
            time.sleep(0.001)
    return text(follow(logs, ["rust"]))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("directory")
    parser.add_argument("--capture", type=int)
    arguments = parser.parse_args()
    if arguments.capture is not None:
        common.emit(capture_and_follow(LocalComputeLogManager(arguments.directory), arguments.capture))
        return
    operations = Operations(LocalComputeLogManager(arguments.directory))
    common.emit([operations.answer(**operation) for operation in json.load(sys.stdin)])


if __name__ == "__main__":
    main()
