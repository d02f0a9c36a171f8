//! The code that the stub serves: two jobs of one step each, one of which claims a slot of a pool.

use std::collections::BTreeMap;

use instance_core::SnapshotId;
use instance_core::code_location::payloads::{
    JobDataSnap, ListRepositoriesResponse, LoadableRepositorySymbol,
};
use instance_core::run::{CodePointer, JobPythonOrigin, ModuleCodePointer, RepositoryPythonOrigin};
use instance_core::serdes::{Opaque, UnknownFields};
use instance_core::snap::{
    ConfigSchemaBuilder, DagsterTypeNamespaceSnapshot, DependencyStructureSnapshot,
    ExecutionPlanSnapshot, ExecutionStepSnap, JobSnap, NodeDefsSnapshot, StepKind,
};
use serde_json::json;

/// The repository.
pub(super) const REPOSITORY: &str = "shop";

/// The job without a pool, and the one with it.
pub(super) const PLAIN: &str = "plain";
pub(super) const POOLED: &str = "pooled";

/// The pool, and the step that claims a slot of it.
pub(super) const POOL: &str = "db";
pub(super) const STEP: &str = "work";

/// The interpreter of the code, which nobody starts.
const PYTHON: &str = "python";

fn pointer() -> CodePointer {
    CodePointer::Module(ModuleCodePointer {
        fn_name: "defs".to_owned(),
        module: "shop".to_owned(),
        working_directory: None,
        unknown: UnknownFields::default(),
    })
}

/// The Python code of a job.
pub(super) fn code_origin(job_name: &str) -> JobPythonOrigin {
    JobPythonOrigin {
        job_name: job_name.to_owned(),
        repository_origin: RepositoryPythonOrigin {
            code_pointer: pointer(),
            container_context: None,
            container_image: None,
            entry_point: None,
            executable_path: PYTHON.to_owned(),
            unknown: UnknownFields::default(),
        },
        unknown: UnknownFields::default(),
    }
}

/// The repositories, as a server tells them.
pub(super) fn repositories() -> ListRepositoriesResponse {
    ListRepositoriesResponse {
        container_context: None,
        container_image: None,
        dagster_library_versions: None,
        defs_state_info: None,
        entry_point: None,
        executable_path: Some(PYTHON.to_owned()),
        repository_code_pointers: BTreeMap::from([(REPOSITORY.to_owned(), pointer())]),
        repository_symbols: vec![LoadableRepositorySymbol {
            attribute: "defs".to_owned(),
            repository_name: REPOSITORY.to_owned(),
            unknown: UnknownFields::default(),
        }],
        unknown: UnknownFields::default(),
    }
}

/// A job, as a server tells it.
pub(super) fn job_data(name: &str) -> JobDataSnap {
    JobDataSnap {
        active_presets: Opaque::from(&json!([])),
        is_job: Some(true),
        name: name.to_owned(),
        parent_job: None,
        job: job(name),
        unknown: UnknownFields::default(),
    }
}

/// The snapshot of a job.
pub(super) fn job(name: &str) -> JobSnap {
    JobSnap {
        automation_condition: None,
        config_schema_snapshot: ConfigSchemaBuilder::new().finish(),
        dagster_type_namespace_snapshot: DagsterTypeNamespaceSnapshot {
            all_dagster_type_snaps_by_key: BTreeMap::default(),
            unknown: UnknownFields::default(),
        },
        dep_structure_snapshot: DependencyStructureSnapshot {
            node_invocation_snaps: Vec::new(),
            unknown: UnknownFields::default(),
        },
        description: None,
        graph_def_name: None,
        lineage_snapshot: None,
        metadata: Vec::new(),
        mode_def_snaps: Vec::new(),
        name: name.to_owned(),
        owners: None,
        run_tags: None,
        node_defs_snapshot: NodeDefsSnapshot {
            graph_def_snaps: Vec::new(),
            op_def_snaps: Vec::new(),
            unknown: UnknownFields::default(),
        },
        tags: BTreeMap::new(),
        unknown: UnknownFields::default(),
    }
}

/// The plan of a run of a job with this snapshot.
pub(super) fn plan(job_name: &str, job_snapshot_id: SnapshotId) -> ExecutionPlanSnapshot {
    let step = ExecutionStepSnap {
        inputs: Vec::new(),
        key: STEP.to_owned(),
        kind: StepKind::Compute,
        metadata_items: Vec::new(),
        outputs: Vec::new(),
        pool: (job_name == POOLED).then(|| POOL.to_owned()),
        node_handle_id: STEP.to_owned(),
        step_handle: None,
        tags: None,
        unknown: UnknownFields::default(),
    };
    ExecutionPlanSnapshot {
        artifacts_persisted: true,
        executor_name: None,
        initial_known_state: None,
        job_snapshot_id,
        repository_load_data: None,
        snapshot_version: Some(1),
        step_keys_to_execute: vec![STEP.to_owned()],
        steps: vec![step],
        unknown: UnknownFields::default(),
    }
}
