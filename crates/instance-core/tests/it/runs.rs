//! The stored texts of runs, and of where their jobs come from.

use std::collections::BTreeMap;

use insta::assert_snapshot;
use instance_core::run::{
    DagsterRun, DagsterRunStatus, RemoteJobOrigin, RemoteRepositoryOrigin, RunOpConcurrency,
};
use instance_core::serdes::{FrozenSet, Opaque, deserialize_value};
use instance_core::{AssetCheckKey, AssetKey, RunId, SnapshotId};
use serde_json::json;

use crate::support::{fixture, none, read, round_trip, round_trips};

fn repository() -> RemoteRepositoryOrigin {
    RemoteRepositoryOrigin {
        code_location_origin: read(&json!({
            "__class__": "ManagedGrpcPythonEnvRepositoryLocationOrigin",
            "loadable_target_origin": {
                "__class__": "LoadableTargetOrigin",
                "attribute": null,
                "executable_path": null,
                "module_name": "defs",
                "package_name": null,
                "python_file": null,
                "working_directory": null,
            },
            "location_name": "défs",
        })),
        repository_name: "__repository__".to_owned(),
        unknown: none(),
    }
}

fn job() -> RemoteJobOrigin {
    RemoteJobOrigin {
        repository_origin: repository(),
        job_name: "letters".to_owned(),
        unknown: none(),
    }
}

fn concurrency() -> RunOpConcurrency {
    RunOpConcurrency {
        all_pools: Some(read(&json!({"__set__": ["aqua", "pool"]}))),
        has_unconstrained_root_nodes: false,
        root_key_counts: BTreeMap::from([("pool".to_owned(), 2)]),
        unknown: none(),
    }
}

#[test]
fn run_statuses() {
    assert_snapshot!(round_trips(DagsterRunStatus::ALL));
}

#[test]
fn finished_runs_do_nothing_more() {
    let finished: Vec<_> = DagsterRunStatus::ALL
        .iter()
        .filter(|status| status.is_finished())
        .map(|status| status.as_str())
        .collect();
    assert_eq!(finished, ["SUCCESS", "FAILURE", "CANCELED"]);
}

#[test]
fn remote_repository_origin() {
    assert_snapshot!(round_trip(&repository()));
}

#[test]
fn remote_job_origin() {
    assert_snapshot!(round_trip(&job()));
}

#[test]
fn run_op_concurrency() {
    assert_snapshot!(round_trip(&concurrency()));
}

#[test]
fn a_new_run() {
    let run = DagsterRun::new(RunId::from("00000000-0000-4000-8000-000000000001"), "letters");
    assert_eq!(run.status, DagsterRunStatus::NotStarted);
    assert_snapshot!(round_trip(&run));
}

#[test]
fn a_run_with_checks_and_selected_ops() {
    let check = AssetCheckKey {
        asset_key: AssetKey::new(["a", "b"]),
        name: "c".to_owned(),
        unknown: none(),
    };
    let run = DagsterRun {
        asset_check_selection: Some(FrozenSet::from_iter([check])),
        op_selection: Some(vec!["*total".to_owned()]),
        resolved_op_selection: Some(FrozenSet::from_iter([
            "total".to_owned(),
            "numbers".to_owned(),
        ])),
        job_code_origin: Some(read(&json!({
            "__class__": "PipelinePythonOrigin",
            "pipeline_name": "j",
            "repository_origin": {
                "__class__": "RepositoryPythonOrigin",
                "code_pointer": {
                    "__class__": "ModuleCodePointer",
                    "fn_name": "f",
                    "module": "m",
                    "working_directory": null,
                },
                "container_context": null,
                "container_image": null,
                "entry_point": ["dagster"],
                "executable_path": "python",
            },
        }))),
        ..DagsterRun::new(RunId::from("r"), "j")
    };
    assert_snapshot!(round_trip(&run));
}

/// What we build is what Dagster builds of the same parts.
#[test]
fn a_run_of_a_code_location_is_dagsters() {
    let run = DagsterRun {
        asset_check_selection: Some(FrozenSet::default()),
        asset_selection: Some(FrozenSet::from_iter([
            AssetKey::new(["b", "ü"]),
            AssetKey::new(["a"]),
        ])),
        execution_plan_snapshot_id: Some(SnapshotId::from("bb")),
        remote_job_origin: Some(Box::new(job())),
        has_repository_load_data: true,
        parent_run_id: Some(RunId::from("p")),
        job_snapshot_id: Some(SnapshotId::from("aa")),
        root_run_id: Some(RunId::from("r")),
        run_config: Opaque::from(
            &json!({"ops": {"a": {"config": {"n": 1, "x": 0.5, "none": null, "text": "naïve"}}}}),
        ),
        run_op_concurrency: Some(concurrency()),
        status: DagsterRunStatus::Queued,
        step_keys_to_execute: Some(vec!["b".to_owned(), "a".to_owned()]),
        tags: BTreeMap::from([
            ("z".to_owned(), "1".to_owned()),
            ("dagster/partition".to_owned(), "b/ü".to_owned()),
        ]),
        ..DagsterRun::new(RunId::from("00000000-0000-4000-8000-000000000001"), "letters")
    };
    assert_eq!(round_trip(&run), fixture!("run_of_a_code_location"));
    assert_eq!(deserialize_value(fixture!("run_of_a_code_location")), Ok(run));
}
