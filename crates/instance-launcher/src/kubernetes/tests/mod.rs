//! The launcher and a server that plays answers: what is sent, what is tried again, and what the run's events say.

mod server;

use std::sync::Arc;
use std::time::{Duration, Instant};

use instance_core::error::InstanceError;
use instance_core::ids::RunId;
use instance_core::instance_ref::InstanceRef;
use instance_core::launcher::{
    LaunchState, LaunchStateContext, RunWorkerDebugInfoContext, WorkerStatus,
};
use instance_core::ops::OwnedLauncherOps;
use instance_core::run::{DagsterRun, DagsterRunStatus};
use instance_core::serdes::deserialize_value;
use instance_core::settings::{KubernetesSettings, PostgresSettings, StorageSettings};
use instance_core::testing::instance::TestInstance;
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use super::api::{Api, Patience};
use super::{KubernetesRunLauncher, LauncherVariables};
use crate::by_origin::ByOrigin;
use crate::{
    DefaultRunCoordinator, can_resume_run, cancel_run, check_run_worker_health, resume_run,
    submit_run,
};
use server::{Answer, Requests, ok, refused, serve};

const RUN_ID: &str = "0a1b2c3d-4e5f-6789-abcd-ef0123456789";

const CODE: &str = r#"{"__class__": "PipelinePythonOrigin", "pipeline_name": "job", "repository_origin":
    {"__class__": "RepositoryPythonOrigin", "code_pointer": {"__class__": "ModuleCodePointer", "fn_name": "defs",
        "module": "shop", "working_directory": null}, "container_context": {"k8s": {"namespace": "ns"}},
        "container_image": "img:7", "entry_point": ["dagster"], "executable_path": "/usr/bin/python3"}}"#;

/// What other processes open the instance by. It is what Dagster has for a home without a file.
const REFERENCE: &str = include_str!("reference.json");

/// A patience that tests wait for.
const PATIENCE: Patience =
    Patience { answer: Duration::from_millis(300), pause: Duration::from_millis(20), retries: 3 };

/// An instance in Postgres, as it says, whose launcher gets these answers.
async fn instance(answers: Vec<Answer>) -> (TestInstance, Requests) {
    let (client, requests) = serve(answers).await;
    let launcher = KubernetesRunLauncher {
        settings: KubernetesSettings::new("sa", "cm"),
        variables: LauncherVariables::default(),
        patience: PATIENCE,
        api: OnceCell::new_with(Some(Api::new(client, PATIENCE))),
    };
    let mut instance = TestInstance::default()
        .with_run_coordinator(DefaultRunCoordinator)
        .with_run_launcher(launcher);
    let reference: InstanceRef = deserialize_value(REFERENCE).expect("a reference");
    let settings = instance.settings.with_instance_ref(reference);
    instance.settings =
        Box::new(settings.with_storage(StorageSettings::postgres(PostgresSettings::new())));
    (instance, requests)
}

async fn add_run(instance: &TestInstance, status: DagsterRunStatus) -> RunId {
    let mut run = DagsterRun::new(RUN_ID.into(), "job");
    run.status = status;
    run.job_code_origin = deserialize_value(CODE).expect("an origin");
    instance.add_run(run).await;
    RunId::from(RUN_ID)
}

fn lines(requests: &Requests) -> Vec<String> {
    requests.lock().expect("requests").iter().map(|(line, _)| line.clone()).collect()
}

const CREATE: &str = "POST /apis/batch/v1/namespaces/ns/jobs?";

/// The names of the lines that are the same, and how often.
fn creations(requests: &Requests) -> usize {
    let lines = lines(requests);
    assert!(
        lines.iter().all(|line| line.trim_end_matches('?') == CREATE.trim_end_matches('?')),
        "{lines:?}"
    );
    lines.len()
}

#[tokio::test]
async fn a_run_is_launched_as_a_job() {
    let (instance, requests) = instance(vec![ok(json!({"kind": "Job"}))]).await;
    let run_id = add_run(&instance, DagsterRunStatus::NotStarted).await;
    submit_run(&instance, &run_id).await.expect("launched");
    assert_eq!(creations(&requests), 1);
    let body: Value =
        serde_json::from_slice(&requests.lock().expect("requests")[0].1).expect("JSON");
    assert_eq!(body["metadata"]["name"], format!("dagster-run-{RUN_ID}"));
    assert_eq!(
        instance.messages(&run_id)[1..],
        [
            "[K8sRunLauncher] Creating Kubernetes run worker job",
            "[K8sRunLauncher] Kubernetes run worker job created"
        ]
    );
    assert_eq!(instance.run(&run_id).await.tags["dagster/image"], "img:7");
}

#[tokio::test]
async fn what_may_pass_is_tried_again_and_a_job_that_is_there_then_is_ours() {
    let conflict = || refused(409, "AlreadyExists", "jobs.batch \"x\" already exists");
    for answers in [
        vec![refused(503, "ServiceUnavailable", "later"), ok(json!({}))],
        vec![Answer::Broken, conflict()],
        vec![Answer::Silence, conflict()],
        vec![
            refused(401, "Unauthorized", "no"),
            refused(500, "InternalError", "no"),
            Answer::Broken,
            ok(json!({})),
        ],
    ] {
        let count = answers.len();
        let (instance, requests) = instance(answers).await;
        let run_id = add_run(&instance, DagsterRunStatus::NotStarted).await;
        let started = Instant::now();
        submit_run(&instance, &run_id).await.expect("launched");
        assert_eq!(creations(&requests), count);
        let pauses = u32::try_from(count - 1).expect("a few");
        assert!(started.elapsed() >= PATIENCE.pause * pauses);
        assert!(instance.messages(&run_id).iter().any(|message| message.ends_with("job created")));
    }
}

/// A command is a process, whatever the instance does with real code, and ends with its worker.
#[tokio::test]
async fn a_command_cannot_be_resumed_where_jobs_can() {
    let (mut instance, _) = instance(Vec::new()).await;
    let settings = KubernetesSettings::new("sa", "cm");
    let jobs = KubernetesRunLauncher::new(settings, LauncherVariables::default());
    instance.run_launcher = Arc::new(ByOrigin::jobs(jobs));
    let of_code = add_run(&instance, DagsterRunStatus::Started).await;
    let command = DagsterRun::new("1a1b2c3d-4e5f-6789-abcd-ef0123456789".into(), "job");
    let of_command = command.run_id.clone();
    instance.add_run(command).await;
    assert!(can_resume_run(&instance, &of_code).await.expect("an answer"));
    assert!(!can_resume_run(&instance, &of_command).await.expect("an answer"));
}

async fn failure(answers: Vec<Answer>) -> (String, usize) {
    let (instance, requests) = instance(answers).await;
    let run_id = add_run(&instance, DagsterRunStatus::NotStarted).await;
    let error = submit_run(&instance, &run_id).await.expect_err("refused");
    assert!(matches!(error, InstanceError::Launch { .. }), "{error:?}");
    assert_eq!(instance.run(&run_id).await.status, DagsterRunStatus::Failure);
    assert!(!instance.messages(&run_id).iter().any(|message| message.ends_with("job created")));
    let text = super::chain(&error);
    // The reason is among the events of the run, too.
    let entries = instance.entries(&run_id).await;
    let stored: Vec<_> = entries.iter().map(|entry| format!("{entry:?}")).collect();
    let said = text.rsplit(": ").next().expect("a reason").to_owned();
    let said = format!("{said:?}").trim_matches('"').to_owned();
    assert!(stored.join("").contains(&said), "{said}: {stored:?}");
    (text, creations(&requests))
}

#[tokio::test]
async fn a_job_that_is_refused_fails_the_run_with_the_reason() {
    let reason = "jobs.batch is forbidden: User \"me\" cannot create resource \"jobs\"";
    let (text, tries) = failure(vec![refused(403, "Forbidden", reason)]).await;
    assert!(text.contains(reason) && text.contains("403 Forbidden"), "{text}");
    assert_eq!(tries, 1);
    // A name that is taken at the first try is not ours.
    let (text, tries) = failure(vec![refused(409, "AlreadyExists", "it already exists")]).await;
    assert!(text.contains("409"), "{text}");
    assert_eq!(tries, 1);
    let (text, tries) =
        failure(vec![refused(422, "Invalid", "metadata.labels: Invalid value")]).await;
    assert!(text.contains("metadata.labels"), "{text}");
    assert_eq!(tries, 1);
}

#[tokio::test]
async fn patience_has_an_end() {
    let busy = || refused(504, "Timeout", "the server is busy");
    let (text, tries) = failure((0..9).map(|_| busy()).collect()).await;
    assert!(
        text.contains("Retry limit of 3 exceeded") && text.contains("the server is busy"),
        "{text}"
    );
    assert_eq!(tries, 4);
}

#[tokio::test]
async fn a_run_that_is_resumed_has_another_job_and_the_newest_is_asked() {
    let answers = vec![ok(json!({})), ok(json!({"status": {"active": 1}}))];
    let (instance, requests) = instance(answers).await;
    let run_id = add_run(&instance, DagsterRunStatus::Started).await;
    resume_run(&instance, &run_id, 1).await.expect("resumed");
    let body: Value =
        serde_json::from_slice(&requests.lock().expect("requests")[0].1).expect("JSON");
    assert_eq!(body["metadata"]["name"], format!("dagster-run-{RUN_ID}-1"));
    assert_eq!(body["spec"]["template"]["spec"]["containers"][0]["args"][2], "resume_run");
    let health = check_run_worker_health(&instance, &run_id).await.expect("a status");
    assert_eq!(health.status, WorkerStatus::Running);
    let asked = format!("GET /apis/batch/v1/namespaces/ns/jobs/dagster-run-{RUN_ID}-1/status");
    assert_eq!(lines(&requests)[1].trim_end_matches('?'), asked);
}

#[tokio::test]
async fn the_health_is_what_the_job_says_or_not_known() {
    let busy = || refused(503, "ServiceUnavailable", "later");
    for (answers, expect) in [
        (vec![refused(404, "NotFound", "no")], "UNKNOWN: 'Job dagster-run-"),
        (vec![ok(json!({"status": {"failed": 1}}))], "FAILED: 'Run has not completed but"),
        (vec![busy(), busy(), ok(json!({"status": {}}))], "RUNNING: 'None'"),
        (vec![busy(), busy(), busy(), busy()], "UNKNOWN: 'Retry limit of 3 exceeded: "),
        (vec![refused(403, "Forbidden", "you may not")], "UNKNOWN: 'the API of Kubernetes refused"),
        (vec![Answer::Broken], "UNKNOWN: 'the API of Kubernetes could not be asked"),
        (vec![Answer::Silence], "UNKNOWN: 'the API of Kubernetes did not answer within 0.3 s"),
    ] {
        let count = answers.len();
        let (instance, requests) = instance(answers).await;
        let run_id = add_run(&instance, DagsterRunStatus::Started).await;
        let health = check_run_worker_health(&instance, &run_id).await.expect("a status");
        assert!(health.to_string().starts_with(expect), "{health}");
        assert_eq!(lines(&requests).len(), count, "{expect}");
    }
}

/// What the launcher says of a launch whose outcome nobody knows, or its error, and how often the cluster was asked.
async fn launch_state(answers: Vec<Answer>) -> (Result<LaunchState, String>, usize) {
    let (instance, requests) = instance(answers).await;
    let run_id = add_run(&instance, DagsterRunStatus::Starting).await;
    let context =
        LaunchStateContext::new(instance.run(&run_id).await, instance.owned_launcher_ops());
    let state = instance.run_launcher.launch_state(context).await;
    let lines = lines(&requests);
    let asked = format!("GET /apis/batch/v1/namespaces/ns/jobs/dagster-run-{RUN_ID}/status");
    assert!(lines.iter().all(|line| line.trim_end_matches('?') == asked), "{lines:?}");
    (state.map_err(|error| super::chain(&*error)), lines.len())
}

#[tokio::test]
async fn a_run_was_launched_if_its_job_is_there_and_not_if_it_is_not() {
    let busy = || refused(503, "ServiceUnavailable", "later");
    for status in [json!({}), json!({"active": 1}), json!({"failed": 1}), json!({"succeeded": 1})] {
        let answers = vec![busy(), ok(json!({"status": status}))];
        assert_eq!(launch_state(answers).await, (Ok(LaunchState::Launched), 2), "{status}");
    }
    let gone = refused(404, "NotFound", "no");
    let not_launched = LaunchState::NotLaunched { answered_by: None };
    assert_eq!(launch_state(vec![gone]).await, (Ok(not_launched), 1));
    // A cluster that does not answer knows of nothing.
    for (answers, expect) in [
        (vec![busy(), busy(), busy(), busy()], "Retry limit of 3 exceeded"),
        (vec![refused(403, "Forbidden", "you may not")], "the API of Kubernetes refused"),
        (vec![Answer::Broken], "the API of Kubernetes could not be asked"),
    ] {
        let count = answers.len();
        let (state, asked) = launch_state(answers).await;
        let error = state.expect_err("nobody knows");
        assert!(error.contains(expect), "{error}");
        assert_eq!(asked, count, "{expect}");
    }
}

/// A run that is a command is none of the cluster.
#[tokio::test]
async fn the_launch_of_a_command_is_not_asked_of_the_cluster() {
    let (mut instance, requests) = instance(Vec::new()).await;
    let settings = KubernetesSettings::new("sa", "cm");
    let jobs = KubernetesRunLauncher::new(settings, LauncherVariables::default());
    instance.run_launcher = Arc::new(ByOrigin::jobs(jobs));
    let command = DagsterRun::new(RUN_ID.into(), "job");
    instance.add_run(command.clone()).await;
    let context = LaunchStateContext::new(command, instance.owned_launcher_ops());
    let state = instance.run_launcher.launch_state(context).await.expect("an answer");
    assert_eq!((state, lines(&requests).len()), (LaunchState::Unknown, 0));
}

fn pods(names: &[&str]) -> Answer {
    let pods: Vec<_> = names.iter().map(|name| json!({"metadata": {"name": name}})).collect();
    ok(json!({"items": pods}))
}

#[tokio::test]
async fn a_run_is_stopped_by_deleting_its_job_and_its_pods() {
    let gone = || refused(404, "NotFound", "no");
    let forbidden = || refused(403, "Forbidden", "you may not");
    let said = "[K8sRunLauncher] Run was ";
    for (answers, answer, message) in [
        (
            vec![pods(&["a", "b"]), ok(json!({})), ok(json!({})), ok(json!({}))],
            true,
            "terminated successfully.",
        ),
        (vec![pods(&[]), gone()], false, "not terminated successfully; delete_job returned False"),
        (
            vec![pods(&["a"]), ok(json!({})), gone()],
            false,
            "not terminated successfully; delete_job returned False",
        ),
        // What can be deleted is.
        (
            vec![pods(&["a"]), forbidden(), ok(json!({}))],
            false,
            "not terminated successfully; encountered error in delete_job",
        ),
        (vec![forbidden()], false, "not terminated successfully; encountered error in delete_job"),
    ] {
        let count = answers.len();
        let (instance, requests) = instance(answers).await;
        let run_id = add_run(&instance, DagsterRunStatus::Started).await;
        assert_eq!(cancel_run(&instance, &run_id).await.expect("asked"), answer, "{message}");
        let messages = instance.messages(&run_id);
        assert_eq!(
            messages,
            ["Sending run termination request.".to_owned(), format!("{said}{message}")]
        );
        assert_eq!(instance.run(&run_id).await.status, DagsterRunStatus::Canceling);
        let lines = lines(&requests);
        assert_eq!(lines.len(), count, "{lines:?}");
        assert!(
            lines[0].contains(&format!("labelSelector=job-name%3Ddagster-run-{RUN_ID}")),
            "{lines:?}"
        );
        let deleted = lines[1..].iter().map(|line| line.trim_end_matches('?'));
        assert!({ deleted }.all(|line| line.starts_with("DELETE ")), "{lines:?}");
    }
}

async fn debug_info(answers: Vec<Answer>) -> String {
    let (instance, _) = instance(answers).await;
    let run_id = add_run(&instance, DagsterRunStatus::Started).await;
    let run = instance.run(&run_id).await;
    let context = RunWorkerDebugInfoContext::new(run, instance.owned_launcher_ops());
    let info = instance.run_launcher.get_run_worker_debug_info(context).await;
    info.expect("an answer").expect("a text")
}

#[tokio::test]
async fn debug_info_tells_of_pods_their_logs_and_their_warnings() {
    let pod = |name: &str, created: &str, status: Value| {
        json!({"metadata": {"name": name, "creationTimestamp": created},
            "spec": {"containers": [{"name": "dagster"}, {"name": "side"}]}, "status": status})
    };
    let ended = json!({"phase": "Failed", "message": "evicted", "containerStatuses": [
        {"name": "dagster", "state": {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}},
        {"name": "side", "state": {"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}}}]});
    let list = json!({"items": [
        pod("old", "2026-11-28T10:00:00Z", json!({"phase": "Pending"})),
        pod("new", "2026-11-28T11:00:00Z", ended)]});
    let events = json!({"items": [
        {"type": "Normal", "reason": "Pulled", "message": "image"},
        {"type": "Warning", "reason": "BackOff", "message": "restarting", "count": 3},
        {"type": "Warning", "reason": "Failed", "message": "exec"}]});
    let info = debug_info(vec![
        ok(list),
        Answer::Text("line 1\nexec format error\n"),
        ok(events),
        refused(403, "Forbidden", "you may not"),
    ])
    .await;
    insta::assert_snapshot!(info);
}

#[tokio::test]
async fn debug_info_tells_of_a_job_without_pods() {
    let job = json!({"status": {"startTime": "2026-11-28T10:00:00Z", "failed": 1}});
    let events = json!({"items": [{"type": "Warning", "reason": "FailedCreate", "message": "quota exceeded"}]});
    insta::assert_snapshot!(debug_info(vec![pods(&[]), ok(job), ok(events)]).await);
    let none = debug_info(vec![pods(&[]), refused(404, "NotFound", "no")]).await;
    assert!(none.contains("Could not find job dagster-run-"), "{none}");
}

#[tokio::test]
async fn an_instance_in_files_is_refused_before_anything_is_sent() {
    let (mut instance, requests) = instance(Vec::new()).await;
    let files = StorageSettings::sqlite_below("/home/of/test".as_ref());
    *instance.settings = instance.settings.clone().with_storage(files);
    let run_id = add_run(&instance, DagsterRunStatus::NotStarted).await;
    let error = submit_run(&instance, &run_id).await.expect_err("refused");
    let text = super::chain(&error);
    assert!(text.contains("a pod cannot reach the SQLite files"), "{text}");
    assert!(lines(&requests).is_empty());
}
