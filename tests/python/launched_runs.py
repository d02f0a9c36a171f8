"""Launches runs as Dagster does, each by `dagster job launch` (C) or by the UI's GraphQL (U), executes them again as the UI
does, and compares what is stored with what another home has.

Standard input: {"launch": {"homes": [..], "port", "requests": [..]}}, where runs wait in the queue; {"execute": {"home", "port",
"rounds": [[..], ..]}}, where each round of requests and retries is executed to its end before the next one;
{"retry": {"home", "port", "retries": [..]}}, which wait in the queue; {"cancel": {"home", "port", "request", "step"}}; or {"compare": {"theirs", "ours", "since"}} of two homes, or of the URLs of two databases.
"""

import json
import sys
import tempfile
import time
from contextlib import closing, contextmanager
from pathlib import Path

from common import emit, open_instance

LOCATION = "loc"
REPOSITORY = "__repository__"


def by_command_line(instance, port, request):
    from dagster._cli.job import execute_launch_command
    from dagster_shared.cli import WorkspaceOpts

    tags = request.get("tags")
    execute_launch_command(
        instance=instance,
        workspace_opts=WorkspaceOpts(grpc_host="localhost", grpc_port=port),
        job_name=request["job"],
        op_selection=",".join(request["ops"]) if request.get("ops") else None,
        config_json=json.dumps(request["config"]) if "config" in request else None,
        tags=json.dumps(tags) if tags else None,
        run_id=request["run_id"],
    )


def of_partition(client, request):
    """What the UI asks before it launches a partition of a job."""
    from dagster._core.remote_origin import GrpcServerCodeLocationOrigin, RemoteRepositoryOrigin
    from dagster._grpc.types import PartitionArgs
    from dagster._serdes import deserialize_value

    origin = GrpcServerCodeLocationOrigin(host="localhost", port=client.port, location_name=LOCATION)
    args = PartitionArgs(
        repository_origin=RemoteRepositoryOrigin(origin, REPOSITORY),
        partition_set_name=f"{request['job']}_partition_set",
        partition_name=request["partition"],
        job_name=request["job"],
    )
    tags = deserialize_value(client.external_partition_tags(args)).tags
    return tags, deserialize_value(client.external_partition_config(args)).run_config


def asked(context, mutation, **variables):
    """What GraphQL answers."""
    import asyncio

    from dagster_graphql.schema import create_schema

    answer = asyncio.run(
        create_schema().execute_async(
            mutation, context_value=context.create_request_context(), variable_values=variables
        )
    )
    if answer.errors:
        raise answer.errors[0]
    return answer.data


def by_graphql(context, client, request):
    import dagster_graphql.implementation.execution.run_lifecycle as run_lifecycle
    from dagster_graphql.client.query import LAUNCH_PIPELINE_EXECUTION_MUTATION

    tags, config = dict(request.get("asset_tags", {})), {}
    if "partition" in request and "asset_tags" not in request:
        of_job, config = of_partition(client, request)
        tags.update(of_job)
    tags.update(request.get("tags", {}))
    selector = {
        "repositoryLocationName": LOCATION,
        "repositoryName": REPOSITORY,
        "pipelineName": request["job"],
        "solidSelection": request.get("ops"),
    }
    if request.get("assets"):
        selector["assetSelection"] = [{"path": path} for path in request["assets"]]
    if request.get("checks") is not None:
        selector["assetCheckSelection"] = [
            {"assetKey": {"path": path}, "name": name} for path, name in request["checks"]
        ]
    params = {
        "selector": selector,
        "runConfigData": request.get("config", config),
        "mode": "default",
        "executionMetadata": {
            "tags": [{"key": key, "value": value} for key, value in tags.items()],
        },
    }
    # GraphQL has no way to say the id.
    run_lifecycle.make_new_run_id = lambda: request["run_id"]
    told = asked(context, LAUNCH_PIPELINE_EXECUTION_MUTATION, executionParams=params)["launchPipelineExecution"]
    if told["__typename"] != "LaunchRunSuccess":
        raise RuntimeError(f"{request['name']}: {told}")


def again(context, _client, retry):
    """As the UI does it. There is no way to say the id."""
    import dagster._core.storage.dagster_run as dagster_run
    from dagster_graphql.client.query import LAUNCH_PIPELINE_REEXECUTION_MUTATION

    dagster_run.make_new_run_id = lambda: retry["run_id"]
    params = {
        "parentRunId": retry["parent"],
        "strategy": retry["strategy"],
        "extraTags": [{"key": key, "value": value} for key, value in retry.get("tags", {}).items()],
    }
    told = asked(context, LAUNCH_PIPELINE_REEXECUTION_MUTATION, reexecutionParams=params)["launchPipelineReexecution"]
    if told["__typename"] != "LaunchRunSuccess":
        raise RuntimeError(f"{told['__typename']}: {told.get('message')}")


@contextmanager
def opened(home, port, overrides=None):
    import dagster._cli.workspace.cli_target as cli_target
    from dagster._core.workspace.context import WorkspaceProcessContext
    from dagster._core.workspace.load_target import WorkspaceFileTarget
    from dagster._grpc.client import DagsterGrpcClient

    # By options, Dagster's command line writes one more key into origins than by a file, which deployments have.
    file = Path(tempfile.mkdtemp()) / "workspace.yaml"
    file.write_text(f"load_from: [grpc_server: {{host: localhost, port: {port}, location_name: {LOCATION}}}]")
    fixed = WorkspaceFileTarget(paths=[str(file)])
    cli_target.workspace_opts_to_load_target = lambda *_, **__: fixed
    with open_instance(home, overrides) as instance, WorkspaceProcessContext(instance, fixed) as context:
        yield instance, context, DagsterGrpcClient(port=port)


def each(asked, do):
    """What failed of what was asked, by its name."""
    failed = {}
    for one in asked:
        try:
            do(one)
        except Exception as error:
            failed[one["name"]] = f"{type(error).__name__}: {error}"
    return failed


def launch(homes, port, requests):
    failed = {}
    for home in homes:
        with opened(home, port) as (instance, context, client):
            instance.add_dynamic_partitions("tenants", ["t1", "t2"])

            def one(request):
                if count := request.get("many_tags"):
                    request["tags"] = {f"tag{number:03}": str(number) for number in range(count)}
                if request["path"] == "C":
                    by_command_line(instance, port, request)
                else:
                    by_graphql(context, client, request)

            failed |= each(requests, one)
    return {"failed": failed}


DIRECT = {"run_coordinator": {"module": "dagster._core.run_coordinator", "class": "DefaultRunCoordinator"}}
PATIENCE = 240


def execute(home, port, rounds):
    from dagster._serdes import deserialize_value

    failed, ended = {}, {}
    with opened(home, port, DIRECT) as (instance, context, client):
        for asked in rounds:
            failed |= each(asked, lambda one: (again if "parent" in one else by_graphql)(context, client, one))
            since = time.monotonic()
            for one in asked:
                while not (run := instance.get_run_by_id(one["run_id"])).is_finished:
                    if time.monotonic() - since > PATIENCE:
                        raise TimeoutError(f"{one['name']} is {run.status}")
                    time.sleep(0.1)
                ended[one["name"]] = run.status.value
            # A worker reports once more after its run has ended.
            while deserialize_value(client.get_current_runs()).current_runs:
                time.sleep(0.1)
    return {"failed": failed, "ended": ended}


TERMINATE = "mutation($runId: String!) { terminateRun(runId: $runId) { __typename } }"


def cancel(home, port, request, step):
    """As the UI does it, once a step of the run has begun."""
    from dagster._core.events import DagsterEventType
    from dagster._serdes import deserialize_value

    def begun(instance):
        entries = instance.all_logs(request["run_id"], of_type=DagsterEventType.STEP_START)
        return any(entry.dagster_event.step_key == step for entry in entries)

    def until(condition):
        since = time.monotonic()
        while not condition():
            if time.monotonic() - since > PATIENCE:
                raise TimeoutError(f"{request['name']} does not get on")
            time.sleep(0.1)

    with opened(home, port, DIRECT) as (instance, context, client):
        by_graphql(context, client, request)
        until(lambda: begun(instance))
        told = asked(context, TERMINATE, runId=request["run_id"])
        until(lambda: instance.get_run_by_id(request["run_id"]).is_finished)
        until(lambda: not deserialize_value(client.get_current_runs()).current_runs)
        return {"told": told["terminateRun"]["__typename"]}


def retry(home, port, retries):
    with opened(home, port) as (_, context, client):
        return {"failed": each(retries, lambda one: again(context, client, one))}


def dumped(place, window):
    from scenarios.dump import of_postgres, of_sqlite

    if "://" not in place:
        return of_sqlite(Path(place), window)
    import psycopg2

    with closing(psycopg2.connect(place)) as connection:
        return of_postgres(connection, window)


def compare(theirs, ours, since):
    from scenarios.compare import row_differences

    window = (since, time.time() + 60)
    dumps = [dumped(place, window) for place in (theirs, ours)]
    rows = {f"{file} {table}": len(rows) for (file, table), rows in dumps[0].items()}
    return {"rows": rows, "differences": list(row_differences(*dumps))}


def main():
    asked = json.load(sys.stdin)
    [(what, arguments)] = asked.items()
    emit({each.__name__: each for each in (launch, execute, cancel, retry, compare)}[what](**arguments))


if __name__ == "__main__":
    main()
