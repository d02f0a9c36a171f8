//! What user code defines about assets and checks, as far as creating a run needs it.

use crate::asset_key::{AssetCheckKey, AssetKey};
use crate::partitions::PartitionsSnap;
use crate::run::RemoteJobOrigin;
use crate::snap::AssetExecutionType;

/// What code says of an asset.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct AssetNode {
    /// What executing it does.
    pub execution_type: AssetExecutionType,
    /// Its partitions; `None` if it has none.
    pub partitions: Option<PartitionsSnap>,
}

impl AssetNode {
    /// An asset without partitions.
    pub const fn new(execution_type: AssetExecutionType) -> Self {
        Self { execution_type, partitions: None }
    }
}

crate::setters! {
    impl AssetNode {
        /// Its partitions; `None` if it has none.
        with_partitions(partitions: impl Into<Option<PartitionsSnap>>);
    }
}

/// What code says of an asset check.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct AssetCheckNode {
    /// Its partitions; `None` if it has none.
    pub partitions: Option<PartitionsSnap>,
}

impl AssetCheckNode {
    /// A check without partitions.
    pub const fn new() -> Self {
        Self { partitions: None }
    }
}

crate::setters! {
    impl AssetCheckNode {
        /// Its partitions; `None` if it has none.
        with_partitions(partitions: impl Into<Option<PartitionsSnap>>);
    }
}

/// The assets and checks that code defines, which Dagster calls an asset graph.
///
/// `job` is the job of the run that is to be created. A graph of several code locations answers for the location of
/// that job. A graph of one location may ignore the job.
pub trait AssetGraph: std::fmt::Debug + Send + Sync {
    /// What code says of an asset; `None` if there is no such asset.
    fn asset_node(&self, key: &AssetKey, job: Option<&RemoteJobOrigin>) -> Option<AssetNode>;

    /// What code says of a check; `None` if there is no such check.
    fn asset_check_node(
        &self,
        key: &AssetCheckKey,
        job: Option<&RemoteJobOrigin>,
    ) -> Option<AssetCheckNode>;

    /// Whether the graph comes from code locations. A run that is created with such a graph has to say where its
    /// job is.
    fn is_remote(&self) -> bool {
        false
    }
}
