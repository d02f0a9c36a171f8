//! Payloads that Dagster 1.13.27 and a real code server of it have exchanged: each is read as its class and written
//! again byte for byte. The paths in them were replaced, and stacks cut to their first line.

use std::collections::BTreeSet;
use std::path::Path;

use instance_core::code_location::payloads::{
    AssetCheckNodeSnap, AssetNodeSnap, CanCancelExecutionRequest, CanCancelExecutionResult,
    CancelExecutionRequest, CancelExecutionResult, ExecuteRemoteJobArgs, ExecuteRunArgs,
    ExecutionPlanSnapshotArgs, ExecutionPlanSnapshotErrorData, GetCurrentImageResult,
    GetCurrentRunsResult, JobDataSnap, JobRefSnap, JobSubsetSnapshotArgs, ListRepositoriesResponse,
    PartitionArgs, PartitionConfigSnap, PartitionExecutionErrorSnap, PartitionNamesArgs,
    PartitionNamesSnap, PartitionTagsSnap, RemoteJobSubsetResult, RepositoryErrorSnap,
    ResumeRunArgs, ShutdownServerResult, StartRunResult,
};
use instance_core::serdes::{
    Opaque, Pack, SerdesError, Unpack, deserialize_value, serialize_value,
};
use instance_core::snap::{AssetExecutionType, ExecutionPlanSnapshot};

type Rewrite = fn(&str) -> Result<String, SerdesError>;

fn rewrite<T: Pack + Unpack>(text: &str) -> Result<String, SerdesError> {
    deserialize_value::<T>(text).map(|value| serialize_value(&value))
}

macro_rules! payload {
    ($name:literal) => {
        include_str!(concat!("payloads/", $name, ".json"))
    };
}

/// Every payload, with the class that it is read as.
const PAYLOADS: &[(&str, &str, Rewrite)] = &[
    ("can_cancel", payload!("can_cancel"), rewrite::<CanCancelExecutionResult>),
    ("can_cancel_args", payload!("can_cancel_args"), rewrite::<CanCancelExecutionRequest>),
    ("cancel", payload!("cancel"), rewrite::<CancelExecutionResult>),
    ("cancel_args", payload!("cancel_args"), rewrite::<CancelExecutionRequest>),
    ("current_image", payload!("current_image"), rewrite::<GetCurrentImageResult>),
    ("current_runs", payload!("current_runs"), rewrite::<GetCurrentRunsResult>),
    ("execute_run_args", payload!("execute_run_args"), rewrite::<ExecuteRunArgs>),
    ("job", payload!("job"), rewrite::<JobDataSnap>),
    ("list_repositories", payload!("list_repositories"), rewrite::<ListRepositoriesResponse>),
    ("partition_args", payload!("partition_args"), rewrite::<PartitionArgs>),
    ("partition_config", payload!("partition_config"), rewrite::<PartitionConfigSnap>),
    ("partition_names", payload!("partition_names"), rewrite::<PartitionNamesSnap>),
    ("partition_names_args", payload!("partition_names_args"), rewrite::<PartitionNamesArgs>),
    ("partition_tags", payload!("partition_tags"), rewrite::<PartitionTagsSnap>),
    (
        "partition_tags_none",
        payload!("partition_tags_none"),
        rewrite::<PartitionExecutionErrorSnap>,
    ),
    ("plan", payload!("plan"), rewrite::<ExecutionPlanSnapshot>),
    ("plan_args", payload!("plan_args"), rewrite::<ExecutionPlanSnapshotArgs>),
    ("plan_assets", payload!("plan_assets"), rewrite::<ExecutionPlanSnapshot>),
    ("plan_assets_args", payload!("plan_assets_args"), rewrite::<ExecutionPlanSnapshotArgs>),
    ("plan_wrong", payload!("plan_wrong"), rewrite::<ExecutionPlanSnapshotErrorData>),
    ("repository_deferred", payload!("repository_deferred"), rewrite::<Opaque>),
    ("repository_error", payload!("repository_error"), rewrite::<RepositoryErrorSnap>),
    ("resume_run_args", payload!("resume_run_args"), rewrite::<ResumeRunArgs>),
    ("shutdown_server", payload!("shutdown_server"), rewrite::<ShutdownServerResult>),
    ("start_run", payload!("start_run"), rewrite::<StartRunResult>),
    ("start_run_args", payload!("start_run_args"), rewrite::<ExecuteRemoteJobArgs>),
    ("subset_assets", payload!("subset_assets"), rewrite::<RemoteJobSubsetResult>),
    ("subset_assets_args", payload!("subset_assets_args"), rewrite::<JobSubsetSnapshotArgs>),
    ("subset_ops", payload!("subset_ops"), rewrite::<RemoteJobSubsetResult>),
    ("subset_ops_args", payload!("subset_ops_args"), rewrite::<JobSubsetSnapshotArgs>),
    ("subset_wrong", payload!("subset_wrong"), rewrite::<RemoteJobSubsetResult>),
];

#[test]
fn every_payload_is_written_again_byte_for_byte() {
    for (name, text, rewrite) in PAYLOADS {
        let text = text.trim_end();
        let again = rewrite(text).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(again, text, "{name}");
    }
}

#[test]
fn every_file_is_checked() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/payloads");
    let files: BTreeSet<String> = std::fs::read_dir(directory)
        .unwrap()
        .map(|file| file.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    let checked = PAYLOADS.iter().map(|(name, ..)| format!("{name}.json"));
    assert_eq!(files, checked.collect::<BTreeSet<_>>());
}

#[test]
fn nodes_and_jobs_of_a_repository_are_understood() {
    let repository =
        deserialize_value::<Opaque>(payload!("repository_deferred").trim_end()).unwrap();
    let repository = repository.to_json().unwrap();
    let texts = |list: &str| -> Vec<String> {
        let items = repository[list].as_array().unwrap().iter();
        items.map(|item| Opaque::from(item).as_str().to_owned()).collect()
    };
    let mut partitioned = 0;
    for text in texts("external_asset_graph_data") {
        let node: AssetNodeSnap = deserialize_value(&text).unwrap();
        assert_eq!(serialize_value(&node), text);
        assert_eq!(node.execution_type, Some(node.executes_as()));
        partitioned += usize::from(node.partitions.is_some());
    }
    assert_eq!(partitioned, 5);
    let checks = texts("external_asset_checks");
    let check: AssetCheckNodeSnap = deserialize_value(&checks[0]).unwrap();
    assert_eq!(serialize_value(&check), checks[0]);
    assert_eq!(
        (check.key().asset_key.to_user_string(), check.name),
        ("a1".into(), "positive".into())
    );
    for text in texts("external_job_refs") {
        let job: JobRefSnap = deserialize_value(&text).unwrap();
        assert_eq!(serialize_value(&job), text);
    }
}

#[test]
fn old_servers_tell_in_two_fields_what_executing_an_asset_does() {
    let node = |fields: &str| {
        let text = format!(
            r#"{{"__class__": "ExternalAssetNode", "asset_key": {{"__class__": "AssetKey", "path": ["a"]}}{fields}}}"#
        );
        deserialize_value::<AssetNodeSnap>(&text).unwrap().executes_as()
    };
    for (fields, expect) in [
        ("", AssetExecutionType::Materialization),
        (r#", "is_source": false"#, AssetExecutionType::Materialization),
        (r#", "is_source": true"#, AssetExecutionType::Unexecutable),
        (r#", "is_observable": true, "is_source": true"#, AssetExecutionType::Observation),
    ] {
        assert_eq!(node(fields), expect, "{fields}");
    }
}

#[test]
fn a_worker_that_could_not_be_started_says_why() {
    let text = r#"{"__class__": "StartRunResult", "message": "no", "serializable_error_info": null, "success": false}"#;
    assert_eq!(rewrite::<StartRunResult>(text).unwrap(), text);
    let text = r#"{"__class__": "ShutdownServerResult", "serializable_error_info": null, "success": true}"#;
    assert_eq!(rewrite::<ShutdownServerResult>(text).unwrap(), text);
}
