//! What `dagster.yaml` names and this version does not have, and stores that the arguments name.

use crate::home::Home;

fn configured(text: &str) -> Home {
    let home = Home::empty();
    std::fs::write(home.path().join("dagster.yaml"), text).expect("a file");
    home
}

/// The run of a command is launched here, whoever launches others.
#[test]
fn a_command_runs_under_any_launcher_and_coordinator() {
    for text in [
        "run_queue: {max_concurrent_runs: 0}\n",
        "run_coordinator: {module: dagster, class: QueuedRunCoordinator, config: {nonsense: 1}}\n",
        "run_coordinator: {module: mine, class: Mine}\nrun_launcher: {module: dagster_docker, class: DockerRunLauncher}\n",
        "compute_logs: {module: dagster.core.storage.noop_compute_log_manager, class: NoOpComputeLogManager}\n",
    ] {
        let home = configured(text);
        let ended = home.run(&["exec", "--quiet", "--", "echo", "hello"]);
        assert_eq!((ended.code, &*ended.stdout), (Some(0), "hello\n"), "{text}{ended}");
        let listed = home.run(&["run", "list"]);
        assert!(listed.stdout.contains("SUCCESS"), "{text}{listed}");
    }
}

#[test]
fn a_command_whose_output_cannot_be_captured_is_not_started() {
    let local =
        "module: dagster.core.storage.local_compute_log_manager, class: LocalComputeLogManager";
    for (section, part) in [
        (
            "module: dagster_gcp.gcs, class: GCSComputeLogManager, config: {bucket: b}",
            "GCSComputeLogManager",
        ),
        (&format!("{local}, config: {{base_dir: {{env: NO_SUCH_VARIABLE}}}}"), "NO_SUCH_VARIABLE"),
        ("module: dagster_aws.s3, class: S3ComputeLogManager, config: {bucket: a/b}", "bucket"),
    ] {
        let home = configured(&format!("compute_logs: {{{section}}}\n"));
        let ended = home.run(&["exec", "--", "echo", "hello"]);
        assert_eq!((ended.code, &*ended.stdout), (Some(125), ""), "{ended}");
        assert!(ended.stderr.contains(part) && ended.stderr.contains("captured"), "{ended}");
        assert!(!home.path().join("history").exists());
    }
}

#[test]
fn the_stores_may_be_named_by_the_arguments() {
    let home = configured("run_storage: {module: mine, class: Mine, config: {url: secret}}\n");
    let stores = tempfile::tempdir().expect("a directory");
    let stores = stores.path().to_str().expect("text");
    let ended = home.run(&["run", "list"]);
    assert_eq!(ended.code, Some(1));
    assert!(ended.stderr.contains("mine.Mine") && !ended.stderr.contains("secret"), "{ended}");
    let ended = home.run(&["--storage", stores, "exec", "--quiet", "--", "true"]);
    assert_eq!(ended.code, Some(0), "{ended}");
    let ended = home.run(&["run", "list", "--storage", stores]);
    assert!(ended.stdout.contains("SUCCESS"), "{ended}");
    let ended = home.run(&["--storage", "mysql://u:secret@h/d", "run", "list"]);
    assert_eq!(ended.code, Some(1));
    assert!(ended.stderr.contains("mysql") && !ended.stderr.contains("secret"), "{ended}");
}
