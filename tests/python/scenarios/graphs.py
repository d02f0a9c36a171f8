"""What `create_run` asks of an asset graph, as JSON, and a graph that answers from that JSON."""

from scenarios.encoding import check_key_json, check_key_of, de, key_json, key_of, ser

from dagster._core.definitions.asset_key import AssetCheckKey
from dagster._core.definitions.assets.graph.remote_asset_graph import RemoteAssetGraph, RemoteWorkspaceAssetGraph
from dagster._core.definitions.assets.graph.asset_graph import AssetGraph
from dagster._core.definitions.assets.definition.asset_spec import AssetExecutionType
from dagster._core.errors import DagsterInvalidDefinitionError
from dagster._core.remote_representation.external_data import PartitionsSnap


def no_graph():
    return AssetGraph.from_assets([])


def partitions_json(definition):
    try:
        return definition and ser(PartitionsSnap.from_def(definition))
    except DagsterInvalidDefinitionError:  # dynamic partitions without a name have no snapshot
        return None


def graph_json(graph):
    """All of the graph's nodes, whether or not a plan mentions them. A workspace's graph of one repository."""
    if isinstance(graph, RemoteWorkspaceAssetGraph):
        assets = [node.resolve_to_singular_repo_scoped_node() for node in graph.asset_nodes]
    else:
        assets = graph.asset_nodes
    checks = [graph.get(key) for key in graph.asset_check_keys]
    return {
        "is_remote": isinstance(graph, RemoteAssetGraph),
        "assets": [
            {
                "key": key_json(node.key),
                "execution_type": node.execution_type.name,
                "partitions": partitions_json(node.partitions_def),
            }
            for node in sorted(assets, key=lambda node: node.key)
        ],
        "checks": [
            {"key": check_key_json(node.key), "partitions": partitions_json(node.partitions_def)}
            for node in sorted(checks, key=lambda node: str(node.key))
        ],
    }


class Node:
    def __init__(self, document):
        snap = de(document["partitions"])
        self.partitions_def = snap and snap.get_partitions_definition()
        self.execution_type = AssetExecutionType[document["execution_type"]] if "execution_type" in document else None


class ReplayedGraph:
    def __init__(self, document):
        self.replayed = {key_of(each["key"]): Node(each) for each in document["assets"]}
        self.replayed |= {check_key_of(each["key"]): Node(each) for each in document["checks"]}

    def has(self, key):
        return key in self.replayed

    def get(self, key):
        return self.replayed[key]


class ReplayedRemoteGraph(ReplayedGraph, RemoteAssetGraph):
    """`create_run` tells remote graphs by their class. Nothing of that class is used."""


ReplayedRemoteGraph.__abstractmethods__ = frozenset()


def graph_of(document):
    return (ReplayedRemoteGraph if document["is_remote"] else ReplayedGraph)(document)
