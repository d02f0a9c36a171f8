//! A run of real code before it is created: what its code location has told.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::asset_key::{AssetCheckKey, AssetKey};
use crate::assets::AssetGraph;
use crate::code_location::RemoteJob;
use crate::ids::RunId;
use crate::serdes::{FrozenSet, Opaque};
use crate::snap::ExecutionPlanSnapshot;

/// All that a run of real code needs to be created. The run domain makes a request of it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct PreparedRun {
    /// The job, or the part of it.
    pub job: RemoteJob,
    /// The plan.
    pub plan: ExecutionPlanSnapshot,
    /// The id of the run; `None` means a fresh one.
    pub run_id: Option<RunId>,
    /// The configuration.
    pub run_config: Opaque,
    /// The tags.
    pub tags: BTreeMap<String, String>,
    /// The selected ops in the words of the user; `None` means no selection.
    pub op_selection: Option<Vec<String>>,
    /// The names of the selected ops, as the run is to have them.
    pub resolved_op_selection: Option<FrozenSet<String>>,
    /// The selected assets; `None` means no selection.
    pub asset_selection: Option<FrozenSet<AssetKey>>,
    /// The selected checks; `None` means those of the assets.
    pub asset_check_selection: Option<FrozenSet<AssetCheckKey>>,
    /// What the code says of the assets of the plan; `None` if the plan has none.
    pub asset_graph: Option<Arc<dyn AssetGraph>>,
}

impl PreparedRun {
    /// A run of a job by this plan, without selection.
    pub const fn new(job: RemoteJob, plan: ExecutionPlanSnapshot, run_config: Opaque) -> Self {
        Self {
            job,
            plan,
            run_id: None,
            run_config,
            tags: BTreeMap::new(),
            op_selection: None,
            resolved_op_selection: None,
            asset_selection: None,
            asset_check_selection: None,
            asset_graph: None,
        }
    }
}
