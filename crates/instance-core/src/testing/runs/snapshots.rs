//! Cases about the snapshots of jobs and plans.

use crate::ids::SnapshotId;
use crate::run::DagsterRun;
use crate::serdes::{deserialize_value, serialize_value};
use crate::snap::{ExecutionPlanSnapshot, JobSnap};
use crate::storage::{RunStorage, SnapshotStore};
use crate::testing::runs::runs::record;
use crate::testing::samples::{at, run};

/// The text of a job's snapshot, with a field of a newer version.
const JOB: &str = r#"{"__class__": "PipelineSnapshot", "config_schema_snapshot": {"__class__": "ConfigSchemaSnapshot", "all_config_snaps_by_key": {}}, "dagster_type_namespace_snapshot": {"__class__": "DagsterTypeNamespaceSnapshot", "all_dagster_type_snaps_by_key": {}}, "dep_structure_snapshot": {"__class__": "DependencyStructureSnapshot", "solid_invocation_snaps": []}, "description": null, "graph_def_name": "j", "lineage_snapshot": null, "mode_def_snaps": [], "name": "j", "new_field": {"a": 1e-07}, "solid_definitions_snapshot": {"__class__": "SolidDefinitionsSnapshot", "composite_solid_def_snaps": [], "solid_def_snaps": []}, "tags": {}}"#;

/// The text of a plan's snapshot.
const PLAN: &str = r#"{"__class__": "ExecutionPlanSnapshot", "artifacts_persisted": true, "executor_name": null, "initial_known_state": null, "pipeline_snapshot_id": "aa", "snapshot_version": 1, "step_keys_to_execute": [], "steps": []}"#;

/// The snapshot of a job of this name.
pub(in crate::testing) fn job_snapshot(name: &str) -> JobSnap {
    JobSnap { name: name.to_owned(), ..deserialize_value(JOB).unwrap() }
}

/// The snapshot of a plan without steps.
pub(in crate::testing) fn plan_snapshot() -> ExecutionPlanSnapshot {
    deserialize_value(PLAN).unwrap()
}

/// A snapshot's id is the hash of its text; storing it again is the same as storing it once; and it comes
/// back byte for byte.
pub async fn snapshots_are_stored_once_under_the_hash_of_their_text(storage: &dyn SnapshotStore) {
    let (job, id) = (job_snapshot("j"), SnapshotId::of_text(JOB));
    assert!(!storage.has_job_snapshot(&id).await.unwrap());
    assert_eq!(storage.get_job_snapshot(&id).await.unwrap(), None);
    for _ in 0..2 {
        assert_eq!(storage.add_job_snapshot(&job).await.unwrap(), id);
        assert!(storage.has_job_snapshot(&id).await.unwrap());
        let stored = storage.get_job_snapshot(&id).await.unwrap().unwrap();
        assert_eq!(serialize_value(&stored), JOB);
    }
    let (plan, id) = (plan_snapshot(), SnapshotId::of_text(PLAN));
    assert!(!storage.has_execution_plan_snapshot(&id).await.unwrap());
    assert_eq!(storage.get_execution_plan_snapshot(&id).await.unwrap(), None);
    for _ in 0..2 {
        assert_eq!(storage.add_execution_plan_snapshot(&plan).await.unwrap(), id);
        assert!(storage.has_execution_plan_snapshot(&id).await.unwrap());
        let stored = storage.get_execution_plan_snapshot(&id).await.unwrap().unwrap();
        assert_eq!(serialize_value(&stored), PLAN);
    }
}

/// The id of a plan is no id of a job, nor the other way round.
pub async fn the_two_kinds_of_snapshots_are_apart(storage: &dyn SnapshotStore) {
    let job = storage.add_job_snapshot(&job_snapshot("j")).await.unwrap();
    let plan = storage.add_execution_plan_snapshot(&plan_snapshot()).await.unwrap();
    assert!(!storage.has_execution_plan_snapshot(&job).await.unwrap());
    assert_eq!(storage.get_execution_plan_snapshot(&job).await.unwrap(), None);
    assert!(!storage.has_job_snapshot(&plan).await.unwrap());
    assert_eq!(storage.get_job_snapshot(&plan).await.unwrap(), None);
    let loud = SnapshotId::from(job.as_str().to_uppercase());
    assert!(!storage.has_job_snapshot(&loud).await.unwrap());
}

/// A run may name the snapshot of a job that is stored, and not that of a plan in its place.
pub async fn a_run_may_name_a_stored_snapshot(storage: &dyn RunStorage) {
    let plan = storage.add_execution_plan_snapshot(&plan_snapshot()).await.unwrap();
    let of = |id| DagsterRun { job_snapshot_id: Some(id), ..run("r1", "j", &[]) };
    storage.add_run(&of(plan.clone()), at(0)).await.unwrap_err();
    let job = storage.add_job_snapshot(&job_snapshot("j")).await.unwrap();
    let new = DagsterRun { execution_plan_snapshot_id: Some(plan), ..of(job) };
    storage.add_run(&new, at(0)).await.unwrap();
    assert_eq!(record(storage, "r1").await.dagster_run, new);
}

/// A snapshot of several megabytes is stored and read.
pub async fn a_snapshot_may_be_of_any_length(storage: &dyn SnapshotStore) {
    let long = "né🦀 ".repeat(400_000);
    let job = JobSnap { description: Some(long), ..job_snapshot("j") };
    let id = storage.add_job_snapshot(&job).await.unwrap();
    assert_eq!(storage.get_job_snapshot(&id).await.unwrap(), Some(job));
}
