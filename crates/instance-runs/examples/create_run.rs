//! Creates a run of a command that is to materialise an asset, over stores in memory, and finds it again.
//!
//! `cargo run --package instance-runs --example create_run`

use instance_runs::instance_core::command::CommandSpec;
use instance_runs::instance_core::memory::MemoryInstance;
use instance_runs::instance_core::ops::EventStoreAccess;
use instance_runs::instance_core::run::RunsFilter;
use instance_runs::instance_core::storage::{RecordsForRun, RunsPage};
use instance_runs::instance_core::{AssetKey, RunId};
use instance_runs::{CommandJob, add_run_tags, create_run, find_run, get_runs};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let instance = MemoryInstance::default();

    let job = CommandJob::new("hello", &[AssetKey::new(["demo", "hello"])], false)?;
    let command = CommandSpec::new(vec!["echo".to_owned(), "hello".to_owned()])?;
    let run = create_run(&instance, job.create_run(&command)).await?;
    let tags = [("team".to_owned(), "data".to_owned())].into();
    add_run_tags(&instance, &run.run_id, &tags).await?;

    // The run says in its log which assets it is going to materialise.
    let log = instance.event_store();
    let planned = log.get_records_for_run(&RecordsForRun::new(run.run_id.clone())).await?;
    let planned: Vec<_> =
        planned.records.iter().filter_map(|record| record.event_log_entry.event_type()).collect();
    println!("{} is {}, and its log has {planned:?}", run.run_id, run.status);
    assert_eq!(planned.len(), 1);

    let filter = RunsFilter::new().with_job_name("hello".to_owned());
    let runs = get_runs(&instance, &filter, &RunsPage::default()).await?;
    assert_eq!(runs.len(), 1);
    assert_eq!(runs[0].tags.get("team").map(String::as_str), Some("data"));

    // People write the beginning of an id.
    let found = find_run(&instance, &run.run_id.as_str()[..8]).await?;
    assert_eq!(found.dagster_run.run_id, RunId::from(run.run_id.as_str()));
    Ok(())
}
