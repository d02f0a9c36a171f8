"""A code server with a repository of many megabytes, which nobody has to define: it has one asset many times.

Arguments: the port, how many assets, and how many numbers of chunks are left out after the first chunk. It prints {"bytes"} of its
repository when it serves.
"""

import argparse
import json
from concurrent import futures

from common import emit

import dagster as dg
import grpc
from dagster._core.code_pointer import CodePointer
from dagster._core.remote_representation.external_data import RepositorySnap
from dagster._grpc.__generated__ import dagster_api_pb2 as api, dagster_api_pb2_grpc as service
from dagster._grpc.types import GetCurrentImageResult, ListRepositoriesResponse, LoadableRepositorySymbol
from dagster._serdes import serialize_value

CHUNK = 4_000_000


@dg.asset
def the_asset():
    return 1


def repository(count):
    definitions = dg.Definitions(assets=[the_asset])
    snap = RepositorySnap.from_def(definitions.get_repository_def(), defer_snapshots=True)
    document = json.loads(serialize_value(snap))
    [node] = document["external_asset_graph_data"]
    one = json.dumps(node)
    document["external_asset_graph_data"] = ["<assets>"]
    nodes = ", ".join(one.replace("the_asset", f"asset_{number}") for number in range(count))
    return json.dumps(document).replace('"<assets>"', nodes)


class Servicer(service.DagsterApiServicer):
    def __init__(self, text, gap):
        self.text, self.gap = text, gap

    def Ping(self, request, _):
        return api.PingReply(echo=request.echo)

    def GetServerId(self, _, __):
        return api.GetServerIdReply(server_id="large")

    def ListRepositories(self, _, __):
        told = ListRepositoriesResponse(
            repository_symbols=[LoadableRepositorySymbol(repository_name="__repository__", attribute="definitions")],
            executable_path="/usr/bin/python",
            repository_code_pointer_dict={"__repository__": CodePointer.from_python_file("d.py", "definitions", None)},
        )
        return api.ListRepositoriesReply(serialized_list_repositories_response_or_error=serialize_value(told))

    def GetCurrentImage(self, _, __):
        told = GetCurrentImageResult(current_image=None, serializable_error_info=None)
        return api.GetCurrentImageReply(serialized_current_image=serialize_value(told))

    def StreamingExternalRepository(self, _, __):
        for number, start in enumerate(range(0, len(self.text), CHUNK)):
            yield api.StreamingExternalRepositoryEvent(
                sequence_number=number + (self.gap if number else 0),
                serialized_external_repository_chunk=self.text[start : start + CHUNK],
            )


def main():
    parser = argparse.ArgumentParser()
    for name in ("port", "assets", "gap"):
        parser.add_argument(name, type=int)
    args = parser.parse_args()
    text = repository(args.assets)
    server = grpc.server(futures.ThreadPoolExecutor(4), compression=grpc.Compression.Gzip)
    service.add_DagsterApiServicer_to_server(Servicer(text, args.gap), server)
    server.add_insecure_port(f"127.0.0.1:{args.port}")
    server.start()
    emit({"bytes": len(text)})
    server.wait_for_termination()


if __name__ == "__main__":
    main()
