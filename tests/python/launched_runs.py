"""Launches runs as Dagster does, each by `dagster job launch` (C) or by the UI's GraphQL (U), and compares what is
stored with what another home has.

Standard input: {"launch": {"home", "port", "requests": [..]}} or {"compare": {"theirs", "ours", "since"}}.
"""

import json
import sys
import tempfile
import time
from contextlib import ExitStack
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


def by_graphql(context, client, request):
    import asyncio

    import dagster_graphql.implementation.execution.run_lifecycle as run_lifecycle
    from dagster_graphql.client.query import LAUNCH_PIPELINE_EXECUTION_MUTATION
    from dagster_graphql.schema import create_schema

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
    answer = asyncio.run(
        create_schema().execute_async(
            LAUNCH_PIPELINE_EXECUTION_MUTATION,
            context_value=context.create_request_context(),
            variable_values={"executionParams": params},
        )
    )
    if answer.errors:
        raise answer.errors[0]
    told = answer.data["launchPipelineExecution"]
    if told["__typename"] != "LaunchRunSuccess":
        raise RuntimeError(f"{request['name']}: {told}")


def launch(home, port, requests):
    import dagster._cli.workspace.cli_target as cli_target
    from dagster._core.workspace.context import WorkspaceProcessContext
    from dagster._core.workspace.load_target import WorkspaceFileTarget
    from dagster._grpc.client import DagsterGrpcClient

    # By options, Dagster's command line writes one more key into origins than by a file, which deployments have.
    file = Path(tempfile.mkdtemp()) / "workspace.yaml"
    file.write_text(f"load_from: [grpc_server: {{host: localhost, port: {port}, location_name: {LOCATION}}}]")
    fixed = WorkspaceFileTarget(paths=[str(file)])
    cli_target.workspace_opts_to_load_target = lambda *_, **__: fixed
    client = DagsterGrpcClient(port=port)
    failed = {}
    with ExitStack() as stack:
        instance = stack.enter_context(open_instance(home))
        instance.add_dynamic_partitions("tenants", ["t1", "t2"])
        context = stack.enter_context(WorkspaceProcessContext(instance, fixed))
        for request in requests:
            if count := request.get("many_tags"):
                request["tags"] = {f"tag{number:03}": str(number) for number in range(count)}
            try:
                if request["path"] == "C":
                    by_command_line(instance, port, request)
                else:
                    by_graphql(context, client, request)
            except Exception as error:
                failed[request["name"]] = f"{type(error).__name__}: {error}"
    return {"failed": failed}


def compare(theirs, ours, since):
    from scenarios.compare import row_differences
    from scenarios.dump import of_sqlite

    window = (since, time.time() + 60)
    dumps = [of_sqlite(Path(home), window) for home in (theirs, ours)]
    rows = {f"{file} {table}": len(rows) for (file, table), rows in dumps[0].items()}
    return {"rows": rows, "differences": list(row_differences(*dumps))}


def main():
    asked = json.load(sys.stdin)
    [(what, arguments)] = asked.items()
    emit({"launch": launch, "compare": compare}[what](**arguments))


if __name__ == "__main__":
    main()
