"""What the only run of a home has been told by Dagster Pipes; or, with `dagster HOW`, that of an asset that runs the client.

Prints the bodies of what was reported, without what belongs to the run: ids, times, versions of code.
"""

import sys
from pathlib import Path

from common import emit, open_instance

from dagster._serdes import serialize_value

CLIENT = str(Path(__file__).parent / "pipes_client.py")
OF_VALUES = {"ASSET_MATERIALIZATION": "materializations", "ASSET_CHECK_EVALUATION": "checks"}


def without(text, *names):
    import json

    def clean(value):
        if isinstance(value, dict):
            return {key: clean(each) for key, each in value.items() if key not in names}
        return [clean(each) for each in value] if isinstance(value, list) else value

    return json.dumps(clean(json.loads(text)))


def told(entries):
    found = {"materializations": [], "checks": [], "lines": [], "errors": [], "types": []}
    for entry in entries:
        event = entry.dagster_event
        if event is None:
            found["lines"].append([entry.level, entry.step_key is not None, entry.user_message])
            continue
        found["types"].append(event.event_type_value)
        data = event.event_specific_data
        if event.event_type_value in OF_VALUES:
            body = without(serialize_value(data), "run_id", "storage_id", "timestamp", "dagster/code_version")
            found[OF_VALUES[event.event_type_value]].append([entry.level, event.message, body])
        elif event.message and event.message.startswith("[pipes]"):
            error = without(serialize_value(data.error), "stack")
            found["errors"].append([entry.level, entry.step_key is not None, event.message, error])
    return found


def by_dagster(how):
    import dagster as dg

    checks = [dg.AssetCheckSpec(name, asset="pa") for name in ("c1", "c2")]
    partitions = dg.StaticPartitionsDefinition(["p1"])

    @dg.asset(check_specs=checks, partitions_def=partitions, code_version="cv")
    def pa(context):
        command = [sys.executable, CLIENT, how]
        return dg.PipesSubprocessClient().run(command=command, context=context, extras={"e": 1}).get_results()

    with dg.DagsterInstance.ephemeral() as instance:
        result = dg.materialize([pa], instance=instance, raise_on_error=False, partition_key="p1")
        return instance.all_logs(result.run_id)


def main(place, how=None):
    if place == "dagster":
        return emit(told(by_dagster(how)))
    with open_instance(place) as instance:
        (run,) = instance.get_runs()
        emit({**told(instance.all_logs(run.run_id)), "status": run.status.value})


main(*sys.argv[1:])
