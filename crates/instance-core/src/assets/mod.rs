//! Assets: their records, checks, freshness and health, and the cached status of their partitions.

mod check;
mod details;
mod freshness;
mod graph;
mod health;
mod record;
mod status_cache;

pub use check::{
    AssetCheckEvaluation, AssetCheckEvaluationPlanned,
    AssetCheckEvaluationTargetMaterializationData, AssetCheckSeverity,
};
pub use details::AssetDetails;
pub use freshness::{FreshnessState, FreshnessStateRecord, FreshnessStateRecordBody};
pub use graph::{AssetCheckNode, AssetGraph, AssetNode};
pub use health::{
    AssetCheckHealthState, AssetFreshnessHealthState, AssetHealthPart, AssetHealthSource,
    AssetMaterializationHealthState, MinimalAssetMaterializationHealthState,
};
pub use record::{AssetEntry, AssetRecord};
pub use status_cache::AssetStatusCacheValue;
