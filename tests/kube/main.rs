//! Runs as Jobs of Kubernetes, against a real API server with its controllers. `cargo xtask kube` builds these programs and
//! runs this; no step of the gate does.
#![expect(clippy::expect_used, clippy::panic, reason = "a failed expectation is a failed test")]

mod cluster;

use std::time::{Duration, Instant};

use cluster::{ADMIN, Cluster, NOBODY};
use instance_core::ids::RunId;
use instance_core::instance_ref::InstanceRef;
use instance_core::launcher::{RunWorkerDebugInfoContext, WorkerStatus};
use instance_core::ops::OwnedLauncherOps;
use instance_core::run::{DagsterRun, DagsterRunStatus};
use instance_core::serdes::deserialize_value;
use instance_core::settings::{KubernetesSettings, PostgresSettings, StorageSettings};
use instance_core::testing::instance::TestInstance;
use instance_launcher::{
    DefaultRunCoordinator, KubernetesRunLauncher, LauncherVariables, cancel_run,
    check_run_worker_health, resume_run, submit_run,
};
use serde_json::{Value, json};

const JOBS: &str = "/apis/batch/v1/namespaces/default/jobs";
const PODS: &str = "/api/v1/namespaces/default/pods";

const RUN_ID: &str = "0a1b2c3d-4e5f-6789-abcd-ef0123456789";

const CODE: &str = r#"{"__class__": "PipelinePythonOrigin", "pipeline_name": "my job", "repository_origin":
    {"__class__": "RepositoryPythonOrigin", "code_pointer": {"__class__": "ModuleCodePointer", "fn_name": "defs",
        "module": "shop", "working_directory": null}, "container_context": {"env_vars": ["A=1"]},
        "container_image": "img:7", "entry_point": ["dagster"], "executable_path": "/usr/bin/python3"}}"#;

const REFERENCE: &str =
    include_str!("../../crates/instance-launcher/src/kubernetes/tests/reference.json");

/// An instance whose launcher is this user of the cluster, and a run.
async fn instance(
    cluster: &Cluster,
    user: &str,
    status: DagsterRunStatus,
) -> (TestInstance, RunId) {
    let mut settings = KubernetesSettings::new("sa", "cm");
    settings.load_incluster_config = false;
    settings.kubeconfig_file = Some(cluster.kubeconfig(user).display().to_string());
    settings.k8s_api_ssl_ca_cert_file = Some(cluster.certificate().display().to_string());
    settings.labels.insert("team".to_owned(), "x".to_owned());
    let launcher = KubernetesRunLauncher::new(settings, LauncherVariables::default());
    let mut instance = TestInstance::default()
        .with_run_coordinator(DefaultRunCoordinator)
        .with_run_launcher(launcher);
    let reference: InstanceRef = deserialize_value(REFERENCE).expect("a reference");
    let settings = instance.settings.clone().with_instance_ref(reference);
    *instance.settings = settings.with_storage(StorageSettings::postgres(PostgresSettings::new()));
    let mut run = DagsterRun::new(RUN_ID.into(), "my job");
    run.status = status;
    run.job_code_origin = deserialize_value(CODE).expect("an origin");
    let config = json!({"container_config": {"resources": {"limits": {"cpu": 1}}},
        "pod_template_spec_metadata": {"labels": {"pl": "1"}}, "job_spec_config": {"ttlSecondsAfterFinished": 1}});
    run.tags.insert("dagster-k8s/config".to_owned(), config.to_string());
    instance.add_run(run).await;
    (instance, RunId::from(RUN_ID))
}

fn job_name() -> String {
    format!("dagster-run-{RUN_ID}")
}

fn job_path() -> String {
    format!("{JOBS}/{}", job_name())
}

/// Waits for the pod that the controller makes for a Job.
async fn pod_of(cluster: &Cluster, job: &str) -> String {
    let of_job = |pod: &Value| pod["metadata"]["labels"]["job-name"] == *job;
    let items = |pods: &Value| pods["items"].as_array().cloned().unwrap_or_default();
    let pods = cluster.wait(PODS, |pods| items(pods).iter().any(of_job)).await;
    let pod = items(&pods).into_iter().find(of_job).expect("a pod");
    pod["metadata"]["name"].as_str().expect("a name").to_owned()
}

#[tokio::test]
async fn a_run_is_a_job_with_a_pod_and_is_cancelled() {
    let cluster = Cluster::start().await;
    let (instance, run_id) = instance(&cluster, ADMIN, DagsterRunStatus::NotStarted).await;
    submit_run(&instance, &run_id).await.expect("launched");
    let job = cluster.get(&job_path()).await.expect("a Job");
    let labels = &job["metadata"]["labels"];
    assert_eq!(labels["dagster/run-id"], RUN_ID, "{labels}");
    assert_eq!(labels["dagster/job"], "my-job");
    assert_eq!(labels["team"], "x");
    assert_eq!(job["spec"]["ttlSecondsAfterFinished"], 1);
    assert_eq!(job["spec"]["backoffLimit"], 0);
    let pod = pod_of(&cluster, &job_name()).await;
    let pod = cluster.get(&format!("{PODS}/{pod}")).await.expect("a pod");
    assert_eq!(pod["metadata"]["labels"]["pl"], "1");
    let container = &pod["spec"]["containers"][0];
    assert_eq!(container["image"], "img:7");
    assert_eq!(container["resources"]["limits"]["cpu"], "1");
    assert_eq!(container["args"][2], "execute_run");
    let health = check_run_worker_health(&instance, &run_id).await.expect("a status");
    assert_eq!(health.status, WorkerStatus::Running, "{health}");

    assert!(
        cancel_run(&instance, &run_id).await.expect("asked"),
        "{:?}",
        instance.messages(&run_id)
    );
    let messages = instance.messages(&run_id);
    assert!(
        messages.iter().any(|text| text == "[K8sRunLauncher] Run was terminated successfully."),
        "{messages:?}"
    );
    cluster.wait(JOBS, |jobs| jobs["items"] == json!([])).await;
    cluster.wait(PODS, |pods| pods["items"] == json!([])).await;
    let health = check_run_worker_health(&instance, &run_id).await.expect("a status");
    assert_eq!(health.to_string(), format!("UNKNOWN: 'Job {} could not be found'", job_name()));
    // There is nothing left to be deleted.
    assert!(!cancel_run(&instance, &run_id).await.expect("asked"));
}

#[tokio::test]
async fn a_run_whose_pod_is_lost_is_resumed_by_another_job() {
    let cluster = Cluster::start().await;
    let (instance, run_id) = instance(&cluster, ADMIN, DagsterRunStatus::NotStarted).await;
    submit_run(&instance, &run_id).await.expect("launched");
    let pod = pod_of(&cluster, &job_name()).await;
    let ended = json!({"terminated": {"exitCode": 137, "reason": "OOMKilled"}});
    let status = json!({"phase": "Failed", "message": "evicted", "containerStatuses": [{"name": "dagster", "state": ended,
        "ready": false, "restartCount": 0, "image": "img:7", "imageID": ""}]});
    cluster.set_pod_status(&pod, &status).await;
    // The worker would have reported its start.
    let mut run = instance.run(&run_id).await;
    cluster.wait(&job_path(), |job| job["status"]["failed"] == 1).await;
    run.status = DagsterRunStatus::Starting;
    let health = check_run_worker_health(&instance, &run_id).await.expect("a status");
    assert_eq!(health.to_string(), "FAILED: 'K8s job failed'");
    let context = RunWorkerDebugInfoContext::new(run, instance.owned_launcher_ops());
    let info =
        instance.run_launcher.get_run_worker_debug_info(context.without_container_logs()).await;
    let info = info.expect("an answer").expect("a text");
    assert!(info.contains(&format!("Debug information for pod {pod}:")), "{info}");
    assert!(info.contains("Pod status: Failed: evicted"), "{info}");
    assert!(
        info.contains("Container 'dagster' status: Terminated with exit code 137: OOMKilled"),
        "{info}"
    );
    assert!(info.contains("No warning events for pod."), "{info}");

    resume_run(&instance, &run_id, 1).await.expect("resumed");
    let second = format!("{}-1", job_name());
    let pod = pod_of(&cluster, &second).await;
    let pod = cluster.get(&format!("{PODS}/{pod}")).await.expect("a pod");
    assert_eq!(pod["spec"]["containers"][0]["args"][2], "resume_run");
    let health = check_run_worker_health(&instance, &run_id).await.expect("a status");
    assert_eq!(health.status, WorkerStatus::Running, "{health}");
    // The Job of the first worker has ended for longer than it is kept.
    cluster.wait(JOBS, |jobs| jobs["items"].as_array().is_some_and(|jobs| jobs.len() == 1)).await;
    assert!(cancel_run(&instance, &run_id).await.expect("asked"));
    cluster.wait(JOBS, |jobs| jobs["items"] == json!([])).await;
}

/// Launches a run that is refused; returns the error and what the run's events say.
async fn refused(instance: &TestInstance, run_id: &RunId) -> String {
    let error = submit_run(instance, run_id).await.expect_err("refused");
    assert_eq!(instance.run(run_id).await.status, DagsterRunStatus::Failure);
    let entries = instance.entries(run_id).await;
    let stored: Vec<_> = entries.iter().map(|entry| format!("{entry:?}")).collect();
    format!("{error:?}\n{}", stored.join("\n"))
}

#[tokio::test]
async fn who_has_no_rights_is_told_so() {
    let cluster = Cluster::start().await;
    let (instance, run_id) = instance(&cluster, NOBODY, DagsterRunStatus::NotStarted).await;
    let text = refused(&instance, &run_id).await;
    let (_, stored) = text.split_once('\n').expect("events");
    assert!(
        stored.contains("403 Forbidden") && stored.contains("cannot create resource"),
        "{text}"
    );
    let jobs = cluster.get(JOBS).await.expect("Jobs");
    assert_eq!(jobs["items"], json!([]));
    let health = check_run_worker_health(&instance, &run_id).await.expect("a status");
    assert!(health.to_string().starts_with("UNKNOWN: 'the API of Kubernetes refused"), "{health}");
}

#[tokio::test]
async fn a_quota_that_is_used_up_is_the_reason() {
    let cluster = Cluster::start().await;
    let quota = json!({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "no-jobs"},
        "spec": {"hard": {"count/jobs.batch": "0"}}});
    let path = "/api/v1/namespaces/default/resourcequotas";
    cluster.create(path, &quota).await;
    cluster.wait(path, |quotas| quotas["items"][0]["status"]["hard"].is_object()).await;
    let (instance, run_id) = instance(&cluster, ADMIN, DagsterRunStatus::NotStarted).await;
    let text = refused(&instance, &run_id).await;
    assert!(text.contains("exceeded quota: no-jobs"), "{text}");
}

#[tokio::test]
async fn a_job_that_a_broken_try_has_made_is_taken_for_ours() {
    let mut cluster = Cluster::start().await;
    // The Job that the first try will have made, though it was not told so.
    let (first, run_id) = instance(&cluster, ADMIN, DagsterRunStatus::NotStarted).await;
    submit_run(&first, &run_id).await.expect("launched");
    let job = cluster.get(&job_path()).await.expect("a Job");
    let (second, run_id) = instance(&cluster, ADMIN, DagsterRunStatus::NotStarted).await;
    cluster.kill_api();
    let submitted = async {
        let started = Instant::now();
        submit_run(&second, &run_id).await.expect("launched");
        started.elapsed()
    };
    let restarted = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        cluster.start_api().await;
    };
    let (elapsed, ()) = tokio::join!(submitted, restarted);
    assert!(elapsed >= Duration::from_secs(10), "{elapsed:?}");
    let found = cluster.get(&job_path()).await.expect("a Job");
    assert_eq!(found["metadata"]["uid"], job["metadata"]["uid"]);
    // At the first try, it is somebody else's.
    let (third, run_id) = instance(&cluster, ADMIN, DagsterRunStatus::NotStarted).await;
    let text = refused(&third, &run_id).await;
    assert!(text.contains("409 AlreadyExists"), "{text}");
}

#[tokio::test]
async fn an_api_server_that_is_gone_says_nothing_of_the_worker() {
    let mut cluster = Cluster::start().await;
    let (instance, run_id) = instance(&cluster, ADMIN, DagsterRunStatus::NotStarted).await;
    submit_run(&instance, &run_id).await.expect("launched");
    let health =
        || async { check_run_worker_health(&instance, &run_id).await.expect("a status").status };
    assert_eq!(health().await, WorkerStatus::Running);
    cluster.kill_api();
    assert_eq!(health().await, WorkerStatus::Unknown);
    cluster.start_api().await;
    assert_eq!(health().await, WorkerStatus::Running);
}

#[tokio::test]
async fn debug_info_has_the_events_of_a_job_without_pods() {
    let cluster = Cluster::start().await;
    let quota = json!({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "no-pods"},
        "spec": {"hard": {"pods": "0"}}});
    let path = "/api/v1/namespaces/default/resourcequotas";
    cluster.create(path, &quota).await;
    cluster.wait(path, |quotas| quotas["items"][0]["status"]["hard"].is_object()).await;
    let (instance, run_id) = instance(&cluster, ADMIN, DagsterRunStatus::NotStarted).await;
    submit_run(&instance, &run_id).await.expect("launched");
    let events = "/api/v1/namespaces/default/events";
    let is_there = |events: &Value| events.to_string().contains("exceeded quota: no-pods");
    cluster.wait(events, is_there).await;
    let run = instance.run(&run_id).await;
    let context = RunWorkerDebugInfoContext::new(run, instance.owned_launcher_ops());
    let info = instance.run_launcher.get_run_worker_debug_info(context).await;
    let info = info.expect("an answer").expect("a text");
    assert!(info.contains(&format!("Debug information for job {}:", job_name())), "{info}");
    assert!(info.contains("FailedCreate") && info.contains("exceeded quota: no-pods"), "{info}");
}
