//! What a person asks for.

use std::collections::BTreeMap;

use instance_core::asset_key::{AssetCheckKey, AssetKey};
use instance_core::ids::RunId;
use instance_core::serdes::Opaque;

/// Which run of real code is to be created. With no selection it is one of a whole job.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct LaunchRequest {
    /// The repository; `None` means the only one.
    pub repository: Option<String>,
    /// The job; `None` means the one that has the selected assets, or else the only one.
    pub job: Option<String>,
    /// The ops to execute, in Dagster's words such as `*two`; empty means no selection by ops.
    pub ops: Vec<String>,
    /// The assets to execute; empty means no selection by assets.
    pub assets: Vec<AssetKey>,
    /// The checks to execute. `None` means those of the assets, and an empty list means none of them.
    pub checks: Option<Vec<AssetCheckKey>>,
    /// The partition, or the range of partitions; `None` means none.
    pub partition: Option<LaunchPartition>,
    /// The configuration. `None` means that of the partition, or else an empty one.
    pub run_config: Option<Opaque>,
    /// Tags beside those of the job and of the partition. They take the place of tags with the same keys.
    pub tags: BTreeMap<String, String>,
    /// The id of the run; `None` means a fresh one.
    pub run_id: Option<RunId>,
    /// Which of Dagster's two ways the run is stored in; `None` means [`LaunchStyle::Ui`] where assets or checks are
    /// selected, and [`LaunchStyle::CommandLine`] elsewhere.
    pub style: Option<LaunchStyle>,
}

/// The partitions of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LaunchPartition {
    /// One key. A key of several dimensions is written as it is stored, `2026-11-02|x`, or by its dimensions,
    /// `day=2026-11-02,size=x`.
    Key(String),
    /// All keys from one to another, both included. Only assets have ranges.
    Range(String, String),
}

/// Dagster stores a run in one of two ways. They differ in the names of selected ops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LaunchStyle {
    /// As `dagster job launch`: the selected ops are the names that the selection stands for.
    CommandLine,
    /// As the UI: the selected ops are the selection as it was written.
    Ui,
}
