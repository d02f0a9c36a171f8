//! The sections that name classes, but for the stores.

use std::time::Duration;

use instance_core::settings::{
    ComputeLogSettings, DaemonSchedulerSettings, DefsStateSettings, LocalArtifactSettings,
    LocalComputeLogSettings, QueuedRunCoordinatorSettings, RunCoordinatorSettings,
    RunLauncherSettings, SchedulerSettings, SecretsSettings, TagConcurrencyLimit, TagLimitValue,
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
    let s3 = "module: dagster_aws.s3.compute_log_manager, class: S3ComputeLogManager, config: {bucket: {env: MISSING}}";
    let ComputeLogSettings::Other(class) = compute_logs(s3) else { panic!("no other class") };
    assert_eq!(class.to_string(), "dagster_aws.s3.compute_log_manager.S3ComputeLogManager");
    assert_eq!(class.config["bucket"]["env"], "MISSING");
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
    let k8s = launcher("module: dagster_k8s, class: K8sRunLauncher, config: {a: {env: MISSING}}");
    assert!(matches!(k8s, RunLauncherSettings::Other(_)), "{k8s:?}");
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
