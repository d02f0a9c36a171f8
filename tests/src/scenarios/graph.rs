//! The asset graph of a recorded step.

use std::collections::BTreeMap;
use std::sync::Arc;

use dagster_instance::assets::{AssetCheckNode, AssetGraph, AssetNode};
use dagster_instance::run::RemoteJobOrigin;
use dagster_instance::snap::AssetExecutionType;
use dagster_instance::{AssetCheckKey, AssetKey};

use super::Result;
use super::arguments::{Arguments, asset_key, check_key};

/// The assets and checks that were recorded.
#[derive(Debug)]
struct Recorded {
    is_remote: bool,
    assets: BTreeMap<AssetKey, AssetNode>,
    checks: BTreeMap<AssetCheckKey, AssetCheckNode>,
}

/// The graph of a step.
pub(super) fn graph(arguments: Arguments<'_>) -> Result<Arc<dyn AssetGraph>> {
    let graph = Arguments(arguments.get("asset_graph")?.ok_or("there is no asset graph")?);
    let mut recorded = Recorded {
        is_remote: graph.is_true("is_remote")?,
        assets: BTreeMap::new(),
        checks: BTreeMap::new(),
    };
    for node in graph.list("assets")? {
        let name = Arguments(node).text("execution_type")?;
        let execution_type =
            AssetExecutionType::from_name(name).ok_or("an unknown execution type")?;
        let mut node_of_asset = AssetNode::new(execution_type);
        node_of_asset.partitions = Arguments(node).stored("partitions")?;
        recorded.assets.insert(asset_key(&node["key"])?, node_of_asset);
    }
    for node in graph.list("checks")? {
        let mut node_of_check = AssetCheckNode::new();
        node_of_check.partitions = Arguments(node).stored("partitions")?;
        recorded.checks.insert(check_key(&node["key"])?, node_of_check);
    }
    Ok(Arc::new(recorded))
}

impl AssetGraph for Recorded {
    fn asset_node(&self, key: &AssetKey, _: Option<&RemoteJobOrigin>) -> Option<AssetNode> {
        self.assets.get(key).cloned()
    }

    fn asset_check_node(
        &self,
        key: &AssetCheckKey,
        _: Option<&RemoteJobOrigin>,
    ) -> Option<AssetCheckNode> {
        self.checks.get(key).cloned()
    }

    fn is_remote(&self) -> bool {
        self.is_remote
    }
}
