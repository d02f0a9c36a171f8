//! Cases 11, 13, 19 and 20: classes that we do not have are refused where they are needed, and only there.

use dagster_instance::settings::{ComputeLogSettings, StorageSettings, StoreSettings};
use dagster_instance::{CreateRun, DagsterInstance};
use dagster_instance_tests::Home;
use instance_core::run::RunsFilter;
use instance_core::storage::RunsPage;

use super::support::{PASSWORD, TestResult, accepted, home, open, postgres, refused, shown};
use crate::postgres::TestDatabase;

/// Makes a run with the defaults, then gives the home another file.
async fn with_a_run(yaml: &str) -> Result<Home, instance_core::error::BoxError> {
    let of_home = home("");
    let instance = open(&of_home).await?;
    instance.create_run(CreateRun::new("etl")).await?;
    instance.dispose().await?;
    std::fs::write(of_home.path().join("dagster.yaml"), yaml)?;
    Ok(of_home)
}

async fn runs(instance: &DagsterInstance) -> Result<usize, instance_core::error::BoxError> {
    Ok(instance.get_runs(&RunsFilter::default(), &RunsPage::default()).await?.len())
}

/// Case 11: runs are read, whatever captures their output.
#[tokio::test]
async fn runs_are_read_whatever_captures_their_output() -> TestResult {
    for (module, class) in [
        ("dagster_aws.s3.compute_log_manager", "S3ComputeLogManager"),
        ("dagster_gcp.gcs.compute_log_manager", "GCSComputeLogManager"),
        ("dagster_azure.blob.compute_log_manager", "AzureBlobComputeLogManager"),
        ("logs_of_ours", "OurComputeLogManager"),
        ("dagster.core.storage.noop_compute_log_manager", "NoOpComputeLogManager"),
    ] {
        let config = if class.starts_with("NoOp") {
            ""
        } else {
            "  config:\n    bucket: logs\n    container: c\n"
        };
        let yaml = format!("compute_logs:\n  module: {module}\n  class: {class}\n{config}");
        let of_home = with_a_run(&yaml).await?;
        let instance = open(&of_home).await?;
        assert_eq!(runs(&instance).await?, 1, "{class}");
        instance.dispose().await?;
        let listed = of_home.ours(&["run", "list"]).succeeded();
        assert!(listed.stdout.contains("etl"), "{class}: {}", listed.stdout);
    }
    let settings = accepted(
        "compute_logs:\n  module: dagster.core.storage.noop_compute_log_manager\n  class: NoOpComputeLogManager\n",
        &[],
    );
    assert!(matches!(settings.compute_logs, ComputeLogSettings::NoOp));
    Ok(())
}

/// The same for what launches runs.
#[tokio::test]
async fn runs_are_read_under_any_launcher_and_coordinator() -> TestResult {
    let yaml = "run_launcher:\n  module: dagster_k8s\n  class: K8sRunLauncher\n  config:\n    job_namespace: n\n\
                run_coordinator:\n  module: coordinators_of_ours\n  class: OurCoordinator\n";
    let of_home = with_a_run(yaml).await?;
    let instance = open(&of_home).await?;
    assert_eq!(runs(&instance).await?, 1);
    let error = instance.get_concurrency_config().expect_err("only the class knows");
    assert!(shown(&error).contains("coordinators_of_ours.OurCoordinator"), "{error}");
    Ok(instance.dispose().await?)
}

/// Case 13: a class of the instance decides where it is, so there is no instance without it: never an empty SQLite.
#[test]
fn an_instance_of_another_class_is_no_empty_one() {
    for yaml in [
        "instance_class:\n  module: instances_of_ours\n  class: OurInstance\n",
        "instance_class: instances_of_ours.OurInstance\n",
        "instance_class:\n",
    ] {
        let of_home = home(yaml);
        let finished = of_home.ours(&["exec", "--", "true"]);
        assert_eq!(finished.code, Some(125), "{}", finished.stderr);
        assert!(finished.stderr.contains("instance_class"), "{}", finished.stderr);
        assert!(!of_home.path().join("history").exists());
    }
}

/// Case 20: a storage that is the same as `storage.postgres`.
#[test]
fn a_custom_storage_that_we_have_is_served() {
    let yaml = format!(
        "storage:\n  custom:\n    module: dagster_postgres\n    class: DagsterPostgresStorage\n    config:\n      \
         postgres_url: postgresql://u:{PASSWORD}@h:5433/d\n"
    );
    let settings = accepted(&yaml, &[]);
    let found = postgres(&settings.storage);
    assert_eq!((found.host.as_deref(), found.port), (Some("h"), Some(5433)));
    assert!(!format!("{settings:?}").contains(PASSWORD));
}

/// Case 20: a class of one's own over a plain `postgres_db`, with the name of one of Dagster's, means what that means.
#[test]
fn a_storage_that_is_named_after_one_of_dagsters_is_served() {
    let yaml = format!(
        "run_storage:\n  module: storages_of_ours\n  class: PooledPostgresRunStorage\n  config:\n    postgres_db:\n      \
         username: u\n      password: {PASSWORD}\n      hostname: h\n      db_name: d\n"
    );
    let settings = accepted(&yaml, &[]);
    assert_eq!(postgres(&settings.storage).host.as_deref(), Some("h"));
}

/// Case 20: another class is refused by its name, with the way round.
#[tokio::test]
async fn a_storage_of_ones_own_is_refused_by_name_with_the_way_round() {
    let yaml = format!(
        "run_storage:\n  module: storages_of_ours\n  class: PooledRunStorage\n  config:\n    postgres_db:\n      \
         username: u\n      password: {PASSWORD}\n      hostname: h\n      db_name: d\n"
    );
    let of_home = home(&yaml);
    let error = match open(&of_home).await {
        Ok(instance) => match runs(&instance).await {
            Ok(_) => panic!("runs are read"),
            Err(error) => shown(&*error),
        },
        Err(error) => shown(&error),
    };
    assert!(error.contains("PooledRunStorage") && error.contains("--storage"), "{error}");
    assert!(!error.contains(PASSWORD), "{error}");
    assert!(!of_home.path().join("history").exists());
}

/// An identity of a cloud as the password of each connection is known. For what it then does, see `tokens_of_clouds.rs`.
#[test]
fn a_login_by_a_cloud_is_one_to_fields() {
    let yaml = "storage:\n  postgres:\n    postgres_db:\n      username: u\n      hostname: 127.0.0.1\n      db_name: d\n    \
                auth_provider:\n      gcp_wif: {}\n";
    let settings = accepted(yaml, &[]);
    assert!(postgres(&settings.storage).auth_provider.is_some());
    refused(
        &yaml.replace(
            "    postgres_db:\n      username: u\n      hostname: 127.0.0.1\n      db_name: d\n",
            &format!("    postgres_url: postgresql://u:{PASSWORD}@h/d\n"),
        ),
        &[],
        &["auth_provider", "postgres_url"],
    );
}

/// Case 19: everything in Postgres, and a home that cannot be written. Reading works; `exec` names the directory that
/// it needs before its command runs.
#[tokio::test]
async fn a_home_that_cannot_be_written_is_read() -> TestResult {
    let database = TestDatabase::new("sealed");
    let of_home = database.home();
    of_home.ours(&["exec", "--", "true"]).succeeded();
    let marker = Home::new();
    let touched = marker.path().join("touched");
    // Nobody, not even root, makes a directory in the place of a file.
    std::fs::remove_dir_all(of_home.path().join("storage"))?;
    std::fs::write(of_home.path().join("storage"), "a file")?;
    of_home.ours(&["run", "list"]).succeeded();
    let refused = of_home.ours(&["exec", "--", "touch", &touched.to_string_lossy()]);
    assert_eq!(refused.code, Some(125), "{}", refused.stderr);
    assert!(
        refused.stderr.contains(&*of_home.path().join("storage").to_string_lossy()),
        "{}",
        refused.stderr
    );
    assert!(!touched.exists(), "the command ran");
    Ok(())
}

/// Separate sections that name the same database as `storage` does.
#[test]
fn old_modules_and_separate_sections_are_served() {
    let section = |name: &str, module: &str, class: &str| {
        format!(
            "{name}:\n  module: {module}\n  class: {class}\n  config:\n    postgres_url: postgresql://u:{PASSWORD}@h/d\n"
        )
    };
    let yaml = [
        section("run_storage", "dagster_postgres.run_storage", "PostgresRunStorage"),
        section("event_log_storage", "dagster_postgres.event_log", "PostgresEventLogStorage"),
        section("schedule_storage", "dagster_postgres.schedule_storage", "PostgresScheduleStorage"),
    ]
    .concat();
    let separate = accepted(&yaml, &[]).storage;
    let whole = format!("storage:\n  postgres:\n    postgres_url: postgresql://u:{PASSWORD}@h/d\n");
    assert_eq!(separate, accepted(&whole, &[]).storage);
    let old = "run_storage:\n  module: dagster.core.storage.runs\n  class: SqliteRunStorage\n  config:\n    base_dir: /r\n";
    let storage: StorageSettings = accepted(old, &[]).storage;
    assert_eq!(storage.run_storage, StoreSettings::Sqlite("/r".into()));
}
