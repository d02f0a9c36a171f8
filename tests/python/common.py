"""What the scripts here share: one JSON document on stdout, and how to open a home.

Importing it sends everything else that is printed, by Dagster or by its children, to stderr.
"""

import ctypes
import json
import os
import signal
import subprocess
import sys

_document = os.fdopen(os.dup(1), "wb")
sys.stdout.flush()
os.dup2(2, 1)

os.environ["DAGSTER_DISABLE_TELEMETRY"] = "1"

# A shell without job control has what it starts in the background ignore SIGINT, and so would the children of
# Dagster, which ends those that capture output by that signal and waits half a minute for each that stays.
signal.signal(signal.SIGINT, signal.default_int_handler)


def emit(document):
    """Write the document. Lone surrogates, which strict JSON readers refuse, become '?'."""
    text = json.dumps(document, ensure_ascii=False, allow_nan=False)
    _document.write(text.encode("utf-8", "replace") + b"\n")
    _document.flush()


def open_instance(home, overrides=None):
    """Open the home as Dagster does; `overrides` replace parts of its dagster.yaml."""
    from dagster import DagsterInstance
    from dagster._core.instance.ref import InstanceRef

    home = os.path.abspath(home)
    if not os.path.isdir(home):
        raise NotADirectoryError(home)
    os.environ["DAGSTER_HOME"] = home
    return DagsterInstance.from_ref(InstanceRef.from_dir(home, overrides=overrides))


def start(command, **options):
    """Start a process in its own group; the kernel kills it if this one dies first."""
    prctl = ctypes.CDLL(None).prctl
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=2,
        start_new_session=True,
        preexec_fn=lambda: prctl(1, signal.SIGKILL),  # PR_SET_PDEATHSIG
        **options,
    )


def stop(process, grace=5):
    """End the process's whole group: politely, then not."""
    for sign, wait in ((signal.SIGTERM, grace), (signal.SIGKILL, 5)):
        try:
            os.killpg(process.pid, sign)
        except ProcessLookupError:
            break
        try:
            process.wait(wait)
        except subprocess.TimeoutExpired:
            pass
    process.wait(5)
