//! References of instances between processes: a worker of Dagster's finds the instance by our reference, and we find it
//! by Dagster's.

use dagster_instance::instance_ref::InstanceRef;
use dagster_instance::serdes::{deserialize_value, serialize_value};
use dagster_instance::{DagsterInstance, ProcessEnvironment};
use dagster_instance_tests::{Home, PythonJob, dagster, dagster_with_input, execute_by_reference};
use instance_config::settings_from_ref;
use instance_core::error::BoxError;
use instance_core::run::{DagsterRunStatus, RunsFilter};
use instance_core::storage::RunsPage;
use serde_json::{Value, json};

use crate::postgres::TestDatabase;

type TestResult = Result<(), BoxError>;

/// Adds sections to the file of a home: a reference has all of them.
fn configure(home: &Home, more: &str) -> TestResult {
    let file = home.path().join("dagster.yaml");
    let text = std::fs::read_to_string(&file).unwrap_or_default();
    Ok(std::fs::write(file, format!("{text}{more}"))?)
}

const SECTIONS: &str = "run_queue:\n  max_concurrent_runs: 3\nrun_retries:\n  enabled: true\n  max_retries: 2\n\
                        telemetry:\n  enabled: false\npython_logs:\n  python_log_level: INFO\n";

/// A run that we create is executed by `dagster api execute_run`, which knows the instance by our reference alone.
async fn dagster_executes_by_our_reference(home: &Home) -> TestResult {
    configure(home, SECTIONS)?;
    let instance = DagsterInstance::builder().home(home.path()).open().await?;
    instance.create_storages().await?;
    let reference = serialize_value(instance.get_ref()?);
    let job = PythonJob::named("pipeline");
    let run = instance.create_run(job.whole_run().await?).await?;
    let executed = execute_by_reference(&reference, &run.run_id);
    assert_eq!(executed.status, "SUCCESS", "{executed:?}");
    assert_eq!(executed.steps, ["extract", "transform", "load"]);
    let stored = instance.get_run_by_id(&run.run_id).await?.ok_or("the run is gone")?;
    assert_eq!(stored.status, DagsterRunStatus::Success, "it was executed in another instance");
    let theirs = dagster_with_input("instance_ref.py", &["open"], &json!({"reference": reference}));
    assert_eq!(theirs, json!({"runs": 1, "root_directory": home.path()}));
    Ok(instance.dispose().await?)
}

/// Dagster's reference of a home opens the same instance, and is our own.
async fn we_open_by_dagsters_reference(home: &Home) -> TestResult {
    configure(home, SECTIONS)?;
    dagster("execute_jobs.py", &[&home.path().to_string_lossy(), "--count", "2"]);
    let theirs = dagster("instance_ref.py", &["of", &home.path().to_string_lossy()]);
    let text = theirs["reference"].as_str().ok_or("no reference")?;
    let reference: InstanceRef = deserialize_value(text)?;
    let settings = settings_from_ref(&reference, &ProcessEnvironment)?;
    let instance = DagsterInstance::builder().settings(settings).must_exist().open().await?;
    let runs = instance.get_runs(&RunsFilter::default(), &RunsPage::default()).await?;
    assert_eq!(json!(runs.len()), theirs["runs"]);
    assert_eq!(instance.root_directory()?, home.path());
    assert_eq!(instance.run_retries_max_retries(), 2);
    assert_eq!(instance.python_log_level(), Some("INFO"));
    // The keys of the settings have no order in Python.
    let ours = DagsterInstance::builder().home(home.path()).open().await?;
    let read = |text: &str| serde_json::from_str::<Value>(text);
    assert_eq!(read(&serialize_value(ours.get_ref()?))?, read(text)?);
    ours.dispose().await?;
    Ok(instance.dispose().await?)
}

#[tokio::test(flavor = "multi_thread")]
async fn references_in_sqlite() -> TestResult {
    dagster_executes_by_our_reference(&Home::new()).await?;
    we_open_by_dagsters_reference(&Home::new()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn references_in_postgres() -> TestResult {
    let database = TestDatabase::new("reference");
    dagster_executes_by_our_reference(&database.home()).await?;
    let database = TestDatabase::new("reference_back");
    we_open_by_dagsters_reference(&database.home()).await
}
