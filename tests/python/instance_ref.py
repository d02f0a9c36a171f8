"""Real Dagster and references of instances: `of HOME` prints that of a home; `open` reads one on standard input, and
prints what the instance has."""

import json
import sys

from common import emit, open_instance

from dagster import DagsterInstance
from dagster._core.instance.ref import InstanceRef
from dagster._serdes import deserialize_value, serialize_value


def of(home):
    with open_instance(home) as instance:
        return {"reference": serialize_value(instance.get_ref()), "runs": len(instance.get_runs())}


def opened():
    reference = deserialize_value(json.load(sys.stdin)["reference"], InstanceRef)
    with DagsterInstance.from_ref(reference) as instance:
        return {"runs": len(instance.get_runs()), "root_directory": instance.root_directory}


if __name__ == "__main__":
    emit(of(sys.argv[2]) if sys.argv[1] == "of" else opened())
