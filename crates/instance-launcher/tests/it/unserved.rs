//! Launchers and coordinators that the settings name and this version does not have.

use instance_core::config_problems::{ConfigProblem, ConfigProblems};
use instance_core::run::DagsterRunStatus;
use instance_core::settings::{ClassSettings, RunCoordinatorSettings, RunLauncherSettings};
use instance_core::testing::instance::TestInstance;
use instance_launcher::{
    DefaultRunCoordinator, LauncherContext, cancel_run, check_run_worker_health,
    configured_run_coordinator, configured_run_launcher, launch_run, submit_run,
};

use crate::support::{TestResult, add_run, errors};

fn problems() -> ConfigProblems {
    let problem = ConfigProblem::new("it is not known").with_key("run_launcher.config.a");
    ConfigProblems::new("dagster.yaml", vec![problem])
}

fn with_launcher(settings: &RunLauncherSettings) -> TestInstance {
    let mut fake = TestInstance::default().with_run_coordinator(DefaultRunCoordinator);
    fake.run_launcher = configured_run_launcher(settings, LauncherContext::default());
    fake
}

#[tokio::test]
async fn a_launch_says_what_is_missing() -> TestResult {
    let class = ClassSettings::new("dagster_docker", "DockerRunLauncher");
    for (settings, part) in [
        (RunLauncherSettings::Other(class), "dagster_docker.DockerRunLauncher"),
        (RunLauncherSettings::Unusable(problems()), "run_launcher.config.a: it is not known"),
    ] {
        let fake = with_launcher(&settings);
        let run_id = add_run(&fake, DagsterRunStatus::NotStarted);
        assert!(launch_run(&fake, &run_id).await.is_err());
        assert_eq!(fake.run(&run_id).await.status, DagsterRunStatus::Failure);
        assert!(errors(&fake, &run_id).contains(part), "{}", errors(&fake, &run_id));
        // Others may have launched a run. Nothing of it is changed.
        let run_id = add_run(&fake, DagsterRunStatus::Started);
        assert!(!cancel_run(&fake, &run_id).await?);
        assert_eq!(fake.event_types(&run_id), [""; 0]);
    }
    Ok(())
}

/// Workers of commands are found, whatever launcher is configured for code.
#[cfg(feature = "process")]
#[tokio::test]
async fn workers_of_commands_are_looked_for() -> TestResult {
    let class = ClassSettings::new("dagster_docker", "DockerRunLauncher");
    let fake = with_launcher(&RunLauncherSettings::Other(class));
    let run_id = add_run(&fake, DagsterRunStatus::Started);
    let health = check_run_worker_health(&fake, &run_id).await?;
    assert_eq!(health.status, instance_core::launcher::WorkerStatus::Unknown);
    Ok(())
}

#[tokio::test]
async fn a_submission_says_what_is_missing() -> TestResult {
    let class = ClassSettings::new("mine", "Mine");
    for (settings, part) in [
        (RunCoordinatorSettings::Other(class), "mine.Mine"),
        (RunCoordinatorSettings::Unusable(problems()), "it is not known"),
    ] {
        let fake = TestInstance {
            run_coordinator: configured_run_coordinator(&settings),
            run_launcher: configured_run_launcher(
                &RunLauncherSettings::Default,
                LauncherContext::default(),
            ),
            ..TestInstance::default()
        };
        let run_id = add_run(&fake, DagsterRunStatus::NotStarted);
        let error = submit_run(&fake, &run_id).await.map(drop).unwrap_err().to_string();
        assert!(error.contains("run_coordinator") && error.contains(part), "{error}");
        let run_id = add_run(&fake, DagsterRunStatus::Started);
        assert!(!cancel_run(&fake, &run_id).await?);
    }
    Ok(())
}
