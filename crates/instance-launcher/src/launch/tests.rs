//! What a request is made of, and what the code is asked for it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use instance_core::asset_key::{AssetCheckKey, AssetKey};
use instance_core::code_location::{CodeLocationError, PreparedRun, RemoteJob};
use instance_core::error::{BoxError, InstanceError, chain};
use instance_core::error_info::SerializableErrorInfo;
use instance_core::ids::SnapshotId;
use instance_core::ops::{DynamicPartitionStoreAccess, SnapshotStoreAccess};
use instance_core::run::{RemoteJobOrigin, RemoteRepositoryOrigin};
use instance_core::serdes::{FrozenSet, Opaque, UnknownFields, deserialize_value};
use instance_core::snap::{ExecutionPlanSnapshot, JobLineageSnap, JobSnap};
use instance_core::tags;
use instance_core::testing::instance::TestInstance;

use super::code::Code;
use super::prepare::prepare;
use super::request::{LaunchPartition, LaunchRequest, LaunchStyle};
use crate::code::{GrpcTarget, JobPart, RepositoryText, job_origin};

type TestResult = Result<(), BoxError>;
type Told<T> = Result<T, CodeLocationError>;

/// The repository that a real server has sent.
const TEXT: &str = include_str!("../../tests/it/fixtures/repository.json");

/// Some job, without ops.
const JOB: &str = include_str!("../../tests/it/fixtures/job.json");

/// A code location that remembers what it is asked.
#[derive(Debug)]
struct Double {
    repositories: Vec<&'static str>,
    text: String,
    /// The keys of partitions; `None` if the code cannot tell them.
    partitions: Option<Vec<&'static str>>,
    is_current: bool,
    asked: Mutex<Vec<String>>,
}

impl Default for Double {
    fn default() -> Self {
        Self {
            repositories: vec!["__repository__"],
            text: TEXT.trim_end().to_owned(),
            partitions: Some(vec!["a", "b"]),
            is_current: true,
            asked: Mutex::default(),
        }
    }
}

impl Double {
    fn asks(&self, what: impl Into<String>) {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).push(what.into());
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn prepares(&self, request: LaunchRequest) -> Result<PreparedRun, InstanceError> {
        prepare(&TestInstance::default(), self, request).await
    }

    /// The error of a request, with those behind it.
    async fn refuses(&self, request: LaunchRequest) -> String {
        self.prepares(request).await.map_or_else(|error| chain(&error), |run| format!("{run:?}"))
    }
}

#[async_trait]
impl Code for Double {
    fn name(&self) -> &'static str {
        "loc"
    }

    fn repository_names(&self) -> Vec<String> {
        self.repositories.iter().map(|&name| name.to_owned()).collect()
    }

    fn repository_origin(&self, repository: &str) -> Told<RemoteRepositoryOrigin> {
        let origin = GrpcTarget::port("localhost", 4000).origin(Some("loc"));
        Ok(RemoteRepositoryOrigin::new(origin, repository))
    }

    async fn repository(&self, _: &str) -> Told<Arc<RepositoryText>> {
        self.asks("repository");
        let text = RepositoryText::new(self.text.clone());
        text.map(Arc::new).map_err(|error| self.protocol("repository", error.to_string()))
    }

    async fn whole_job(&self, repository: &str, job_name: &str) -> Told<RemoteJob> {
        self.asks(format!("job {job_name}"));
        let origin = job_origin(self.repository_origin(repository)?, job_name);
        let tags = [("of", "job"), ("job", "yes")].map(|(key, value)| (key.into(), value.into()));
        Ok(RemoteJob::new(job(job_name), origin).with_tags(tags.into()))
    }

    async fn part_of_job(&self, origin: &RemoteJobOrigin, part: JobPart) -> Told<RemoteJob> {
        self.asks(format!("part of {}", origin.job_name));
        let mut snapshot = job(&origin.job_name);
        let resolved = part.ops.as_ref().map(|_| FrozenSet::from_iter(["one".to_owned()]));
        snapshot.lineage_snapshot = Some(JobLineageSnap {
            asset_check_selection: None,
            asset_selection: part.assets.clone().map(FrozenSet::from_iter),
            parent_snapshot_id: job(&origin.job_name).snapshot_id(),
            op_selection: part.ops.clone(),
            resolved_op_selection: resolved.clone(),
            unknown: UnknownFields::default(),
        });
        let part = RemoteJob::new(snapshot, origin.clone()).with_resolved_op_selection(resolved);
        Ok(part)
    }

    async fn plan(&self, job: &RemoteJob, run_config: &Opaque) -> Told<ExecutionPlanSnapshot> {
        self.asks(format!("plan with {}", run_config.as_str()));
        Ok(ExecutionPlanSnapshot {
            artifacts_persisted: true,
            executor_name: None,
            initial_known_state: None,
            job_snapshot_id: SnapshotId::from(job.job_snapshot.name.as_str()),
            repository_load_data: None,
            snapshot_version: Some(1),
            step_keys_to_execute: Vec::new(),
            steps: Vec::new(),
            unknown: UnknownFields::default(),
        })
    }

    async fn partition_names(&self, _: &RemoteJobOrigin) -> Told<Vec<String>> {
        self.asks("keys");
        let keys = self.partitions.as_ref().map(|keys| keys.iter().map(|&key| key.to_owned()));
        let error = || SerializableErrorInfo::new("CheckError", "The instance is not available");
        keys.map(Iterator::collect).ok_or_else(|| CodeLocationError::user_code(error()))
    }

    async fn partition(
        &self,
        _: &RemoteJobOrigin,
        key: &str,
    ) -> Told<(BTreeMap<String, String>, Opaque)> {
        self.asks(format!("partition {key}"));
        let tags = [(tags::PARTITION, key), ("of", "partition"), ("both", "partition")];
        let tags = tags.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Ok((tags.into(), config("partition")))
    }

    async fn is_current(&self) -> Told<bool> {
        self.asks("id");
        Ok(self.is_current)
    }

    fn protocol(&self, call: &'static str, reason: String) -> CodeLocationError {
        CodeLocationError::Protocol { target: "double".to_owned(), call, reason }
    }
}

fn job(name: &str) -> JobSnap {
    JobSnap { name: name.to_owned(), ..deserialize_value(JOB).expect("a job") }
}

fn config(of: &str) -> Opaque {
    Opaque::from(&serde_json::json!({ "of": of }))
}

fn request(job: &str) -> LaunchRequest {
    LaunchRequest { job: Some(job.to_owned()), ..LaunchRequest::default() }
}

fn of_partition(job: &str, key: &str) -> LaunchRequest {
    LaunchRequest { partition: Some(LaunchPartition::Key(key.to_owned())), ..request(job) }
}

#[tokio::test]
async fn a_plain_job_needs_no_repository() -> TestResult {
    let double = Double::default();
    let run = double.prepares(request("plain")).await?;
    assert_eq!(double.asked(), ["job plain", "plan with {}", "id"]);
    assert_eq!(run.job.remote_job_origin.repository_origin.repository_name, "__repository__");
    assert!(run.asset_graph.is_none() && run.resolved_op_selection.is_none());
    Ok(())
}

#[tokio::test]
async fn what_is_not_named_must_be_the_only_one() {
    let double = Double::default();
    let text = double.refuses(LaunchRequest::default()).await;
    assert!(text.contains("name the job: the code location \"loc\" has "), "{text}");
    assert!(text.contains("plain") && !double.asked().iter().any(|asked| asked.contains("plan")));
    let double = Double { repositories: vec!["one", "two"], ..Double::default() };
    let text = double.refuses(request("plain")).await;
    assert!(text.contains("name the repository") && text.contains("one, two"), "{text}");
    assert!(double.asked().is_empty());
}

#[tokio::test]
async fn the_job_of_assets_is_the_one_that_has_all_of_them() -> TestResult {
    let (a1, daily) = (AssetKey::new(["a1"]), AssetKey::new(["some", "where", "daily"]));
    let mut asked = LaunchRequest { assets: vec![a1.clone(), daily], ..LaunchRequest::default() };
    let run = Double::default().prepares(asked.clone()).await?;
    assert_eq!(run.job.remote_job_origin.job_name, "__ASSET_JOB");
    assert_eq!(run.asset_selection.map(|assets| assets.as_slice().len()), Some(2));
    assert_eq!(run.asset_check_selection, None);
    // No checks is another thing than those of the assets.
    asked.checks = Some(Vec::new());
    let run = Double::default().prepares(asked.clone()).await?;
    assert_eq!(run.asset_check_selection.map(|checks| checks.as_slice().len()), Some(0));
    // Before 1.5 there was a job for each kind of partitions.
    let old = TEXT.trim_end().replacen("\"job_names\": [\"__ASSET_JOB\"]", "\"job_names\": []", 9);
    let text = Double { text: old, ..Double::default() }.refuses(asked).await;
    assert!(text.contains("they cannot run together"), "{text}");
    let unknown = LaunchRequest {
        checks: Some(vec![AssetCheckKey::new(a1, "no")]),
        ..LaunchRequest::default()
    };
    let text = Double::default().refuses(unknown).await;
    assert!(text.contains("check \"a1:no\" is not served by the code location \"loc\""), "{text}");
    Ok(())
}

#[tokio::test]
async fn ops_and_assets_contradict_each_other() {
    let double = Double::default();
    let both = LaunchRequest {
        ops: vec!["one".to_owned()],
        assets: vec![AssetKey::new(["a1"])],
        ..request("plain")
    };
    let text = double.refuses(both).await;
    assert!(text.contains("a run selects either ops, or assets and checks"), "{text}");
    assert!(double.asked().is_empty());
}

#[tokio::test]
async fn the_request_overrides_the_partition_and_that_the_job() -> TestResult {
    let double = Double::default();
    let mut asked = of_partition("part_job", "b");
    let run = double.prepares(asked.clone()).await?;
    assert_eq!(run.run_config, config("partition"));
    assert_eq!(run.tags["of"], "partition");
    asked.tags = [("both", "request")].map(|(key, value)| (key.into(), value.into())).into();
    asked.run_config = Some(config("request"));
    let run = double.prepares(asked).await?;
    assert_eq!(run.run_config, config("request"));
    let found: Vec<_> = run.tags.iter().map(|(key, value)| format!("{key}={value}")).collect();
    assert_eq!(found, ["both=request", "dagster/partition=b", "job=yes", "of=partition"]);
    Ok(())
}

#[tokio::test]
async fn a_key_that_there_is_not_is_refused_before_its_tags_are_asked() {
    let double = Double::default();
    let text = double.refuses(of_partition("part_job", "c")).await;
    assert!(text.contains("partition \"c\" is not served by the job \"part_job\""), "{text}");
    assert_eq!(double.asked(), ["job part_job", "keys"]);
}

/// The code cannot tell keys that are added at run time.
#[tokio::test]
async fn dynamic_keys_of_a_job_are_those_of_the_instance() -> TestResult {
    let text = "{\"external_partition_set_datas\": [{\"__class__\": \"ExternalPartitionSetData\", \
                \"external_partitions_data\": {\"__class__\": \"ExternalDynamicPartitionsDefinitionData\", \
                \"name\": \"tenants\"}, \"pipeline_name\": \"tenant_job\"}, {\"external_partitions_data\": null, \
                \"pipeline_name\": \"other\"}]}";
    let double = Double { text: text.to_owned(), partitions: None, ..Double::default() };
    let instance = TestInstance::default();
    let keys = ["t1".to_owned()];
    instance.dynamic_partition_store().add_dynamic_partitions("tenants", &keys).await?;
    let run = prepare(&instance, &double, of_partition("tenant_job", "t1")).await?;
    assert_eq!(run.tags[tags::PARTITION], "t1");
    let error = prepare(&instance, &double, of_partition("tenant_job", "t2")).await.err();
    let text = error.map(|error| chain(&error)).unwrap_or_default();
    assert!(text.contains("partition \"t2\"") && text.contains("partitions add"), "{text}");
    // Without a definition, the error of the code is all that is known.
    let text = double.refuses(of_partition("other", "t1")).await;
    assert!(text.contains("The instance is not available"), "{text}");
    Ok(())
}

#[tokio::test]
async fn the_whole_job_is_asked_only_if_it_is_not_stored() -> TestResult {
    let asked = LaunchRequest { ops: vec!["*one".to_owned()], ..request("plain") };
    let (double, instance) = (Double::default(), TestInstance::default());
    let run = prepare(&instance, &double, asked.clone()).await?;
    assert!(run.job.parent_job_snapshot.is_some());
    assert_eq!(double.asked(), ["part of plain", "job plain", "plan with {}", "id"]);
    instance.snapshot_store().add_job_snapshot(&job("plain")).await?;
    let double = Double::default();
    let run = prepare(&instance, &double, asked).await?;
    assert!(run.job.parent_job_snapshot.is_none());
    assert_eq!(double.asked(), ["part of plain", "plan with {}", "id"]);
    Ok(())
}

#[tokio::test]
async fn selected_ops_are_stored_in_dagsters_two_ways() -> TestResult {
    for (style, resolved) in
        [(None, "one"), (Some(LaunchStyle::CommandLine), "one"), (Some(LaunchStyle::Ui), "*one")]
    {
        let asked = LaunchRequest { ops: vec!["*one".to_owned()], style, ..request("plain") };
        let run = Double::default().prepares(asked).await?;
        assert_eq!(run.op_selection.as_deref(), Some(&["*one".to_owned()][..]));
        let found: Vec<_> =
            run.resolved_op_selection.iter().flat_map(FrozenSet::as_slice).collect();
        assert_eq!(found, [resolved], "{style:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_server_that_was_replaced_is_refused() {
    let double = Double { is_current: false, ..Double::default() };
    let text = double.refuses(request("plain")).await;
    assert!(text.contains("the server was replaced while it was asked"), "{text}");
}
