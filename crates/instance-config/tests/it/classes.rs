//! The sections that name classes, but for the stores.

use std::path::PathBuf;
use std::time::Duration;

use instance_core::settings::{
    ComputeLogSettings, DaemonSchedulerSettings, DefsStateSettings, KubernetesSettings,
    LocalArtifactSettings, LocalComputeLogSettings, QueuedRunCoordinatorSettings,
    RunCoordinatorSettings, RunLauncherSettings, S3ComputeLogSettings, SchedulerSettings,
    SecretsSettings, TagConcurrencyLimit, TagLimitValue,
};

use crate::support::{load, loaded, refused};

fn compute_logs(class: &str) -> ComputeLogSettings {
    loaded(&format!("compute_logs: {{{class}}}\n")).compute_logs
}

fn coordinator(class: &str) -> RunCoordinatorSettings {
    loaded(&format!("run_coordinator: {{{class}}}\n")).run_coordinator
}

#[test]
fn captured_logs() {
    let local = "module: dagster.core.storage.local_compute_log_manager, class: LocalComputeLogManager, config: ";
    assert_eq!(
        compute_logs(&format!("{local}{{base_dir: ~/logs, polling_timeout: 1}}")),
        ComputeLogSettings::Local(
            LocalComputeLogSettings::new("~/logs").with_polling_timeout(Duration::from_secs(1))
        )
    );
    let noop =
        "module: dagster.core.storage.noop_compute_log_manager, class: NoOpComputeLogManager";
    assert_eq!(compute_logs(noop), ComputeLogSettings::NoOp);
    let gcs = "module: dagster_gcp.gcs.compute_log_manager, class: GCSComputeLogManager, config: {bucket: {env: MISSING}}";
    let ComputeLogSettings::Other(class) = compute_logs(gcs) else { panic!("no other class") };
    assert_eq!(class.to_string(), "dagster_gcp.gcs.compute_log_manager.GCSComputeLogManager");
    assert_eq!(class.config["bucket"]["env"], "MISSING");
}

const S3: &str = "module: dagster_aws.s3.compute_log_manager, class: S3ComputeLogManager, config: ";

#[test]
fn captured_logs_in_s3() {
    let s3 = |config: &str| match compute_logs(&format!("{S3}{config}")) {
        ComputeLogSettings::S3(s3) => *s3,
        other => panic!("{config}: {other:?}"),
    };
    let default = S3ComputeLogSettings::new("logs");
    assert_eq!(s3("{bucket: logs}"), default);
    let short = format!("{S3}{{bucket: logs}}").replace(".compute_log_manager", "");
    assert_eq!(compute_logs(&short), ComputeLogSettings::s3(default.clone()));
    let all = "{bucket: logs, local_dir: {env: BASE}, prefix: a/b, use_ssl: false, verify: false, \
               verify_cert_path: /c.pem, endpoint_url: 'http://minio:9000', skip_empty_files: true, upload_interval: \
               30, upload_extra_args: {ACL: private, Metadata: {env: BASE}}, show_url_only: true, region: eu-west-1}";
    let arguments = serde_json::json!({"ACL": "private", "Metadata": {"env": "BASE"}});
    let expected = default
        .clone()
        .with_local_dir("/from/env")
        .with_prefix("a/b")
        .with_use_ssl(false)
        .with_verify(false)
        .with_verify_cert_path(PathBuf::from("/c.pem"))
        .with_endpoint_url("http://minio:9000".to_owned())
        .with_skip_empty_files(true)
        .with_upload_interval(Duration::from_secs(30))
        .with_upload_extra_args(arguments.as_object().cloned().unwrap_or_default())
        .with_show_url_only(true)
        .with_region("eu-west-1".to_owned());
    assert_eq!(s3(all), expected);
    // Dagster takes these for what is not said.
    assert_eq!(s3("{bucket: logs, local_dir: {env: EMPTY}, upload_interval: 0}"), default);
    assert_eq!(s3("{bucket: logs, upload_interval: null}"), default);
    assert_eq!(s3("{bucket: logs, prefix: ''}"), default.with_prefix(""));
}

/// The instance opens; whoever needs its captured logs gets the error.
#[test]
fn a_mistake_in_s3_is_kept_with_its_key_and_without_secrets() {
    for (config, key) in [
        ("{}", "bucket"),
        ("{bucket: {env: MISSING}}", "bucket"),
        ("{bucket: 'arn:aws:s3:eu-west-1:1:accesspoint/x'}", "bucket"),
        ("{bucket: b, buckets: b}", "buckets"),
        ("{bucket: b, local_dir: null}", "local_dir"),
        ("{bucket: b, use_ssl: {env: FALSE_TEXT}}", "use_ssl"),
        ("{bucket: b, verify: 'no'}", "verify"),
        ("{bucket: b, verify_cert_path: ''}", "verify_cert_path"),
        ("{bucket: b, endpoint_url: 'minio:9000'}", "endpoint_url"),
        ("{bucket: b, endpoint_url: 'https://u:secret@minio'}", "endpoint_url"),
        ("{bucket: b, skip_empty_files: 1}", "skip_empty_files"),
        ("{bucket: b, upload_interval: -1}", "upload_interval"),
        ("{bucket: b, upload_interval: 1.5}", "upload_interval"),
        ("{bucket: b, upload_extra_args: [{SSECustomerKey: secret}]}", "upload_extra_args"),
        ("{bucket: b, show_url_only: null}", "show_url_only"),
        ("{bucket: b, region: 1}", "region"),
    ] {
        let found = compute_logs(&format!("{S3}{config}"));
        let ComputeLogSettings::Unusable(problems) = found else { panic!("{config}: {found:?}") };
        let text = problems.to_string();
        assert!(text.contains(&format!("compute_logs.config.{key}")), "{config}: {text}");
        assert!(!text.contains("secret"), "{text}");
    }
}

/// Dagster opens the instance, too, and fails when it needs the part.
#[test]
fn a_mistake_in_what_is_needed_later_is_kept_until_then() {
    let local = "module: dagster.core.storage.local_compute_log_manager, class: LocalComputeLogManager, config: ";
    for config in ["{base_dir: {env: MISSING}}", "{}", "{base_dir: /a, dir: b}"] {
        let found = compute_logs(&format!("{local}{config}"));
        let ComputeLogSettings::Unusable(problems) = found else { panic!("{config}") };
        assert!(problems.to_string().contains("compute_logs.config."), "{problems}");
    }
    let kind = compute_logs("module: dagster, class: QueuedRunCoordinator");
    assert!(matches!(kind, ComputeLogSettings::Unusable(_)), "{kind:?}");
    let queued = "module: dagster, class: QueuedRunCoordinator, config: ";
    for config in [
        "{max_concurrent_runs: -2}",
        "{max_concurent_runs: 1}",
        "{dequeue_num_workers: {env: MISSING}}",
        "{tag_concurrency_limits: [{key: a}]}",
        "{block_op_concurrency_limited_runs: {enabled: false, op_concurrency_slot_buffer: 1}}",
    ] {
        let found = coordinator(&format!("{queued}{config}"));
        assert!(matches!(found, RunCoordinatorSettings::Unusable(_)), "{config}: {found:?}");
    }
    let launcher = "run_launcher: {module: dagster, class: DefaultRunLauncher, config: {a: b}}\n";
    assert!(matches!(loaded(launcher).run_launcher, RunLauncherSettings::Unusable(_)));
}

#[test]
fn coordinators() {
    assert_eq!(loaded("").run_coordinator, RunCoordinatorSettings::default());
    let all = "{max_concurrent_runs: {env: NUMBER}, tag_concurrency_limits: [{key: a, limit: 1}, {key: b, value: c, \
               limit: 2}, {key: d, value: {applyLimitPerUniqueValue: true}, limit: 3}, {key: e, value: \
               {applyLimitPerUniqueValue: false}, limit: 4}], dequeue_interval_seconds: 1, dequeue_use_threads: true, \
               dequeue_num_workers: 8, max_user_code_failure_retries: 9, user_code_failure_retry_delay: 10, \
               block_op_concurrency_limited_runs: {enabled: true, op_concurrency_slot_buffer: 11}}";
    let limit = |key: &str, limit, value| TagConcurrencyLimit::new(key, limit).with_value(value);
    let mut expected = QueuedRunCoordinatorSettings::new()
        .with_max_concurrent_runs(7)
        .with_tag_concurrency_limits(vec![
            limit("a", 1, TagLimitValue::Any),
            limit("b", 2, TagLimitValue::Of("c".to_owned())),
            limit("d", 3, TagLimitValue::EachByItself),
            limit("e", 4, TagLimitValue::Any),
        ])
        .with_dequeue_interval_seconds(1)
        .with_dequeue_use_threads(true)
        .with_dequeue_num_workers(8)
        .with_max_user_code_failure_retries(9)
        .with_user_code_failure_retry_delay(10);
    expected.block_op_concurrency_limited_runs.enabled = Some(true);
    expected.block_op_concurrency_limited_runs.op_concurrency_slot_buffer = 11;
    let expected = RunCoordinatorSettings::Queued(expected);
    assert_eq!(loaded(&format!("run_queue: {all}\n")).run_coordinator, expected);
    let class = "module: dagster.core.run_coordinator, class: ";
    assert_eq!(coordinator(&format!("{class}QueuedRunCoordinator, config: {all}")), expected);
    let default = coordinator(&format!("{class}DefaultRunCoordinator, config: {{}}"));
    assert_eq!(default, RunCoordinatorSettings::Default);
    let other = coordinator("module: mine, class: QueuedRunCoordinator");
    assert!(matches!(other, RunCoordinatorSettings::Other(_)), "{other:?}");
}

#[test]
fn launchers() {
    let launcher = |class: &str| loaded(&format!("run_launcher: {{{class}}}\n")).run_launcher;
    let core = "module: dagster.core.launcher";
    assert_eq!(
        launcher(&format!("{core}, class: DefaultRunLauncher")),
        RunLauncherSettings::Default
    );
    let in_memory =
        launcher(&format!("{core}.sync_in_memory_run_launcher, class: SyncInMemoryRunLauncher"));
    assert_eq!(in_memory, RunLauncherSettings::SyncInMemory);
    let docker = launcher(
        "module: dagster_docker, class: DockerRunLauncher, config: {image: {env: MISSING}}",
    );
    assert!(matches!(docker, RunLauncherSettings::Other(_)), "{docker:?}");
}

const KUBERNETES: &str = "module: dagster_k8s, class: K8sRunLauncher, config: ";

/// Which Jobs these make is compared with Dagster in `tests/it/kubernetes_jobs.rs`.
#[test]
fn jobs_of_kubernetes() {
    let kubernetes = |config: &str| {
        let yaml = format!("run_launcher: {{{KUBERNETES}{config}}}\n");
        match loaded(&yaml).run_launcher {
            RunLauncherSettings::Kubernetes(settings) => *settings,
            other => panic!("{config}: {other:?}"),
        }
    };
    let default = KubernetesSettings::new("sa", "cm");
    assert_eq!(kubernetes("{service_account_name: sa, instance_config_map: cm}"), default);
    let nulls = "{service_account_name: sa, instance_config_map: cm, job_image: null, image_pull_policy: null, \
                 image_pull_secrets: null, env_config_maps: null, env_vars: null, resources: null, kubeconfig_file: null}";
    assert_eq!(kubernetes(nulls), default);
    let all = kubernetes(
        "{service_account_name: {env: BASE}, instance_config_map: cm, postgres_password_secret: pg, dagster_home: /h, \
         job_image: {env: BASE}, image_pull_policy: Always, image_pull_secrets: [{name: {env: BASE}}], \
         load_incluster_config: false, kubeconfig_file: /k, k8s_api_ssl_ca_cert_file: /c, job_namespace: ns, \
         env_config_maps: [a, {env: BASE}], env_secrets: [b], env_vars: [A, B=1], \
         volume_mounts: [{name: {env: BASE}, mountPath: /m, read_only: {env: FALSE_TEXT}}], volumes: [{name: v, emptyDir: {}}], \
         labels: {a: b}, fail_pod_on_run_failure: true, resources: {limits: {cpu: 1}}, scheduler_name: s, \
         security_context: {runAsUser: 1}, run_k8s_config: {pod_spec_config: {nodeSelector: {a: b}}}, \
         only_allow_user_defined_k8s_config_fields: {container_config: {env: true}, namespace: true}, \
         only_allow_user_defined_env_vars: [A]}",
    );
    let json = |value: serde_json::Value| value.as_object().expect("a mapping").clone();
    let mut expected = KubernetesSettings::new("/from/env", "cm");
    expected.postgres_password_secret = Some("pg".to_owned());
    expected.dagster_home = "/h".to_owned();
    expected.job_image = Some("/from/env".to_owned());
    expected.image_pull_policy = "Always".to_owned();
    expected.image_pull_secrets = vec!["/from/env".to_owned()];
    expected.load_incluster_config = false;
    expected.kubeconfig_file = Some("/k".to_owned());
    expected.k8s_api_ssl_ca_cert_file = Some("/c".to_owned());
    expected.job_namespace = "ns".to_owned();
    expected.env_config_maps = vec!["a".to_owned(), "/from/env".to_owned()];
    expected.env_secrets = vec!["b".to_owned()];
    expected.env_vars = vec!["A".to_owned(), "B=1".to_owned()];
    expected.volume_mounts =
        vec![serde_json::json!({"name": "/from/env", "mountPath": "/m", "read_only": false})];
    expected.volumes = vec![serde_json::json!({"name": "v", "emptyDir": {}})];
    expected.labels.insert("a".to_owned(), "b".to_owned());
    expected.fail_pod_on_run_failure = Some(true);
    expected.resources = json(serde_json::json!({"limits": {"cpu": 1}}));
    expected.scheduler_name = Some("s".to_owned());
    expected.security_context = json(serde_json::json!({"runAsUser": 1}));
    expected.run_k8s_config =
        json(serde_json::json!({"pod_spec_config": {"nodeSelector": {"a": "b"}}}));
    let allowed = serde_json::json!({"container_config": {"env": true}, "namespace": true});
    expected.only_allow_user_defined_k8s_config_fields = Some(json(allowed));
    expected.only_allow_user_defined_env_vars = Some(vec!["A".to_owned()]);
    assert_eq!(all, expected);
    assert!(!format!("{all:?}").contains("B=1"), "{all:?}");
}

#[test]
fn wrong_jobs_of_kubernetes_matter_when_a_run_is_launched() {
    for (config, part) in [
        ("{instance_config_map: cm}", "service_account_name"),
        ("{service_account_name: sa}", "instance_config_map"),
        ("{service_account_name: sa, instance_config_map: cm, labels: {a: 1}}", "labels.a"),
        ("{service_account_name: sa, instance_config_map: cm, zzz: 1}", "zzz"),
        (
            "{service_account_name: sa, instance_config_map: cm, kubeconfig_file: /k}",
            "kubeconfig_file",
        ),
        (
            "{service_account_name: sa, instance_config_map: cm, volumes: [{a: b}]}",
            "volumes.0.name",
        ),
        (
            "{service_account_name: sa, instance_config_map: cm, volume_mounts: [{a: b}]}",
            "volume_mounts.0.name",
        ),
        (
            "{service_account_name: sa, instance_config_map: cm, job_image: {env: MISSING}}",
            "MISSING",
        ),
        ("{service_account_name: sa, instance_config_map: cm, resources: {limit: {}}}", "limit"),
        (
            "{service_account_name: sa, instance_config_map: cm, run_k8s_config: {merge_behavior: DEEP}}",
            "merge_behavior",
        ),
        (
            "{service_account_name: sa, instance_config_map: cm, only_allow_user_defined_k8s_config_fields: {job_config: {a: true}}}",
            "job_config",
        ),
        (
            "{service_account_name: sa, instance_config_map: cm, only_allow_user_defined_k8s_config_fields: {job_metadata: {a: 1}}}",
            "job_metadata.a",
        ),
    ] {
        match loaded(&format!("run_launcher: {{{KUBERNETES}{config}}}\n")).run_launcher {
            RunLauncherSettings::Unusable(problems) => {
                assert!(problems.to_string().contains(part), "{config}: {problems}");
            }
            other => panic!("{config}: {other:?}"),
        }
    }
}

#[test]
fn what_is_made_at_once() {
    let scheduler = "scheduler: {module: dagster.core.scheduler, class: DagsterDaemonScheduler, config: \
                     {max_catchup_runs: {env: NUMBER}}}\n";
    let expected = DaemonSchedulerSettings::new().with_max_catchup_runs(7);
    assert_eq!(loaded(scheduler).scheduler, SchedulerSettings::DagsterDaemon(expected));
    let settings = loaded(
        "local_artifact_storage: {module: dagster.core.storage.root, class: LocalArtifactStorage, config: {base_dir: \
         a}}\nsecrets: {custom: {module: dagster.core.secrets.env_file, class: EnvFileLoader, config: {base_dir: \
         /s}}}\ndefs_state_storage: {module: dagster, class: UPathDefsStateStorage, config: {base_path: 's3://b'}}\n",
    );
    assert_eq!(settings.local_artifact_storage, LocalArtifactSettings::Local("a".into()));
    assert_eq!(settings.secrets, SecretsSettings::EnvFile { base_dir: Some("/s".into()) });
    let DefsStateSettings::UPath { base_path, .. } = settings.defs_state_storage else {
        panic!("{:?}", settings.defs_state_storage)
    };
    assert_eq!(base_path, "s3://b");
    let others = loaded(
        "local_artifact_storage: {module: m, class: C}\nsecrets: {custom: {module: m, class: C}}\n\
         defs_state_storage: {module: m, class: C}\nscheduler: {module: m, class: C}\n",
    );
    assert_eq!(others.scheduler.class(), "C");
    assert!(others.local_artifact_storage.base_dir().unwrap_err().to_string().contains("m.C"));
    assert!(matches!(others.secrets, SecretsSettings::Other(_)));
    assert!(matches!(others.defs_state_storage, DefsStateSettings::Other(_)));
    let module = "module: dagster.core.scheduler, class: DagsterDaemonScheduler";
    refused(&[
        (&format!("scheduler: {{{module}, config: {{max_catchup_run: 1}}}}\n"), "max_catchup_run"),
        (
            &format!("scheduler: {{{module}, config: {{max_tick_retries: {{env: MISSING}}}}}}\n"),
            "MISSING",
        ),
        (
            "local_artifact_storage: {module: dagster.core.storage.root, class: LocalArtifactStorage}\n",
            "local_artifact_storage.config.base_dir",
        ),
    ]);
    let module = "module: dagster.core.secrets.env_file";
    let error =
        load(&format!("secrets: {{custom: {{{module}, class: PerProjectEnvFileLoader}}}}\n"));
    assert!(error.unwrap_err().contains("secrets.custom.config.location_paths"));
}
