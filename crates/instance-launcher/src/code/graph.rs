//! The assets of one repository as those who create runs see them.

use std::sync::Arc;

use instance_core::asset_key::{AssetCheckKey, AssetKey};
use instance_core::assets::{AssetCheckNode, AssetGraph, AssetNode};
use instance_core::run::RemoteJobOrigin;

use super::repository_text::RepositoryText;

/// The assets of one repository of a code location. It answers for jobs of that repository alone.
#[derive(Debug)]
pub(crate) struct RepositoryGraph {
    pub(crate) location: String,
    pub(crate) repository: String,
    pub(crate) text: Arc<RepositoryText>,
}

impl RepositoryGraph {
    fn has(&self, job: Option<&RemoteJobOrigin>) -> bool {
        job.is_none_or(|job| {
            job.repository_origin.repository_name == self.repository
                && job.repository_origin.location_name() == Some(&self.location)
        })
    }
}

impl AssetGraph for RepositoryGraph {
    fn asset_node(&self, key: &AssetKey, job: Option<&RemoteJobOrigin>) -> Option<AssetNode> {
        if !self.has(job) {
            return None;
        }
        match self.text.asset(key) {
            Ok(node) => {
                node.map(|node| AssetNode::new(node.executes_as()).with_partitions(node.partitions))
            }
            // `prepare_run` has read the nodes of its plan before, and refused these.
            Err(error) => {
                tracing::warn!(asset = %key.to_user_string(), %error, "an asset cannot be read");
                None
            }
        }
    }

    fn asset_check_node(
        &self,
        key: &AssetCheckKey,
        job: Option<&RemoteJobOrigin>,
    ) -> Option<AssetCheckNode> {
        if !self.has(job) {
            return None;
        }
        match self.text.check(key) {
            Ok(node) => node.map(|node| AssetCheckNode::new().with_partitions(node.partitions)),
            Err(error) => {
                tracing::warn!(asset = %key.asset_key.to_user_string(), check = key.name, %error, "a check cannot be read");
                None
            }
        }
    }

    fn is_remote(&self) -> bool {
        true
    }
}
